"""
Addresses as the switch writes them -> endpoints, or None for what is none.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple, Optional

from fs_hepipe.words.numbers import MAX_DIGITS_32, MAX_PORT, integer

MAX_ADDRESS = 64
"""Characters: an IPv6 address has up to 45 (RFC 4291 §2.2), brackets and a zone included it is not longer than this."""

NOWHERE = {4: "0.0.0.0", 6: "::"}  # noqa: S104
"""The unspecified address of each IP version (RFC 6890): it stands for one that is not known."""

UNSPECIFIED = frozenset(NOWHERE.values())
"""The addresses that are none."""

MAX_HOST = 253
"""Characters of a host name (RFC 1035 §2.3.4)."""

_host_name = re.compile(r"(?=.*[A-Za-z])[\w-]+(?:\.[\w-]+)*\.?", re.ASCII).fullmatch

KEPT = 4096
"""Endpoints kept, about 300 octets each: the phones and gateways that are in calls at one time."""


class Endpoint(NamedTuple):
    """An IP address as text, and a port."""

    ip: str
    port: int


def endpoint(ip: Optional[str], port: Optional[str]) -> Optional[Endpoint]:
    """An endpoint as the switch writes it, with port 0 where that is none; None where `ip` is no IP address."""
    if not ip or len(ip) > MAX_ADDRESS:
        return None
    return _endpoint(ip, port if port and len(port) <= MAX_DIGITS_32 else None)


@lru_cache(maxsize=KEPT)
def _endpoint(ip: str, port: Optional[str]) -> Optional[Endpoint]:
    address, number = ip_literal(ip), integer(port) or 0
    return Endpoint(address, number if number <= MAX_PORT else 0) if address else None


def media_endpoint(ip: Optional[str], port: Optional[int]) -> Optional[Endpoint]:
    """
    Where media can be sent to: an address that is one, and a port. The unspecified address is that of a stream on hold
    (RFC 3264 §8.4), and no address.
    """
    if not ip or not port or port > MAX_PORT:
        return None
    address = ip_literal(ip)
    return Endpoint(address, port) if address and address not in UNSPECIFIED else None


def host_endpoint(host: Optional[str], port: Optional[int], *, as_ipv6: bool) -> Optional[Endpoint]:
    """
    Where media go that an SDP sends to a host name: nobody looks it up here, so its address is the unspecified one, and
    the port is told. None where `host` is no host name.
    """
    if not host or not port or port > MAX_PORT or len(host) > MAX_HOST or not _host_name(host):
        return None
    return Endpoint(NOWHERE[6 if as_ipv6 else 4], port)


def ip_literal(text: str) -> Optional[str]:
    """An IPv4 or IPv6 address without brackets and zone, or None for a host name and for nonsense."""
    return _ip_literal(text) if len(text) <= MAX_ADDRESS else None


@lru_cache(maxsize=KEPT)
def _ip_literal(text: str) -> Optional[str]:
    try:
        return str(ip_address(text.strip("[]").partition("%")[0]))
    except ValueError:
        return None
