"""
The octets of a chunk's body -> its value, derived from its construct as the encoder's packers are: an integer becomes
one `struct.Struct`, an adapter calls its own function, anything else is parsed by construct itself.
"""

from __future__ import annotations

import struct
from functools import singledispatch
from typing import Any, Callable

from fs_hepipe.hep.constructs import (
    Adapter,
    Bytes,
    Construct,
    ConstructError,
    FocusedSeq,
    FormatField,
    GreedyBytes,
    Terminated,
)
from fs_hepipe.hep.schema import BODIES, HEADER_FIELD

MISFITS = (struct.error, ConstructError)
"""What a reader raises if the octets are not as many as the body has."""

Reader = Callable[[bytes], Any]


@singledispatch
def reader(body: Construct[Any, Any]) -> Reader:
    """A function that makes the value of a whole body; it raises one of `MISFITS`."""
    return FocusedSeq("value", "value" / body, Terminated).parse


@reader.register(FormatField)
def _(body: FormatField[Any, Any]) -> Reader:
    unpack = struct.Struct(body.fmtstr).unpack
    return lambda octets: unpack(octets)[0]


@reader.register(Bytes)
def _(body: Any) -> Reader:
    unpack = struct.Struct(f"{body.length}s").unpack
    return lambda octets: unpack(octets)[0]


@reader.register(type(GreedyBytes))
def _(_body: Construct[Any, Any]) -> Reader:
    return bytes


@reader.register(Adapter)
def _(body: Adapter[Any, Any, Any, Any]) -> Reader:
    read = reader(body.subcon)
    decode_value: Callable[[Any, Any, str], Any] = body._decode  # noqa: SLF001  adapters of construct are written like this
    return lambda octets: decode_value(read(octets), None, "")


READERS: dict[int, Reader] = {int(chunk_type): reader(body) for chunk_type, body in BODIES.items()}
"""How the body of each chunk type is read; derived from `BODIES`."""

read_number = reader(HEADER_FIELD)
"""A number of a header: a length, a vendor id, a type id."""
