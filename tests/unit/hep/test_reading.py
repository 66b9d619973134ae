"""What a viewer makes of datagrams that collectors take and our own encoder never makes, and of HEP1 and HEP2."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.hep import Chunk, Framing, Message, Reading, decode, encode, parse, read
from fs_hepipe.hep.decoder import MAX_REMARKS, chunks
from fs_hepipe.hep.encoder import pack_data
from fs_hepipe.hep.registry import MAGIC, ChunkType
from fs_hepipe.words.errors import HepError
from tests.unit.messages import FULL, SPEC_MESSAGE, SPEC_OCTETS, messages

SPEC_CHUNKS = SPEC_OCTETS[6:]


def framed(octets: bytes) -> bytes:
    return MAGIC + (6 + len(octets)).to_bytes(2, "big") + octets


def without(*type_ids: int) -> bytes:
    """The specification's example without some chunks."""
    kept = (chunk for chunk in parse(SPEC_OCTETS) if chunk.type_id not in type_ids)
    return framed(b"".join(SPEC_OCTETS[chunk.offset : chunk.offset + chunk.length] for chunk in kept))


@given(messages())
def test_what_our_encoder_makes_is_read_as_it_is_decoded(message: Message) -> None:
    assert read(encode(message)).message == decode(encode(message))


@pytest.mark.parametrize("message", [SPEC_MESSAGE, FULL, FULL._replace(src_ip="2001:db8::1", dst_ip="2001:db8::2")])
def test_there_is_nothing_to_remark_on_our_own_datagrams(message: Message) -> None:
    assert read(encode(message)) == Reading(3, message, ())


@pytest.mark.parametrize(
    "type_id, field, unknown",
    [
        (ChunkType.TIMESTAMP_MICROS, "micros", {"timestamp": 1_313_440_459_000_000}),
        (ChunkType.IPV4_SRC_IP, "src_ip", {"src_ip": ""}),
        (ChunkType.IPV4_DST_IP, "dst_ip", {"dst_ip": ""}),
        (ChunkType.SRC_PORT, "src_port", {"src_port": 0}),
        (ChunkType.DST_PORT, "dst_port", {"dst_port": 0}),
        (ChunkType.PROTOCOL_TYPE, "protocol_type", {"protocol_type": 0}),
    ],
)
def test_a_chunk_that_is_not_there_is_remarked(type_id: int, field: str, unknown: dict[str, object]) -> None:
    reading = read(without(type_id))
    assert reading.remarks == (f"there is no {field}",)
    assert reading.message == SPEC_MESSAGE._replace(**unknown)  # type: ignore[arg-type]


def test_a_message_without_any_time_or_address_is_shown() -> None:
    reading = read(without(1, 2, 3, 4, 7, 8, 9, 10, 11, 12))
    assert reading.message == Message(0, b"INVITE sip:bob", 0, "", "")
    assert reading.remarks == ("there is no src_ip, dst_ip, seconds, micros, protocol_type, src_port, dst_port",)


def test_addresses_of_both_families_are_the_last_ones() -> None:
    """heplify-server and Kamailio take the last ones too (decoder/hep.go, sipcapture/hep.c)."""
    sixes = socket.inet_pton(socket.AF_INET6, "2001:db8::1"), socket.inet_pton(socket.AF_INET6, "2001:db8::2")
    reading = read(framed(SPEC_CHUNKS + pack_data(0, 5, sixes[0]) + pack_data(0, 6, sixes[1])))
    assert (reading.message.src_ip, reading.message.dst_ip) == ("2001:db8::1", "2001:db8::2")
    assert reading.remarks == (
        "offset 113: src_ip is there twice, the first one was '212.202.0.1'",
        "offset 135: dst_ip is there twice, the first one was '82.116.0.211'",
        "the ip_family is 2, which is not that of the addresses",
    )
    mixed = read(framed(SPEC_CHUNKS.replace(pack_data(0, 4, b"\x52\x74\0\xd3"), pack_data(0, 6, sixes[1]))))
    assert (mixed.message.src_ip, mixed.message.dst_ip) == ("212.202.0.1", "2001:db8::2")
    assert mixed.remarks == ("the addresses are of two families: 212.202.0.1, 2001:db8::2",)


def test_a_repeated_correlation_id_is_the_last_one() -> None:
    reading = read(framed(SPEC_CHUNKS + pack_data(0, 17, b"first\x1b[2J") + pack_data(0, 17, b"second")))
    assert reading.message.correlation_id == "second"
    assert reading.remarks == (r"offset 128: correlation_id is there twice, the first one was 'first\x1b[2J'",)


def test_a_chunk_of_another_width_is_kept_as_octets() -> None:
    octets = SPEC_CHUNKS.replace(pack_data(0, 12, b"\0\0\0\xe4"), pack_data(0, 12, b"\0\xe4"))
    reading = read(framed(octets))
    assert reading.message == SPEC_MESSAGE._replace(capture_id=0, other=(Chunk(0, 12, b"\0\xe4"),))
    (remark,) = reading.remarks
    assert "chunk 0x0000/0x000c has a body of 2 octets, which is not its width: heplify-server refuses it" in remark


