"""
`decode`: every chunk of the HEP3 datagrams in a file, raw or as hexadecimal digits.

One datagram, or a stream as TCP carries it. Chunks are shown as far as they can be read; what is unusual about them is
shown as a remark. HEP1 and HEP2 have no chunks: their fields are shown.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from itertools import chain
from pathlib import Path
from typing import IO

from fs_hepipe.hep import ChunkType, Framing, Parsed, Reading, read
from fs_hepipe.hep.decoder import chunks, walk
from fs_hepipe.hep.registry import MAGIC, MAX_LENGTH, VENDORS, chunk_name, protocol_name
from fs_hepipe.tools.output import complain, named, say, table
from fs_hepipe.tools.render import clock
from fs_hepipe.words.errors import HepError
from fs_hepipe.words.text import shown

MAX_VALUE = 4096
"""Characters of a value that are shown."""

MAX_CONTENT = 1_000_000
"""Octets of a file that does not begin with HEP3: the digits of the longest datagram, with room between them."""

PIECE = 65_536
"""Octets of a stream that are read at once."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a datagram or a stream of them; - is standard input")


def run(args: argparse.Namespace) -> int:
    try:
        opened = _opened(args.file)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        complain(f"error: {named(args.file)}: {error.strerror if isinstance(error, OSError) else error}")
        return 1
    with opened as file:
        try:
            for datagram in datagrams(file):
                show(datagram)
        except HepError as error:
            complain(f"error: {error}")
            return 1
    return 0


def _opened(name: str) -> AbstractContextManager[IO[bytes]]:
    if name != "-":
        return Path(name).open("rb")
    if sys.stdin is None:
        raise ValueError("standard input is closed")
    return nullcontext(sys.stdin.buffer)


def datagrams(file: IO[bytes]) -> Iterator[bytes]:
    """
    The datagrams in a file, each before the next is read; what is none is one of them.

    Raises:
        HepError: behind the last one is something else, or more than `MAX_CONTENT` octets that do not begin with HEP3.
    """
    content = file.read(MAX_CONTENT + 1)
    if len(content) > MAX_CONTENT and not content.startswith(MAGIC):
        raise HepError(f"more than {MAX_CONTENT} octets that do not begin with {MAGIC!r}")
    content = octets(content)
    if not content.startswith(MAGIC) or (len(content) <= MAX_LENGTH and not _begins_with_datagram(content)):
        yield content
        return
    framing = Framing()
    for piece in chain([content], iter(lambda: file.read(PIECE), b"")):
        yield from framing.feed(piece)
    if framing.rest:
        yield framing.rest


def _begins_with_datagram(content: bytes) -> bool:
    """Whether the length at the beginning is that of a whole datagram: otherwise it is one whose length is wrong."""
    try:
        chunks(next(Framing().feed(content), b""))
    except HepError:
        return False
    return True


def octets(content: bytes) -> bytes:
    """The datagram: raw, or from hexadecimal digits with blanks, colons, commas and `0x` between them."""
    if content.startswith(MAGIC):
        return content
    digits = re.sub(rb"0x|[\s:,]", b"", content)
    if digits and len(digits) % 2 == 0 and re.fullmatch(rb"[0-9a-fA-F]+", digits):
        return bytes.fromhex(digits.decode("ascii"))
    return content


def show(datagram: bytes) -> None:
    """
    Prints a datagram.

    Raises:
        HepError: it is none, or not a whole one; what can be read of it is printed before.
    """
    say(f"{len(datagram)} octets")
    if datagram.startswith(MAGIC):
        _show_chunks(datagram)
    reading = read(datagram)
    if not datagram.startswith(MAGIC):
        _show_fields(reading)
    for remark in reading.remarks:
        say(f"remark  {shown(remark)}")


def _show_chunks(datagram: bytes) -> None:
    error = None
    try:
        found = iter(chunks(datagram)[0])
    except HepError as why:
        error, found = why, walk(datagram)
    rows: list[tuple[str, ...]] = []
    with suppress(HepError):
        rows.extend(map(_row, found))
    if rows:
        table(TITLES, PLAIN_ROW, rows, right=(0, 3))
    if error is not None:
        raise error


def _show_fields(reading: Reading) -> None:
    """HEP1 and HEP2: their header has fixed fields."""
    message = reading.message
    say(f"HEP{reading.version}")
    fields = {
        "ip_protocol": message.ip_protocol, "src_ip": message.src_ip, "dst_ip": message.dst_ip,
        "src_port": message.src_port, "dst_port": message.dst_port, "time": clock(message.timestamp),
        "capture_id": message.capture_id, "payload": _text(message.payload),
    }  # fmt: skip
    for name, value in fields.items():
        say(f"{name:<12} {value}")


TITLES = ("offset", "vendor", "chunk", "length", "value")
PLAIN_ROW = "{:>6}  {:<18} {:<28} {:>6}  {}"


def _row(chunk: Parsed) -> tuple[str, ...]:
    vendor = f"{chunk.vendor_id:#06x} {VENDORS.get(chunk.vendor_id, 'unknown')}"
    name = f"{chunk.type_id:#06x} {chunk_name(chunk.vendor_id, chunk.type_id)}"
    return str(chunk.offset), vendor, name, str(chunk.length), _value(chunk)


def _value(chunk: Parsed) -> str:
    value, kind = chunk.value, (chunk.vendor_id, chunk.type_id)
    if kind == (0, ChunkType.COMPRESSED_PAYLOAD):
        return f"compressed, {len(value)} octets"
    if isinstance(value, bytes):
        return _text(value)
    named = f" ({protocol_name(value)})" if kind == (0, ChunkType.PROTOCOL_TYPE) else ""
    return shown(str(value), MAX_VALUE) + named


def _text(value: bytes) -> str:
    try:
        return shown(value.decode("utf-8"), MAX_VALUE)
    except UnicodeDecodeError:
        return shown(value.hex(), MAX_VALUE)
