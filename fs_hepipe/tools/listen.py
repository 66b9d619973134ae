"""`listen`: shows every HEP3 message that arrives over UDP, from any sender."""

from __future__ import annotations

import argparse
import json
import re
import socket
import sys

from fs_hepipe.delivery.resolve import lookup
from fs_hepipe.delivery.udp import Target
from fs_hepipe.hep import decode
from fs_hepipe.tools.render import Paint, as_dictionary, endpoint, one_line
from fs_hepipe.words.errors import HepError, TransportError
from fs_hepipe.words.numbers import MAX_PORT

MAX_DATAGRAM = 65_535
RECEIVE_BUFFER = 8 * 1024 * 1024
"""Octets of receive buffer to ask the kernel for; it may give less."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bind", type=bind_address, default="127.0.0.1:9060", metavar="HOST:PORT",
        help="where to listen, [v6]:port for IPv6 (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object per message")
    parser.add_argument("--count", type=int, metavar="N", help="end after N messages")


def bind_address(text: str) -> Target:
    """`HOST:PORT` or `[v6]:PORT`, resolved."""
    found = re.fullmatch(r"(?:\[([^\]]+)\]|([^:\[\]]*)):([0-9]{1,5})", text)
    if found is None or int(found[3]) > MAX_PORT:  # getaddrinfo would take it modulo 65,536
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT or [v6]:PORT")
    try:
        return lookup(found[1] or found[2] or "0.0.0.0", int(found[3]))  # noqa: S104  an empty host means any
    except TransportError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


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


def run(args: argparse.Namespace) -> int:
    paint = Paint()
    try:
        listener = opened(args.bind)
    except OSError as error:
        print(f"error: can't listen on {endpoint(*args.bind[1][:2])}: {error.strerror}", file=sys.stderr)
        return 1
    shown, garbage = 0, 0
    with listener:
        try:
            print(f"listening on {endpoint(*listener.getsockname()[:2])}, Ctrl-C ends", file=sys.stderr, flush=True)
            while args.count is None or shown < args.count:
                datagram, peer = listener.recvfrom(MAX_DATAGRAM)
                try:
                    message = decode(datagram)
                except HepError as error:
                    garbage += 1
                    sender = endpoint(*peer[:2])
                    print(f"garbage from {sender}, {len(datagram)} octets: {error}", file=sys.stderr, flush=True)
                    continue
                shown += 1
                line = json.dumps(as_dictionary(message)) if args.json else one_line(message, paint)
                print(line, flush=True)
        except KeyboardInterrupt:
            pass
    print(f"{shown} messages, {garbage} datagrams that were not HEP3", file=sys.stderr)
    return 0
