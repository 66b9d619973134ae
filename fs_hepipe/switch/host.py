"""
FreeSWITCH's functions: the only file that imports `freeswitch`. It checks all text that is passed to FreeSWITCH.

Rules:
1. An octet that is not UTF-8 is a surrogate in a str. On 1.10.12, a str with a surrogate passed to any function of
   `freeswitch` becomes a NULL pointer and ends FreeSWITCH (mod_python_wrap.cpp:SWIG_AsCharPtrAndSize; a TypeError from
   1.11 on). So the functions take only the type `ForSwitch` here, which only `escaped` and `unchanged` make.
2. Text that must not be changed (a command, the id of a channel, the name of an event) and would have to be, is not
   passed at all. Text for people is escaped and cut.
3. Only an `Inlet`, which is one EventConsumer, holds state.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any, Callable, NewType, Optional, Protocol

import freeswitch
from fs_hepipe.words import names
from fs_hepipe.words.event import Event, Get, RecordedEvent
from fs_hepipe.words.text import for_c, shown, shown_lines

MAX_CHANNELS_ASKED = 2000
"""Channels looked up when the agent starts: each takes 0.3 ms, during which no other script runs."""

MAX_COMMAND = 1024
"""Octets of a command with its argument, an event's name, a channel's id: ours have a tenth of that."""

MAX_LINE = 4096
"""Octets of a log line or a header of our own event; both have been cut below that before."""

MAX_PIECE = 16_384
"""Characters of an answer to fs_cli that are written at once."""


# --- text for FreeSWITCH ---

ForSwitch = NewType("ForSwitch", str)
"""Text that FreeSWITCH accepts: valid UTF-8, without NUL, of bounded length."""


def escaped(text: str, limit: int = MAX_LINE) -> ForSwitch:
    r"""The text, with what FreeSWITCH does not accept escaped as `\xe9` or `\x00`, cut at `limit` octets."""
    return ForSwitch(for_c(text[:limit]).encode()[:limit].decode("utf-8", "ignore"))


def unchanged(text: str, limit: int = MAX_COMMAND) -> Optional[ForSwitch]:
    """The text if FreeSWITCH accepts it as it is, otherwise None."""
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
    """The functions of the module that we use (switch_cpp.h), with `ForSwitch` for their text."""

    def consoleLog(self, level: ForSwitch, line: ForSwitch, /) -> None: ...  # noqa: N802  FreeSWITCH's name
    def API(self) -> _Api: ...  # noqa: N802  FreeSWITCH's name
    def Event(self, kind: ForSwitch, subclass: ForSwitch, /) -> _OwnEvent: ...  # noqa: N802  FreeSWITCH's name
    def EventConsumer(self, event: None, subclass: ForSwitch, length: int, /) -> _Consumer: ...  # noqa: N802  as above


_switch: _FreeSwitch = freeswitch


# --- events ---

_get_header: Optional[Callable[[object, str], Optional[str]]] = getattr(
    getattr(freeswitch, "_freeswitch", None), "Event_getHeader", None
)
"""What `freeswitch.Event.getHeader` calls in C (freeswitch.py, as SWIG makes it)."""


class _Popped:
    """
    An event of the switch. Its headers are read by the C function itself: SWIG's method in Python around that, called
    for the 20 headers of an event, was a tenth of what the agent costs a switch.
    """

    __slots__ = ("_event", "getHeader")

    def __init__(self, event: Event, get: Get) -> None:
        self._event = event  # with it the event in C ends
        self.getHeader = get

    def serialize(self, format: str, /) -> str:  # noqa: A002  FreeSWITCH's name
        """The whole event."""
        return self._event.serialize(format)


class Inlet:
    """An EventConsumer: a queue of events, in C."""

    def __init__(self, length: int, inherited: Optional[dict[str, Any]] = None) -> None:
        """
        Args:
            inherited: what `hand_over` of an agent before this one has left.
        """
        if inherited is not None and inherited["length"] != length:
            inherited["consumer"].cleanup()
            inherited = None
        self._length = length
        self._consumer: _Consumer = (
            inherited["consumer"] if inherited is not None else _switch.EventConsumer(None, ForSwitch(""), length)
        )
        self._bound: set[tuple[str, str]] = set(inherited["bound"] if inherited is not None else ())

    def bind(self, name: str, subclass: str = "") -> bool:
        """Binds an event; False if FreeSWITCH does not know its name, or after 94 bindings (switch_cpp.h)."""
        if (name, subclass) in self._bound:  # a second time, and it would come twice
            return True
        event, narrower = unchanged(name), unchanged(subclass)
        is_bound = event is not None and narrower is not None and bool(self._consumer.bind(event, narrower))
        if is_bound:
            self._bound.add((name, subclass))
        return is_bound

    def hand_over(self) -> dict[str, Any]:
        """What the inlet of the next agent, of whatever version, goes on with; the keys are stable."""
        return {"consumer": self._consumer, "bound": sorted(self._bound), "length": self._length}

    def pop(self, wait_ms: int) -> Optional[Event]:
        """
        The next event, None if none came within the time. 0 does not wait.

        `pop(1)` without a time would wait forever.
        """
        event: Optional[Event] = self._consumer.pop(1, wait_ms) if wait_ms > 0 else self._consumer.pop(0)
        this = getattr(event, "this", None)  # what the functions in C know it by (SWIG)
        if event is None or this is None or _get_header is None:
            return event
        return _Popped(event, partial(_get_header, this))

    def close(self) -> None:
        """Ends it; the events still in it are lost."""
        self._bound.clear()
        self._consumer.cleanup()


def write_log(level: str, line: str) -> None:
    """Writes one line to FreeSWITCH's console and log. `level` is one of FreeSWITCH's, in lower case."""
    _switch.consoleLog(escaped(level), escaped(shown(line, None) + "\n"))


def answer(stream: Stream, text: str) -> None:
    """Answers a command of fs_cli. Whatever is in the answer, a terminal only prints it."""
    text = shown_lines(text)
    for start in range(0, len(text), MAX_PIECE):
        stream.write(escaped(text[start : start + MAX_PIECE], 4 * MAX_PIECE))  # a character has 4 octets at most


def ask(command: str) -> str:
    """The answer to a command of fs_cli; empty if FreeSWITCH does not know the command or it cannot be passed."""
    question = unchanged(command)
    reply = "" if question is None else str(_switch.API().executeString(question) or "")
    return "" if reply.startswith("INVALID COMMAND!") else reply  # switch_loadable_module.c:switch_api_execute


def answers() -> bool:
    """Whether FreeSWITCH answers commands: a startup-script may run before mod_commands is loaded."""
    return bool(ask("switchname"))


def configuration(name: str) -> Optional[str]:
    """A configuration as FreeSWITCH has it now (pre-processed, from mod_xml_curl if used), None if there is none."""
    reply = ask(f"xml_locate configuration configuration name {name}")
    return reply if reply.lstrip().startswith("<") else None


def spawn(argument: str) -> None:
    """Starts `runtime(argument)` of this package in a FreeSWITCH thread. The argument is visible in an event."""
    ask(f"pyrun fs_hepipe {argument}")


def version() -> str:
    """The switch's version, as `1.10.12` or `1.11.2-dev`; empty if FreeSWITCH does not answer."""
    return ask("version short").strip().replace("-release", "")  # configure.ac's name for a tagged version


