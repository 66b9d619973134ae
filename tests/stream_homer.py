"""A collector over TCP or TLS, with real sockets, that can misbehave in the ways that real ones do."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Optional, Union

CERTIFICATES = Path(__file__).parent / "data" / "tls"
CA = CERTIFICATES / "ca.pem"

Connection = Union[socket.socket, ssl.SSLSocket]


def frame(number: int, size: int = 100) -> bytes:
    """A HEP3 message as far as a stream needs it: magic, its own length, and a number."""
    return b"HEP3" + struct.pack(">H", size) + b"%08d" % number + b"x" * (size - 14)


def number_of(message: bytes) -> int:
    return int(message[6:14])


def server_context(certificate: str = "homer", *, wants_client: bool = False) -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(str(CERTIFICATES / f"{certificate}.pem"))
    if wants_client:
        found.verify_mode = ssl.CERT_REQUIRED
        found.load_verify_locations(str(CA))
    return found


class StreamHomer:
    """The messages that arrived, one after the other over all connections, and what went wrong with the stream."""

    def __init__(
        self,
        ip: str = "127.0.0.1",
        port: int = 0,
        context: Optional[ssl.SSLContext] = None,
        opened: Callable[[int, int], socket.socket] = socket.socket,
    ) -> None:
        self.ip, self.port = ip, port
        self.context = context
        self.messages: list[bytes] = []
        self.broken: list[str] = []
        """What a receiver would take for a broken stream."""
        self.accepted = 0
        self.reads = True
        """False: it accepts, and does not read."""
        self.shakes_hands = True
        """False: it accepts, and says nothing."""
        self.resets_after: Optional[float] = None
        """Seconds after which each connection is reset."""
        self._opened = opened
        self._listener: Optional[socket.socket] = None
        self._connections: list[Connection] = []
        self.listen()

    @property
    def numbers(self) -> list[int]:
        return [number_of(message) for message in self.messages]

    def listen(self) -> None:
        """Listens, on the port it had before."""
        listener = self._opened(socket.AF_INET6 if ":" in self.ip else socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.ip, self.port))
        listener.listen(16)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def stop_listening(self) -> None:
        """Refuses new connections; those that are open stay open."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def reset(self) -> None:
        """Resets all connections, as the kernel does for a process that died with unread data."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            _close(connection)

    def end(self) -> None:
        """Closes all connections in good order."""
        for connection in list(self._connections):
            _close(connection)

    def end_its_side(self) -> None:
        """Says that it will send no more, and leaves the connection open: half-closed."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.stop_listening()
        self.reset()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            if self.resets_after is not None:
                threading.Timer(self.resets_after, self.reset).start()
            while not self.shakes_hands:
                time.sleep(0.01)
                connection.getpeername()
            if self.context is not None:
                wrapped = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                self._connections.append(wrapped)
                wrapped.do_handshake()
                connection = wrapped
            self._read(connection)
        _close(connection)
        with contextlib.suppress(ValueError):
            self._connections.remove(connection)

    def _read(self, connection: Connection) -> None:
        octets = bytearray()
        connection.settimeout(0.02)  # a thread that waits in it would keep a closed connection open
        while True:
            while not self.reads:
                time.sleep(0.01)
                connection.getpeername()
            try:
                read = connection.recv(65_536)
            except socket.timeout:
                continue
            if not read:
                return
            octets += read
            while len(octets) >= 6:
                if octets[:4] != b"HEP3":
                    self.broken.append(f"{bytes(octets[:20])!r} is no message")
                    return
                (length,) = struct.unpack_from(">H", octets, 4)
                if len(octets) < length:
                    break
                self.messages.append(bytes(octets[:length]))
                del octets[:length]


def _close(connection: Connection) -> None:
    with contextlib.suppress(OSError):
        connection.close()
