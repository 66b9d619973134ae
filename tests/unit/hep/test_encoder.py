"""Messages to octets: the specification's example, the construct as oracle, the order that collectors need."""

from __future__ import annotations

import itertools
import tracemalloc
from typing import Any

import pytest
from construct import Int24ub
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.hep import MAX_UDP_LENGTH, Chunk, Flow, Message, ProtocolType, encode, parse
from fs_hepipe.hep.constructs import Bytes, GreedyBytes, Int8ub, Int32ub, Prefixed
from fs_hepipe.hep.encoder import (
    KEPT,
    KEPT_SHARED,
    LAYOUTS,
    _before,
    _before_id,
    _behind,
    _behind_id,
    _layout,
    _packer,
    chunks,
)
from fs_hepipe.hep.schema import CHUNK, HEP3
from fs_hepipe.words.errors import HepError
from tests.unit.messages import FULL, SPEC_MESSAGE, SPEC_OCTETS, messages, unsigned

V6_MESSAGE = SPEC_MESSAGE._replace(src_ip="2001:db8::1", dst_ip="2001:db8::2")


def built(message: Message) -> bytes:
    """The message as construct itself builds it from the schema."""
    ours: list[dict[str, Any]] = [
        {"vendor_id": 0, "type_id": int(chunk_type), "body": value} for chunk_type, value in chunks(message)
    ]
    others = [{"vendor_id": other.vendor_id, "type_id": other.type_id, "body": other.data} for other in message.other]
    octets: bytes = HEP3.build([*ours[:-1], *others, ours[-1]])
    return octets


def order(octets: bytes) -> list[int]:
    return [chunk.type_id for chunk in parse(octets)]


def test_the_example_of_the_specification_is_encoded_octet_by_octet() -> None:
    assert len(SPEC_OCTETS) == 113
    assert encode(SPEC_MESSAGE) == SPEC_OCTETS


def test_ipv6_takes_24_octets_more() -> None:
    assert len(encode(V6_MESSAGE)) == 113 + 24
    assert order(encode(V6_MESSAGE))[:4] == [1, 2, 5, 6]
    assert encode(V6_MESSAGE)[6:13] == bytes.fromhex("0000 0001 0007 0a")


@pytest.mark.parametrize("protocol_type", [*ProtocolType, 0, 255])
def test_the_derived_encoder_and_construct_give_the_same_octets(protocol_type: int) -> None:
    for flow, auth_key, correlation_id, node_name, mos in itertools.product(
        (SPEC_MESSAGE, V6_MESSAGE), (None, "s3cret"), (None, "call@host"), (None, "fs1"), (None, 438)
    ):
        message = flow._replace(
            protocol_type=protocol_type, auth_key=auth_key, correlation_id=correlation_id, node_name=node_name, mos=mos
        )
        assert encode(message) == built(message)


@given(messages())
def test_the_derived_encoder_and_construct_agree_on_any_message(message: Message) -> None:
    assert encode(message) == built(message)


def test_the_chunks_come_in_the_order_that_every_collector_can_read() -> None:
    assert order(encode(FULL)) == [1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 14, 17, 19, 32, 15]


@given(messages())
def test_the_payload_is_last_and_the_correlation_id_is_not(message: Message) -> None:
    octets = encode(message)
    assert order(octets)[-1] == 15
    assert octets.endswith(message.payload)


@given(messages())
def test_a_correlation_id_ends_where_kamailio_stops_reading_it(message: Message) -> None:
    """sipcapture reads it as a C string: the octet behind it has to be zero."""
    octets = encode(message)
    for chunk in parse(octets):
        if (chunk.vendor_id, chunk.type_id) == (0, 17):
            end = chunk.offset + chunk.length
            assert octets[end] == 0 or message.other


def test_nothing_is_ever_sent_compressed() -> None:
    assert 0x10 not in order(encode(FULL))


def test_a_time_is_seconds_and_microseconds() -> None:
    parsed = {chunk.type_id: chunk.value for chunk in parse(encode(FULL._replace(timestamp=1_000_000_000_999_999)))}
    assert (parsed[9], parsed[10]) == (1_000_000_000, 999_999)


def test_text_that_is_no_utf8_keeps_its_octets() -> None:
    message = FULL._replace(correlation_id=b"caf\xe9\xff@host".decode("utf-8", "surrogateescape"))
    assert b"\0\x11\0\x10caf\xe9\xff@host" in encode(message)


def test_an_empty_text_is_a_chunk_and_no_text_is_none() -> None:
    assert 17 in order(encode(FULL._replace(correlation_id="")))
    assert 17 not in order(encode(FULL._replace(correlation_id=None)))


def test_a_chunk_of_a_vendor_stands_before_the_payload() -> None:
    octets = encode(SPEC_MESSAGE._replace(other=(Chunk(1, 0x80, b"own"),)))
    assert [(chunk.vendor_id, chunk.type_id) for chunk in parse(octets)][-2:] == [(1, 0x80), (0, 15)]


