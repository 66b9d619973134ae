"""Calls at ten a second."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import Any

import pytest

from fs_hepipe.hep.registry import ProtocolType

from .collector import eventually, reports
from .lab import Lab
from .switch import Esl

pytestmark = pytest.mark.live

CALLS = 100
A_SECOND = 10
SECONDS = 7
"""How long each lasts: one RTCP report each way, after four seconds or, on a busy machine, six."""


def test_a_hundred_calls_at_ten_a_second_leave_a_balanced_ledger(lab: Lab) -> None:
    lab.a.hepipe("stop")
    before = lab.a.threads()
    had = len(lab.collector.datagrams)
    lab.a.hepipe("start")
    ours = {thread: lab.a.thread_cpu_s(thread) for thread in lab.a.threads() - before}
    cpu_began = lab.a.cpu_s()
    call_ids = lab.dial_steadily(CALLS, A_SECOND, "bridge", SECONDS)
    eventually("end of the calls", lambda: not lab.a.channels(), patience=SECONDS + 10)
    report = eventually("last word", settled, lab)
    agent = max(lab.a.thread_cpu_s(thread) - used for thread, used in ours.items())
    switch = lab.a.cpu_s() - cpu_began
    print(
        f"\n{sum(report['events']['received'].values())} events, {agent * 1000:.0f} ms of CPU "
        f"({agent / switch:.1%} of the switch's), {report['busiest_event']}, {report['queue']}"
    )
    received = report["events"]["received"]
    assert report["ledger"]["balances"] is True
    assert report["events"]["failed"] == report["dropped"] == {}
    assert (report["waiting"], report["legs"]["living"], report["legs"]["evicted"]) == (0, 0, 0)
    assert report["queue"]["times_full"] == 0
    assert {received[name] for name in ("CHANNEL_CREATE", "CHANNEL_ANSWER", "CHANNEL_DESTROY")} == {2 * CALLS}
    (collector,) = report["collectors"]
    assert collector["errors"] == {}
    assert collector["sent"] == report["ledger"]["built"] == len(lab.collector.datagrams) - had
    assert agent < switch / 4
    for call_id in call_ids:
        assert_told(lab, call_id)


def settled(lab: Lab) -> object:
    """The status, when every datagram that was sent has come and no leg is left."""
    report = lab.a.status()
    return report if not report["legs"]["living"] else None


def assert_told(lab: Lab, call_id: str) -> None:
    """Both legs of a call have their hangup, their RTCP both ways and their quality, under their own Call-ID."""
    lines = lab.collector.lines(call_id)
    (bridged,) = [line for line in lines if line.startswith("CHANNEL_BRIDGE")]
    other = bridged.partition(" other-call-id=")[2].partition(" ")[0]
    for own in (call_id, other):
        assert len(lab.collector.hangups(own)) == 1
        rtcp = lab.collector.of(own, ProtocolType.RTCP_JSON)
        assert len({message.src_port for message in rtcp}) == 2, f"RTCP of {own}"
        assert {report["DIR"] for report in reports(lab.collector.of(own, ProtocolType.MOS_FULL_REPORT))} == {0, 1}


HOG = """\
import freeswitch

def fsapi(session, stream, env, args):
    freeswitch.msleep(int(args))
"""
"""A script of the switch's that keeps the interpreter for itself."""


def test_a_queue_that_was_full_is_told_as_such(lab: Lab) -> None:
    lab.a.configure(event_queue_length=10)
    lab.a.api("reloadxml")
    lab.a.hepipe("restart")
    (lab.a.scripts / "hog.py").write_text(HOG)
    lab.a.api("bgapi python hog 1000")
    lab.dial_steadily(3 * A_SECOND, A_SECOND, "refused")
    report = eventually("drops", lambda: lab.a.status() if lab.a.status()["queue"]["times_full"] else None)
    assert "Cannot queue any more events" in lab.a.log()
    assert report["queue"]["length"] == 10
    assert any("event queue" in hint and "raise event-queue-length" in hint for hint in report["hints"])
    lab.hang_up()
    lab.refused()
    report = lab.a.status()
    assert report["events"]["failed"] == {}
    assert report["ledger"]["balances"] is True


