r"""
The octets of FreeSWITCH's log file -> its messages, each with the Unique-ID of the channel that it is about.

How mod_logfile writes with `uuid=true` (mod_logfile.c:process_node, the same in 1.10.12 and 1.11.2, measured):

    <Unique-ID> 2026-11-26 19:07:31.319818 86.83% [ERR] mod_dptools.c:1865 the text
    <Unique-ID> the next line of the same message

1. A message without a channel has no Unique-ID before its lines; with `uuid=false` none has.
2. A line with a Unique-ID is cut after 2,047 octets, its end of line too: the next message follows on the same line.
3. mod_logfile undoes `\n` in a text when it splits it into lines (switch_utils.c:cleanup_separated_string), and only
   the first 100 lines get the Unique-ID: a line may be whatever a caller wrote, from its first octet. So a line belongs
   to a message only if it begins with the Unique-ID of that message, right behind it. What begins like a message of
   another channel is one, forged or not: to forge it, the Unique-ID of a channel that lives has to be known.
4. EXECUTE and what the dialplan tells have no time and no level of their own: they get the time of the message before,
   and the level that the C code gives them.
"""

from __future__ import annotations

import re
from typing import Callable, NamedTuple, Optional

from fs_hepipe.reports.log_time import local_time
from fs_hepipe.words.counters import Counts

LEVELS = {name: number for number, name in enumerate("CONSOLE ALERT CRIT ERR WARNING NOTICE INFO DEBUG".split())}
"""switch_log.c:LEVELS; the lower the number, the graver."""

CUT_AFTER = 2_047
"""Octets of a line with a Unique-ID (mod_logfile.c:process_node, buf[2048])."""

MAX_LINE = 16_384
"""Octets of a line that are kept; the rest is skipped."""

MAX_TEXT = 8_192
"""Octets of a message that are kept: four times as many as are shown."""

MAX_ASKING = 256
"""Channels that want another level than all others."""

_PREFIX = rb"(?:(?P<leg>[^\s\x1b]{1,256}) )?"
match_head = re.compile(
    _PREFIX
    + rb"(?P<minute>\d{4}-\d\d-\d\d \d\d:\d\d):(?P<seconds>\d\d)\.(?P<micros>\d{6}) (?:\d{1,3}\.\d\d% )?"
    + rb"\[(?P<level>CONSOLE|ALERT|CRIT|ERR|WARNING|NOTICE|INFO|DEBUG)\] "
    + rb"(?P<file>[^\s:]{1,128}):(?P<line>\d{1,9}) ?(?P<text>.*)",
    re.DOTALL,
).match
"""The first line of a message."""
_without_time = re.compile(
    rb"(?P<leg>[^\s\x1b]{1,256}) (?P<text>(?P<kind>EXECUTE \[depth=|Dialplan: ).*)", re.DOTALL
).match
_WITHOUT_TIME = {b"EXECUTE [depth=": "INFO", b"Dialplan: ": "DEBUG"}
"""switch_core_session.c:switch_core_session_exec, mod_dialplan_xml.c:parse_exten."""
_colours = re.compile(rb"\A(?:\x1b\[[0-9;]*m)+|(?:\x1b\[[0-9;]*m)+\Z").sub


class LogLine(NamedTuple):
    """One message of FreeSWITCH's log."""

    unique_id: Optional[str]
    """Of the channel that it is about."""
    timestamp: int
    """When FreeSWITCH's clock said that it happened, microseconds since 1970 UTC."""
    level: str
    """FreeSWITCH's word, `WARNING`."""
    where: str
    """File and line of the C code, `mod_dptools.c:1865`; empty if it does not tell."""
    text: str
    """As it is, its lines with `\\n` between them; octets that are not UTF-8 are surrogates (PEP 383)."""


class _Message:
    """A message whose lines are being read."""

    __slots__ = ("leg", "level", "text", "time", "where")

    def __init__(self, leg: Optional[bytes], time: int, level: str, where: bytes, text: bytes) -> None:
        self.leg, self.time, self.level, self.where, self.text = leg, time, level, where, text


Search = Callable[[bytes, int, int], Optional[re.Match[bytes]]]


class Wanted:
    """Which messages are wanted. One thread may change it while another one reads by it."""

    def __init__(self, least: int, *, without_leg: bool = False) -> None:
        self.without_leg = without_leg
        """Whether those without a channel are wanted too."""
        self.least = least
        """The number of the level that is the least of all channels' messages."""
        self.of_leg: dict[bytes, int] = {}
        """The same number for channels that want another, by Unique-ID; replaced as a whole."""
        self._search: Optional[Search] = None
        self._is_stale = True

    def set(self, least: int, *, without_leg: bool) -> None:
        """The level of all channels."""
        self.least, self.without_leg = least, without_leg
        self._is_stale = True

    def set_leg(self, leg: bytes, level: Optional[int]) -> bool:
        """The level of one channel, None: that of all. Whether it is another one than before."""
        before = self.of_leg.get(leg)
        if before == level or (level is not None and len(self.of_leg) >= MAX_ASKING):
            return False
        others = {each: number for each, number in self.of_leg.items() if each != leg}
        self.of_leg = others if level is None else {**others, leg: level}
        self._is_stale = True
        return True

    def __call__(self, leg: Optional[bytes], level: int) -> bool:
        """Whether a message of this Unique-ID and level is wanted."""
        if leg is None:
            return self.without_leg and level <= self.least
        return level <= self.of_leg.get(leg, self.least)

    @property
    def search(self) -> Optional[Search]:
        """
        Finds a place in the next line that may be wanted; None if each line may be: most lines are debug messages that
        nobody wants, and a search of C skips them. It is compiled when it is needed, not for each channel: of 256
        channels it takes 7 ms.
        """
        if self._is_stale:
            self._is_stale = False
            self._search = self._compiled()
        return self._search

    def _compiled(self) -> Optional[Search]:
        grave = b"|".join(name.encode() for name in list(LEVELS)[: self.least + 1])
        legs = b"".join(b"|" + re.escape(leg) + b" " for leg in self.of_leg)
        looks_at_all = self.least >= LEVELS["INFO"]  # INFO and DEBUG have lines without a level
        return None if looks_at_all else re.compile(rb"\[(?:" + grave + rb")\] " + legs).search


