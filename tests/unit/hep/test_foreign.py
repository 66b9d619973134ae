"""Datagrams of other people's encoders (tests/data/foreign) are understood, and given back chunk by chunk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fs_hepipe.hep import Chunk, Message, decode, encode, parse

FOREIGN = Path(__file__).resolve().parents[2] / "data" / "foreign"
CALL_ID = "52176daf-618b-1240-d1b8-96a756392f48"
HEPJS = Message(
    timestamp=1_795_402_163_146_092,
    payload=b"",
    protocol_type=0,
    src_ip="198.51.100.7",
    dst_ip="192.0.2.10",
    src_port=28587,
    dst_port=21901,
    capture_id=2001,
    correlation_id=CALL_ID,
    node_name="fs1",
    auth_key="s3cret",
)


def octets(name: str) -> bytes:
    return bytes.fromhex((FOREIGN / f"{name}.hex").read_text())


def test_an_rtcp_report_of_hep_js_is_understood() -> None:
    message = decode(octets("hepjs_rtcp"))
    assert message == HEPJS._replace(protocol_type=5, payload=message.payload)
    assert json.loads(message.payload) == {"type": 200, "ssrc": 2131240599, "report_blocks": []}


def test_a_quality_report_of_hep_js_is_understood_with_its_mos() -> None:
    assert decode(octets("hepjs_qos")) == HEPJS._replace(protocol_type=35, payload=b'{"MOS":4.38}', mos=438)


def test_a_log_line_of_hep_js_keeps_its_extensions() -> None:
    extensions = (Chunk(0, 0x24, b"call"), Chunk(1, 0x80, b"\1\2"))
    assert decode(octets("hepjs_log")) == HEPJS._replace(
        protocol_type=100, payload=b"CHANNEL_CREATE", other=extensions
    )


@pytest.mark.parametrize("version, host", [(4, "127.0.0.1"), (6, "::1")])
def test_a_log_line_of_kamailio_is_understood(version: int, host: str) -> None:
    message = decode(octets(f"kamailio_log_ipv{version}"))
    assert message == message._replace(
        protocol_type=100, payload=b"a call from 1001", src_ip=host, dst_ip=host, ip_protocol=17,
        capture_id=2001, correlation_id=CALL_ID, node_name=None, auth_key="s3cret", mos=None, other=(),
    )  # fmt: skip


@pytest.mark.parametrize("version, host", [(4, "127.0.0.1"), (6, "::1")])
def test_a_request_mirrored_by_kamailio_is_understood(version: int, host: str) -> None:
    message = decode(octets(f"kamailio_sip_ipv{version}"))
    assert (message.protocol_type, message.src_ip, message.correlation_id) == (1, host, None)
    assert message.payload.startswith(b"OPTIONS sip:agent@example.invalid SIP/2.0\r\n")
    via = f"{host if version == 4 else '[::1]'}:{message.src_port};branch".encode()
    assert via in message.payload


@pytest.mark.parametrize("path", sorted(FOREIGN.glob("*.hex")), ids=lambda path: path.stem)
def test_what_a_foreign_encoder_said_we_say_with_the_same_chunks(path: Path) -> None:
    theirs = octets(path.stem)
    ours = encode(decode(theirs))
    assert len(ours) == len(theirs)
    assert sorted((chunk.vendor_id, chunk.type_id, chunk.data) for chunk in parse(ours)) == sorted(
        (chunk.vendor_id, chunk.type_id, chunk.data) for chunk in parse(theirs)
    )
