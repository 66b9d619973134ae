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
5. Of `sent` nobody tells a MOS: it is an estimate by the E-model (`reports.emodel`), if the codec is known to it.
   MOS_SOURCE says whose it is, MOS_KIND what the estimate is of.
6. Received after sent, audio last: heplify-server's gauges are of whatever report came last.

Keys are those of the "rtpagent" full report as Homer and heplify-server read it; units in `_received` and `_sent`.
"""

from __future__ import annotations

import math
from typing import Any, Optional

from fs_hepipe.calls.endpoint import UNSPECIFIED, Endpoint
from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import AUDIO, Medium
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.calls.stream import Reception
from fs_hepipe.reports.emodel import estimate
from fs_hepipe.words.counters import Counts
from fs_hepipe.words.event import Get
from fs_hepipe.words.numbers import Lenient, milliseconds
from fs_hepipe.words.text import shown, to_json

MIN_MOS, MAX_MOS = 1.0, 5.0
"""The scale of MOS (ITU-T P.800)."""

FLAWLESS_R, FLAWLESS_MOS = 100.0, 4.5
"""R and MOS as long as no flaw was counted; R is a percentage here."""

CREDIBLE_LOSS = 0.01
"""Share of lost packets from which MOS has to show it."""

LOST_AT_START = 1
"""Packets that FreeSWITCH counts as lost at the start of nearly every stream (switch_rtp.c:rtcp_stats_init)."""

BUFFERED = 2
"""Jitters that a de-jitter buffer is supposed to hold, for the delay."""

SWITCH, G_107 = "switch", "G.107"
"""MOS_SOURCE."""

LISTENING, CONVERSATIONAL = "LQ", "CQ"
"""MOS_KIND: without the delay, where no round trip is known; with it (RFC 3611 §4.7.5)."""

MICROS = 1_000_000

RECEIVED, SENT = 0, 1
"""DIR: the stream that the switch received, the stream that it sent."""


def qos(
    get: Get,
    timestamp: int,
    leg: Leg,
    call_id: Optional[str],
    protocol_types: tuple[int, ...],
    left_out: Counts[str],
) -> list[Record]:
    """
    The reports of a leg that ended (CHANNEL_HANGUP_COMPLETE) at `timestamp`, microseconds; none without media.

    Args:
        left_out: where numbers that are not reported are counted.
    """
    statistics = Lenient(get, left_out)
    reports: list[tuple[Medium, bool, dict[str, Any]]] = []
    for medium in leg.all_media or [Medium(AUDIO)]:
        for is_received, report in ((False, _sent(statistics, medium)), (True, _received(statistics, medium))):
            if report:
                reports.append((medium, is_received, report))
    reports.sort(key=_place)
    records: list[Record] = []
    for medium, is_received, report in reports:
        mos = report.get("MOS")
        payload = to_json({**_about(leg, medium, call_id, timestamp, is_received=is_received), **report})
        records += [
            Record(
                timestamp=timestamp,
                protocol_type=protocol_type,
                payload=payload,
                received=is_received,
                plane=Plane.RTP,
                medium=medium.kind,
                mos=None if mos is None else round(mos * 100),
            )
            for protocol_type in protocol_types
        ]
    return records


def _place(each: tuple[Medium, bool, dict[str, Any]]) -> tuple[bool, bool]:
    """In which order reports are sent."""
    medium, is_received, _ = each
    return is_received, medium.kind == AUDIO


def _received(statistics: Lenient, medium: Medium) -> dict[str, Any]:
    """What the switch counted of the far end's stream."""
    prefix = f"variable_rtp_{medium.kind}_in_"
    packets = statistics.unsigned(prefix + "packet_count")
    if not packets and not statistics.is_broken(prefix + "packet_count"):
        return {}
    lost, last = medium.received.lost, medium.received.last
    if lost is not None and packets is not None and packets + lost < 0:
        lost = None
        statistics.leave_out("contradicted")
    weighted_rate = statistics.decimal(prefix + "jitter_loss_rate", least=0.0)
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
    # fmt: off
    optional = {
        "JITTER":     milliseconds(last.jitter, medium.clock) if last else None,             # ms
        # standard deviation of the time between packets, which is not the jitter of RFC 3550
        "MIN_DEVIATION": _deviation(statistics.decimal(prefix + "jitter_min_variance")),     # ms, from ms²
        "MAX_DEVIATION": _deviation(statistics.decimal(prefix + "jitter_max_variance")),     # ms, from ms²
        "DELTA":      statistics.decimal(prefix + "mean_interval", least=0.0) or None,       # ms
        "TL_BYTE":    statistics.unsigned(prefix + "raw_bytes"),
        "RFACTOR":    statistics.decimal(prefix + "quality_percentage", 0.0, FLAWLESS_R),
        "MOS":        statistics.decimal(prefix + "mos", MIN_MOS, MAX_MOS),
    }
    # fmt: on
    report.update((key, value) for key, value in optional.items() if value is not None)
    if not _shows_loss(report, packets or 0, lost, weighted_rate, statistics.unsigned(prefix + "flaw_total")):
        for key in {"RFACTOR", "MOS"} & report.keys():
            del report[key]
            statistics.leave_out("contradicted")
    if "MOS" in report:
        report["MOS_SOURCE"] = SWITCH
    return report


