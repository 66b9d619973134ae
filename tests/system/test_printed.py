"""
Nothing that a person reads of the agent has a character that a terminal obeys or nobody sees: answers to fs_cli,
status, metrics and the log, whatever the text and wherever it comes from.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import unicodedata
from collections.abc import Callable

import pytest

from freeswitch import Session, switch
from fs_hepipe.switch import host
from fs_hepipe.words.text import shown
from tests.system.harness import UNRESOLVABLE, System, story, wait_for

EVERY = [
    chr(code)
    for code in range(sys.maxunicode + 1)
    if unicodedata.category(chr(code)) in {"Cc", "Cf", "Zl", "Zp"} and code < 0xE0000 and code
]
EVERY += "\ud800 \udc80 \udce9 \udcff \udfff".split()  # surrogates: of PEP 383, and others
EVERY += "\u034f \u115f \u1160 \u17b4 \u180b \u3164 \ufe00 \ufe0f \uffa0 \U000e0001 \U000e0100".split()  # no glyph
SLICE = 40
TEXTS = ["".join(EVERY[start : start + SLICE]) for start in range(0, len(EVERY), SLICE)]


class Printing(System):
    """The package in the fake switch, and what it has answered."""

    def __init__(self) -> None:
        self.answers: list[str] = []

    @property
    def is_running(self) -> bool:
        return not self.ask("status").startswith("-ERR")


Printed = Callable[[Printing, str, pytest.MonkeyPatch], None]


def test_every_character_that_matters_is_among_them() -> None:
    named = {*range(0x01, 0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F}
    named |= {0x061C, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x2028, 0x2029, 0xAD, 0x180E}
    assert named <= {ord(char) for char in EVERY}


def unknown_command(system: Printing, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system.answers += [system.ask(f"x{text}"), system.ask(f"status {text}"), system.ask(f"json{text} x")]


def argument(system: Printing, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (f"x{text}=1", f"capture-id='{text}'", f"{text}", f"call-events='DTMF,{text}'", f"node-name='{text}'"):
        switch.startup_script(f"fs_hepipe {words}").join(5)
        if system.is_running:
            system.answers.append(system.ask("stop"))


def value(system: Printing, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("capture_id", "call_events", "custom_events", "node_name", "log_level", "capture_server", "qos_type"):
        system.configure(**{name: f"x{text}"})
        system.answers += [system.ask("reload"), system.ask("restart"), system.ask()]


def parameter_name(system: Printing, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system.configure(**{f"x{text}": "1"})
    system.answers += [system.ask("reload"), system.ask("start"), system.ask("test")]


def names_of_the_switch(system: Printing, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create = story("busy_486")[0]
    system.fire([{**create, "FreeSWITCH-Switchname": f"fs{text}"}])
    monkeypatch.setattr(host, "ask", lambda command: f"fs{text}")
    system.answers.append(system.ask("test"))


def event(system: Printing, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create = story("busy_486")[0]
    system.fire([{**create, "Unique-ID": text, "Event-Date-Timestamp": text, "variable_sip_call_id": text}])
    system.agent.counters.received[f"x{text}"] += 1
    system.agent.counters.ignored[f"x{text}"] += 1
    system.agent.counters.failed[f"x{text}"] += 1
    system.agent.counters.dropped[f"x{text}"] += 1
    system.agent.busiest_event = (text, 9.0)


def collector(system: Printing, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(f"no{text}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    system.configure(capture_server=f"udp:{UNRESOLVABLE}:9060")
    system.answers.append(system.ask("restart"))
    wait_for(lambda: any(each.last_error for each in system.agent.collectors))
    system.answers.append(system.ask("test"))


def unbound(system: Printing, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system.agent._bound["CUSTOM", f"x{text}"] = False
    system.agent.remarks = [f"x{text}"]
    system.agent.source = f"x{text}"


def dialplan(system: Printing, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session("leg", {"sip_call_id": "call"})
    monkeypatch.setattr(session, "get_uuid", lambda: f"x{text}")
    with contextlib.suppress(UnicodeEncodeError):
        switch.dialplan(f"fs_hepipe lgo {text}", session)
        switch.dialplan(f"fs_hepipe log {text}", session)


def version(system: Printing, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "version", lambda: f"1{text}")
    system.answers.append(system.ask("version"))


def fault(system: Printing, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(text)

    monkeypatch.setattr(system.agent.pipeline, "handle", fail)
    monkeypatch.setattr(system.agent.pipeline, "tick", fail)
    system.fire([story("busy_486")[0]])
    monkeypatch.setattr(system.agent, "reconfigure", fail)
    system.answers.append(system.ask("reload"))


PLACES = [
    unknown_command, argument, value, parameter_name, names_of_the_switch, event, collector, unbound, dialplan, version,
    fault,
]  # fmt: skip


@pytest.mark.usefixtures("swift")
@pytest.mark.parametrize("text", TEXTS, ids=[f"{ord(text[0]):x}" for text in TEXTS])
@pytest.mark.parametrize("place", PLACES, ids=[place.__name__ for place in PLACES])
def test_what_is_printed_is_only_printed(place: Printed, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system = Printing()
    if place is not argument:
        system.start()
    place(system, text, monkeypatch)
    if system.is_running:
        system.answers += [system.ask(command) for command in ("status", "status json", "metrics", "reload", "")]
    printed = [*system.answers, *system.log()]
    assert printed
    for each in printed:
        assert each.endswith("\n") or each.startswith("{")
        for line in each.split("\n"):
            assert shown(line, None) == line
    json_answers = [answer for answer in system.answers if answer.startswith("{")]
    assert all(map(json.loads, json_answers))


@pytest.mark.usefixtures("swift")
@pytest.mark.parametrize("place", PLACES, ids=[place.__name__ for place in PLACES])
def test_no_text_forges_a_line(place: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    system = Printing()
    if place is not argument:
        system.start()
    place(system, "\nforged 1\r\nforged 2\x7fforged 3\x85forged 4\u2028forged 5", monkeypatch)
    if system.is_running:
        system.answers += [system.ask(command) for command in ("status", "metrics")]
    printed = "".join([*system.answers, *system.log()])
    assert "forged" in printed or place is unknown_command  # it has one word
    assert not [line for line in printed.splitlines() if line.startswith("forged")]
