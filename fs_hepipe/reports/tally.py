"""
Quality reports at hangup -> histograms of MOS, loss, jitter and round trip, by direction and by the gateway or SIP
profile of the leg, so that an alert can tell which carrier is bad, and since when.

Rules:
1. Audio only. A number that is not in the report is not counted.
2. At most `MAX_PEERS` pairs of gateway and profile have numbers of their own, the first that came; the others share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import AUDIO
from fs_hepipe.reports.stream_report import Measured
from fs_hepipe.words import names
from fs_hepipe.words.event import Get
from fs_hepipe.words.histogram import Histogram
from fs_hepipe.words.text import shown

MAX_PEERS = 64
"""Each has two directions with 40 numbers."""

OTHERS = "(others)"
"""Gateway and profile of those beyond."""

MAX_NAME = 64

RECEIVED, SENT = "received", "sent"

BOUNDS = {
    "mos": (1.5, 2.0, 2.5, 3.0, 3.3, 3.6, 3.8, 4.0, 4.2, 4.3, 4.4),
    "loss_ratio": (0.0, 0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5),
    "jitter_seconds": (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5),
    "rtt_seconds": (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 1.0),
}
"""Measure -> upper bounds. MOS: around those of G.107's categories; loss: share of the packets expected."""


class Peer(NamedTuple):
    """What the legs have in common whose quality is counted together."""

    gateway: str
    """Empty: the leg went over none."""
    profile: str
    direction: str


class Tally:
    """The histograms of one agent, written by its one thread, read by anyone."""

    def __init__(self) -> None:
        self._series: dict[Peer, dict[str, Histogram]] = {}

    def note(self, get: Get, leg: Leg, found: Sequence[Measured]) -> None:
        """Counts what was measured of a leg that ended."""
        if not found:
            return
        gateway = shown(get(names.SIP_GATEWAY if leg.outbound is False else names.SIP_GATEWAY_NAME) or "", MAX_NAME)
        profile = shown(_profile(leg), MAX_NAME)
        for medium, is_received, report in found:
            if medium.kind == AUDIO:
                _count(report, self._of(Peer(gateway, profile, RECEIVED if is_received else SENT)))

    def _of(self, peer: Peer) -> dict[str, Histogram]:
        known = self._series.get(peer)
        if known is not None:
            return known
        if len(self._series) >= 2 * MAX_PEERS:
            peer = Peer(OTHERS, OTHERS, peer.direction)
        if peer not in self._series:
            self._series[peer] = {measure: Histogram(bounds) for measure, bounds in BOUNDS.items()}
        return self._series[peer]

    def report(self) -> list[dict[str, Any]]:
        """For status and metrics: by gateway, profile and direction, the histograms that have numbers."""
        return [
            {
                **peer._asdict(),
                **{
                    measure: {"bounds": each.bounds, "counts": list(each.counts), "sum": each.total}
                    for measure, each in histograms.items()
                    if any(each.counts)
                },
            }
            for peer, histograms in sorted(self._series.items())
        ]


def _profile(leg: Leg) -> str:
    """The SIP profile, of a channel that is called `sofia/PROFILE/...` (sofia_glue.c:sofia_glue_set_name)."""
    words = (leg.channel or "").split("/", 2)
    return words[1] if len(words) > 1 and leg.is_sip else ""


def _count(report: dict[str, Any], histograms: dict[str, Histogram]) -> None:
    """Counts the measures of a quality report, in base units."""
    mos, lost, expected = report.get("MOS"), report.get("PACKET_LOSS"), report.get("EXPECTED_PK")
    jitter, rtt = report.get("JITTER"), report.get("RTT")
    if mos is not None:
        histograms["mos"].observe(mos)
    if lost is not None and expected:
        histograms["loss_ratio"].observe(max(0.0, lost / expected))
    if jitter is not None:
        histograms["jitter_seconds"].observe(jitter / 1000)
    if rtt is not None:
        histograms["rtt_seconds"].observe(rtt / 1000)
