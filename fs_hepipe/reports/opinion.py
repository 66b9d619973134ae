"""
What was measured of a stream -> its mean opinion score, as an estimate by the E-model (`reports.emodel`).

What RTP and RTCP do not tell is supposed, and all of it stands here:
1. The receiver has a de-jitter buffer that adapts: it holds packets for `DEPTH` jitters, `SHALLOWEST` to `DEEPEST`.
   What comes later is as lost as what never comes. Transit times are supposed to spread as a Laplace distribution,
   whose mean deviation is two thirds of RFC 3550's jitter, which compares two packets. All of these are a choice of
   ours: no Recommendation has a model of a buffer.
2. The delay from mouth to ear is half of the round trip, one packet, and the buffer. Without a round trip nothing is
   known of it: the estimate is then of listening alone, at no delay.
3. Loss is random, that is its burst ratio is 1: no RTCP report tells it, and FreeSWITCH's `in_jitter_burst_rate` counts
   packets where it should count gaps (switch_rtp.c:check_jitter, burstr_calculate).
4. The receiver conceals loss in G.711, or not, as configured. All other rated codecs do by themselves.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Optional

from fs_hepipe.reports.emodel import (
    G711_WITH_PLC,
    G711_WITHOUT_PLC,
    UNDELAYED,
    Codec,
    impairment,
    lossless,
    mos,
)

DEPTH = 4.0
"""Jitters that the buffer holds: at this depth one packet of 800 is late."""

SHALLOWEST, DEEPEST = 20.0, 80.0
"""ms: the ends of the buffer."""

SPREAD = 2 / 3
"""Mean deviation of a transit time from its mean, by jitter: that of a difference of two (Laplace) is 3/2 as much."""

WORST_JITTER = 10_000.0
"""ms: more than that says no more."""

CODECS = {
    "G729": Codec(11.0, 19.0),
    "G723": Codec(15.0, 16.1),
}
"""
By FreeSWITCH's name, beside G.711: G.729A with VAD; G.723.1 at 6.3 kbit/s with VAD (G.113 Appendix I). Its other codecs
are not by one name and one rate in it, or without a Bpl.
"""

G711 = frozenset({"PCMU", "PCMA"})

CONCEALING = {**CODECS, **dict.fromkeys(G711, G711_WITH_PLC)}
NOT_CONCEALING = {**CODECS, **dict.fromkeys(G711, G711_WITHOUT_PLC)}
"""All that are rated, by whether the receiver conceals what is lost of G.711."""

BANDS = {
    **dict.fromkeys((*G711, *CODECS, "GSM", "ILBC", "AMR", "BV16"), "narrow"),
    **dict.fromkeys(("G726-16", "G726-24", "G726-32", "G726-40"), "narrow"),
    **dict.fromkeys(("G722", "AMR-WB", "BV32"), "wide"),
    "OPUS": "full",
}
"""
CODEC_BAND by FreeSWITCH's name. The E-model of G.107 is for narrowband; wideband (G.107.1) and fullband (G.107.2) have
scales of their own, and G.113 has nothing for Opus. So these have no MOS rather than one on a foreign scale.
"""

LISTENING, CONVERSATIONAL = "LQ", "CQ"
"""MOS_KIND: without the delay, where no round trip is known; with it (RFC 3611 §4.7.5)."""

SWITCH, G_107 = "switch", "G.107"
"""MOS_SOURCE."""


class Opinion(NamedTuple):
    """The MOS of a stream, twice: an estimate with the delay must not be compared with one without."""

    r: float
    """Of conversation; of listening if no round trip is known."""
    listening: float
    conversational: Optional[float]
    """None: no round trip is known."""
    late: float
    """Share of packets, of those that came, that came too late for the de-jitter buffer."""


def opinion(
    codec_name: Optional[str],
    loss: float,
    jitter: Optional[float],
    rtt: Optional[float],
    ptime: Optional[int],
    *,
    conceals: bool = True,
) -> Optional[Opinion]:
    """
    The estimate of a stream of speech; None for a codec that G.113 does not rate for G.107.

    Args:
        codec_name: FreeSWITCH's.
        loss: share of packets that never came, 0 to 1.
        jitter: RFC 3550's, ms; None if it is not known, which counts as none.
        rtt: round trip, ms.
        ptime: speech in a packet, ms.
        conceals: whether the receiver conceals what is lost of G.711.
    """
    codec = (CONCEALING if conceals else NOT_CONCEALING).get((codec_name or "").upper())
    if codec is None:
        return None
    depth, late = buffered(jitter or 0.0)
    never = min(max(loss, 0.0), 1.0)
    damage = impairment(never + (1 - never) * late, codec)
    r = UNDELAYED - damage
    listening = mos(r)
    if rtt is None:
        return Opinion(r, listening, None, late)
    r = lossless(rtt / 2 + (ptime or 0) + depth) - damage
    return Opinion(r, listening, mos(r), late)


def buffered(jitter: float) -> tuple[float, float]:
    """How long the de-jitter buffer holds a packet, ms, and which share of packets comes too late for it."""
    if jitter <= 0:
        return SHALLOWEST, 0.0
    jitter = min(jitter, WORST_JITTER)
    depth = min(max(DEPTH * jitter, SHALLOWEST), DEEPEST)
    return depth, 0.5 * math.exp(-depth / (SPREAD * jitter))


def told(found: Optional[Opinion]) -> dict[str, Any]:
    """An estimate as a report tells it: conversational where the delay is known; the listening quality beside it."""
    if found is None:
        return {}
    r, listening, conversational, _ = found
    rounded = round(listening, 2)
    return {
        "RFACTOR": round(max(r, 0.0), 1),
        "MOS": rounded if conversational is None else round(conversational, 2),
        "MOS_SOURCE": G_107,
        "MOS_KIND": LISTENING if conversational is None else CONVERSATIONAL,
        "MOS_LQ": rounded,
    }


def band(codec_name: Optional[str]) -> Optional[str]:
    """Which band of speech a codec carries at most: `narrow`, `wide` or `full`; None if it is not known."""
    return BANDS.get((codec_name or "").upper())
