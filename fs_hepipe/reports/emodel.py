"""
The E-model of ITU-T G.107 (06/2015): delay and loss of a telephone connection -> R -> MOS.

Every parameter that a telephone or a trunk would have to tell is the Recommendation's default (its table 3), with which
R is 93.2. What is left is what RTP and RTCP measure: the delay, the loss and how it bunches, the codec.
"""

from __future__ import annotations

import math
from typing import NamedTuple

# fmt: off
SLR, RLR = 8.0, 2.0          # dB: send and receive loudness rating
STMR, DR, DS = 15.0, 3.0, 3.0  # dB: sidetone masking rating, D-values of receiver and sender
TELR = 65.0                  # dB: talker echo loudness rating
WEPL = 110.0                 # dB: weighted echo path loss
QDU = 1.0                    # quantization distortion units
NC, NFOR = -70.0, -64.0      # dBm0p, dBmp: circuit noise, noise floor at the receiver
PS, PR = 35.0, 35.0          # dB(A): room noise at either side
MIN_PERCEIVABLE = 100.0      # ms: mT, delay below which nothing is perceived beside the echo
# fmt: on

MAX_R = 100.0
MIN_MOS, MAX_MOS = 1.0, 4.5
"""The ends of both scales (Annex B)."""

MAX_IE = 95.0
"""Ie of a connection that is lost altogether (§7.5)."""

MAX_DELAY = 10_000.0
"""ms: longer ones than this say no more."""


class Codec(NamedTuple):
    """What a codec does to speech (G.113 Appendix I)."""

    ie: float
    """Equipment impairment factor without loss."""
    bpl: float
    """Packet-loss robustness factor."""


G711_WITH_PLC, G711_WITHOUT_PLC = Codec(0.0, 25.1), Codec(0.0, 4.3)
"""G.711 with and without packet-loss concealment (G.113 Appendix I, as the codecs of `reports.opinion`)."""


def rating(
    delay: float = 0.0,
    loss: float = 0.0,
    codec: Codec = G711_WITH_PLC,
    burst_ratio: float = 1.0,
    advantage: float = 0.0,
) -> float:
    """
    R = Ro - Is - Id - Ie,eff + A, from less than 0 to 93.2 and the advantage (§7).

    `reports.opinion` makes it of the same parts, for two delays at once.

    Args:
        delay: from mouth to ear, ms.
        loss: share of packets that never came or came too late, 0 to 1.
        codec: what it does to speech.
        burst_ratio: mean length of gaps divided by that of random loss, 1 or more (§7.5.1).
        advantage: A, what a user puts up with for an advantage of access, 0 (wired) to 20 (§7.6).
    """
    share = min(max(loss, 0.0), 1.0)
    return lossless(delay) - impairment(share, codec, max(burst_ratio, 1.0)) + advantage


def lossless(delay: float) -> float:
    """Ro - Is - Id: R as far as codec and loss do not lower it; `delay` as in `rating`."""
    # the Recommendation has Id fall by 0.06 between 0 and 1 ms
    return _RO - _IS - max(_ID_AT_0, _delay_impairment(min(max(delay, 0.0), MAX_DELAY)))


def impairment(loss: float, codec: Codec, burst_ratio: float = 1.0) -> float:
    """Ie,eff: by how much a codec with this loss lowers R (§7.5); `loss` from 0 to 1, the others as in `rating`."""
    percent = 100 * loss
    return codec.ie + (MAX_IE - codec.ie) * percent / (percent / burst_ratio + codec.bpl)


def mos(r: float) -> float:
    """What R is as a mean opinion score, 1 to 4.5 (Annex B)."""
    if r <= 0:
        return MIN_MOS
    if r >= MAX_R:
        return MAX_MOS
    # between 0 and 6.5 the polynomial is below 1
    return max(MIN_MOS, 1 + 0.035 * r + r * (r - 60) * (MAX_R - r) * 7e-6)


def _signal_to_noise() -> tuple[float, float]:
    """Ro (§7.1), and the noise that it is made of."""
    olr = SLR + RLR
    sender_room = PS - SLR - DS - 100 + 0.004 * (PS - olr - DS - 14) ** 2
    sidetone = STMR + DR
    room = PR + 10 * math.log10(1 + 10 ** ((10 - sidetone) / 10))
    receiver_room = RLR - 121 + room + 0.008 * (room - 35) ** 2
    noise: float = 10 * math.log10(sum(10 ** (each / 10) for each in (NC, sender_room, receiver_room, NFOR + RLR)))
    return 15 - 1.5 * (SLR + noise), noise


def _simultaneous() -> float:
    """Is: what comes with the voice, too loud, sidetone, quantization (§7.2)."""
    olr = SLR + RLR
    x = olr + 0.2 * (64 + _NOISE - RLR)
    too_loud: float = 20 * ((1 + (x / 8) ** 8) ** (1 / 8) - x / 8)
    stmro = -10 * math.log10(10 ** (-STMR / 10) + 10 ** (-TELR / 10))
    sidetone: float = (
        12 * (1 + ((stmro - 13) / 6) ** 8) ** (1 / 8)
        - 28 * (1 + ((stmro + 1) / 19.4) ** 35) ** (1 / 35)
        - 13 * (1 + ((stmro - 3) / 33) ** 13) ** (1 / 13)
        + 29
    )
    q = 37 - 15 * math.log10(QDU)
    g = 1.07 + 0.258 * q + 0.0602 * q**2
    y, z = (_RO - 100) / 15 + 46 / 8.4 - g / 9, 46 / 30 - g / 40
    quantization: float = 15 * math.log10(1 + 10**y + 10**z)
    return too_loud + sidetone + quantization


def _delay_impairment(delay: float) -> float:
    """Id: echo of the talker, echo of the listener, and delay itself (§7.3)."""
    terv = TELR - 40 * math.log10((1 + delay / 10) / (1 + delay / 150)) + 6 * math.exp(-0.3 * delay**2)
    above_re = _ROE - (80 + 2.5 * (terv - 14))
    talker: float = (above_re / 2 + math.sqrt(above_re**2 / 4 + 100) - 1) * (1 - math.exp(-delay))
    above_rle = _RO - _RLE_AT_0 * (2 * delay + 1) ** -0.25
    listener: float = above_rle / 2 + math.sqrt(above_rle**2 / 4 + 169)
    if delay <= MIN_PERCEIVABLE:
        return talker + listener
    x = math.log2(delay / MIN_PERCEIVABLE)
    late: float = 25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)
    return talker + listener + late


_RO, _NOISE = _signal_to_noise()
_IS = _simultaneous()
_ROE = -1.5 * (_NOISE - RLR)
_RLE_AT_0 = 10.5 * (WEPL + 7)
_ID_AT_0 = _delay_impairment(0.0)

UNDELAYED = lossless(0.0)
"""R of listening alone, as far as codec and loss do not lower it."""
