"""
Legs whose media FreeSWITCH is to be asked about, because no RTCP tells of them: when each is due, and what it counted
when it was asked last.

Bounded: a leg is here once, and leaves with the leg; no more than so many are asked in a second, first come, first
served. If there are more, each waits longer, and its report tells the time that it is about.

Pure: `now` is an argument, seconds of any clock that does not go back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Optional

from fs_hepipe.calls.leg import Leg


class Counted(NamedTuple):
    """What the switch had counted of the audio that it received."""

    at: int
    """Microseconds since 1970."""
    packets: int
    flaws: Optional[int]


class Polls:
    """The legs to be asked about."""

    def __init__(self) -> None:
        self._due: dict[Leg, tuple[float, Optional[Counted]]] = {}  # the first to be asked first: all wait equally long
        self._allowed = 0.0
        self._filled = 0.0
        """When `_allowed` was counted."""

    def __len__(self) -> int:
        """How many."""
        return len(self._due)

    def add(self, leg: Leg, due: float, counted: Optional[Counted] = None) -> None:
        """A leg to be asked about at `due`; one that is here stays as it is."""
        self._due.setdefault(leg, (due, counted))

    def clear(self) -> None:
        """Nothing is asked any more."""
        self._due.clear()

    def take(self, now: float, per_second: int) -> Iterator[tuple[Leg, Optional[Counted]]]:
        """Takes out the legs to be asked about now, and gives those that are still there."""
        self._allowed = min(float(per_second), self._allowed + per_second * (now - self._filled))
        self._filled = now
        while self._due:
            leg, (due, counted) = next(iter(self._due.items()))
            is_gone = leg.dropped or leg.destroyed is not None
            if not is_gone and (due > now or self._allowed < 1):
                return
            del self._due[leg]
            if not is_gone:
                self._allowed -= 1
                yield leg, counted
