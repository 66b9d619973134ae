"""
Records that can't leave yet -> the same records in order, once they can, or a reason why they never will.

Rules:
1. A record waits while its leg's Call-ID is not known, or the media endpoint it is about; whatever comes after it on
   the same leg waits behind it.
2. Few and bounded: `MAX_PER_LEG` per leg, `MAX_WAITING` in all, `PATIENCE` seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from fs_hepipe.legs import Leg
from fs_hepipe.record import Record

MAX_PER_LEG = 32
"""Records of one leg. A leg rings with three or four; RTCP comes every few seconds."""

MAX_WAITING = 4096
"""Records in all, about 2 MB."""

PATIENCE = 10.0
"""Seconds. A phone that has not even said 180 by then has most likely no Call-ID to tell."""


class WaitingRoom:
    """Who waits, and until when. The records themselves are on their legs."""

    def __init__(self) -> None:
        self.count = 0
        """Records waiting."""
        self._due: deque[tuple[float, Leg]] = deque()

    def add(self, leg: Leg, record: Record, now: float) -> bool:
        """Lets a record wait; False when there is no room for it."""
        if len(leg.held) >= MAX_PER_LEG or self.count >= MAX_WAITING:
            return False
        until = now + PATIENCE
        if not leg.held:
            self._due.append((until, leg))
        leg.held.append((until, record))
        self.count += 1
        return True

    def take(self, leg: Leg) -> Record:
        """The leg's first record, which waits no longer."""
        self.count -= 1
        return leg.held.pop(0)[1]

    def due(self, now: float) -> Iterator[Leg]:
        """The legs whose first record has waited long enough, once each."""
        while self._due and self._due[0][0] <= now:
            _, leg = self._due.popleft()
            if leg.held and leg.held[0][0] <= now:
                yield leg
            if leg.held:
                self._due.append((leg.held[0][0], leg))
