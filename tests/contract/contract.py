"""
What fs_hepipe relies on in the module `freeswitch`, asserted wherever that module is: the fake's or a real switch's.

Rules:
1. Only names of the real module are used, and nothing that could hang or crash a switch: what does is stated, by
   release where releases differ (`VICES`, `deadly`), and executed by tests/live in a switch of its own.
2. A real switch delivers events in a thread of its own, so every event is waited for.
3. Every check leaves the switch as it was and takes well under a second.
4. Where releases differ, a check says by release what it expects.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Callable, Optional

import freeswitch

CONFIGURATION = "python.conf"  # the one that is there wherever mod_python3 is
PATIENCE = 2000  # ms, for what comes for certain
A_WHILE = 100  # ms, to see that nothing comes
MODULE = "contract_subject"  # a module made for the checks of reloading

Check = Callable[[], None]

VICES = {  # statement -> code that ends the process, or stops it for ever, in every release known
    "addHeader(None, value) reads a NULL": "freeswitch.Event('CUSTOM').addHeader(None, 'value')",
    "bind(None) reads a NULL": "freeswitch.EventConsumer().bind(None)",
    "an event made of broken JSON is a wild pointer, whatever lay there before (switch_cpp.cpp:Event)": (
        "[freeswitch.Event('CUSTOM') for _ in range(9)]; freeswitch.Event('json', '{').getType()"
    ),
    "an exception's text is copied into 20 KiB (mod_python3.c:print_python_error)": "raise ValueError('x' * 60_000)",
    "an exception's text with a lone surrogate is a NULL there": "raise ValueError('\\udce9')",
    "the API command python, asked from Python, waits for the GIL that it holds": (
        "freeswitch.API().executeString('python vice')"
    ),
}

STATED: dict[str, tuple[tuple[int, ...], str]] = {}
"""Checks that would kill older releases: the first release that lives, and what kills the others."""


def deadly(before: tuple[int, ...], statement: str) -> Callable[[Check], Check]:
    """Says that a check is not to be executed on releases before this one, and why."""

    def state(check: Check) -> Check:
        STATED[check.__name__] = before, statement
        return check

    return state


def stated(check: Check) -> Optional[str]:
    """Why this check is only stated on the release at hand, None where it can be executed."""
    before, statement = STATED.get(check.__name__, ((), ""))
    return f"before {'.'.join(map(str, before))} {statement}" if release() < before else None


def release() -> tuple[int, ...]:
    """The switch's version."""
    return tuple(map(int, re.findall(r"\d+", freeswitch.API().executeString("version short"))))


# --- reloading -------------------------------------------------------------------------------------------------------


def check_the_named_module_is_reloaded_and_its_globals_survive() -> None:
    """Every call runs the top level again (the first call twice) on the old globals, but not that of a sub-module."""
    with module():
        for _ in range(3):
            pyrun("")
        assert [call["top"] for call in calls()] == [2, 3, 4]
        assert [call["sub"] for call in calls()] == [1, 1, 1]


def check_runtime_runs_in_a_thread_of_its_own() -> None:
    """`pyrun` answers at once, and `runtime` runs in another thread than its caller."""
    with module():
        assert pyrun("")["thread"] != threading.get_ident()


def check_runtime_gets_one_string_of_arguments() -> None:
    """It is all that follows the first blank, stripped, or the empty string."""
    with module():
        assert pyrun("")["args"] == ""
        assert pyrun("  a=b  c ")["args"] == "a=b  c"
        assert pyrun("udp:[2001:db8::1]:9060 \xe9%41")["args"] == "udp:[2001:db8::1]:9060 \xe9%41"


def check_quotes_and_escapes_in_arguments_are_undone() -> None:
    """Pairs of single quotes go, and so do backslashes before quotes, backslashes, n, r, t and s."""
    with module():
        assert pyrun(r"say 'a  b' it's")["args"] == "say a  b it's"
        assert pyrun("it's one")["args"] == "it's one"
        assert pyrun(r"\'a\' \"b\" \\ \n \s \x c:\d")["args"] == "'a' \"b\" \\ \n   \\x c:\\d"
        assert pyrun('"a" b')["args"] == '"a" b'


