"""
Statistics of an ended leg -> quality reports, one per medium and direction (protocol types 34, 35, 32, 99).

Rules:
1. `received` is what the switch measured of the far end's stream. `sent` is what the far end last said it received of
   ours; without such a word there is no such report.
2. Loss is RTCP's cumulative count, and EXPECTED_PK - TOTAL_PK = PACKET_LOSS. skip_packet_count counts comfort noise,
   flaw_total counts lateness too: neither is loss (switch_rtp.c:check_jitter, do_mos).
3. Only what was measured is there. A number that is not on its scale, or that another one contradicts, is left out and
   counted; the rest of the report is sent.
4. MOS and R are made of the flaws, which are set back to none whenever they outnumber the packets
   (switch_rtp.c:do_mos). So they are believed only if as many flaws were counted as the loss makes necessary: see
   `_shows_loss`.
5. MOS is an estimate by the E-model (`reports.opinion`), in both directions, and MOS_SOURCE says so. The switch's own
   of what it received is SWITCH_MOS; it is MOS, and MOS_SOURCE says so, only where there can be no estimate.
6. Received after sent, audio last: heplify-server's gauges are of whatever report came last.

Keys are those of the "rtpagent" full report as Homer and heplify-server read it; units in `_received` and `_sent`.
"""

from __future__ import annotations

import math
from typing import Any, Optional

from fs_hepipe.calls.intervals import NO_INTERVALS, Totals
from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import AUDIO, Medium
from fs_hepipe.calls.record import Record
from fs_hepipe.calls.stream import Stream
from fs_hepipe.reports.opinion import SWITCH, opinion, told
from fs_hepipe.reports.periodic import summary
from fs_hepipe.reports.stream_report import FLAWLESS_R, HANGUP, HEADERS, MS, Measured, known, records_of
from fs_hepipe.words.counters import Counts
from fs_hepipe.words.event import Get
from fs_hepipe.words.numbers import Lenient, milliseconds

SWITCHES = {"SWITCH_RFACTOR": "RFACTOR", "SWITCH_MOS": "MOS"}
"""The switch's own figures: the keys that they have where there is no estimate."""

FLAWLESS_MOS = 4.5
"""MOS as long as no flaw was counted."""

LOST_AT_START = 1
"""Packets that FreeSWITCH counts as lost at the start of nearly every stream (switch_rtp.c:rtcp_stats_init)."""

CREDIBLE_LOSS = 0.01
"""Share of lost packets from which MOS has to show it."""


def measured(
    get: Get, leg: Leg, left_out: Counts[str], *, conceals: bool = True, sums_up: bool = True
) -> list[Measured]:
    """
    What was measured of the streams of a leg that ended (CHANNEL_HANGUP_COMPLETE); none without media.

    Args:
        left_out: where numbers that are not reported are counted.
        conceals: whether receivers conceal what is lost of G.711.
        sums_up: whether there were periodic reports, whose mean, minimum and worst are told.
    """
    statistics = Lenient(get, left_out)
    audio, video = leg.audio, leg.video
    if audio is None and video is None:
        audio = Medium(AUDIO)
    found: list[Measured] = []
    for is_received in (False, True):  # rule 6
        for medium in (video, audio):
            if medium is None:
                continue
            stream = medium.received if is_received else medium.sent
            report = _received(statistics, medium) if is_received else _sent(statistics, medium)
            if report:
                sums, summed_up = summary(stream, medium, conceals=conceals) if sums_up else (NO_INTERVALS, {})
                report.update(_estimated(report, medium, stream, sums, conceals=conceals) or _of_the_switch(report))
                report.update(summed_up)
                found.append(Measured(medium, is_received, report))
    return found


def qos(
    found: list[Measured], leg: Leg, call_id: Optional[str], timestamp: int, protocol_types: tuple[int, ...]
) -> list[Record]:
    """The reports of a leg that ended at `timestamp`, microseconds, on what was measured of it."""
    return records_of(found, leg, call_id, timestamp, protocol_types, HANGUP)


