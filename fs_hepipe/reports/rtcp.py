"""
RTCP events of a leg -> RTCP JSON as Homer's collectors read it (protocol type 5).

An event is read once into a `Report`; `received` and `sent` say what it is and what its leg learns of it; `_any` writes
it as JSON. `_usual` writes the same of a report that has everything, all at once.

Rules:
1. Numbers are RFC 3550's: cumulative counts, signed loss, fraction of 256, LSR and DLSR as they are; all numeric.
   `packets_lost` alone is as configured, because Homer 7 takes it for 256ths of the packets: see `_packets_lost`. RFC
   3550's count is `cumulative_lost`.
2. `ssrc` is the sender of the packet. Of what we sent it is our own, which the event does not carry but the leg knows.
3. A header that FreeSWITCH did not write is a key that is absent, never zero.
4. The jitter is in ms (what Homer's charts assume) or in timestamp units, as configured; without a clock there is no
   jitter in ms.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Optional

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import AUDIO, VIDEO, Medium
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.calls.stream import Stream
from fs_hepipe.hep.registry import ProtocolType
from fs_hepipe.words import names
from fs_hepipe.words.counters import Counts
from fs_hepipe.words.errors import MappingError
from fs_hepipe.words.event import Get
from fs_hepipe.words.numbers import decimal, event_time, hexadecimal, milliseconds, numbers, signed24

SENDER_REPORT = 200
RECEIVER_REPORT = 201
"""RTCP packet types (RFC 3550 §12.1)."""

NTP_EPOCH = 2_208_988_800
"""Seconds from NTP's epoch, 1900, to 1970 (RFC 5905 §6)."""

LATENESS = 5.0
"""Seconds: a leg may have been known late, but no round trip is longer than its call, and these."""

MAX_BLOCKS = 31
"""Report blocks of one packet: their count has five bits (RFC 3550 §6.4.1)."""

UNKNOWN = (None, None)
"""Packets lost and expected since a report that is not known."""

FRACTION = 256
"""What a fraction lost is a fraction of (RFC 3550 §6.4.1)."""

RTCP_JSON = int(ProtocolType.RTCP_JSON)
_PLANE = Plane.RTCP  # looked up once: an Enum's member takes long

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
    ("cumulative_lost",    "Lost"),
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


RECEIVED_BLOCK, *FURTHER_BLOCKS = (_block_headers(str(number)) for number in range(MAX_BLOCKS))
SENT_BLOCK = _block_headers("")

# Numbers that are read together: of the sender, the time, the clock where it is told, the first block.
_SENT_BEGIN = (*(header for _, header in SENDER_INFORMATION), names.CAPTURE_TIME)
_RECEIVED_BEGIN = (*_SENT_BEGIN, names.RTP_RATE)
_SENT_NUMBERS = (*_SENT_BEGIN, *SENT_BLOCK.numbers)
_RECEIVED_NUMBERS = (*_RECEIVED_BEGIN, *RECEIVED_BLOCK.numbers)
_CAPTURED = len(SENDER_INFORMATION)
_CLOCK = len(_SENT_BEGIN)


class Block:
    """One report block as the event tells it; None for what it does not tell."""

    __slots__ = ("dlsr", "fraction_lost", "highest_seq", "jitter", "lost", "lsr", "rtt", "since", "ssrc")

    def __init__(self, ssrc: Optional[int], found: list[Optional[int]], rtt: Optional[float]) -> None:
        """`found` has the numbers in the order of `REPORT_BLOCK`."""
        self.ssrc = ssrc
        """The source that it is about."""
        self.fraction_lost, lost, self.highest_seq, self.lsr, self.dlsr, self.jitter = found
        self.lost = None if lost is None else signed24(lost)
        """Cumulative number of packets lost."""
        self.since: tuple[Optional[int], Optional[int]] = UNKNOWN
        """Packets lost and packets expected since the report before, see `Stream.add`."""
        self.rtt = rtt or None  # 0.000000: not measured yet
        """Seconds; None until it was measured. The jitter is in timestamp units."""


