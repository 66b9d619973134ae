"""
RTCP of a flow that is kept -> its datagram, in one piece: a third of what the long way costs, and nearly all RTCP.

Rules:
1. Regular is a sender report with one block, without a gap, on a leg that has audio alone, which goes on from the last
   one of its direction: that one's flow is kept (`Medium.received_flow`, `sent_flow`), and its SSRCs were the same.
2. Any other event takes the long way, by `reports.rtcp` and `pipeline`, as if it had not been here: nothing was learned
   of it, and no header is read again.
3. What a report looks like is said in `reports.rtcp` alone: the JSON here is what that made of an example, with places
   for the values (`_form`). A test holds both ways equal: datagrams, counters and what the leg remembers.
"""

from __future__ import annotations

import re
from typing import Any, Callable, NamedTuple, Optional, Union

from fs_hepipe.calls.legs import Leg, Legs
from fs_hepipe.calls.media import AUDIO, Medium
from fs_hepipe.calls.record import Record
from fs_hepipe.hep import ProtocolType
from fs_hepipe.hep.encoder import MICROS
from fs_hepipe.reports import rtcp
from fs_hepipe.words import names
from fs_hepipe.words.counters import Counters
from fs_hepipe.words.event import Event, Get, Reread
from fs_hepipe.words.names import RECV_RTCP_MESSAGE, SEND_RTCP_MESSAGE, UNIQUE_ID
from fs_hepipe.words.numbers import signed24
from fs_hepipe.words.settings import JITTER_UNITS, Settings

RTCP_JSON = int(ProtocolType.RTCP_JSON)

MAX_WORD = 0xFFFF_FFFF
"""RTCP has no number of more than 32 bits."""

MAX_LOST = 0x7F_FFFF
"""What is above it is a negative number of 24 bits, printed unsigned."""

END_OF_TIME = (2**32 - 1) * MICROS
"""Microseconds, the last second that HEP can tell (chunk 0x0009): within it a stamp may step out of it."""

NO_SSRC = f"{0:08x}"
"""That of no report yet: what else it may be is for the long way to say."""

RTT_LENGTH = len("0.000000")
"""Of a round-trip time below ten seconds, as C prints it."""

_FIRST, _SECOND = rtcp.RECEIVED_BLOCKS[:2]


def _numbers(block: rtcp.Block) -> tuple[str, ...]:
    """The headers of a report that are decimal numbers, in the order in which they are taken apart below."""
    return (*(header for _, header in (*rtcp.SENDER_INFORMATION, *block.numbers)), names.CAPTURE_TIME)


RECEIVED, SENT = _numbers(_FIRST), _numbers(rtcp.SENT_BLOCK)
RECEIVED_OTHERS = (names.SSRC, _FIRST.source, names.RTP_RATE, _FIRST.rtt, _SECOND.source)
SENT_OTHERS = (names.SSRC, rtcp.SENT_BLOCK.source)


