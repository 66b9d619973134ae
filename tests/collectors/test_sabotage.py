"""
The negative controls: our own encoder, sabotaged, is caught by the judges that the table names, and by no other.
"""

from __future__ import annotations

import struct
from typing import Callable

import pytest

from fs_hepipe.hep import Chunk, ChunkType, Flow, Message, decode, parse

from .judge import Judge
from .judges import JUDGES, HepJs, KamailioChunks, KamailioStore, Sngrep, objections
from .running import Shared
from .stage import FAR_END, Stage, recorded

pytestmark = pytest.mark.collectors

NUMBERS = (ChunkType.SRC_PORT, ChunkType.DST_PORT, ChunkType.TIMESTAMP_SECONDS, ChunkType.TIMESTAMP_MICROS)
HEADER = 6
"""Octets of a chunk's header, and of a message's."""

Change = Callable[[Chunk], Chunk]


def rebuilt(
    good: bytes,
    change: Change = lambda chunk: chunk,
    *,
    chunk_header: int = HEADER,
    total_header: int = HEADER,
    order: str = ">",
) -> bytes:
    """
    A datagram of the encoder, taken apart and put together again with each chunk changed.

    Its lengths count so many octets of header, and have this byte order.
    """
    body = b""
    for parsed in parse(good):
        vendor_id, type_id, data = change(Chunk(parsed.vendor_id, parsed.type_id, parsed.data))
        body += struct.pack(">HH", vendor_id, type_id) + struct.pack(order + "H", chunk_header + len(data)) + data
    return b"HEP3" + struct.pack(order + "H", total_header + len(body)) + body


def renumbered(numbers: dict[int, ChunkType]) -> Change:
    return lambda chunk: chunk._replace(type_id=numbers.get(chunk.type_id, chunk.type_id))


def not_sabotaged(good: bytes) -> bytes:
    return rebuilt(good)


def numbers_little_endian(good: bytes) -> bytes:
    return rebuilt(good, lambda chunk: chunk._replace(data=chunk.data[::-1]) if chunk.type_id in NUMBERS else chunk)


def lengths_little_endian(good: bytes) -> bytes:
    return rebuilt(good, order="<")


def chunk_lengths_without_header(good: bytes) -> bytes:
    return rebuilt(good, chunk_header=0)


def chunk_lengths_one_too_great(good: bytes) -> bytes:
    return rebuilt(good, chunk_header=HEADER + 1)


def total_length_without_header(good: bytes) -> bytes:
    return rebuilt(good, total_header=0)


def correlation_id_in_chunk_16(good: bytes) -> bytes:
    return rebuilt(good, renumbered({ChunkType.CORRELATION_ID: ChunkType.COMPRESSED_PAYLOAD}))


def addresses_exchanged(good: bytes) -> bytes:
    source, destination = ChunkType.IPV4_SRC_IP, ChunkType.IPV4_DST_IP
    return rebuilt(good, renumbered({source: destination, destination: source}))


def capture_id_two_octets(good: bytes) -> bytes:
    def halve(chunk: Chunk) -> Chunk:
        return chunk._replace(data=chunk.data[2:]) if chunk.type_id == ChunkType.CAPTURE_ID else chunk

    return rebuilt(good, halve)


Sabotage = Callable[[bytes], bytes]
# fmt: off
CATCHES: dict[Sabotage, tuple[type[Judge], ...]] = {
    numbers_little_endian:        (KamailioStore, KamailioChunks, Sngrep, HepJs),
    lengths_little_endian:        (KamailioStore, KamailioChunks, Sngrep, HepJs),
    chunk_lengths_without_header: (KamailioStore, KamailioChunks, Sngrep, HepJs),
    chunk_lengths_one_too_great:  (KamailioStore, KamailioChunks, Sngrep, HepJs),
    addresses_exchanged:          (KamailioStore, KamailioChunks, Sngrep, HepJs),
    correlation_id_in_chunk_16:   (KamailioStore, KamailioChunks, HepJs),
    capture_id_two_octets:        (KamailioStore, KamailioChunks, HepJs),
    total_length_without_header:  (HepJs,),
}
# fmt: on


def caught_by(sabotage: Sabotage, shared: Shared, monkeypatch: pytest.MonkeyPatch) -> set[type[Judge]]:
    """The judges that object to a call told by an agent whose encoder was sabotaged."""
    meant: list[Message] = []

    encode = Flow.encode

    def sabotaged_encode(flow: Flow, timestamp: int, payload: bytes) -> bytes:
        good = encode(flow, timestamp, payload)
        meant.append(decode(good))
        return sabotage(good)

    monkeypatch.setattr(Flow, "encode", sabotaged_encode)
    judges = [shared.get(kind) for kind in JUDGES]
    stage = Stage(judges)
    stage.play(recorded("bridged_answered", dict.fromkeys(FAR_END, "192.0.2.10")))
    assert stage.faults() == []
    assert len(meant) == stage.count > 0
    return {type(judge) for judge in judges if objections(meant, judge)}


@pytest.mark.parametrize("sabotage", CATCHES, ids=lambda sabotage: str(sabotage.__name__))
def test_a_sabotaged_encoder_is_caught(shared: Shared, sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert caught_by(sabotage, shared, monkeypatch) == set(CATCHES[sabotage])


def test_an_encoder_that_was_not_sabotaged_is_not_caught(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    assert caught_by(not_sabotaged, shared, monkeypatch) == set()
