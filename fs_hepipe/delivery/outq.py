"""
What the kernel has accepted and still holds (Linux: SIOCOUTQ, tcp(7), udp(7)).
"""

from __future__ import annotations

import array
import contextlib
import socket
import sys

try:
    import fcntl
    import termios
except ImportError:  # pragma: no cover  not a Unix
    fcntl = None  # type: ignore[assignment]

IS_TOLD = sys.platform == "linux" and fcntl is not None
"""Whether this system tells it."""


def held(source: socket.socket) -> int:
    """
    Octets: over TCP what the peer has not acknowledged; over UDP what has not left, because the hardware address of a
    neighbour is not known yet. 0 where that is not known.
    """
    octets = array.array("i", [0])
    if IS_TOLD:
        with contextlib.suppress(OSError):
            fcntl.ioctl(source, termios.TIOCOUTQ, octets)
    return octets[0]