def test_chunks_of_other_vendors_are_not_taken_for_ours() -> None:
    reading = read(framed(SPEC_CHUNKS + pack_data(2, 15, b"not the payload") + pack_data(77, 0x80, b"x")))
    assert reading.message == SPEC_MESSAGE._replace(other=(Chunk(2, 15, b"not the payload"), Chunk(77, 0x80, b"x")))
    (remark,) = reading.remarks
    assert remark == "offset 113: chunk 0x0002/0x000f is of Kamailio, heplify-server takes it for the payload"


def test_a_payload_that_is_missing_compressed_or_empty_is_no_remark() -> None:
    assert read(without(15)).message.payload == b""
    packed = read(framed(without(15)[6:] + pack_data(0, 16, b"packed")))
    assert packed.message.other == (Chunk(0, 16, b"packed"),)
    assert read(framed(without(15)[6:] + pack_data(0, 15, b""))).remarks == packed.remarks == ()


def test_more_than_a_second_of_microseconds_is_remarked() -> None:
    late = framed(SPEC_CHUNKS.replace(pack_data(0, 10, b"\0\1\xd4\xc0"), pack_data(0, 10, b"\xff\xff\xff\xff")))
    assert read(late).message.timestamp == 1_313_440_459_000_000 + 0xFFFFFFFF
    assert read(late).remarks == ("4294967295 microseconds are a second or more",)


def test_a_thousand_remarks_are_few() -> None:
    reading = read(framed(SPEC_CHUNKS + pack_data(0, 17, b"") * 10_000))
    assert len(reading.remarks) == MAX_REMARKS + 1
    assert reading.remarks[-1] == f"and {9_999 - MAX_REMARKS} more remarks"


@pytest.mark.parametrize("says", [0, 6, 107, 119, 65535])
def test_a_length_that_is_wrong_is_remarked_where_the_chunks_fill_the_datagram(says: int) -> None:
    """107 is the length without its own header: Kamailio and sngrep read it."""
    reading = read(MAGIC + says.to_bytes(2, "big") + SPEC_CHUNKS)
    assert reading.message == SPEC_MESSAGE
    assert reading.remarks == (
        f"offset 4: the length says {says} octets, there are 113: heplify-server refuses it",
    )  # fmt: skip


def test_what_follows_a_whole_message_is_remarked() -> None:
    assert read(SPEC_OCTETS + b"\0\0").message == SPEC_MESSAGE
    assert read(SPEC_OCTETS + b"\0\0").remarks == (
        "offset 4: the length says 113 octets, there are 115: heplify-server refuses it",
    )


@pytest.mark.parametrize("cut", range(7, 113))
def test_what_is_cut_in_a_chunk_is_none(cut: int) -> None:
    if cut in {chunk.offset for chunk in parse(SPEC_OCTETS)}:
        assert read(SPEC_OCTETS[:cut]).remarks
        return
    with pytest.raises(HepError, match=f"offset 4: the length says 113 octets, there are {cut}"):
        read(SPEC_OCTETS[:cut])


@pytest.mark.parametrize(
    "octets", [b"", b"H", b"HEP", b"HEP4\0\6", b"EEP1\0\6", b"\1", b"\1\x10", b"\2\x1c\7" + b"\0" * 60]
)
def test_what_is_no_hep_fails_at_offset_0(octets: bytes) -> None:
    with pytest.raises(HepError, match="offset 0: starts with"):
        read(octets)


@pytest.mark.parametrize("octets", [b"HEP3", b"HEP3\0", b"HEP3\0\6", framed(b"\0\0\0\x0f\0\5"), framed(b"\0\0\0")])
def test_what_has_no_chunk_fails(octets: bytes) -> None:
    with pytest.raises(HepError, match=r"offset [46]: "):
        read(octets)


# --- HEP1 and HEP2 ---

V4 = socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2")
V6 = socket.inet_pton(socket.AF_INET6, "2001:db8::1") + socket.inet_pton(socket.AF_INET6, "2001:db8::2")


def old(version: int, family: int, addresses: bytes, behind: bytes = b"", length: int = 0) -> bytes:
    """The header that sofia-sip writes (tport_logging.c:tport_capt_msg_hepv2)."""
    length = length or 8 + len(addresses) + len(behind)
    return struct.pack(">BBBBHH", version, length, family, 17, 5060, 5061) + addresses + behind + b"INVITE sip:bob"


EXPECTED = Message(0, b"INVITE sip:bob", 1, "192.0.2.1", "192.0.2.2", 5060, 5061)


def test_hep1_is_read() -> None:
    assert read(old(1, 2, V4)) == Reading(1, EXPECTED, ("HEP1: heplify-server reads it only if HEPv2Enable is set",))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("filled", [b"", b"\0\0"])
