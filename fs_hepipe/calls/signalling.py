"""
Channel variables -> the SIP signalling of a leg: its Call-ID, both endpoints, what carries it.
"""

from __future__ import annotations

from typing import Optional

from fs_hepipe.calls.endpoint import endpoint
from fs_hepipe.calls.leg import Leg
from fs_hepipe.hep.registry import IpProtocol
from fs_hepipe.words import names
from fs_hepipe.words.event import Get

IP_PROTOCOLS = {
    "tcp": IpProtocol.TCP, "tls": IpProtocol.TCP, "ws": IpProtocol.TCP, "wss": IpProtocol.TCP, "sctp": IpProtocol.SCTP,
}  # fmt: skip
"""What carries a SIP transport (sofia_glue.c:sofia_glue_transport2str) other than UDP."""

MAX_CALL_ID = 65_536
"""Characters: no chunk holds as many, so what is longer is neither sent nor worth its time."""

MAX_VIA = 256
"""Characters of a Via that are read: its protocol is the first word."""

PROFILE_TRANSPORTS = frozenset({None, "udp", "tcp"})
"""Those of the port in a profile's URL; TLS and WebSocket have one of their own."""


def observe_signalling(leg: Leg, get: Get) -> None:
    """Learns Call-ID and signalling endpoints from the leg's own variables."""
    call_id = get(names.SIP_CALL_ID)
    if not call_id and leg.outbound and leg.call_id is None:
        call_id = get(names.SIP_INVITE_CALL_ID)  # sofia_glue.c:sofia_glue_do_invite uses it as it is
    if call_id and call_id != leg.call_id:
        leg.call_id = call_id[:MAX_CALL_ID]
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
    return via[:MAX_VIA].partition(" ")[0].rpartition("/")[2].lower() if via else None


def _profile_port(url: Optional[str]) -> Optional[str]:
    """The port of `sip:mod_sofia@192.0.2.1:5060`, that of the profile's UDP and TCP."""
    return url.rpartition(":")[2] if url else None
