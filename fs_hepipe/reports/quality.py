"""
Statistics of an ended leg -> quality reports, one per medium and direction (protocol types 34, 35, 32, 99).

Rules:
1. `received` is what the switch measured of the far end's stream. `sent` is what the far end last said it received of
   ours; without such a word there is no such report.
2. Loss is RTCP's cumulative count. skip_packet_count counts comfort noise, flaw_total counts lateness too: neither is
   loss (switch_rtp.c:check_jitter, do_mos).
3. Only what was measured is there. MOS and R start at 4.5 and 100, and are set back to it when flaws outnumber packets
   (switch_rtp.c:do_mos): they are left out where nothing was received, and where a loss was counted that they don't
   show, by RTCP or, without it, by the switch.

Keys are those of the "rtpagent" full report as Homer and heplify-server read it; units in `_received` and `_sent`.
"""

from __future__ import annotations

import math
from typing import Any, Optional

from fs_hepipe.calls.endpoint import Endpoint
from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import AUDIO, Medium
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.words.event import Get
from fs_hepipe.words.numbers import decimal, milliseconds, unsigned
from fs_hepipe.words.text import shown, to_json

FLAWLESS_R, FLAWLESS_MOS = 100.0, 4.5
"""R and MOS as long as no flaw was seen."""

MIN_MOS, MAX_MOS = 1.0, 5.0
"""The scale (ITU-T P.800); what is not on it is no score."""

CREDIBLE_LOSS = 0.01
"""Share of lost packets from which a flawless MOS is not believed; FreeSWITCH counts one lost at a call's start."""

MICROS = 1_000_000

RECEIVED, SENT = 0, 1
"""DIR: the stream that the switch received, the stream that it sent."""


def qos(get: Get, timestamp: int, leg: Leg, call_id: Optional[str], protocol_types: tuple[int, ...]) -> list[Record]:
    """
    The reports of a leg that ended (CHANNEL_HANGUP_COMPLETE) at `timestamp`, microseconds; none without media.

    Raises:
        MappingError: a statistic is not a number.
    """
    reports: list[tuple[Medium, bool, dict[str, Any], Optional[float]]] = []
    for medium in leg.all_media or [Medium(AUDIO)]:
        report, mos = _received(get, medium)
        if report:
            reports.append((medium, True, report, mos))
        report = _sent(get, medium)
        if report:
            reports.append((medium, False, report, None))
    records: list[Record] = []
    for medium, is_received, report, mos in reports:
        payload = to_json({**_about(leg, medium, call_id, timestamp, is_received=is_received), **report})
        records += [
            Record(
                timestamp=leg.stamp(timestamp),
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


def _received(get: Get, medium: Medium) -> tuple[dict[str, Any], Optional[float]]:
    """What the switch counted of the far end's stream, and its MOS."""
    prefix = f"variable_rtp_{medium.kind}_in_"
    packets = unsigned(get, prefix + "packet_count")
    if not packets:
        return {}, None
    lost, last = medium.received.lost, medium.received.last
    report: dict[str, Any] = {"TOTAL_PK": packets}
    if lost is not None:
        report["EXPECTED_PK"] = packets + lost
        report["PACKET_LOSS"] = lost
        is_lossy = lost > CREDIBLE_LOSS * (packets + lost)
    else:
        rate = decimal(get, prefix + "jitter_loss_rate")
        if rate is not None:
            report["LOSS_RATE"] = rate  # share of 1, refreshed every 5 s: no count can be made of it
        is_lossy = rate is not None and rate > CREDIBLE_LOSS
    jitter = milliseconds(last.jitter, medium.clock) if last else None
    mean_interval = decimal(get, prefix + "mean_interval")
    min_variance, max_variance = (decimal(get, prefix + f"jitter_{end}_variance") for end in ("min", "max"))  # ms²
    # fmt: off
    optional = {
        "JITTER":     jitter,                              # ms
        "MIN_JITTER": _deviation(min_variance),            # ms, of the interval between packets
        "MAX_JITTER": _deviation(max_variance),            # ms
        "DELTA":      mean_interval or None,               # ms
        "TL_BYTE":    unsigned(get, prefix + "raw_bytes"),
    }
    # fmt: on
    report.update((key, value) for key, value in optional.items() if value is not None)
    mos, rfactor = decimal(get, prefix + "mos"), decimal(get, prefix + "quality_percentage")
    if is_lossy and (rfactor == FLAWLESS_R or mos == FLAWLESS_MOS):
        return report, None
    if rfactor is not None:
        report["RFACTOR"] = rfactor
    if mos is None or not MIN_MOS <= mos <= MAX_MOS:
        return report, None
    report["MOS"] = mos
    return report, mos


def _sent(get: Get, medium: Medium) -> dict[str, Any]:
    """What the far end last said of our stream."""
    lost, last = medium.sent.lost, medium.sent.last
    packets = unsigned(get, f"variable_rtp_{medium.kind}_out_packet_count")
    if lost is None or last is None or not packets:
        return {}
    report: dict[str, Any] = {"TOTAL_PK": packets, "EXPECTED_PK": packets, "PACKET_LOSS": lost}
    jitter = milliseconds(last.jitter, medium.clock)
    if jitter is not None:
        report["JITTER"] = jitter  # ms
    if last.rtt is not None:
        report["RTT"] = round(last.rtt * 1000, 3)  # ms
    octets = unsigned(get, f"variable_rtp_{medium.kind}_out_raw_bytes")
    if octets is not None:
        report["TL_BYTE"] = octets
    return report


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
    return {f"{side}_IP": endpoint.ip, f"{side}_PORT": endpoint.port} if endpoint else {}
