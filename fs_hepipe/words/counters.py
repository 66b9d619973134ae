"""
Counters by reason: nothing is lost without being counted here.

Two equations hold at any time; `ledger` checks them:

    received == mapped + ignored + failed          (events)
    recorded == built + dropped + waiting          (records; one event can give several)

A third one holds per collector, see `fs_hepipe.delivery.collector`.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar


class Ledger(NamedTuple):
    """The totals of both equations."""

    received: int
    mapped: int
    ignored: int
    failed: int
    recorded: int
    built: int
    dropped: int
    waiting: int

    @property
    def balances(self) -> bool:
        """Whether every event and every record is accounted for."""
        events = self.mapped + self.ignored + self.failed
        records = self.built + self.dropped + self.waiting
        return self.received == events and self.recorded == records


Key = TypeVar("Key")


class Counts(dict[Key, int]):
    """How often each thing happened. A missing key reads as 0 and is not added."""

    def __missing__(self, _key: Key) -> int:
        return 0


class Counters:
    """Counters of one agent; plain integers, written by its one thread, read by anyone."""

    def __init__(self) -> None:
        self.received: Counts[str] = Counts()
        """Events by name."""
        self.mapped: Counts[str] = Counts()
        """Events that gave at least one record, by name."""
        self.ignored: Counts[str] = Counts()
        """Events without a record, by reason."""
        self.failed: Counts[str] = Counts()
        """Events that could not be mapped, by reason."""
        self.left_out: Counts[str] = Counts()
        """Numbers that are missing in a record, by reason: no number, off its scale, contradicted by another."""
        self.log_lines: Counts[str] = Counts()
        """Lines of FreeSWITCH's log that were wanted, by what became of them; `reported` are records too."""
        self.recorded = 0
        """Records the mappers made."""
        self.built: Counts[int] = Counts()
        """Messages by protocol type."""
        self.dropped: Counts[str] = Counts()
        """Records that never became a message, by reason."""
        self.waiting = 0
        """Records that wait for their leg's Call-ID or media address."""

    def ledger(self) -> Ledger:
        """The totals as they are now."""
        return Ledger(
            received=sum(self.received.values()),
            mapped=sum(self.mapped.values()),
            ignored=sum(self.ignored.values()),
            failed=sum(self.failed.values()),
            recorded=self.recorded,
            built=sum(self.built.values()),
            dropped=sum(self.dropped.values()),
            waiting=self.waiting,
        )