class LogText:
    """The octets of one log file, as they come."""

    def __init__(self, wanted: Wanted, to_utc: Callable[[int], int]) -> None:
        """
        Args:
            to_utc: from local time to UTC; both in microseconds since 1970.
        """
        self.counts: Counts[str] = Counts()
        """
        `lines` that were read; of those that were looked at: `with_leg` and `without_leg` (messages), `strays` (lines
        of no message that can be told), `cut` (too long), `no_time` (their date is none).
        """
        self._wanted = wanted
        self._to_utc = to_utc
        self._rest = b""
        self._skips = False
        self._open: Optional[_Message] = None
        self._leg: Optional[bytes] = None  # of the message that is being read, wanted or not
        self._time: Optional[int] = None  # of the last message that had one, local

    def feed(self, octets: bytes) -> list[LogLine]:
        """The messages that have come whole with these octets; the last one is whole when the next one begins."""
        found: list[LogLine] = []
        octets = self._rest + octets
        end = octets.rfind(b"\n") + 1
        start = self._after_skipped(octets, end)
        while start < end:
            start = self._next_of_interest(octets, start, end)
            if start < end:
                line_end = octets.find(b"\n", start, end)
                found += self._lines(octets[start : min(line_end, start + MAX_LINE)])
                self.counts["cut"] += line_end - start > MAX_LINE
                start = line_end + 1
        self._rest = b"" if self._skips else octets[end:]
        if len(self._rest) > MAX_LINE:
            found += self._lines(self._rest[:MAX_LINE])
            self.counts["cut"] += 1
            self._rest, self._skips = b"", True
        return found

    def _after_skipped(self, octets: bytes, end: int) -> int:
        """Where the first line begins, behind what is left of one that was too long."""
        if not self._skips or not end:
            return 0
        self._skips = False
        return octets.index(b"\n") + 1

    def _next_of_interest(self, octets: bytes, start: int, end: int) -> int:
        """Where the next line begins that may be wanted: most are debug messages, of which nobody wants any."""
        search = self._wanted.search
        if self._open is not None or search is None:
            return start
        found = search(octets, start, end)
        begin = end if found is None else octets.rfind(b"\n", start, found.start()) + 1 or start
        skipped = octets.count(b"\n", start, begin)
        if skipped:
            self.counts["lines"] += skipped
            self._leg = None
        return begin

    def pause(self) -> list[LogLine]:
        """The last message, if nothing came for a while: mod_logfile writes all lines of one at once."""
        return self._end()

    def restart(self) -> list[LogLine]:
        """The last message, as another file begins: half a line is none."""
        found = self._end()
        self._rest, self._skips, self._leg = b"", False, None
        return found

    def _lines(self, line: bytes) -> list[LogLine]:
        """A line of the file, which may be several that were cut."""
        found: list[LogLine] = []
        while True:
            self.counts["lines"] += 1
            has_leg = self._line(line, found)
            if not has_leg or len(line) <= CUT_AFTER:
                return found
            self.counts["cut"] += 1
            line = line[CUT_AFTER:]

    def _line(self, line: bytes, found: list[LogLine]) -> bool:
        """One line. Whether it begins with a Unique-ID, and so ends after `CUT_AFTER` octets."""
        if b"\x1b" in line:
            line = _colours(b"", line)
        beginning = line[:CUT_AFTER]
        head = match_head(beginning)
        if head is not None:
            found += self._end()
            leg = self._leg = head["leg"]
            self._time = local_time(head["minute"], head["seconds"], head["micros"])
            level = head["level"].decode()
            self.counts["without_leg" if leg is None else "with_leg"] += 1
            if self._time is None:
                self.counts["no_time"] += 1
            elif self._wanted(leg, LEVELS[level]):
                text = head["text"] if leg is not None else line[head.start("text") :]
                self._open = _Message(leg, self._time, level, head["file"] + b":" + head["line"], text)
            return leg is not None
        clean = _without_time(beginning)
        if clean is not None:
            found += self._end()
            leg, level = clean["leg"], _WITHOUT_TIME[clean["kind"]]
            self._leg = leg
            if self._time is not None and self._wanted(leg, LEVELS[level]):
                self._open = _Message(leg, self._time, level, b"", clean["text"])
            return True
        if self._leg is not None and beginning.startswith(self._leg + b" "):
            if self._open is not None and len(self._open.text) <= MAX_TEXT:
                self._open.text += b"\n" + beginning[len(self._leg) + 1 :]
            return True
        found += self._end()
        self._leg = None
        self.counts["strays"] += 1
        return False

    def _end(self) -> list[LogLine]:
        message, self._open = self._open, None
        if message is None:
            return []
        text = message.text.rstrip(b"\r\n")
        if len(text) > MAX_TEXT:
            text = text[:MAX_TEXT] + "…".encode()
            self.counts["cut"] += 1
        leg = None if message.leg is None else _decoded(message.leg)
        return [LogLine(leg, self._to_utc(message.time), message.level, _decoded(message.where), _decoded(text))]


def _decoded(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")
