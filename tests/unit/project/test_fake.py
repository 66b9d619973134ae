"""The switch behind the fake `freeswitch`; what the module promises to Python is in tests/contract."""

from __future__ import annotations

import ctypes
import gc
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import freeswitch
from freeswitch import API, Event, EventConsumer, Session, Switch, consoleLog, switch

FAKES = {"PYTHONPATH": str(Path(freeswitch.__file__).parent)}
CREATE = {"Event-Name": "CHANNEL_CREATE", "Event-Sequence": "7", "Unique-ID": "a-leg"}
SUBJECT = "fake_subject"
DOORS = """
import threading, time, freeswitch
seen = globals().get("seen", [])
def fsapi(session, stream, env, args):
    stream.write(f"{session}|{args}|{env.getHeader('API-Command-Argument')}|{env.fire()}")
def handler(session, args):
    seen.append((session.get_uuid(), args))
def runtime(args):
    seen.append((threading.get_ident(), args))
def raising(*args):
    raise ValueError(args[-1])
def leaving(*args):
    raise SystemExit
def listening(args):
    consumer = freeswitch.EventConsumer("ALL")
    seen.append("listens")
    while True:
        event = consumer.pop(1, 100)
        if event is not None:
            seen.append(event.getType())
        elif "SHUTDOWN" in seen:
            return
def sleeping(args):
    time.sleep(0.5)
def waiting(args):
    try:
        freeswitch.EventConsumer("ALL").pop(1)
    except Exception:
        pass
"""


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    switch.reset()
    yield
    switch.reset()


