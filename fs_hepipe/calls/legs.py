"""
Unique-ID -> Leg: what must be remembered of a channel so that its later events find their SIP call.

Rules:
1. A leg speaks under its own Call-ID. It is read from the leg's own variables only, newest first; nothing is guessed.
2. The other leg is the one that the leg's own events name. As long as they name none, or one that is gone, it is the
   leg that names this one: of several that ring, the one that made progress last.
3. A destroyed leg is remembered `LINGER` seconds more, for reports that were still on their way.
4. Bounded: beyond `max_legs` the leg unseen longest is forgotten, and any leg after `SILENCE` seconds without an event.

Pure: `now` is an argument, seconds of any clock that does not go back.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Optional

from fs_hepipe.calls.media import MAX_SOURCES, Endpoint, Medium, endpoint, observe_media
from fs_hepipe.calls.record import Record
from fs_hepipe.hep.registry import IpProtocol
from fs_hepipe.words import names
from fs_hepipe.words.event import Get
from fs_hepipe.words.text import shown, to_json

LINGER = 5.0
"""Seconds: RTCP read by the media thread reaches the queue after its channel's CHANNEL_DESTROY at times."""

SILENCE = 24 * 3600.0
"""Seconds: a leg of which nothing was heard for a day has ended, and its CHANNEL_DESTROY was lost."""

CLOCK_STEP = 1_000_000
"""Microseconds: further back than this is a clock that was set, not two events in one tick."""

SIP_CHANNEL = "sofia/"
"""How the names of SIP channels begin (mod_sofia.c:sofia_glue_attach_private)."""

MAX_SENDERS = 2 * MAX_SOURCES
"""SSRCs per leg whose last sender report is remembered."""

IP_PROTOCOLS = {
    "tcp": IpProtocol.TCP, "tls": IpProtocol.TCP, "ws": IpProtocol.TCP, "wss": IpProtocol.TCP, "sctp": IpProtocol.SCTP,
}  # fmt: skip
"""What carries a SIP transport (sofia_glue.c:sofia_glue_transport2str) other than UDP."""

PROFILE_TRANSPORTS = frozenset({None, "udp", "tcp"})
"""Those of the port in a profile's URL; TLS and WebSocket have one of their own."""

TELLS_MEDIA = frozenset({
    names.CHANNEL_PROGRESS_MEDIA, names.CHANNEL_ANSWER, names.CHANNEL_BRIDGE, names.CALL_UPDATE, names.CHANNEL_HOLD,
    names.CHANNEL_UNHOLD, names.CHANNEL_DATA,
})  # fmt: skip
"""Events after which a leg's media may be elsewhere: answer, re-INVITE, transfer, and our own question at start."""

TELLS_SIP = TELLS_MEDIA | {names.CHANNEL_CREATE, names.CHANNEL_PROGRESS, names.CHANNEL_UUID}
"""Events after which a leg's Call-ID or signalling address may be known for the first time, or anew."""

LAST_CHANCE = frozenset({
    names.CHANNEL_UNBRIDGE, names.CHANNEL_HANGUP, names.CHANNEL_HANGUP_COMPLETE, names.CHANNEL_DESTROY,
    names.CHANNEL_EXECUTE, names.CHANNEL_EXECUTE_COMPLETE, names.CUSTOM,
})  # fmt: skip
"""Other events with variables: read only for what is still unknown, by an agent that came in the middle of a call."""


