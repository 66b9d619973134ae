"""
FreeSWITCH as we use it: the only file that imports `freeswitch`, and the gate for every text that goes into it.

Rules:
1. On 1.10.12 a str with a surrogate, which is what an octet that is no UTF-8 becomes, handed to any function of
   `freeswitch` is a NULL pointer and ends the switch (mod_python_wrap.cpp:SWIG_AsCharPtrAndSize; a TypeError from 1.11
   on). So its functions are typed here to take `ForSwitch` alone, which `escaped` and `unchanged` alone make.
2. What has to arrive as it is (a command, the id of a channel, the name of an event) and can't, is not handed over at
   all. What a person reads is escaped and cut.
3. Nothing here holds state but an `Inlet`, which is one EventConsumer.
"""

from __future__ import annotations

import json
from typing import NewType, Optional, Protocol

import freeswitch
from fs_hepipe.words import names
from fs_hepipe.words.event import Event, RecordedEvent
from fs_hepipe.words.text import for_c, shown

MAX_CHANNELS_ASKED = 2000
"""Living channels looked at when the agent starts: one question costs 0.3 ms during which no other script runs."""

MAX_COMMAND = 1024
"""Octets of a command with its argument, of an event's name, of a channel's id: ours have a tenth of that."""

MAX_LINE = 4096
"""Octets of a log line or a header of our own event; both are cut below that before."""

MAX_PIECE = 16_384
"""Characters of an answer to fs_cli that are handed over at once."""


# --- the gate ---

ForSwitch = NewType("ForSwitch", str)
"""Text that FreeSWITCH takes: valid UTF-8, without NUL, of bounded length."""


def escaped(text: str, limit: int = MAX_LINE) -> ForSwitch:
    r"""The text with what FreeSWITCH does not take escaped, as `\xe9` or `\x00`, and cut at `limit` octets."""
    return ForSwitch(for_c(text[:limit]).encode()[:limit].decode("utf-8", "ignore"))


def unchanged(text: str, limit: int = MAX_COMMAND) -> Optional[ForSwitch]:
    """The text where FreeSWITCH gets it just as it is, None where it does not."""
    passed = escaped(text, limit)
    return passed if passed == text else None


class Stream(Protocol):
    """Where `fsapi` writes its answer."""

    def write(self, data: ForSwitch, /) -> None:
        """Adds to it."""


class _Consumer(Protocol):
    def bind(self, event: ForSwitch, subclass: ForSwitch, /) -> int: ...
    def pop(self, block: int, timeout: int = ..., /) -> Optional[Event]: ...
    def cleanup(self) -> None: ...


class _OwnEvent(Protocol):
    def addHeader(self, name: ForSwitch, value: ForSwitch, /) -> bool: ...  # noqa: N802  FreeSWITCH's name
    def fire(self) -> bool: ...


class _Api(Protocol):
    def executeString(self, command: ForSwitch, /) -> Optional[str]: ...  # noqa: N802  FreeSWITCH's name


class _FreeSwitch(Protocol):
    """What we use of the module (switch_cpp.h), its texts typed as what they have to be."""

    def consoleLog(self, level: ForSwitch, line: ForSwitch, /) -> None: ...  # noqa: N802  FreeSWITCH's name
    def API(self) -> _Api: ...  # noqa: N802  FreeSWITCH's name
    def Event(self, kind: ForSwitch, subclass: ForSwitch, /) -> _OwnEvent: ...  # noqa: N802  FreeSWITCH's name
    def EventConsumer(self, event: None, subclass: ForSwitch, length: int, /) -> _Consumer: ...  # noqa: N802  as above


_switch: _FreeSwitch = freeswitch


# --- events ---


