"""
Records -> the flows they belong to: addresses, direction, Call-ID and node name.

What is not known of a leg's addresses is the switch's own address and port 0. RTCP's flows are kept on their stream,
for there is more of them to come. One is made anew when an address of its medium has changed (`calls.media` drops
it), when the Call-ID is another, and when what all flows have in common has changed (`_version`). The last flows of
lines are kept until that has changed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Optional

from fs_hepipe.calls.endpoint import NOWHERE, Endpoint, ip_literal
from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import AUDIO, VIDEO
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.hep import Flow, IpProtocol, Message
from fs_hepipe.hep.encoder import MAX_KEPT
from fs_hepipe.words import names
from fs_hepipe.words.event import Get
from fs_hepipe.words.settings import Settings

SIGNALLING, RTP, RTCP = Plane.SIGNALLING, Plane.RTP, Plane.RTCP

KEPT = 1024
"""Flows of lines that are kept, 400 octets each: the calls of a moment; a call has five lines or more."""

MAX_NAME = 255
"""Characters of the switch's name: as many as a `node-name` may have."""

Ends = tuple[Optional[Endpoint], Optional[Endpoint], int]
"""Our side and the far end's, as far as they are known, and the IP protocol between them."""


class Flows:
    """The flows of a switch's legs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._version = 0
        self.switch_name = ""
        """As its events tell it; empty until one has come."""
        self._switch: tuple[Optional[str], ...] = ()
        self._switch_ip: dict[int, Optional[str]] = {4: None, 6: None}
        self._kept = lru_cache(maxsize=KEPT)(self._made)

    @property
    def node_name(self) -> Optional[str]:
        """What our messages call this agent; None until an event has named the switch."""
        return self._settings.node_name or self.switch_name or None

    def reconfigure(self, settings: Settings) -> None:
        """Other settings from the next record on."""
        self._settings = settings
        self._change()

    def observe_switch(self, get: Get) -> None:
        """Learns the switch's name and addresses from any event."""
        switch = get(names.SWITCH_NAME), get(names.SWITCH_IPV4), get(names.SWITCH_IPV6)
        if switch == self._switch:
            return
        self._switch = switch
        name, *ips = switch
        self.switch_name = (name or self.switch_name)[:MAX_NAME]
        self._switch_ip.update({version: ip_literal(ip) for version, ip in zip((4, 6), ips) if ip})
        self._change()

    def of(self, leg: Leg, record: Record, correlation_id: str) -> Flow:
        """
        The flow of a leg's record that is filed under `correlation_id`.

        Raises:
            HepError: something of it does not fit its chunk.
        """
        if record.plane is SIGNALLING:
            make = self._kept if len(correlation_id) <= MAX_KEPT else self._made
            return make(
                leg.local, leg.remote, leg.ip_protocol, record.received, record.protocol_type, record.mos,
                correlation_id,
            )  # fmt: skip
        medium = leg.video if record.medium == VIDEO else leg.audio
        if record.plane is not RTCP or record.medium is None or medium is None:
            return self.between(_endpoints(leg, record), record, correlation_id)
        stream = medium.received if record.received else medium.sent
        flow = stream.flow
        if flow is None or stream.flow_version != self._version or flow.correlation_id != correlation_id:
            flow = self.between(_endpoints(leg, record), record, correlation_id)
            if len(correlation_id) <= MAX_KEPT:
                stream.flow, stream.flow_version = flow, self._version
        return flow

    def between(self, ends: Ends, record: Record, correlation_id: str) -> Flow:
        """
        The flow of a record between our side and the far end's.

        Raises:
            HepError: something of it does not fit its chunk.
        """
        return self._made(*ends, record.received, record.protocol_type, record.mos, correlation_id)

    def _made(
        self,
        local: Optional[Endpoint],
        remote: Optional[Endpoint],
        ip_protocol: int,
        is_received: bool,
        protocol_type: int,
        mos: Optional[int],
        correlation_id: str,
    ) -> Flow:
        settings = self._settings
        if local is None or remote is None:
            own = Endpoint(self._own_address(local or remote), 0)
            local, remote = local or own, remote or own
        source, destination = (remote, local) if is_received else (local, remote)
        if (":" in source.ip) != (":" in destination.ip):  # two families in one message can't be
            destination = Endpoint(NOWHERE[6 if ":" in source.ip else 4], 0)
        return Flow(Message(
            0,
            b"",
            protocol_type,
            source.ip,
            destination.ip,
            source.port,
            destination.port,
            ip_protocol,
            settings.capture_id,
            correlation_id,
            self.node_name,
            settings.capture_password,
            mos,
        ))

    def _change(self) -> None:
        """What all flows have in common has changed."""
        self._version += 1
        self._kept.cache_clear()

    def _own_address(self, peer: Optional[Endpoint]) -> str:
        """The switch's own address, of the family of its peer."""
        version = 6 if peer is not None and ":" in peer.ip else 4
        return self._switch_ip[version] or NOWHERE[version]


def _endpoints(leg: Leg, record: Record) -> Ends:
    """Of its media."""
    medium = leg.audio if record.medium == AUDIO else leg.video if record.medium == VIDEO else None
    if medium is None:
        media = leg.media or leg.all_media
        if not media:
            return None, None, IpProtocol.UDP
        medium = media[0]
        if len(media) > 1:  # which of them can't be told: the address, but not the port
            local, remote = (point and Endpoint(point.ip, 0) for point in (medium.local, medium.remote))
            return local, remote, IpProtocol.UDP
    if record.plane is RTP:
        return medium.local, medium.remote, IpProtocol.UDP
    return medium.local_rtcp, medium.remote_rtcp, IpProtocol.UDP