class Leg:
    """A channel. Every attribute that can be None is None until the switch has told it."""

    __slots__ = (
        "asked", "audio", "call_id", "channel", "destroyed", "held", "ip_protocol", "last_timestamp", "local",
        "names_other", "other_id", "outbound", "quoted", "remote", "report_fraction", "report_seconds", "report_sender",
        "reported", "reports_before", "seen", "unique_id", "video",
    )  # fmt: skip

    def __init__(self, unique_id: str) -> None:
        self.rename(unique_id)
        self.call_id: Optional[str] = None
        self.other_id: Optional[str] = None
        """Unique-ID of the other leg."""
        self.names_other = False
        """Its own events named it."""
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
        self.audio: Optional[Medium] = None
        self.video: Optional[Medium] = None
        self.report_sender: Optional[int] = None
        """SSRC and NTP time of the last sender report heard."""
        self.report_seconds = self.report_fraction = 0
        self.reports_before: tuple[tuple[int, int, int], ...] = ()
        """The last ones of other SSRCs."""
        self.last_timestamp = 0
        """Microseconds: the time of the last record made."""
        self.reported = False
        """Its quality was reported."""
        self.seen = 0.0
        """When the last event came."""
        self.asked = False
        """The switch was asked about it, for no event had introduced it."""
        self.destroyed: Optional[float] = None
        """When CHANNEL_DESTROY came."""
        self.held: tuple[tuple[float, Record], ...] = ()
        """Records that wait, with the time until which they may."""

    def rename(self, unique_id: str) -> None:
        """Gives it its Unique-ID, or another one."""
        self.unique_id = unique_id
        self.quoted = b"%s" % to_json(shown(unique_id))  # copied: orjson's own takes 1 kB for these 40 octets
        """As JSON has it."""

    @property
    def is_sip(self) -> bool:
        """Whether a Call-ID of its own is to be expected. A channel whose name we don't know yet may be one."""
        return self.channel is None or self.channel.startswith(SIP_CHANNEL)

    @property
    def sender_reports(self) -> tuple[tuple[int, int, int], ...]:
        """SSRC and NTP time of the last sender report heard, of each SSRC, the last one last."""
        if self.report_sender is None:
            return ()
        return (*self.reports_before, (self.report_sender, self.report_seconds, self.report_fraction))

    def remember_sender_report(self, sender: int, seconds: int, fraction: int) -> None:
        """The last one heard, of this SSRC and NTP time; of more than `MAX_SENDERS` the others are forgotten."""
        others = tuple([report for report in self.sender_reports if report[0] != sender])
        self.reports_before = others if len(others) < MAX_SENDERS else ()
        self.report_sender, self.report_seconds, self.report_fraction = sender, seconds, fraction

    def media(self) -> list[Medium]:
        """The media it has."""
        return [medium for medium in (self.audio, self.video) if medium is not None]

    def stamp(self, timestamp: int) -> int:
        """
        The time of the leg's next record, microseconds.

        The switch's event clock is coarse: events of one leg with one time keep their order by a microsecond each.
        """
        behind = self.last_timestamp - timestamp
        if 0 <= behind < CLOCK_STEP:
            timestamp = self.last_timestamp + 1
        self.last_timestamp = timestamp
        return timestamp