@pytest.fixture
def subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a module with all entry points."""
    (tmp_path / f"{SUBJECT}.py").write_text(DOORS)
    monkeypatch.syspath_prepend(tmp_path)
    yield SUBJECT
    sys.modules.pop(SUBJECT, None)


def seen() -> list[object]:
    return list(getattr(sys.modules.get(SUBJECT), "seen", []))


def wait_for(what: object) -> None:
    deadline = time.monotonic() + 5
    while what not in seen():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def refused(reason: str) -> Iterator[None]:
    """The fake refuses, and would tell again at the next reset."""
    with pytest.raises(AssertionError, match=reason):
        yield
    with pytest.raises(AssertionError, match=reason):
        switch.join()


# --- events ----------------------------------------------------------------------------------------------------------


def test_recorded_event_keeps_its_own_headers_and_nothing_else() -> None:
    consumer = EventConsumer("ALL")
    switch.fire(CREATE)
    event = consumer.pop()
    assert event is not None
    assert event.getType() == "CHANNEL_CREATE"
    assert json.loads(event.serialize("json")) == CREATE


def test_list_in_a_record_is_an_array_header() -> None:
    consumer = EventConsumer("ALL")
    switch.fire({**CREATE, "variable_DP_MATCH": ["1234", "234"], "variable_one": ["x"], "variable_none": []})
    event = consumer.pop()
    assert event is not None
    assert event.getHeader("variable_dp_match") == "ARRAY::1234|:234"
    assert event.getHeader("variable_one") == "x"
    assert event.getHeader("variable_none") is None
    assert json.loads(event.serialize("json"))["variable_DP_MATCH"] == ["1234", "234"]


def test_body_of_a_record_is_the_body() -> None:
    consumer = EventConsumer("ALL")
    switch.fire({**CREATE, "Content-Length": "5", "_body": "caf\xe9"})
    event = consumer.pop()
    assert event is not None
    assert event.getHeader("Content-Length") is None
    assert event.getBody() == "caf\xe9"
    assert event.serialize().endswith("\nContent-Length: 5\n\ncaf\xe9")


def test_header_of_a_record_can_be_no_utf8() -> None:
    consumer = EventConsumer("ALL")
    switch.fire({**CREATE, "Caller-Caller-ID-Name": "caf\udce9"})
    event = consumer.pop()
    assert event is not None
    assert event.getHeader("Caller-Caller-ID-Name") == "caf\udce9"
    assert "Caller-Caller-ID-Name: caf%E9\n" in event.serialize()
    assert json.loads(event.serialize("json"))["Caller-Caller-ID-Name"] == "caf\udce9"


def test_subclass_of_a_recorded_event_can_be_bound() -> None:
    consumer = EventConsumer("CUSTOM", "sofia::register")
    switch.fire({"Event-Name": "CUSTOM", "Event-Subclass": "sofia::unregister"})
    switch.fire({"Event-Name": "CUSTOM", "Event-Subclass": "sofia::register"})
    event = consumer.pop()
    assert event is not None
    assert event.getHeader("Event-Subclass") == "sofia::register"
    assert consumer.pop() is None


def test_record_that_is_no_event_is_refused() -> None:
    with refused("no event NO_SUCH"):
        switch.fire({"Event-Name": "NO_SUCH"})


def test_every_dropped_event_is_an_error_in_the_log() -> None:
    consumer = EventConsumer("ALL", "", 3)
    switch.fire(*[CREATE] * 5)
    assert [line.level for line in switch.log] == ["err", "err"]
    assert [consumer.pop() is None for _ in range(4)] == [False, False, False, True]


def test_consumer_that_nobody_holds_is_unbound() -> None:
    consumer = EventConsumer("ALL", "", 1)
    del consumer
    gc.collect()
    switch.fire(CREATE, CREATE)
    assert switch.log == []


# --- what would harm a switch ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [(1,), (1, 0), (10,), (1, -1)])
def test_pop_without_a_time_limit_is_refused(arguments: tuple[int, ...]) -> None:
    with refused("waits for ever"):
        EventConsumer("ALL").pop(*arguments)


def test_calls_that_crash_or_hang_a_switch_are_refused(subject: str) -> None:
    with refused("crashes"):
        EventConsumer().bind(None)
    with refused("crashes"):
        Event("CUSTOM").addHeader(None, "x")  # type: ignore[arg-type]  # that is the point
    with refused("does not exist"):
        Event("HEARTBEAT", "")
    with refused("wild pointer"):
        Event("json", "{")
    with refused("GIL"):
        API().executeString(f"python {subject}")


def test_what_was_refused_comes_to_light_even_when_swallowed(subject: str) -> None:
    switch.startup_script(f"{subject}::waiting")
    with pytest.raises(AssertionError, match="waits for ever"):
        switch.reset()
    switch.reset()


# --- log, configuration, answers -------------------------------------------------------------------------------------


def test_log_remembers_level_and_text() -> None:
    for level in ("NOTICE", "error", "3", "99", None):
        consoleLog(level, "text\n")
    assert [line.level for line in switch.log] == ["notice", "debug", "err", "debug", "debug"]
    assert {line.text for line in switch.log} == {"text\n"}


def test_edited_configuration_is_seen_after_reloadxml() -> None:
    ask = "xml_locate configuration configuration name x.conf"
    switch.configure("x.conf", "<old/>")
    switch.configure("x.conf", "<new/>", reload=False)
    assert API().executeString(ask) == "<old/>"
    API().executeString("reloadxml")
    assert API().executeString(ask) == "<new/>"


def test_switch_can_be_given_a_name() -> None:
    switch.name = "other"
    assert API().executeString("switchname") == Event("HEARTBEAT").getHeader("FreeSWITCH-Switchname") == "other"


def test_without_mod_commands_no_command_is_known(subject: str) -> None:
    switch.commands_loaded = False
    switch.configure("x.conf", "<x/>")
    assert API().executeString("xml_locate configuration configuration name x.conf") == "INVALID COMMAND!\n"
    assert API().executeString(f"pyrun {subject}") == "OK\n"
    switch.join()


def test_answers_can_be_programmed() -> None:
    switch.answers.update(switchname="", sofia=lambda argument: f"<{argument}>")
    assert API().executeString("switchname") == ""
    assert API().execute("Sofia", " status ") == "<status>"


def test_channels_can_be_asked() -> None:
    ask = API().executeString
    switch.channels["u1"] = {"Unique-ID": "u1", "Call-Direction": "inbound", "variable_rtp_audio_in_mos": "4.50"}
    listing = json.loads(ask("show channels as json"))
    assert listing["row_count"] == 1
    assert listing["rows"][0]["uuid"] == "u1"
    assert listing["rows"][0]["direction"] == "inbound"
    assert ask("uuid_set_media_stats u1") == "+OK:\n"
    assert ask("uuid_getvar u1 RTP_audio_in_mos") == "4.50"
    assert ask("uuid_getvar u1 nothing") == "_undef_"
    dump = json.loads(ask("uuid_dump u1 json"))
    assert dump["Event-Name"] == "CHANNEL_DATA"
    assert dump["variable_rtp_audio_in_mos"] == "4.50"
    assert "Call-Direction: inbound\n" in ask("uuid_dump u1")


# --- entry points ----------------------------------------------------------------------------------------------------


def test_python_in_fs_cli_answers_what_fsapi_wrote(subject: str) -> None:
    consumer = EventConsumer("API")
    assert switch.python(f" {subject}  a 'b c' \n") == f"na|a b c|{subject}  a 'b c'|False"
    event = consumer.pop()
    assert event is not None
    assert event.getHeader("API-Command") == "python"


def test_dialplan_calls_handler_with_the_session(subject: str) -> None:
    session = Session("u1", {"sip_call_id": "x@y"})
    session.setVariable("gone", "")
    switch.dialplan(f"{subject} log customer chose billing", session)
    switch.dialplan(subject, session)
    assert seen() == [("u1", "log customer chose billing"), ("u1", "")]
    assert session.getVariable("SIP_call_id") == "x@y"
    assert session.getVariable("gone") is None


def test_startup_script_runs_in_a_small_thread_of_its_own(subject: str) -> None:
    before = threading.stack_size()
    thread = switch.startup_script(f"{subject} capture-id=1")
    switch.join()
    assert seen() == [(thread.ident, "capture-id=1")]
    assert threading.stack_size() == before


def test_runtime_has_240_kib_of_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def measure(*_: object) -> None:
        pthread, attributes, size = ctypes.CDLL(None), ctypes.create_string_buffer(256), ctypes.c_size_t()
        pthread.pthread_self.restype = ctypes.c_void_p
        pthread.pthread_getattr_np(ctypes.c_void_p(pthread.pthread_self()), attributes)
        pthread.pthread_attr_getstacksize(attributes, ctypes.byref(size))
        sizes.append(size.value)

    monkeypatch.setattr(Switch, "_call", measure)
    switch.startup_script("anything")
    switch.join()
    assert sizes == [freeswitch.STACK_SIZE] == [240 * 1024]


def test_exception_that_leaves_a_door_fails_the_test(subject: str) -> None:
    with pytest.raises(AssertionError, match=f"an exception left {subject}.raising"):
        switch.python(f"{subject}::raising x")
    with pytest.raises(AssertionError, match="an exception left"):
        switch.dialplan(f"{subject}::raising x", Session("u1"))
    switch.startup_script(f"{subject}::raising x")
    with pytest.raises(AssertionError, match=rf"an exception left {subject}.raising: ValueError\n.*{subject}.py"):
        switch.join()


def test_module_that_is_not_there_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="no_such_module"):
        switch.python("no_such_module status")


def test_system_exit_is_a_normal_end(subject: str) -> None:
    assert switch.python(f"{subject}::leaving") == ""
    switch.startup_script(f"{subject}::leaving")
    switch.join()


# --- the end ---------------------------------------------------------------------------------------------------------


def test_shutdown_fires_its_event_first_and_the_hangups_after(subject: str) -> None:
    switch.startup_script(f"{subject}::listening")
    wait_for("listens")
    switch.shutdown([{"Event-Name": "CHANNEL_HANGUP_COMPLETE"}, {"Event-Name": "CHANNEL_DESTROY"}])
    assert seen() == ["listens", "SHUTDOWN", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"]


def test_runtime_that_does_not_leave_is_a_fault(subject: str) -> None:
    thread = switch.startup_script(f"{subject}::sleeping")
    with pytest.raises(AssertionError, match=f"runtime of {subject}::sleeping still runs"):
        switch.shutdown(patience=0.01)
    thread.join()


def test_reset_makes_a_new_switch_in_the_same_place() -> None:
    consumer, log = EventConsumer("ALL"), switch.log
    switch.name, switch.commands_loaded = "other", False
    switch.configure("x.conf", "<x/>")
    consoleLog("info", "text\n")
    switch.reset()
    switch.fire(CREATE)
    assert consumer.pop() is None
    assert log == switch.log == []
    assert API().executeString("switchname") != "other"
    assert API().executeString("xml_locate configuration configuration name x.conf") == "can't find anything\n"
    assert Event("HEARTBEAT").getHeader("Event-Sequence") == "3"  # the two commands were events


# --- what kills a switch kills the process ---

DEADLY = (
    "consoleLog('debug', BAD)", "consoleLog(BAD, 'text')", "Event(BAD)", "Event('CUSTOM', BAD)",
    "Event('CUSTOM').addHeader('name', BAD)", "Event('CUSTOM').addHeader(BAD, 'value')", "Event('CUSTOM').addBody(BAD)",
    "Event('CUSTOM').getHeader(BAD)", "Event('CUSTOM').delHeader(BAD)", "Event('CUSTOM').serialize(BAD)",
    "EventConsumer(BAD)", "EventConsumer('CUSTOM', BAD)", "EventConsumer().bind(BAD)",
    "EventConsumer().bind('CUSTOM', BAD)", "API().executeString(BAD)", "API().execute(BAD)",
    "API().execute('echo', BAD)",
    "Stream().write(BAD)", "Session('u1').getVariable(BAD)", "Session('u1').setVariable('name', BAD)",
)  # fmt: skip
"""Each function of the module that takes text, with a surrogate for each of its texts."""


@pytest.mark.parametrize("call", DEADLY)
def test_a_surrogate_ends_the_process_whatever_guards_it(call: str) -> None:
    code = f"from freeswitch import *\nBAD = 'caf\\udce9'\ntry:\n {call}\nexcept BaseException:\n pass"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=FAKES, check=False)
    assert done.returncode == -signal.SIGSEGV
    assert done.stderr.startswith("a surrogate went into the switch: 'caf\\udce9'")
