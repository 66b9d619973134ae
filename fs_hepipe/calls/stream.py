"""
RTCP reports about a stream -> what its receiver reported last, what was lost of all its sources together, and what was
measured from interval to interval.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from fs_hepipe.calls import intervals
from fs_hepipe.hep import Flow

MAX_SOURCES = 8
"""SSRCs remembered per stream; a sender that changes its SSRC more often than that is broken."""

MAX_DROPOUT = 3000
"""Sequence numbers: a larger step is a restart of the source (RFC 3550 A.1)."""


class Reception(NamedTuple):
    """What a stream's receiver reported last about one source (RFC 3550 §6.4.1)."""

    ssrc: int
    lost: int
    """Cumulative number of packets lost; negative with duplicates."""
    highest_seq: Optional[int] = None
    """Extended highest sequence number received."""
    jitter: Optional[int] = None
    """Interarrival jitter in timestamp units."""
    rtt: Optional[float] = None
    """Round-trip time in seconds, where it was measured."""


_NOTHING_BEFORE: tuple[int, tuple[Reception, ...]] = 0, ()
"""Packets lost before counts of the same SSRC started anew; the last reports about SSRCs that there were before."""


class Stream:
    """
    One medium in one direction: who sends it, and what its receiver reported.

    The newest report is kept as numbers: one object less for each report that comes, and for each stream.
    """

    __slots__ = (
        "_before", "_highest_seq", "_intervals", "_jitter", "_lost", "_rtt", "_source",
        "flow", "flow_version", "ssrc",
    )  # fmt: skip

    def __init__(self) -> None:
        self.ssrc: Optional[int] = None
        """Of its sender, as known or heard last."""
        self.flow: Optional[Flow] = None
        """The RTCP that its sender sends, as it is packed; None until there was some, and after addresses changed."""
        self.flow_version = 0
        """See `reports.flows`."""
        self._source: Optional[int] = None  # whom the newest report is about; None as long as there is none
        self._lost = 0
        self._highest_seq: Optional[int] = None
        self._jitter: Optional[int] = None
        self._rtt: Optional[float] = None
        self._before = _NOTHING_BEFORE
        self._intervals: intervals.State = None

    def add(
        self,
        ssrc: int,
        lost: int,
        highest_seq: Optional[int] = None,
        jitter: Optional[int] = None,
        rtt: Optional[float] = None,
        *,
        by_us: bool = False,
    ) -> tuple[int, Optional[int]]:
        """
        Takes in what the receiver reports, the fields of a `Reception`. Counts of another SSRC start anew (RFC 3550
        §8), and so do those of the same one after a restart: what was lost before still counts.

        Args:
            by_us: whether FreeSWITCH is the receiver. It never counts a loss back (switch_rtp.c:
                rtcp_generate_report_block) and restarts also without a new sequence (switch_rtp.c:switch_rtp_reset).

        Returns:
            How many packets were lost since the report before about this SSRC, negative with duplicates, or since its
            counts began; and how many were expected since then, negative if this report is the older one, None where
            that cannot be told.
        """
        since: tuple[int, Optional[int]] = lost, None
        if self._source == ssrc:
            step, more = _step(self._highest_seq, highest_seq), lost - self._lost
            if step is None:
                since = more, None
            elif 0 <= step <= MAX_DROPOUT and more >= 0:  # nearly all; nothing of it can be a restart
                since = more, step
            elif self._restarts(step, lost, by_us=by_us):
                self._before = self._before[0] + self._lost, self._before[1]
            else:
                since = more, step if abs(step) <= MAX_DROPOUT else None
        elif self._source is not None:
            lost_before, before_these = self._before
            others = tuple([other for other in before_these if other.ssrc != ssrc])
            if len(others) + 1 >= MAX_SOURCES:
                return since
            for before in before_these:
                if before.ssrc == ssrc:
                    step = _step(before.highest_seq, highest_seq)
                    since = lost - before.lost, step if step is not None and abs(step) <= MAX_DROPOUT else None
            self._before = lost_before, (*others, *self.reports[-1:])
        self._source, self._lost, self._highest_seq, self._jitter, self._rtt = ssrc, lost, highest_seq, jitter, rtt
        return since

    def _restarts(self, step: int, lost: int, *, by_us: bool) -> bool:
        """Whether the counts of the same SSRC have started anew, with a report so many sequence numbers later."""
        fewer = self._lost - lost
        if by_us:
            return fewer > 0 or step < 0
        if 0 <= step <= MAX_DROPOUT:
            return fewer > step >= abs(lost)  # more duplicates than packets can't be
        # fewer by half, or so far back that it is no late report (switch_rtp.c:rtcp_stats_init)
        return lost * 2 <= self._lost or step < -MAX_DROPOUT

    @property
    def last(self) -> Optional[Reception]:
        """The newest report about it."""
        if self._source is None:
            return None
        return Reception(self._source, self._lost, self._highest_seq, self._jitter, self._rtt)

    @property
    def rtt(self) -> Optional[float]:
        """Seconds: the round trip that the newest report was told with."""
        return self._rtt

    @property
    def reports(self) -> tuple[Reception, ...]:
        """The newest report about each SSRC it has had, the newest of all last."""
        last = self.last
        return () if last is None else (*self._before[1], last)

    @property
    def lost(self) -> Optional[int]:
        """Packets lost of all its sources together; None without a report."""
        if self._source is None:
            return None
        lost_before, others = self._before
        return lost_before + self._lost + sum([report.lost for report in others])

    # --- intervals ---

    def measure(
        self, captured: int, since: tuple[Optional[int], Optional[int]], jitter: Optional[int], rtt: Optional[float]
    ) -> bool:
        """
        Takes a report into the interval that runs, see `intervals.measured`. False: more packets were lost than
        expected since the report before, so that one of both numbers is wrong, and neither is taken.
        """
        lost, expected = since
        is_possible = True
        if lost is not None and expected is not None:
            is_possible = lost <= expected if expected >= 0 else lost >= expected
            if not is_possible:
                since = None, None
        self._intervals = intervals.measured(self._intervals, captured, since, jitter, rtt)
        return is_possible

    @property
    def lasts(self) -> int:
        """Microseconds that the interval which runs has lasted."""
        return intervals.lasts(self._intervals)

    @property
    def interval(self) -> Optional[intervals.Interval]:
        """What was measured since the last interval ended; None without two reports."""
        return intervals.running(self._intervals)

    @property
    def totals(self) -> intervals.Totals:
        """The sum of the intervals that have ended."""
        return intervals.totals(self._intervals)

    def close(self, interval: intervals.Interval, sums: intervals.Totals) -> None:
        """Ends the interval that runs; the sums have it."""
        self._intervals = intervals.closed(interval, sums)


def _step(before: Optional[int], after: Optional[int]) -> Optional[int]:
    """
    Sequence numbers from one to the other, negative backwards. They have 32 bits with their cycles; a receiver that
    counts no cycles gives the 16 bits of RTP (RFC 3550 §6.4.1).
    """
    if before is None or after is None:
        return None
    step = after - before
    if step < 0:
        bits = 16 if before < 1 << 16 else 32
        wrapped = step + (1 << bits)
        if wrapped <= MAX_DROPOUT:
            return wrapped
    return step
