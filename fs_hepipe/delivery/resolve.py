"""
Host names -> socket addresses, outside the event path: a look-up may take seconds, and the agent's thread must not
wait for it.

Rules:
1. A name is looked up again after `interval`, when asked to (a reload), and soon after a collector had an error.
2. All addresses are kept, in the order in which they are tried: those that this machine has a route to first (RFC 6724,
   rule 1), then IPv4, because most collectors listen on IPv4 and `localhost` is `::1` first, then as the resolver says.
3. If a later look-up fails, the addresses that were found before are kept.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from typing import Callable, Optional

from fs_hepipe.delivery.address import endpoint
from fs_hepipe.words.errors import TransportError

RETRY = 10.0
"""Seconds between two look-ups of a name that did not resolve."""

SOON = 5.0
"""Seconds between two look-ups at least, if a collector has errors."""

HANGING = 5.0
"""Seconds after which a look-up hangs: the default of resolv.conf for one name server that does not answer."""

Target = tuple[int, tuple[object, ...]]
"""An address family and a socket address of it."""


def written(target: Optional[Target]) -> str:
    """`address:port`, `[v6]:port`; empty for None."""
    return endpoint(str(target[1][0]), int(str(target[1][1]))) if target is not None else ""


def addresses(host: str, port: int) -> list[Target]:
    """
    The addresses of a host, each once, the best first. Waits for the resolver.

    Raises:
        TransportError: the host has no address.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise TransportError(f"{host} does not resolve: {error}") from error
    targets = list(dict.fromkeys((int(family), address) for family, _, _, _, address in found))
    return sorted(targets, key=lambda each: (no_route(each) is not None, each[0] != socket.AF_INET))


def lookup(host: str, port: int) -> Target:
    """
    The best address of a host. Waits for the resolver.

    Raises:
        TransportError: the host has no address.
    """
    return addresses(host, port)[0]


def no_route(target: Target) -> Optional[OSError]:
    """Why this machine can't send to an address; None if it can. Nothing is sent (RFC 6724, section 6)."""
    family, address = target
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(address)
    except OSError as error:
        return error
    return None


def literal(host: str, port: int) -> list[Target]:
    """The address of a host that is an IP address, without a look-up; none for a name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []
    family, _, _, _, address = found[0]
    return [(int(family), address)]


class Resolver:
    """Looks up one name in threads of its own, one at a time."""

    def __init__(
        self,
        host: str,
        port: int,
        interval: float = 60.0,
        look_up: Callable[[str, int], Sequence[Target]] = addresses,
    ) -> None:
        self.host = host
        self.interval = interval
        """Seconds after which a name that resolved is looked up again."""
        self.found: Sequence[Target] = literal(host, port)
        """The addresses, none until they are known; that of an IP address is known at once."""
        self._port = port
        self._is_name = not self.found
        self._look_up = look_up
        self._error: Optional[str] = None
        self._thread: Optional[threading.Thread] = None
        self._began = 0.0
        self._next = 0.0

    def poll(self, now: float) -> Optional[str]:
        """Starts a look-up if one is due, without waiting for it. Returns why the last one failed, once."""
        if self._thread is None:
            if self._is_name and now >= self._next:
                self._error = None
                self._began = now
                self._thread = threading.Thread(target=self._run, name="fs_hepipe resolver", daemon=True)
                self._thread.start()
        elif not self._thread.is_alive():
            self._thread = None
            self._next = now + (RETRY if self._error else self.interval)
            return self._error
        return None

    def look_up_soon(self, wait: float = SOON) -> None:
        """Lets the next `poll` look the name up, if the last look-up began `wait` seconds ago."""
        self._next = min(self._next, self._began + wait)

    def hangs(self, now: float) -> bool:
        """Whether a look-up takes so long that a name server is likely not to answer."""
        return self._thread is not None and now - self._began >= HANGING

    def _run(self) -> None:
        try:
            self.found = self._look_up(self.host, self._port)
        except TransportError as error:
            self._error = str(error)
