"""
`capture-server` -> the address of a collector.

    udp:host:port   tcp:host:port   tls:host:port[;verify=no][;ca=FILE][;cert=FILE;key=FILE][;name=NAME]
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, NamedTuple, Union

from fs_hepipe.words.numbers import MAX_PORT

TRANSPORTS = ("udp", "tcp", "tls")
FORM = "udp:host:port, tcp:host:port or tls:host:port, with [v6] for an IPv6 address"

_HOST = r"(?:\[(?P<v6>[0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|(?P<host>[^:\[\]\s;/|,]+))"
_ADDRESS = re.compile(rf"(?P<transport>[a-z]+):{_HOST}:(?P<port>[0-9]{{1,5}})(?P<options>(?:;[^;]*)*)")

_OF_SOFIA = re.compile(r";(?:hep|capture_id)\b")
"""Options of sofia's own `capture-server` (sofia-sip tport.c:tport_open_log)."""


class Tls(NamedTuple):
    """What a TLS connection is made with, beside the address."""

    verify: bool = True
    """Whether the collector's certificate is checked."""
    ca: str = ""
    """A file of certificates that are trusted; empty: those of the machine."""
    cert: str = ""
    """A file with our own certificate, if the collector asks for one."""
    key: str = ""
    """A file with its key; empty: it is in the file of the certificate."""
    name: str = ""
    """The name that the certificate must have; empty: the host."""


class Address(NamedTuple):
    """Where a collector listens."""

    host: str
    """A name or an IP address, without brackets."""
    port: int
    transport: str = "udp"
    tls: Tls = Tls()

    def __str__(self) -> str:
        default = Tls()
        given = {field: value for field, value in self.tls._asdict().items() if value != getattr(default, field)}
        options = "".join(f";{field}={'no' if value is False else value}" for field, value in given.items())
        return f"{self.transport}:{endpoint(self.host, self.port)}{options}"

    @property
    def is_stream(self) -> bool:
        """Whether it is reached over a connection."""
        return self.transport != "udp"

    @property
    def is_here(self) -> bool:
        """Whether it is surely on this machine."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def endpoint(host: str, port: int) -> str:
    """`host:port`, `[v6]:port`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def address(text: str) -> Address:
    """
    A collector, in one of the forms above.

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
    transport, host, port = found["transport"], found["v6"] or found["host"], int(found["port"])
    if transport not in TRANSPORTS:
        raise ValueError(f"asks for another transport: {', '.join(TRANSPORTS)} are what there is")
    if not 0 < port <= MAX_PORT:
        raise ValueError(f"has no port from 1 to {MAX_PORT}")
    if found["v6"] or re.fullmatch(r"[0-9.]+", host):
        _check_ip(host, transport)
    return Address(host, port, transport, _tls(found["options"], transport))


def _tls(options: str, transport: str) -> Tls:
    """The options of a tls: address; another transport has none."""
    if not options:
        return Tls()
    if transport != "tls":
        raise ValueError(f"has options, which only tls: has, not {transport}:")
    found: dict[str, Any] = {}
    for option in options[1:].split(";"):
        name, equals, value = option.partition("=")
        if name not in Tls._fields or not equals or not value:
            raise ValueError("has an option that is none of verify=no, ca=FILE, cert=FILE, key=FILE, name=NAME")
        if name in found:
            raise ValueError(f"has {name} twice")
        if name == "verify" and value not in {"yes", "no"}:
            raise ValueError("has a verify that is neither yes nor no")
        found[name] = value != "no" if name == "verify" else value
    if "key" in found and "cert" not in found:
        raise ValueError("has a key without its cert")
    if "ca" in found and not found.get("verify", True):
        raise ValueError("has a ca and verify=no: nothing is checked then")
    return Tls(**found)


def _check_ip(host: str, transport: str) -> None:
    """Refuses text that is no IP address, and an IP address that nothing can be sent to."""
    try:
        ip: Union[IPv4Address, IPv6Address] = ip_address(host)
    except ValueError:
        raise ValueError("has a host that is no IP address, and no name either") from None
    if host == "255.255.255.255":
        raise ValueError("is the broadcast address, which no socket of ours may send to")
    if transport != "udp" and ip.is_multicast:
        raise ValueError(f"is a multicast address, which udp: can reach, but not {transport}:")
    if isinstance(ip, IPv6Address) and ip.scope_id is None and _is_of_one_link(ip):
        raise ValueError(f"has an address of one link without its interface: write [{host}%eth0], for example")


def _is_of_one_link(ip: IPv6Address) -> bool:
    """fe80::/10, and multicast of one interface or link (RFC 4291, 2.5.6 and 2.7)."""
    return ip.is_link_local or (ip.is_multicast and ip.packed[1] & 0x0F in {1, 2})