class Express:
    """The short way of a pipeline's RTCP."""

    def __init__(self, legs: Legs, counters: Counters) -> None:
        self._living = legs.living
        self._counters = counters

    def reconfigure(self, settings: Settings) -> None:
        """Other settings from the next event on."""
        self._own = settings.correlation == "own"
        self._in_ms = settings.rtcp_jitter_unit == "ms"
        self._received_form, self._received_form_with_rtt, self._sent_form = _FORMS[settings.rtcp_jitter_unit]

    def received(self, event: Event, now: float) -> Union[bytes, Event]:
        """The datagram of a regular RECV_RTCP_MESSAGE, counted; or the event, for the long way."""
        get: Callable[[str], Any] = event.getHeader  # Any: a header that is missing shows by the error that it makes
        unique_id = get(UNIQUE_ID)
        leg = self._living.get(unique_id)
        if leg is None or leg.audio is None or leg.video is not None:
            return Reread(event, {UNIQUE_ID: unique_id})
        audio = leg.audio
        flow = audio.received_flow
        if flow is None or flow.correlation_id is not leg.call_id or not (self._own or leg.outbound is False):
            return Reread(event, {UNIQUE_ID: unique_id})
        texts = [*map(get, RECEIVED)]
        ssrc, source_ssrc, rate, rtt_text, second_source = others = [*map(get, RECEIVED_OTHERS)]
        is_regular = False
        try:
            written = "".join(texts) + rate + rtt_text.replace(".", "", 1)
            (
                seconds, fraction, rtp_timestamp, packets, octets,
                lost_share, lost, highest_seq, lsr, dlsr, jitter, captured,
            ) = map(int, texts)  # fmt: skip
            clock, rtt = int(rate), float(rtt_text)
            is_regular = (
                written.encode().isdigit()
                and seconds | fraction | rtp_timestamp | packets | octets | clock <= MAX_WORD
                and lost_share | lost | highest_seq | lsr | dlsr | jitter <= MAX_WORD
                and 0 < captured < END_OF_TIME
                and clock != 0
                and len(rtt_text) == RTT_LENGTH
                and rtt_text[1] == "."
                and ssrc == f"{leg.report_sender:08x}" != NO_SSRC
                and seconds != 0
                and (fraction != leg.report_fraction or seconds != leg.report_seconds)
                and source_ssrc == f"{audio.ssrc:08x}"
                and audio.said_source == audio.ssrc
                and second_source is None
            )
        except (AttributeError, TypeError, ValueError):
            pass  # something is missing, or is no number
        if not is_regular:
            known = zip((UNIQUE_ID, *RECEIVED, *RECEIVED_OTHERS), (unique_id, *texts, *others))
            return Reread(event, dict(known))
        if lost > MAX_LOST:
            lost = signed24(lost)
        audio.remote_ssrc = leg.report_sender
        leg.report_seconds, leg.report_fraction = seconds, fraction
        audio.said_lost, audio.said_jitter, audio.said_rtt = lost, jitter, rtt or None
        shown_jitter = jitter * 1000 / clock if self._in_ms else jitter
        if rtt:
            payload = self._received_form_with_rtt % (
                leg.report_sender, seconds, fraction, rtp_timestamp, packets, octets, rtt * 1000,
                audio.ssrc, lost_share, lost, highest_seq, lsr, dlsr, shown_jitter, leg.quoted,
            )  # fmt: skip
        else:  # it is 0.000000 until it was measured
            payload = self._received_form % (
                leg.report_sender, seconds, fraction, rtp_timestamp, packets, octets,
                audio.ssrc, lost_share, lost, highest_seq, lsr, dlsr, shown_jitter, leg.quoted,
            )  # fmt: skip
        datagram = flow.encode(leg.stamp(captured), payload)
        self._account(RECV_RTCP_MESSAGE, leg, now)
        return datagram

    def sent(self, event: Event, now: float) -> Union[bytes, Event]:
        """The datagram of a regular SEND_RTCP_MESSAGE, counted; or the event, for the long way."""
        get: Callable[[str], Any] = event.getHeader  # Any: as above
        unique_id = get(UNIQUE_ID)
        leg = self._living.get(unique_id)
        if leg is None or leg.audio is None or leg.video is not None:
            return Reread(event, {UNIQUE_ID: unique_id})
        audio = leg.audio
        flow, ssrc, clock = audio.sent_flow, audio.ssrc, audio.clock
        if (
            flow is None or flow.correlation_id is not leg.call_id or not (self._own or leg.outbound is False)
            or ssrc is None or not clock
        ):  # fmt: skip
            return Reread(event, {UNIQUE_ID: unique_id})
        texts = [*map(get, SENT)]
        their_ssrc, source_ssrc = others = [*map(get, SENT_OTHERS)]
        is_regular = False
        try:
            (
                seconds, fraction, rtp_timestamp, packets, octets,
                lost_share, lost, highest_seq, lsr, dlsr, jitter, captured,
            ) = map(int, texts)  # fmt: skip
            is_regular = (
                "".join(texts).encode().isdigit()
                and seconds | fraction | rtp_timestamp | packets | octets <= MAX_WORD
                and lost_share | lost | highest_seq | lsr | dlsr | jitter <= MAX_WORD
                and 0 < captured < END_OF_TIME
                and their_ssrc == f"{audio.heard_source:08x}"
                and source_ssrc in (their_ssrc, NO_SSRC)  # 0 until the far end sent RTCP
            )
        except (TypeError, ValueError):
            pass  # as above
        if not is_regular:
            known = zip((UNIQUE_ID, *SENT, *SENT_OTHERS), (unique_id, *texts, *others))
            return Reread(event, dict(known))
        if lost > MAX_LOST:
            lost = signed24(lost)
        audio.remote_ssrc = audio.heard_source
        audio.heard_lost, audio.heard_jitter = lost, jitter
        payload = self._sent_form % (
            ssrc, seconds, fraction, rtp_timestamp, packets, octets,
            audio.heard_source, lost_share, lost, highest_seq, lsr, dlsr,
            jitter * 1000 / clock if self._in_ms else jitter, leg.quoted,
        )  # fmt: skip
        datagram = flow.encode(leg.stamp(captured), payload)
        self._account(SEND_RTCP_MESSAGE, leg, now)
        return datagram

    def _account(self, name: str, leg: Leg, now: float) -> None:
        """One event of a leg, counted as received before, that gave one record, which became a message at once."""
        self._living.move_to_end(leg.unique_id)
        leg.seen = now
        counters = self._counters
        counters.mapped[name] += 1
        counters.recorded += 1
        counters.built[RTCP_JSON] += 1


class _Forms(NamedTuple):
    """The JSON of regular reports, with places for what differs."""

    received: bytes
    received_with_rtt: bytes
    sent: bytes


def _form(mapper: Callable[[Get, Leg, str], Optional[Record]], block: rtcp.Block, unit: str, rtt: str) -> bytes:
    """What `mapper` makes of an example whose numbers are all of the kind 1000xxx, these and its leg being places."""
    example = {header: str(number) for number, header in enumerate(_numbers(block), 1_000_001)}
    ssrcs = {names.SSRC: f"{1_000_100:x}", block.source: f"{1_000_101:x}"}
    example.update({**ssrcs, block.rtt: rtt, names.RTP_RATE: "1000"})
    leg = Leg("LEG")
    leg.audio = Medium(AUDIO)
    leg.audio.ssrc, leg.audio.clock = 1_000_102, 1000
    record: Any = mapper(example.get, leg, unit)  # Any: there is one
    form = re.sub(r"\b1000\d{3}\.0\b", "%.3f", record.payload.decode())
    return re.sub(r"\b1000\d{3}\b", "%d", form).replace('"LEG"', "%s").encode()


_FORMS = {
    unit: _Forms(
        received=_form(rtcp.received, _FIRST, unit, "0.000000"),
        received_with_rtt=_form(rtcp.received, _FIRST, unit, "1000.999"),
        sent=_form(rtcp.sent, rtcp.SENT_BLOCK, unit, ""),
    )
    for unit in JITTER_UNITS
}
"""By the unit of their jitter."""
