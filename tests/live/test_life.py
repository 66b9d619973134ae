"""Starting, stopping, reloading and leaving with the switch, while there are calls."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple, Optional

import pytest

from fs_hepipe.words.names import LOG_SUBCLASS

from .collector import Collector, eventually
from .lab import Lab, destination, source
from .switch import Esl, Switch

pytestmark = pytest.mark.live

STARTS = 200
WARM = 100
"""Starts until the pools of the switch's, of the C library's and of Python's have their size."""

MORE_BLOCKS = 500
"""What the other starts may add: an agent that stayed would be some 70 blocks each time."""

MORE_KB = 3000
"""The same of the process: `pyrun` of an empty script adds 10 kB each time (measured)."""

LEAVING_S = 15.0
"""The switch alone needs about six."""


class Held(NamedTuple):
    """What the switch's process holds, and of it what is the agent's."""

    consumers: int
    sockets: int
    resolvers: int
    threads: int
    descriptors: int
    resident_kb: int
    blocks: int
    """Of Python's memory: one for each object, more or less."""


def held(switch: Switch) -> Held:
    found = switch.probe()
    return Held(
        consumers=found["consumers"],
        sockets=len(switch.sending_sockets()),
        resolvers=len([name for name in found["threads"] if "resolver" in name]),
        threads=len(switch.threads()),
        descriptors=len(switch.descriptors()),
        resident_kb=switch.resident_kb(),
        blocks=found["blocks"],
    )


def test_two_hundred_times_stopped_and_started_it_holds_no_more_than_once(lab: Lab) -> None:
    stopped: list[Held] = []
    running: list[Held] = []
    with waking(lab.a):
        for _ in range(STARTS):
            assert lab.a.hepipe("stop") == "+OK stopped\n"
            stopped.append(held(lab.a))
            assert lab.a.hepipe("start") == "+OK started\n"
            running.append(eventually("socket", connected, lab.a))
    assert {each.sockets + each.resolvers for each in stopped} == {0}
    assert max(each.consumers for each in stopped) <= 1  # that of the last one, cleaned up
    assert {(each.consumers, each.sockets, each.resolvers) for each in running} == {(1, 1, 0)}
    early, late = running[WARM - 1], running[-1]
    print(f"\nafter {WARM} starts {early}\nafter {STARTS} starts {late}")
    assert late.descriptors <= early.descriptors
    assert late.threads <= early.threads + 1  # a thread of the switch's own pool may be new
    assert late.blocks < early.blocks + MORE_BLOCKS
    assert late.resident_kb < early.resident_kb + MORE_KB
    call_id = lab.refused()
    lines = lab.collector.lines(call_id)
    assert len(lines) == len(set(lines))


def connected(switch: Switch) -> Optional[Held]:
    """What it holds, once it has a socket to a collector."""
    found = held(switch)
    return found if found.sockets else None


@contextlib.contextmanager
def waking(switch: Switch) -> Iterator[None]:
    """An event every 10 ms, so that an agent that is to stop does not wait half a second for one."""
    enough = threading.Event()

    def fire() -> None:
        with contextlib.closing(Esl(switch.ports.esl)) as esl:
            while not enough.wait(0.01):
                esl.fire(LOG_SUBCLASS)

    thread = threading.Thread(target=fire)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


def test_started_in_mid_call_it_learns_the_living_channels(lab: Lab) -> None:
    lab.a.hepipe("stop")
    call_id = lab.dial("nomux")
    legs = lab.legs(call_id)
    assert lab.a.hepipe("start") == "+OK started\n"
    assert lab.a.status()["legs"]["living"] == 2
    for leg in legs:
        heard, told = lab.both_ways(leg)
        assert {destination(message) for message in heard} == {leg.rtcp}
        assert {destination(message) for message in told} == {leg.far_rtcp}
    lab.hang_up(call_id)
    for leg in legs:
        assert {source(message) for message in lab.quality_of(leg)} == {leg.rtp, leg.far_rtp}


def test_started_right_after_an_answer_it_learns_the_channels_too(lab: Lab) -> None:
    lab.a.hepipe("stop")
    call_ids = [lab.dial("bridge") for _ in range(6)]
    deadline = time.monotonic() + 5
    while not all(answered(lab, call_id) for call_id in call_ids):  # at full speed, for this is about a moment
        assert time.monotonic() < deadline
    assert lab.a.hepipe("start") == "+OK started\n"
    legs = [leg for call_id in call_ids for leg in lab.legs(call_id)]
    for leg in legs:
        lab.both_ways(leg, patience=8)
    assert lab.a.status()["waiting"] == 0


def answered(lab: Lab, call_id: str) -> bool:
    return lab.b.api(f"uuid_getvar {call_id.partition('@')[0]} endpoint_disposition") == "ANSWER"