class Inlet:
    """An EventConsumer: events wait in it, in C, until they are popped."""

    def __init__(self, length: int) -> None:
        self._consumer = _switch.EventConsumer(None, ForSwitch(""), length)

    def bind(self, name: str, subclass: str = "") -> bool:
        """Asks for an event; False where the switch does not know its name, or after 94 of them (switch_cpp.h)."""
        event, narrower = unchanged(name), unchanged(subclass)
        return event is not None and narrower is not None and bool(self._consumer.bind(event, narrower))

    def pop(self, wait_ms: int) -> Optional[Event]:
        """
        The next event, None when there was none within the time. 0 does not wait.

        A bare `pop(1)` would wait for ever: the time is always given.
        """
        event: Optional[Event] = self._consumer.pop(1, wait_ms) if wait_ms > 0 else self._consumer.pop(0)
        return event

    def close(self) -> None:
        """Ends it; what still waits in it is gone."""
        self._consumer.cleanup()


def write_log(level: str, line: str) -> None:
    """One line on the switch's console and in its log. `level` is FreeSWITCH's, lower case."""
    _switch.consoleLog(escaped(level), escaped(line + "\n"))


def answer(stream: Stream, text: str) -> None:
    """Answers a command of fs_cli."""
    for start in range(0, len(text), MAX_PIECE):
        stream.write(escaped(text[start : start + MAX_PIECE], 4 * MAX_PIECE))  # no character takes more octets


def ask(command: str) -> str:
    """The answer to a command of fs_cli, empty where the switch does not know it, or it can't be asked."""
    question = unchanged(command)
    told = "" if question is None else str(_switch.API().executeString(question) or "")
    return "" if told.startswith("INVALID COMMAND!") else told  # switch_loadable_module.c:switch_api_execute


def answers() -> bool:
    """Whether the switch can be asked: a startup-script may run before mod_commands is loaded."""
    return bool(ask("switchname"))


def configuration(name: str) -> Optional[str]:
    """A configuration as the switch has it now (pre-processed, mod_xml_curl honoured), None where there is none."""
    told = ask(f"xml_locate configuration configuration name {name}")
    return told if told.lstrip().startswith("<") else None


def spawn(argument: str) -> None:
    """Starts `runtime(argument)` of this package in a thread of the switch's. Whoever listens to events sees it."""
    ask(f"pyrun fs_hepipe {argument}")


def version() -> str:
    """The switch's version, as `1.10.12` or `1.11.2-dev`; empty where it can't be asked."""
    return ask("version short").strip().replace("-release", "")  # what configure.ac calls a tagged one


def fire_log(unique_id: str, call_id: Optional[str], text: str) -> bool:
    """
    Fires our own event: a line of the dialplan for its call's log. It comes back to us through the inlet. False where
    neither the channel's id nor its Call-ID can be said.
    """
    event = _switch.Event(ForSwitch(names.CUSTOM), ForSwitch(names.LOG_SUBCLASS))
    leg, call = unchanged(unique_id), unchanged(call_id or "")
    if leg:
        event.addHeader(ForSwitch(names.UNIQUE_ID), leg)
    if call:  # without a leg it is filed there all the same
        event.addHeader(ForSwitch(names.SIP_CALL_ID if leg else names.CALL_ID), call)
    event.addHeader(ForSwitch(names.LOG_TEXT), escaped(shown(text)))
    return bool(leg or call) and event.fire()


def channels() -> list[str]:
    """The Unique-IDs of the channels that live now; none where the switch won't say."""
    try:
        rows = json.loads(ask("show channels as json")).get("rows", [])
    except (ValueError, AttributeError):
        rows = None
    if not isinstance(rows, list):
        return []
    return [str(row.get("uuid")) for row in rows[:MAX_CHANNELS_ASKED] if isinstance(row, dict)]


def channel(unique_id: str) -> Optional[Event]:
    """
    A living channel as its CHANNEL_DATA event; None where it has hung up, and where its id (`origination_uuid` is
    anybody's text) can't be asked about: one with blanks or quotes in it would be taken for another question.
    """
    try:
        headers = json.loads(ask(f"uuid_dump {unique_id} json"))
    except ValueError:
        return None
    is_it = isinstance(headers, dict) and headers.get(names.UNIQUE_ID) == unique_id
    return RecordedEvent(headers) if is_it else None
