"""A leg whose Unique-ID, chosen by an operator's `origination_uuid`, has an octet that is no UTF-8."""

from __future__ import annotations

import pytest

from .collector import eventually
from .lab import RTCP_S, Lab

pytestmark = pytest.mark.live

ODD = "caf\udce9-leg"
"""The octets `caf\\xe9-leg`, as mod_python3 hands them out."""

SHOWN = rb' leg="caf\\xe9-leg" '
"""The same in a line."""


def test_a_leg_with_an_octet_that_is_no_utf8_in_its_name_harms_neither_the_switch_nor_other_legs(lab: Lab) -> None:
    """
    The agent asks the switch about legs that live when it starts, and about those that report RTCP and that no event
    introduced: about this one both times, and text that is no UTF-8 can't be handed to the switch (contract).
    """
    odd = f"{{origination_uuid={ODD},fire_rtcp_events=true}}sofia/live/echo@127.0.0.1:{lab.b.ports.sip}"
    assert lab.a.api(f"bgapi originate {odd} &echo").startswith("+OK")
    call_ids = [lab.dial("bridge") for _ in range(3)]
    legs = [leg for call_id in call_ids for leg in lab.legs(call_id)]
    eventually("the odd leg's answer", lab.collector.line, odd_call_id(lab), "CHANNEL_ANSWER")
    had = len(lab.a.log())
    assert lab.a.hepipe("restart") == "+OK started\n"
    for leg in legs:
        lab.both_ways(leg)
    eventually("RTCP of the odd leg", lambda: heard(lab) > len(legs), patience=RTCP_S)
    lab.hang_up()
    for leg in legs:
        (line,) = eventually("hangup", lab.collector.hangups, leg.call_id)
        assert f" leg={leg.unique_id}" in line
        assert len(lab.quality_of(leg)) == 2
    (line,) = eventually("hangup of the odd leg", lab.collector.hangups, odd_call_id(lab))
    assert SHOWN.decode() in line
    report = lab.a.status()
    assert report["ledger"]["balances"] is True
    assert report["events"]["failed"] == {}
    errors = [line for line in lab.a.log()[had:].splitlines() if "[ERR]" in line and "fs_hepipe" in line]
    assert errors == []


def odd_call_id(lab: Lab) -> str:
    """The Call-ID that the odd leg's lines stand under, once there are some."""
    lines = eventually("line of the odd leg", lambda: [each for each in lab.collector if SHOWN in each.payload])
    return str(lines[-1].correlation_id)


def heard(lab: Lab) -> int:
    return int(lab.a.status()["events"]["received"].get("RECV_RTCP_MESSAGE", 0))