class Report:
    """One RTCP packet as the event tells it; None for what it does not tell."""

    __slots__ = ("blocks", "captured", "clock", "information", "is_sender_report", "medium", "sender", "ssrc")

    def __init__(
        self,
        ssrc: Optional[int],
        information: list[Optional[int]],
        blocks: list[Block],
        clock: Optional[int],
        captured: int,
    ) -> None:
        self.ssrc = ssrc
        """The header's; see `received` and `sent` for whose it is."""
        self.information = information
        """In the order of `SENDER_INFORMATION`."""
        self.blocks = blocks
        self.clock = clock
        """Timestamp units per second: the event's own, else the medium's."""
        self.captured = captured
        """Microseconds since 1970."""
        self.is_sender_report = True
        """This and the next two are what its leg makes of it."""
        self.medium: Optional[Medium] = None
        self.sender: Optional[int] = None
        """The SSRC of who sent it."""


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
        packets_lost: `fraction`, `interval` or `cumulative`, see `_packets_lost`.

    Raises:
        MappingError: the event has no time.
    """
    report = _read_received(get, left_out)
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
    report = _read_sent(get, left_out)
    ssrc = report.ssrc
    report.medium = medium = _medium_sent(leg, ssrc)
    if medium is not None:
        report.sender = medium.sent.ssrc
        if ssrc:
            _hear(leg, medium, ssrc)
            block = report.blocks[0]
            if block.lost is not None:
                block.since = medium.received.add(ssrc, block.lost, block.highest_seq, block.jitter, by_us=True)
    return _record(leg, report, jitter_unit, packets_lost, False)


# --- read ---


def _read_received(get: Get, left_out: Counts[str]) -> Report:
    ssrc = hexadecimal(get(names.SSRC), left_out)
    blocks: list[Block] = []
    source = get(RECEIVED_BLOCK.source)
    if source is None:
        found = numbers(get, _RECEIVED_BEGIN, left_out)
    else:
        found = numbers(get, _RECEIVED_NUMBERS, left_out)
        about, rtt = hexadecimal(source, left_out), _seconds(get, RECEIVED_BLOCK.rtt, left_out)
        blocks.append(Block(about, found[len(_RECEIVED_BEGIN) :], rtt))
        for headers in FURTHER_BLOCKS:
            source = get(headers.source)
            if source is None:
                break
            about, rtt = hexadecimal(source, left_out), _seconds(get, headers.rtt, left_out)
            blocks.append(Block(about, numbers(get, headers.numbers, left_out), rtt))
    return Report(ssrc, found[:_CAPTURED], blocks, found[_CLOCK], found[_CAPTURED] or event_time(get))


def _read_sent(get: Get, left_out: Counts[str]) -> Report:
    ssrc = hexadecimal(get(names.SSRC), left_out)  # the far end's here, not ours
    found = numbers(get, _SENT_NUMBERS, left_out)
    # On the wire the block names the far end's RTCP sender, or its RTP source as long as it sent no RTCP
    # (switch_rtp.c:rtcp_generate_report_block).
    source = hexadecimal(get(SENT_BLOCK.source), left_out) or ssrc or None
    block = Block(source, found[len(_SENT_BEGIN) :], None)
    return Report(ssrc, found[:_CAPTURED], [block], None, found[_CAPTURED] or event_time(get))


def _seconds(get: Get, header: str, left_out: Counts[str]) -> Optional[float]:
    try:
        return decimal(get, header)
    except MappingError as error:
        left_out[error.reason] += 1
        return None


# --- what it is, and of which medium ---


def _is_sender_report(leg: Leg, report: Report) -> bool:
    """
    Whether the packet was a sender report. The event does not say, in neither release: with a receiver report its SSRC,
    NTP time, RTP time and counts are those of the last sender report, or all zero when there was none
    (switch_rtp.c:process_rtcp_report). So a sender report is known by any of them that is new: its NTP time may be 0,
    or the one before (RFC 3550 §6.4.1).
    """
    information = tuple(report.information)
    seconds, fraction, *counts = information
    if report.ssrc is None or seconds is None or fraction is None:
        return False
    if not seconds and not fraction and not (report.ssrc and any(counts)):
        return False
    return leg.is_new_sender_report(report.ssrc, information)


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
        seconds, micros = divmod(captured, 1_000_000)
        arrival = ((seconds + NTP_EPOCH) & 0xFFFF) << 16 | (micros << 16) // 1_000_000
        if (arrival - block.lsr) & 0xFFFFFFFF < block.dlsr:
            return False
    return block.rtt is not None and 0 < block.rtt <= leg.seen - leg.began + LATENESS


def _hear(leg: Leg, medium: Medium, remote_ssrc: Optional[int]) -> None:
    """Remembers the SSRC of the far end. Another one may be another source of media, at another address."""
    if remote_ssrc:
        if medium.received.ssrc not in {None, remote_ssrc}:
            leg.media_may_change()
        medium.received.ssrc = remote_ssrc


# --- write ---


def _record(leg: Leg, report: Report, jitter_unit: str, packets_lost: str, is_received: bool) -> Record:
    medium = report.medium
    kind = None if medium is None else medium.kind
    if not report.clock and medium is not None:
        report.clock = medium.clock
    payload = _usual(report, jitter_unit, packets_lost, leg.quoted)
    if payload is None:
        payload = _any(report, jitter_unit, packets_lost, leg.quoted)
    return Record(report.captured, RTCP_JSON, payload, is_received, _PLANE, kind)


def _usual(report: Report, jitter_unit: str, packets_lost: str, leg: bytes) -> Optional[bytes]:
    """What `_any` writes, of a sender report with one block that tells everything; None of any other."""
    medium, blocks = report.medium, report.blocks
    if medium is None or not report.is_sender_report or len(blocks) != 1:
        return None
    block = blocks[0]
    rtt = _round_trip(report) if block.rtt else None
    try:
        return _USUAL[jitter_unit] % (
            report.sender, *report.information, b"" if rtt is None else _RTT % rtt,
            block.ssrc, _packets_lost(block, packets_lost),
            block.fraction_lost, block.lost, block.highest_seq, block.lsr, block.dlsr,
            _jitter(block, report.clock, jitter_unit), _KINDS[medium.kind], leg,
        )  # fmt: skip
    except TypeError:
        return None  # one of the numbers is None


def _any(report: Report, jitter_unit: str, packets_lost: str, leg: bytes) -> bytes:
    """
    A report as JSON. Its keys are ours and its values numbers (the leg's Unique-ID is escaped already), so that no
    encoder is needed: one would take three times as long.
    """
    members = [f'"type":{SENDER_REPORT if report.is_sender_report else RECEIVER_REPORT}']
    if report.sender is not None:
        members.append(f'"ssrc":{report.sender}')
    if report.is_sender_report:
        members.append(f'"sender_information":{{{_members(_INFORMATION_KEYS, report.information)}}}')
    rtt = _round_trip(report)
    if rtt is not None:
        members.append(f'"rtt_avg_ms":{rtt}')
    blocks = []
    for block in report.blocks:
        told = (
            block.ssrc, _packets_lost(block, packets_lost),
            block.fraction_lost, block.lost, block.highest_seq, block.lsr, block.dlsr,
            _jitter(block, report.clock, jitter_unit),
        )  # fmt: skip
        blocks.append(f"{{{_members(_BLOCK_KEYS, told)}}}")
    members.append(f'"report_count":{len(blocks)},"report_blocks":[{",".join(blocks)}]')
    if report.medium is not None:
        members.append(f'"medium":"{report.medium.kind}"')
    # The leg also keeps two legs' reports apart where a collector drops equal payloads.
    return f"{{{','.join(members)},\"leg\":".encode() + leg + b"}"


def _packets_lost(block: Block, meaning: str) -> Optional[int]:
    """
    What a reader of `packets_lost` finds; None where it is not known.

    `fraction`: how many of 256 packets were lost since the report before. Homer 7 takes packets_lost / 256 for the
    share that was lost as soon as fraction_lost is not 0 (homer-ui qos.worker.ts). It is made of the counts, so that
    what was lost while a report got lost is in the next one; of the report's own fraction where the counts do not tell.
    One packet is not: FreeSWITCH counts one lost at the start of nearly every stream (switch_rtp.c:rtcp_stats_init).
    `interval`: how many packets were lost since the report before. `cumulative`: RFC 3550's count.
    """
    lost = block.lost
    if meaning == "cumulative" or lost is None:
        return lost
    since, expected = block.since
    if meaning == "interval":
        return since
    if since is not None and expected and since <= expected:
        return (FRACTION * since + expected // 2) // expected if since > 0 else 0
    return 0 if lost <= 1 else block.fraction_lost


def _jitter(block: Block, clock: Optional[int], jitter_unit: str) -> Optional[float]:
    return milliseconds(block.jitter, clock) if jitter_unit == "ms" else block.jitter


def _round_trip(report: Report) -> Optional[float]:
    """ms: of the block about our stream. The switch gives one for every block, also for those about others."""
    ours = report.medium.sent.ssrc if report.medium is not None else None
    is_only = len(report.blocks) == 1
    for block in report.blocks:
        if block.rtt and (ours == block.ssrc if ours else is_only):
            return round(block.rtt * 1000, 3)
    return None


def _members(keys: tuple[str, ...], values: Iterable[object]) -> str:
    """`"key":value` of each that is known, between commas."""
    return ",".join([f'"{key}":{value}' for key, value in zip(keys, values) if value is not None])


def _places(keys: tuple[str, ...]) -> str:
    return ",".join([f'"{key}":%d' for key in keys])


_INFORMATION_KEYS = tuple(key for key, _ in SENDER_INFORMATION)
_BLOCK_KEYS = ("source_ssrc", "packets_lost", *(key for key, _ in REPORT_BLOCK))

# %d and %.3f raise a TypeError for None.
_KINDS = {AUDIO: AUDIO.encode(), VIDEO: VIDEO.encode()}
_RTT = b',"rtt_avg_ms":%.3f'
_USUAL = {
    jitter_unit: (
        f'{{"type":{SENDER_REPORT},"ssrc":%d,"sender_information":{{{_places(_INFORMATION_KEYS)}}}%b,'
        f'"report_count":1,"report_blocks":[{{{_places(_BLOCK_KEYS[:-1])},"{_BLOCK_KEYS[-1]}":{jitter}}}],'
        '"medium":"%b","leg":%b}'
    ).encode()
    for jitter_unit, jitter in (("ms", "%.3f"), ("rtp", "%d"))
}
"""By the unit of the jitter; the milliseconds were rounded before."""
