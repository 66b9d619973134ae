"""
One leg: what is remembered of a channel so that its later events find their SIP call.
"""

from __future__ import annotations

from collections import deque
from typing import Optional

from fs_hepipe.calls.endpoint import Endpoint
from fs_hepipe.calls.media import Medium
from fs_hepipe.calls.record import Record
from fs_hepipe.calls.stream import MAX_SOURCES
from fs_hepipe.hep.registry import IpProtocol
from fs_hepipe.words.text import shown, to_json

SOON = 5.0
"""
Seconds until the second question about a leg's media: FreeSWITCH corrects the address that was announced only when
packets have come from another one (switch_rtp.c, auto-adjust), and no event tells that.
"""

LATER = 30.0
"""Seconds between further questions: a re-INVITE that FreeSWITCH sends itself is told by no event either."""

SIP_CHANNEL = "sofia/"
"""How the names of SIP channels begin (mod_sofia.c:sofia_glue_attach_private)."""

MAX_SENDERS = 2 * MAX_SOURCES
"""SSRCs per leg whose last sender report is remembered."""

SSRC_AT = 64
"""The bit at which the SSRC begins in what is remembered of a sender report; below it is a hash of its numbers."""


class Leg:
    """A channel. Every attribute that can be None is None as long as it is not known."""

    __slots__ = (
        "_asked", "_named_id", "_other", "_other_id", "ask_at", "audio", "began", "call_id", "channel", "created",
        "destroyed", "dropped", "first_at", "held", "held_by_us", "ip_protocol", "local", "log_lines", "merged_into",
        "names_other", "other_is_gone", "outbound", "quoted", "remote", "reported", "seen", "sender_reports",
        "unique_id", "video",
    )  # fmt: skip

    def __init__(self, unique_id: str) -> None:
        self.unique_id = ""
        self.quoted = b""
        """The Unique-ID as JSON has it."""
        self.rename(unique_id)
        self.created = False
        """Its CHANNEL_CREATE came."""
        self.call_id: Optional[str] = None
        self.names_other = False
        """Its own events named the other leg."""
        self.outbound: Optional[bool] = None
        """True: the switch called; False: it was called."""
        self.channel: Optional[str] = None
        """Its name, `sofia/internal/1001@example.com`."""
        self.local: Optional[Endpoint] = None
        """Our side of the SIP signalling."""
        self.remote: Optional[Endpoint] = None
        """The far end's side of it."""
        self.ip_protocol = IpProtocol.UDP
        """Of the signalling."""
        self.held_by_us = False
        """The switch has put the far end on hold."""
        self.audio: Optional[Medium] = None
        self.video: Optional[Medium] = None
        self.sender_reports: tuple[int, ...] = ()
        """The last sender report of each SSRC that sent one, one number each: it takes a third of a tuple's memory."""
        self.reported = False
        """Its quality was reported."""
        self.began = 0.0
        """When its first event came."""
        self.seen = 0.0
        """When the last event came."""
        self.ask_at = 0.0
        """From when on FreeSWITCH is to be asked about its media, if RTCP comes; see `was_asked`."""
        self.destroyed: Optional[float] = None
        """When CHANNEL_DESTROY came."""
        self.dropped = False
        """It is remembered no longer."""
        self.held: Optional[deque[tuple[float, Record]]] = None
        """Records that wait, the first to come first, with the time until which they may; None without any."""
        self.first_at = 0
        """The time of its first line, microseconds since 1970, if FreeSWITCH's log is reported; 0: none yet."""
        self.log_lines = 0
        """Lines of FreeSWITCH's log that were sent."""
        self.other_is_gone = False
        """The other leg was known and is remembered no longer: who has its Unique-ID now is somebody else."""
        self.merged_into: Optional[Leg] = None
        """The leg that this one turned out to be, after a rename; it was dropped then."""
        self._asked = False
        self._other: Optional[Leg] = None
        self._named_id: Optional[str] = None  # the Unique-ID under which the other leg was named
        self._other_id: Optional[str] = None

    def rename(self, unique_id: str) -> None:
        """Gives it its Unique-ID, or another one."""
        self.unique_id = unique_id
        self.quoted = b"%s" % to_json(shown(unique_id))  # copied: orjson's own takes 1 kB for these 40 octets

    @property
    def is_sip(self) -> bool:
        """Whether a Call-ID of its own is to be expected. A channel whose name we don't know yet may be one."""
        return self.channel is None or self.channel.startswith(SIP_CHANNEL)

    @property
    def is_early(self) -> bool:
        """Whether only events came that can come before its CHANNEL_CREATE or CHANNEL_UUID."""
        return not self.created and self.call_id is None and self.destroyed is None

    @property
    def media(self) -> list[Medium]:
        """The media it has now."""
        audio = self.audio
        if self.video is None:
            return [audio] if audio is not None and audio.active else []
        return [medium for medium in (audio, self.video) if medium is not None and medium.active]

    @property
    def all_media(self) -> list[Medium]:
        """The media it has or had."""
        return [medium for medium in (self.audio, self.video) if medium is not None]

    @property
    def other(self) -> Optional[Leg]:
        """The other leg, as long as it is remembered; None also where only its Unique-ID is known."""
        other = self._other
        if other is not None and other.dropped:
            if other.merged_into is not None:
                other = self._other = other.merged_into
            if other.dropped:
                self._other_id, self._other = other.unique_id, None
                self.other_is_gone = other.destroyed is not None
        return self._other

    @property
    def other_id(self) -> Optional[str]:
        """Unique-ID of the other leg, known or not."""
        return self._other_id if self._other is None else self._other.unique_id

    def join(self, other: Optional[Leg], other_id: str) -> None:
        """Says which leg is its other one: itself, whatever it is called later, or by its Unique-ID alone."""
        self._other, self._other_id, self._named_id, self.other_is_gone = other, other_id, other_id, False

    def names_as_before(self, other_id: str) -> bool:
        """
        Whether this is the Unique-ID by which it has named its other leg, which is or was known: events go on naming it
        so after a rename, and after somebody else has that Unique-ID.
        """
        return other_id == self._named_id and (self.other is not None or self.other_is_gone)

    def media_may_change(self) -> None:
        """Its media may be elsewhere than events have told: FreeSWITCH is to be asked when the next RTCP comes."""
        self.ask_at, self._asked = 0.0, False

    def was_asked(self, now: float) -> None:
        """FreeSWITCH was asked about its media."""
        self.ask_at, self._asked = now + (LATER if self._asked else SOON), True

    def drop(self) -> None:
        """It is remembered no longer."""
        self.dropped = True
        self._other_id, self._other, self.other_is_gone = self.other_id, None, True  # or both would stay in memory

    def is_new_sender_report(self, ssrc: int, information: tuple[Optional[int], ...]) -> bool:
        """
        Whether the last sender report of this SSRC was another one, or there was none; remembers it then, of
        `MAX_SENDERS` SSRCs at the most.
        """
        known, packed = self.sender_reports, ssrc << SSRC_AT | hash(information) & ((1 << SSRC_AT) - 1)
        if packed in known:
            return False
        if len(known) > 1 or (known and known[0] >> SSRC_AT != ssrc):
            others = tuple([each for each in known if each >> SSRC_AT != ssrc])
            self.sender_reports = (*(others if len(others) < MAX_SENDERS else ()), packed)
        else:
            self.sender_reports = (packed,)
        return True
