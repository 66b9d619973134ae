"""
The times of messages: when the event happened, and the order in which they are sent, as far as the truth allows it.

FreeSWITCH stamps an event with a clock that a thread sets every 20 ms (switch_time.c:softtimer_runtime), so its time is
before the SIP that caused it. Homer would show it first, and takes what it knows of a call from its first row.
What is certain: it happened within a step after its stamp, and before the agent saw it. `happened` is the earlier of
both: not too early, and too late by `LATEST` at most.

Homer sorts by time, and FreeSWITCH's event clock has steps: many events of one call have the same time. So each message
of a Call-ID is later than the one before, by a microsecond if need be, whichever leg it is about. But no message is
`WITHIN` or more from the time of its event: if that is earlier than the message before, the clock was set back or
another thread was late, and the event's own time is used.

RTCP has an exact time of its own (Capture-Time), up to a step of the event clock ahead of it, and an order of its own.
So have the lines of FreeSWITCH's log: they are read after events that happened later.
"""

from __future__ import annotations

from typing import Optional

from fs_hepipe.hep.registry import ProtocolType
from fs_hepipe.words.recent import Recent

LATEST = 25_000
"""
Microseconds after its stamp until which an event has happened: a step of the event clock (switch_core.c,
microseconds_per_tick), and what the thread that sets it may be late.
"""

SIP_LEAVES = 2_000
"""Microseconds until the SIP that FreeSWITCH sends for an event has left: another of its threads does it."""

LONGEST_WAIT = 5_000_000
"""
Microseconds that an event may have waited until the agent saw it. If the wall clock is further from the stamp, or
before it, it is not the clock that the event was stamped by: it was set, or the event is from a recording.
"""

WITHIN = 1_000
"""Microseconds from the event's time that no message reaches."""

KEPT = 2_048
"""Call-IDs whose last time is kept: so many at least, twice as many at most, 150 octets each."""

RTCP = int(ProtocolType.RTCP_JSON)


def happened(stamp: int, wall: Optional[float]) -> int:
    """
    The time until which an event happened, and its SIP came or went; microseconds since 1970.

    Where stamps and wall clock grow, so does it.

    Args:
        stamp: Event-Date-Timestamp, microseconds since 1970; if the wall clock can't be that of the event, it is the
            answer.
        wall: the wall clock when the agent saw the event, seconds since 1970; None if there is none.
    """
    if wall is None:
        return stamp
    seen = int(wall * 1e6)
    if not stamp <= seen < stamp + LONGEST_WAIT:
        return stamp
    return min(seen + SIP_LEAVES, stamp + LATEST)


class Order:
    """The last time of each Call-ID, of those that were used last."""

    def __init__(self) -> None:
        self._last: Recent[int, int] = Recent(KEPT)  # by a hash: a Call-ID can be long

    def __len__(self) -> int:
        """How many times are kept."""
        return len(self._last)

    def time(
        self, correlation_id: str, protocol_type: int, timestamp: int, *, is_logged: bool = False
    ) -> int:
        """
        The time of the next message under a Call-ID, of an event of `timestamp`; both in microseconds.

        Args:
            is_logged: whether it is a line of FreeSWITCH's log.
        """
        key = hash(correlation_id)
        if protocol_type == RTCP:
            key = ~key
        elif is_logged:
            key = hash((correlation_id, is_logged))
        last = self._last.get(key) or 0
        if 0 <= last - timestamp < WITHIN - 1:
            timestamp = last + 1
        self._last[key] = timestamp
        return timestamp
