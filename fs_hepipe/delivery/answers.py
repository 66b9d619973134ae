"""
What hosts and routers answer to our datagrams (ICMP), as far as the kernel passes it on.

On Linux a socket with IP_RECVERR has a queue of errors (ip(7)): each with its kind, who sent it, and the first octets
of the datagram that it is about. Elsewhere only a connected socket learns of one kind of answer, port unreachable.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import sys
from typing import NamedTuple, Optional

REFUSED = "refused"
UNREACHABLE = "unreachable"
FORBIDDEN = "forbidden"
TOO_LONG = "too_long"

IS_READ = sys.platform == "linux"
"""Whether this system has a queue of errors."""

# linux/in.h, linux/in6.h: not all are in Python's socket module
_IP_MTU_DISCOVER = 10
_IP_PMTUDISC_DONT = 0
_IP_RECVERR = 11
_IPV6_MTU_DISCOVER = 23
_IPV6_MTU = 24
_IPV6_RECVERR = 25
_IPV6_MIN_MTU = 1280

_EXTENDED_ERROR = struct.Struct("=IBBBxII")  # linux/errqueue.h:sock_extended_err
_ORIGIN_ICMP, _ORIGIN_ICMP6 = 2, 3
_KINDS = {_IP_RECVERR, _IPV6_RECVERR}
"""Control messages that carry one."""

# fmt: off
_ICMP = {   # RFC 792, RFC 1812 5.2.7.1: type, code (None: any) -> outcome, words
    (3, 0):     (UNREACHABLE, "network unreachable"),
    (3, 1):     (UNREACHABLE, "host unreachable"),
    (3, 2):     (UNREACHABLE, "protocol unreachable: the host has no UDP"),
    (3, 3):     (REFUSED,     "Connection refused: port unreachable"),
    (3, 4):     (TOO_LONG,    "message too long for the path"),
    (3, 5):     (UNREACHABLE, "source route failed"),
    (3, 6):     (UNREACHABLE, "network unknown"),
    (3, 7):     (UNREACHABLE, "host unknown"),
    (3, 8):     (UNREACHABLE, "source host isolated"),
    (3, 9):     (FORBIDDEN,   "network administratively prohibited"),
    (3, 10):    (FORBIDDEN,   "host administratively prohibited"),
    (3, 11):    (UNREACHABLE, "network unreachable for this type of service"),
    (3, 12):    (UNREACHABLE, "host unreachable for this type of service"),
    (3, 13):    (FORBIDDEN,   "communication administratively prohibited"),
    (3, 14):    (FORBIDDEN,   "host precedence violation"),
    (3, 15):    (FORBIDDEN,   "precedence cut-off"),
    (11, None): (UNREACHABLE, "time to live exceeded: a routing loop"),
}
_ICMP6 = {  # RFC 4443
    (1, 0):     (UNREACHABLE, "no route to the destination"),
    (1, 1):     (FORBIDDEN,   "communication administratively prohibited"),
    (1, 2):     (UNREACHABLE, "beyond the scope of the source address"),
    (1, 3):     (UNREACHABLE, "address unreachable"),
    (1, 4):     (REFUSED,     "Connection refused: port unreachable"),
    (1, 5):     (FORBIDDEN,   "source address failed the policy"),
    (1, 6):     (FORBIDDEN,   "route rejects the destination"),
    (2, None):  (TOO_LONG,    "message too long for the path"),
    (3, None):  (UNREACHABLE, "hop limit exceeded: a routing loop"),
}
# fmt: on


class Answer(NamedTuple):
    """One answer to a datagram sent earlier."""

    outcome: str
    """What it means for that datagram."""
    text: str
    """What it says, and who said it."""
    address: Optional[tuple[object, ...]]
    """The socket address that the datagram was sent to, None if not known."""
    begin: bytes
    """The first octets of the datagram, as many as are known."""


def opened(family: int) -> socket.socket:
    """
    A non-blocking UDP socket with a queue of answers, where there is one.

    A datagram may be cut into fragments: by the routers of IPv4, and for IPv6, where no router does that, by this
    machine, at the size that every path takes (RFC 8200, section 5). So none is lost for its size.

    Raises:
        OSError: there is no socket to be had.
    """
    found = socket.socket(family, socket.SOCK_DGRAM)
    try:
        found.setblocking(False)
        if IS_READ and family == socket.AF_INET:
            found.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
            found.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_DONT)
        elif IS_READ:
            found.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
            found.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _IP_PMTUDISC_DONT)
            found.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU, _IPV6_MIN_MTU)
    except OSError:
        found.close()
        raise
    return found


_SHOWN = 1500
"""Octets of a datagram that an answer shows at most: ICMP has 548, ICMPv6 1,192."""


def taken(source: socket.socket, most: int = 64) -> list[Answer]:
    """The answers that a socket has got, taken from its queue without waiting; none where there is no such queue."""
    found: list[Answer] = []
    if IS_READ:
        with contextlib.suppress(BlockingIOError):  # the queue is empty
            while len(found) < most:
                begin, control, _, address = source.recvmsg(_SHOWN, 512, socket.MSG_ERRQUEUE)
                found += [_answer(octets, begin, address) for _, kind, octets in control if kind in _KINDS]
    return found


def _answer(octets: bytes, begin: bytes, address: tuple[object, ...]) -> Answer:
    number, origin, kind, code, info, _ = _EXTENDED_ERROR.unpack_from(octets)
    table = {_ORIGIN_ICMP: _ICMP, _ORIGIN_ICMP6: _ICMP6}.get(origin, {})
    outcome, text = table.get((kind, code)) or table.get((kind, None)) or _of_errno(number)
    if outcome == TOO_LONG and info:
        text += f", which takes {info} octets"
    sender = _sender(octets[_EXTENDED_ERROR.size :])
    return Answer(outcome, f"{text} (says {sender})" if sender else text, address, begin)


def _of_errno(number: int) -> tuple[str, str]:
    outcome = {errno.EMSGSIZE: TOO_LONG, errno.ECONNREFUSED: REFUSED, errno.EACCES: FORBIDDEN}.get(number, UNREACHABLE)
    return outcome, errno.errorcode.get(number, f"error {number}")


def _sender(address: bytes) -> str:
    """Who answered: the sockaddr behind the error; empty if it is not known."""
    family = int.from_bytes(address[:2], sys.byteorder)
    where = {int(socket.AF_INET): slice(4, 8), int(socket.AF_INET6): slice(8, 24)}.get(family)
    if where is None or len(address) < where.stop:
        return ""
    return socket.inet_ntop(family, address[where])
