"""
What we need of an event: its headers. FreeSWITCH's own Event has them; so has a recorded one.
"""

from __future__ import annotations

import json
from typing import Callable, Optional, Protocol

from fs_hepipe.words import names

MAX_DIGITS = 20
"""Of a time in microseconds: 2^64 has as many."""


Get = Callable[[str], Optional[str]]
"""An event's `getHeader`: the value of a header, None if there is none."""


class Event(Protocol):
    """What we use of FreeSWITCH's Event (switch_cpp.h)."""

    def getHeader(self, name: str, /) -> Optional[str]:  # noqa: N802  FreeSWITCH's name
        """The value of a header, None where there is none."""

    def serialize(self, format: str, /) -> str:  # noqa: A002
        """The whole event; `json` is the format we ask for."""


class RecordedEvent:
    """An event made of its headers, as `Event.serialize("json")` and `uuid_dump … json` give them."""

    __slots__ = ("getHeader", "headers", "recorded")

    def __init__(self, headers: dict[str, object]) -> None:
        self.recorded = headers
        """The headers as they were recorded."""
        self.headers = {header: header_text(value) for header, value in headers.items() if value != []}
        self.getHeader = self.headers.get

    def serialize(self, format: str = "json", /) -> str:  # noqa: A002, ARG002
        """The event as JSON, the only format; octets that are not UTF-8 are kept, as in FreeSWITCH."""
        return json.dumps(self.recorded, ensure_ascii=False)

    @property
    def time(self) -> float:
        """When it happened, seconds since 1970; 0 if that is not in the event."""
        text = self.headers.get(names.EVENT_DATE_TIMESTAMP, "")
        return int(text) / 1e6 if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else 0.0


def header_text(value: object) -> str:
    """
    The value as getHeader returns it, from its value in JSON: several values are a list there and `ARRAY::a|:b` here
    (switch_event.c:switch_event_base_add_header).
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ("ARRAY::" if len(value) > 1 else "") + "|:".join(map(str, value))
    return json.dumps(value)