def fire_log(unique_id: str, call_id: Optional[str], text: str) -> bool:
    """
    Fires our own event: a line from the dialplan for the log of its call. We receive it through the inlet. False if
    neither the channel's id nor its Call-ID can be passed.
    """
    event = _switch.Event(ForSwitch(names.CUSTOM), ForSwitch(names.LOG_SUBCLASS))
    leg, call = unchanged(unique_id), unchanged(call_id or "")
    if leg:
        event.addHeader(ForSwitch(names.UNIQUE_ID), leg)
    if call:  # enough without a leg
        event.addHeader(ForSwitch(names.SIP_CALL_ID if leg else names.CALL_ID), call)
    event.addHeader(ForSwitch(names.LOG_TEXT), escaped(shown(text)))
    return bool(leg or call) and event.fire()


def channels() -> list[str]:
    """The Unique-IDs of the channels that exist now; none if FreeSWITCH does not answer."""
    try:
        rows = json.loads(ask("show channels as json")).get("rows", [])
    except (ValueError, AttributeError):
        rows = None
    if not isinstance(rows, list):
        return []
    return [str(row.get("uuid")) for row in rows[:MAX_CHANNELS_ASKED] if isinstance(row, dict)]


def channel(unique_id: str) -> Optional[Event]:
    """
    A channel as its CHANNEL_DATA event. None if it has hung up, and if its id cannot be passed: `origination_uuid` can
    be any text, and blanks or quotes in it would make another command.
    """
    try:
        headers = json.loads(ask(f"uuid_dump {unique_id} json"))
    except ValueError:
        return None
    is_it = isinstance(headers, dict) and headers.get(names.UNIQUE_ID) == unique_id
    return RecordedEvent(headers) if is_it else None


def measured(unique_id: str) -> Optional[Event]:
    """
    A channel as above, with what the switch has counted of its media until now (`uuid_set_media_stats`, which writes
    the same variables as at hangup). `mediaStats` of its JSON API would need one question less, but takes memory of the
    channel each time that is freed only with it (mod_commands.c:json_stats_function).
    """
    ask(f"uuid_set_media_stats {unique_id}")
    return channel(unique_id)


def sofia(words: str) -> str:
    """What mod_sofia says of all its profiles (no words), or of one gateway (`gateway NAME`), as XML."""
    return ask(f"sofia xmlstatus {words}".rstrip())
