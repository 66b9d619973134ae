"""
A recorded log file of FreeSWITCH -> the log of an agent that replays the events of the same time.

Each event tells the switch's local time (`Event-Date-Local`) beside its timestamp: so the time zone of the switch is
known, and by how much a replay moves its events.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime, timezone
from typing import IO, Any, Optional

from fs_hepipe.reports.log_line import LEVELS, LogLine, LogText, Wanted
from fs_hepipe.tools.recorded import MAX_FILE, opened
from fs_hepipe.words.counters import Counts
from fs_hepipe.words.event import RecordedEvent
from fs_hepipe.words.numbers import MICROS
from fs_hepipe.words.settings import Settings

MAX_READ = 65_536

LOCAL_TIME = "Event-Date-Local"
"""switch_event.c:switch_event_prep_for_delivery_detailed."""

MAX_UNWANTED = 20_000
"""Lines that nobody wanted and that are kept, in case their leg asks for more."""


class RecordedLog:
    """The lines of a file; each comes when the events have come as far."""

    def __init__(self, path: str) -> None:
        """
        Args:
            path: of the log; unpacked if its name ends in `.gz`.

        Raises:
            OSError: it cannot be read.
        """
        self.counts: Counts[str] = Counts()
        """`wanted` lines."""
        self.path = path
        self._files = ExitStack()
        self._file: IO[bytes] = self._files.enter_context(opened(path))
        self._octets = 0
        self._text = LogText(Wanted(LEVELS["DEBUG"], without_leg=True), lambda local: local)
        self._wanted = Wanted(LEVELS["WARNING"])
        self._read: deque[LogLine] = deque()
        self._unwanted: deque[LogLine] = deque(maxlen=MAX_UNWANTED)
        self._again: list[LogLine] = []
        self._ahead = 0  # of UTC, seconds
        self._now: Optional[int] = None  # local time of the event popped last, microseconds; None: before the first
        self._ended = False

    def heard(self, recording: Iterable[RecordedEvent]) -> Iterator[RecordedEvent]:
        """The events, which tell how late it is."""
        for event in recording:
            stamp = int(event.time * MICROS)
            told = _seconds(event.headers.get(LOCAL_TIME, ""))
            if told is not None and stamp:
                self._ahead = told - stamp // MICROS
            if stamp:
                self._now = max(self._now or 0, stamp + self._ahead * MICROS)
            yield event
        self._ended = True

    def configure(self, settings: Settings) -> None:
        """Which lines are wanted."""
        self._wanted.set(LEVELS[settings.log_lines_level.upper()], without_leg=settings.log_lines_without_call)

    def take(self) -> list[LogLine]:
        """The lines until now."""
        found, self._again = self._again, []
        while self._fill() and (self._ended or (self._now is not None and self._read[0].timestamp <= self._now)):
            line = self._read.popleft()
            leg = None if line.unique_id is None else line.unique_id.encode("utf-8", "surrogateescape")
            if self._wanted(leg, LEVELS[line.level]):
                found.append(line)
            else:
                self._unwanted.append(line)
        self.counts["wanted"] += len(found)
        return [line._replace(timestamp=line.timestamp - self._ahead * MICROS) for line in found]

    def ask_for_more(self, unique_id: str, level: Optional[int]) -> None:
        """A leg wants another level: its lines of before come too. What its level was when it ended stays."""
        leg = unique_id.encode("utf-8", "surrogateescape")
        if level is None or not self._wanted.set_leg(leg, level):
            return
        asked = [line for line in self._unwanted if line.unique_id == unique_id and LEVELS[line.level] <= level]
        self._again += asked
        for line in asked:
            self._unwanted.remove(line)

    def report(self) -> dict[str, Any]:
        """For status."""
        return {"file": self.path, "problem": "", "counts": {**self._text.counts, **self.counts}}

    def close(self) -> None:
        """Closes the file."""
        self._files.close()

    def _fill(self) -> bool:
        """Whether there is a next line; reads as much as that needs."""
        while not self._read and not self._file.closed:
            octets = self._file.read(MAX_READ)
            self._octets += len(octets)
            self._read.extend(self._text.feed(octets))
            if not octets or self._octets >= MAX_FILE:
                self._read.extend(self._text.pause())
                self._files.close()
        return bool(self._read)


def _seconds(text: str) -> Optional[int]:
    """Local time as if it were UTC, seconds since 1970; None if it is no time."""
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp())
    except ValueError:
        return None
