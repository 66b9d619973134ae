"""
RTCP events of a leg -> RTCP JSON as Homer's collectors read it (protocol type 5).

Rules:
1. Numbers are RFC 3550's: cumulative counts, signed loss, fraction of 256, LSR and DLSR as they are; all numeric.
2. `ssrc` is the sender of the packet. Of what we sent it is our own, which the event does not carry but the leg knows.
3. A header that FreeSWITCH did not write is a key that is absent, never zero.
4. The jitter is in ms (what Homer's charts assume) or in timestamp units, as configured; without a clock there is no
   jitter in ms.
"""

from __future__ import annotations

from typing import Any, Callable, Optional

from fs_hepipe import names
from fs_hepipe.hep.registry import ProtocolType
from fs_hepipe.legs import Leg
from fs_hepipe.mapping.numbers import decimal, event_time, hexadecimal, milliseconds, signed24, unsigned
from fs_hepipe.media import MAX_SOURCES, Get, Medium, Reception
from fs_hepipe.record import Plane, Record
from fs_hepipe.text import to_json

SENDER_REPORT = 200
RECEIVER_REPORT = 201
"""RTCP packet types (RFC 3550 §12.1)."""

MAX_BLOCKS = 31
"""Report blocks of one packet: their count has five bits (RFC 3550 §6.4.1)."""

MAX_SENDERS = 2 * MAX_SOURCES
"""SSRCs per leg whose last sender report is remembered."""

NTP_KEYS = ("ntp_timestamp_sec", "ntp_timestamp_usec")
"""NTP's two words as they are: the second is the fraction of 2^-32 s, whatever its key says."""

# fmt: off
# switch_core_media.c:switch_core_media_read_frame, switch_rtp.c:switch_send_rtcp_event
# Homer's key            reader      header
SENDER_INFORMATION: tuple[tuple[str, Callable[[Get, str], Any], str], ...] = (
    ("rtp_timestamp",      unsigned,   names.RTP_TIMESTAMP),
    ("packets",            unsigned,   names.SENDER_PACKET_COUNT),
    ("octets",             unsigned,   names.SENDER_OCTET_COUNT),
)

# Homer's key            reader      suffix after `Source<n>-` (received) or `Source-` (sent)
REPORT_BLOCK: tuple[tuple[str, Callable[[Get, str], Any], str], ...] = (
    ("fraction_lost",      unsigned,   "Fraction"),
    ("packets_lost",       signed24,   "Lost"),
    ("highest_seq_no",     unsigned,   "Highest-Sequence-Number-Received"),
    ("ia_jitter",          unsigned,   "Jitter"),
    ("lsr",                unsigned,   "LSR"),
    ("dlsr",               unsigned,   "DLSR"),
)
# fmt: on


def received(get: Get, leg: Leg, jitter_unit: str) -> Optional[Record]:
    """
    A report that came from the far end (RECV_RTCP_MESSAGE): what it sent, and what it received of us.

    None: a receiver report without a block, which says nothing.

    Raises:
        MappingError: a header is there but is not the number it should be.
    """
    sender, ntp = hexadecimal(get, names.SSRC), (unsigned(get, names.NTP_MSW), unsigned(get, names.NTP_LSW))
    is_sender_report = _is_sender_report(leg, sender, ntp)
    blocks: list[dict[str, Any]] = []
    while len(blocks) < MAX_BLOCKS:
        source = hexadecimal(get, f"Source{len(blocks)}-SSRC")
        if source is None:
            break
        blocks.append(_block(get, f"Source{len(blocks)}-", source))
    if not blocks and not is_sender_report:
        return None
    medium = _medium_received(leg, sender, blocks)
    if medium is not None and sender and medium.remote_ssrc != sender:
        medium.remote_ssrc = sender
    report: dict[str, Any] = {"type": SENDER_REPORT if is_sender_report else RECEIVER_REPORT}
    if sender:
        report["ssrc"] = sender
    if is_sender_report:
        report["sender_information"] = _sender_information(get, ntp)
    clock = unsigned(get, names.RTP_RATE) or (medium.clock if medium else None)
    rtt = decimal(get, names.RTT_AVG)
    if medium is not None:
        for block in blocks:
            source = block.get("source_ssrc")
            if source and medium.ssrc in {None, source}:
                _remember(medium.said, source, block, rtt)
    if rtt:  # 0.000000 until it was measured
        report["rtt_avg_ms"] = round(rtt * 1000, 3)
    return _record(get, leg, report, blocks, medium, clock, jitter_unit, is_received=True)


