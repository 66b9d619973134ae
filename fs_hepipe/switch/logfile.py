"""
FreeSWITCH's log file -> messages for the agent, read by a thread of its own.

Rules:
1. The thread of events never waits for the disk: it takes what this thread has read, from a bounded queue.
2. So many messages in a second; the others are counted.
3. What was there when the first agent of this FreeSWITCH began is not read. A later one goes on where the last one
   stopped: nothing is read twice.
4. A channel that asks for more than all others also gets what the log has of it so far, `LOOK_BACK` octets back.
5. Nothing that goes wrong with the file ends the thread: it is told in status, and tried again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, Callable, Optional
from xml.etree import ElementTree  # noqa: ICN001

from fs_hepipe.reports.log_line import LEVELS, LogLine, LogText, Wanted
from fs_hepipe.reports.log_time import to_utc
from fs_hepipe.switch.tail import Place, Tail
from fs_hepipe.words.counters import Counts
from fs_hepipe.words.parameters import switch
from fs_hepipe.words.settings import Settings
from fs_hepipe.words.text import describe_error, shown

POLL = 0.2
"""Seconds between two looks at a file in which nothing was written for a second."""

BUSY_POLL = 0.03
"""The same, if something was: a file that is rotated twice between two looks is lost."""

BREATH = 0.002
"""Seconds between two reads of a file that has more: other threads need Python too."""

RETRY = 5.0
"""Seconds until a file that could not be read is tried again."""

LOOK_BACK = 4_000_000
"""Octets: a second of the busiest log, an hour of a quiet one."""

LINGER = 5.0
"""Seconds that the level of a channel holds after its end: its last lines are read later than its events."""

MAX_KEPT = 2_000
"""Messages that the agent has not taken yet; channels of which the thread has not been told yet."""

ENDS_WITHIN = 1.0
"""Seconds that `close` waits for the thread."""

MAX_XML = 1_000_000
"""Characters of logfile.conf."""

UNTOLD = 200
"""Messages, none with a Unique-ID, after which status says that there ought to be."""


def named_in(xml: Optional[str], log_dir: str) -> tuple[str, str]:
    """
    The file that mod_logfile writes by its configuration (mod_logfile.c:load_profile), and what is wrong with it: the
    first one with Unique-IDs, if there is one.

    Args:
        xml: logfile.conf, None if there is none.
        log_dir: where FreeSWITCH has its logs.
    """
    if xml is None or len(xml) > MAX_XML or "<!DOCTYPE" in xml:
        return "", "FreeSWITCH has no logfile.conf: load mod_logfile, or set log-file"
    try:
        profiles = list(ElementTree.fromstring(xml).iter("profile"))
    except (ElementTree.ParseError, ValueError):
        profiles = []
    found: list[tuple[bool, str]] = []
    for profile in profiles:
        values = {each.get("name", ""): each.get("value", "") for each in profile.iter("param")}
        path = values.get("logfile") or f"{log_dir.rstrip('/')}/freeswitch.log"
        found.append((_is_true(values.get("uuid", "true")), path))
    if not found:
        return "", "logfile.conf has no profile: set log-file"
    for has_ids, path in found:
        if has_ids:
            return path, ""
    return found[0][1], f"{found[0][1]} has no Unique-IDs: set uuid=true in logfile.conf"


def _is_true(text: str) -> bool:
    try:
        return switch(text)
    except ValueError:
        return False


class LogFile:
    """The log file of this FreeSWITCH."""

    def __init__(
        self,
        find: Callable[[], tuple[str, str]],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """
        Args:
            find: returns the path that FreeSWITCH's configuration names, and what is wrong with it.
        """
        self.counts: Counts[str] = Counts()
        """`wanted` messages, and of these those `per_second` that were too many, or `not_taken` by the agent."""
        self.path = ""
        self.problem = ""
        """Why there are no lines; empty if there is no reason."""
        self._find = find
        self._clock, self._wall = clock, wall
        self._wanted = Wanted(LEVELS["WARNING"])
        self._level = self._wanted.least, False  # what the thread is to want; it alone changes `_wanted`
        self._lines: deque[LogLine] = deque()
        self._asking: deque[tuple[str, int]] = deque(maxlen=MAX_KEPT)  # a thread that hangs in a read takes none
        self._ended: deque[tuple[float, str]] = deque(maxlen=MAX_KEPT)
        self._tail: Optional[Tail] = None
        self._text = self._new_text(self._wanted)
        self._places: dict[str, Place] = {}
        self._per_second = self._allowed = 100.0
        self._refilled = self._busy_until = 0.0
        self._told = ""
        self._stops = threading.Event()
        self._thread: Optional[threading.Thread] = None

    # --- for the agent ---

    def configure(self, settings: Settings) -> None:
        """Reads by these settings from now on, or no longer."""
        if not settings.report_log_lines:
            self.close()
            self._wanted.of_leg = {}  # nobody tells which of these channels end
            return
        path, self._told = (settings.log_file, "") if settings.log_file else self._find()
        self._level = LEVELS[settings.log_lines_level.upper()], settings.log_lines_without_call
        self._per_second = float(settings.log_lines_per_second)
        if path != self.path:
            self.close()
            self.path = path
        self.problem = self._told
        if path and self._thread is None:
            self._stops = threading.Event()  # a thread that hangs in a read has another one
            self._allowed, self._refilled = self._per_second, self._clock()
            self._tail = Tail(path, self._places.get(path))
            arguments = self._tail, self._stops
            thread = threading.Thread(target=self._run, args=arguments, name="fs_hepipe log file", daemon=True)
            thread.start()
            self._thread = thread

    def take(self) -> list[LogLine]:
        """The messages that have been read since the last time."""
        lines = []
        while self._lines:
            lines.append(self._lines.popleft())
        return lines

    def ask_for_more(self, unique_id: str, level: Optional[int]) -> None:
        """A channel wants another level than all others; None: it has ended."""
        if self._thread is None:
            return
        if level is None:
            self._ended.append((self._clock() + LINGER, unique_id))
        else:
            self._asking.append((unique_id, level))

    def report(self) -> dict[str, Any]:
        """For status."""
        tail = self._tail
        return {
            "file": self.path,
            "problem": self.problem,
            "counts": {**self._text.counts, **self.counts},
            "rotations": tail.rotations if tail else 0,
            "truncations": tail.truncations if tail else 0,
            "octets_skipped": tail.skipped if tail else 0,
            "to_take": len(self._lines),
        }

    def close(self) -> None:
        """Stops reading; a later `configure` goes on from here."""
        thread, self._thread = self._thread, None
        self._stops.set()
        if thread is not None:
            thread.join(ENDS_WITHIN)

    def hand_over(self) -> dict[str, Any]:
        """What the log file of the next version goes on with, after `close`; the keys are stable."""
        places = {path: tuple(place) for path, place in self._places.items()}
        return {"places": places, "channels": dict(self._wanted.of_leg)}

    def inherit(self, left: dict[str, Any]) -> None:
        """Goes on where the log file of the version before stopped, before the first `configure`."""
        self._places = {path: Place(*place) for path, place in left["places"].items()}
        for leg, level in left["channels"].items():
            self._wanted.set_leg(leg, level)

    # --- the thread ---

    def _run(self, tail: Tail, stops: threading.Event) -> None:
        pause = 0.0
        while not stops.wait(pause):
            pause = self._look(tail)
        tail.close()
        if tail.place is not None and self._tail is tail:
            self._places = {tail.path: tail.place}

    def _look(self, tail: Tail) -> float:
        """One read; returns the seconds until the next one."""
        try:
            if self._level != (self._wanted.least, self._wanted.without_leg):
                self._wanted.set(self._level[0], without_leg=self._level[1])
            while self._asking:
                self._change(tail, *self._asking.popleft())
            while self._ended and self._ended[0][0] <= self._clock():
                self._change(tail, self._ended.popleft()[1], None)
            octets, begins = tail.read()
            if self._tail is not tail:  # it took so long that another thread reads by now
                return 0.0
            if begins:
                self._keep(self._text.restart())
            self._keep(self._text.feed(octets) if octets else self._text.pause())
        except OSError as error:
            self.problem = f"{shown(tail.path)}: {shown(error.strerror or 'cannot be read')}"
            return RETRY
        except Exception as error:  # a fault of ours must not end the thread
            self.problem = describe_error(error)
            return RETRY
        counts = self._text.counts
        without = not counts["with_leg"] and counts["without_leg"] >= UNTOLD
        self.problem = self._told or (
            f"{shown(tail.path)} has no Unique-IDs: set uuid=true in logfile.conf" if without else ""
        )
        now = self._clock()
        if octets:
            self._busy_until = now + 1.0
            return BREATH
        return BUSY_POLL if now < self._busy_until else POLL

    def _change(self, tail: Tail, unique_id: str, level: Optional[int]) -> None:
        leg = unique_id.encode("utf-8", "surrogateescape")
        least = self._wanted.of_leg.get(leg, self._wanted.least)
        if self._wanted.set_leg(leg, level) and level is not None and level > least:
            self._look_back(tail, leg, level, least)

    def _look_back(self, tail: Tail, leg: bytes, level: int, least: int) -> None:
        """What the file has of a channel already, and what of that was not wanted before."""
        only = Wanted(-1)
        only.set_leg(leg, level)
        octets = tail.before(LOOK_BACK)
        begin = b"\n" + leg + b" "
        lines, place = [], octets.find(begin)
        while place >= 0:
            end = octets.find(b"\n", place + 1)
            lines.append(octets[place + 1 : end + 1 if end >= 0 else len(octets)])
            place = octets.find(begin, end) if end >= 0 else -1
        text = self._new_text(only)
        found = [*text.feed(b"".join(lines)), *text.pause()]
        self._keep([line for line in found if LEVELS[line.level] > least])

    def _keep(self, found: list[LogLine]) -> None:
        if not found:
            return
        now = self._clock()
        self._allowed = min(self._per_second, self._allowed + (now - self._refilled) * self._per_second)
        self._refilled = now
        for line in found:
            self.counts["wanted"] += 1
            if self._allowed < 1.0:
                self.counts["per_second"] += 1
            elif len(self._lines) >= MAX_KEPT:
                self.counts["not_taken"] += 1
            else:
                self._allowed -= 1.0
                self._lines.append(line)

    def _new_text(self, wanted: Wanted) -> LogText:
        return LogText(wanted, lambda local: to_utc(local, self._wall()))
