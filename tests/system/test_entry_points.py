"""The entry points that mod_python3 calls: the startup-script, `python fs_hepipe …` in fs_cli, the dialplan."""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

import freeswitch
import fs_hepipe
from freeswitch import EventConsumer, Session, Stream, switch
from fs_hepipe.hep import decode
from fs_hepipe.switch import entry_points, starter
from fs_hepipe.version import VERSION
from tests.system.harness import UNRESOLVABLE, Homer, House, assert_balanced, configuration, story, wait_for

SECRET = "s3cret-and-then-some"


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def dead_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# --- starting and stopping -------------------------------------------------------------------------------------------


def test_bare_command_starts_the_agent_and_shows_its_status(house: House) -> None:
    assert starter.current.running() is None
    answer = house.ask()
    assert answer.startswith(f"fs_hepipe {VERSION}, running since ")
    assert house.agent.running.is_set()
    assert house.ask().startswith(f"fs_hepipe {VERSION}, running since ")
    assert len(switch._consumers) == 1


def test_startup_script_starts_it_without_anyone_asking(house: House, homer: Homer) -> None:
    house.configure(capture_server=homer.server)
    house.start()
    house.fire(story("busy_486"))
    house.shutdown()
    assert len(homer.messages(4)) == 4


def test_commands_before_a_start_say_that_nothing_runs(house: House) -> None:
    for command in ("status", "status json", "stop", "reload", "metrics"):
        answer = house.ask(command)
        assert answer.startswith("-ERR is not running"), command
    assert house.ask("help").startswith("python fs_hepipe ")
    assert VERSION in house.ask("version")
    assert house.log() == []


def test_start_stop_and_restart_say_what_they_did(house: House) -> None:
    assert house.ask("start") == "+OK started\n"
    assert house.ask("start") == "-ERR is running already\n"
    first = house.agent
    assert house.ask("restart") == "+OK started\n"
    assert first.ended.is_set()
    assert house.agent is not first
    assert house.ask("stop") == "+OK stopped\n"
    assert house.ask("stop") == "-ERR is not running\n"
    assert house.ask("restart") == "+OK started\n"


def test_second_startup_script_finds_the_first_one_running(house: House) -> None:
    first = house.start()
    second = switch.startup_script("fs_hepipe capture-id=7")
    second.join(5)
    assert not second.is_alive()
    assert house.agent is first
    assert first.config.settings.capture_id == 2001
    assert any("running already" in line for line in house.log())
    assert len(switch._consumers) == 1


def test_two_that_start_at_once_are_one_agent(house: House) -> None:
    switch.commands_loaded = False  # both wait for it
    threads = [switch.startup_script("fs_hepipe") for _ in range(5)]
    time.sleep(0.03)
    switch.commands_loaded = True
    wait_for(lambda: starter.current.running() and sum(thread.is_alive() for thread in threads) == 1)
    wait_for(house.agent.running.is_set)
    assert len(switch._consumers) == 1


def test_ten_starts_leave_one_consumer_one_socket_and_no_thread(house: House, homer: Homer) -> None:
    house.configure(capture_server=homer.server)
    house.start()
    house.fire(story("busy_486"))
    wait_for(lambda: len(homer.datagrams) == 4)
    threads, opened = threading.active_count(), descriptors()
    for _ in range(10):
        assert house.ask("stop") == "+OK stopped\n"
        assert house.ask("start") == "+OK started\n"
        house.fire(story("busy_486"))
    wait_for(lambda: len(homer.datagrams) == 44)
    wait_for(lambda: threading.active_count() == threads)
    assert descriptors() == opened
    live = [consumer for consumer in switch._consumers if consumer._ready]
    assert len(live) == 1


