"""
Host names -> socket addresses, outside the event path: a look-up may take seconds, and the agent's thread must not
wait for it.
"""

from __future__ import annotations

import socket
import threading
from typing import Callable, Optional

from fs_hepipe.delivery.udp import Target
from fs_hepipe.words.errors import TransportError

RETRY = 10.0
"""Seconds between two look-ups of a name that did not resolve."""


def lookup(host: str, port: int) -> Target:
    """
    The first UDP address of a host, preferably IPv4. Waits for the resolver.

    Collectors listen on IPv4 by default, and `localhost` is `::1` first (RFC 6724).

    Raises:
        TransportError: the host has no address.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise TransportError(f"{host} does not resolve: {error}") from error
    family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    return int(family), address


def literal(host: str, port: int) -> Optional[Target]:
    """The address of a host that is an IP address, without a look-up; None for a name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    family, _, _, _, address = found[0]
    return int(family), address


class Resolver:
    """Looks up one name in a thread of its own, and repeats that until the name resolves."""

    def __init__(self, host: str, port: int, look_up: Callable[[str, int], Target] = lookup) -> None:
        self.host = host
        self.port = port
        self.found: Optional[Target] = literal(host, port)
        """The address, None until it is known; that of an IP address is known at once."""
        self._look_up = look_up
        self._error: Optional[str] = None
        self._thread: Optional[threading.Thread] = None
        self._next = 0.0

    def poll(self, now: float) -> Optional[str]:
        """Starts a look-up if one is due, without waiting for it. Returns why the last one failed, once."""
        if self._thread is None:
            if self.found is None and now >= self._next:
                self._error = None
                self._thread = threading.Thread(target=self._run, name="fs_hepipe resolver", daemon=True)
                self._thread.start()
        elif not self._thread.is_alive():
            self._thread = None
            self._next = now + RETRY
            return self._error
        return None

    def _run(self) -> None:
        try:
            self.found = self._look_up(self.host, self.port)
        except TransportError as error:
            self._error = str(error)
