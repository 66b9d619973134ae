"""
Octets -> Message, for our own tools and tests: any sender's HEP3, or a HepError that names the offset.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple

from fs_hepipe.hep.constructs import ConstructError
from fs_hepipe.hep.encoder import MICROS
from fs_hepipe.hep.message import FIELDS, Chunk, Message
from fs_hepipe.hep.registry import MAGIC, ChunkType
from fs_hepipe.hep.schema import CHUNK, CHUNK_HEADER_LENGTH, HEADER_FIELD, HEADER_LENGTH
from fs_hepipe.words.errors import HepError


class Parsed(NamedTuple):
    """One chunk of a datagram: offset, type, value."""

    offset: int
    vendor_id: int
    type_id: int
    length: int
    value: Any
    """An integer, text or an address where `schema.BODIES` has the chunk, else octets."""
    data: bytes
    """The octets of the body."""


def parse(datagram: bytes) -> Iterator[Parsed]:
    """
    The chunks of a datagram, one by one.

    Raises:
        HepError: at the first octet that is not HEP3; the text names its offset.
    """
    if datagram[: len(MAGIC)] != MAGIC:
        raise HepError(f"offset 0: starts with {bytes(datagram[:4])!r}, not with {MAGIC!r}")
    if len(datagram) < HEADER_LENGTH:
        raise HepError(f"offset {len(MAGIC)}: ends before the length")
    length = HEADER_FIELD.parse(datagram[len(MAGIC) : HEADER_LENGTH])
    if length != len(datagram):
        raise HepError(f"offset {len(MAGIC)}: the length says {length} octets, there are {len(datagram)}")
    stream = BytesIO(datagram)
    offset = stream.seek(HEADER_LENGTH)
    while offset < length:
        try:
            chunk = CHUNK.parse_stream(stream)
        except (ConstructError, ValueError) as error:
            raise HepError(f"offset {offset}: {_reason(datagram[offset:])}") from error
        end = stream.tell()
        data = datagram[offset + CHUNK_HEADER_LENGTH : end]
        yield Parsed(offset, chunk.vendor_id, chunk.type_id, end - offset, chunk.body, data)
        offset = end


def _reason(rest: bytes) -> str:
    """Why a chunk could not be parsed."""
    if len(rest) < CHUNK_HEADER_LENGTH:
        return f"{len(rest)} octets are left, a chunk's header has {CHUNK_HEADER_LENGTH}"
    vendor_id, type_id, length = (HEADER_FIELD.parse(rest[at : at + 2]) for at in (0, 2, 4))
    name = f"chunk 0x{vendor_id:04x}/0x{type_id:04x}"
    if length < CHUNK_HEADER_LENGTH:
        return f"{name} gives its length as {length}, its header alone has {CHUNK_HEADER_LENGTH}"
    if length > len(rest):
        return f"{name} gives its length as {length}, {len(rest)} octets are left"
    return f"{name} has a body of {length - CHUNK_HEADER_LENGTH} octets, which is not its width"


def decode(datagram: bytes) -> Message:
    """
    The message in a datagram. A missing payload chunk (some senders compress it into 0x0010) is an empty payload;
    chunks without a field in `Message` are kept in `other`, as octets.

    Raises:
        HepError: it is not HEP3, has a chunk twice, or lacks addresses, time or protocol type.
    """
    fields: dict[str, Any] = {}
    other: list[Chunk] = []
    for chunk in parse(datagram):
        name = _FIELDS.get(chunk.type_id) if chunk.vendor_id == 0 else None
        if name is None:
            other.append(Chunk(chunk.vendor_id, chunk.type_id, chunk.data))
        elif name in fields:
            raise HepError(f"offset {chunk.offset}: {name} is there twice")
        else:
            fields[name] = chunk.value
    missing = [name for name in _NEEDED if name not in fields]
    if missing:
        raise HepError(f"offset {len(datagram)}: ends without {', '.join(missing)}")
    if (":" in fields["src_ip"]) != (":" in fields["dst_ip"]):
        raise HepError(f"addresses of two families: {fields['src_ip']}, {fields['dst_ip']}")
    fields.pop("ip_family", None)  # taken from the addresses: not every sender sets it correctly
    timestamp = fields.pop("seconds") * MICROS + fields.pop("micros")
    return Message(timestamp, fields.pop("payload", b""), other=tuple(other), **fields)


_FIELDS: dict[int, str] = {
    **{int(chunk_type): name for chunk_type, name in FIELDS.items()},
    ChunkType.IP_FAMILY: "ip_family",
    ChunkType.TIMESTAMP_SECONDS: "seconds",
    ChunkType.TIMESTAMP_MICROS: "micros",
}
_NEEDED = ("src_ip", "dst_ip", "seconds", "micros", "protocol_type")
