"""What an operator does to the switch while the agent runs and there are calls."""

from __future__ import annotations

import contextlib
import threading

import pytest

from .collector import eventually
from .lab import Lab
from .switch import Esl, Switch

pytestmark = pytest.mark.live

AT_ONCE_S = 3.0
"""Of an exit that waits for nothing: an orderly one takes at least four."""

STARTS_AT_ONCE = 4


def test_shutdown_now_ends_the_process_at_once_and_what_was_sent_is_there(another: Lab) -> None:
    call_ids = [another.dial("bridge") for _ in range(5)]
    legs = [leg for call_id in call_ids for leg in another.legs(call_id)]
    for leg in legs:
        another.collector.line(leg.call_id, "CHANNEL_BRIDGE" if leg.call_id in call_ids else "CHANNEL_ANSWER")
    with contextlib.suppress(ConnectionError):  # it is gone before it has answered
        another.a.api("fsctl shutdown now")
    another.a.hang_up()
    assert another.a.wait_until_gone(AT_ONCE_S) == 0
    assert [leg for leg in legs if another.collector.hangups(leg.call_id) or another.quality(leg)] == []


@pytest.mark.parametrize(
    "command", ["unload mod_python3", "unload -f mod_python3", "reload mod_python3", "reload -f mod_python3"]
)
def test_mod_python3_refuses_to_be_unloaded_and_the_agent_goes_on(lab: Lab, command: str) -> None:
    """mod_python3.c:mod_python3_load answers SWITCH_STATUS_NOUNLOAD: not even -f ends it."""
    call_id = lab.dial("bridge")
    legs = lab.legs(call_id)
    before, threads = lab.a.status(), lab.a.threads()
    assert "[Module is not unloadable]" in lab.a.fs_cli(command)
    assert ("[Module already loaded]" in lab.a.fs_cli(command)) == command.startswith("reload")
    assert lab.a.status()["started"] == before["started"]
    assert lab.a.probe()["consumers"] == 1
    assert lab.a.threads() <= threads
    lab.hang_up(call_id)
    for leg in legs:
        lab.collector.line(leg.call_id, "CHANNEL_HANGUP_COMPLETE")
    assert lab.a.status()["ledger"]["balances"] is True


def test_paused_the_switch_refuses_calls_without_an_event_and_those_that_live_are_told_of(lab: Lab) -> None:
    living = lab.dial("bridge")
    lab.legs(living)
    received = lab.a.status()["events"]["received"]["CHANNEL_CREATE"]
    assert lab.a.api("fsctl pause") == "+OK\n"
    try:
        refused = lab.dial("refused")
        eventually("refusal", lambda: refused.partition("@")[0] not in lab.b.channels())
        lab.b.api(f"uuid_hold {living.partition('@')[0]}")
        lab.collector.line(living, "CHANNEL_HOLD")
        lab.hang_up(living)
        lab.collector.line(living, "CHANNEL_HANGUP_COMPLETE")
        assert lab.a.status()["events"]["received"]["CHANNEL_CREATE"] == received
        assert not lab.collector.of(refused)
    finally:
        assert lab.a.api("fsctl resume") == "+OK\n"
    lab.refused()
    assert lab.a.status()["ledger"]["balances"] is True


def test_started_several_times_in_the_same_instant_it_runs_once(lab: Lab) -> None:
    for _ in range(5):
        had = len(lab.a.log())
        assert lab.a.hepipe("stop") == "+OK stopped\n"
        eventually("end of both scripts", ended, lab.a, had, 2)
        had = len(lab.a.log())
        at_once(lab.a, ["pyrun fs_hepipe"] * STARTS_AT_ONCE)
        eventually("end of all but one", ended, lab.a, had, STARTS_AT_ONCE - 1)
        assert lab.a.log()[had:].count(" starts, configured by ") == 1
        assert lab.a.probe()["consumers"] == 1
        call_id = lab.refused()
        lines = lab.collector.lines(call_id)
        assert len(lines) == len(set(lines))


def ended(switch: Switch, had: int, scripts: int) -> bool:
    """Whether so many scripts have ended since the log was so long."""
    return switch.log()[had:].count("Finished calling python script") >= scripts


def at_once(switch: Switch, commands: list[str]) -> None:
    """Sends commands over connections of their own, all at the same time."""
    barrier = threading.Barrier(len(commands))

    def send(command: str) -> None:
        with contextlib.closing(Esl(switch.ports.esl)) as esl:
            barrier.wait()
            esl.api(command)

    threads = [threading.Thread(target=send, args=(command,)) for command in commands]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


CAFE = "caf\udce9"
"""Latin 1, as a terminal with another character set sends it: octets that are no UTF-8."""


@pytest.mark.parametrize("command", [f"python fs_hepipe {CAFE}", f"python fs_hepipe status {CAFE}"])
def test_a_command_with_octets_that_are_no_utf8_is_lost_in_mod_python3(lab: Lab, command: str) -> None:
    """mod_python3.c:eval_some_python: Py_BuildValue refuses them, and the entry point is called without arguments."""
    before, had = lab.a.status(), len(lab.a.log())
    assert lab.a.api(command) == "-ERR no reply\n"
    assert "Message: fsapi() missing 4 required positional arguments" in lab.a.log()[had:]
    assert lab.a.status()["started"] == before["started"]
    lab.refused()


def test_a_start_with_octets_that_are_no_utf8_is_lost_in_mod_python3(lab: Lab) -> None:
    lab.a.hepipe("stop")
    had = len(lab.a.log())
    assert lab.a.api(f"pyrun fs_hepipe node-name={CAFE}") == "OK\n"
    missing = "Message: runtime() missing 1 required positional argument"
    eventually("complaint", lambda: missing in lab.a.log()[had:])
    assert lab.a.hepipe("status").startswith("-ERR is not running")
    assert lab.a.hepipe("start") == "+OK started\n"
    assert lab.a.status()["node_name"] in {None, lab.a.name}


def test_a_log_line_with_octets_that_are_no_utf8_is_lost_in_mod_python3(lab: Lab) -> None:
    had = len(lab.a.log())
    call_id = lab.dial("octets")
    lab.collector.line(call_id, "CHANNEL_HANGUP_COMPLETE")
    assert "Message: handler() missing 2 required positional arguments" in lab.a.log()[had:]
    (line,) = [line for line in lab.collector.lines(call_id) if line.startswith("LOG ")]
    assert line.startswith('LOG text="the next line" ')


def test_a_command_in_utf8_is_answered_as_it_is(lab: Lab) -> None:
    assert lab.a.fs_cli("python fs_hepipe café").startswith("-ERR unknown command café\n")


@pytest.mark.parametrize("command", [f"python {CAFE}", f"python fs_hepipe::{CAFE}", "python fs_hepipe::nothing"])
def test_a_module_or_function_that_there_is_not_harms_nobody(lab: Lab, command: str) -> None:
    before = lab.a.status()
    assert lab.a.api(command) == "-ERR no reply\n"
    assert lab.a.status()["started"] == before["started"]
