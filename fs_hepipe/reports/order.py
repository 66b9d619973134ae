"""
The times of messages: the order in which they are sent, as far as the truth allows it.

Homer sorts by time, and FreeSWITCH's event clock has steps: many events of one call have the same time. So each message
of a Call-ID is later than the one before, by a microsecond if need be, whichever leg it is about. But no message is
`WITHIN` or more from the time of its event: if that is earlier than the message before, the clock was set back or
another thread was late, and the event's own time is used.

RTCP has an exact time of its own (Capture-Time), up to a step of the event clock ahead of it, and an order of its own.
"""

from __future__ import annotations

from fs_hepipe.hep.registry import ProtocolType

WITHIN = 1_000
"""Microseconds from the event's time that no message reaches."""

KEPT = 2_048
"""Call-IDs whose last time is kept: so many at least, twice as many at most, 150 octets each."""

RTCP = int(ProtocolType.RTCP_JSON)


class Order:
    """The last time of each Call-ID, of those that were used last."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}  # by a hash: a Call-ID can be long
        self._before: dict[int, int] = {}  # those of the `KEPT` Call-IDs before

    def __len__(self) -> int:
        """How many times are kept."""
        return len(self._last) + len(self._before)

    def time(self, correlation_id: str, protocol_type: int, timestamp: int) -> int:
        """The time of the next message under a Call-ID, of an event of `timestamp`; both in microseconds."""
        key = hash(correlation_id)
        if protocol_type == RTCP:
            key = ~key
        last = self._last.get(key)
        if last is None:
            last = self._before.get(key, 0)
            if len(self._last) >= KEPT:
                self._before, self._last = self._last, {}
        if 0 <= last - timestamp < WITHIN - 1:
            timestamp = last + 1
        self._last[key] = timestamp
        return timestamp
