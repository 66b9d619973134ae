"""Who did it, whom it was about, by which transport and when: the lines of real calls."""

from __future__ import annotations

import re
from typing import Optional

import pytest

from fs_hepipe.hep import IpProtocol, Message
from fs_hepipe.hep.registry import ProtocolType

from .collector import eventually
from .lab import Lab, destination, source
from .switch import Endpoint

pytestmark = pytest.mark.live


def line(lab: Lab, call_id: str, event: str, number: int = 1) -> Message:
    """The so-manyeth line of an event, once it has come."""
    found = eventually(f"{event} {number} of {call_id}", lines, lab, call_id, event, number)
    message = found[number - 1]
    assert isinstance(message, Message)
    return message


def lines(lab: Lab, call_id: str, event: str, least: int) -> Optional[list[Message]]:
    found = [each for each in lab.collector.of(call_id) if each.payload.startswith(event.encode() + b" ")]
    return found if len(found) >= least else None


def sides(lab: Lab) -> tuple[Endpoint, Endpoint]:
    """The phone's SIP address and ours."""
    return ("127.0.0.1", lab.b.ports.sip), ("127.0.0.1", lab.a.ports.sip)


def test_a_hold_goes_from_the_side_that_held(lab: Lab) -> None:
    call_id = lab.dial("bridge")
    incoming, _ = lab.legs(call_id)
    phone, ours = sides(lab)
    for number, (switch, leg, side) in enumerate(
        [(lab.b, call_id.partition("@")[0], phone), (lab.a, incoming.unique_id, ours)], 1
    ):
        for word, event in (("", "CHANNEL_HOLD"), ("off ", "CHANNEL_UNHOLD")):
            switch.api(f"uuid_hold {word}{leg}")
            assert source(line(lab, call_id, event, number)) == side


def test_a_phone_that_hangs_up_while_it_holds_ends_its_hold(lab: Lab) -> None:
    call_id = lab.dial("bridge")
    lab.legs(call_id)
    phone, _ = sides(lab)
    lab.b.api(f"uuid_hold {call_id.partition('@')[0]}")
    line(lab, call_id, "CHANNEL_HOLD")
    lab.hang_up(call_id)
    assert source(line(lab, call_id, "CHANNEL_UNHOLD")) == phone
    assert source(line(lab, call_id, "CHANNEL_HANGUP_COMPLETE")) == phone


@pytest.mark.parametrize("held_by_us", [True, False])
def test_the_switch_that_hangs_up_ends_the_hold_whoever_held(lab: Lab, held_by_us: bool) -> None:
    call_id = lab.dial("bridge")
    incoming, _ = lab.legs(call_id)
    _, ours = sides(lab)
    if held_by_us:
        lab.a.api(f"uuid_hold {incoming.unique_id}")
    else:
        lab.b.api(f"uuid_hold {call_id.partition('@')[0]}")
    line(lab, call_id, "CHANNEL_HOLD")
    lab.a.api(f"uuid_kill {incoming.unique_id}")
    assert source(line(lab, call_id, "CHANNEL_UNHOLD")) == ours
    assert source(line(lab, call_id, "CHANNEL_HANGUP_COMPLETE")) == ours


def test_the_end_of_a_bridge_names_who_was_left(lab: Lab) -> None:
    first, second = lab.dial("bridge"), lab.dial("bridge")
    incoming, outgoing = lab.legs(first)
    _, third = lab.legs(second)
    lab.a.api(f"uuid_bridge {incoming.unique_id} {third.unique_id}")
    end = line(lab, first, "CHANNEL_UNBRIDGE").payload.decode()
    bridge = line(lab, first, "CHANNEL_BRIDGE", 2).payload.decode()
    assert f" other-leg={outgoing.unique_id} other-call-id={outgoing.call_id} " in end
    assert f" other-leg={third.unique_id} other-call-id={third.call_id} " in bridge


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_call_carries_its_transport_and_both_addresses(lab: Lab, transport: str) -> None:
    call_id = lab.dial("bridge", transport=transport)
    lab.legs(call_id)
    port = lab.a.ports.tls if transport == "tls" else lab.a.ports.sip
    phone = lab.b.tcp_connections(("127.0.0.1", port))
    created = line(lab, call_id, "CHANNEL_CREATE")
    assert source(created) in phone
    assert destination(created) == ("127.0.0.1", port)
    assert created.ip_protocol == IpProtocol.TCP
    answer = line(lab, call_id, "CHANNEL_ANSWER")
    assert (source(answer), destination(answer)) == (destination(created), source(created))


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_an_outgoing_call_over_tcp_has_the_port_that_it_came_from(lab: Lab, transport: str) -> None:
    port = lab.b.ports.tls if transport == "tls" else lab.b.ports.sip
    answer = lab.a.api(f"originate sofia/live/echo@127.0.0.1:{port};transport={transport} &park()")
    unique_id = answer.split()[1]
    call_id = lab.a.api(f"uuid_getvar {unique_id} sip_call_id").strip()
    message = line(lab, call_id, "CHANNEL_ANSWER")
    assert source(message) == ("127.0.0.1", port)
    assert destination(message) in lab.a.tcp_connections(("127.0.0.1", port))
    assert message.ip_protocol == IpProtocol.TCP


def test_the_lines_of_each_leg_are_in_order_and_no_two_have_one_time(lab: Lab) -> None:
    others = len(list(lab.collector))  # of other tests, whose agents were restarted
    call_id = lab.dial("loop", seconds=2)
    lab.collector.line(call_id, "CHANNEL_HANGUP_COMPLETE")
    eventually("end of the calls", lambda: not lab.a.channels())
    of_leg: dict[bytes, list[tuple[int, int]]] = {}  # legs under one Call-ID: one that waited for it sends later
    for message in [each for each in list(lab.collector)[others:] if each.protocol_type == ProtocolType.LOG]:
        told = re.search(rb" leg=(\S+) .*?\bseq=(\d+)", message.payload)
        if told is not None:
            of_leg.setdefault(told[1], []).append((int(told[2]), message.timestamp))
    assert len(of_leg) > 2
    assert any(len(told_of_leg) > 4 for told_of_leg in of_leg.values())
    for told_of_leg in of_leg.values():
        for before, after in zip(told_of_leg, told_of_leg[1:]):
            assert before[0] < after[0]
            assert before[1] < after[1]
