"""
A report on the quality of one stream: which stream of which call it is about, and the records it is sent as.

Keys are those of the "rtpagent" full report as Homer and heplify-server read it.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from fs_hepipe.calls.endpoint import UNSPECIFIED
from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import AUDIO, Medium
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.reports.opinion import band, opinion, told
from fs_hepipe.words.numbers import Lenient
from fs_hepipe.words.text import shown, to_json

HANGUP, PERIODIC = "HANGUP", "PERIODIC"
"""TYPE: of the whole stream, of an interval of it."""

MIN_MOS, MAX_MOS = 1.0, 5.0
"""The scale of MOS (ITU-T P.800)."""

RECEIVED, SENT = 0, 1
"""DIR: the stream that the switch received, the stream that it sent."""

RTP = Plane.RTP

FLAWLESS_R = 100.0
"""FreeSWITCH's R as long as no flaw was counted: it is a percentage."""

MICROS = 1_000_000
"""In a second."""

MS = 1000
"""Milliseconds in a second, microseconds in a millisecond."""


class Measured(NamedTuple):
    """What was measured of one stream."""

    medium: Medium
    is_received: bool
    """Whether the switch received it."""
    report: dict[str, Any]


def records_of(
    found: Measured, leg: Leg, call_id: Optional[str], timestamp: int, protocol_types: tuple[int, ...], kind: str
) -> list[Record]:
    """
    What was measured of a stream until `timestamp`, microseconds, as records, one of each protocol type.

    Args:
        kind: `HANGUP` or `PERIODIC`.
    """
    medium, is_received, report = found
    told = _about(leg, medium, call_id, timestamp, kind, is_received=is_received)
    told.update(report)
    payload, mos = to_json(told), report.get("MOS")
    percent = None if mos is None else round(mos * 100)
    return [
        Record(timestamp, protocol_type, payload, is_received, RTP, medium.kind, percent)
        for protocol_type in protocol_types
    ]


def of_the_switch(statistics: Lenient, prefix: str) -> dict[str, Optional[float]]:
    """FreeSWITCH's own figures of a stream that it received, see switch_rtp.c:do_mos; None: not on its scale."""
    return {
        "SWITCH_RFACTOR": statistics.decimal(prefix + "quality_percentage", 0.0, FLAWLESS_R),
        "SWITCH_MOS": statistics.decimal(prefix + "mos", MIN_MOS, MAX_MOS),
    }


def estimated(
    medium: Medium, lost: int, expected: int, jitter: Optional[float], rtt: Optional[float], *, conceals: bool
) -> dict[str, Any]:
    """
    What the E-model says of this many packets of audio; nothing where its codec has no estimate.

    Args:
        jitter: ms.
        rtt: ms.
    """
    if medium.kind != AUDIO or expected <= 0:
        return {}
    return told(opinion(medium.codec, lost / expected, jitter, rtt, medium.ptime, conceals=conceals))


def _about(
    leg: Leg, medium: Medium, call_id: Optional[str], timestamp: int, kind: str, *, is_received: bool
) -> dict[str, Any]:
    near, far = (medium.local_ip, medium.local_port), (medium.remote_ip, medium.remote_port)
    (source, source_port), (destination, destination_port) = (far, near) if is_received else (near, far)
    codec = medium.codec
    # fmt: off
    about = {
        "CORRELATION_ID":  shown(call_id) if call_id else None,
        "RTP_SIP_CALL_ID": shown(leg.call_id) if leg.call_id else None,
        "REPORT_TS":       timestamp / MICROS,             # s since 1970
        "TYPE":            kind,
        "DIR":             RECEIVED if is_received else SENT,
        "MEDIUM":          medium.kind,
        "SSRC":            medium.received.ssrc if is_received else medium.sent.ssrc,
        "CODEC_NAME":      shown(codec) if codec else None,
        "CODEC_BAND":      band(codec) if medium.kind == AUDIO else None,
        "CODEC_PT":        medium.payload_type,
        "CLOCK":           medium.clock,                   # timestamp units per second
        "PTIME":           medium.ptime,                   # ms
        "SRC_IP":          None if source in UNSPECIFIED else source,
        "SRC_PORT":        None if source is None else source_port,
        "DST_IP":          None if destination in UNSPECIFIED else destination,
        "DST_PORT":        None if destination is None else destination_port,
        "LEG":             shown(leg.unique_id),
    }
    # fmt: on
    return known(about)


def known(report: dict[str, Any]) -> dict[str, Any]:
    """A report without what is not known. Nearly always all of it is."""
    if None not in report.values():
        return report
    return {key: value for key, value in report.items() if value is not None}
