"""
A registration's Contact, as FreeSWITCH keeps it -> the address of the phone, and the transport.

    "Bob" <sip:1000@192.168.1.50:5062;transport=tls;fs_nat=yes;fs_path=sip%3A1000%40203.0.113.9%3A62000%3Btransport...>

The phone's own words, then what sofia_reg.c:sofia_reg_handle_register_token added: `fs_path` is where the request came
from if the phone is behind NAT, or the proxy that it came by.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional
from urllib.parse import unquote

from fs_hepipe.calls.endpoint import MAX_ADDRESS, Endpoint, endpoint

MAX_CONTACT = 8192
"""Characters; sofia's own limit is 1024, beside what it encodes."""

TRANSPORTS = frozenset({"udp", "tcp", "tls", "ws", "wss", "sctp"})
"""Of SIP (sofia_glue.c:sofia_glue_str2transport)."""

_uri = re.compile(r"(sips?):(?:[^@>;?]*@)?(\[[^\]]*\]|[^:;?>]*)(?::(\d{1,5}))?([^?>]*)", re.IGNORECASE).search
_status = re.compile(r"\(([A-Z]+)(?:-NAT)?\)").search


class Contact(NamedTuple):
    """What a Contact tells of the way to the phone."""

    transport: Optional[str]
    remote: Optional[Endpoint]


class _Uri(NamedTuple):
    transport: Optional[str]
    address: Optional[Endpoint]
    parameters: dict[str, str]


def read_contact(contact: Optional[str], status: Optional[str] = None) -> Contact:
    """
    The way to the phone; nothing of what is not told.

    Args:
        contact: of a registration.
        status: of the same, `Registered(TLS-NAT)`. Of WebSocket it is what the request came by; of all else only what
            the contact says.
    """
    found = _status(status or "")
    said = found[1].lower() if found is not None else None
    if contact is None:
        return Contact(said if said in TRANSPORTS else None, None)
    own = _read_uri(contact[:MAX_CONTACT])
    path = _read_uri(unquote(own.parameters.get("fs_path", "")))
    transport = said if said in {"ws", "wss"} else None
    if transport is None and path.address is None and "fs_path" not in own.parameters:
        transport = own.transport or "udp"  # RFC 3261 §18.1.1: what a URI does not say
    elif transport is None:
        transport = path.transport or (own.transport if "fs_nat" in own.parameters else None) or "udp"
    return Contact(transport, path.address or (own.address if "fs_path" not in own.parameters else None))


def _read_uri(text: str) -> _Uri:
    found = _uri(text)
    if found is None:
        return _Uri(None, None, {})
    scheme, host, port, rest = found.groups()
    parameters = {}
    for word in rest.split(";")[1:]:
        name, _, value = word.partition("=")
        parameters[name.strip().lower()] = value.strip()
    transport: Optional[str] = parameters.get("transport", "").lower()
    if transport not in TRANSPORTS:
        transport = "tls" if scheme.lower() == "sips" else None
    elif scheme.lower() == "sips" and transport in {"tcp", "ws"}:
        transport = {"tcp": "tls", "ws": "wss"}[transport]
    return _Uri(transport, endpoint(host if len(host) <= MAX_ADDRESS else None, port), parameters)
