"""
What all collectors have in common: a name, and the ledger of what became of their messages.

    offered == sent + buffered + spooled + each reason of loss      messages, since the collector was configured

What an earlier run has left on disk (`recovered`) is in addition to what was offered.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import NamedTuple, Optional

from fs_hepipe.delivery.settings import Delivery
from fs_hepipe.words.counters import Counts
from fs_hepipe.words.text import describe_error

SENT = "sent"
ERROR = "error"


class LastError(NamedTuple):
    """The error that came last."""

    text: str
    time: float
    """Seconds, of the agent's wall clock."""


def local_time(wall: float) -> str:
    """A time as an operator is told it: `2024-03-01 12:00:00`, of the zone of this machine."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wall))


class Collector(ABC):
    """One collector, by the name it was configured with."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.offered = 0
        """Messages that were to be sent."""
        self.outcomes: Counts[str] = Counts()
        """Messages by what became of them: sent, or the reason why not."""
        self.octets = 0
        """Octets sent."""
        self.answers: Counts[str] = Counts()
        """What was answered to datagrams that have been counted as sent, by outcome."""
        self.refusals = 0
        """Those that said that nobody listens."""
        self.last_error: Optional[LastError] = None
        self.reported_error: Optional[LastError] = None
        """The error that was logged last."""

    @property
    @abstractmethod
    def buffered(self) -> int:
        """Messages that wait in memory."""

    @property
    def spooled(self) -> int:
        """Messages that wait on disk."""
        return 0

    @property
    def recovered(self) -> int:
        """Messages that an earlier run has left on disk."""
        return 0

    @property
    @abstractmethod
    def state(self) -> str:
        """What it does now, in a few words."""

    @property
    @abstractmethod
    def is_up(self) -> bool:
        """Whether messages can be sent now, as far as that is known."""

    @property
    @abstractmethod
    def is_lost(self) -> bool:
        """Whether it has been tried and does not work: what is spread goes elsewhere."""

    @property
    @abstractmethod
    def hint(self) -> Optional[str]:
        """Why nothing arrives there, or why that may be; None if nothing is known to be wrong."""

    @abstractmethod
    def send(self, message: bytes, wall: float) -> None:
        """Sends a message or keeps it, without waiting, and never raises; `wall` is seconds since 1970."""

    @abstractmethod
    def poll(self, now: float, wall: float) -> None:
        """Does what depends on time alone, without waiting; `now` is a steady clock, in seconds."""

    @abstractmethod
    def look_up(self) -> None:
        """Lets the next `poll` look up its name, whenever that was done last."""

    @abstractmethod
    def configure(self, settings: Delivery) -> None:
        """Uses other settings."""

    @abstractmethod
    def close(self) -> None:
        """Begins to end it, without waiting: what still waits is sent, or dropped and counted."""

    @abstractmethod
    def join(self) -> bool:
        """Waits until it has ended, two seconds at most; False if it has not."""

    def lose(self, error: Exception, wall: float) -> None:
        """Counts a message that `send` has not taken, which is a fault of ours."""
        self.outcomes[ERROR] += 1
        self.last_error = LastError(describe_error(error), wall)

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return True

    @property
    def balances(self) -> bool:
        """Whether each message that was offered is accounted for."""
        waiting = self.buffered + self.spooled
        return self.offered + self.recovered == sum(self.outcomes.values()) + waiting

    def take_error(self) -> Optional[str]:
        """The error that came last, once."""
        if self.last_error is self.reported_error:
            return None
        self.reported_error = self.last_error
        return self.last_error.text if self.last_error is not None else None