def check_another_function_of_the_module_can_be_named() -> None:
    """`module::function` calls that one."""
    with module():
        assert pyrun("x", "::other")["args"] == "other x"


# --- headers ---------------------------------------------------------------------------------------------------------


def check_a_header_is_found_in_any_case() -> None:
    """getHeader ignores case."""
    event = freeswitch.Event("CUSTOM", "contract::x")
    event.addHeader("X-Some-Name", "value")
    assert event.getHeader("x-some-NAME") == "value"


def check_a_missing_header_is_none() -> None:
    """So is one without a name."""
    event = freeswitch.Event("CUSTOM", "contract::x")
    assert event.getHeader("X-Missing") is None
    assert event.getHeader("") is None
    assert event.getHeader(None) is None


def check_the_first_of_two_headers_is_found() -> None:
    """A header may stand twice, and delHeader removes both."""
    event = freeswitch.Event("CUSTOM", "contract::x")
    assert event.addHeader("X-Twice", "1") is True
    assert event.addHeader("x-twice", "2") is True
    assert event.getHeader("X-Twice") == "1"
    assert event.delHeader("X-TWICE") is True
    assert event.delHeader("X-TWICE") is False
    assert event.getHeader("X-Twice") is None


def check_a_header_of_a_message_stands_once() -> None:
    """In MESSAGE and CHANNEL_DATA the last one of a name replaces the others."""
    for kind in ("MESSAGE", "CHANNEL_DATA", "REQUEST_PARAMS"):
        event = freeswitch.Event(kind)
        event.addHeader("X-Twice", "1")
        event.addHeader("x-twice", "2")
        assert event.getHeader("X-Twice") == "2"


def check_a_header_is_never_empty() -> None:
    """An empty value removes the header, None is refused."""
    event = freeswitch.Event("CUSTOM", "contract::x")
    event.addHeader("X-Empty", "something")
    assert event.addHeader("X-Empty", None) is False
    assert event.getHeader("X-Empty") == "something"
    assert event.addHeader("X-Empty", "") is True
    assert event.getHeader("X-Empty") is None


def check_an_array_header_reads_as_one_string() -> None:
    """Its parts are joined by |: after ARRAY::, unless there is only one."""
    event = freeswitch.Event("CUSTOM", "contract::x")
    event.addHeader("X-Array", "ARRAY::a|:b")
    event.addHeader("X-Single", "ARRAY::a")
    assert event.getHeader("X-Array") == "ARRAY::a|:b"
    assert event.getHeader("X-Single") == "a"
    event.addHeader("X-Array", "ARRAY::c")
    assert event.getHeader("X-Array") == "ARRAY::a|:b|:c"
    fields = json.loads(event.serialize("json"))
    assert fields["X-Array"] == ["a", "b", "c"]
    assert fields["X-Single"] == ["a"]


def check_a_string_ends_at_its_first_nul() -> None:
    """In every direction: the switch speaks C."""
    event = freeswitch.Event("CUSTOM", "contract::x")
    event.addHeader("X-Nul\0ignored", "seen\0unseen")
    assert event.getHeader("X-Nul") == "seen"
    assert freeswitch.API().executeString("echo seen\0unseen") == "seen"


def check_a_header_can_be_read_by_the_function_in_c() -> None:
    """As getHeader reads it, from an event that was popped too; what it is called by keeps the event alive."""
    consumer = freeswitch.EventConsumer("CUSTOM", "contract::c")
    event = freeswitch.Event("CUSTOM", "contract::c")
    event.addHeader("X-Read", "value")
    event.fire()
    popped = consumer.pop(1, 2000)
    assert popped is not None
    read = partial(freeswitch._freeswitch.Event_getHeader, popped.this)
    assert [read("X-Read"), read("x-read"), read("X-None")] == ["value", "value", None]
    del popped
    assert read("X-Read") == "value"
    consumer.cleanup()


