"""
What a stream's receiver reported, by intervals: the one that runs, and the sum of those that have ended.

A stream keeps both as octets: a switch has thousands of streams, and a garbage collection looks at every object that
can hold others. Before its second report a stream keeps no more than the time of the first: what came before that is in
no interval, because nobody tells how many packets it was.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple, Optional, Union

State = Union[int, bytes, None]
"""Nothing; the time of the first report, microseconds; an `Interval`, and then a `Totals`, packed."""


class Interval(NamedTuple):
    """A stretch of time, from one report to a later one."""

    began: int
    ended: int
    """Microseconds since 1970: of the report before its first, and of its last."""
    reports: int = 0
    expected: int = 0
    """Packets."""
    lost: int = 0
    """Of them; negative with duplicates."""
    jitters: int = 0
    """Reports that told a jitter."""
    jitter_sum: float = 0.0
    """Timestamp units."""
    most_jitter: float = 0.0
    """Timestamp units."""
    rtts: int = 0
    """Reports at which a round trip was known."""
    rtt_sum: float = 0.0
    """Seconds."""


class Totals(NamedTuple):
    """
    The intervals that have ended. Means are weighted by the packets expected; without any, an interval says nothing of
    quality and is not counted.

    Listening and conversational quality are summed up apart: an estimate without a round trip says nothing of one with
    it.
    """

    intervals: int = 0
    expected: int = 0
    lost: int = 0
    jittery: int = 0
    """Packets expected in intervals whose jitter is known; likewise below."""
    jitter_sum: float = 0.0
    """Milliseconds times packets."""
    most_jitter: float = 0.0
    """Milliseconds."""
    travelled: int = 0
    rtt_sum: float = 0.0
    """Milliseconds times packets."""
    listened: int = 0
    listening_sum: float = 0.0
    """MOS times packets."""
    least_listening: float = 0.0
    """MOS."""
    talked: int = 0
    conversational_sum: float = 0.0
    least_conversational: float = 0.0
    worst_began: int = 0
    """Microseconds since 1970."""
    worst_ended: int = 0
    worst_expected: int = 0
    worst_lost: int = 0
    worst_damage: float = 0.0
    """Share of packets that were lost or came too late."""


NO_INTERVALS = Totals()

_TIMES = Struct("<qq")
_INTERVAL = Struct("<qqIqqIddId")
_TOTALS = Struct("<IqqqddqdqddqddqqIqd")
_NO_REPORTS = bytes(_INTERVAL.size - _TIMES.size)
"""What of an interval comes after its times, as long as it has no report: zeros."""


def measured(
    state: State,
    captured: int,
    since: tuple[Optional[int], Optional[int]],
    jitter: Optional[int],
    rtt: Optional[float],
) -> State:
    """
    The state after one more report.

    Args:
        captured: when it came, microseconds since 1970.
        since: packets lost and expected since the report before, see `Stream.add`; an interval goes on over a report
            whose counts began anew, without what cannot be told of them.
        jitter: timestamp units.
        rtt: seconds.
    """
    lost, expected = since
    if state is None or (isinstance(state, int) and expected is None):
        return captured
    if isinstance(state, int):
        began, rest = state, b""
        reports = all_expected = all_lost = jitters = rtts = 0
        jitter_sum = most_jitter = rtt_sum = 0.0
    else:  # without a NamedTuple: it would cost as much again
        began, _, reports, all_expected, all_lost, jitters, jitter_sum, most_jitter, rtts, rtt_sum = (
            _INTERVAL.unpack_from(state)
        )
        rest = state[_INTERVAL.size :]
    if expected is not None and lost is not None:
        reports, all_expected, all_lost = reports + 1, all_expected + expected, all_lost + lost
    if jitter is not None:
        jitters, jitter_sum, most_jitter = jitters + 1, jitter_sum + jitter, max(most_jitter, jitter)
    if rtt is not None:
        rtts, rtt_sum = rtts + 1, rtt_sum + rtt
    began = min(began, captured)  # the clock may have been set back
    packed = _INTERVAL.pack(
        began, captured, reports, all_expected, all_lost, jitters, jitter_sum, most_jitter, rtts, rtt_sum
    )
    return packed + rest


def running(state: State) -> Optional[Interval]:
    """The interval that runs; None as long as nothing is known of it."""
    if not isinstance(state, bytes):
        return None
    interval = Interval(*_INTERVAL.unpack_from(state))
    return interval if interval.reports else None


def lasts(state: State) -> int:
    """Microseconds that the interval which runs has lasted; 0 as long as nothing is known of it."""
    if not isinstance(state, bytes):
        return 0
    began, ended = _TIMES.unpack_from(state)
    return int(ended - began)


def totals(state: State) -> Totals:
    """The sum of the intervals that have ended."""
    if not isinstance(state, bytes) or len(state) == _INTERVAL.size:
        return NO_INTERVALS
    return Totals(*_TOTALS.unpack_from(state, _INTERVAL.size))


def closed(interval: Interval, sums: Totals) -> State:
    """The state after an interval has ended that is in the sums: the next one begins where it ended."""
    return _TIMES.pack(interval.ended, interval.ended) + _NO_REPORTS + _TOTALS.pack(*sums)
