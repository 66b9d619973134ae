"""Octets to messages: anybody's HEP3, and a HepError that names the offset for everything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.hep import Chunk, Message, decode, encode, parse
from fs_hepipe.hep.encoder import pack_data
from fs_hepipe.hep.schema import HEP3
from fs_hepipe.words.errors import HepError
from tests.unit.messages import FULL, SPEC_MESSAGE, SPEC_OCTETS, messages

PAYLOAD_AT = 113 - 20
SPEC_CHUNKS = SPEC_OCTETS[6:]


def framed(chunks: bytes) -> bytes:
    return b"HEP3" + (6 + len(chunks)).to_bytes(2, "big") + chunks


def without(type_id: int) -> bytes:
    """The specification's example without one chunk."""
    kept = (chunk for chunk in parse(SPEC_OCTETS) if chunk.type_id != type_id)
    return framed(b"".join(SPEC_OCTETS[chunk.offset : chunk.offset + chunk.length] for chunk in kept))


def test_the_example_of_the_specification_says_what_the_specification_says() -> None:
    assert decode(SPEC_OCTETS) == SPEC_MESSAGE


def test_the_chunks_of_a_datagram_are_told_with_their_offsets() -> None:
    found = [(chunk.offset, chunk.vendor_id, chunk.type_id, chunk.length, chunk.value) for chunk in parse(SPEC_OCTETS)]
    assert found[:3] == [(6, 0, 1, 7, 2), (13, 0, 2, 7, 17), (20, 0, 3, 10, "212.202.0.1")]
    assert found[-1] == (PAYLOAD_AT, 0, 15, 20, b"INVITE sip:bob")
    assert list(parse(SPEC_OCTETS))[2].data == b"\xd4\xca\0\1"


@given(messages())
def test_what_was_encoded_is_decoded(message: Message) -> None:
    assert decode(encode(message)) == message


def test_a_message_with_everything_is_decoded() -> None:
    assert decode(encode(FULL)) == FULL


def test_chunks_that_nobody_has_a_field_for_are_kept() -> None:
    other = (Chunk(0, 0x12, b"\0\7"), Chunk(1, 0x0F, b"not the payload"), Chunk(0, 0x2A, b""))
    message = decode(framed(SPEC_CHUNKS + b"".join(pack_data(*chunk) for chunk in other)))
    assert message.other == other
    assert message.payload == SPEC_MESSAGE.payload
    assert decode(encode(message)) == message


def test_a_payload_that_is_missing_reads_as_empty() -> None:
    assert decode(without(15)).payload == b""


def test_the_family_is_told_by_the_addresses() -> None:
    """Some senders leave chunk 1 out or give it as AF_INET6 of another system."""
    assert decode(without(1)) == SPEC_MESSAGE
    assert decode(SPEC_OCTETS.replace(b"\0\1\0\7\2", b"\0\1\0\7\x1e")) == SPEC_MESSAGE


@pytest.mark.parametrize(
    "type_id, missing",
    [(3, "src_ip"), (4, "dst_ip"), (9, "seconds"), (10, "micros"), (11, "protocol_type")],
)
def test_a_message_needs_addresses_a_time_and_a_type(type_id: int, missing: str) -> None:
    with pytest.raises(HepError, match=f"offset {len(without(type_id))}: ends without {missing}"):
        decode(without(type_id))


@pytest.mark.parametrize("octets", [b"", b"H", b"HEP", b"HEP2\0\6", b"EEP1\0\6", b"\0" * 113])
def test_octets_that_are_no_hep3_fail_at_offset_0(octets: bytes) -> None:
    with pytest.raises(HepError, match="offset 0: "):
        decode(octets)


@pytest.mark.parametrize("octets", [b"HEP3", b"HEP3\0"])
def test_a_header_that_ends_early_fails_at_the_length(octets: bytes) -> None:
    with pytest.raises(HepError, match="offset 4: ends before the length"):
        decode(octets)


@pytest.mark.parametrize("cut", range(6, 113))
def test_a_truncated_datagram_fails_at_the_length(cut: int) -> None:
    with pytest.raises(HepError, match=f"offset 4: the length says 113 octets, there are {cut}"):
        decode(SPEC_OCTETS[:cut])


