"""
Messages that wait on disk: segments of one collector, in a folder of its own.

    000001000000-128.hep      a number, which is their order, and how many messages it holds

Rules:
1. A segment is written under another name, synced and renamed: it is whole, or not there. It has a checksum: one that
   was damaged later is found out, and its messages are counted by its name.
2. A segment stays until all its messages are sent. After a crash it is sent again from its begin.
3. Only the collector's thread uses it. Whoever else looks reads its numbers.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import struct
import zlib
from collections import deque
from pathlib import Path
from typing import NamedTuple, Optional

from fs_hepipe.delivery.buffer import Block

_HEADER = struct.Struct(">8sIII")  # magic, messages, octets of data, CRC-32 of the data
_MAGIC = b"FSHEPSP1"

_NAME = re.compile(r"([0-9]{12})-([0-9]{1,9})\.hep")
_UNFINISHED = ".new"

FIRST = 1_000_000
"""The number of the first segment: there has to be room before it, see `prepend`."""


class Segment(NamedTuple):
    """One file."""

    number: int
    size: int
    """How many messages it has."""
    octets: int

    @property
    def name(self) -> str:
        return f"{self.number:012d}-{self.size}.hep"


class Spool:
    """The segments of one collector, the oldest first."""

    def __init__(self, folder: str, name: str, limit: int) -> None:
        readable = re.sub(r"[^A-Za-z0-9.-]+", "_", name)[:60]
        self.folder = Path(folder) / f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
        self.limit = limit
        """Octets that are kept at most."""
        self.count = 0
        """Messages in it."""
        self.octets = 0
        """Octets of its files."""
        self._segments: deque[Segment] = deque()
        self._first = self._next = FIRST

    def open(self) -> int:
        """
        Makes the folder, and finds what an earlier run has left. Returns how many messages were lost with a segment
        that was being written, as its name tells.

        Raises:
            OSError: the folder can't be used.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lost = 0
        for path in sorted(self.folder.iterdir()):
            found = _NAME.fullmatch(path.name.removesuffix(_UNFINISHED) if _is_unfinished(path) else path.name)
            if found is None:
                continue
            if _is_unfinished(path):
                lost += int(found[2])
                path.unlink()
                continue
            self._keep(Segment(int(found[1]), int(found[2]), path.stat().st_size))
        return lost

    def append(self, block: Block) -> None:
        """
        Writes a segment behind all others.

        Raises:
            OSError: it could not be written; nothing is left of it.
        """
        self._write(Segment(self._next, block.size, _HEADER.size + len(block.data)), block, first=False)

    def prepend(self, block: Block) -> None:
        """
        Writes a segment before all others: of messages that were taken out, and could not be sent.

        Raises:
            OSError: as above.
        """
        self._write(Segment(self._first - 1, block.size, _HEADER.size + len(block.data)), block, first=True)

    def take(self) -> tuple[Segment, Optional[list[bytes]]]:
        """Takes the oldest segment out; its file stays until `remove`. None for its messages, if it is damaged."""
        segment = self._segments.popleft()
        self.count -= segment.size
        self.octets -= segment.octets
        try:
            octets = (self.folder / segment.name).read_bytes()
            magic, count, size, checksum = _HEADER.unpack_from(octets)
            data = octets[_HEADER.size :]
            if (magic, count, size, checksum) != (_MAGIC, segment.size, len(data), zlib.crc32(data)):
                return segment, None
            return segment, Block(count, data).messages()
        except (OSError, struct.error, ValueError):
            return segment, None

    def remove(self, segment: Segment) -> None:
        """Removes the file of a segment that was taken out."""
        with contextlib.suppress(OSError):  # it is sent again, when an agent finds it
            (self.folder / segment.name).unlink()

    def drop_oldest(self) -> int:
        """Removes the oldest segment. Returns how many messages it had."""
        segment = self._segments.popleft()
        self.count -= segment.size
        self.octets -= segment.octets
        self.remove(segment)
        return segment.size

    def _write(self, segment: Segment, block: Block, *, first: bool) -> None:
        unfinished = self.folder / (segment.name + _UNFINISHED)
        header = _HEADER.pack(_MAGIC, block.size, len(block.data), zlib.crc32(block.data))
        try:
            with unfinished.open("wb") as file:
                file.write(header + block.data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(self.folder / segment.name)
        except OSError:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
        self._keep(segment, first=first)

    def _keep(self, segment: Segment, *, first: bool = False) -> None:
        if first:
            self._segments.appendleft(segment)
        else:
            self._segments.append(segment)
        self._first, self._next = min(self._first, segment.number), max(self._next, segment.number + 1)
        self.count += segment.size
        self.octets += segment.octets


def _is_unfinished(path: Path) -> bool:
    return path.name.endswith(_UNFINISHED)