@pytest.mark.parametrize(
    "change, named",
    [
        ({"src_port": 65_536}, "src_port 65536"),
        ({"dst_port": -1}, "dst_port -1"),
        ({"protocol_type": 256}, "protocol_type 256"),
        ({"ip_protocol": 256}, "ip_protocol 256"),
        ({"capture_id": 2**32}, "capture_id 4294967296"),
        ({"mos": 65_536}, "mos 65536"),
        ({"timestamp": -1}, "timestamp_seconds -1"),
        ({"timestamp": 2**32 * 1_000_000}, "timestamp_seconds 4294967296"),
        ({"src_ip": "host.example.invalid"}, "ipv4_src_ip 'host.example.invalid'"),
        ({"dst_ip": "2001:db8::1"}, "ipv4_dst_ip '2001:db8::1'"),
        ({"src_ip": "2001:db8::1"}, "ipv6_dst_ip '82.116.0.211'"),
        ({"dst_ip": "192.0.2.1\0"}, "ipv4_dst_ip"),
        ({"correlation_id": "\ud800"}, "correlation_id"),
        ({"node_name": "n" * 65_530}, "node_name 'nnn"),
        ({"other": (Chunk(0, 0x80, b"x" * 65_530),)}, "message"),
        ({"payload": "text"}, "payload 'text'"),
    ],
)
def test_a_field_that_does_not_fit_is_named(change: dict[str, Any], named: str) -> None:
    with pytest.raises(HepError) as caught:
        encode(SPEC_MESSAGE._replace(**change))
    assert str(caught.value).startswith(named)
    assert len(str(caught.value)) < 300


def test_a_message_of_65535_octets_is_the_longest() -> None:
    room = 65_535 - (113 - 14)
    assert len(encode(SPEC_MESSAGE._replace(payload=b"x" * room))) == 65_535
    with pytest.raises(HepError, match="65536 octets"):
        encode(SPEC_MESSAGE._replace(payload=b"x" * (room + 1)))


def test_the_largest_udp_datagram_is_known() -> None:
    assert MAX_UDP_LENGTH == 65_535 - 20 - 8


def test_a_failed_message_does_not_spoil_the_next_of_its_flow() -> None:
    with pytest.raises(HepError):
        encode(SPEC_MESSAGE._replace(timestamp=-1))
    assert encode(SPEC_MESSAGE) == SPEC_OCTETS


@given(messages(), st.lists(st.tuples(unsigned[32], st.binary(max_size=100)), max_size=3))
def test_a_flow_gives_each_of_its_messages_as_construct_does(message: Message, others: list[tuple[int, bytes]]) -> None:
    flow = Flow(message)
    for seconds, payload in others:
        other = message._replace(timestamp=seconds * 1_000_000 + 999_999, payload=payload)
        assert flow.encode(other.timestamp, payload) == built(other)


@pytest.mark.parametrize(
    "timestamp, payload, named",
    [
        (-1, b"", "timestamp_seconds -1"),
        (2**32 * 1_000_000, b"", "timestamp_seconds 4294967296"),
        (0, "x", "payload 'x'"),
    ],
)
def test_what_does_not_fit_a_flow_is_named_and_does_not_spoil_it(timestamp: int, payload: Any, named: str) -> None:
    flow = Flow(SPEC_MESSAGE)
    with pytest.raises(HepError) as caught:
        flow.encode(timestamp, payload)
    assert str(caught.value).startswith(named)
    assert flow.encode(SPEC_MESSAGE.timestamp, SPEC_MESSAGE.payload) == SPEC_OCTETS


def test_what_flows_have_in_common_is_kept_and_bounded() -> None:
    for port in range(KEPT + 50):
        encode(FULL._replace(src_port=port, correlation_id=f"{port}@host", mos=port, capture_id=port))
    assert (_before.cache_info().currsize, _behind.cache_info().currsize) == (KEPT, KEPT)
    assert (_before_id.cache_info().currsize, _behind_id.cache_info().currsize) == (KEPT_SHARED, KEPT_SHARED)
    assert _layout.cache_info().currsize <= LAYOUTS


def test_the_flows_of_a_call_id_share_what_they_have_in_common() -> None:
    there = Flow(FULL)
    back = Flow(FULL._replace(src_ip=FULL.dst_ip, dst_ip=FULL.src_ip))
    assert there._behind is back._behind


def test_call_ids_of_60_kb_do_not_fill_the_memory() -> None:
    """An attacker chooses the Call-ID; what is kept of a flow must not be his to size."""
    long = "x" * 60_000
    encode(FULL._replace(correlation_id=long))
    tracemalloc.start()
    try:
        for number in range(100):
            encode(FULL._replace(correlation_id=f"{number}{long}"))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000


@pytest.mark.parametrize(
    "body, value, octets",
    [
        (Int8ub, 7, b"\7"),
        (Int32ub, 7, b"\0\0\0\7"),
        (Bytes(2), b"ab", b"ab"),
        (GreedyBytes, b"abc", b"abc"),
        (Int24ub, 7, b"\0\0\7"),
        (Prefixed(Int8ub, GreedyBytes), b"abc", b"\3abc"),
    ],
)
def test_a_packer_is_derived_from_any_construct(body: Any, value: Any, octets: bytes) -> None:
    assert _packer(body, 0x80)(value) == CHUNK.build({"vendor_id": 0, "type_id": 0x80, "body": octets})
