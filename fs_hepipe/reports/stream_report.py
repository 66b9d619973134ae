"""
A report on the quality of one stream: where FreeSWITCH tells what it counted of it, which stream of which call it is
about, and the records it is sent as.

Keys are those of the "rtpagent" full report as Homer and heplify-server read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Optional

from fs_hepipe.calls.endpoint import UNSPECIFIED
from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import AUDIO, VIDEO, Medium
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.reports.opinion import band
from fs_hepipe.words.numbers import MAX_INTEGER, MICROS, Together
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

MS = 1000
"""Milliseconds in a second, microseconds in a millisecond."""


class Headers(NamedTuple):
    """Where FreeSWITCH tells what it counted of a medium (switch_core_media.c:set_stats)."""

    sent: str
    """Packets."""
    sent_octets: str
    received: str
    """Packets."""
    flaws: str
    """Of what it received; likewise below."""
    own: Together
    """R and MOS, see switch_rtp.c:do_mos."""
    rest: Together
    """
    Octets, flaws; the share lost, ms² of the least and the largest variance of the time between packets, ms of its
    mean, and `own`.
    """


def _headers(kind: str) -> Headers:
    sent, received = f"variable_rtp_{kind}_out_", f"variable_rtp_{kind}_in_"
    own = {received + "quality_percentage": (0.0, FLAWLESS_R), received + "mos": (MIN_MOS, MAX_MOS)}
    figures = {
        received + "jitter_loss_rate": (0.0, MAX_INTEGER),
        received + "jitter_min_variance": (-MAX_INTEGER, MAX_INTEGER),
        received + "jitter_max_variance": (-MAX_INTEGER, MAX_INTEGER),
        received + "mean_interval": (0.0, MAX_INTEGER),
    }
    flaws = received + "flaw_total"
    return Headers(
        sent=sent + "packet_count",
        sent_octets=sent + "raw_bytes",
        received=received + "packet_count",
        flaws=flaws,
        own=Together((), own),
        rest=Together((received + "raw_bytes", flaws), {**figures, **own}),
    )


HEADERS = {kind: _headers(kind) for kind in (AUDIO, VIDEO)}
"""By kind of medium."""


class Measured(NamedTuple):
    """What was measured of one stream."""

    medium: Medium
    is_received: bool
    """Whether the switch received it."""
    report: dict[str, Any]


def records_of(
    found: Iterable[Measured],
    leg: Leg,
    call_id: Optional[str],
    timestamp: int,
    protocol_types: tuple[int, ...],
    kind: str,
) -> list[Record]:
    """
    What was measured of streams until `timestamp`, microseconds, as records: of each stream one of each protocol type.

    Args:
        kind: `HANGUP` or `PERIODIC`.
    """
    records: list[Record] = []
    filed_under, own = call_id and shown(call_id), leg.call_id and shown(leg.call_id)
    leg_id, at = shown(leg.unique_id), timestamp / MICROS
    for medium, is_received, report in found:
        near, far = (medium.local_ip, medium.local_port), (medium.remote_ip, medium.remote_port)
        (source, source_port), (destination, destination_port) = (far, near) if is_received else (near, far)
        codec, mos = medium.codec, report.get("MOS")
        # fmt: off
        about = known({
            "CORRELATION_ID":  filed_under or None,
            "RTP_SIP_CALL_ID": own or None,
            "REPORT_TS":       at,                             # s since 1970
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
            "LEG":             leg_id,
        })
        # fmt: on
        about.update(report)
        payload, percent = to_json(about), None if mos is None else round(mos * 100)
        for protocol_type in protocol_types:
            record = Record(timestamp, protocol_type, payload, is_received, RTP, medium.kind, percent)
            records.append(record)
    return records


def known(report: dict[str, Any]) -> dict[str, Any]:
    """A report without what is not known. Nearly always all of it is."""
    if None not in report.values():
        return report
    return {key: value for key, value in report.items() if value is not None}
