"""
RTCP events of a leg -> RTCP JSON as Homer's collectors read it (protocol type 5).

An event is read once into a `Report` (`rtcp_event`); `received` and `sent` say what it is and what its leg learns of
it; `rtcp_json` writes it.

Rules:
1. Numbers are RFC 3550's: cumulative counts, signed loss, fraction of 256, LSR and DLSR as they are; all numeric.
   `packets_lost` alone is as configured, because Homer 7 takes it for 256ths of the packets: see `rtcp_json`. RFC
   3550's count is `cumulative_lost`.
2. `ssrc` is the sender of the packet. Of what we sent it is our own, which the event does not carry but the leg knows.
3. A header that FreeSWITCH did not write is a key that is absent, never zero.
4. The jitter is in ms (what Homer's charts assume) or in timestamp units, as configured; without a clock there is no
   jitter in ms.
"""

from __future__ import annotations

from typing import Optional

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import Medium
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.calls.stream import Stream
from fs_hepipe.hep.registry import ProtocolType
from fs_hepipe.reports.rtcp_event import Block, Report, read_received, read_sent
from fs_hepipe.reports.rtcp_json import written
from fs_hepipe.words.counters import Counts
from fs_hepipe.words.event import Get
from fs_hepipe.words.numbers import MICROS

NTP_EPOCH = 2_208_988_800
"""Seconds from NTP's epoch, 1900, to 1970 (RFC 5905 §6)."""

NTP_MIDDLE = 16
"""Bits after the point of the middle 32 bits of an NTP time, as LSR and DLSR are (RFC 3550 §6.4.1)."""

LATENESS = 5.0
"""Seconds: a leg may have been known late, but no round trip is longer than its call, and these."""

RTCP_JSON = int(ProtocolType.RTCP_JSON)
_PLANE = Plane.RTCP  # looked up once: an Enum's member takes long


def received(
    get: Get, leg: Leg, jitter_unit: str, left_out: Counts[str], packets_lost: str = "fraction"
) -> Optional[Record]:
    """
    A report that came from the far end (RECV_RTCP_MESSAGE): what it sent, and what it received of us.

    None: a receiver report without a block, which says nothing.

    Args:
        get: reads a header of the event.
        leg: whose it is.
        jitter_unit: `ms` or `rtp`.
        left_out: where numbers that are not reported are counted.
        packets_lost: `fraction`, `interval` or `cumulative`, see `rtcp_json`.

    Raises:
        MappingError: the event has no time.
    """
    report = read_received(get, left_out)
    ssrc, blocks = report.ssrc, report.blocks
    report.is_sender_report = _is_sender_report(leg, report)
    if not blocks and not report.is_sender_report:
        return None
    report.medium = medium = _medium_received(leg, report)
    if medium is not None:
        _hear(leg, medium, ssrc)
        ours = medium.sent
        if len(blocks) == 1:
            _learn_our_ssrc(ours, blocks[0])
        for block in blocks:
            if block.rtt and not _is_possible(block, report.captured, leg):
                block.rtt = None
                left_out["contradicted"] += 1
            if block.ssrc is not None and block.lost is not None and (ours.ssrc is None or ours.ssrc == block.ssrc):
                block.since = ours.add(block.ssrc, block.lost, block.highest_seq, block.jitter, block.rtt)
                if not ours.measure(report.captured, block.since, block.jitter, block.rtt):
                    left_out["contradicted"] += 1
    # 0 is an SSRC like any other, or that of no sender report yet
    report.sender = ssrc if ssrc or report.is_sender_report else None
    return _record(leg, report, jitter_unit, packets_lost, True)


def sent(
    get: Get, leg: Leg, jitter_unit: str, left_out: Counts[str], packets_lost: str = "fraction"
) -> Optional[Record]:
    """
    A sender report that the switch sent (SEND_RTCP_MESSAGE): what it sent, and what it received of the far end.

    Args and errors: those of `received`.
    """
    report = read_sent(get, left_out)
    ssrc = report.ssrc
    report.medium = medium = _medium_sent(leg, ssrc)
    if medium is not None:
        report.sender = medium.sent.ssrc
        if ssrc:
            _hear(leg, medium, ssrc)
            block = report.blocks[0]
            if block.lost is not None:
                theirs = medium.received
                block.since = theirs.add(ssrc, block.lost, block.highest_seq, block.jitter, by_us=True)
                # the round trip of the path is the same both ways
                if not theirs.measure(report.captured, block.since, block.jitter, medium.sent.rtt):
                    left_out["contradicted"] += 1
    return _record(leg, report, jitter_unit, packets_lost, False)