def check_control_characters_survive_in_headers() -> None:
    """A caller's name may hold line ends."""
    event = freeswitch.Event("CUSTOM", "contract::x")
    event.addHeader("X-Control", "a\r\nX-Forged: b\x1b[31m\x7f")
    assert event.getHeader("X-Control") == "a\r\nX-Forged: b\x1b[31m\x7f"


@deadly(
    before=(1, 11),
    statement="a lone surrogate handed to any function is a NULL (mod_python_wrap.cpp:SWIG_AsCharPtrAndSize of SWIG 3)",
)
def check_surrogates_are_not_taken() -> None:
    """A string that is no UTF-8 is a TypeError wherever it is handed in."""
    event, api = freeswitch.Event("CUSTOM", "contract::x"), freeswitch.API()
    refused(freeswitch.consoleLog, "debug", "\udce9\n")
    refused(freeswitch.consoleLog, "\udce9", "text\n")
    refused(event.addHeader, "X-Surrogate", "\udce9")
    refused(event.getHeader, "\udce9")
    refused(event.delHeader, "\udce9")
    refused(event.addBody, "\udce9")
    refused(event.serialize, "\udce9")
    refused(api.executeString, "echo \udce9")
    refused(api.execute, "echo", "\udce9")
    refused(freeswitch.Stream().write, "\udce9")
    refused(freeswitch.Event, "CUSTOM", "\udce9")
    refused(freeswitch.EventConsumer, "CUSTOM", "\udce9")
    refused(freeswitch.EventConsumer().bind, "CUSTOM", "\udce9")


def check_bytes_that_are_no_utf8_come_out_as_surrogates() -> None:
    """What the switch says is decoded with surrogateescape."""
    assert freeswitch.API().executeString("url_decode caf%E9 %C3%A9") == "caf\udce9 \xe9"


# --- events ----------------------------------------------------------------------------------------------------------


