"""
Message -> octets, derived from the schema.

1. `chunks` defines which chunks the fields of a message become, and in which order: `HEP3.build` of them is the same
   message, slowly. The chunks in `other` come before the payload, unchanged.
2. `PACKERS` make one chunk each. They are derived from its construct: an integer becomes one `struct.Struct`, text and
   octets get a header, an adapter calls its own function first, anything else is built by construct itself.
3. The messages of a flow differ in time and payload: everything else is packed once (`Flow`), and a message is one
   `struct.Struct` over the fixed octets and the four integers that change.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial, singledispatch
from typing import Any, Callable

from fs_hepipe.hep.constructs import Adapter, Bytes, Construct, FormatField, GreedyBytes
from fs_hepipe.hep.message import Chunk, Message
from fs_hepipe.hep.registry import MAGIC, MAX_LENGTH, ChunkType, IpFamily
from fs_hepipe.hep.schema import BODIES, CHUNK_HEADER_LENGTH, HEADER_FIELD
from fs_hepipe.words.errors import HepError, TooLongError
from fs_hepipe.words.numbers import MICROS

LAYOUTS = 1024
"""Layouts that are kept, 300 octets each: one for each pair of lengths, and Call-IDs have few different lengths."""

KEPT = 1024
"""Parts of flows that are kept, 400 octets each with usual Call-IDs: enough for the calls of a moment."""

KEPT_SHARED = 512
"""What many flows share, 100 octets each: one for each protocol type, and for each MOS."""

MAX_KEPT = 512
"""Characters of a Call-ID up to which a part is kept: an attacker can send a Call-ID of 60 kB."""

MISFITS = (struct.error, OSError, UnicodeError, ValueError, TypeError)
"""What packing raises if a value does not fit its chunk."""

Packer = Callable[[Any], bytes]


# fmt: off
WHERE = {
    IpFamily.IPV4: (ChunkType.IP_FAMILY, ChunkType.IP_PROTOCOL, ChunkType.IPV4_SRC_IP, ChunkType.IPV4_DST_IP,
                    ChunkType.SRC_PORT, ChunkType.DST_PORT),
    IpFamily.IPV6: (ChunkType.IP_FAMILY, ChunkType.IP_PROTOCOL, ChunkType.IPV6_SRC_IP, ChunkType.IPV6_DST_IP,
                    ChunkType.SRC_PORT, ChunkType.DST_PORT),
}
WHEN =     (ChunkType.TIMESTAMP_SECONDS, ChunkType.TIMESTAMP_MICROS)
WHO =      (ChunkType.PROTOCOL_TYPE, ChunkType.CAPTURE_ID)
KEY =      (ChunkType.AUTH_KEY,)
NAME =     (ChunkType.NODE_NAME, ChunkType.MOS)
OPTIONAL = (*KEY, ChunkType.CORRELATION_ID, *NAME)
# fmt: on
"""
Our chunks in their order. The payload comes last: Kamailio's sipcapture reads the correlation id as a C string, which
only the leading zero octet of the next chunk ends (kamailio sipcapture/hep.c).
"""


def chunks(message: Message) -> Iterator[tuple[ChunkType, Any]]:
    """The chunks a message is made of, with their values, in our order."""
    where: tuple[Any, ...] = (
        message.ip_family, message.ip_protocol, message.src_ip, message.dst_ip, message.src_port, message.dst_port,
    )  # fmt: skip
    optional = message.auth_key, message.correlation_id, message.node_name, message.mos
    yield from zip(WHERE[where[0]], where)
    yield from zip(WHEN, divmod(message.timestamp, MICROS))
    yield from zip(WHO, (message.protocol_type, message.capture_id))
    yield from ((chunk_type, value) for chunk_type, value in zip(OPTIONAL, optional) if value is not None)
    yield ChunkType.PAYLOAD, message.payload


_pack_header = struct.Struct(">" + 3 * HEADER_FIELD.fmtstr[1:]).pack


@singledispatch
def _packer(body: Construct[Any, Any], type_id: int) -> Packer:
    """A function that packs a whole generic chunk of this type from its value."""

    def pack_built(value: Any) -> bytes:
        return pack_data(0, type_id, body.build(value))

    return pack_built


@_packer.register(FormatField)
def _(body: FormatField[Any, Any], type_id: int) -> Packer:
    whole = struct.Struct(">" + 3 * HEADER_FIELD.fmtstr[1:] + body.fmtstr[1:])
    return partial(whole.pack, 0, type_id, whole.size)


@_packer.register(Adapter)
def _(body: Adapter[Any, Any, Any, Any], type_id: int) -> Packer:
    pack = _packer(body.subcon, type_id)
    encode_value: Callable[[Any, Any, str], Any] = body._encode  # noqa: SLF001  adapters of construct are written like this

    def pack_adapted(value: Any) -> bytes:
        return pack(encode_value(value, None, ""))

    return pack_adapted


@_packer.register(Bytes)
@_packer.register(type(GreedyBytes))
def _(_body: Construct[Any, Any], type_id: int) -> Packer:
    return partial(pack_data, 0, type_id)


def pack_data(vendor_id: int, type_id: int, data: bytes) -> bytes:
    """A chunk from its octets."""
    return _pack_header(vendor_id, type_id, CHUNK_HEADER_LENGTH + len(data)) + data


PACKERS: dict[ChunkType, Packer] = {chunk_type: _packer(body, chunk_type) for chunk_type, body in BODIES.items()}
"""How each chunk type is packed; derived from `BODIES`."""


def _split(chunk_type: ChunkType) -> tuple[bytes, str]:
    """The header of a chunk of fixed width, and the struct format of its body."""
    body = BODIES[chunk_type]
    if isinstance(body, Adapter):
        body = body.subcon
    width = body.fmtstr[1:] if isinstance(body, FormatField) else f"{body.sizeof()}s"
    return _pack_header(0, chunk_type, CHUNK_HEADER_LENGTH + body.sizeof()), width


_SECONDS_HEADER, _SECONDS = _split(ChunkType.TIMESTAMP_SECONDS)
_MICROS_HEADER, _MICROS = _split(ChunkType.TIMESTAMP_MICROS)
_PAYLOAD_HEADER = _pack_header(0, ChunkType.PAYLOAD, 0)[: -HEADER_FIELD.sizeof()]  # its length varies


def _row(chunk_types: Iterable[ChunkType]) -> Callable[[Sequence[Any]], bytes]:
    """A function that packs adjacent chunks of fixed width from their values, all with one struct.Struct."""
    arguments: list[Any] = []
    adapters: list[tuple[int, Callable[[Any, Any, str], Any]]] = []
    layout = ">"
    for chunk_type in chunk_types:
        header, width = _split(chunk_type)
        arguments += (header, None)
        layout += f"{len(header)}s{width}"
        body = BODIES[chunk_type]
        if isinstance(body, Adapter):
            adapters.append((len(arguments) - 1, body._encode))  # noqa: SLF001  as in `_packer`
    pack = struct.Struct(layout).pack

    def pack_row(values: Sequence[Any]) -> bytes:
        filled = arguments[:]
        filled[1::2] = values
        for at, encode_value in adapters:
            filled[at] = encode_value(filled[at], None, "")
        return pack(*filled)

    return pack_row


_pack_where = {family: _row(chunk_types) for family, chunk_types in WHERE.items()}
_pack_who = _row(WHO)


@lru_cache(maxsize=KEPT)
def _before(family: Any, *where: Any) -> bytes:
    """The octets up to a message's time: those of `WHERE`."""
    return _pack_where[family]((family, *where)) + _SECONDS_HEADER


