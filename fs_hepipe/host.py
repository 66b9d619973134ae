"""
FreeSWITCH as we use it: the only file that imports `freeswitch`.

Nothing here holds state but an `Inlet`, which is one EventConsumer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Optional

import freeswitch
from fs_hepipe import names
from fs_hepipe.event import Event, RecordedEvent
from fs_hepipe.text import shown

MAX_CHANNELS_ASKED = 2000
"""Living channels looked at when the agent starts: one question costs 0.3 ms during which no other script runs."""


class Inlet:
    """An EventConsumer: events wait in it, in C, until they are popped."""

    def __init__(self, length: int) -> None:
        self._consumer = freeswitch.EventConsumer(None, "", length)

    def bind(self, name: str, subclass: str = "") -> bool:
        """Asks for an event; False where the switch does not know its name, or after 94 of them (switch_cpp.h)."""
        return bool(self._consumer.bind(name, subclass))

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
    # SWIG takes no surrogates, and what can't be shown must not be lost.
    freeswitch.consoleLog(level, line.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")


def ask(command: str) -> str:
    """The answer to a command of fs_cli, empty where the switch does not know it."""
    answer = str(freeswitch.API().executeString(command) or "")
    return "" if answer.startswith("INVALID COMMAND!") else answer  # switch_loadable_module.c:switch_api_execute


def answers() -> bool:
    """Whether the switch can be asked: a startup-script may run before mod_commands is loaded."""
    return bool(ask("switchname"))


def configuration(name: str) -> Optional[str]:
    """A configuration as the switch has it now (pre-processed, mod_xml_curl honoured), None where there is none."""
    answer = ask(f"xml_locate configuration configuration name {name}")
    return answer if answer.lstrip().startswith("<") else None


def spawn(argument: str) -> None:
    """Starts `runtime(argument)` of this package in a thread of the switch's. Whoever listens to events sees it."""
    ask(f"pyrun fs_hepipe {argument}")


def version() -> str:
    """The switch's version, one line."""
    return ask("version").strip()


def fire_log(unique_id: str, call_id: Optional[str], text: str) -> None:
    """Fires our own event: a line of the dialplan for its call's log. It comes back to us through the inlet."""
    event = freeswitch.Event("CUSTOM", names.LOG_SUBCLASS)
    event.addHeader(names.UNIQUE_ID, unique_id)
    if call_id and call_id.isprintable():  # SWIG takes no surrogates
        event.addHeader(names.SIP_CALL_ID, call_id)
    event.addHeader(names.LOG_TEXT, shown(text))
    event.fire()


def living_channels() -> Iterator[Event]:
    """The channels that live now, each as its CHANNEL_DATA event; none where the switch won't say."""
    try:
        rows = json.loads(ask("show channels as json")).get("rows", [])
    except (ValueError, AttributeError):
        return
    for row in rows[:MAX_CHANNELS_ASKED]:
        event = channel(str(row.get("uuid"))) if isinstance(row, dict) else None
        if event is not None:
            yield event


def channel(unique_id: str) -> Optional[Event]:
    """A living channel as its CHANNEL_DATA event; None where it has hung up."""
    try:
        headers = json.loads(ask(f"uuid_dump {unique_id} json"))
    except ValueError:
        return None
    return RecordedEvent(headers) if isinstance(headers, dict) else None