def check_every_event_tells_where_and_when() -> None:
    """The headers that name the switch, the time in microseconds and a growing number."""
    first, second = freeswitch.Event("HEARTBEAT"), freeswitch.Event("CUSTOM", "contract::x")
    api = freeswitch.API()
    assert first.getHeader("Event-Name") == first.getType() == "HEARTBEAT"
    assert first.getHeader("Event-Subclass") is None
    assert second.getHeader("Event-Subclass") == "contract::x"
    assert first.getHeader("FreeSWITCH-Switchname") == api.executeString("switchname")
    assert first.getHeader("FreeSWITCH-Hostname") == api.executeString("hostname")
    assert first.getHeader("FreeSWITCH-IPv4") == api.executeString("global_getvar local_ip_v4")
    assert abs(number(first, "Event-Date-Timestamp") - time.time_ns() // 1000) < 5_000_000
    assert number(first, "Event-Sequence") < number(second, "Event-Sequence")


def check_the_clock_of_events_is_coarse() -> None:
    """Events made together carry the same microsecond."""
    times = [number(freeswitch.Event("HEARTBEAT"), "Event-Date-Timestamp") for _ in range(20)]
    assert len(set(times)) <= 3


def check_an_unknown_event_is_a_message() -> None:
    """And one with a subclass is CUSTOM, whatever its name was."""
    assert freeswitch.Event("CONTRACT_NO_SUCH").getType() == "MESSAGE"
    assert freeswitch.Event("HEARTBEAT", "contract::x").getType() == "CUSTOM"


def check_an_event_from_json_has_only_its_own_headers() -> None:
    """Lists become arrays, `_body` the body; numbers and empty values are left out, and no subclass can be bound."""
    kept = {"Event-Name": "CUSTOM", "Event-Subclass": "contract::json", "X-List": ["a", "b"]}
    event = freeswitch.Event("json", json.dumps({**kept, "X-Empty": "", "X-Number": 3, "_body": "text"}))
    assert event.getType() == "CUSTOM"
    assert event.getHeader("X-List") == "ARRAY::a|:b"
    assert event.getBody() == event.getHeader("_body") == "text"
    assert list(json.loads(event.serialize("json"))) == [*kept, "Content-Length", "_body"]
    with bound("CUSTOM", "contract::json") as narrow, bound("CUSTOM") as wide:
        event.fire()
        assert take(wide, 1, "contract::json")
        assert narrow.pop(0) is None


def check_json_keeps_every_header_as_text() -> None:
    """UTF-8 stays as it is, and a body brings its length."""
    event = freeswitch.Event("CUSTOM", "contract::x")
    event.addHeader("X-Number", "1")
    event.addHeader("X-Text", 'caf\xe9 "\\/\n\x1b')
    event.addBody("100 %s\n\xe9")
    text = event.serialize("json")
    fields = json.loads(text)
    assert "caf\xe9" in text
    assert fields["X-Number"] == "1"
    assert fields["X-Text"] == 'caf\xe9 "\\/\n\x1b'
    assert fields["Content-Length"] == "9"
    assert fields["_body"] == event.getBody() == "100 %s\n\xe9"


def check_text_has_encoded_values() -> None:
    """One line a header, no raw line end in it; but a percent sign that looks encoded stays, so that it is not safe."""
    event = freeswitch.Event("CUSTOM", "contract::x")
    event.addHeader("X-Text", "a b\nX-Forged: c%\xe9~/(),;'\x7f")
    event.addHeader("X-Percent", "%41 %4a %")
    lines = event.serialize().split("\n")
    assert lines[0] == "Event-Name: CUSTOM"
    assert lines[-4] == "X-Text: a%20b%0AX-Forged%3A%20c%25%C3%A9~/(),%3B'%7F"
    assert lines[-3:] == ["X-Percent: %41%20%254a%20%25", "", ""]
    event.addBody("text")
    assert event.serialize().endswith("\nContent-Length: 4\n\ntext")


def check_an_event_without_body_has_none() -> None:
    """None, not an empty string."""
    event = freeswitch.Event("CUSTOM", "contract::x")
    assert event.getBody() is None
    assert event.getHeader("_body") is None
    assert "_body" not in json.loads(event.serialize("json"))


# --- consumers -------------------------------------------------------------------------------------------------------


def check_bind_tells_known_names_from_unknown() -> None:
    """1 or 0; case is ignored, and SWITCH_EVENT_ may stand before the name."""
    consumer = freeswitch.EventConsumer()
    known = ("CHANNEL_CREATE", "channel_hangup_complete", "SWITCH_EVENT_CHANNEL_DESTROY", "RECV_RTCP_MESSAGE", "ALL")
    unknown = ("", "CONTRACT_NO_SUCH", "CHANNEL_CREATE ", "sofia::register")
    assert [consumer.bind(name) for name in known] == [1] * len(known)
    assert [consumer.bind(name) for name in unknown] == [0] * len(unknown)
    consumer.cleanup()


def check_every_event_name_can_be_bound() -> None:
    """All that fs_hepipe binds, and the rest of the CHANNEL_ family."""
    consumer = freeswitch.EventConsumer()
    channel = """
        CREATE DESTROY STATE CALLSTATE ANSWER HANGUP HANGUP_COMPLETE EXECUTE EXECUTE_COMPLETE HOLD UNHOLD BRIDGE
        UNBRIDGE PROGRESS PROGRESS_MEDIA OUTGOING PARK UNPARK APPLICATION ORIGINATE UUID DATA"""
    others = """
        CUSTOM DTMF CODEC CALL_UPDATE RECV_RTCP_MESSAGE SEND_RTCP_MESSAGE SESSION_HEARTBEAT CALL_SECURE SHUTDOWN
        RELOADXML HEARTBEAT RECORD_START RECORD_STOP PLAYBACK_START PLAYBACK_STOP MEDIA_BUG_START MEDIA_BUG_STOP"""
    for name in [f"CHANNEL_{suffix}" for suffix in channel.split()] + others.split():
        assert consumer.bind(name) == 1, name
    consumer.cleanup()


def check_a_consumer_takes_no_more_bindings_than_there_are_event_names() -> None:
    """93, or 94 with CERT_RELOAD (1.11.1); the next answers 0, so very many subclasses need CUSTOM as a whole."""
    consumer = freeswitch.EventConsumer()
    answers = [consumer.bind("CUSTOM", "contract::many") for _ in range(150)]
    assert answers == sorted(answers, reverse=True)
    assert sum(answers) == 93 + freeswitch.EventConsumer().bind("CERT_RELOAD")
    consumer.cleanup()


def check_a_subclass_narrows_the_binding() -> None:
    """CUSTOM alone gets every subclass, CUSTOM with one only that, spelt exactly so; ALL gets them too."""
    with bound("ALL") as everything, bound("CUSTOM") as customs, bound("CUSTOM", "contract::one") as one:
        for subclass in ("contract::ONE", "contract::two", "contract::one"):
            freeswitch.Event("CUSTOM", subclass).fire()
        assert subclasses(take(one, 1)) == ["contract::one"]
        assert subclasses(take(customs, 3, "contract::")) == ["contract::ONE", "contract::two", "contract::one"]
        assert subclasses(take(everything, 3, "contract::")) == ["contract::ONE", "contract::two", "contract::one"]
        assert one.pop(1, A_WHILE) is None


def check_bound_twice_an_event_comes_twice() -> None:
    """ALL and its own name, or its name twice."""
    with bound("CUSTOM", "contract::twice") as consumer:
        assert consumer.bind("CUSTOM", "contract::twice") == 1
        freeswitch.Event("CUSTOM", "contract::twice").fire()
        first, second = take(consumer, 2)
        assert first.getHeader("Event-Sequence") == second.getHeader("Event-Sequence")


def check_every_consumer_gets_its_own_copy() -> None:
    """Which outlives the event and its consumer."""
    with bound("CUSTOM", "contract::copy") as one, bound("CUSTOM", "contract::copy") as two:
        original = freeswitch.Event("CUSTOM", "contract::copy")
        original.addHeader("X-Value", "1")
        assert original.fire() is True
        original.delHeader("X-Value")
        mine, yours = take(one, 1)[0], take(two, 1)[0]
        mine.delHeader("X-Value")
    assert yours.getHeader("X-Value") == "1"
    assert yours.getHeader("Event-Sequence") == original.getHeader("Event-Sequence")


def check_the_constructor_binds() -> None:
    """Event, subclass and length, by position only; an unknown event is no error."""
    consumer = freeswitch.EventConsumer("CUSTOM", "contract::new", 10)
    freeswitch.Event("CUSTOM", "contract::new").fire()
    assert take(consumer, 1)
    consumer.cleanup()
    freeswitch.EventConsumer("CONTRACT_NO_SUCH").cleanup()
    refused(freeswitch.EventConsumer, length=10)


def check_pop_without_waiting_answers_at_once() -> None:
    """pop(), pop(0) and pop(0, ms) are None when nothing is there."""
    with bound("CUSTOM", "contract::pop") as consumer:
        started = time.monotonic()
        assert consumer.pop() is None
        assert consumer.pop(0) is None
        assert consumer.pop(0, 5000) is None
        assert time.monotonic() - started < 1


def check_pop_waits_its_milliseconds_and_no_longer() -> None:
    """pop(1, ms) is None after that time."""
    with bound("CUSTOM", "contract::pop") as consumer:
        started = time.monotonic()
        assert consumer.pop(1, 200) is None
        assert consumer.pop(block=1, timeout=50) is None
        assert 0.2 < time.monotonic() - started < 2


def check_pop_ends_waiting_when_an_event_comes() -> None:
    """It does not sit its time out."""
    with bound("CUSTOM", "contract::pop") as consumer:
        timer = threading.Timer(0.1, freeswitch.Event("CUSTOM", "contract::pop").fire)
        started = time.monotonic()
        timer.start()
        assert consumer.pop(1, 5000) is not None
        assert time.monotonic() - started < 4
        timer.join()


def check_pop_lets_other_threads_run() -> None:
    """It releases the GIL while it waits."""
    ticks: list[float] = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(0.01):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick, daemon=True)
    with bound("CUSTOM", "contract::pop") as consumer:
        thread.start()
        started = time.monotonic()
        consumer.pop(1, 300)
        ended = time.monotonic()
    stop.set()
    thread.join(1)
    assert len([at for at in ticks if started < at < ended]) >= 3


