"""
Recorded events (.jsonl, .jsonl.gz, `-`) -> objects with the methods of FreeSWITCH's Event.

One JSON object per line, as `Event.serialize("json")` gives it. A file is read line by line, and no line, packed or
not, can take more memory than an event of `MAX_LINE` octets.
"""

from __future__ import annotations

import errno
import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Callable, NamedTuple, Optional, Union, cast

from fs_hepipe.tools.output import named
from fs_hepipe.words import names
from fs_hepipe.words.event import RecordedEvent

MAX_LINE = 2_000_000
"""Octets of a line; FreeSWITCH's own events have up to 14,000."""

MAX_FILE = 1_000_000_000
"""Octets of a file after unpacking: a hundred thousand events. One octet in a packed file can be a thousand."""

MAX_BARREN = 1_000
"""Lines in a row without an event: what has more is no recording."""

TELL_EVERY = 8
"""Lines after which the place in the file is told."""

MAX_REASON = 80
"""Characters of a header's name in a reason."""


class Fault(NamedTuple):
    """A line that is not an event."""

    source: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{named(self.source)}:{self.line}: {self.reason}"


class NotAnEventError(ValueError):
    """Why a line is not an event."""


def events(
    source: str, told: Callable[[int], None] = lambda _octets: None
) -> Iterator[Union[RecordedEvent, Fault]]:
    """
    The events of a file, or of standard input for `-`, and a Fault for each line that is not one.

    Args:
        source: its name.
        told: is told now and then how many octets of the file were read.

    Raises:
        OSError: the file can't be read.
    """
    number, barren = 0, 0
    with opened(source) as file:
        lines = _Lines(file)
        raw: IO[bytes] = getattr(file, "fileobj", file)  # what is packed
        has_places = raw.seekable()
        try:
            for number, line in enumerate(lines, 1):
                if has_places and number % TELL_EVERY == 0:
                    told(raw.tell())
                found = _event(source, number, line)
                if found is not None:
                    yield found
                barren = 0 if isinstance(found, RecordedEvent) else barren + 1
                if barren >= MAX_BARREN:
                    yield Fault(source, number, f"{barren} lines without an event: the rest of the file is not read")
                    return
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            yield Fault(source, number + 1, f"the file is damaged: {error}")
        if lines.left:
            yield Fault(source, number + 1, f"more than {MAX_FILE} octets: the rest of the file is not read")


class _Lines:
    """The lines of a file, None for one that is too long; at most `MAX_FILE` octets in all."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.left = False
        """Whether the file goes on behind what was read."""

    def __iter__(self) -> Iterator[Optional[bytes]]:
        octets = 0
        while True:
            line = rest = self._file.readline(MAX_LINE + 1)
            octets += len(line)
            too_long = len(line) > MAX_LINE
            while too_long and rest and not rest.endswith(b"\n") and octets <= MAX_FILE:
                rest = self._file.readline(MAX_LINE)
                octets += len(rest)
            if octets > MAX_FILE:
                self.left = True
            if not line or self.left:
                return
            yield None if too_long else line


def _event(source: str, number: int, line: Optional[bytes]) -> Union[RecordedEvent, Fault, None]:
    """The event of a line, or why there is none; None for an empty line."""
    if line is None:
        return Fault(source, number, f"a line of more than {MAX_LINE} octets")
    if not line.strip():
        return None
    try:
        return RecordedEvent(_headers(json.loads(line.decode("utf-8", "surrogateescape"))))
    except NotAnEventError as error:
        return Fault(source, number, f"not an event: {error}")
    except (ValueError, RecursionError) as error:
        return Fault(source, number, f"not JSON: {error}")


def _headers(value: Any) -> dict[str, object]:
    """
    The headers of an event: texts, and lists of texts (switch_event.c:switch_event_serialize_json_obj).

    Raises:
        NotAnEventError: these are none.
    """
    if not isinstance(value, dict) or names.EVENT_NAME not in value:
        raise NotAnEventError(f"a JSON object with {names.EVENT_NAME} is one")
    for header, content in value.items():
        if isinstance(content, list) and all(isinstance(each, str) for each in content):
            continue
        if isinstance(content, (list, dict)):
            raise NotAnEventError(f"{header[:MAX_REASON]} is neither a text nor a list of texts")
    return value


@contextmanager
def opened(source: str) -> Iterator[IO[bytes]]:
    """
    The file, unpacked.

    Raises:
        OSError: it can't be read.
    """
    if source == "-":
        if sys.stdin is None:
            raise OSError(errno.EBADF, "standard input is closed")
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            file: IO[bytes] = stack.enter_context(Path(source).open("rb"))
        except ValueError as error:  # a name that no file can have
            raise OSError(errno.EINVAL, str(error)) from error
        if source.endswith(".gz"):
            file = stack.enter_context(cast("IO[bytes]", gzip.GzipFile(fileobj=file)))
        yield file
