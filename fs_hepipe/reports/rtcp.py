"""
RTCP events of a leg -> RTCP JSON as Homer's collectors read it (protocol type 5).

An event is read once into a `Report`; `_apply` says what it is and what its leg learns of it; `_json` writes it.

Rules:
1. Numbers are RFC 3550's: cumulative counts, signed loss, fraction of 256, LSR and DLSR as they are; all numeric.
2. `ssrc` is the sender of the packet. Of what we sent it is our own, which the event does not carry but the leg knows.
3. A header that FreeSWITCH did not write is a key that is absent, never zero.
4. The jitter is in ms (what Homer's charts assume) or in timestamp units, as configured; without a clock there is no
   jitter in ms.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import Medium, Reception
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.hep.registry import ProtocolType
from fs_hepipe.words import names
from fs_hepipe.words.event import Get
from fs_hepipe.words.numbers import decimal, event_time, hexadecimal, milliseconds, numbers, signed24

SENDER_REPORT = 200
RECEIVER_REPORT = 201
"""RTCP packet types (RFC 3550 §12.1)."""

MAX_BLOCKS = 31
"""Report blocks of one packet: their count has five bits (RFC 3550 §6.4.1)."""

RTCP_JSON = int(ProtocolType.RTCP_JSON)

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


class BlockHeaders(NamedTuple):
    """The headers of one report block."""

    source: str
    numbers: tuple[str, ...]
    rtt: str


def _block_headers(number: str) -> BlockHeaders:
    prefix = f"Source{number}-"
    return BlockHeaders(prefix + "SSRC", tuple(prefix + end for _, end in REPORT_BLOCK), f"Rtt{number}-Avg")


RECEIVED_BLOCKS = tuple(_block_headers(str(number)) for number in range(MAX_BLOCKS))
SENT_BLOCK = _block_headers("")

_INFORMATION_HEADERS = tuple(header for _, header in SENDER_INFORMATION)
_INFORMATION = len(SENDER_INFORMATION)
_RECEIVED_HEADERS = (*_INFORMATION_HEADERS, names.CAPTURE_TIME, names.RTP_RATE)
_SENT_HEADERS = (*_INFORMATION_HEADERS, names.CAPTURE_TIME, *SENT_BLOCK.numbers)


class Block(NamedTuple):
    """One report block as the event tells it; None for what it does not tell."""

    ssrc: Optional[int]
    """The source that it is about."""
    fraction_lost: Optional[int]
    cumulative_lost: Optional[int]
    highest_seq: Optional[int]
    lsr: Optional[int]
    dlsr: Optional[int]
    jitter: Optional[int]
    """Timestamp units."""
    rtt: Optional[float]
    """Seconds; None until it was measured."""

    @property
    def reception(self) -> Optional[Reception]:
        """What it says of its source, None where it does not say which, or how much was lost."""
        if self.ssrc is None or self.cumulative_lost is None:
            return None
        return Reception(self.ssrc, self.cumulative_lost, self.highest_seq, self.jitter, self.rtt)


class Report(NamedTuple):
    """One RTCP packet as the event tells it; None for what it does not tell."""

    ssrc: Optional[int]
    """The header's; see `received` and `sent` for whose it is."""
    information: list[Optional[int]]
    """In the order of `SENDER_INFORMATION`."""
    blocks: list[Block]
    clock: Optional[int]
    """Timestamp units per second."""
    captured: int
    """Microseconds since 1970."""


def received(get: Get, leg: Leg, jitter_unit: str) -> Optional[Record]:
    """
    A report that came from the far end (RECV_RTCP_MESSAGE): what it sent, and what it received of us.

    None: a receiver report without a block, which says nothing.

    Raises:
        MappingError: a header is there but is not the number it should be.
    """
    report = _read_received(get)
    is_sender_report = _is_sender_report(leg, report)
    if not report.blocks and not is_sender_report:
        return None
    medium = _medium_received(leg, report)
    if medium is not None:
        _hear(leg, medium, report.ssrc)
        for block in report.blocks:
            reception = block.reception
            if reception is not None and medium.sent.ssrc in {None, reception.ssrc}:
                medium.sent.add(reception)
    # 0 is an SSRC like any other, or that of no sender report yet
    sender = report.ssrc if report.ssrc or is_sender_report else None
    return _record(leg, report, medium, sender, jitter_unit, is_sender_report=is_sender_report, is_received=True)


def sent(get: Get, leg: Leg, jitter_unit: str) -> Optional[Record]:
    """
    A sender report that the switch sent (SEND_RTCP_MESSAGE): what it sent, and what it received of the far end.

    Raises:
        MappingError: a header is there but is not the number it should be.
    """
    report = _read_sent(get)
    medium = _medium_of_remote(leg.media, report.ssrc)
    if medium is not None and report.ssrc:
        _hear(leg, medium, report.ssrc)
        reception = report.blocks[0].reception
        if reception is not None:
            medium.received.add(reception._replace(ssrc=report.ssrc))
    sender = medium.sent.ssrc if medium else None
    return _record(leg, report, medium, sender, jitter_unit, is_sender_report=True, is_received=False)


# --- read ---


def _read_received(get: Get) -> Report:
    ssrc = hexadecimal(get, names.SSRC)
    *information, captured, clock = numbers(get, _RECEIVED_HEADERS)
    blocks: list[Block] = []
    for headers in RECEIVED_BLOCKS:
        source = hexadecimal(get, headers.source)
        if source is None:
            break
        blocks.append(_block(source, numbers(get, headers.numbers), decimal(get, headers.rtt)))
    return Report(ssrc, information, blocks, clock, captured or event_time(get))


