"""The times of lines against those of the SIP that caused them: the agent and sofia's own capture share a collector."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable, NamedTuple

import pytest

from fs_hepipe.hep import Message
from fs_hepipe.hep.registry import ProtocolType

from .collector import Collector, eventually
from .configuration import WITH_PYTHON, free_ports
from .conftest import install, is_up, running
from .lab import Lab
from .switch import Installation, Switch

pytestmark = pytest.mark.live

CALLS = {"bridge": 12, "refused": 12, "ringing": 12}
"""By extension: answered, refused, and cancelled while it rings."""

LIVES_FROM = {"bridge": "CHANNEL_BRIDGE", "ringing": "CHANNEL_PROGRESS"}
"""The event after which such a call is ended."""

AT_ONCE = 6
"""Calls that live at the same time; each begins and ends at another moment of a step of the event clock."""

LATE_MS = 30
"""How much later than its SIP message a line may be."""

UNTIL_ENDED_MS = 40
"""
How much later FreeSWITCH itself is with CHANNEL_HANGUP_COMPLETE where the far end left a bridge or an attempt: the
leg's thread has to come back from it first, in steps of 20 ms (measured: 2 to 35 ms by the event's own stamp).
"""

TOLERATED = 0.03
"""
The share of lines that a loaded machine may keep from it. By the stamps of the events, nine in ten are too early.
"""


class Pair(NamedTuple):
    """A line and the SIP message that caused it."""

    event: str
    sip: str
    call_id: str
    late_ms: float
    """Of the line after the message."""
    within_ms: int
    """How late it may be."""

    def __str__(self) -> str:
        return f"{self.event} {self.late_ms:+.1f} ms after {self.sip} of {self.call_id}"


class Sip(NamedTuple):
    """A SIP message, as far as it matters here."""

    what: str
    """The method of a request, the status of a response."""
    about: str
    """The method of its CSeq."""
    timestamp: int


CAUSES: dict[str, Callable[[Sip], bool]] = {
    "CHANNEL_CREATE": lambda sip: sip.what == "INVITE",
    "CHANNEL_PROGRESS": lambda sip: sip.what == "180",
    "CHANNEL_PROGRESS_MEDIA": lambda sip: sip.what in {"183", "200"} and sip.about == "INVITE",
    "CHANNEL_ANSWER": lambda sip: sip.what == "200" and sip.about == "INVITE",
    "CHANNEL_HANGUP_COMPLETE": lambda sip: sip.what in {"BYE", "CANCEL"}
    or (sip.what[0] in "3456" and sip.about == "INVITE"),
}
"""The event of a line -> whether a SIP message is what caused it; the first one that is."""


@pytest.fixture(scope="module")
def captured(home: Installation, shared_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A switch whose SIP goes to the agent's collector too, by its own capture; the shared B calls it."""
    folder = tmp_path_factory.mktemp("captured")
    with free_ports() as ports, contextlib.closing(Collector()) as collector:
        switch = Switch(home, folder / "live-d", ports, shared_lab.b.ports, modules=WITH_PYTHON)
        capture(switch.conf / "autoload_configs" / "sofia.conf.xml", collector)
        install(switch)
        switch.configure(capture_server=collector.url)
        with running(switch):
            eventually("agent that python.conf.xml starts", is_up, switch)
            yield Lab(switch, shared_lab.b, collector)


def capture(sofia: Path, collector: Collector) -> None:
    """Turns on sofia's own capture for all profiles."""
    server = f'<param name="capture-server" value="{collector.url};hep=3;capture_id=200"/>'
    text = sofia.read_text().replace("<profiles>", f"<global_settings>{server}</global_settings><profiles>")
    first = '<param name="sip-ip"'
    sofia.write_text(text.replace(first, f'<param name="sip-capture" value="yes"/>{first}'))


