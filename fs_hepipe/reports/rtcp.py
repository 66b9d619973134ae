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

from typing import Any, NamedTuple, Optional

from fs_hepipe.calls.legs import Leg
from fs_hepipe.calls.media import Medium
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.hep.registry import ProtocolType
from fs_hepipe.words import names
from fs_hepipe.words.event import Get
from fs_hepipe.words.numbers import all_unsigned, decimal, event_time, hexadecimal, milliseconds, signed24, unsigned
from fs_hepipe.words.text import shown, to_json

SENDER_REPORT = 200
RECEIVER_REPORT = 201
"""RTCP packet types (RFC 3550 §12.1)."""

MAX_BLOCKS = 31
"""Report blocks of one packet: their count has five bits (RFC 3550 §6.4.1)."""

# fmt: off
# switch_core_media.c:switch_core_media_read_frame, switch_rtp.c:switch_send_rtcp_event
# Homer's key            header
SENDER_INFORMATION = (
    ("ntp_timestamp_sec",  names.NTP_MSW),
    ("ntp_timestamp_usec", names.NTP_LSW),      # NTP's fraction of 2^-32 s as it is, whatever its key says
    ("rtp_timestamp",      names.RTP_TIMESTAMP),
    ("packets",            names.SENDER_PACKET_COUNT),
    ("octets",             names.SENDER_OCTET_COUNT),
)

# Homer's key            what follows `Source<n>-` (received) or `Source-` (sent)
REPORT_BLOCK = (
    ("fraction_lost",      "Fraction"),
    ("packets_lost",       "Lost"),
    ("highest_seq_no",     "Highest-Sequence-Number-Received"),
    ("lsr",                "LSR"),
    ("dlsr",               "DLSR"),
    ("ia_jitter",          "Jitter"),
)
# fmt: on


class Block(NamedTuple):
    """The headers of one report block."""

    source: str
    numbers: tuple[tuple[str, str], ...]
    rtt: str


def _block_headers(number: str) -> Block:
    prefix = f"Source{number}-"
    return Block(prefix + "SSRC", tuple((key, prefix + end) for key, end in REPORT_BLOCK), f"Rtt{number}-Avg")


RECEIVED_BLOCKS = tuple(_block_headers(str(number)) for number in range(MAX_BLOCKS))
SENT_BLOCK = _block_headers("")


def received(get: Get, leg: Leg, jitter_unit: str) -> Optional[Record]:
    """
    A report that came from the far end (RECV_RTCP_MESSAGE): what it sent, and what it received of us.

    None: a receiver report without a block, which says nothing.

    Raises:
        MappingError: a header is there but is not the number it should be.
    """
    sender = hexadecimal(get, names.SSRC)
    information = all_unsigned(get, SENDER_INFORMATION)
    is_sender_report = _is_sender_report(leg, sender, information)
    blocks: list[dict[str, Any]] = []
    round_trips: list[Optional[float]] = []
    for headers in RECEIVED_BLOCKS:
        source = hexadecimal(get, headers.source)
        if source is None:
            break
        blocks.append(_block(get, headers, source))
        round_trips.append(decimal(get, headers.rtt) or None)  # 0.000000 until it was measured
    if not blocks and not is_sender_report:
        return None
    medium = _medium_received(leg, sender, blocks)
    if medium is not None and sender:
        medium.remote_ssrc = sender
    report: dict[str, Any] = {"type": SENDER_REPORT if is_sender_report else RECEIVER_REPORT}
    if sender or is_sender_report:  # 0 is an SSRC like any other, or that of no sender report yet
        report["ssrc"] = sender
    if is_sender_report:
        report["sender_information"] = information
    clock = unsigned(get, names.RTP_RATE) or (medium.clock if medium else None)
    if medium is not None:
        for block, rtt in zip(blocks, round_trips):
            if medium.ssrc in {None, block["source_ssrc"]} and "packets_lost" in block:
                medium.says(block["source_ssrc"], block["packets_lost"], block.get("ia_jitter"), rtt)
    if round_trips and round_trips[0]:
        report["rtt_avg_ms"] = round(round_trips[0] * 1000, 3)
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
    block = _block(get, SENT_BLOCK, hexadecimal(get, SENT_BLOCK.source) or source or None)
    report: dict[str, Any] = {"type": SENDER_REPORT}
    if medium is not None and medium.ssrc is not None:
        report["ssrc"] = medium.ssrc
    report["sender_information"] = all_unsigned(get, SENDER_INFORMATION)
    if medium is not None and source and "packets_lost" in block:
        medium.hears(source, block["packets_lost"], block.get("ia_jitter"))
    clock = medium.clock if medium else None
    return _record(get, leg, report, [block], medium, clock, jitter_unit, is_received=False)


def _is_sender_report(leg: Leg, sender: Optional[int], information: dict[str, int]) -> bool:
    """
    Whether the packet was a sender report. The event does not say: with a receiver report its SSRC, NTP and counts
    are those of the last sender report, or zero when there was none.
    """
    seconds, fraction = information.get("ntp_timestamp_sec"), information.get("ntp_timestamp_usec")
    if not seconds or fraction is None or sender is None or (sender, seconds, fraction) in leg.sender_reports:
        return False
    leg.remember_sender_report(sender, seconds, fraction)
    return True


def _medium_received(leg: Leg, sender: Optional[int], blocks: list[dict[str, Any]]) -> Optional[Medium]:
    """The medium a report is of: its blocks are about our SSRC, or it comes from an SSRC heard before."""
    media = leg.media()
    if len(media) > 1:
        for medium in media:
            if medium.ssrc and any(block["source_ssrc"] == medium.ssrc for block in blocks):
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


def _block(get: Get, headers: Block, source: Optional[int]) -> dict[str, Any]:
    block: dict[str, Any] = {} if source is None else {"source_ssrc": source}
    block.update(all_unsigned(get, headers.numbers))
    if "packets_lost" in block:
        block["packets_lost"] = signed24(block["packets_lost"])
    return block


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
    report["leg"] = shown(leg.unique_id)  # also keeps two legs' reports apart where a collector drops equal payloads
    timestamp = unsigned(get, names.CAPTURE_TIME) or event_time(get)
    return Record(
        timestamp=leg.stamp(timestamp),
        protocol_type=ProtocolType.RTCP_JSON,
        payload=to_json(report),
        received=is_received,
        plane=Plane.RTCP,
        medium=medium.kind if medium else None,
    )

