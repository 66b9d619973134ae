"""The entry points that mod_python3 calls: the startup-script, `python fs_hepipe …` in fs_cli, the dialplan."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

import pytest

import freeswitch
import fs_hepipe
from freeswitch import EventConsumer, Session, Stream, switch
from fs_hepipe.hep import decode
from fs_hepipe.switch import entry_points, starter
from fs_hepipe.version import VERSION
from tests.system.harness import UNRESOLVABLE, Homer, System, assert_balanced, configuration, story, wait_for
from tests.udp import dead_port

SECRET = "s3cret-and-then-some"


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


# --- starting and stopping -------------------------------------------------------------------------------------------


def test_an_agent_that_could_not_begin_can_be_started_again(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_metrics: object) -> NoReturn:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(starter, "Scrape", none_left)
        assert system.ask("start").startswith("-ERR")
        assert starter.current.running() is None
    assert system.ask("start").startswith("+OK")
    assert starter.current.running() is not None


def test_bare_command_starts_the_agent_and_shows_its_status(system: System) -> None:
    assert starter.current.running() is None
    answer = system.ask()
    assert answer.startswith(f"fs_hepipe {VERSION}, running since ")
    assert system.agent.running.is_set()
    assert system.ask().startswith(f"fs_hepipe {VERSION}, running since ")
    assert len(switch._consumers) == 1


def test_startup_script_starts_it_without_anyone_asking(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server)
    system.start()
    system.fire(story("busy_486"))
    system.shutdown()
    assert len(homer.messages(4)) == 4


def test_commands_before_a_start_say_that_nothing_runs(system: System) -> None:
    for command in ("status", "status json", "stop", "reload", "metrics"):
        answer = system.ask(command)
        assert answer.startswith("-ERR is not running"), command
    assert system.ask("help").startswith("python fs_hepipe ")
    assert VERSION in system.ask("version")
    assert system.log() == []


def test_start_stop_and_restart_say_what_they_did(system: System) -> None:
    assert system.ask("start") == "+OK started\n"
    assert system.ask("start") == "-ERR is running already\n"
    first = system.agent
    assert system.ask("restart") == "+OK started\n"
    assert first.ended.is_set()
    assert system.agent is not first
    assert system.ask("stop") == "+OK stopped\n"
    assert system.ask("stop") == "-ERR is not running\n"
    assert system.ask("restart") == "+OK started\n"


def test_second_startup_script_finds_the_first_one_running(system: System) -> None:
    first = system.start()
    second = switch.startup_script("fs_hepipe capture-id=7")
    second.join(5)
    assert not second.is_alive()
    assert system.agent is first
    assert first.config.settings.capture_id == 2001
    assert any("running already" in line for line in system.log())
    assert len(switch._consumers) == 1


def test_two_that_start_at_once_are_one_agent(system: System) -> None:
    switch.commands_loaded = False  # both wait for it
    threads = [switch.startup_script("fs_hepipe") for _ in range(5)]
    time.sleep(0.03)
    switch.commands_loaded = True
    wait_for(lambda: starter.current.running() and sum(thread.is_alive() for thread in threads) == 1)
    wait_for(system.agent.running.is_set)
    assert len(switch._consumers) == 1


def test_ten_starts_leave_one_consumer_one_socket_and_no_thread(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server)
    system.start()
    system.fire(story("busy_486"))
    wait_for(lambda: len(homer.datagrams) == 4)
    threads, opened = threading.active_count(), descriptors()
    for _ in range(10):
        assert system.ask("stop") == "+OK stopped\n"
        assert system.ask("start") == "+OK started\n"
        system.fire(story("busy_486"))
    wait_for(lambda: len(homer.datagrams) == 44)
    wait_for(lambda: threading.active_count() == threads)
    assert descriptors() == opened
    live = [consumer for consumer in switch._consumers if consumer._ready]
    assert len(live) == 1


def test_agent_that_does_not_stop_in_time_is_not_started_twice(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = system.start()
    with monkeypatch.context() as patch:
        patch.setattr(starter, "REQUEST_TIMEOUT", 0.05)
        patch.setattr(agent, "stop", lambda: None)
        for command in ("stop", "restart"):
            assert system.ask(command) == "-ERR is still stopping\n"
    assert system.agent is agent
    assert system.ask("stop") == "+OK stopped\n"


def test_stop_sends_what_waits_first(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server)
    system.start()
    switch.fire(*story("bridged_answered"))
    assert system.ask("stop") == "+OK stopped\n"
    assert_balanced(system.agent)
    assert len(homer.messages(24)) == 24


def test_agent_started_again_still_logs(system: System) -> None:
    system.start()
    for _ in range(5):
        system.ask("restart")
    switch.log.clear()
    system.ask("stop")
    wait_for(lambda: any("has stopped" in line for line in system.log("info")))


def test_agent_that_could_not_open_its_queue_can_be_started_again(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise MemoryError("no room for a queue")

    with monkeypatch.context() as patch:
        patch.setattr(freeswitch, "EventConsumer", refuse)
        assert system.ask("start") == system.ask() == "-ERR did not start, see the log\n"
    assert any("MemoryError: no room for a queue" in line for line in system.log("err"))
    assert system.ask("status").startswith("-ERR is not running")
    assert system.ask("start") == "+OK started\n"


def test_reloading_the_named_module_loses_nothing(system: System) -> None:
    agent = system.start()
    runtime = fs_hepipe.runtime
    for _ in range(3):
        assert system.ask("status").startswith("fs_hepipe ")  # the fake reloads it before each call, as the switch does
    assert system.agent is agent
    assert sys.modules["fs_hepipe"].runtime is runtime
    assert sorted(fs_hepipe.__all__) == ["__version__", "fsapi", "handler", "runtime"]
    assert not [name for name in vars(fs_hepipe) if name.startswith("_") and not name.startswith("__")]


# --- arguments of the startup-script ---------------------------------------------------------------------------------


def test_arguments_override_the_file(system: System) -> None:
    system.configure(capture_id="7", node_name="from-file")
    agent = system.start("capture-id=8")
    assert agent.config.settings.capture_id == 8
    assert agent.config.settings.node_name == "from-file"
    assert agent.source == "fs_hepipe.conf.xml and its arguments"


def test_arguments_hold_for_as_long_as_the_switch_lives(system: System) -> None:
    given = r"capture-id=8 node-name=\"it\'s a \'node\'\" capture-server=udp:[::1]:9060"
    agent = system.start(given)
    settings, collectors = agent.config.settings, agent.config.collectors
    assert settings.node_name == "it's a 'node'"
    for command in ("reload", "restart", "stop", "start"):
        assert system.ask(command).startswith("+OK"), command
        assert system.agent.config.settings == settings
        assert system.agent.config.collectors == collectors


def test_arguments_survive_a_start_that_failed(system: System) -> None:
    system.configure(capture_id="many")
    switch.startup_script("fs_hepipe capture-server=udp:192.0.2.7:9060").join(5)
    assert system.ask("status").startswith("-ERR is not running")
    system.configure(capture_id="7")
    assert system.ask("start") == "+OK started\n"
    assert [str(each) for each in system.agent.config.collectors] == ["udp:192.0.2.7:9060"]


def test_bad_arguments_are_told_and_not_kept(system: System) -> None:
    system.configure(max_legs="0")
    switch.startup_script("fs_hepipe capture-sever=udp:192.0.2.7:9060 qos-type=33").join(5)
    assert system.log("err") == [
        "fs_hepipe: max-legs: '0' is not a whole number from 1 to 1000000\n",
        "fs_hepipe: capture-sever: there is no such parameter\n",
        "fs_hepipe: qos-type: '33' is not a list of 32, 34, 35, 99\n",
        "fs_hepipe: not started: the configuration has problems\n",
    ]
    assert starter.current.running() is None
    system.configure()
    assert system.ask("start") == "+OK started\n"
    assert system.agent.source == "fs_hepipe.conf.xml"


@pytest.mark.parametrize("command", ["", "start", "restart"])
def test_bad_arguments_leave_the_good_ones_of_before(system: System, command: str) -> None:
    system.start("capture-id=8")
    system.ask("stop")
    freeswitch.API().executeString("pyrun fs_hepipe nonsense")
    wait_for(lambda: any("'nonsense' is not name=value" in line for line in system.log("err")))
    assert not system.ask(command).startswith("-ERR")
    assert system.agent.config.settings.capture_id == 8


def test_runtime_by_hand_without_arguments_has_none(system: System) -> None:
    system.start("capture-id=8")
    system.ask("stop")
    freeswitch.API().executeString("pyrun fs_hepipe")
    wait_for(lambda: starter.current.running() and system.agent.running.is_set())
    assert system.agent.config.settings.capture_id == 2001


# --- configuration ---------------------------------------------------------------------------------------------------


def test_reload_uses_a_new_configuration_and_loses_no_call(system: System, homer: Homer, other_homer: Homer) -> None:
    system.configure(capture_server=homer.server)
    agent = system.start()
    events = story("bridged_answered")
    system.fire(events[:30])
    before = len(homer.messages(agent.counters.ledger().built))
    assert before
    system.configure(capture_server=[homer.server, other_homer.server], node_name="renamed", capture_id="7")
    assert system.ask("reload") == "+OK reloaded\n"
    assert system.agent is agent
    system.fire(events[30:])
    system.shutdown()
    assert len(homer.messages(24)) == 24
    assert homer.datagrams[before:] == other_homer.datagrams
    assert {(message.node_name, message.capture_id) for message in other_homer.messages()} == {("renamed", 7)}
    assert_balanced(agent)


def test_reload_lets_a_collector_go(system: System, homer: Homer, other_homer: Homer) -> None:
    system.configure(capture_server=[homer.server, other_homer.server])
    agent = system.start()
    system.fire(story("busy_486"))
    opened = descriptors()
    system.configure(capture_server=other_homer.server)
    assert system.ask("reload") == "+OK reloaded\n"
    assert descriptors() == opened - 1
    system.fire(story("notfound_404"))
    system.shutdown()
    assert len(homer.messages(4)) == 4
    assert len(other_homer.messages(8)) == 8
    assert_balanced(agent)


def test_reload_asks_for_events_that_were_not_wanted_before(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server, report_call_events="no", report_custom_events="no")
    system.start()
    system.fire(story("register_unregister") + story("busy_486"))
    assert homer.messages() == []
    system.configure(capture_server=homer.server)
    system.ask("reload")
    system.fire(story("register_unregister") + story("busy_486"))
    assert len(homer.messages(6)) == 6
    system.ask("reload")
    system.fire(story("register_unregister"))
    assert len(homer.messages(8)) == 8, "an event bound twice comes twice"


def test_bad_configuration_leaves_the_running_one_alone(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server)
    agent = system.start()
    before = agent.config
    system.configure(capture_server="sctp:homer:9060", capture_id="-1", qos_type="33", nonsense="1", log_level="loud")
    answer = system.ask("reload").splitlines()
    assert answer == [
        "-ERR capture-server: 'sctp:homer:9060' asks for another transport: udp, tcp, tls are what there is",
        "-ERR capture-id: '-1' is not a whole number from 0 to 4294967295",
        "-ERR qos-type: '33' is not a list of 32, 34, 35, 99",
        "-ERR nonsense: there is no such parameter",
        "-ERR log-level: 'loud' is none of debug, info, notice, warning, err, crit, alert",
    ]
    assert agent.config is before
    system.fire(story("busy_486"))
    assert len(homer.messages(4)) == 4
    assert system.ask("restart").startswith("-ERR capture-server")
    assert starter.current.running() is agent, "what could not start again is not stopped"


def test_bad_configuration_at_start_is_told_on_the_console_and_to_whoever_asks(system: System) -> None:
    system.configure(capture_id="many", max_legs="0")
    switch.startup_script("fs_hepipe").join(5)
    assert system.log("err") == [
        "fs_hepipe: capture-id: 'many' is not a whole number from 0 to 4294967295\n",
        "fs_hepipe: max-legs: '0' is not a whole number from 1 to 1000000\n",
        "fs_hepipe: not started: the configuration has problems\n",
    ]
    for command in ("", "start", "restart"):
        assert system.ask(command).splitlines() == [
            "-ERR capture-id: 'many' is not a whole number from 0 to 4294967295",
            "-ERR max-legs: '0' is not a whole number from 1 to 1000000",
        ]
    assert starter.current.running() is None


def test_configuration_that_the_agent_cannot_use_is_refused(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = system.start()
    before = agent.config
    monkeypatch.setattr(agent.pipeline, "reconfigure", lambda _: 1 / 0)
    system.configure(capture_id="7")
    assert system.ask("reload") == "-ERR the agent did not use it, see the log\n"
    assert agent.config is before
    assert any("ZeroDivisionError" in line for line in system.log("err"))
    assert system.ask("status").startswith("fs_hepipe "), "the loop goes on"
    assert system.ask("stop") == "+OK stopped\n"


def test_unknown_event_is_named_and_the_rest_is_bound(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server, call_events="CHANNEL_CREATE,CHANNEL_MADE_UP")
    agent = system.start()
    warning = "call-events: 'CHANNEL_MADE_UP' can't be logged and is left out"
    assert system.log("warning") == [f"fs_hepipe: {warning}\n"]
    assert warning in system.status()["hints"]
    assert f"warning: {warning}\n+OK reloaded\n" == system.ask("reload")
    system.fire(story("busy_486"))
    assert len(homer.messages(2)) == 2
    assert_balanced(agent)


def test_two_things_to_complain_of_are_both_told(system: System) -> None:
    """The console keeps repeats back, but not another complaint of the same kind."""
    system.configure(
        capture_server=[f"udp:{UNRESOLVABLE}:9060", f"udp:{UNRESOLVABLE}:9061"],
        call_events="CHANNEL_MADE_UP",
    )
    system.start()
    wait_for(lambda: len(system.log("warning")) >= 3, 10)
    reported = "".join(system.log("warning"))
    assert all(word in reported for word in ("MADE_UP", ":9060", ":9061"))


def test_length_of_the_queue_changes_at_the_next_restart(system: System) -> None:
    system.configure(event_queue_length="100")
    system.start()
    system.configure(event_queue_length="200")
    assert system.ask("reload") == "event-queue-length stays 100 until the next restart\n+OK reloaded\n"
    assert system.status()["queue"]["length"] == 100
    system.ask("restart")
    assert system.status()["queue"]["length"] == 200


def test_configuration_is_waited_for_where_mod_commands_is_loaded_later(system: System) -> None:
    system.configure(capture_id="7")
    switch.commands_loaded = False
    switch.startup_script("fs_hepipe")
    time.sleep(0.05)
    assert starter.current.running() is None
    switch.commands_loaded = True
    wait_for(lambda: starter.current.running() and system.agent.running.is_set())
    assert system.agent.config.settings.capture_id == 7


def test_switch_without_mod_commands_is_told_apart_from_one_without_a_configuration(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "configured by its defaults\n" in system.ask()
    system.ask("stop")
    switch.commands_loaded = False
    with monkeypatch.context() as patch:
        patch.setattr(starter, "REQUEST_TIMEOUT", 0.03)
        switch.startup_script("fs_hepipe")
        wait_for(lambda: starter.current.running() and system.agent.running.is_set())
    assert "configured by its defaults (mod_commands is not loaded)\n" in system.ask()


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_password_is_sent_and_never_shown(system: System, homer: Homer) -> None:
    api = EventConsumer("API")
    system.configure(capture_server=homer.server, capture_password=SECRET, log_level="debug")
    system.start()
    system.fire(story("busy_486"))
    commands = ("", "status", "status json", "metrics", "test", "version", "reload", "restart", "help")
    shown = [system.ask(command) for command in commands]
    system.configure(capture_password=f'{SECRET}"', nonsense="1")
    shown += [system.ask(command) for command in ("reload", "restart", "start")]
    assert shown[-3].startswith("-ERR capture-password: has a ")
    system.ask("stop")
    shown.append(system.ask("start"))
    shown += system.log()
    assert not [text for text in shown if SECRET in text]
    assert {decode(datagram).auth_key for datagram in homer.datagrams} == {SECRET}
    assert SECRET not in events_of(api)


@pytest.mark.parametrize(
    "arguments",
    [
        f"capture-password={SECRET}",
        f"capture-password = {SECRET}",
        f"capture-password={SECRET[:5]} {SECRET}",
        f"capture-password: {SECRET}",
        f"capture-password={SECRET} capture-password={SECRET}",
        f'capture-password="{SECRET}',
    ],
)
def test_password_among_the_arguments_is_never_shown_by_us(system: System, arguments: str) -> None:
    api = EventConsumer("API")
    thread = switch.startup_script(f"fs_hepipe {arguments}")
    wait_for(lambda: not thread.is_alive() or starter.current.running())
    shown = [system.ask(command) for command in ("", "status", "start", "reload", "restart", "test", "stop", "start")]
    assert not [text for text in [*shown, *system.log()] if SECRET in text]
    assert SECRET not in events_of(api)


def events_of(consumer: EventConsumer) -> str:
    events = []
    while (event := consumer.pop(0)) is not None:
        events.append(event.serialize("json"))
    assert events
    return "".join(events)


# --- commands --------------------------------------------------------------------------------------------------------


def test_every_command_of_the_usage_answers(system: System) -> None:
    system.start()
    usage = system.ask("help")
    commands = re.findall(r"^python fs_hepipe (\w+)", usage, re.MULTILINE)
    assert commands == ["status", "start", "stop", "restart", "upgrade", "reload", "test", "metrics", "version", "help"]
    for command in commands:
        if command == "upgrade":  # it would import anew what these tests hold: tests/live/test_upgrade.py
            continue
        assert system.ask(command).endswith("\n")
    assert all(len(line) <= 100 for line in usage.splitlines())


@pytest.mark.parametrize("command", ["nonsense", "--help", "Status", "\udce9\x1b[2J", "x" * 60_000])
def test_unknown_command_is_an_error_with_the_usage(system: System, command: str) -> None:
    stream = Stream()
    fs_hepipe.fsapi("na", stream, None, command)
    first, _, rest = stream.get_data().partition("\n")
    assert first.startswith("-ERR unknown command ")
    assert first.isprintable()
    assert len(first) < 100
    assert rest == system.ask("help")


@pytest.mark.parametrize("words", ["capture-password=s3cr3t", "s3cr3t capture_password", "Capture-Pass s3cr3t"])
def test_a_command_that_names_a_password_is_not_repeated(system: System, words: str) -> None:
    assert "s3cr3t" not in system.ask(words)
    assert system.ask(words).startswith("-ERR unknown command\n")
    fs_hepipe.handler(Session("u1"), words)
    assert "is not: log TEXT" in system.log("err")[0]
    assert not any("s3cr3t" in line for line in system.log())


def test_no_arguments_at_all_are_like_empty_ones(system: System) -> None:
    stream = Stream()
    fs_hepipe.fsapi("na", stream, None, None)
    assert stream.get_data().startswith(f"fs_hepipe {VERSION}, running since ")
    fs_hepipe.handler(Session("u1"), None)
    assert system.log("err") == ["fs_hepipe: dialplan: '' is not: log TEXT\n"]


def test_version_tells_what_it_runs_on(system: System) -> None:
    assert system.ask("version") == f"fs_hepipe {VERSION}\nFreeSWITCH 1.10.12\nPython 3.11.2\nDebian 12\n"


def test_untested_switch_is_a_hint_and_no_error(system: System) -> None:
    switch.answers["version"] = "1.10.9"
    system.start()
    hint = "FreeSWITCH 1.10.9 was not tested with this version of fs_hepipe, 1.10.12, 1.11.2 was"
    assert hint in system.ask("version").splitlines()
    assert system.status()["hints"] == [hint]


def test_status_as_json_is_one_line_and_says_what_the_text_says(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server, node_name="node")
    system.start()
    system.fire(story("bridged_answered"))
    wait_for(lambda: len(homer.datagrams) == 24)
    answer = system.ask("status json")
    assert answer.count("\n") == 1
    report = json.loads(answer)
    assert report["collectors"][0]["name"] == homer.server
    assert report["collectors"][0]["sent"] == 24
    assert report["messages"] == {"5": 12, "34": 4, "100": 8}
    assert report["legs"]["living"] == 0
    assert report["ledger"]["balances"] is True
    text = system.ask("status")
    for words in (homer.server, "sent 24", "node node", "capture id 2001", "0 known", "balances"):
        assert words in text
    assert report["running_since"] in text


def test_status_balances_however_busy_the_agent_is(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server)
    agent = system.start()
    events = [event for event in story("load_150_calls")[:1500] if event["Event-Name"] != "CHANNEL_STATE"]
    done = threading.Event()

    def fire() -> None:
        while not done.is_set():
            switch.fire(*events[:500])
            time.sleep(0.001)

    thread = threading.Thread(target=fire)
    thread.start()
    try:
        reports = [system.status()]
        deadline = time.monotonic() + 10
        while len(reports) < 20 or (reports[-1]["ledger"]["received"] < 2000 and time.monotonic() < deadline):
            reports.append(system.status())
    finally:
        done.set()
        thread.join()
    assert all(report["ledger"]["balances"] for report in reports)
    system.drained()
    assert agent.counters.ledger().balances


def test_test_sends_a_message_that_a_person_can_find(system: System, homer: Homer) -> None:
    switch.name = "edge-1"
    system.configure(capture_server=homer.server, capture_password=SECRET)
    answer = system.ask("test")  # the agent need not run for it
    assert f"+OK {homer.server}: sent" in answer
    assert "look for edge-1/test/fs_hepipe in Homer" in answer
    (message,) = homer.messages(1)
    assert message.correlation_id == "edge-1/test/fs_hepipe"
    assert message.protocol_type == 100
    assert message.node_name == "edge-1"
    assert (message.src_ip, message.dst_ip) == ("192.0.2.1", "192.0.2.1")
    assert abs(message.timestamp / 1e6 - time.time()) < 60
    assert starter.current.running() is None


def test_test_says_which_collector_can_not_be_reached(system: System, homer: Homer) -> None:
    port = dead_port()
    system.configure(capture_server=[homer.server, f"udp:127.0.0.1:{port}", f"udp:{UNRESOLVABLE}:9060"])
    agent = system.start()
    answers = system.ask("test").splitlines()
    assert answers[0].startswith(f"+OK {homer.server}: sent")
    assert answers[1].startswith(f"-ERR udp:127.0.0.1:{port}: 127.0.0.1:{port} ")
    assert "refused" in answers[1]
    assert answers[2].startswith(f"-ERR udp:{UNRESOLVABLE}:9060: look-up: {UNRESOLVABLE} does not resolve")
    assert agent.collectors.offered == 0, "the ledger is the agent's own"


def test_test_works_where_the_switch_can_not_be_asked(system: System, homer: Homer) -> None:
    system.start(f"capture-server={homer.server}")
    switch.commands_loaded = False
    assert system.ask("test").startswith(f"+OK {homer.server}")
    assert homer.messages(2)[0].src_ip == "0.0.0.0"
    assert homer.messages(2)[0].correlation_id == "unknown/test/fs_hepipe"
    assert system.ask("version") == f"fs_hepipe {VERSION}\nFreeSWITCH (unknown)\nPython 3.11.2\nDebian 12\n"


# --- the dialplan ----------------------------------------------------------------------------------------------------


def started_call(system: System) -> str:
    """Starts a call; its Unique-ID."""
    events = story("bridged_answered")
    system.fire(events[:10])
    return str(events[0]["Unique-ID"])


def test_dialplan_writes_a_line_into_its_own_calls_log(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server)
    agent = system.start()
    leg = started_call(system)
    call_id = homer.messages(1)[0].correlation_id
    switch.dialplan("fs_hepipe log customer chose billing", Session(leg))
    system.drained()
    message = homer.messages(2)[-1]
    assert message.correlation_id == call_id
    assert message.protocol_type == 100
    assert 'text="customer chose billing"' in message.payload.decode()
    assert f"leg={leg}" in message.payload.decode()
    assert_balanced(agent)


def test_line_of_an_unknown_leg_goes_under_the_sessions_call_id(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server)
    system.start()
    switch.dialplan("fs_hepipe log hello", Session("unknown-leg", {"sip_call_id": "abc@192.0.2.9"}))
    assert homer.messages(1)[0].correlation_id == "abc@192.0.2.9"


@pytest.mark.parametrize("text", ["caf\udce9 \x1b[2J\r\nCHANNEL_ANSWER leg=forged", "ARRAY::a|:b", "x" * 60_000, '"'])
def test_hostile_text_stays_one_line_of_its_own(system: System, homer: Homer, text: str) -> None:
    system.configure(capture_server=homer.server)
    agent = system.start()
    leg = started_call(system)
    fs_hepipe.handler(Session(leg), f"log {text}")
    system.drained()
    payload = homer.messages(2)[-1].payload.decode()
    assert payload.isprintable()
    assert payload.count(" leg=") - payload.count("leg=forged") == 1
    assert len(payload) < 2000
    assert_balanced(agent)


def test_hostile_call_id_of_a_session_does_not_cost_the_line(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server)
    system.start()
    leg = started_call(system)
    switch.dialplan("fs_hepipe log hello", Session(leg, {"sip_call_id": "caf\udce9@192.0.2.9"}))
    assert b"text=hello" in homer.messages(2)[-1].payload
    assert system.log("err") == []


@pytest.mark.parametrize("arguments", ["", "log", "log   ", "logg hello", "hello", "\udce9"])
def test_wrong_use_in_the_dialplan_is_told_once_and_harms_no_call(system: System, arguments: str) -> None:
    system.start()
    for _ in range(50):
        fs_hepipe.handler(Session("u1"), arguments)
    assert len(system.log("err")) == 1
    assert "is not: log TEXT" in system.log("err")[0]


def test_dialplan_without_an_agent_harms_no_call(system: System) -> None:
    switch.dialplan("fs_hepipe log hello", Session("u1"))
    assert system.log() == []


def test_configuration_of_the_house_is_what_the_switch_gives(system: System) -> None:
    """The helper of these tests speaks the language of the file that is installed."""
    assert configuration(capture_id="7").startswith('<configuration name="fs_hepipe.conf">')


def test_bad_configuration_and_a_broken_stream_together_leave_no_door(system: System) -> None:
    class Broken:
        def write(self, text: str) -> None:
            raise RuntimeError(text)

    system.configure(capture_server="nonsense")
    entry_points.fsapi("na", Broken(), None, "start")
    assert any("could not answer" in line for line in system.log("err"))
