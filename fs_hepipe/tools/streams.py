"""`listen --tcp` and `listen --tls`: HEP3 messages one after the other, over any number of connections."""

from __future__ import annotations

import argparse
import contextlib
import selectors
import socket
import ssl
import time
from collections.abc import Iterator
from typing import NamedTuple, Union

from fs_hepipe.hep.decoder import Framing
from fs_hepipe.tools.render import endpoint
from fs_hepipe.words.errors import HepError

MAX_CONNECTIONS = 256
"""Connections at once; more are closed when they come."""

HANDSHAKE_TIME = 10.0
"""Seconds that a TLS handshake may take."""


def add_arguments(parser: argparse.ArgumentParser, *, beside_udp: bool = False) -> None:
    """The options; `beside_udp`: whether UDP is listened to all the same."""
    instead = "too" if beside_udp else "there, not over UDP"
    parser.add_argument("--tcp", type=_port, metavar="[HOST:]PORT", help=f"listen over TCP {instead}")
    parser.add_argument("--tls", type=_port, metavar="[HOST:]PORT", help="listen over TLS there; needs --cert")
    parser.add_argument("--cert", metavar="FILE", help="the certificate for --tls, with its key unless --key is given")
    parser.add_argument("--key", metavar="FILE", help="the key of that certificate")


def _port(text: str) -> Place:
    host, _, port = text.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]") or "127.0.0.1", int(port), type=socket.SOCK_STREAM)
    except (OSError, ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT or [v6]:PORT: {error}") from None
    return Place(str(found[0][4][0]), int(found[0][4][1]))


class Place(NamedTuple):
    """Where to listen."""

    host: str
    port: int


class Arrived(NamedTuple):
    """What may be a message."""

    peer: str
    octets: bytes


class Broken(NamedTuple):
    """What came that was no message, and ended its connection."""

    peer: str
    text: str


class Connection:
    """One connection, and the octets of it that are no whole message yet."""

    def __init__(self, source: socket.socket, peer: str, deadline: float) -> None:
        self.source = source
        self.peer = peer
        self.deadline = deadline
        """When a TLS handshake has to be over."""
        self.is_up = not isinstance(source, ssl.SSLSocket)
        self._framing = Framing()

    def read(self) -> Iterator[Union[Arrived, Broken]]:
        """The messages that have come; a `Broken` is the last. Raises EOFError when the peer has ended it."""
        if isinstance(self.source, ssl.SSLSocket) and not self.is_up:
            try:
                self.source.do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            self.is_up = True
        while True:
            try:
                octets = self.source.recv(65_536)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            if not octets:
                if self._framing.rest:
                    yield Broken(self.peer, f"ended in the middle of a message, {len(self._framing.rest)} octets")
                raise EOFError
            try:
                for message in self._framing.feed(octets):
                    yield Arrived(self.peer, message)
            except HepError as error:
                yield Broken(self.peer, str(error))
                raise EOFError from None


class StreamServer:
    """Listens at several addresses, and gives the messages of all connections as they come."""

    others = "times something that was not HEP3"
    """What is counted of what is no message."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self._selector = selectors.DefaultSelector()
        self._connections: dict[int, Connection] = {}

    def listen(self, place: Place, context: Union[ssl.SSLContext, None] = None) -> None:
        """
        Listens at one more address, over TLS if there is a context.

        Raises:
            OSError: the address can't be bound.
        """
        family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
        listener = socket.create_server(place, family=family, backlog=64)
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, context)
        scheme = "tcp" if context is None else "tls"
        self.addresses.append(f"{scheme}:{endpoint(*listener.getsockname()[:2])}")

    def messages(self) -> Iterator[Union[Arrived, Broken]]:
        """The messages, for ever."""
        while True:
            for key, _ in self._selector.select(1.0):
                found = self._connections.get(key.fd)
                if found is None:
                    self._accept(key)
                else:
                    yield from self._read(found)
            now = time.monotonic()
            for connection in list(self._connections.values()):
                if not connection.is_up and now > connection.deadline:
                    yield Broken(connection.peer, "did not finish its TLS handshake")
                    self._end(connection)

    def close(self) -> None:
        """Closes everything."""
        for key in list(self._selector.get_map().values()):
            with contextlib.suppress(OSError):
                key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()

    def _accept(self, key: selectors.SelectorKey) -> None:
        with contextlib.suppress(OSError):
            source, peer = key.fileobj.accept()  # type: ignore[union-attr]
            if len(self._connections) >= MAX_CONNECTIONS:
                source.close()
                return
            source.setblocking(False)
            if key.data is not None:
                source = key.data.wrap_socket(source, server_side=True, do_handshake_on_connect=False)
            connection = Connection(source, endpoint(*peer[:2]), time.monotonic() + HANDSHAKE_TIME)
            self._connections[source.fileno()] = connection
            self._selector.register(source, selectors.EVENT_READ)

    def _read(self, connection: Connection) -> Iterator[Union[Arrived, Broken]]:
        try:
            yield from connection.read()
        except EOFError:
            self._end(connection)
        except OSError as error:
            yield Broken(connection.peer, str(error))
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        self._connections.pop(connection.source.fileno(), None)
        with contextlib.suppress(OSError, KeyError, ValueError):
            self._selector.unregister(connection.source)
        with contextlib.suppress(OSError):
            connection.source.close()


def opened(args: argparse.Namespace) -> StreamServer:
    """
    What listens at `--tcp` and `--tls`.

    Raises:
        OSError: an address can't be bound, or the certificate can't be read.
        ValueError: there is no certificate.
    """
    server = StreamServer()
    if args.tcp is not None:
        server.listen(args.tcp)
    if args.tls is not None:
        server.listen(args.tls, _context(args))
    return server


def _context(args: argparse.Namespace) -> ssl.SSLContext:
    if args.cert is None:
        raise ValueError("--tls needs --cert")
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    found.load_cert_chain(args.cert, args.key)
    return found