class Legs:
    """The legs that are known."""

    def __init__(self, max_legs: int) -> None:
        self.max_legs = max_legs
        self.learns_media = True
        self.crowded = False
        """Whether there are more than there may be, of the living or of those just gone: time to `forget`."""
        self.evicted = 0
        """Legs forgotten because there were too many."""
        self.expired = 0
        """Legs forgotten because nothing was heard of them for a day."""
        self.living: OrderedDict[str, Leg] = OrderedDict()
        """By Unique-ID, the one unseen longest first."""
        self._gone: OrderedDict[str, Leg] = OrderedDict()  # destroyed, the first to be forgotten first

    def __len__(self) -> int:
        """How many are alive."""
        return len(self.living)

    @property
    def lingering(self) -> int:
        """How many were destroyed a moment ago."""
        return len(self._gone)

    def find(self, unique_id: Optional[str]) -> Optional[Leg]:
        """The leg of this Unique-ID, alive or just gone."""
        if unique_id is None:
            return None
        return self.living.get(unique_id) or self._gone.get(unique_id)

    def other(self, leg: Leg) -> Optional[Leg]:
        """The other leg of this one."""
        return self.find(leg.other_id)

    def get(self, unique_id: str, now: float) -> Leg:
        """The leg of this Unique-ID, made when there is none."""
        leg = self.living.get(unique_id)
        if leg is not None:
            self.living.move_to_end(unique_id)
        else:
            leg = self._gone.get(unique_id)
            if leg is None:
                leg = self.living[unique_id] = Leg(unique_id)
                self.crowded = self.crowded or len(self.living) > self.max_legs
        leg.seen = now
        return leg

    def observe(self, name: str, unique_id: str, get: Get, now: float) -> Leg:
        """The leg of a channel's event, after what the event tells of it was learned."""
        if name == names.CHANNEL_CREATE:
            self._gone.pop(unique_id, None)  # a Unique-ID used again (origination_uuid) is another channel
        elif name == names.CHANNEL_UUID:
            self._rename(get(names.OLD_UNIQUE_ID), unique_id)
        leg = self.get(unique_id, now)
        if leg.outbound is None:
            direction = get(names.CALL_DIRECTION)
            leg.outbound = None if direction is None else direction == "outbound"
        if leg.channel is None:
            leg.channel = get(names.CHANNEL_NAME)
        other_id = get(names.OTHER_LEG_UNIQUE_ID)
        if other_id and other_id != unique_id:
            self._introduce(leg, other_id, makes_progress=name in TELLS_SIP)
        is_last_chance = name in LAST_CHANCE
        if (name in TELLS_SIP or (is_last_chance and (leg.call_id is None or leg.remote is None))) and leg.is_sip:
            _observe_sip(leg, get)
        if self.learns_media and (
            name in TELLS_MEDIA or (is_last_chance and leg.audio is None and leg.call_id is not None)
        ):
            leg.audio, leg.video = observe_media(leg.audio, leg.video, get)
        return leg

    def destroy(self, leg: Leg, now: float) -> None:
        """The leg's channel is gone; it can be found for `LINGER` seconds more."""
        if leg.destroyed is None:
            leg.destroyed = now
        if self.living.pop(leg.unique_id, None) is not None:
            self._gone[leg.unique_id] = leg
            self.crowded = self.crowded or len(self._gone) > self.max_legs

    def drop(self, leg: Leg) -> None:
        """Forgets a leg at once."""
        self.living.pop(leg.unique_id, None)

    def forget_flows(self) -> None:
        """Something that every flow says has changed."""
        for leg in self._all():
            for medium in leg.media():
                medium.forget_flows()

    def learn_media(self, wanted: bool) -> None:
        """Whether a report needs to know of their media; what was known before nobody looked is forgotten."""
        if self.learns_media and not wanted:
            for leg in self._all():
                leg.audio = leg.video = None
                leg.asked = False
        self.learns_media = wanted

    def forget(self, now: float) -> Iterator[Leg]:
        """Forgets the legs whose time is over, and gives those that had not been destroyed."""
        self.crowded = False
        while self._gone:
            leg = next(iter(self._gone.values()))
            if len(self._gone) <= self.max_legs and now - (leg.destroyed or 0.0) < LINGER:
                break
            del self._gone[leg.unique_id]
        while self.living:
            leg = next(iter(self.living.values()))
            crowded = len(self.living) > self.max_legs
            if not crowded and now - leg.seen < SILENCE:
                break
            del self.living[leg.unique_id]
            self.evicted += crowded
            self.expired += not crowded
            yield leg

    def _all(self) -> list[Leg]:
        return [*self.living.values(), *self._gone.values()]

    def _introduce(self, leg: Leg, other_id: str, *, makes_progress: bool) -> None:
        """A leg to the one it names, which may know of none, or of one that did not get as far."""
        other = self.find(other_id)
        leg.names_other = True
        if other is None:
            leg.other_id = other_id
            return
        leg.other_id = other.unique_id  # the same text, once in memory
        known = self.other(other)
        is_settled = other.names_other and known is not None and known.destroyed is None
        if other.other_id is None or (makes_progress and not is_settled):
            other.other_id = leg.unique_id

    def _rename(self, old_id: Optional[str], new_id: str) -> None:
        """CHANNEL_UUID: the same channel under another Unique-ID."""
        leg = self.living.pop(old_id, None) if old_id else None
        if leg is None:
            return
        leg.rename(new_id)
        self.living[new_id] = leg
        other = self.other(leg)
        if other is not None and other.other_id == old_id:
            other.other_id = new_id


def _observe_sip(leg: Leg, get: Get) -> None:
    """Learns Call-ID and signalling endpoints from the leg's own variables."""
    call_id = get(names.SIP_CALL_ID)
    if not call_id and leg.outbound and leg.call_id is None:
        call_id = get(names.SIP_INVITE_CALL_ID)  # sofia_glue.c:sofia_glue_do_invite uses it as it is
    if call_id and call_id != leg.call_id:
        leg.call_id = call_id
    remote = endpoint(get(names.SIP_NETWORK_IP), get(names.SIP_NETWORK_PORT))
    if remote is None:
        return
    leg.remote = remote
    transport = get(names.SIP_VIA_PROTOCOL) or _via_transport(get(names.SIP_FULL_VIA))
    leg.ip_protocol = IP_PROTOCOLS.get(transport, IpProtocol.UDP) if transport else IpProtocol.UDP
    port = _profile_port(get(names.SOFIA_PROFILE_URL)) if transport in PROFILE_TRANSPORTS else None
    local = endpoint(get(names.SIP_LOCAL_NETWORK_ADDR), port)
    if local is not None:
        leg.local = local


def _via_transport(via: Optional[str]) -> Optional[str]:
    """`udp` of `SIP/2.0/UDP 192.0.2.1;rport…`."""
    return via.partition(" ")[0].rpartition("/")[2].lower() if via else None


def _profile_port(url: Optional[str]) -> Optional[str]:
    """The port of `sip:mod_sofia@192.0.2.1:5060`, that of the profile's UDP and TCP."""
    return url.rpartition(":")[2] if url else None
