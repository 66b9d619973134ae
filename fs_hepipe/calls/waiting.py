"""
Records that can't leave yet -> the same records in order, once they can, or when they have waited long enough.

Rules:
1. A record waits while its leg's Call-ID is not known, or the media endpoint it is about; whatever comes after it on
   the same leg waits behind it.
2. Few and bounded: `MAX_PER_LEG` per leg, `MAX_WAITING` in all, `PATIENCE` seconds.
3. Looking for what is due costs nothing where nothing is: all wait equally long, so the first to come is due first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.record import Record
from fs_hepipe.words.counters import Counters

MAX_PER_LEG = 32
"""Records of one leg. A leg rings with three or four; RTCP comes every few seconds."""

MAX_WAITING = 4096
"""Records in all: 2 MB of lines and reports, 50 MB where the whole events are logged."""

MAX_ENDS = 4 * MAX_WAITING
"""Ends remembered, those of records that left in time included."""

PATIENCE = 10.0
"""Seconds. Most far ends have said 180 or 183 by then, and with it the leg has its Call-ID."""


class Waiting:
    """The records that wait. They are kept on their legs."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._legs: dict[Leg, None] = {}  # those with a record
        self._ends: deque[tuple[float, Leg]] = deque()  # when a record of a leg is due, if it still waits then

    @property
    def count(self) -> int:
        """How many records wait, registrations included."""
        return self._counters.waiting

    def __iter__(self) -> Iterator[Leg]:
        """The legs with a record, as they are now."""
        return iter(list(self._legs))

    def add(self, leg: Leg, record: Record, now: float) -> bool:
        """Lets a record wait; False when there is no room for it."""
        held = leg.held
        if self._counters.waiting >= MAX_WAITING or (held is not None and len(held) >= MAX_PER_LEG):
            return False
        if held is None:
            held = leg.held = deque()
            self._legs[leg] = None
        held.append((now + PATIENCE, record))
        self._ends.append((now + PATIENCE, leg))
        if len(self._ends) > MAX_ENDS:
            self._sort_ends()
        self._counters.waiting += 1
        return True

    def take(self, leg: Leg) -> Record:
        """The leg's first record, which waits no longer."""
        assert leg.held is not None  # noqa: S101  callers check it
        self._counters.waiting -= 1
        record = leg.held.popleft()[1]
        if not leg.held:
            leg.held = None
            del self._legs[leg]
        return record

    def move(self, source: Leg, target: Leg) -> None:
        """What waits on one leg waits on another from now on: both are one channel."""
        records = sorted([*(source.held or ()), *(target.held or ())], key=_first)
        for leg in (source, target):
            self._counters.waiting -= len(leg.held or ())
            leg.held = None
            self._legs.pop(leg, None)
        for due, record in records[:MAX_PER_LEG]:
            self.add(target, record, due - PATIENCE)
        self._sort_ends()
        if len(records) > MAX_PER_LEG:
            self._counters.dropped["no_room_to_wait"] += len(records) - MAX_PER_LEG

    def due(self, now: float) -> list[Leg]:
        """The legs whose first record has waited long enough, each once; again the next time, if it was not taken."""
        legs: dict[Leg, None] = {}
        while self._ends and self._ends[0][0] <= now:
            _, leg = self._ends.popleft()
            if leg.held is not None and leg.held[0][0] <= now:
                legs[leg] = None
        self._ends.extendleft((leg.held[0][0], leg) for leg in reversed(legs) if leg.held is not None)
        return list(legs)

    def _sort_ends(self) -> None:
        self._ends = deque(sorted(((due, leg) for leg in self._legs for due, _ in leg.held or ()), key=_first))


def _first(pair: tuple[float, object]) -> float:
    """When it is due."""
    return pair[0]
