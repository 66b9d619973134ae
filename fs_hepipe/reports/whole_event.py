"""
A whole event as JSON, without the secrets in it: `call-log-format=full`.

Rules:
1. What is sent is made of the event's headers after they were read and looked through, one by one; the text that
   FreeSWITCH made of them is never sent.
2. If that text is no JSON, or too long for a datagram, the headers that we know by name are sent.
"""

from __future__ import annotations

import json
from typing import Optional

from fs_hepipe.hep import MAX_UDP_LENGTH
from fs_hepipe.words import names
from fs_hepipe.words.event import Event
from fs_hepipe.words.secret import headers_without_secrets
from fs_hepipe.words.text import to_json

MAX_TEXT = 4 * MAX_UDP_LENGTH
"""Characters of an event in JSON that are read: even if every fourth one is sent, more do not fit into a datagram."""


def whole_event(event: Event, *, masks_digits: bool) -> bytes:
    """The event as one JSON object."""
    headers = every_header(event)
    if headers is None:
        known = {header: event.getHeader(header) for header in names.HEADERS}
        headers = {header: value for header, value in known.items() if value is not None}
    sent = headers_without_secrets(headers, masks_digits=masks_digits)
    return to_json({_valid(name): _valid(value) for name, value in sent.items()})


def every_header(event: Event) -> Optional[dict[str, object]]:
    """All headers: texts, and lists of texts. None if FreeSWITCH's JSON of them is none, or too long."""
    text = event.serialize("json")
    if len(text) > MAX_TEXT:
        return None
    try:
        headers = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    return headers if isinstance(headers, dict) else None


def _valid(value: object) -> object:
    """The value as valid UTF-8: an octet that is none becomes `?`."""
    if isinstance(value, list):
        return [_valid(each) for each in value]
    text = str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