def test_agent_that_does_not_stop_in_time_is_not_started_twice(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = house.start()
    with monkeypatch.context() as patch:
        patch.setattr(starter, "REQUEST_TIMEOUT", 0.05)
        patch.setattr(agent, "stop", lambda: None)
        for command in ("stop", "restart"):
            assert house.ask(command) == "-ERR is still stopping\n"
    assert house.agent is agent
    assert house.ask("stop") == "+OK stopped\n"


def test_stop_sends_what_waits_first(house: House, homer: Homer) -> None:
    house.configure(capture_server=homer.server)
    house.start()
    switch.fire(*story("bridged_answered"))
    assert house.ask("stop") == "+OK stopped\n"
    assert_balanced(house.agent)
    assert len(homer.messages(24)) == 24


def test_agent_started_again_still_logs(house: House) -> None:
    house.start()
    for _ in range(5):
        house.ask("restart")
    switch.log.clear()
    house.ask("stop")
    wait_for(lambda: any("has stopped" in line for line in house.log("info")))


def test_agent_that_could_not_open_its_queue_can_be_started_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise MemoryError("no room for a queue")

    with monkeypatch.context() as patch:
        patch.setattr(freeswitch, "EventConsumer", refuse)
        assert house.ask("start") == house.ask() == "-ERR did not start, see the log\n"
    assert any("MemoryError: no room for a queue" in line for line in house.log("err"))
    assert house.ask("status").startswith("-ERR is not running")
    assert house.ask("start") == "+OK started\n"


def test_reloading_the_named_module_loses_nothing(house: House) -> None:
    agent = house.start()
    runtime = fs_hepipe.runtime
    for _ in range(3):
        assert house.ask("status").startswith("fs_hepipe ")  # the fake reloads it before each call, as the switch does
    assert house.agent is agent
    assert sys.modules["fs_hepipe"].runtime is runtime
    assert sorted(fs_hepipe.__all__) == ["__version__", "fsapi", "handler", "runtime"]
    assert not [name for name in vars(fs_hepipe) if name.startswith("_") and not name.startswith("__")]


# --- arguments of the startup-script ---------------------------------------------------------------------------------


def test_arguments_override_the_file(house: House) -> None:
    house.configure(capture_id="7", node_name="from-file")
    agent = house.start("capture-id=8")
    assert agent.config.settings.capture_id == 8
    assert agent.config.settings.node_name == "from-file"
    assert agent.source == "fs_hepipe.conf.xml and its arguments"


def test_arguments_hold_for_as_long_as_the_switch_lives(house: House) -> None:
    given = r"capture-id=8 node-name=\"it\'s a \'node\'\" capture-server=udp:[::1]:9060"
    agent = house.start(given)
    settings, collectors = agent.config.settings, agent.config.collectors
    assert settings.node_name == "it's a 'node'"
    for command in ("reload", "restart", "stop", "start"):
        assert house.ask(command).startswith("+OK"), command
        assert house.agent.config.settings == settings
        assert house.agent.config.collectors == collectors


def test_arguments_survive_a_start_that_failed(house: House) -> None:
    house.configure(capture_id="many")
    switch.startup_script("fs_hepipe capture-server=udp:192.0.2.7:9060").join(5)
    assert house.ask("status").startswith("-ERR is not running")
    house.configure(capture_id="7")
    assert house.ask("start") == "+OK started\n"
    assert [str(each) for each in house.agent.config.collectors] == ["udp:192.0.2.7:9060"]


def test_bad_arguments_are_told_and_not_kept(house: House) -> None:
    house.configure(max_legs="0")
    switch.startup_script("fs_hepipe capture-sever=udp:192.0.2.7:9060 qos-type=33").join(5)
    assert house.log("err") == [
        "fs_hepipe: max-legs: '0' is not a whole number from 1 to 1000000\n",
        "fs_hepipe: capture-sever: there is no such parameter\n",
        "fs_hepipe: qos-type: '33' is not a list of 32, 34, 35, 99\n",
        "fs_hepipe: not started: the configuration has problems\n",
    ]
    assert starter.current.running() is None
    house.configure()
    assert house.ask("start") == "+OK started\n"
    assert house.agent.source == "fs_hepipe.conf.xml"


@pytest.mark.parametrize("command", ["", "start", "restart"])
def test_bad_arguments_leave_the_good_ones_of_before(house: House, command: str) -> None:
    house.start("capture-id=8")
    house.ask("stop")
    freeswitch.API().executeString("pyrun fs_hepipe nonsense")
    wait_for(lambda: any("'nonsense' is not name=value" in line for line in house.log("err")))
    assert not house.ask(command).startswith("-ERR")
    assert house.agent.config.settings.capture_id == 8


def test_runtime_by_hand_without_arguments_has_none(house: House) -> None:
    house.start("capture-id=8")
    house.ask("stop")
    freeswitch.API().executeString("pyrun fs_hepipe")
    wait_for(lambda: starter.current.running() and house.agent.running.is_set())
    assert house.agent.config.settings.capture_id == 2001


# --- configuration ---------------------------------------------------------------------------------------------------


def test_reload_takes_a_new_configuration_without_losing_a_call(house: House, homer: Homer, other_homer: Homer) -> None:
    house.configure(capture_server=homer.server)
    agent = house.start()
    events = story("bridged_answered")
    house.fire(events[:30])
    before = len(homer.messages(agent.counters.ledger().built))
    assert before
    house.configure(capture_server=[homer.server, other_homer.server], node_name="renamed", capture_id="7")
    assert house.ask("reload") == "+OK reloaded\n"
    assert house.agent is agent
    house.fire(events[30:])
    house.shutdown()
    assert len(homer.messages(24)) == 24
    assert homer.datagrams[before:] == other_homer.datagrams
    assert {(message.node_name, message.capture_id) for message in other_homer.messages()} == {("renamed", 7)}
    assert_balanced(agent)


def test_reload_lets_a_collector_go(house: House, homer: Homer, other_homer: Homer) -> None:
    house.configure(capture_server=[homer.server, other_homer.server])
    agent = house.start()
    house.fire(story("busy_486"))
    opened = descriptors()
    house.configure(capture_server=other_homer.server)
    assert house.ask("reload") == "+OK reloaded\n"
    assert descriptors() == opened - 1
    house.fire(story("notfound_404"))
    house.shutdown()
    assert len(homer.messages(4)) == 4
    assert len(other_homer.messages(8)) == 8
    assert_balanced(agent)


def test_reload_asks_for_events_that_were_not_wanted_before(house: House, homer: Homer) -> None:
    house.configure(capture_server=homer.server, report_call_events="no", report_custom_events="no")
    house.start()
    house.fire(story("register_unregister") + story("busy_486"))
    assert homer.messages() == []
    house.configure(capture_server=homer.server)
    house.ask("reload")
    house.fire(story("register_unregister") + story("busy_486"))
    assert len(homer.messages(6)) == 6
    house.ask("reload")
    house.fire(story("register_unregister"))
    assert len(homer.messages(8)) == 8, "an event bound twice comes twice"


def test_bad_configuration_leaves_the_running_one_alone(house: House, homer: Homer) -> None:
    house.configure(capture_server=homer.server)
    agent = house.start()
    before = agent.config
    house.configure(capture_server="tcp:homer:9060", capture_id="-1", qos_type="33", nonsense="1", log_level="loud")
    answer = house.ask("reload").splitlines()
    assert answer == [
        "-ERR capture-server: 'tcp:homer:9060' asks for another transport: udp is what there is",
        "-ERR capture-id: '-1' is not a whole number from 0 to 4294967295",
        "-ERR qos-type: '33' is not a list of 32, 34, 35, 99",
        "-ERR nonsense: there is no such parameter",
        "-ERR log-level: 'loud' is none of debug, info, notice, warning, err, crit, alert",
    ]
    assert agent.config is before
    house.fire(story("busy_486"))
    assert len(homer.messages(4)) == 4
    assert house.ask("restart").startswith("-ERR capture-server")
    assert starter.current.running() is agent, "what could not start again is not stopped"


def test_bad_configuration_at_start_is_told_on_the_console_and_to_whoever_asks(house: House) -> None:
    house.configure(capture_id="many", max_legs="0")
    switch.startup_script("fs_hepipe").join(5)
    assert house.log("err") == [
        "fs_hepipe: capture-id: 'many' is not a whole number from 0 to 4294967295\n",
        "fs_hepipe: max-legs: '0' is not a whole number from 1 to 1000000\n",
        "fs_hepipe: not started: the configuration has problems\n",
    ]
    for command in ("", "start", "restart"):
        assert house.ask(command).splitlines() == [
            "-ERR capture-id: 'many' is not a whole number from 0 to 4294967295",
            "-ERR max-legs: '0' is not a whole number from 1 to 1000000",
        ]
    assert starter.current.running() is None


def test_configuration_that_the_agent_chokes_on_is_refused_whole(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = house.start()
    before = agent.config
    monkeypatch.setattr(agent.pipeline, "reconfigure", lambda _: 1 / 0)
    house.configure(capture_id="7")
    assert house.ask("reload") == "-ERR the agent did not use it, see the log\n"
    assert agent.config is before
    assert any("ZeroDivisionError" in line for line in house.log("err"))
    assert house.ask("status").startswith("fs_hepipe "), "the loop goes on"
    assert house.ask("stop") == "+OK stopped\n"


def test_unknown_event_is_named_and_the_rest_is_bound(house: House, homer: Homer) -> None:
    house.configure(capture_server=homer.server, call_events="CHANNEL_CREATE,CHANNEL_MADE_UP")
    agent = house.start()
    warning = "call-events: 'CHANNEL_MADE_UP' can't be logged and is left out"
    assert house.log("warning") == [f"fs_hepipe: {warning}\n"]
    assert warning in house.status()["hints"]
    assert f"warning: {warning}\n+OK reloaded\n" == house.ask("reload")
    house.fire(story("busy_486"))
    assert len(homer.messages(2)) == 2
    assert_balanced(agent)


def test_two_things_to_complain_of_are_both_told(house: House) -> None:
    """The console keeps repeats back, but not another complaint of the same kind."""
    house.configure(
        capture_server=[f"udp:{UNRESOLVABLE}:9060", f"udp:{UNRESOLVABLE}:9061"],
        call_events="CHANNEL_MADE_UP",
    )
    house.start()
    wait_for(lambda: len(house.log("warning")) >= 3, 10)
    told = "".join(house.log("warning"))
    assert all(word in told for word in ("MADE_UP", ":9060", ":9061"))


def test_length_of_the_queue_changes_at_the_next_restart(house: House) -> None:
    house.configure(event_queue_length="100")
    house.start()
    house.configure(event_queue_length="200")
    assert house.ask("reload") == "event-queue-length stays 100 until the next restart\n+OK reloaded\n"
    assert house.status()["queue"]["length"] == 100
    house.ask("restart")
    assert house.status()["queue"]["length"] == 200


def test_configuration_is_waited_for_where_mod_commands_is_loaded_later(house: House) -> None:
    house.configure(capture_id="7")
    switch.commands_loaded = False
    switch.startup_script("fs_hepipe")
    time.sleep(0.05)
    assert starter.current.running() is None
    switch.commands_loaded = True
    wait_for(lambda: starter.current.running() and house.agent.running.is_set())
    assert house.agent.config.settings.capture_id == 7


def test_switch_without_mod_commands_is_told_apart_from_one_without_a_configuration(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "configured by its defaults\n" in house.ask()
    house.ask("stop")
    switch.commands_loaded = False
    with monkeypatch.context() as patch:
        patch.setattr(starter, "REQUEST_TIMEOUT", 0.03)
        switch.startup_script("fs_hepipe")
        wait_for(lambda: starter.current.running() and house.agent.running.is_set())
    assert "configured by its defaults (mod_commands is not loaded)\n" in house.ask()


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_password_is_sent_and_never_shown(house: House, homer: Homer) -> None:
    api = EventConsumer("API")
    house.configure(capture_server=homer.server, capture_password=SECRET, log_level="debug")
    house.start()
    house.fire(story("busy_486"))
    commands = ("", "status", "status json", "metrics", "test", "version", "reload", "restart", "help")
    shown = [house.ask(command) for command in commands]
    house.configure(capture_password=f'{SECRET}"', nonsense="1")
    shown += [house.ask(command) for command in ("reload", "restart", "start")]
    assert shown[-3].startswith("-ERR capture-password: has a ")
    house.ask("stop")
    shown.append(house.ask("start"))
    shown += house.log()
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
def test_password_among_the_arguments_is_never_shown_by_us(house: House, arguments: str) -> None:
    api = EventConsumer("API")
    thread = switch.startup_script(f"fs_hepipe {arguments}")
    wait_for(lambda: not thread.is_alive() or starter.current.running())
    shown = [house.ask(command) for command in ("", "status", "start", "reload", "restart", "test", "stop", "start")]
    assert not [text for text in [*shown, *house.log()] if SECRET in text]
    assert SECRET not in events_of(api)


def events_of(consumer: EventConsumer) -> str:
    events = []
    while (event := consumer.pop(0)) is not None:
        events.append(event.serialize("json"))
    assert events
    return "".join(events)


# --- commands --------------------------------------------------------------------------------------------------------


def test_every_command_of_the_usage_answers(house: House) -> None:
    house.start()
    usage = house.ask("help")
    commands = re.findall(r"^python fs_hepipe (\w+)", usage, re.MULTILINE)
    assert commands == ["status", "start", "stop", "restart", "reload", "test", "metrics", "version", "help"]
    for command in commands:
        assert house.ask(command).endswith("\n")
    assert all(len(line) <= 100 for line in usage.splitlines())


@pytest.mark.parametrize("command", ["nonsense", "--help", "Status", "\udce9\x1b[2J", "x" * 60_000])
def test_unknown_command_is_an_error_with_the_usage(house: House, command: str) -> None:
    stream = Stream()
    fs_hepipe.fsapi("na", stream, None, command)
    first, _, rest = stream.get_data().partition("\n")
    assert first.startswith("-ERR unknown command ")
    assert first.isprintable()
    assert len(first) < 100
    assert rest == house.ask("help")


def test_no_arguments_at_all_are_like_empty_ones(house: House) -> None:
    stream = Stream()
    fs_hepipe.fsapi("na", stream, None, None)
    assert stream.get_data().startswith(f"fs_hepipe {VERSION}, running since ")
    fs_hepipe.handler(Session("u1"), None)
    assert house.log("err") == ["fs_hepipe: dialplan: '' is not: log TEXT\n"]


def test_version_tells_what_it_runs_on(house: House) -> None:
    assert house.ask("version") == f"fs_hepipe {VERSION}\nFreeSWITCH 1.10.12\nPython 3.11.2\nDebian 12\n"


def test_untested_switch_is_a_hint_and_no_error(house: House) -> None:
    switch.answers["version"] = "1.10.9"
    house.start()
    said = "FreeSWITCH 1.10.9 was not tested with this version of fs_hepipe, 1.10.12, 1.11.2 was"
    assert said in house.ask("version").splitlines()
    assert house.status()["hints"] == [said]


def test_status_as_json_is_one_line_and_says_what_the_text_says(house: House, homer: Homer) -> None:
    house.configure(capture_server=homer.server, node_name="node")
    house.start()
    house.fire(story("bridged_answered"))
    wait_for(lambda: len(homer.datagrams) == 24)
    answer = house.ask("status json")
    assert answer.count("\n") == 1
    report = json.loads(answer)
    assert report["collectors"][0]["name"] == homer.server
    assert report["collectors"][0]["sent"] == 24
    assert report["messages"] == {"5": 12, "34": 4, "100": 8}
    assert report["legs"]["living"] == 0
    assert report["ledger"]["balances"] is True
    text = house.ask("status")
    for words in (homer.server, "sent 24", "node node", "capture id 2001", "0 known", "balances"):
        assert words in text
    assert report["running_since"] in text


def test_status_balances_however_busy_the_agent_is(house: House, homer: Homer) -> None:
    house.configure(capture_server=homer.server)
    agent = house.start()
    events = [event for event in story("load_150_calls")[:1500] if event["Event-Name"] != "CHANNEL_STATE"]
    done = threading.Event()

    def fire() -> None:
        while not done.is_set():
            switch.fire(*events[:500])
            time.sleep(0.001)

    thread = threading.Thread(target=fire)
    thread.start()
    try:
        reports = [house.status()]
        deadline = time.monotonic() + 10
        while len(reports) < 20 or (reports[-1]["ledger"]["received"] < 2000 and time.monotonic() < deadline):
            reports.append(house.status())
    finally:
        done.set()
        thread.join()
    assert all(report["ledger"]["balances"] for report in reports)
    house.drained()
    assert agent.counters.ledger().balances


def test_test_sends_a_message_that_a_person_can_find(house: House, homer: Homer) -> None:
    switch.name = "edge-1"
    house.configure(capture_server=homer.server, capture_password=SECRET)
    answer = house.ask("test")  # the agent need not run for it
    assert f"+OK {homer.server}: sent" in answer
    assert "look for edge-1/test/fs_hepipe in Homer" in answer
    (message,) = homer.messages(1)
    assert message.correlation_id == "edge-1/test/fs_hepipe"
    assert message.protocol_type == 100
    assert message.node_name == "edge-1"
    assert (message.src_ip, message.dst_ip) == ("192.0.2.1", "192.0.2.1")
    assert abs(message.timestamp / 1e6 - time.time()) < 60
    assert starter.current.running() is None


def test_test_says_which_collector_can_not_be_reached(house: House, homer: Homer) -> None:
    port = dead_port()
    house.configure(capture_server=[homer.server, f"udp:127.0.0.1:{port}", f"udp:{UNRESOLVABLE}:9060"])
    agent = house.start()
    answers = house.ask("test").splitlines()
    assert answers[0].startswith(f"+OK {homer.server}: sent")
    assert answers[1] == f"-ERR udp:127.0.0.1:{port}: [Errno 111] Connection refused"
    assert answers[2].startswith(f"-ERR udp:{UNRESOLVABLE}:9060: {UNRESOLVABLE} does not resolve")
    assert agent.collectors.offered == 0, "the ledger is the agent's own"


def test_test_works_where_the_switch_can_not_be_asked(house: House, homer: Homer) -> None:
    house.start(f"capture-server={homer.server}")
    switch.commands_loaded = False
    assert house.ask("test").startswith(f"+OK {homer.server}")
    assert homer.messages(2)[0].src_ip == "0.0.0.0"
    assert homer.messages(2)[0].correlation_id == "unknown/test/fs_hepipe"
    assert house.ask("version") == f"fs_hepipe {VERSION}\nFreeSWITCH (unknown)\nPython 3.11.2\nDebian 12\n"


# --- the dialplan ----------------------------------------------------------------------------------------------------


def living(house: House) -> str:
    """A living call; its Unique-ID."""
    events = story("bridged_answered")
    house.fire(events[:10])
    return str(events[0]["Unique-ID"])


def test_dialplan_writes_a_line_into_its_own_calls_log(house: House, homer: Homer) -> None:
    house.configure(capture_server=homer.server)
    agent = house.start()
    leg = living(house)
    call_id = homer.messages(1)[0].correlation_id
    switch.dialplan("fs_hepipe log customer chose billing", Session(leg))
    house.drained()
    message = homer.messages(2)[-1]
    assert message.correlation_id == call_id
    assert message.protocol_type == 100
    assert 'text="customer chose billing"' in message.payload.decode()
    assert f"leg={leg}" in message.payload.decode()
    assert_balanced(agent)


def test_line_of_a_leg_that_the_agent_does_not_know_goes_under_the_sessions_call_id(house: House, homer: Homer) -> None:
    house.configure(capture_server=homer.server)
    house.start()
    switch.dialplan("fs_hepipe log hello", Session("unknown-leg", {"sip_call_id": "abc@192.0.2.9"}))
    assert homer.messages(1)[0].correlation_id == "abc@192.0.2.9"


@pytest.mark.parametrize("text", ["caf\udce9 \x1b[2J\r\nCHANNEL_ANSWER leg=forged", "ARRAY::a|:b", "x" * 60_000, '"'])
def test_hostile_text_stays_one_line_of_its_own(house: House, homer: Homer, text: str) -> None:
    house.configure(capture_server=homer.server)
    agent = house.start()
    leg = living(house)
    fs_hepipe.handler(Session(leg), f"log {text}")
    house.drained()
    payload = homer.messages(2)[-1].payload.decode()
    assert payload.isprintable()
    assert payload.count(" leg=") - payload.count("leg=forged") == 1
    assert len(payload) < 2000
    assert_balanced(agent)


def test_hostile_call_id_of_a_session_does_not_cost_the_line(house: House, homer: Homer) -> None:
    house.configure(capture_server=homer.server)
    house.start()
    leg = living(house)
    switch.dialplan("fs_hepipe log hello", Session(leg, {"sip_call_id": "caf\udce9@192.0.2.9"}))
    assert b"text=hello" in homer.messages(2)[-1].payload
    assert house.log("err") == []


@pytest.mark.parametrize("arguments", ["", "log", "log   ", "logg hello", "hello", "\udce9"])
def test_wrong_use_in_the_dialplan_is_told_once_and_harms_no_call(house: House, arguments: str) -> None:
    house.start()
    for _ in range(50):
        fs_hepipe.handler(Session("u1"), arguments)
    assert len(house.log("err")) == 1
    assert "is not: log TEXT" in house.log("err")[0]


def test_dialplan_without_an_agent_harms_no_call(house: House) -> None:
    switch.dialplan("fs_hepipe log hello", Session("u1"))
    assert house.log() == []


def test_configuration_of_the_house_is_what_the_switch_gives(house: House) -> None:
    """The helper of these tests speaks the language of the file that is installed."""
    assert configuration(capture_id="7").startswith('<configuration name="fs_hepipe.conf">')


def test_bad_configuration_and_a_broken_stream_together_leave_no_door(house: House) -> None:
    class Broken:
        def write(self, text: str) -> None:
            raise RuntimeError(text)

    house.configure(capture_server="nonsense")
    entry_points.fsapi("na", Broken(), None, "start")
    assert any("could not answer" in line for line in house.log("err"))