def test_a_datagram_that_goes_on_fails_at_the_length() -> None:
    with pytest.raises(HepError, match="offset 4: the length says 113 octets, there are 114"):
        decode(SPEC_OCTETS + b"\0")


def test_a_truncated_last_chunk_is_found_where_it_begins() -> None:
    for cut in range(1, 20):
        with pytest.raises(HepError, match=f"offset {PAYLOAD_AT}: "):
            decode(framed(SPEC_OCTETS[6:-cut]))


def test_a_chunk_header_that_ends_early_says_how_much_is_left() -> None:
    with pytest.raises(HepError, match="offset 113: 3 octets are left, a chunk's header has 6"):
        decode(framed(SPEC_CHUNKS + b"\0\0\0"))


@pytest.mark.parametrize("length", range(6))
def test_a_chunk_shorter_than_its_own_header_fails_at_its_offset(length: int) -> None:
    chunks = SPEC_CHUNKS + b"\0\0\0\x2a" + length.to_bytes(2, "big")
    with pytest.raises(HepError, match=f"offset 113: chunk 0x0000/0x002a gives its length as {length}"):
        decode(framed(chunks))


def test_a_chunk_longer_than_the_rest_fails_at_its_offset() -> None:
    chunks = SPEC_CHUNKS + b"\0\1\0\x80\0\x09ab"
    with pytest.raises(HepError, match="offset 113: chunk 0x0001/0x0080 gives its length as 9, 8 octets are left"):
        decode(framed(chunks))


@pytest.mark.parametrize("type_id, width", [(1, 2), (2, 0), (7, 4), (9, 8), (11, 2), (12, 2), (3, 16), (0x20, 1)])
def test_a_chunk_of_the_wrong_width_fails_at_its_offset(type_id: int, width: int) -> None:
    chunks = SPEC_CHUNKS + pack_data(0, type_id, b"\0" * width)
    with pytest.raises(HepError, match=f"offset 113: chunk 0x0000/0x{type_id:04x} has a body of {width} octets"):
        decode(framed(chunks))


@pytest.mark.parametrize("type_id", [1, 3, 7, 9, 15])
def test_a_doubled_chunk_fails_at_the_second(type_id: int) -> None:
    first = next(chunk for chunk in parse(SPEC_OCTETS) if chunk.type_id == type_id)
    with pytest.raises(HepError, match=r"offset 113: \w+ is there twice"):
        decode(framed(SPEC_CHUNKS + pack_data(0, type_id, first.data)))


def test_addresses_of_both_families_are_refused() -> None:
    both = SPEC_CHUNKS.replace(pack_data(0, 4, b"\x52\x74\0\xd3"), pack_data(0, 6, b"\0" * 16))
    with pytest.raises(HepError, match="two families"):
        decode(framed(both))
    with pytest.raises(HepError, match="offset 113: src_ip is there twice"):
        decode(framed(SPEC_CHUNKS + pack_data(0, 5, b"\0" * 16)))


def understood(octets: bytes) -> bool:
    """Whether octets are a message; anything but a message or a HepError fails the test."""
    try:
        return isinstance(decode(octets), Message)
    except HepError:
        return False


@given(st.binary(max_size=200))
def test_any_octets_are_a_message_or_a_heperror(octets: bytes) -> None:
    assert not understood(octets)
    understood(framed(octets))


@given(messages(), st.data())
def test_a_damaged_datagram_is_a_message_or_a_heperror(message: Message, data: st.DataObject) -> None:
    octets = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(octets) - 1))
        octets[at : at + data.draw(st.integers(0, 1))] = data.draw(st.sampled_from([b"", b"\0", b"\x7f", b"\xff"]))
    understood(bytes(octets))
    octets[4:6] = len(octets).to_bytes(2, "big")
    understood(bytes(octets))


@given(st.binary(max_size=60))
def test_the_construct_and_the_chunk_by_chunk_parser_accept_the_same(octets: bytes) -> None:
    framed_octets = framed(SPEC_CHUNKS + octets)
    try:
        chunks = HEP3.parse(framed_octets)
    except Exception:  # noqa: BLE001  whatever construct says
        with pytest.raises(HepError):
            list(parse(framed_octets))
    else:
        assert [(chunk.vendor_id, chunk.type_id, chunk.body) for chunk in chunks] == [
            (chunk.vendor_id, chunk.type_id, chunk.value) for chunk in parse(framed_octets)
        ]
