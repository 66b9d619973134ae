"""
What was measured of a stream while it flows -> periodic quality reports, and their sum for the one at hangup.

Rules:
1. An interval is made of the RTCP that passes anyway: it ends with the first report that comes `qos-interval` seconds
   or more after the last one of the interval before. Nobody is asked for it.
2. TOTAL_PK, EXPECTED_PK, PACKET_LOSS, JITTER, DELTA, RTT and MOS are of the interval: charts and gauges take each
   report for what was last. The counts since the first RTCP have names of their own, CUMULATIVE_...: each is the sum of
   the intervals until then.
3. What came before a stream's first RTCP is in no interval: nobody tells how many packets were expected. The count of
   RFC 3550 has it, and so has the report at hangup.
"""

from __future__ import annotations

from typing import Any, Optional

from fs_hepipe.calls.intervals import Interval, Totals
from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import AUDIO, Medium
from fs_hepipe.calls.record import Record
from fs_hepipe.calls.stream import Stream
from fs_hepipe.reports.emodel import mos
from fs_hepipe.reports.opinion import CONVERSATIONAL, LISTENING, Opinion, buffered, opinion, told
from fs_hepipe.reports.stream_report import MICROS, MS, PERIODIC, Measured, records_of
from fs_hepipe.words.numbers import milliseconds


def periodic(
    leg: Leg,
    medium: Medium,
    every: int,
    call_id: Optional[str],
    protocol_types: tuple[int, ...],
    *,
    is_received: bool,
    conceals: bool,
) -> list[Record]:
    """
    The report on the interval of a stream that has lasted `every` seconds or more; none before. The next one begins.

    Args:
        conceals: whether receivers conceal what is lost of G.711.
    """
    stream = medium.received if is_received else medium.sent
    if stream.lasts < every * MICROS:
        return []
    interval = stream.interval
    if interval is None or interval.expected < 0:  # an older report came last
        return []
    sums, report = _end(stream, interval, medium, conceals=conceals)
    report.update(
        CUMULATIVE_TOTAL_PK=sums.expected - sums.lost,
        CUMULATIVE_EXPECTED_PK=sums.expected,
        CUMULATIVE_PACKET_LOSS=sums.lost,
    )
    after = interval.ended + 1  # than the RTCP that ends it
    return list(records_of(Measured(medium, is_received, report), leg, call_id, after, protocol_types, PERIODIC))


def summary(stream: Stream, medium: Medium, *, conceals: bool) -> tuple[Totals, dict[str, Any]]:
    """
    The intervals of a stream that has ended, the last one with them: mean, minimum and worst, for its report at hangup.

    Means are weighted by the packets expected. MEAN_MOS and MIN_MOS are conversational if each interval had a round
    trip, otherwise all are of listening.
    """
    interval = stream.interval
    sums = stream.totals if interval is None else _end(stream, interval, medium, conceals=conceals)[0]
    if not sums.intervals:
        return sums, {}
    report: dict[str, Any] = {
        "INTERVALS": sums.intervals,
        "WORST_BEGIN": sums.worst_began / MICROS,      # s since 1970
        "WORST_END": sums.worst_ended / MICROS,
        "WORST_EXPECTED_PK": sums.worst_expected,
        "WORST_PACKET_LOSS": sums.worst_lost,
    }  # fmt: skip
    if sums.jittery:
        report.update(MEAN_JITTER=round(sums.jitter_sum / sums.jittery, 3), MAX_JITTER=round(sums.most_jitter, 3))
    if sums.travelled:
        report["MEAN_RTT"] = round(sums.rtt_sum / sums.travelled, 3)
    if sums.listened:
        is_conversational = sums.talked == sums.listened
        total, least = (
            (sums.conversational_sum, sums.least_conversational)
            if is_conversational
            else (sums.listening_sum, sums.least_listening)
        )
        report.update(
            MEAN_MOS=round(total / sums.listened, 2),
            MIN_MOS=round(least, 2),
            MEAN_MOS_KIND=CONVERSATIONAL if is_conversational else LISTENING,
        )
    return sums, report


def _end(stream: Stream, interval: Interval, medium: Medium, *, conceals: bool) -> tuple[Totals, dict[str, Any]]:
    """Ends an interval: the sums with it, and what was measured in it."""
    seconds = (interval.ended - interval.began) / MICROS
    came = interval.expected - interval.lost
    jitter, most_jitter = milliseconds(interval.jitter, medium.clock), milliseconds(interval.most_jitter, medium.clock)
    rtt = None if interval.rtt is None else round(interval.rtt * MS, 3)
    report: dict[str, Any] = {
        "INTERVAL": round(seconds, 3),                 # s
        "TOTAL_PK": came,
        "EXPECTED_PK": interval.expected,
        "PACKET_LOSS": interval.lost,
    }  # fmt: skip
    if jitter is not None:
        report.update(JITTER=jitter, MAX_JITTER=most_jitter)
    if came > 0:
        report["DELTA"] = round(seconds * MS / came, 3)  # ms, mean time between packets
    if rtt is not None:
        report["RTT"] = rtt
    loss = max(interval.lost, 0) / interval.expected if interval.expected else 0.0
    found = None
    if medium.kind == AUDIO and interval.expected:
        found = opinion(medium.codec, loss, jitter, rtt, medium.ptime, conceals=conceals)
    report.update(told(found))
    sums = _added(stream.totals, interval, loss, jitter, most_jitter, rtt, found)
    stream.close(interval, sums)
    return sums, report


def _added(
    sums: Totals,
    interval: Interval,
    loss: float,
    jitter: Optional[float],
    most_jitter: Optional[float],
    rtt: Optional[float],
    found: Optional[Opinion],
) -> Totals:
    """The sums with one more interval; without packets, it says nothing of quality."""
    packets = interval.expected
    changed: dict[str, Any] = {"expected": sums.expected + packets, "lost": sums.lost + interval.lost}
    if packets <= 0:
        return sums._replace(**changed)
    changed["intervals"] = sums.intervals + 1
    if jitter is not None and most_jitter is not None:
        changed.update(
            jittery=sums.jittery + packets,
            jitter_sum=sums.jitter_sum + jitter * packets,
            most_jitter=max(sums.most_jitter, most_jitter),
        )
    if rtt is not None:
        changed.update(travelled=sums.travelled + packets, rtt_sum=sums.rtt_sum + rtt * packets)
    if found is not None:
        listening = mos(found.listening)
        changed.update(
            listened=sums.listened + packets,
            listening_sum=sums.listening_sum + listening * packets,
            least_listening=min(sums.least_listening, listening) if sums.listened else listening,
        )
        if found.conversational is not None:
            conversational = mos(found.conversational)
            changed.update(
                talked=sums.talked + packets,
                conversational_sum=sums.conversational_sum + conversational * packets,
                least_conversational=(
                    min(sums.least_conversational, conversational) if sums.talked else conversational
                ),
            )
    _, late = buffered(jitter or 0.0)
    damage = loss + (1 - loss) * late
    if not sums.intervals or damage > sums.worst_damage:
        changed.update(
            worst_began=interval.began,
            worst_ended=interval.ended,
            worst_expected=packets,
            worst_lost=interval.lost,
            worst_damage=damage,
        )
    return sums._replace(**changed)