def sent(get: Get, leg: Leg, jitter_unit: str) -> Optional[Record]:
    """
    A sender report that the switch sent (SEND_RTCP_MESSAGE): what it sent, and what it received of the far end.

    Raises:
        MappingError: a header is there but is not the number it should be.
    """
    source = hexadecimal(get, names.SSRC)  # the far end's here, not ours
    medium = _medium_of_remote(leg.media(), source)
    if medium is not None and source:
        medium.remote_ssrc = source
    # On the wire the block names the far end's RTCP sender, or its RTP source as long as it sent no RTCP
    # (switch_rtp.c:rtcp_generate_report_block).
    block = _block(get, "Source-", hexadecimal(get, "Source-SSRC") or source)
    report: dict[str, Any] = {"type": SENDER_REPORT}
    if medium is not None and medium.ssrc is not None:
        report["ssrc"] = medium.ssrc
    ntp = unsigned(get, names.NTP_MSW), unsigned(get, names.NTP_LSW)
    report["sender_information"] = _sender_information(get, ntp)
    if medium is not None and source:
        _remember(medium.heard, source, block, None)
    clock = medium.clock if medium else None
    return _record(get, leg, report, [block], medium, clock, jitter_unit, is_received=False)


def _is_sender_report(leg: Leg, sender: Optional[int], ntp: tuple[Optional[int], Optional[int]]) -> bool:
    """
    Whether the packet was a sender report. The event does not say: with a receiver report its SSRC, NTP and counts
    are those of the last sender report, or zero when there was none.
    """
    seconds, fraction = ntp
    if not seconds or fraction is None or sender is None:
        return False
    reports = leg.sender_reports
    if reports.get(sender) == (seconds, fraction):
        return False
    if sender not in reports and len(reports) >= MAX_SENDERS:
        reports.clear()
    reports[sender] = (seconds, fraction)
    return True


def _medium_received(leg: Leg, sender: Optional[int], blocks: list[dict[str, Any]]) -> Optional[Medium]:
    """The medium a report is of: its blocks are about our SSRC, or it comes from an SSRC heard before."""
    media = leg.media()
    for medium in media:
        if medium.ssrc and any(block.get("source_ssrc") == medium.ssrc for block in blocks):
            return medium
    return _medium_of_remote(media, sender)


def _medium_of_remote(media: list[Medium], remote_ssrc: Optional[int]) -> Optional[Medium]:
    """The medium in which this SSRC was heard, or the only one there is."""
    if len(media) == 1:
        return media[0]
    for medium in media:
        if remote_ssrc and medium.remote_ssrc == remote_ssrc:
            return medium
    return None


def _sender_information(get: Get, ntp: tuple[Optional[int], Optional[int]]) -> dict[str, Any]:
    information = dict(zip(NTP_KEYS, ntp))
    information.update((key, read(get, header)) for key, read, header in SENDER_INFORMATION)
    return {key: value for key, value in information.items() if value is not None}


def _block(get: Get, prefix: str, source: Optional[int]) -> dict[str, Any]:
    block: dict[str, Any] = {"source_ssrc": source} if source else {}
    for key, read, suffix in REPORT_BLOCK:
        value = read(get, prefix + suffix)
        if value is not None:
            block[key] = value
    return block


def _remember(sources: dict[int, Reception], source: int, block: dict[str, Any], rtt: Optional[float]) -> None:
    """Keeps what a receiver said last, per source: one that changed its SSRC starts its counts anew (RFC 3550 §8)."""
    lost = block.get("packets_lost")
    if lost is not None and (source in sources or len(sources) < MAX_SOURCES):
        sources[source] = Reception(lost, block.get("ia_jitter"), rtt or None)


def _record(
    get: Get,
    leg: Leg,
    report: dict[str, Any],
    blocks: list[dict[str, Any]],
    medium: Optional[Medium],
    clock: Optional[int],
    jitter_unit: str,
    *,
    is_received: bool,
) -> Record:
    if jitter_unit == "ms":
        for block in blocks:
            jitter = milliseconds(block.pop("ia_jitter", None), clock)
            if jitter is not None:
                block["ia_jitter"] = jitter
    report["report_count"] = len(blocks)
    report["report_blocks"] = blocks
    if medium is not None:
        report["medium"] = medium.kind
    report["leg"] = leg.unique_id  # also keeps two legs' reports apart where a collector drops equal payloads
    timestamp = unsigned(get, names.CAPTURE_TIME) or event_time(get)
    return Record(
        timestamp=leg.stamp(timestamp),
        protocol_type=ProtocolType.RTCP_JSON,
        payload=to_json(report),
        received=is_received,
        plane=Plane.RTCP,
        medium=medium.kind if medium else None,
    )

