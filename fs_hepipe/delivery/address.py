"""
`capture-server` -> the address of a collector.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple, Union

from fs_hepipe.words.numbers import MAX_PORT

FORM = "udp:host:port or udp:[v6]:port"

_HOST = r"(?:\[(?P<v6>[0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|(?P<host>[^:\[\]\s;/]+))"
_ADDRESS = re.compile(rf"(?P<transport>[a-z]+):{_HOST}:(?P<port>[0-9]{{1,5}})(?P<options>(?:;[^;]*)*)")

_OF_SOFIA = re.compile(r";(?:hep|capture_id)\b")
"""Options of sofia's own `capture-server` (sofia-sip tport.c:tport_open_log)."""


class Address(NamedTuple):
    """Where a collector listens."""

    host: str
    """A name or an IP address, without brackets."""
    port: int

    def __str__(self) -> str:
        return f"udp:{endpoint(self.host, self.port)}"


def endpoint(host: str, port: int) -> str:
    """`host:port`, `[v6]:port`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def address(text: str) -> Address:
    """
    A collector, `udp:host:port` or `udp:[v6]:port`.

    Raises:
        ValueError: it is none, or nothing can be sent there; the text says why.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or not text.isprintable():
        raise ValueError(f"is not {FORM}")
    if _OF_SOFIA.search(found["options"]):
        raise ValueError(
            "is what sofia's own capture-server takes: write the part before the first semicolon, and the number as "
            "capture-id; HEP3 is what is sent"
        )
    if found["transport"] != "udp":
        raise ValueError("asks for another transport: udp is what there is")
    if found["options"]:
        raise ValueError(f"is not {FORM}")
    port = int(found["port"])
    if not 0 < port <= MAX_PORT:
        raise ValueError(f"has no port from 1 to {MAX_PORT}")
    host = found["v6"] or found["host"]
    if found["v6"] or re.fullmatch(r"[0-9.]+", host):
        _check_ip(host)
    return Address(host, port)


def _check_ip(host: str) -> None:
    """Refuses text that is no IP address, and an IP address that nothing can be sent to."""
    try:
        ip: Union[IPv6Address, object] = ip_address(host)
    except ValueError:
        raise ValueError("has a host that is no IP address, and no name either") from None
    if host == "255.255.255.255":
        raise ValueError("is the broadcast address, which no socket of ours may send to")
    if isinstance(ip, IPv6Address) and ip.scope_id is None and _is_of_one_link(ip):
        raise ValueError(f"has an address of one link without its interface: write [{host}%eth0], for example")


def _is_of_one_link(ip: IPv6Address) -> bool:
    """fe80::/10, and multicast of one interface or link (RFC 4291, 2.5.6 and 2.7)."""
    return ip.is_link_local or (ip.is_multicast and ip.packed[1] & 0x0F in {1, 2})
