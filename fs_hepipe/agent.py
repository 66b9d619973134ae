"""
The one live object: it owns the inlet, the pipeline, the collectors and the loop between them.

Rules:
1. One thread runs `run`; everyone else only sets a flag or reads a number.
2. An exception around one event is counted and logged, and the next event goes on.
3. Leaving: when asked to stop, the inlet is drained; on SHUTDOWN the loop goes on until it has been quiet for
   `QUIET_MS`, `LAST_WORDS` seconds at most, because the last calls are hung up after it (measured).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from typing import Callable, Optional, Protocol

from fs_hepipe import names
from fs_hepipe.config import Config
from fs_hepipe.console import LEVELS, LOGGER, say_what
from fs_hepipe.counters import Counters
from fs_hepipe.event import Event
from fs_hepipe.pipeline import Pipeline, bindings
from fs_hepipe.transport import Collectors

WAIT_MS = 500
"""How long a pop waits: the longest a `stop` from fs_cli has to wait for us."""

QUIET_MS = 300
"""After SHUTDOWN: no event for so long means that the calls are gone."""

LAST_WORDS = 2.0
"""Seconds after SHUTDOWN or a `stop` after which we leave whatever comes."""

TICK = 0.5
"""Seconds between two looks at what time alone changes."""

PATIENCE = 3.0
"""Seconds that a caller from fs_cli waits for the loop to take a step."""

log = logging.getLogger(LOGGER)


class Inlet(Protocol):
    """Where events come from: `host.Inlet`, or a recording."""

    def bind(self, name: str, subclass: str = "") -> bool:
        """Asks for an event; False where it can't be had."""

    def pop(self, wait_ms: int) -> Optional[Event]:
        """The next event, None when there was none within the time."""

    def close(self) -> None:
        """Ends it."""


class Agent:
    """Events from an inlet to the collectors of a configuration."""

    def __init__(
        self,
        config: Config,
        open_inlet: Callable[[int], Inlet],
        source: str = "its defaults",
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.config = config
        self.source = source
        """Where the configuration came from, in a word."""
        self.started = wall()
        """Seconds since 1970."""
        self.queue_length = config.event_queue_length
        """Of the inlet, for as long as the agent lives."""
        self.counters = Counters()
        self.pipeline = Pipeline(config.settings, self.counters)
        self.collectors = Collectors()
        self._bound: dict[tuple[str, str], bool] = {}
        self.watermark = 0
        """The longest row of events popped without a pause: how full the queue was at least."""
        self.saturated = 0
        """How often that row was as long as the queue: events may have been lost before we saw them."""
        self.busiest_event = ("", 0.0)
        """The event that took longest, and its seconds."""
        self.running = threading.Event()
        self.ended = threading.Event()
        self._open_inlet = open_inlet
        self._clock = clock
        self._wall = wall
        self._leaving_at: Optional[float] = None
        self._wait_ms = WAIT_MS
        self._pending: Optional[Config] = None
        self._applied = threading.Event()

    def stop(self) -> None:
        """Asks the loop to end."""
        self._leaving_at = self._clock() + LAST_WORDS
        self._wait_ms = 0

    def reconfigure(self, config: Config) -> bool:
        """Hands the loop another configuration, and waits until it runs by it; False when that takes too long."""
        self._applied.clear()
        self._pending = config
        return self._applied.wait(PATIENCE)

    def run(self, living: Callable[[], Iterable[Event]] = list) -> None:
        """
        Runs until `stop`, or until the switch shuts down.

        Args:
            living: gives the channels that live already, each as an event with its variables.
        """
        inlet = self._open_inlet(self.queue_length)
        try:
            self._bind(inlet, self.config)
            self._configure_collectors(self.config)
            for event in living():  # after binding, so that what happens meanwhile waits in the inlet
                self._handle(event)
            self.running.set()
            self._loop(inlet)
            for datagram in self.pipeline.finish():
                self.collectors.send(datagram, self._wall())
        finally:
            inlet.close()
            self.collectors.close()
            self.ended.set()

    def _loop(self, inlet: Inlet) -> None:
        row = 0
        next_tick = self._clock()
        while True:
            event = inlet.pop(self._wait_ms if row == 0 else 0)
            now = self._clock()
            if event is not None:
                row += 1
                self._handle(event)
                if row == self.queue_length:
                    self.saturated += 1
                    log.warning("the event queue was full (%d events): some may have been lost", row)
            elif row:
                self.watermark = max(self.watermark, row)
                row = 0
            elif self._leaving_at is not None:
                return
            if self._leaving_at is not None and now >= self._leaving_at:
                return
            if now >= next_tick:
                next_tick = now + TICK
                self._tick(now)
            if self._pending is not None:
                self._apply(self._pending, inlet)

    def _handle(self, event: Event) -> None:
        began = time.perf_counter()
        try:
            if event.getHeader(names.EVENT_NAME) == names.SHUTDOWN:
                self._leaving_at = self._clock() + LAST_WORDS
                self._wait_ms = QUIET_MS
            datagrams = self.pipeline.handle(event, self._clock())
            wall = self._wall()
            for datagram in datagrams:
                self.collectors.send(datagram, wall)
        except Exception as error:
            reason = type(error).__name__
            self.counters.failed[reason] += 1
            log.error(f"an event failed with {reason}: %s", say_what(error))  # noqa: G004, TRY400  one message per reason
        took = time.perf_counter() - began
        if took > self.busiest_event[1]:
            self.busiest_event = (event.getHeader(names.EVENT_NAME) or "", took)

    def _tick(self, now: float) -> None:
        try:
            wall = self._wall()
            for datagram in self.pipeline.tick(now):
                self.collectors.send(datagram, wall)
            for complaint in self.collectors.poll(now, wall):
                log.warning("%s", complaint)
        except Exception as error:
            log.error("housekeeping failed: %s", say_what(error))  # noqa: TRY400  one line is what the console gets

    def _bind(self, inlet: Inlet, config: Config) -> None:
        """
        Asks for the events that a configuration needs and that were not asked for yet.

        One that is needed no longer keeps coming and is ignored: an event can't be unbound, and another inlet would
        lose or double what happens between the two.
        """
        for event in [*bindings(config.settings), (names.SHUTDOWN, "")]:
            if event not in self._bound:
                self._bound[event] = inlet.bind(*event)
                if not self._bound[event]:
                    log.warning("the switch would not bind the event %s", " ".join(event).rstrip())

    @property
    def unbound(self) -> list[str]:
        """The events that the switch would not bind."""
        return [" ".join(event).rstrip() for event, known in self._bound.items() if not known]

    def _configure_collectors(self, config: Config) -> None:
        self.collectors.configure((str(address), address.host, address.port) for address in config.collectors)
        for complaint in self.collectors.poll(self._clock(), self._wall()):
            log.warning("%s", complaint)

    def _apply(self, config: Config, inlet: Inlet) -> None:
        """The loop's own part of `reconfigure`. The length of the queue stays: it is the inlet's, until a restart."""
        self._bind(inlet, config)
        self.pipeline.reconfigure(config.settings)
        self._configure_collectors(config)
        log.setLevel(LEVELS[config.log_level])
        self.config = config
        self._pending = None
        self._applied.set()
