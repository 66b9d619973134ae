"""`decode`: every chunk of one HEP3 datagram, from a file or standard input, raw or as hexadecimal digits."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from fs_hepipe.hep import ChunkType, Parsed, parse
from fs_hepipe.hep.registry import MAGIC, VENDORS, chunk_name, protocol_name
from fs_hepipe.words.errors import HepError
from fs_hepipe.words.text import shown

MAX_VALUE = 4096
"""Characters of a value that are shown."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the datagram; - is standard input")


def run(args: argparse.Namespace) -> int:
    try:
        content = sys.stdin.buffer.read() if args.file == "-" else Path(args.file).read_bytes()
    except OSError as error:
        print(f"error: {args.file}: {error.strerror}", file=sys.stderr)
        return 1
    datagram = octets(content)
    print(f"{len(datagram)} octets")
    try:
        for number, chunk in enumerate(parse(datagram)):
            if number == 0:
                print("offset  vendor             chunk                        length  value")
            print(_row(chunk))
    except HepError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def octets(content: bytes) -> bytes:
    """The datagram: raw, or from hexadecimal digits with blanks, colons, commas and `0x` between them."""
    if content.startswith(MAGIC):
        return content
    digits = re.sub(rb"0x|[\s:,]", b"", content)
    if digits and len(digits) % 2 == 0 and re.fullmatch(rb"[0-9a-fA-F]+", digits):
        return bytes.fromhex(digits.decode("ascii"))
    return content


def _row(chunk: Parsed) -> str:
    vendor = f"{chunk.vendor_id:#06x} {VENDORS.get(chunk.vendor_id, 'unknown')}"
    name = f"{chunk.type_id:#06x} {chunk_name(chunk.vendor_id, chunk.type_id)}"
    return f"{chunk.offset:>6}  {vendor:<18} {name:<28} {chunk.length:>6}  {_value(chunk)}"


def _value(chunk: Parsed) -> str:
    value = chunk.value
    if not isinstance(value, bytes):
        named = (
            f" ({protocol_name(value)})" if (chunk.vendor_id, chunk.type_id) == (0, ChunkType.PROTOCOL_TYPE) else ""
        )
        return shown(str(value), MAX_VALUE) + named
    try:
        return shown(value.decode("utf-8"), MAX_VALUE)
    except UnicodeDecodeError:
        return shown(value.hex(), MAX_VALUE)
