"""
A capture file (pcap's classic format), perhaps still growing -> its frames.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

HEADER = struct.Struct("=I20x")
RECORD = struct.Struct("=IIII")
MICROSECONDS_MAGIC = 0xA1B2C3D4


def frames(path: Path, start: int = 0) -> Iterator[tuple[int, int, int, bytes]]:
    """Each record that is whole by now, from an offset on: the offset behind it, seconds, microseconds, frame."""
    with path.open("rb") as file:
        header = file.read(HEADER.size)
        if len(header) < HEADER.size:
            return
        if HEADER.unpack(header) != (MICROSECONDS_MAGIC,):
            raise ValueError(f"{path.name} is no capture file in microseconds of this machine's byte order")
        file.seek(max(start, HEADER.size))
        while len(head := file.read(RECORD.size)) == RECORD.size:
            seconds, microseconds, length, _ = RECORD.unpack(head)
            frame = file.read(length)
            if len(frame) < length:
                return
            yield file.tell(), seconds, microseconds, frame
