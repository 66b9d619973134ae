"""
A file that another program writes and rotates -> its octets, each once, in their order.

Rules:
1. What was in the file before is not read: the first octet is the one that is written next. Of a file that was not
   there before, everything is read.
2. The path names another file (renamed and made anew): the old one is read to its end. It has no more to come once
   something stands in the new one, which is then read from its begin.
3. The file is shorter than it was, or what stood before the place is something else (copytruncate): it is read from its
   begin.
4. Only a regular file is opened, and never waited for.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import NamedTuple, Optional

MAX_READ = 65_536
"""Octets of one read."""

MARK = 64
"""Octets before the place that are compared: when a file was cut and has grown again, others stand there."""

MAX_BEHIND = 16_000_000
"""Octets that are caught up with after a pause; what is before them is skipped and counted."""


class Place(NamedTuple):
    """Where reading stopped."""

    file: tuple[int, int]
    """Device and inode."""
    offset: int
    mark: bytes
    """What stands before it."""


NOWHERE = Place((0, 0), 0, b"")
"""In no file."""


class Tail:
    """The end of a file that grows."""

    def __init__(self, path: str, place: Optional[Place] = None) -> None:
        """
        Args:
            place: where it was read to before; None: it is new.
        """
        self.path = path
        self.rotations = 0
        """How often another file was found at the path."""
        self.truncations = 0
        """How often the file was cut."""
        self.skipped = 0
        """Octets that were not read because there were too many."""
        self.place = place
        self._fd: Optional[int] = None

    @property
    def is_open(self) -> bool:
        """Whether there is a file to read."""
        return self._fd is not None

    def read(self) -> tuple[bytes, bool]:
        """
        The next octets, `MAX_READ` at most, none if there are none; and whether they do not follow those before.

        Raises:
            OSError: the file cannot be read. It may be there the next time.
        """
        begins = False
        if self._fd is None:
            begins = self._open()
        found = self._next()
        if found is None:
            return b"", True
        if not found and not begins and self._moved():
            found = self._next() or b""  # what came between the read and the look
            if not found:
                self.close()
                self.rotations += 1
                self._open()
                begins, found = True, self._next() or b""
        return found, begins

    def before(self, octets: int) -> bytes:
        """What stands before the place in this file, so many octets at most."""
        if self._fd is None or self.place is None:
            return b""
        start = max(0, self.place.offset - octets)
        return os.pread(self._fd, self.place.offset - start, start)

    def close(self) -> None:
        """Closes the file; the place is kept."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def _open(self) -> bool:
        """Opens the file; whether reading begins anywhere but where it stopped."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            self.place = self.place or NOWHERE  # all that will be in it is new
            raise
        try:
            goes_on = self._find_place(fd)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        return not goes_on

    def _find_place(self, fd: int) -> bool:
        """Where to read this file from; whether that is where it stopped."""
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        file = found.st_dev, found.st_ino
        goes_on = self.place is not None and self.place.file == file
        if self.place is None:
            self.place = Place(file, found.st_size, _mark(fd, found.st_size))
        elif not goes_on:
            self.place = Place(file, 0, b"")
        start = found.st_size - MAX_BEHIND
        if self.place.offset < start:
            self.skipped += start - self.place.offset
            self.place, goes_on = Place(file, start, _mark(fd, start)), False
        return goes_on

    def _next(self) -> Optional[bytes]:
        """The next octets; None if the file was cut."""
        fd, place = self._fd, self.place
        assert fd is not None  # noqa: S101  it was opened
        assert place is not None  # noqa: S101  as above
        if os.fstat(fd).st_size < place.offset or _mark(fd, place.offset) != place.mark:
            self.truncations += 1
            self.place = place._replace(offset=0, mark=b"")
            return None
        found = os.pread(fd, MAX_READ, place.offset)
        if found:
            self.place = Place(place.file, place.offset + len(found), (place.mark + found)[-MARK:])
        return found

    def _moved(self) -> bool:
        """Whether the path names another file, in which something stands."""
        try:
            found = Path(self.path).stat()
        except FileNotFoundError:  # the next one is not made yet
            return False
        return self.place is not None and (found.st_dev, found.st_ino) != self.place.file and found.st_size > 0


def _mark(fd: int, offset: int) -> bytes:
    start = max(0, offset - MARK)
    return os.pread(fd, offset - start, start)