def test_a_restart_under_load_loses_no_leg_that_lives(lab: Lab) -> None:
    """Legs that live at the restart are learned again; of those that end meanwhile the last words may be lost."""
    dialled: list[str] = []
    load = threading.Thread(target=lambda: dialled.extend(lab.dial_steadily(CALLS, A_SECOND, "bridge", SECONDS)))
    load.start()
    time.sleep(CALLS / A_SECOND / 2)
    with contextlib.closing(Esl(lab.a.ports.esl)) as esl:  # of our own: the other thread's are the lab's
        before, had = known(esl), len(lab.collector.datagrams)
        assert esl.api("python fs_hepipe restart") == "+OK started\n"
        after = known(esl)
    load.join()
    eventually("end of the calls", lambda: not lab.a.channels(), patience=SECONDS + 10)
    report = eventually("last word", settled, lab)
    assert report["ledger"]["balances"] is True
    assert report["events"]["failed"] == report["dropped"] == {}
    (collector,) = report["collectors"]
    assert collector["sent"] == report["ledger"]["built"]
    survivors = before.keys() & after.keys()
    assert len(survivors) > A_SECOND
    since = list(lab.collector)[had:]
    for unique_id in survivors:
        (line,) = lab.collector.hangups(before[unique_id])
        assert f" leg={unique_id}" in line
        kinds = {message.protocol_type for message in since if message.correlation_id == before[unique_id]}
        assert kinds >= {ProtocolType.LOG, ProtocolType.MOS_FULL_REPORT}
    reported = {message.correlation_id for message in since if message.protocol_type == ProtocolType.RTCP_JSON}
    assert len(reported & {before[unique_id] for unique_id in survivors}) > A_SECOND
    for call_id in dialled[-CALLS // 3 :]:
        assert_told(lab, call_id)


def known(esl: Esl) -> dict[str, str]:
    """The Call-ID of each living leg that is answered, by its Unique-ID."""
    rows = json.loads(esl.api("show channels as json")).get("rows", [])
    answers = [esl.api(f"uuid_dump {row['uuid']} json") for row in rows]
    dumps = [json.loads(answer) for answer in answers if answer.startswith("{")]
    return {dump["Unique-ID"]: dump["variable_sip_call_id"] for dump in dumps if dump["Answer-State"] == "answered"}


def test_one_leg_remembered_at_most_forgets_the_others_and_counts_them(lab: Lab) -> None:
    lab.a.configure(max_legs=1)
    lab.a.api("reloadxml")
    lab.a.hepipe("restart")
    had = len(lab.a.log())
    lab.dial_steadily(2 * A_SECOND, A_SECOND, "bridge", SECONDS)
    eventually("end of the calls", lambda: not lab.a.channels(), patience=SECONDS + 10)
    report = eventually("last word", settled, lab)
    assert report["legs"]["evicted"] >= 2 * A_SECOND
    assert report["legs"]["most"] == 1
    assert report["events"]["failed"] == {}
    assert report["ledger"]["balances"] is True
    assert [line for line in lab.a.log()[had:].splitlines() if "[ERR]" in line and "fs_hepipe" in line] == []


def test_a_status_asked_for_in_the_middle_of_an_event_balances_too(lab: Lab) -> None:
    reports: list[dict[str, Any]] = []
    with contextlib.closing(Esl(lab.a.ports.esl)) as esl:
        for _ in range(60):
            lab.dial("bridge", seconds=1)
            until = time.monotonic() + 0.05
            while time.monotonic() < until:
                reports.append(json.loads(esl.api("python fs_hepipe status json")))
    assert [report["ledger"] for report in reports if not report["ledger"]["balances"]] == []