def test_stopped_in_mid_call_it_sends_what_it_has_and_the_call_goes_on(lab: Lab) -> None:
    call_id = lab.dial("bridge")
    lab.legs(call_id)
    lab.a.hepipe("stop")
    assert lab.collector.lines(call_id)
    assert len(lab.a.channels()) == 2


def test_a_new_configuration_holds_from_the_reload_on(lab: Lab) -> None:
    lab.refused()
    (kept,) = lab.a.sending_sockets()
    with contextlib.closing(Collector()) as second:
        lab.a.configure(capture_server=[lab.collector.url, second.url], capture_id=4242, node_name="another")
        assert lab.a.fs_cli("reloadxml").strip() == "+OK [Success]"
        assert lab.a.status()["capture_id"] == 2001
        assert lab.a.fs_cli("python fs_hepipe reload").strip() == "+OK reloaded"
        call_id = lab.refused(lab.collector, second)
    for collector in (lab.collector, second):
        assert {(each.capture_id, each.node_name) for each in collector.of(call_id)} == {(4242, "another")}
    assert kept in lab.a.sending_sockets()
    assert len(lab.a.sending_sockets()) == 2
    assert lab.a.status()["ledger"]["balances"] is True
    lab.a.configure(capture_server=lab.collector.url)
    lab.a.api("reloadxml")
    lab.a.hepipe("reload")
    assert lab.a.sending_sockets() == {kept}


def test_every_format_of_the_log_is_what_it_says(lab: Lab) -> None:
    for name, keys in (("json", {"event", "leg"}), ("full", {"Event-Name", "variable_sip_call_id"})):
        lab.a.configure(call_log_format=name)
        lab.a.api("reloadxml")
        lab.a.hepipe("reload")
        call_id = lab.dial("refused")
        eventually("log", lab.collector.of, call_id)
        lab.hang_up()
        for message in lab.collector.of(call_id):
            assert json.loads(message.payload).keys() >= keys


def test_a_leg_out_can_be_filed_under_the_call_id_of_the_leg_in(lab: Lab) -> None:
    lab.a.configure(correlation="a-leg")
    lab.a.api("reloadxml")
    lab.a.hepipe("reload")
    lines = lab.collector.lines(lab.refused())
    assert [line for line in lines if " direction=outbound " in line]
    assert [line for line in lines if " direction=inbound " in line]


def test_a_bad_configuration_is_refused_whole_and_the_old_one_stays(lab: Lab) -> None:
    lab.a.configure(capture_server="sctp:nowhere", capture_id=-1, node_name="refused")
    lab.a.api("reloadxml")
    answer = lab.a.fs_cli("python fs_hepipe reload").strip().splitlines()
    assert [line.partition(":")[0] for line in answer] == ["-ERR capture-server", "-ERR capture-id"]
    assert lab.a.fs_cli("python fs_hepipe restart").startswith("-ERR capture-server")
    assert lab.a.status()["capture_id"] == 2001
    call_id = lab.refused()
    assert {message.node_name for message in lab.collector.of(call_id)} == {"live-a"}


def test_stopped_it_does_not_start_by_a_bad_configuration(lab: Lab) -> None:
    lab.a.hepipe("stop")
    lab.a.configure(qos_type="36")
    lab.a.api("reloadxml")
    assert lab.a.fs_cli("python fs_hepipe").strip() == "-ERR qos-type: '36' is not a list of 32, 34, 35, 99"
    assert lab.a.fs_cli("python fs_hepipe status").startswith("-ERR is not running")


def test_a_collector_that_refuses_is_told_and_calls_are_untouched(lab: Lab) -> None:
    gone = Collector()
    gone.close()
    lab.a.configure(capture_server=[lab.collector.url, gone.url])
    lab.a.api("reloadxml")
    lab.a.hepipe("reload")
    call_id = lab.dial("bridge", seconds=1)
    lab.collector.line(call_id, "CHANNEL_HANGUP_COMPLETE")
    report = lab.a.status()
    assert [(each["name"], bool(each["refusals"])) for each in report["collectors"]] == [
        (lab.collector.url, False),
        (gone.url, True),
    ]
    assert any(gone.url in hint for hint in report["hints"])
    assert report["ledger"]["balances"] is True


@pytest.mark.parametrize("how", ["fsctl shutdown", "SIGTERM"])
def test_a_shutdown_with_living_calls_loses_none_of_their_last_words(another: Lab, how: str) -> None:
    call_ids = [another.dial("bridge") for _ in range(5)]
    legs = [leg for call_id in call_ids for leg in another.legs(call_id)]
    time.sleep(1)  # some media
    if how == "SIGTERM":
        os.kill(another.a.pid, signal.SIGTERM)
        another.a.hang_up()
    else:
        another.a.ask_to_stop()
    assert another.a.wait_until_gone(LEAVING_S) == 0
    for leg in legs:
        assert len(another.collector.hangups(leg.call_id)) == 1
        assert len(another.quality(leg)) == 1