@lru_cache(maxsize=KEPT)
def _behind(
    protocol_type: int, capture_id: int, auth_key: Any, correlation_id: Any, node_name: Any, mos: Any, other: Any
) -> bytes:
    """The octets between a message's time and its payload: all flows of a leg share them."""
    own = b"" if correlation_id is None else PACKERS[ChunkType.CORRELATION_ID](correlation_id)
    return _before_id(protocol_type, capture_id, auth_key) + own + _behind_id(node_name, mos, other)


@lru_cache(maxsize=KEPT_SHARED)
def _before_id(protocol_type: int, capture_id: int, *key: Any) -> bytes:
    """Those before the Call-ID: all flows of a kind share them."""
    return b"".join([_pack_who((protocol_type, capture_id)), *_chosen(KEY, key)])


@lru_cache(maxsize=KEPT_SHARED)
def _behind_id(node_name: Any, mos: Any, other: tuple[Chunk, ...]) -> bytes:
    """Those behind the Call-ID: all flows share them, but for the MOS."""
    return b"".join([*_chosen(NAME, (node_name, mos)), *(pack_data(*chunk) for chunk in other), _PAYLOAD_HEADER])


def _chosen(chunk_types: Iterable[ChunkType], values: Iterable[Any]) -> Iterator[bytes]:
    """Chunks that a message may have, without those that it does not."""
    return (PACKERS[chunk_type](value) for chunk_type, value in zip(chunk_types, values) if value is not None)


