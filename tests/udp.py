"""Sockets of UDP on this machine: one that receives, and ports at which nobody does."""

from __future__ import annotations

import socket


def opened() -> socket.socket:
    """A socket that waits two seconds for a datagram."""
    found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    found.bind(("127.0.0.1", 0))
    found.settimeout(2)
    return found


def port_of(receiver: socket.socket) -> int:
    port: int = receiver.getsockname()[1]
    return port


def dead_port() -> int:
    """A port at which nobody listens."""
    with opened() as probe:
        return port_of(probe)