def _read_sent(get: Get) -> Report:
    ssrc = hexadecimal(get, names.SSRC)  # the far end's here, not ours
    found = numbers(get, _SENT_HEADERS)
    # On the wire the block names the far end's RTCP sender, or its RTP source as long as it sent no RTCP
    # (switch_rtp.c:rtcp_generate_report_block).
    source = hexadecimal(get, SENT_BLOCK.source) or ssrc or None
    block = _block(source, found[_INFORMATION + 1 :], None)
    return Report(ssrc, found[:_INFORMATION], [block], None, found[_INFORMATION] or event_time(get))


def _block(source: Optional[int], found: list[Optional[int]], rtt: Optional[float]) -> Block:
    fraction, lost, highest_seq, lsr, dlsr, jitter = found
    lost = None if lost is None else signed24(lost)
    return Block(source, fraction, lost, highest_seq, lsr, dlsr, jitter, rtt or None)  # 0.000000: not measured yet


# --- what it is, and of which medium ---


def _is_sender_report(leg: Leg, report: Report) -> bool:
    """
    Whether the packet was a sender report. The event does not say: with a receiver report its SSRC, NTP and counts
    are those of the last sender report, or zero when there was none.
    """
    seconds, fraction = report.information[:2]
    if not seconds or fraction is None or report.ssrc is None:
        return False
    return leg.is_new_sender_report((report.ssrc, seconds, fraction))


def _medium_received(leg: Leg, report: Report) -> Optional[Medium]:
    """The medium a report is of: its blocks are about our SSRC, or it comes from an SSRC heard before."""
    media = leg.media
    if len(media) > 1:
        for medium in media:
            if medium.sent.ssrc and any(block.ssrc == medium.sent.ssrc for block in report.blocks):
                return medium
    return _medium_of_remote(media, report.ssrc)


def _medium_of_remote(media: list[Medium], remote_ssrc: Optional[int]) -> Optional[Medium]:
    """The medium in which this SSRC was heard, or the only one there is."""
    if len(media) == 1:
        return media[0]
    for medium in media:
        if remote_ssrc and medium.received.ssrc == remote_ssrc:
            return medium
    return None


def _hear(leg: Leg, medium: Medium, remote_ssrc: Optional[int]) -> None:
    """Remembers the SSRC of the far end. Another one may be another source of media, at another address."""
    if remote_ssrc:
        if medium.received.ssrc not in {None, remote_ssrc}:
            leg.media_may_change()
        medium.received.ssrc = remote_ssrc


# --- write ---


def _record(
    leg: Leg,
    report: Report,
    medium: Optional[Medium],
    sender: Optional[int],
    jitter_unit: str,
    *,
    is_sender_report: bool,
    is_received: bool,
) -> Record:
    return Record(
        timestamp=leg.stamp(report.captured),
        protocol_type=RTCP_JSON,
        payload=_json(leg, report, medium, sender, jitter_unit, is_sender_report=is_sender_report),
        received=is_received,
        plane=Plane.RTCP,
        medium=medium.kind if medium else None,
    )


def _json(
    leg: Leg,
    report: Report,
    medium: Optional[Medium],
    sender: Optional[int],
    jitter_unit: str,
    *,
    is_sender_report: bool,
) -> bytes:
    """
    The report as JSON. Its keys are ours and its values numbers (the leg's Unique-ID is escaped already), so that no
    encoder is needed: one would take three times as long.
    """
    members = [f'"type":{SENDER_REPORT if is_sender_report else RECEIVER_REPORT}']
    if sender is not None:
        members.append(f'"ssrc":{sender}')
    if is_sender_report:
        members.append(f'"sender_information":{{{_members(_INFORMATION_KEYS, report.information)}}}')
    clock = report.clock or (medium.clock if medium else None)
    blocks = []
    for *found, jitter, _ in report.blocks:
        shown_jitter = milliseconds(jitter, clock) if jitter_unit == "ms" else jitter
        blocks.append(f"{{{_members(_BLOCK_KEYS, [*found, shown_jitter])}}}")
    rtt = _round_trip(report.blocks, medium)
    if rtt is not None:
        members.append(f'"rtt_avg_ms":{round(rtt * 1000, 3)}')
    members.append(f'"report_count":{len(blocks)},"report_blocks":[{",".join(blocks)}]')
    if medium is not None:
        members.append(f'"medium":"{medium.kind}"')
    # The leg also keeps two legs' reports apart where a collector drops equal payloads.
    return f"{{{','.join(members)},\"leg\":".encode() + leg.quoted + b"}"


def _round_trip(blocks: list[Block], medium: Optional[Medium]) -> Optional[float]:
    """Seconds: of the block about our stream. The switch gives one for every block, also for those about others."""
    ours = medium.sent.ssrc if medium else None
    return next((block.rtt for block in blocks if block.rtt and ours in {None, block.ssrc}), None)


def _members(keys: tuple[str, ...], values: list[Any]) -> str:
    """`"key":value` of each that is known, between commas."""
    if None not in values:
        return _FORMATS[keys] % tuple(values)
    return ",".join([f'"{key}":{value}' for key, value in zip(keys, values) if value is not None])


_INFORMATION_KEYS = tuple(key for key, _ in SENDER_INFORMATION)
_BLOCK_KEYS = ("source_ssrc", *(key for key, _ in REPORT_BLOCK))
_FORMATS = {keys: ",".join([f'"{key}":%s' for key in keys]) for keys in (_INFORMATION_KEYS, _BLOCK_KEYS)}
