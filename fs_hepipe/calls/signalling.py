"""
Channel variables -> the SIP signalling of a leg: its Call-ID, both endpoints, what carries it.
"""

from __future__ import annotations

import re
from typing import Optional

from fs_hepipe.calls.endpoint import Endpoint, endpoint, ip_literal
from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.profiles import Profiles
from fs_hepipe.hep.registry import IpProtocol
from fs_hepipe.words import names
from fs_hepipe.words.event import Get
from fs_hepipe.words.numbers import MAX_PORT, integer

IP_PROTOCOLS = {
    "tcp": IpProtocol.TCP, "tls": IpProtocol.TCP, "ws": IpProtocol.TCP, "wss": IpProtocol.TCP, "sctp": IpProtocol.SCTP,
}  # fmt: skip
"""What carries a SIP transport (sofia_glue.c:sofia_glue_transport2str) other than UDP."""

MAX_CALL_ID = 65_536
"""Characters: no chunk holds as many, so what is longer is neither sent nor worth its time."""

MAX_VIA = 256
"""Characters of a Via that are read: its protocol is the first word."""

_via = re.compile(r"SIP/2\.0/\w+\s+(\[[^\]]*\]|[^:;,\s]+)(?::\d+)?\s*;([^,]*)", re.IGNORECASE).match

LISTENS_ELSEWHERE = frozenset({"tls", "ws", "wss"})
"""The transports that have a port of their own in a profile."""

ON_PROFILES_PORT = frozenset({None, "udp", "tcp"})
"""Those whose port is the one in the profile's URL, `sip:mod_sofia@192.0.2.1:5060`; one that is not told is UDP."""


def observe_signalling(leg: Leg, get: Get, profiles: Profiles, now: float) -> None:
    """Learns Call-ID and signalling endpoints from the leg's own variables."""
    call_id = get(names.SIP_CALL_ID)
    if not call_id and leg.outbound and leg.call_id is None:
        call_id = get(names.SIP_INVITE_CALL_ID)  # sofia_glue.c:sofia_glue_do_invite uses it as it is
    if call_id and call_id != leg.call_id:
        leg.call_id = call_id[:MAX_CALL_ID]
    network_ip = get(names.SIP_NETWORK_IP)
    remote = endpoint(network_ip, get(names.SIP_NETWORK_PORT)) if network_ip else None
    if remote is None:
        return
    leg.remote = remote
    transport, via = get(names.SIP_VIA_PROTOCOL), None
    if not transport:
        via = get(names.SIP_FULL_VIA)
        transport = _via_transport(via)
    leg.ip_protocol = IP_PROTOCOLS.get(transport or "", IpProtocol.UDP)
    ip, url = get(names.SIP_LOCAL_NETWORK_ADDR), get(names.SOFIA_PROFILE_URL)
    if url and not profiles.knows_url(url):
        profiles.tell(get(names.SOFIA_PROFILE_NAME), url)
    local = endpoint(ip, url.rpartition(":")[2] if url and transport in ON_PROFILES_PORT else None)
    if local is None:
        return
    if transport in IP_PROTOCOLS:
        if leg.outbound:  # we connected, from any port, or the phone had connected to us
            local = Endpoint(local.ip, _own_port(via, local.ip, remote))
        elif transport in LISTENS_ELSEWHERE:
            local = profiles.local(get(names.SOFIA_PROFILE_NAME), transport, now) or local
    leg.local = local


def _via_transport(via: Optional[str]) -> Optional[str]:
    """`udp` of `SIP/2.0/UDP 192.0.2.1;rport…`."""
    return via[:MAX_VIA].partition(" ")[0].rpartition("/")[2].lower() if via else None


def _own_port(via: Optional[str], ip: str, remote: Endpoint) -> int:
    """
    The port that our request was seen to come from: `rport` of our own Via, which the response brings back (RFC 3581).
    0 if a NAT has changed it, and if the Via is the far end's (of its re-INVITE).
    """
    found = _via(via or "")
    if found is None:
        return 0
    host: str = found[1]
    said: dict[str, str] = dict(word.strip().partition("=")[::2] for word in found[2].split(";"))
    seen = Endpoint(ip_literal(said.get("received", host)) or "", integer(said.get("rport")) or 0)
    return seen.port if ip_literal(host) == seen.ip == ip and seen.port <= MAX_PORT and seen != remote else 0