# --- what it is, and of which medium ---


def _is_sender_report(leg: Leg, report: Report) -> bool:
    """
    Whether the packet was a sender report. The event does not say, in neither release: with a receiver report its SSRC,
    NTP time, RTP time and counts are those of the last sender report, or all zero when there was none
    (switch_rtp.c:process_rtcp_report). So a sender report is known by any of them that is new: its NTP time may be 0,
    or the one before (RFC 3550 §6.4.1).
    """
    ssrc, information = report.ssrc, report.information
    seconds, fraction = information[:2]
    if ssrc is None or seconds is None or fraction is None:
        return False
    if not seconds and not fraction and not (ssrc and any(information[2:])):
        return False
    return leg.is_new_sender_report(ssrc, tuple(information))


def _medium_received(leg: Leg, report: Report) -> Optional[Medium]:
    """
    The medium a report is of: its blocks are about our SSRC, or it comes from an SSRC heard before, or it is the only
    one now, or the event has the clock of one medium only. A late report may be of a medium that has ended.
    """
    if leg.video is None:
        return leg.audio
    for medium in leg.all_media:
        if medium.sent.ssrc and any(block.ssrc == medium.sent.ssrc for block in report.blocks):
            return medium
    media = leg.media
    found = _medium_heard(leg, report.ssrc) or _only(media)
    if found is not None or not report.clock:
        return found
    return _only([medium for medium in media if medium.clock == report.clock])


def _medium_sent(leg: Leg, remote_ssrc: Optional[int]) -> Optional[Medium]:
    """
    The medium of a report that we sent: it names the far end's SSRC, which is 0 as long as the far end is silent.
    FreeSWITCH tells its reports on video only if it was asked to (switch_core_media.c:switch_core_media_activate_rtp).
    """
    if leg.video is None:
        return leg.audio
    media = leg.media
    told = [medium for medium in media if medium.tells_sent and not (medium.received.ssrc and not remote_ssrc)]
    return _medium_heard(leg, remote_ssrc) or _only(media) or _only(told)


def _medium_heard(leg: Leg, remote_ssrc: Optional[int]) -> Optional[Medium]:
    """The medium in which this SSRC was heard."""
    return next((medium for medium in leg.all_media if remote_ssrc and medium.received.ssrc == remote_ssrc), None)


def _only(media: list[Medium]) -> Optional[Medium]:
    return media[0] if len(media) == 1 else None


def _learn_our_ssrc(ours: Stream, block: Block) -> None:
    """
    What the far end reports on is ours, whatever the variables say; but not an SSRC that we had before, of which a late
    report came. If packets of that one still arrive, it is ours: the report between was about somebody else.
    """
    if block.ssrc and block.ssrc != ours.ssrc:
        before = next((report.highest_seq or 0 for report in ours.reports if report.ssrc == block.ssrc), -1)
        if (block.highest_seq or 0) > before:
            ours.ssrc = block.ssrc


def _is_possible(block: Block, captured: int, leg: Leg) -> bool:
    """
    Whether a round trip can be: A - LSR - DLSR (RFC 3550 §6.4.1). FreeSWITCH keeps that of an earlier report, which may
    have been about another source, where this one has no LSR, or a DLSR that is longer than the time since.
    """
    if block.lsr == 0:
        return False
    if block.lsr is not None and block.dlsr is not None:
        arrival = (NTP_EPOCH << NTP_MIDDLE) + (captured << NTP_MIDDLE) // MICROS
        if (arrival - block.lsr) & 0xFFFFFFFF < block.dlsr:
            return False
    return block.rtt is not None and 0 < block.rtt <= leg.seen - leg.began + LATENESS


def _hear(leg: Leg, medium: Medium, remote_ssrc: Optional[int]) -> None:
    """Remembers the SSRC of the far end. Another one may be another source of media, at another address."""
    theirs = medium.received
    if remote_ssrc and theirs.ssrc != remote_ssrc:
        if theirs.ssrc is not None:
            leg.media_may_change()
        theirs.ssrc = remote_ssrc


def _record(leg: Leg, report: Report, jitter_unit: str, packets_lost: str, is_received: bool) -> Record:
    medium = report.medium
    kind = None if medium is None else medium.kind
    if not report.clock and medium is not None:
        report.clock = medium.clock
    payload = written(report, jitter_unit, packets_lost, leg.quoted)
    return Record(report.captured, RTCP_JSON, payload, is_received, _PLANE, kind)
