"""
Records that can't leave yet -> the same records in order, once they can, or a reason why they never will.

Rules:
1. A record waits while its leg's Call-ID is not known, or the media endpoint it is about; whatever comes after it on
   the same leg waits behind it.
2. Few and bounded: `MAX_PER_LEG` per leg, `MAX_WAITING` in all, `PATIENCE` seconds.
"""

from __future__ import annotations

from fs_hepipe.calls.legs import Leg
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.words.counters import Counters

MAX_PER_LEG = 32
"""Records of one leg. A leg rings with three or four; RTCP comes every few seconds."""

MAX_WAITING = 4096
"""Records in all: 2 MB of lines and reports, 50 MB where the whole events are logged."""

PATIENCE = 10.0
"""Seconds. Most far ends have said 180 or 183 by then, and with it the leg has its Call-ID."""


class WaitingRoom:
    """Who waits, and until when. The records themselves are on their legs."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._legs: dict[Leg, None] = {}  # those with a record, the first to wait first

    def add(self, leg: Leg, record: Record, now: float) -> bool:
        """Lets a record wait; False when there is no room for it."""
        if len(leg.held) >= MAX_PER_LEG or self._counters.waiting >= MAX_WAITING:
            return False
        leg.held += ((now + PATIENCE, record),)
        self._legs[leg] = None
        self._counters.waiting += 1
        return True

    def take(self, leg: Leg) -> Record:
        """The leg's first record, which waits no longer."""
        self._counters.waiting -= 1
        (_, record), *rest = leg.held
        leg.held = tuple(rest)
        if not leg.held:
            del self._legs[leg]
        return record

    def strangers(self) -> list[Leg]:
        """The legs that wait because of what nobody told: an RTCP event names a channel, and nothing of its media."""
        return [leg for leg in self._legs if leg.channel is None or (_is_of_media(leg) and not leg.media())]

    def due(self, now: float) -> list[Leg]:
        """The legs whose first record has waited long enough."""
        return [leg for leg in self._legs if leg.held[0][0] <= now]


def _is_of_media(leg: Leg) -> bool:
    return leg.held[0][1].plane is not Plane.SIGNALLING