def sip_of(messages: list[Message]) -> dict[str, list[Sip]]:
    """The SIP of each Call-ID, in its order."""
    found: dict[str, list[Sip]] = {}
    for message in messages:
        if message.protocol_type == ProtocolType.SIP:
            text = message.payload.decode()
            call_id = header(text, "Call-ID")
            first = text.partition("\r\n")[0].split()
            what = first[1] if first[0] == "SIP/2.0" else first[0]
            found.setdefault(call_id, []).append(Sip(what, header(text, "CSeq").split()[1], message.timestamp))
    return {call_id: sorted(sips, key=lambda sip: sip.timestamp) for call_id, sips in found.items()}


def header(sip: str, name: str) -> str:
    found = re.search(rf"^{name}:\s*(.*?)\r$", sip, re.MULTILINE | re.IGNORECASE)
    assert found is not None, sip
    return found[1]


def pairs(messages: list[Message]) -> list[Pair]:
    """Each line that a SIP message caused, with it."""
    sips = sip_of(messages)
    found = []
    for message in messages:
        words = message.payload.decode().split() if message.protocol_type == ProtocolType.LOG else [""]
        event = words[0]
        if event in CAUSES:
            call_id = str(message.correlation_id)
            sip = next((sip for sip in sips[call_id] if CAUSES[event](sip)), None)
            if sip is not None:
                was_left = "by=far-end" in words and sip.what in {"BYE", "CANCEL"}
                within_ms = LATE_MS + (UNTIL_ENDED_MS if was_left else 0)
                found.append(Pair(event, sip.what, call_id, (message.timestamp - sip.timestamp) / 1000, within_ms))
    return found


@pytest.fixture(scope="module")
def heard(captured: Lab) -> list[Message]:
    """What the collector has of the calls, once all have ended."""
    todo = [extension for number in range(max(CALLS.values())) for extension in CALLS if number < CALLS[extension]]
    for first in range(0, len(todo), AT_ONCE):
        call_ids = {}
        for number, extension in enumerate(todo[first : first + AT_ONCE]):
            call_ids[captured.dial(extension)] = extension
            time.sleep(0.1 + number * 0.0033)
        for call_id, extension in call_ids.items():
            captured.collector.line(call_id, LIVES_FROM.get(extension, "CHANNEL_HANGUP_COMPLETE"))
        for number, call_id in enumerate(call_ids):
            captured.b.api(f"uuid_kill {call_id.partition('@')[0]}")
            time.sleep(0.0037 * number)
        eventually("end of the calls", lambda: not captured.a.channels())
        for call_id in call_ids:
            captured.collector.line(call_id, "CHANNEL_HANGUP_COMPLETE")
    last = time.monotonic() + 0.5  # the other legs' ends; there is nothing to wait for that tells of the last
    eventually("silence", lambda: time.monotonic() > last)
    return list(captured.collector)


def test_lines_come_after_the_sip_that_caused_them_and_soon(heard: list[Message]) -> None:
    found = sorted(pairs(heard), key=lambda pair: pair.late_ms)
    print(f"load {os.getloadavg()[0]:.1f}")
    for event in CAUSES:
        late = [pair.late_ms for pair in found if pair.event == event]
        if late:
            print(f"{event}: {len(late)} lines, {late[0]:.1f}, {late[len(late) // 2]:.1f}, {late[-1]:.1f} ms late")
    assert len({pair.call_id for pair in found}) == 2 * sum(CALLS.values())
    assert {pair.event for pair in found} >= CAUSES.keys() - {"CHANNEL_PROGRESS_MEDIA"}
    wrong = [str(pair) for pair in found if not 0 <= pair.late_ms <= pair.within_ms]
    assert len(wrong) <= TOLERATED * len(found), "\n".join(wrong)


def test_the_lines_of_a_call_keep_the_order_in_which_they_were_sent(heard: list[Message]) -> None:
    of_call: dict[str, list[int]] = {}
    for message in heard:
        if message.protocol_type == ProtocolType.LOG:
            of_call.setdefault(str(message.correlation_id), []).append(message.timestamp)
    assert len(of_call) >= 2 * sum(CALLS.values())  # and the gateway's
    for times in of_call.values():
        assert all(earlier < later for earlier, later in zip(times, times[1:]))
