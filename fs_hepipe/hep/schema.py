"""
HEP3 as a construct: the only module that defines widths, byte order and nesting.

    HEP3 = "HEP3", total length, chunk*            every length includes its own header
    CHUNK = vendor id, type id, length, body       all integers in network order

`HEP3.build` and `HEP3.parse` are the plain public construct. `fs_hepipe.hep.encoder` derives the fast way to pack one
message from the same `HEADER_FIELD` and `BODIES`; a test compares both.

`HEP12` is the header that HEP1 and HEP2 have instead of chunks.

Source: REV 37; for the widths that collectors require, heplify-server's decoder/hep.go; for HEP1 and HEP2, sofia-sip's
tport_logging.c:tport_capt_msg_hepv2 and Kamailio's sipcapture/hep.c:hepv2_received.
"""

from __future__ import annotations

import socket
from typing import Any

from fs_hepipe.hep.constructs import (
    Adapter,
    Array,
    Bytes,
    Const,
    Construct,
    Error,
    ExprAdapter,
    FocusedSeq,
    GreedyBytes,
    GreedyRange,
    Int8ub,
    Int16ub,
    Int16ul,
    Int32ub,
    Int32ul,
    Prefixed,
    Struct,
    Switch,
    Terminated,
    obj_,
    this,
)
from fs_hepipe.hep.registry import MAGIC, ChunkType, IpFamily


class Address(Adapter):  # type: ignore[type-arg]
    """An IP address: text in Python, octets in the datagram."""

    def __init__(self, family: int, octets: int) -> None:
        super().__init__(Bytes(octets))
        self._family = family

    def _decode(self, obj: bytes, context: Any, path: Any) -> str:
        return socket.inet_ntop(self._family, obj)

    def _encode(self, obj: str, context: Any, path: Any) -> bytes:
        return socket.inet_pton(self._family, obj)


class Text(Adapter):  # type: ignore[type-arg]
    """Text from FreeSWITCH: UTF-8; octets that are not UTF-8 are kept."""

    def _decode(self, obj: bytes, context: Any, path: Any) -> str:
        return obj.decode("utf-8", "surrogateescape")

    def _encode(self, obj: str, context: Any, path: Any) -> bytes:
        return obj.encode("utf-8", "surrogateescape")


IPV4 = Address(socket.AF_INET, 4)
IPV6 = Address(socket.AF_INET6, 16)
TEXT = Text(GreedyBytes)

# fmt: off
BODIES: dict[ChunkType, Construct[Any, Any]] = {
    ChunkType.IP_FAMILY:         Int8ub,
    ChunkType.IP_PROTOCOL:       Int8ub,
    ChunkType.IPV4_SRC_IP:       IPV4,
    ChunkType.IPV4_DST_IP:       IPV4,
    ChunkType.IPV6_SRC_IP:       IPV6,
    ChunkType.IPV6_DST_IP:       IPV6,
    ChunkType.SRC_PORT:          Int16ub,
    ChunkType.DST_PORT:          Int16ub,
    ChunkType.TIMESTAMP_SECONDS: Int32ub,
    ChunkType.TIMESTAMP_MICROS:  Int32ub,
    ChunkType.PROTOCOL_TYPE:     Int8ub,
    ChunkType.CAPTURE_ID:        Int32ub,
    ChunkType.AUTH_KEY:          TEXT,
    ChunkType.PAYLOAD:           GreedyBytes,
    ChunkType.CORRELATION_ID:    TEXT,
    ChunkType.NODE_NAME:         TEXT,
    ChunkType.MOS:               Int16ub,
}
# fmt: on
"""The body of each chunk that has a field in `Message`. Any other chunk is octets."""

HEADER_FIELD = Int16ub
"""Each of the three numbers before a chunk's body: vendor id, type id, length."""

CHUNK_HEADER_LENGTH = 3 * HEADER_FIELD.sizeof()
HEADER_LENGTH = len(MAGIC) + Int16ub.sizeof()


def _including(header_length: int) -> Construct[Any, Any]:
    """A length field that also counts the `header_length` octets before the data."""
    return ExprAdapter(HEADER_FIELD, decoder=obj_ - header_length, encoder=obj_ + header_length)


def _whole(body: Construct[Any, Any]) -> Construct[Any, Any]:
    """A body that has to fill its chunk: an integer with octets left over is an error."""
    return FocusedSeq("value", "value" / body, Terminated)


FILLED = {int(chunk_type): _whole(body) for chunk_type, body in BODIES.items()}
"""`BODIES`, each of which has to fill its chunk."""


CHUNK = Struct(
    "vendor_id" / HEADER_FIELD,
    "type_id" / HEADER_FIELD,
    "body"
    / Prefixed(
        _including(CHUNK_HEADER_LENGTH),
        Switch(
            lambda context: (context.vendor_id, context.type_id),
            {(0, chunk_type): body for chunk_type, body in FILLED.items()},
            default=GreedyBytes,
        ),
    ),
)

HEP3 = FocusedSeq(
    "chunks",
    "magic" / Const(MAGIC),
    "chunks" / Prefixed(_including(HEADER_LENGTH), FocusedSeq("list", "list" / GreedyRange(CHUNK), Terminated)),
    Terminated,  # GreedyRange stops at what it can't parse: without this, a corrupt chunk would look like the end
)

IPV6_FAMILIES = (IpFamily.IPV6, 28, 30)
"""AF_INET6 of Linux, FreeBSD and macOS: HEP1 and HEP2 carry the family as the sender's system has it."""

HEP12 = Struct(
    "version" / Int8ub,
    "length" / Int8ub,
    "family" / Int8ub,
    "ip_protocol" / Int8ub,
    "src_port" / Int16ub,
    "dst_port" / Int16ub,
    "addresses"
    / Switch(
        this.family, {IpFamily.IPV4: Array(2, IPV4), **dict.fromkeys(IPV6_FAMILIES, Array(2, IPV6))}, default=Error
    ),
)
"""The whole header of HEP1, and the header of HEP2 without its time."""

HEP2_TIMES = (
    Struct("seconds" / Int32ul, "micros" / Int32ul, "capture_id" / Int16ul),
    Struct("seconds" / Int32ub, "micros" / Int32ub, "capture_id" / Int16ub),
)
"""The rest of the header of HEP2: a C struct in the byte order of the sender. C fills it up with two octets."""
