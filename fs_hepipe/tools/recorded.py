"""
Recorded events (.jsonl, .jsonl.gz, `-`) -> objects with the methods of FreeSWITCH's Event.

One JSON object per line, as `Event.serialize("json")` gives it.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, Union

from fs_hepipe.words import names
from fs_hepipe.words.event import RecordedEvent


class Fault(NamedTuple):
    """A line that is not an event."""

    source: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.reason}"


def events(source: str) -> Iterator[Union[RecordedEvent, Fault]]:
    """
    The events of a file, or of standard input for `-`, and a Fault for each line that is not one.

    Raises:
        OSError: the file can't be read.
    """
    number = 0
    with _opened(source) as lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _event(source, number, line)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            yield Fault(source, number + 1, f"the file is damaged: {error}")


def _event(source: str, number: int, line: bytes) -> Union[RecordedEvent, Fault]:
    try:
        headers = json.loads(line.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        return Fault(source, number, f"not JSON: {error}")
    if not isinstance(headers, dict) or names.EVENT_NAME not in headers:
        return Fault(source, number, f"not an event: a JSON object with {names.EVENT_NAME} is one")
    return RecordedEvent(headers)


@contextmanager
def _opened(source: str) -> Iterator[IO[bytes]]:
    if source == "-":
        yield sys.stdin.buffer
    elif source.endswith(".gz"):
        with gzip.open(source, "rb") as file:
            yield file  # type: ignore[misc]
    else:
        with Path(source).open("rb") as plain:
            yield plain
