"""
RTCP events (RECV_RTCP_MESSAGE, SEND_RTCP_MESSAGE) -> a report as the event tells it. None for what it does not tell: a
header that FreeSWITCH did not write, or that is not a number, which is counted.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from fs_hepipe.calls.media import Medium
from fs_hepipe.words import names
from fs_hepipe.words.counters import Counts
from fs_hepipe.words.errors import MappingError
from fs_hepipe.words.event import Get
from fs_hepipe.words.numbers import decimal, event_time, hexadecimal, numbers, signed24

MAX_BLOCKS = 31
"""Report blocks of one packet: their count has five bits (RFC 3550 §6.4.1)."""

UNKNOWN = (None, None)
"""Packets lost and expected since a report that is not known."""

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


def read_received(get: Get, left_out: Counts[str]) -> Report:
    """
    The report of RECV_RTCP_MESSAGE. Numbers that are none are counted in `left_out`.

    Raises:
        MappingError: the event has no time.
    """
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


def read_sent(get: Get, left_out: Counts[str]) -> Report:
    """The report of SEND_RTCP_MESSAGE; as above."""
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
