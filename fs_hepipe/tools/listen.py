"""`listen`: shows every HEP3 message that arrives over UDP, from any sender."""

from __future__ import annotations

import argparse
import json
import re
import socket

from fs_hepipe.delivery.resolve import Target, lookup
from fs_hepipe.hep import read
from fs_hepipe.tools import streams
from fs_hepipe.tools.output import complain, say
from fs_hepipe.tools.render import as_dictionary, endpoint, one_line
from fs_hepipe.words.errors import HepError, TransportError
from fs_hepipe.words.numbers import MAX_PORT
from fs_hepipe.words.text import describe_error

MAX_DATAGRAM = 65_535
RECEIVE_BUFFER = 8 * 1024 * 1024
"""Octets of receive buffer to ask the kernel for; it may give less."""


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


def run(args: argparse.Namespace) -> int:
    if args.tcp is not None or args.tls is not None:
        return streams.run(args, lambda datagram: show(datagram, as_json=args.json))
    try:
        listener = opened(args.bind)
    except OSError as error:
        complain(f"error: can't listen on {endpoint(*args.bind[1][:2])}: {error.strerror}")
        return 1
    messages, garbage = 0, 0
    with listener:
        try:
            complain(f"listening on {endpoint(*listener.getsockname()[:2])}, Ctrl-C ends")
            while args.count is None or messages < args.count:
                datagram, peer = listener.recvfrom(MAX_DATAGRAM)
                try:
                    show(datagram, as_json=args.json)
                    messages += 1
                except OSError:  # nobody reads what is printed
                    raise
                except Exception as error:  # noqa: BLE001  a bug of ours costs one datagram
                    garbage += 1
                    why = str(error) if isinstance(error, HepError) else describe_error(error)
                    complain(f"garbage from {endpoint(*peer[:2])}, {len(datagram)} octets: {why}")
        except KeyboardInterrupt:
            pass
    complain(f"{messages} messages, {garbage} datagrams that were not HEP3")
    return 0
