"""
Headers that are numbers -> numbers, or a MappingError that names the header.

A header that is missing is None and left out by whoever asked; one that is there but is no number is a fault.
"""

from __future__ import annotations

import math
from typing import Optional

from fs_hepipe import names
from fs_hepipe.errors import MappingError
from fs_hepipe.media import Get


def _fault(header: str, text: str) -> MappingError:
    return MappingError("not_a_number", f"{header}: {text!r:.80}")


def unsigned(get: Get, header: str) -> Optional[int]:
    """A non-negative decimal number."""
    text = get(header)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 20):  # noqa: PLR2004  2^64 has 20 digits
        raise _fault(header, text)
    return int(text)


def signed24(get: Get, header: str) -> Optional[int]:
    """A signed 24-bit number that the switch prints as an unsigned 32-bit one: -1 arrives as 4294967295."""
    number = unsigned(get, header)
    return None if number is None else ((number & 0xFFFFFF) ^ 0x800000) - 0x800000


def hexadecimal(get: Get, header: str) -> Optional[int]:
    """An SSRC, printed as eight hexadecimal digits."""
    text = get(header)
    if text is None:
        return None
    try:
        number = int(text, 16)
    except ValueError:
        raise _fault(header, text) from None
    if not 0 <= number <= 0xFFFFFFFF:  # noqa: PLR2004
        raise _fault(header, text)
    return number


def decimal(get: Get, header: str) -> Optional[float]:
    """A finite decimal fraction."""
    text = get(header)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        raise _fault(header, text) from None
    if not math.isfinite(number):
        raise _fault(header, text)
    return number


def event_time(get: Get) -> int:
    """When the event happened: microseconds since 1970-01-01 UTC (switch_event.c, Event-Date-Timestamp)."""
    timestamp = unsigned(get, names.EVENT_DATE_TIMESTAMP)
    if timestamp is None:
        raise MappingError("no_time", f"no {names.EVENT_DATE_TIMESTAMP}")
    return timestamp


def milliseconds(jitter: Optional[int], clock: Optional[int]) -> Optional[float]:
    """Interarrival jitter from timestamp units (RFC 3550 §6.4.1) to ms; None without a clock."""
    return None if jitter is None or not clock else round(jitter * 1000 / clock, 3)
