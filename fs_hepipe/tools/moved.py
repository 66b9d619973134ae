"""
Recorded events -> the same events as if they happened now: Homer stores nothing that is older than yesterday.

Times move by whole seconds, all of a recording by the same: intervals stay, and the NTP times of RTCP fit the time of
its capture. Dates as text (`Event-Date-Local`) stay.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Callable, Optional

from fs_hepipe.words import names
from fs_hepipe.words.event import MAX_DIGITS, RecordedEvent
from fs_hepipe.words.numbers import MICROS

MAX_MOVED = 2**63
"""Microseconds: what is above is no time."""

RTCP = frozenset({names.RECV_RTCP_MESSAGE, names.SEND_RTCP_MESSAGE})


def moved(
    recording: Iterable[RecordedEvent], first: float = 0.0, now: Callable[[], float] = time.time
) -> Iterator[RecordedEvent]:
    """
    The events of one recording, the first of which that tells its time happens now.

    Args:
        recording: the events in their order.
        first: seconds since 1970; the first one does not happen before.
        now: the clock.
    """
    seconds: Optional[int] = None
    for event in recording:
        if seconds is None and event.time:
            seconds = int(max(now(), first) - event.time)
        yield by(event, seconds) if seconds else event


def by(event: RecordedEvent, seconds: int) -> RecordedEvent:
    """The event as if it happened that much later."""
    headers = dict(event.recorded)
    is_rtcp = headers.get(names.EVENT_NAME) in RTCP
    for header, value in headers.items():
        number = _number(value)
        if not number:  # 0: not yet
            continue
        if header in {names.EVENT_DATE_TIMESTAMP, names.CAPTURE_TIME} or _is_of_profile(header, number):
            headers[header] = str(min(MAX_MOVED, max(0, number + seconds * MICROS)))
        elif is_rtcp and header == names.NTP_MSW:
            headers[header] = str((number + seconds) % 2**32)
        elif is_rtcp and header.endswith("-LSR"):  # the middle 32 of NTP's 64 bits: seconds have the upper 16
            headers[header] = str((number + (seconds << 16)) % 2**32)
    return RecordedEvent(headers)


def _number(value: object) -> int:
    is_number = isinstance(value, str) and len(value) < MAX_DIGITS and value.isascii() and value.isdigit()
    return int(str(value)) if is_number else 0


def _is_of_profile(header: str, number: int) -> bool:
    """`Caller-Channel-Created-Time` and its likes (switch_caller.c:switch_caller_profile_event_set_data)."""
    return header.endswith("-Time") and number > MICROS * MICROS
