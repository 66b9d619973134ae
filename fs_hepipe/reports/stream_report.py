"""
A report on the quality of one stream: which stream of which call it is about, and the records it is sent as.

Keys are those of the "rtpagent" full report as Homer and heplify-server read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Optional

from fs_hepipe.calls.endpoint import UNSPECIFIED, Endpoint
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
) -> Iterator[Record]:
    """
    What was measured of a stream until `timestamp`, microseconds, as records, one of each protocol type.

    Args:
        kind: `HANGUP` or `PERIODIC`.
    """
    medium, is_received, report = found
    mos = report.get("MOS")
    payload = to_json({**_about(leg, medium, call_id, timestamp, kind, is_received=is_received), **report})
    for protocol_type in protocol_types:
        yield Record(
            timestamp=timestamp,
            protocol_type=protocol_type,
            payload=payload,
            received=is_received,
            plane=Plane.RTP,
            medium=medium.kind,
            mos=None if mos is None else round(mos * 100),
        )


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
    source, destination = (medium.remote, medium.local) if is_received else (medium.local, medium.remote)
    # fmt: off
    about = {
        "CORRELATION_ID":  shown(call_id) if call_id else None,
        "RTP_SIP_CALL_ID": shown(leg.call_id) if leg.call_id else None,
        "REPORT_TS":       timestamp / MICROS,             # s since 1970
        "TYPE":            kind,
        "DIR":             RECEIVED if is_received else SENT,
        "MEDIUM":          medium.kind,
        "SSRC":            (medium.received if is_received else medium.sent).ssrc,
        "CODEC_NAME":      shown(medium.codec) if medium.codec else None,
        "CODEC_BAND":      band(medium.codec) if medium.kind == AUDIO else None,
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
