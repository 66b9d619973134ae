"""Which Call-IDs are opened together, for calls of more than two legs: SIP as sofia's capture sends it."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Optional

import pytest

from fs_hepipe.hep import Message, encode

from .conftest import MAPPING, Homer

pytestmark = pytest.mark.homer


def sip(call_id: str, first: str, x_cid: Optional[str] = None) -> str:
    lines = [
        first,
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1",
        "From: <sip:1001@192.0.2.1>;tag=1",
        "To: <sip:1002@192.0.2.2>",
        f"Call-ID: {call_id}",
        "CSeq: 1 INVITE",
        *([f"X-CID: {x_cid}"] if x_cid else []),
        "Content-Length: 0",
        "",
        "",
    ]
    return "\r\n".join(lines)


def send_leg(homer: Homer, call_id: str, x_cid: Optional[str] = None) -> None:
    """An INVITE and its answer, as sofia captures them: without chunk 0x0011."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        invite = sip(call_id, "INVITE sip:1002@192.0.2.2 SIP/2.0", x_cid)
        for text in (invite, sip(call_id, "SIP/2.0 486 Busy Here")):
            message = Message(
                timestamp=time.time_ns() // 1000,
                payload=text.encode(),
                protocol_type=1,
                src_ip="192.0.2.1",
                dst_ip="192.0.2.2",
                src_port=5060,
                dst_port=5060,
                capture_id=200,
            )
            sender.sendto(encode(message), ("127.0.0.1", homer.server.port))


@pytest.fixture
def mapped(homer: Homer) -> Iterator[Homer]:
    """With the mapping of conf/homer."""
    before = homer.app.mapping()["correlation_mapping"]
    homer.app.correlate(json.loads(MAPPING.read_text()))
    yield homer
    homer.app.correlate(before)


def test_a_forked_call_opens_whole_from_each_leg(mapped: Homer) -> None:
    for call_id, x_cid in (("a@fork", None), ("b@fork", "a@fork"), ("c@fork", "a@fork"), ("stranger", None)):
        send_leg(mapped, call_id, x_cid)
    mapped.server.wait_for(8)
    for leg in ("a@fork", "b@fork", "c@fork"):
        assert mapped.app.opened(leg) == ["a@fork", "b@fork", "c@fork"]
        assert len(mapped.app.transaction(leg)) == 6
    assert mapped.app.opened("stranger") == ["stranger"]


def test_a_chain_is_followed_downwards_and_one_step_up(mapped: Homer) -> None:
    for call_id, x_cid in (("a@row", None), ("b@row", "a@row"), ("c@row", "b@row")):
        send_leg(mapped, call_id, x_cid)
    mapped.server.wait_for(6)
    for leg in ("a@row", "b@row"):
        assert mapped.app.opened(leg) == ["a@row", "b@row", "c@row"]
    assert mapped.app.opened("c@row") == ["b@row", "c@row"], "Homer takes the X-CID of the opened leg alone"


def test_a_leg_that_names_no_other_is_opened_alone(mapped: Homer) -> None:
    send_leg(mapped, "a@alone")
    send_leg(mapped, "b@alone")
    mapped.server.wait_for(4)
    assert mapped.app.opened("a@alone") == ["a@alone"]
