"""
Messages of FreeSWITCH's log -> lines in the log of their call (protocol type 100).

Rules:
1. A line is filed under the Call-ID of its leg, and waits for it as other records do, but takes half of the room at
   most: it must not cost a report its place.
2. A leg that is not known yet is waited for: its first lines are written before its CHANNEL_CREATE is seen.
3. So many lines per leg; what is not sent is counted by reason.
4. The text is foreign: escaped, cut, without secrets and dialled digits.
5. Our own lines never come back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Callable, Optional

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.legs import Legs
from fs_hepipe.calls.record import Record
from fs_hepipe.calls.waiting import MAX_PER_LEG, MAX_WAITING
from fs_hepipe.hep.registry import ProtocolType
from fs_hepipe.reports.custom import Custom
from fs_hepipe.reports.datagrams import Datagrams
from fs_hepipe.reports.log_line import LEVELS, LogLine
from fs_hepipe.reports.order import LATEST
from fs_hepipe.words import names
from fs_hepipe.words.counters import Counts
from fs_hepipe.words.event import Get
from fs_hepipe.words.log_text import log_text_without_secrets
from fs_hepipe.words.settings import Settings
from fs_hepipe.words.text import quoted, shown, to_json

MAX_SHOWN = 2_000
"""Characters of a message that are sent: mod_logfile itself cuts a line there."""

PATIENCE = 2.0
"""Seconds that a line waits for its leg to become known."""

MAX_EARLY = 1_024
"""Lines that wait for their legs."""

OWN = "fs_hepipe: "
"""How our own lines begin (switch.console)."""

AskForMore = Callable[[str, Optional[int]], None]
"""Says which level the channel of a Unique-ID wants, as a number; None when it has ended."""


class LogLines:
    """What becomes of the lines of the log."""

    def __init__(self, counts: Counts[str], legs: Legs, datagrams: Datagrams) -> None:
        self.ask_for_more: AskForMore = lambda _unique_id, _level: None
        self._counts = counts
        self._legs = legs
        self._datagrams = datagrams
        self._early: deque[tuple[float, LogLine]] = deque()

    @property
    def early(self) -> int:
        """How many lines wait for their leg."""
        return len(self._early)

    def learn(self, name: str, unique_id: str, get: Get) -> None:
        """What an event tells of the lines that its leg wants."""
        if name == names.CHANNEL_DESTROY:
            self.ask_for_more(unique_id, None)
            return
        level = LEVELS.get((get(names.LOG_LEVEL) or "").strip().upper())
        if level is not None:
            self.ask_for_more(unique_id, level)

    def take(self, lines: Iterable[LogLine], settings: Settings, switch_name: str, now: float) -> None:
        """Lines that have been read, and those that wait."""
        waiting, self._early = self._early, deque()
        for due, line in waiting:
            self._one(line, settings, switch_name, now, due)
        for line in lines:
            self._one(line, settings, switch_name, now, now + PATIENCE)

    def finish(self) -> None:
        """The agent stops: what still waits for its leg is counted."""
        self._counts["unknown_leg"] += len(self._early)
        self._early.clear()

    def _one(self, line: LogLine, settings: Settings, switch_name: str, now: float, due: float) -> None:
        counts = self._counts
        leg = self._legs.find(line.unique_id)
        if (leg is None and line.unique_id is not None) or not switch_name:
            if due <= now:
                counts["unknown_leg"] += 1
            elif len(self._early) >= MAX_EARLY:
                counts["no_room_to_wait"] += 1
            else:
                self._early.append((due, line))
            return
        if leg is None:
            if line.text.startswith(OWN):
                counts["own"] += 1
                return
        elif leg.log_lines >= settings.log_lines_per_call:
            counts["per_call"] += 1
            return
        elif leg.held is not None and (
            len(leg.held) >= MAX_PER_LEG // 2 or self._legs.waiting.count >= MAX_WAITING // 2
        ):
            counts["no_room_to_wait"] += 1
            return
        counts["reported"] += 1
        record = Record(
            _time(line, leg),
            ProtocolType.LOG,
            _payload(line, leg, settings),
            received=False,
            is_logged=True,
            lacks_call_id=leg is not None,
        )
        if leg is None:
            self._datagrams.emit_apart(Custom(record, f"{switch_name}/log", None), now)
        else:
            leg.log_lines += 1
            self._datagrams.emit(leg, (record,), now)


def _time(line: LogLine, leg: Optional[Leg]) -> int:
    """
    The line's own time. As that of an event it is up to `LATEST` too early (`reports.order`); that it is not before the
    first line of its leg, and so not before its INVITE, is all that is certain.
    """
    if leg is not None and line.timestamp < leg.first_at <= line.timestamp + LATEST:
        return leg.first_at + 1
    return line.timestamp


def _payload(line: LogLine, leg: Optional[Leg], settings: Settings) -> bytes:
    text = log_text_without_secrets(line.text, masks_digits=settings.dtmf_digits == "masked")
    fields = {"text": shown(text, MAX_SHOWN)}
    if line.where:
        fields["file"] = shown(line.where)
    if leg is not None:
        if leg.channel:
            fields["channel"] = shown(leg.channel)
        fields["leg"] = shown(leg.unique_id)
    if settings.call_log_format != "text":
        return to_json({"event": line.level, **fields})
    return " ".join([line.level, *(f"{key}={quoted(value)}" for key, value in fields.items())]).encode()