def check_pop_takes_whole_numbers_only() -> None:
    """No fractions of a millisecond, no text, no more than 31 bits."""
    with bound("CUSTOM", "contract::pop") as consumer:
        refused(consumer.pop, 1, 0.5)
        refused(consumer.pop, "1")
        refused(consumer.pop, 1, 1 << 40, error=OverflowError)


def check_events_come_in_the_order_they_were_fired() -> None:
    """As far as one thread fires them."""
    with bound("CUSTOM", "contract::order") as consumer:
        for _ in range(50):
            freeswitch.Event("CUSTOM", "contract::order").fire()
        numbers = [number(event, "Event-Sequence") for event in take(consumer, 50)]
        assert numbers == sorted(set(numbers))


def check_a_full_queue_drops_the_newest_without_a_word() -> None:
    """Of six events a queue of three keeps the first three, and takes new ones when there is room again."""
    with bound("CUSTOM", "contract::full") as watcher, bound("CUSTOM", "contract::full", 3) as consumer:
        events = [freeswitch.Event("CUSTOM", "contract::full") for _ in range(7)]
        for event in events[:6]:
            event.fire()
        take(watcher, 6)
        time.sleep(0.05)  # the watcher may have been served first
        popped = [consumer.pop(0) for _ in range(4)]
        expected = [event.getHeader("Event-Sequence") for event in events]
        assert [event and event.getHeader("Event-Sequence") for event in popped] == [*expected[:3], None]
        events[6].fire()
        assert take(consumer, 1)[0].getHeader("Event-Sequence") == expected[6]


