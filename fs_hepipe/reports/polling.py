"""
Asks the switch what it has counted of the media of legs of which no RTCP tells it (`qos-poll`), at a tick.
"""

from __future__ import annotations

from functools import partial
from typing import Callable, Optional

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.legs import Legs
from fs_hepipe.calls.polls import Counted, Polls
from fs_hepipe.calls.record import Record
from fs_hepipe.reports.datagrams import Datagrams
from fs_hepipe.reports.polled import counted, polled
from fs_hepipe.words import names
from fs_hepipe.words.counters import Counters
from fs_hepipe.words.event import Event, Get
from fs_hepipe.words.numbers import Lenient
from fs_hepipe.words.settings import Settings


class Polling:
    """The questions of a pipeline."""

    def __init__(
        self,
        counters: Counters,
        legs: Legs,
        datagrams: Datagrams,
        measure: Callable[[str], Optional[Event]],
        time: Callable[[Get], int],
    ) -> None:
        """
        Args:
            measure: returns a channel as an event, after the switch has written down what it counted of its media; None
                if there is no answer.
            time: returns when an event happened, microseconds.
        """
        self._counters = counters
        self._legs = legs
        self._datagrams = datagrams
        self._measure = measure
        self._time = time
        self._polls = Polls()
        self._per_second = self._every = 0
        self._types: tuple[int, ...] = ()

    def reconfigure(self, settings: Settings) -> None:
        """Other settings from now on."""
        is_wanted = settings.qos_interval > 0 and settings.report_qos_events
        self._per_second = settings.qos_poll if is_wanted else 0
        self._every, self._types = settings.qos_interval, settings.qos_type
        if not self._per_second:
            self._polls.clear()

    def add(self, leg: Leg, now: float) -> None:
        """A leg of which an event came: from now on it is asked about, if it has audio."""
        if self._per_second and leg.audio is not None:
            self._polls.add(leg, now + self._every)

    def tick(self, now: float) -> None:
        """Asks about the legs that are due. A fault of ours with one of them costs no other one its turn."""
        for leg, before in self._polls.take(now, self._per_second):
            self._datagrams.each((leg,), partial(self._ask, before=before, now=now))

    def _ask(self, leg: Leg, before: Optional[Counted], now: float) -> None:
        medium, last = leg.audio, before
        if medium is not None and medium.active and medium.received.last is None:
            answer = self._measure(leg.unique_id)
            if answer is None:
                return  # it has ended
            get, counters = answer.getHeader, self._counters
            counters.received[names.CHANNEL_DATA] += 1
            self._legs.observe(names.CHANNEL_DATA, leg.unique_id, get, now)
            statistics = Lenient(get, counters.left_out)
            last = counted(statistics, self._time(get))
            records: list[Record] = []
            if last is not None and before is not None:
                records = polled(statistics, before, last, leg, medium, self._datagrams.correlation(leg), self._types)
            if records:
                counters.mapped[names.CHANNEL_DATA] += 1
            else:
                counters.ignored["only_learned_from"] += 1
            self._datagrams.emit(leg, records, now)
        self._polls.add(leg, now + self._every, last)