def _received(statistics: Lenient, medium: Medium) -> dict[str, Any]:
    """What the switch counted of the far end's stream."""
    headers = HEADERS[medium.kind]
    packets = statistics.unsigned(headers.received)
    if not packets and not statistics.is_broken(headers.received):
        return {}
    lost, last = medium.received.lost, medium.received.last
    if lost is not None and packets is not None and packets + lost < 0:
        lost = None
        statistics.leave_out("contradicted")
    (octets, flaws), fractions = statistics.each(headers.rest)
    weighted_rate, least_variance, most_variance, interval, r, mos = fractions
    report: dict[str, Any] = {} if packets is None else {"TOTAL_PK": packets}
    if lost is not None:
        report["PACKET_LOSS"] = lost
        if packets is not None:
            report["EXPECTED_PK"] = packets + lost
    elif weighted_rate is not None:
        if weighted_rate <= 1:
            report["LOSS_RATE"] = weighted_rate  # share of 1, refreshed every 5 s: no count can be made of it
        else:  # gaps in a row count many times over, see `_shows_loss`
            statistics.leave_out("off_scale")
    if not _shows_loss(r, mos, packets or 0, lost, weighted_rate, flaws):
        for figure in (r, mos):
            if figure is not None:
                statistics.leave_out("contradicted")
        r = mos = None
    # fmt: off
    report.update(known({
        "JITTER":     milliseconds(last.jitter, medium.clock) if last else None,             # ms
        # standard deviation of the time between packets, which is not the jitter of RFC 3550
        "MIN_DEVIATION": _deviation(least_variance),                                         # ms, from ms²
        "MAX_DEVIATION": _deviation(most_variance),                                          # ms, from ms²
        "DELTA":      interval or None,                                                      # ms
        "TL_BYTE":    octets,
        "SWITCH_RFACTOR": r,
        "SWITCH_MOS": mos,
    }))
    # fmt: on
    return report


def _of_the_switch(report: dict[str, Any]) -> dict[str, Any]:
    """The switch's own figures as the report's, where there is no estimate."""
    found = {key: report[own] for own, key in SWITCHES.items() if own in report}
    return {**found, "MOS_SOURCE": SWITCH} if "MOS" in found else found


def _shows_loss(
    r: Optional[float],
    mos: Optional[float],
    packets: int,
    lost: Optional[int],
    weighted_rate: Optional[float],
    flaws: Optional[int],
) -> bool:
    """
    Whether MOS and R can be made of all flaws of a stream with this loss, and not only of those since a set-back.

    Every lost packet is a flaw (switch_rtp.c:check_jitter). Without RTCP there is only FreeSWITCH's rate: the sum of
    i * n over gaps of n packets, the i-th gap in a row, divided by the packets (burstr_calculate). Such a gap is n
    flaws, and from the second one on i more (do_mos). As i + n >= sqrt(i * n), there cannot be fewer flaws than the
    square root of the sum.
    """
    if lost is not None:
        is_lossy, least = lost > max(LOST_AT_START, CREDIBLE_LOSS * (packets + lost)), float(lost)
    elif weighted_rate is not None:
        is_lossy, least = weighted_rate > CREDIBLE_LOSS, math.sqrt(weighted_rate * packets)
    else:
        return True
    if not is_lossy:
        return True
    return r != FLAWLESS_R and mos != FLAWLESS_MOS and (flaws is None or flaws >= least)


def _sent(statistics: Lenient, medium: Medium) -> dict[str, Any]:
    """What the far end last said of our stream."""
    headers = HEADERS[medium.kind]
    lost, last = medium.sent.lost, medium.sent.last
    packets = statistics.unsigned(headers.sent)
    if lost is None or last is None or (not packets and not statistics.is_broken(headers.sent)):
        return {}
    report: dict[str, Any] = {}
    if packets is None:
        report["PACKET_LOSS"] = lost
    elif lost <= packets:
        report["TOTAL_PK"], report["EXPECTED_PK"], report["PACKET_LOSS"] = packets - lost, packets, lost
    else:
        report["EXPECTED_PK"] = packets
        statistics.leave_out("contradicted")
    # fmt: off
    report.update(known({
        "JITTER":  milliseconds(last.jitter, medium.clock),                                  # ms
        "RTT":     None if last.rtt is None else round(last.rtt * MS, 3),                    # ms
        "TL_BYTE": statistics.unsigned(headers.sent_octets),
    }))
    # fmt: on
    return report


def _estimated(
    report: dict[str, Any], medium: Medium, stream: Stream, sums: Totals, *, conceals: bool
) -> dict[str, Any]:
    """
    What the E-model says of a report on audio that has both packets expected and lost; nothing where its codec has no
    estimate. Jitter and round trip are the means of the intervals, where there were any: those of the last report may
    be of a moment. A round trip that was not known in each of them is none of the whole stream. It is that of the path,
    which is the same both ways.
    """
    expected, lost = report.get("EXPECTED_PK"), report.get("PACKET_LOSS")
    if medium.kind != AUDIO or not expected or lost is None:
        return {}
    if sums.intervals:
        jitter = sums.jitter_sum / sums.jittery if sums.jittery else None
        rtt = sums.rtt_sum / sums.travelled if sums.travelled == sums.expected else None
    else:
        jitter = milliseconds(stream.last.jitter, medium.clock) if stream.last else None
        rtt = None if medium.sent.rtt is None else medium.sent.rtt * MS
    loss = lost / expected if lost > LOST_AT_START else 0.0
    return told(opinion(medium.codec, loss, jitter, rtt, medium.ptime, conceals=conceals))


def _deviation(variance: Optional[float]) -> Optional[float]:
    """ms from ms²; the switch starts at 0, which is no measurement."""
    return round(math.sqrt(variance), 3) if variance and variance > 0 else None