def check_after_cleanup_a_consumer_is_dead() -> None:
    """What was queued is gone, pop answers at once even if told to wait, bind answers 0, cleanup again is nothing."""
    with bound("CUSTOM", "contract::dead") as consumer, bound("CUSTOM", "contract::dead") as watcher:
        freeswitch.Event("CUSTOM", "contract::dead").fire()
        take(watcher, 1)
        consumer.cleanup()
        freeswitch.Event("CUSTOM", "contract::dead").fire()
        take(watcher, 1)
        started = time.monotonic()
        assert consumer.pop(0) is None
        assert consumer.pop(1, 5000) is None
        assert consumer.bind("CUSTOM", "contract::dead") == 0
        assert time.monotonic() - started < 1
        consumer.cleanup()


# --- the log ---------------------------------------------------------------------------------------------------------


def check_the_log_takes_any_text() -> None:
    """Long, empty, None, with control characters, on a level that does not exist."""
    for level in ("debug", "DEBUG", "7", "no such level", "", None):
        freeswitch.consoleLog(level, "contract\n")
    for text in ("contract " + "x" * 60_000 + "\n", "", "\x1b[0m\x07\n", "%s%n\n", "caf\xe9 \U0001f600\n", None):
        freeswitch.consoleLog("debug", text)


def check_the_log_takes_nothing_but_text() -> None:
    """Bytes, numbers and exceptions are a TypeError, and so is a missing text."""
    for value in (b"bytes", 1, ValueError("x")):
        refused(freeswitch.consoleLog, "debug", value)
    refused(freeswitch.consoleLog, "debug")


# --- the configuration and other answers -----------------------------------------------------------------------------


def check_a_configuration_is_one_element_as_text() -> None:
    """What xml_locate finds can be parsed as it is."""
    found = freeswitch.API().executeString(f"xml_locate configuration configuration name {CONFIGURATION}")
    element = ET.fromstring(found)
    assert (element.tag, element.get("name")) == ("configuration", CONFIGURATION)


def check_a_missing_configuration_is_told_in_words() -> None:
    """Which are no XML; and so is a question that is none."""
    api = freeswitch.API()
    missing = api.executeString("xml_locate configuration configuration name contract_no_such.conf")
    assert missing == "can't find anything\n"
    assert api.executeString("xml_locate configuration configuration") == "-ERR bad args\n"
    assert api.executeString("xml_locate") == "-ERR bad args\n"


