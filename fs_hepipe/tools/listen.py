"""`listen`: shows every HEP3 message that arrives over UDP, TCP or TLS, from any sender."""

from __future__ import annotations

import argparse
import json
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Optional, Union

from fs_hepipe.delivery.resolve import Target, lookup
from fs_hepipe.hep import read
from fs_hepipe.tools import streams
from fs_hepipe.tools.output import complain, say
from fs_hepipe.tools.render import as_dictionary, endpoint, one_line
from fs_hepipe.tools.streams import Arrived, Broken
from fs_hepipe.words.errors import HepError, TransportError
from fs_hepipe.words.numbers import MAX_PORT
from fs_hepipe.words.text import describe_error

MAX_DATAGRAM = 65_535
RECEIVE_BUFFER = 8 * 1024 * 1024
"""Octets of receive buffer to ask the kernel for; it may give less."""

SO_MEMINFO, MEMINFO = 55, struct.Struct("9I")
"""Linux's numbers about a socket, the last of which counts what was dropped (sock_diag(7): sk_drops)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bind", type=bind_address, default="127.0.0.1:9060", metavar="HOST:PORT",
        help="where to listen, [v6]:port for IPv6 (default: %(default)s)",
    )  # fmt: skip
    streams.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per message")
    parser.add_argument("--count", type=count, metavar="N", help="end after N messages")


def bind_address(text: str) -> Target:
    """`HOST:PORT` or `[v6]:PORT`, resolved."""
    found = re.fullmatch(r"(?:\[([^\]]+)\]|([^:\[\]]*)):([0-9]{1,5})", text)
    if found is None or not text.isprintable() or int(found[3]) > MAX_PORT:  # getaddrinfo would take it modulo 65,536
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT or [v6]:PORT")
    try:
        return lookup(found[1] or found[2] or "0.0.0.0", int(found[3]))  # noqa: S104  an empty host means any
    except TransportError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def count(text: str) -> int:
    """A number of messages, at least one."""
    if not re.fullmatch(r"[1-9][0-9]{0,17}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of messages")
    return int(text)


def opened(target: Target) -> socket.socket:
    """
    A socket that listens at this address.

    Raises:
        OSError: the address can't be bound.
    """
    family, address = target
    listener = socket.socket(family, socket.SOCK_DGRAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def show(datagram: bytes, *, as_json: bool) -> None:
    """
    Prints the one line of a message.

    Raises:
        HepError: the datagram is none.
    """
    reading = read(datagram)
    if as_json:
        say(json.dumps(as_dictionary(reading)))
    else:
        say(*one_line(reading))


class Datagrams:
    """What arrives at a socket, as `streams.StreamServer` gives what arrives over connections."""

    others = "datagrams that were not HEP3"

    def __init__(self, listener: socket.socket) -> None:
        self.place: tuple[str, int] = listener.getsockname()[:2]
        self.addresses = [endpoint(*self.place)]
        self._listener = listener

    @property
    def lost(self) -> int:
        """Datagrams that came faster than they were read, and had no room to wait; 0 where nothing counts them."""
        try:
            found = self._listener.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMINFO.size)
            return int(MEMINFO.unpack(found)[-1])
        except (OSError, struct.error):  # not Linux, or closed
            return 0

    def messages(self) -> Iterator[Arrived]:
        """The datagrams, for ever."""
        while True:
            datagram, peer = self._listener.recvfrom(MAX_DATAGRAM)
            yield Arrived(f"{endpoint(*peer[:2])}, {len(datagram)} octets", datagram)

    def close(self) -> None:
        """Closes the socket."""
        self._listener.close()


def run(args: argparse.Namespace) -> int:
    over_streams = args.tcp is not None or args.tls is not None
    source: Union[Datagrams, streams.StreamServer]
    try:
        source = streams.opened(args) if over_streams else Datagrams(opened(args.bind))
    except (OSError, ValueError) as error:
        where = "" if over_streams else f" on {endpoint(*args.bind[1][:2])}"
        complain(f"error: can't listen{where}: {getattr(error, 'strerror', None) or error}")
        return 1
    messages, garbage = 0, 0
    with closing(source), suppress(KeyboardInterrupt):
        complain(f"listening on {', '.join(source.addresses)}, Ctrl-C ends")
        for found in source.messages():
            problem = found.text if isinstance(found, Broken) else _problem(found, as_json=args.json)
            if problem is None:
                messages += 1
            else:
                garbage += 1
                complain(f"garbage from {found.peer}: {problem}")
            if args.count is not None and messages >= args.count:
                break
    complain(f"{messages} messages, {garbage} {source.others}")
    return 0


def _problem(found: Arrived, *, as_json: bool) -> Optional[str]:
    """Shows a message. Why it is none, None if it is one."""
    try:
        show(found.octets, as_json=as_json)
    except OSError:  # nobody reads what is printed
        raise
    except HepError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  a bug of ours costs one message
        return describe_error(error)
    return None
