"""
Message -> octets, derived from the schema.

1. `chunks` says which chunks a message's fields become and in which order: `HEP3.build` of it is the message, slowly.
   What a message keeps in `other` stands as it is before the payload.
2. `pack` makes one chunk with a packer derived from its construct: an integer becomes one `struct.Struct`, text and
   octets a header in front, an adapter its own function before that, anything else is built by construct itself.
3. What does not change from message to message of a flow is packed once and kept (`_envelope`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache, partial, singledispatch
from typing import Any, Callable, Optional

from fs_hepipe.errors import HepError, TooLongError
from fs_hepipe.hep.constructs import Adapter, Bytes, Construct, FormatField, GreedyBytes
from fs_hepipe.hep.message import Message
from fs_hepipe.hep.registry import MAGIC, MAX_LENGTH, ChunkType, IpFamily
from fs_hepipe.hep.schema import BODIES, CHUNK_HEADER_LENGTH, HEADER_FIELD, HEADER_LENGTH

ENVELOPES = 4096
"""Flows whose constant octets are kept, about 500 octets each; a flow not among them costs 5 µs more."""

MAX_KEPT = 512
"""Characters of a Call-ID whose flow is kept: 4,096 flows named by an attacker, 60 kB each, would be 500 MB."""

MICROS = 1_000_000

Packer = Callable[[Any], bytes]


def chunks(message: Message) -> Iterator[tuple[ChunkType, Any]]:
    """
    The chunks a message is made of, with their values, in our order.

    The payload comes last: Kamailio's sipcapture reads the correlation id as a C string that only the next chunk's
    leading zero octet ends (kamailio sipcapture/hep.c).
    """
    family = message.ip_family
    v6 = family == IpFamily.IPV6
    seconds, micros = divmod(message.timestamp, MICROS)
    yield ChunkType.IP_FAMILY, family
    yield ChunkType.IP_PROTOCOL, message.ip_protocol
    yield ChunkType.IPV6_SRC_IP if v6 else ChunkType.IPV4_SRC_IP, message.src_ip
    yield ChunkType.IPV6_DST_IP if v6 else ChunkType.IPV4_DST_IP, message.dst_ip
    yield ChunkType.SRC_PORT, message.src_port
    yield ChunkType.DST_PORT, message.dst_port
    yield ChunkType.TIMESTAMP_SECONDS, seconds
    yield ChunkType.TIMESTAMP_MICROS, micros
    yield ChunkType.PROTOCOL_TYPE, message.protocol_type
    yield ChunkType.CAPTURE_ID, message.capture_id
    if message.auth_key is not None:
        yield ChunkType.AUTH_KEY, message.auth_key
    if message.correlation_id is not None:
        yield ChunkType.CORRELATION_ID, message.correlation_id
    if message.node_name is not None:
        yield ChunkType.NODE_NAME, message.node_name
    if message.mos is not None:
        yield ChunkType.MOS, message.mos
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
    encode_value: Callable[[Any, Any, str], Any] = body._encode  # noqa: SLF001  construct has adapters written so

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
"""How each chunk type is packed: derived from `BODIES`, never written by hand."""

_pack_seconds = PACKERS[ChunkType.TIMESTAMP_SECONDS]
_pack_micros = PACKERS[ChunkType.TIMESTAMP_MICROS]
_pack_start = struct.Struct(f">{len(MAGIC)}s{HEADER_FIELD.fmtstr[1:]}").pack

_FIXED_LENGTH = HEADER_LENGTH + len(_pack_seconds(0)) + len(_pack_micros(0)) + CHUNK_HEADER_LENGTH


@lru_cache(maxsize=ENVELOPES)
def _envelope(rest: tuple[Any, ...]) -> tuple[bytes, bytes, int]:
    """The octets before the two time chunks, those between them and the payload, and a message's length without it."""
    message = Message(0, b"", *rest)
    packed = {chunk_type: PACKERS[chunk_type](value) for chunk_type, value in chunks(message)}
    order = list(packed)
    time, after = order.index(ChunkType.TIMESTAMP_SECONDS), order.index(ChunkType.TIMESTAMP_MICROS) + 1
    before = b"".join(packed[chunk_type] for chunk_type in order[:time])
    behind = b"".join(packed[chunk_type] for chunk_type in order[after:-1])
    behind += b"".join(pack_data(*chunk) for chunk in message.other)
    return before, behind, _FIXED_LENGTH + len(before) + len(behind)


def encode(message: Message) -> bytes:
    """
    The octets of a message.

    Raises:
        TooLongError: the whole does not fit 65,535 octets.
        HepError: a field does not fit its chunk.
    """
    try:
        envelope = _envelope if len(message.correlation_id or "") <= MAX_KEPT else _envelope.__wrapped__
        before, behind, length = envelope(message[2:])
        payload = message.payload
        length += len(payload)
        if length > MAX_LENGTH:
            raise TooLongError(f"a message of {length} octets: HEP3 carries {MAX_LENGTH}")
        seconds, micros = divmod(message.timestamp, MICROS)
        return b"".join((
            _pack_start(MAGIC, length),
            before,
            _pack_seconds(seconds),
            _pack_micros(micros),
            behind,
            _pack_header(0, ChunkType.PAYLOAD, CHUNK_HEADER_LENGTH + len(payload)),
            payload,
        ))
    except (struct.error, OSError, UnicodeError, ValueError, TypeError) as error:
        raise HepError(f"{_culprit(message) or 'message'}: {error}") from error


def _culprit(message: Message) -> Optional[str]:
    """The name and value of the first field that does not fit its chunk."""
    for chunk_type, value in chunks(message):
        try:
            PACKERS[chunk_type](value)
        except (struct.error, OSError, UnicodeError, ValueError, TypeError):
            return f"{chunk_type.name.lower()} {value!r:.80}"
    return None

