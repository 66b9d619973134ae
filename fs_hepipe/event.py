"""
What an event is to us: something that answers for its headers. FreeSWITCH's own Event does; so does a recorded one.
"""

from __future__ import annotations

import json
from typing import Optional, Protocol

from fs_hepipe import names


class Event(Protocol):
    """What we use of FreeSWITCH's Event (switch_cpp.h)."""

    def getHeader(self, name: str, /) -> Optional[str]:  # noqa: N802  FreeSWITCH's name
        """The value of a header, None where there is none."""

    def serialize(self, format: str, /) -> str:  # noqa: A002
        """The whole event; `json` is the format we ask for."""


class RecordedEvent:
    """An event made of its headers, as `Event.serialize("json")` and `uuid_dump … json` give them."""

    __slots__ = ("getHeader", "headers")

    def __init__(self, headers: dict[str, object]) -> None:
        self.headers = {header: _value(value) for header, value in headers.items()}
        self.getHeader = self.headers.get

    def serialize(self, format: str = "json", /) -> str:  # noqa: A002, ARG002
        """The event as JSON, the one format there is."""
        return json.dumps(self.headers)

    @property
    def time(self) -> float:
        """When it happened, seconds since 1970; 0 where it does not say."""
        text = self.headers.get(names.EVENT_DATE_TIMESTAMP, "")
        return int(text) / 1e6 if text.isascii() and text.isdigit() else 0.0


def _value(value: object) -> str:
    """A header's text. One with several values is a list in JSON and `ARRAY::a|:b` to getHeader (switch_event.c)."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "ARRAY::" + "|:".join(map(str, value))
    return json.dumps(value)
