"""`replay`: recorded events through the agent to a collector."""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from fs_hepipe.agent.config import Config
from fs_hepipe.agent.loop import Agent
from fs_hepipe.agent.status import status
from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.collector import SENT
from fs_hepipe.delivery.group import Destination, all_addresses
from fs_hepipe.delivery.resolve import lookup
from fs_hepipe.tools.check import add_settings, read
from fs_hepipe.tools.moved import moved
from fs_hepipe.tools.output import Progress, complain, named, say
from fs_hepipe.tools.playback import Playback, play
from fs_hepipe.tools.recorded import Fault, events
from fs_hepipe.tools.recorded_log import RecordedLog
from fs_hepipe.words.errors import TransportError
from fs_hepipe.words.event import RecordedEvent

PROGRESS = 0.5
"""Seconds between two updates of the progress line."""

MIN_SPEED = 0.001
"""Seconds of the recording per second: a pause of a minute becomes most of a day."""

MAX_SHOWN_FAULTS = 100
"""Faults that are shown one by one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="recorded events, .jsonl or .jsonl.gz; - is stdin")
    parser.add_argument("--collector", action="append", default=[], metavar="udp:HOST:PORT", help="may be given again")
    parser.add_argument("--log", metavar="FILE", help="the switch's log of the same time, .log or .gz; - is stdin")
    parser.add_argument("--config", type=Path, metavar="FILE", help="fs_hepipe.conf.xml (default: the defaults)")
    add_settings(parser)
    parser.add_argument(
        "--speed", type=speed, default=None, metavar="N|max",
        help="seconds of the recording in one second, at least 0.001 (default: max)",
    )  # fmt: skip
    parser.add_argument(
        "--times", choices=("now", "recorded"), default="now",
        help="now: as if each recording began now, as Homer stores nothing that is older than yesterday (default)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="the last line is a JSON object with ledger and counters")


def speed(text: str) -> Optional[float]:
    """A positive number, or None for `max`."""
    if text == "max":
        return None
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not MIN_SPEED <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a positive number nor max")
    return number


class Recording:
    """The events of several files, one after the other. Lines that are not events are shown on stderr and counted."""

    def __init__(self, files: list[str], *, moves: bool = False) -> None:
        """
        Args:
            files: their names, `-` is standard input.
            moves: whether each recording begins now, or where the one before ended.
        """
        self.faults = 0
        self.done = 0
        """Octets of the files that were read."""
        self._before = 0
        self._files = files
        self._moves = moves

    @property
    def size(self) -> Optional[int]:
        """Octets of all files; None if that is not known."""
        try:
            return sum(Path(file).stat().st_size for file in self._files)
        except (OSError, ValueError):
            return None

    def _told(self, octets: int) -> None:
        self.done = self._before + octets

    def __iter__(self) -> Iterator[RecordedEvent]:
        last = 0.0
        for file in self._files:
            self._before = self.done
            for event in moved(self._events(file), last) if self._moves else self._events(file):
                last = max(last, event.time)
                yield event

    def _events(self, file: str) -> Iterator[RecordedEvent]:
        try:
            for found in events(file, self._told):
                if isinstance(found, Fault):
                    self._fault(str(found))
                else:
                    yield found
        except OSError as error:
            self._fault(f"{named(file)}: {error.strerror}")

    def _fault(self, text: str) -> None:
        self.faults += 1
        if self.faults <= MAX_SHOWN_FAULTS:
            complain(f"error: {text}")
        elif self.faults == MAX_SHOWN_FAULTS + 1:
            complain("error: there are more, which are counted only")


class Watched:
    """Shows how far a replay is, twice a second."""

    def __init__(self, recording: Recording) -> None:
        self.playback: Optional[Playback] = None
        self._recording = recording
        self._progress = Progress("events", recording.size)
        self._next = time.monotonic() + PROGRESS

    def __call__(self) -> None:
        now = time.monotonic()
        if self.playback is not None and now >= self._next:
            self._next = now + PROGRESS
            self._progress.show(self._recording.done, self.playback.read)

    def clear(self) -> None:
        """Takes it away."""
        self._progress.clear()


def run(args: argparse.Namespace) -> int:
    settings = [*args.settings, *(f"capture-server={each}" for each in args.collector)]
    config, problems = read(args.config, ["report-log-lines=yes", *settings] if args.log else settings)
    try:
        config = _resolved(config)
    except TransportError as error:
        problems.append(str(error))
    try:
        log = RecordedLog(args.log) if args.log else None
    except (OSError, ValueError) as error:
        problems.append(f"{named(args.log)}: {getattr(error, 'strerror', None) or error}")
    if problems:
        for problem in problems:
            complain(f"error: {problem}")
        return 2
    recording = Recording(args.files, moves=args.times == "now")
    progress = Watched(recording)
    heard = log.heard(recording) if log is not None else recording
    playback = progress.playback = Playback(heard, args.speed, progress)
    began = time.monotonic()
    agent = play(config, playback, log)
    progress.clear()
    report = outcome(agent, playback, recording.faults, time.monotonic() - began)
    for line in [json.dumps(report)] if args.json else summary(report):
        say(line)
    return 0 if report["ledger"]["balances"] and not recording.faults and not report["lost"] else 1


def _resolved(config: Config) -> Config:
    """The configuration with the collectors' names resolved: a replay would end before that otherwise."""
    collectors: list[Destination] = []
    for address in all_addresses(config.collectors):
        lookup(address.host, address.port)
    for each in config.collectors:
        if isinstance(each, Address) and not each.is_stream:
            _, found = lookup(each.host, each.port)
            collectors.append(each._replace(host=str(found[0])))
        else:
            collectors.append(each)
    return dataclasses.replace(config, collectors=tuple(collectors))


def outcome(agent: Agent, playback: Playback, faults: int, seconds: float) -> dict[str, Any]:
    """The agent's status, and the figures of the replay."""
    report = status(agent)
    lost = sum(sum(each.outcomes.values()) - each.outcomes[SENT] + each.refusals for each in agent.collectors)
    return {**report, "read": playback.read, "faults": faults, "lost": lost, "seconds": round(seconds, 3)}


def summary(report: dict[str, Any]) -> list[str]:
    """The result as lines of text."""
    ledger = report["ledger"]
    received = "{received} = {mapped} mapped + {ignored} ignored + {failed} failed".format(**ledger)
    recorded = "{recorded} = {built} built + {dropped} dropped + {waiting} waiting".format(**ledger)
    lines = [
        f"read       {report['read']} events in {report['seconds']} s, {report['faults']} faults",
        f"received   {received}",
        f"records    {recorded}",
    ]
    for reason, count in {**report["events"]["failed"], **report["dropped"]}.items():
        lines.append(f"           {reason} {count}")
    if report["log_lines"] is not None:
        counts = ", ".join(f"{name} {count}" for name, count in report["log_lines"]["counts"].items())
        lines.append(f"log        {counts or 'no lines'}")
    for each in report["collectors"]:
        errors = "".join(f", {reason} {count}" for reason, count in each["errors"].items())
        lines.append(f"collector  {each['name']}: sent {each['sent']}{errors}")
        if each["refusals"]:
            lines.append(f"           nobody listens there: {each['refusals']} were refused")
    lines.append(f"ledger     {'balances' if ledger['balances'] else 'DOES NOT BALANCE'}")
    return lines
