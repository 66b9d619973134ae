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
from fs_hepipe.reports.opinion import CONVERSATIONAL, LISTENING, Opinion, buffered, opinion, told
from fs_hepipe.reports.stream_report import MS, PERIODIC, Measured, records_of
from fs_hepipe.words.numbers import MICROS, milliseconds


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
    sums, jitter, most_jitter, rtt, estimate = _end(stream, interval, medium, conceals=conceals)
    micros, came = interval.ended - interval.began, interval.expected - interval.lost
    report: dict[str, Any] = {
        "INTERVAL": round(micros / MICROS, 3),         # s
        "TOTAL_PK": came,
        "EXPECTED_PK": interval.expected,
        "PACKET_LOSS": interval.lost,
    }  # fmt: skip
    if jitter is not None:
        report["JITTER"], report["MAX_JITTER"] = jitter, most_jitter
    if came > 0:
        report["DELTA"] = round(micros / MICROS * MS / came, 3)  # ms, mean time between packets
    if rtt is not None:
        report["RTT"] = rtt
    report.update(told(estimate))
    report["CUMULATIVE_TOTAL_PK"] = sums.expected - sums.lost
    report["CUMULATIVE_EXPECTED_PK"] = sums.expected
    report["CUMULATIVE_PACKET_LOSS"] = sums.lost
    after = interval.ended + 1  # than the RTCP that ends it
    found = [Measured(medium, is_received, report)]
    return records_of(found, leg, call_id, after, protocol_types, PERIODIC)


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
        report["MEAN_JITTER"] = round(sums.jitter_sum / sums.jittery, 3)
        report["MAX_JITTER"] = sums.most_jitter
    if sums.travelled:
        report["MEAN_RTT"] = round(sums.rtt_sum / sums.travelled, 3)
    if sums.listened:
        total, least, of_what = sums.listening_sum, sums.least_listening, LISTENING
        if sums.talked == sums.listened:
            total, least, of_what = sums.conversational_sum, sums.least_conversational, CONVERSATIONAL
        report["MEAN_MOS"] = round(total / sums.listened, 2)
        report["MIN_MOS"] = round(least, 2)
        report["MEAN_MOS_KIND"] = of_what
    return sums, report


def _end(
    stream: Stream, interval: Interval, medium: Medium, *, conceals: bool
) -> tuple[Totals, Optional[float], Optional[float], Optional[float], Optional[Opinion]]:
    """
    Ends an interval.

    Returns:
        The sums with it; jitter, most jitter and round trip, ms; what the E-model says of it.
    """
    _, _, _, packets, lost, jitters, jitter_sum, most, rtts, rtt_sum = interval
    jitter = milliseconds(jitter_sum / jitters, medium.clock) if jitters else None
    most_jitter = milliseconds(most, medium.clock)
    rtt = round(rtt_sum / rtts * MS, 3) if rtts else None
    loss = max(lost, 0) / packets if packets else 0.0
    estimate = None
    if packets and medium.kind == AUDIO:
        estimate = opinion(medium.codec, loss, jitter, rtt, medium.ptime, conceals=conceals)
    sums = _added(stream.totals, interval, loss, jitter, most_jitter, rtt, estimate)
    stream.close(interval, sums)
    return sums, jitter, most_jitter, rtt, estimate


def _added(
    sums: Totals,
    interval: Interval,
    loss: float,
    jitter: Optional[float],
    most_jitter: Optional[float],
    rtt: Optional[float],
    estimate: Optional[Opinion],
) -> Totals:
    """The sums with one more interval; without packets, it says nothing of quality."""
    (
        intervals, expected, lost, jittery, jitter_sum, max_jitter, travelled, rtt_sum,
        listened, listening_sum, least_listening, talked, conversational_sum, least_conversational,
        worst_began, worst_ended, worst_expected, worst_lost, worst_damage,
    ) = sums  # fmt: skip
    packets = interval.expected
    if packets > 0:
        if jitter is not None and most_jitter is not None:
            jittery += packets
            jitter_sum += jitter * packets
            max_jitter = max(max_jitter, most_jitter)
        if rtt is not None:
            travelled += packets
            rtt_sum += rtt * packets
        if estimate is None:
            _, late = buffered(jitter or 0.0)
        else:
            _, listening, conversational, late = estimate
            least_listening = min(least_listening, listening) if listened else listening
            listened += packets
            listening_sum += listening * packets
            if conversational is not None:
                least_conversational = min(least_conversational, conversational) if talked else conversational
                talked += packets
                conversational_sum += conversational * packets
        damage = loss + (1 - loss) * late
        if not intervals or damage > worst_damage:
            worst_began, worst_ended, worst_damage = interval.began, interval.ended, damage
            worst_expected, worst_lost = packets, interval.lost
        intervals += 1
    return Totals(
        intervals, expected + packets, lost + interval.lost, jittery, jitter_sum, max_jitter, travelled, rtt_sum,
        listened, listening_sum, least_listening, talked, conversational_sum, least_conversational,
        worst_began, worst_ended, worst_expected, worst_lost, worst_damage,
    )  # fmt: skip
