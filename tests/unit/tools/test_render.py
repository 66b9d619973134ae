"""Messages of any sender as lines and as JSON: reports are read, everything else is shown as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fs_hepipe.hep import Chunk, Message, Reading, encode, read
from fs_hepipe.tools.output import Painted, plain
from fs_hepipe.tools.render import MAX_PAYLOAD, as_dictionary, clock, describe, endpoint, one_line
from tests.unit.messages import FULL, SPEC_MESSAGE

RTCP = {
    "type": 200, "sender_information": {"packets": 7}, "rtt_avg_ms": 1.5,
    "report_blocks": [{"packets_lost": 3, "fraction_lost": 25, "ia_jitter": 12}],
}  # fmt: skip
QUALITY = {
    "DIR": 0, "TOTAL_PK": 978, "EXPECTED_PK": 1043, "PACKET_LOSS": 65, "JITTER": 2.5, "RTT": 9, "RFACTOR": 80.1,
    "MOS": 4.018,
}  # fmt: skip


def described(protocol_type: int, payload: bytes) -> str:
    return plain(describe(SPEC_MESSAGE._replace(protocol_type=protocol_type, payload=payload)))


def test_reports_are_read() -> None:
    assert described(5, json.dumps(RTCP).encode()) == (
        "SR sent 7 packets, report block: lost 3 (9.8% since the last report), jitter 12, round trip 1.5 ms"
    )
    assert described(5, b'{"type":201,"report_blocks":[{"packets_lost":-1},{}]}') == (
        "RR, report block: lost -1, report block: "
    )
    assert described(34, json.dumps(QUALITY).encode()) == (
        "received 978 packets, lost 65 (6.2%), jitter 2.5 ms, round trip 9 ms, R 80.1, MOS 4.02"
    )
    periodic = {**QUALITY, "INTERVAL": 10.02, "MEAN_MOS": 3.5, "MIN_MOS": 2.75}
    assert described(34, json.dumps(periodic).encode()) == (
        "received 978 packets in 10.02 s, lost 65 (6.2%), jitter 2.5 ms, round trip 9 ms, R 80.1, MOS 4.02, mean 3.50, "
        "least 2.75"
    )
    assert described(35, b'{"MOS":4.38}') == "stream, MOS 4.38"
    assert described(99, b'{"other":1}') == '{"other":1}'


NUMBERS = ["1e400", "-1e999", "NaN", "Infinity", "-Infinity", "9" * 400, "-" + "9" * 4000, "9" * 60_000, "1e308",
           "9007199254740993", "true", '"7"', '"\\u001b[2J"', "[]", "[7]", "{}", '{"a":1}', '"\\ud800"']  # fmt: skip


def test_the_loss_is_the_cumulative_count_where_it_is_told() -> None:
    block = b'{"packets_lost":25,"cumulative_lost":87,"fraction_lost":25}'
    assert described(5, b'{"type":201,"report_blocks":[%b]}' % block) == (
        "RR, report block: lost 87 (9.8% since the last report)"
    )


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
@pytest.mark.parametrize("key", ["packets_lost", "fraction_lost", "ia_jitter", "packets", "type", "rtt_avg_ms"])
def test_a_number_that_no_rtcp_report_has_makes_it_text(key: str, number: str) -> None:
    payload = _with(RTCP, key, number)
    assert described(5, payload) == _cut(payload.decode())


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
@pytest.mark.parametrize("key", list(QUALITY))
def test_a_number_that_no_quality_report_has_makes_it_text(key: str, number: str) -> None:
    payload = _with(QUALITY, key, number)
    assert described(34, payload) == _cut(payload.decode())


def _with(report: dict[str, Any], key: str, number: str) -> bytes:
    """A report as JSON, with this instead of the value of a key, wherever it is in it."""
    text = json.dumps(report)
    begin = text.index(f'"{key}": ') + len(key) + 4
    end = min(at for at in (text.find(",", begin), text.find("}", begin)) if at >= 0)
    return (text[:begin] + number + text[end:]).encode()


def _cut(text: str) -> str:
    return text if len(text) <= MAX_PAYLOAD else text[: MAX_PAYLOAD - 1] + "…"


@pytest.mark.parametrize("protocol_type", [5, 32, 34, 35, 99])
@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 60_000, b'{"a":' * 12_000, b"[" * 30_000 + b"]" * 30_000,
        b'{"type":200,"report_blocks":' + b"[" * 60_000,
        b'{"type":200,"report_blocks":[' + b"[]," * 20_000 + b"[]]}", b"null", b"7", b'"x"', b"[1,2]", b"not json",
        b"\xff\xfe", b"\0", b"{", b'{"type":200,"report_blocks":3}', b'{"type":200,"report_blocks":[3]}',
        b'{"type":200,"sender_information":[1]}',
    ],
    ids=lambda payload: payload[:30],
)  # fmt: skip
def test_what_is_no_report_is_text(protocol_type: int, payload: bytes) -> None:
    text = described(protocol_type, payload)
    assert text.isprintable()
    assert len(text) <= 4 * MAX_PAYLOAD
    assert text[:1] == payload.decode("utf-8", "replace")[:1] or text[0] == "\\"


@pytest.mark.parametrize("lost, expected, text", [
    (1, 0, "lost 1"), (1, 1e-300, "lost 1"), (-3, 10, "lost -3 (-30.0%)"), (11, 10, "lost 11"), (1, -1, "lost 1"),
])  # fmt: skip
def test_a_share_is_shown_where_there_can_be_one(lost: int, expected: float, text: str) -> None:
    report = json.dumps({"TOTAL_PK": 5, "EXPECTED_PK": expected, "PACKET_LOSS": lost}).encode()
    assert described(34, report) == f"stream 5 packets, {text}"


def test_more_report_blocks_than_a_packet_has_are_not_shown() -> None:
    payload = json.dumps({"type": 201, "report_blocks": [{"packets_lost": 1}] * 3000}).encode()
    assert described(5, payload).count("lost") == 31


def test_a_payload_that_is_missing_or_compressed_is_named() -> None:
    packed = Chunk(0, 0x10, b"x" * 123)
    assert described(100, b"") == "no payload"
    for protocol_type in (1, 5, 34, 100):
        message = SPEC_MESSAGE._replace(protocol_type=protocol_type, payload=b"", other=(Chunk(1, 0x10, b"-"), packed))
        assert plain(describe(message)) == "compressed payload of 123 octets (0x0010)"


def test_what_is_unknown_is_a_hyphen_in_a_line_and_null_in_json() -> None:
    reading = Reading(1, Message(0, b"x", 1, "", ""), ("strange\x1b",))
    assert plain(one_line(reading)) == "- 1 sip              -:0 -> -:0 - x [strange\\x1b]"
    found = as_dictionary(reading)
    assert [found[key] for key in ("timestamp", "src_ip", "dst_ip", "ip_family", "correlation_id")] == [None] * 5
    assert (found["hep_version"], found["remarks"]) == (1, ["strange\\x1b"])
    assert (clock(0), endpoint("", 5060)) == ("-", "-:5060")


def test_json_has_all_of_a_message_and_only_what_every_reader_takes() -> None:
    found = json.loads(json.dumps(as_dictionary(read(encode(FULL)))))
    assert found["auth_key"] == "s3cret"
    odd = FULL._replace(correlation_id="a\udce9", node_name="\udcff", auth_key=None, payload=b"\xff")
    found = json.loads(json.dumps(as_dictionary(read(encode(odd)))))
    assert (found["correlation_id_hex"], found["node_name_hex"], found["payload_hex"]) == ("61e9", "ff", "ff")
    assert found["auth_key"] is None
    assert not {"correlation_id", "node_name", "payload"} & set(found)


def test_a_remark_is_part_of_the_line() -> None:
    line = one_line(Reading(3, FULL, ("there is no micros",)))
    assert line[-1] == Painted("yellow", "[there is no micros]")
