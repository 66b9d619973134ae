"""How often a number was in which range: what Prometheus calls a histogram."""

from __future__ import annotations

from bisect import bisect_left


class Histogram:
    """Counts of numbers, by upper bounds that are inclusive; the last count is of what lies above all of them."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        """Rising."""
        self.counts = [0] * (len(bounds) + 1)
        """Each of its own range: not cumulative."""
        self.total = 0.0
        """The sum of the numbers."""

    def observe(self, number: float) -> None:
        self.counts[bisect_left(self.bounds, number)] += 1
        self.total += number