def _shows_loss(
    report: dict[str, Any], packets: int, lost: Optional[int], weighted_rate: Optional[float], flaws: Optional[int]
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
    is_flawless = report.get("RFACTOR") == FLAWLESS_R or report.get("MOS") == FLAWLESS_MOS
    return not is_flawless and (flaws is None or flaws >= least)


def _sent(statistics: Lenient, medium: Medium) -> dict[str, Any]:
    """What the far end last said of our stream."""
    lost, last = medium.sent.lost, medium.sent.last
    prefix = f"variable_rtp_{medium.kind}_out_"
    packets = statistics.unsigned(prefix + "packet_count")
    if lost is None or last is None or (not packets and not statistics.is_broken(prefix + "packet_count")):
        return {}
    report: dict[str, Any] = {}
    if packets is None:
        report["PACKET_LOSS"] = lost
    elif lost <= packets:
        report.update(TOTAL_PK=packets - lost, EXPECTED_PK=packets, PACKET_LOSS=lost)
    else:
        report["EXPECTED_PK"] = packets
        statistics.leave_out("contradicted")
    # fmt: off
    optional = {
        "JITTER":  milliseconds(last.jitter, medium.clock),                                  # ms
        "RTT":     None if last.rtt is None else round(last.rtt * 1000, 3),                  # ms
        "TL_BYTE": statistics.unsigned(prefix + "raw_bytes"),
    }
    # fmt: on
    report.update((key, value) for key, value in optional.items() if value is not None)
    if "TOTAL_PK" in report and packets is not None:
        report.update(_estimate(medium, lost, packets, last))
    return report


def _estimate(medium: Medium, lost: int, expected: int, last: Reception) -> dict[str, Any]:
    """MOS by the E-model of audio of which this many packets were expected; nothing where its codec has none."""
    if medium.kind != AUDIO or expected <= 0:
        return {}
    loss = lost / expected if lost > LOST_AT_START else 0.0
    delay, kind = 0.0, LISTENING
    if last.rtt is not None:
        buffered = milliseconds(last.jitter, medium.clock) or 0.0
        delay, kind = last.rtt * 1000 / 2 + BUFFERED * buffered + (medium.ptime or 0), CONVERSATIONAL
    mos = estimate(medium.codec, delay, loss)
    return {} if mos is None else {"MOS": round(mos, 2), "MOS_SOURCE": G_107, "MOS_KIND": kind}


def _deviation(variance: Optional[float]) -> Optional[float]:
    """ms from ms²; the switch starts at 0, which is no measurement."""
    return round(math.sqrt(variance), 3) if variance and variance > 0 else None


def _about(leg: Leg, medium: Medium, call_id: Optional[str], timestamp: int, *, is_received: bool) -> dict[str, Any]:
    """Which stream of which call a report is about."""
    source, destination = (medium.remote, medium.local) if is_received else (medium.local, medium.remote)
    # fmt: off
    about = {
        "CORRELATION_ID":  shown(call_id) if call_id else None,
        "RTP_SIP_CALL_ID": shown(leg.call_id) if leg.call_id else None,
        "REPORT_TS":       timestamp / MICROS,             # s since 1970
        "TYPE":            "HANGUP",
        "DIR":             RECEIVED if is_received else SENT,
        "MEDIUM":          medium.kind,
        "SSRC":            (medium.received if is_received else medium.sent).ssrc,
        "CODEC_NAME":      shown(medium.codec) if medium.codec else None,
        "CODEC_PT":        medium.payload_type,
        "CLOCK":           medium.clock,                   # timestamp units per second
        "PTIME":           medium.ptime,                   # ms
        **_named("SRC", source),
        **_named("DST", destination),
        "LEG":             shown(leg.unique_id),
    }
    # fmt: on
    return {key: value for key, value in about.items() if value is not None}


def _named(side: str, endpoint: Optional[Endpoint]) -> dict[str, Any]:
    if endpoint is None:
        return {}
    address = {} if endpoint.ip in UNSPECIFIED else {f"{side}_IP": endpoint.ip}
    return {**address, f"{side}_PORT": endpoint.port}