def check_reloadxml_says_so_in_an_event() -> None:
    """+OK, and RELOADXML."""
    with bound("RELOADXML") as consumer:
        assert freeswitch.API().executeString("reloadxml") == "+OK [Success]\n"
        assert take(consumer, 1)[0].getType() == "RELOADXML"


def check_answers_about_the_switch() -> None:
    """Names come without a line end, the version with one, an unknown variable is empty."""
    api = freeswitch.API()
    assert api.executeString("switchname").strip() == api.executeString("switchname") != ""
    assert api.executeString("hostname") == api.executeString("global_getvar hostname") != ""
    assert api.executeString("version").startswith("FreeSWITCH Version ")
    assert api.executeString("version").endswith("\n")
    assert api.executeString("global_getvar contract_no_such") == ""
    assert abs(int(api.getTime()) - time.time_ns() // 1_000_000) < 5000


def check_an_unknown_command_is_an_answer() -> None:
    """Not an exception, and not what fs_cli says; nor is no command at all."""
    api = freeswitch.API()
    assert api.executeString("contract_no_such") == "INVALID COMMAND!\n"
    assert api.executeString(" switchname") == "INVALID COMMAND!\n"
    assert api.execute("contract_no_such", "x") == "INVALID COMMAND!\n"
    assert api.executeString("") == api.execute("", "x") == api.executeString(None) == "-ERR No application specified"


def check_commands_ignore_case_and_space_around() -> None:
    """And execute is executeString in two parts."""
    api = freeswitch.API()
    assert api.executeString("SwitchName") == api.executeString("switchname")
    assert api.executeString("echo  a  b \r\n") == api.execute(" echo", " a  b\t") == "a  b"
    assert api.execute("switchname") == api.execute("switchname", None) == api.executeString("switchname")


def check_every_command_is_an_event() -> None:
    """So an agent bound to API must not execute one per event."""
    with bound("API") as consumer:
        freeswitch.API().executeString("Echo contract text")
        while True:
            event = take(consumer, 1)[0]
            if event.getHeader("API-Command-Argument") == "contract text":
                break
        assert event.getHeader("API-Command") == "Echo"


def check_channels_are_listed_as_json() -> None:
    """A count, and rows only if there are any."""
    listing = json.loads(freeswitch.API().executeString("show channels as json"))
    assert len(listing.get("rows", ())) == listing["row_count"]
    assert ("rows" in listing) == (listing["row_count"] > 0)
    assert all({"uuid", "direction"} <= row.keys() for row in listing.get("rows", ()))


def check_an_unknown_channel_is_an_answer() -> None:
    """One word differs from command to command."""
    api = freeswitch.API()
    assert api.executeString("uuid_dump contract-no-such json") == "-ERR No such channel!\n"
    assert api.executeString("uuid_getvar contract-no-such x") == "-ERR No such channel!\n"
    assert api.executeString("uuid_set_media_stats contract-no-such") == "-ERR No such channel contract-no-such!\n"
    assert api.executeString("uuid_dump") == "-USAGE: <uuid> [format]\n"
    assert api.executeString("uuid_getvar contract-no-such") == "-USAGE: <uuid> <var>\n"
    assert api.executeString("uuid_set_media_stats") == "-USAGE: <uuid>\n"


def check_pyrun_without_a_module_tells_its_usage() -> None:
    """Which is empty."""
    assert freeswitch.API().executeString("pyrun") == "USAGE: \n"


def check_a_stream_takes_text_as_it_is() -> None:
    """No formats, no line ends of its own; None is nothing."""
    stream = freeswitch.Stream()
    for text in ("100 %s", None, "\n", "caf\xe9"):
        stream.write(text)
    assert stream.get_data() == "100 %s\ncaf\xe9"


# --- the runner ------------------------------------------------------------------------------------------------------

CHECKS: list[Check] = [check for name, check in list(globals().items()) if name.startswith("check_")]


def run(report: Callable[[str], object]) -> None:
    """
    Run every check; `report` gets a line for each, `NAME ok`, `NAME FAIL reason` or, where it would kill the switch,
    `NAME stated: reason`, and last `N passed, M failed, K stated`.
    """
    counts = Counter({"ok": 0, "FAIL": 0, "stated:": 0})
    for check in CHECKS:
        verdict, reason = "ok", stated(check) or ""
        if reason:
            verdict = "stated:"
        else:
            try:
                check()
            except Exception as error:  # noqa: BLE001 - the next check goes on
                verdict, reason = "FAIL", _reason(error)
        counts[verdict] += 1
        report(f"{check.__name__} {verdict} {reason}".rstrip())
    report("{} passed, {} failed, {} stated".format(*counts.values()))


def _reason(error: Exception) -> str:
    """The innermost line of this file that failed, and why, in 300 characters of ASCII at most."""
    line, trace = 0, error.__traceback__
    while trace:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == __file__ else line
        trace = trace.tb_next
    source = Path(__file__).read_text(encoding="utf-8").splitlines()[line - 1].strip()
    return ascii(f"{type(error).__name__} {str(error)[:100]} at line {line}: {source}")[1:300]


# --- helpers ---------------------------------------------------------------------------------------------------------


@contextmanager
def bound(event: str, subclass: str = "", length: int = 5000) -> Iterator[freeswitch.EventConsumer]:
    """A consumer of these events, cleaned up in the end."""
    consumer = freeswitch.EventConsumer(event, subclass, length)
    try:
        yield consumer
    finally:
        consumer.cleanup()


def take(consumer: freeswitch.EventConsumer, count: int, subclass: str = "") -> list[freeswitch.Event]:
    """The next `count` events, of this subclass or family if any is given; they come for certain."""
    events: list[freeswitch.Event] = []
    while len(events) < count:
        event = consumer.pop(1, PATIENCE)
        assert event is not None, f"{len(events)} of {count} events came"
        if (event.getHeader("Event-Subclass") or "").startswith(subclass):
            events.append(event)
    return events


def subclasses(events: list[freeswitch.Event]) -> list[Optional[str]]:
    return [event.getHeader("Event-Subclass") for event in events]


def number(event: freeswitch.Event, header: str) -> int:
    return int(event.getHeader(header) or "")


def refused(call: Callable[..., object], *args: object, error: type[Exception] = TypeError, **names: object) -> None:
    """That the call raises this error."""
    try:
        call(*args, **names)
    except error:
        return
    raise AssertionError(f"{call.__name__} took {args!a} {names!a}")


@contextmanager
def module() -> Iterator[None]:
    """A package to import meanwhile; its sub-module remembers what its functions saw."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / MODULE
        package.mkdir()
        (package / "__init__.py").write_text(
            "import threading\n"
            f"from {MODULE} import sub\n"
            "top = globals().get('top', 0) + 1\n"
            "def runtime(args):\n"
            "    sub.calls.append(dict(args=args, top=top, sub=sub.top, thread=threading.get_ident()))\n"
            "def other(args):\n"
            "    runtime('other ' + args)\n"
        )
        (package / "sub.py").write_text("top = globals().get('top', 0) + 1\ncalls = []\n")
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.path.remove(folder)
            for name in (MODULE, f"{MODULE}.sub"):
                sys.modules.pop(name, None)


def pyrun(args: str, function: str = "") -> dict[str, Any]:
    """What the module's `runtime`, or that function, saw when it was started with these arguments."""
    before = len(calls())
    assert freeswitch.API().executeString(f"pyrun {MODULE}{function} {args}") == "OK\n"
    deadline = time.monotonic() + PATIENCE / 1000
    while len(calls()) == before:
        assert time.monotonic() < deadline, "it did not run"
        time.sleep(0.01)
    return calls()[-1]


def calls() -> list[dict[str, Any]]:
    """What the module saw, call by call."""
    return getattr(sys.modules.get(f"{MODULE}.sub"), "calls", [])