@lru_cache(maxsize=LAYOUTS)
def _layout(before: int, behind: int) -> tuple[Callable[..., bytes], int]:
    """A function that packs a message up to its payload, from the octets before and behind its time; and its length."""
    length = HEADER_FIELD.fmtstr[1:]
    layout = struct.Struct(
        f">{len(MAGIC)}s{length}{before}s{_SECONDS}{len(_MICROS_HEADER)}s{_MICROS}{behind}s{length}"
    )
    return layout.pack, layout.size


class Flow:
    """
    The messages that differ only in time and payload: the other octets, about 250, are packed once.

    Raises:
        HepError: a field does not fit its chunk.
    """

    __slots__ = ("_before", "_behind", "_layout", "correlation_id")

    def __init__(self, message: Message) -> None:
        (
            _, _, protocol_type, src_ip, dst_ip, src_port, dst_port, ip_protocol,
            capture_id, correlation_id, node_name, auth_key, mos, other,
        ) = message  # fmt: skip
        try:
            pack_behind = _behind if len(correlation_id or "") <= MAX_KEPT else _behind.__wrapped__
            before = _before(message.ip_family, ip_protocol, src_ip, dst_ip, src_port, dst_port)
            behind = pack_behind(protocol_type, capture_id, auth_key, correlation_id, node_name, mos, other)
        except MISFITS as error:
            raise _misfit(chunks(message), error) from error
        self._before, self._behind, self.correlation_id = before, behind, correlation_id
        self._layout = _layout(len(before), len(behind))

    def encode(self, timestamp: int, payload: bytes) -> bytes:
        """
        The octets of the flow's message with this payload, of this time (microseconds since 1970-01-01 UTC).

        Raises:
            TooLongError: the whole does not fit 65,535 octets.
            HepError: time or payload do not fit their chunks.
        """
        octets = len(payload)
        pack, size = self._layout
        length = size + octets
        if length > MAX_LENGTH:
            raise TooLongError(f"a message of {length} octets: HEP3 carries {MAX_LENGTH}")
        seconds, micros = divmod(timestamp, MICROS)
        try:
            return pack(
                MAGIC, length,
                self._before, seconds,
                _MICROS_HEADER, micros,
                self._behind, CHUNK_HEADER_LENGTH + octets,
            ) + payload  # fmt: skip
        except MISFITS as error:
            values = (ChunkType.TIMESTAMP_SECONDS, seconds), (ChunkType.PAYLOAD, payload)
            raise _misfit(values, error) from error


def encode(message: Message) -> bytes:
    """
    The octets of a message.

    Raises:
        TooLongError: the whole does not fit 65,535 octets.
        HepError: a field does not fit its chunk.
    """
    return Flow(message).encode(message.timestamp, message.payload)


def _misfit(values: Iterable[tuple[ChunkType, Any]], error: Exception) -> HepError:
    """An error that names the first value that does not fit its chunk."""
    for chunk_type, value in values:
        try:
            PACKERS[chunk_type](value)
        except MISFITS:
            told = value[:80] if isinstance(value, (str, bytes)) else value
            return HepError(f"{chunk_type.name.lower()} {told!r:.80}: {error}")
    return HepError(f"message: {error}")