def test_hep2_is_read_in_the_byte_order_of_its_sender(order: str, filled: bytes) -> None:
    time = struct.pack(f"{order}IIH", 1_795_402_159, 124_125, 2001) + filled
    assert read(old(2, 2, V4, time)) == Reading(
        2,
        EXPECTED._replace(timestamp=1_795_402_159_124_125, capture_id=2001),
        ("HEP2: heplify-server reads it only if HEPv2Enable is set",),
    )


@pytest.mark.parametrize("family", [10, 28, 30])
@pytest.mark.parametrize("version", [1, 2])
def test_old_hep_over_ipv6_is_read(version: int, family: int) -> None:
    message = read(old(version, family, V6, struct.pack("<IIHxx", 1, 2, 3) if version == 2 else b"")).message
    assert (message.src_ip, message.dst_ip, message.payload) == ("2001:db8::1", "2001:db8::2", b"INVITE sip:bob")


@pytest.mark.parametrize("length", [3, 255])
def test_old_hep_with_a_wrong_length_is_read_with_a_remark(length: int) -> None:
    reading = read(old(1, 2, V4, length=length))
    assert reading.message == EXPECTED
    assert reading.remarks[1:] == (f"its header gives its length as {length}, which can't be",)


@pytest.mark.parametrize("cut", range(3, 16))
def test_old_hep_that_is_cut_is_named(cut: int) -> None:
    with pytest.raises(HepError, match=f"offset {cut}: HEP2 ends in its header"):
        read(old(2, 2, V4)[:cut])


@pytest.mark.parametrize("cut", range(16, 26))
def test_hep2_that_ends_before_its_time_still_has_its_addresses(cut: int) -> None:
    reading = read(old(2, 2, V4, b"\0" * 12)[:cut])
    assert (reading.message.src_ip, reading.message.dst_ip, reading.message.timestamp) == ("192.0.2.1", "192.0.2.2", 0)
    assert "it ends before its time" in reading.remarks


# --- anything ---


def taken(octets: bytes) -> bool:
    """Whether octets are read; anything but a reading or a HepError fails the test."""
    try:
        reading = read(octets)
    except HepError:
        return False
    assert len(reading.remarks) <= MAX_REMARKS + 1
    return True


@given(st.binary(max_size=200))
def test_any_octets_are_read_or_a_heperror(octets: bytes) -> None:
    taken(octets)
    taken(framed(octets))
    taken(b"\2\x1c\2" + octets)


@given(messages(), st.data())
def test_what_the_strict_way_takes_the_tolerant_way_takes_too(message: Message, data: st.DataObject) -> None:
    octets = bytearray(encode(message))
    octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        strict = decode(bytes(octets))
    except HepError:
        taken(bytes(octets))
    else:
        assert read(bytes(octets)).message == strict
        assert chunks(bytes(octets)) == (list(parse(bytes(octets))), [])


# --- streams ---


@given(st.lists(messages(), max_size=4), st.data())
def test_a_stream_is_the_same_datagrams_wherever_it_is_cut(sent: list[Message], data: st.DataObject) -> None:
    stream = b"".join(map(encode, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    framing = Framing()
    found = [
        decode(datagram)
        for begin, end in zip([0, *cuts], [*cuts, len(stream)])
        for datagram in framing.feed(stream[begin:end])
    ]
    assert found == sent
    assert (framing.offset, framing.rest) == (len(stream), b"")


def test_a_stream_gives_octet_by_octet_what_is_complete() -> None:
    framing = Framing()
    found = [(at, datagram) for at, octet in enumerate(SPEC_OCTETS * 2) for datagram in framing.feed(bytes([octet]))]
    assert found == [(112, SPEC_OCTETS), (225, SPEC_OCTETS)]


@pytest.mark.parametrize(
    "behind, error",
    [
        (b"X", "offset 113: starts with b'X', not with b'HEP3'"),
        (b"HEX", "offset 113: starts with b'HEX'"),
        (b"HEP3\0\5", "offset 117: the length says 5 octets"),
    ],
)
def test_a_stream_that_is_no_hep3_behind_a_datagram_fails_there(behind: bytes, error: str) -> None:
    framing = Framing()
    found = framing.feed(SPEC_OCTETS + behind)
    assert next(found) == SPEC_OCTETS
    with pytest.raises(HepError, match=error):
        next(found)


def test_a_stream_that_ends_in_a_datagram_has_a_rest() -> None:
    framing = Framing()
    assert list(framing.feed(SPEC_OCTETS + SPEC_OCTETS[:50])) == [SPEC_OCTETS]
    assert framing.rest == SPEC_OCTETS[:50]


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_stream_gives_datagrams_or_a_heperror(stream: bytes, step: int) -> None:
    framing = Framing()
    found: list[bytes] = []
    try:
        for at in range(0, len(stream), step):
            found += framing.feed(stream[at : at + step])
    except HepError:
        pass
    assert b"".join(found) == stream[: framing.offset]
    assert len(framing.rest) <= 65_535 + step
