"""
The running agent: it creates and holds the inlet, the pipeline and the collectors, and runs the loop.

Rules:
1. One thread runs `run`. Other threads only set a flag, read a number, or ask for a function to be run between two
   events, when all numbers agree.
2. An exception around one event, one tick or one new configuration is counted or logged, and the loop goes on.
3. When the inlet is empty the loop rests for a moment, so that it handles several events in a row: see `REST`.
4. Ending: when asked to stop, the loop empties the inlet. After SHUTDOWN it goes on until no event came for `QUIET_MS`,
   `SHUTDOWN_GRACE` seconds at most, because FreeSWITCH hangs up the last calls after SHUTDOWN (measured).
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, Callable, Optional, Protocol

from fs_hepipe.agent.config import Config
from fs_hepipe.agent.log import LEVELS, LOGGER
from fs_hepipe.calls.profiles import EVERY_PROFILE, Question
from fs_hepipe.delivery.collectors import Collectors
from fs_hepipe.reports.bindings import bindings
from fs_hepipe.reports.log_line import LogLine
from fs_hepipe.reports.pipeline import Pipeline
from fs_hepipe.words import names
from fs_hepipe.words.counters import Counters
from fs_hepipe.words.event import Event
from fs_hepipe.words.settings import Settings
from fs_hepipe.words.text import describe_error

WAIT_MS = 500
"""How long a pop waits at most, and so how long a `stop` from fs_cli can take to be noticed."""

QUIET_MS = 300
"""After SHUTDOWN: if no event came for so long, all calls have ended."""

SHUTDOWN_GRACE = 2.0
"""Seconds after SHUTDOWN or a `stop` after which the loop ends, even if events still come."""

REST = 0.04
"""
Seconds that the loop sleeps when the queue is empty, before it waits for the next event. Each event that is waited for
wakes the thread alone, and finds the CPU's caches full of media; those that come during a rest are handled in a row, of
which the first costs three times as much as the last. Of 100 datagrams, 99 still leave within 50 ms of their event.
The times that are reported suffer little: `reports.order.happened` takes those from the stamps that are too late.
"""

BUSIEST = 100_000
"""Events per second, far more than a switch fires: a rest is so short that even these do not fill the queue."""

SENT_TOGETHER = 8
"""
Events that are handled in a row before their datagrams are sent, for the same reason. With more of them no CPU time was
saved, and each datagram left later.
"""

SHORTEST_REST = 0.001
"""Seconds: a shorter rest is none."""

TICK = 0.5
"""Seconds between two calls of `Pipeline.tick` and `Collectors.poll`."""

MAX_ASKED = 50
"""
Questions to FreeSWITCH about SIP profiles and gateways per tick. Each is asked about once, when an event names it, and
again after some minutes.
"""

REQUEST_TIMEOUT = 3.0
"""Seconds that a command of fs_cli waits for the loop."""

log = logging.getLogger(LOGGER)


class Inlet(Protocol):
    """Where events come from: `host.Inlet`, or a recording."""

    def bind(self, name: str, subclass: str = "") -> bool:
        """Binds an event; False if it can't be bound."""

    def pop(self, wait_ms: int) -> Optional[Event]:
        """The next event, None if none came within the time."""

    def close(self) -> None:
        """Ends it."""


class Log(Protocol):
    """Where the lines of FreeSWITCH's log come from: `logfile.LogFile`, or a recording."""

    def configure(self, settings: Settings) -> None:
        """Begins to read, or ends."""

    def take(self) -> list[LogLine]:
        """The lines that have come since the last time."""

    def ask_for_more(self, unique_id: str, level: Optional[int]) -> None:
        """The level that a channel wants, as a number; None: it has ended."""

    def report(self) -> dict[str, Any]:
        """What it read, for status."""

    def close(self) -> None:
        """Ends it."""


def rest(queue_length: int) -> float:
    """Seconds to rest when a queue of this length is empty."""
    seconds = min(REST, queue_length / BUSIEST)
    return seconds if seconds >= SHORTEST_REST else 0.0


class Agent:
    """Events from an inlet to the collectors of a configuration."""

    def __init__(
        self,
        config: Config,
        open_inlet: Callable[[int], Inlet],
        source: str = "its defaults",
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        remarks: Sequence[str] = (),
        *,
        log_lines: Optional[Log] = None,
        replays: bool = False,
    ) -> None:
        """
        Args:
            log_lines: where FreeSWITCH's log comes from; None: there are no lines.
            replays: its events were recorded: what the wall clock shows tells nothing of their times.
        """
        self.config = config
        self.source = source
        """Where the configuration came from, for status."""
        self.remarks = remarks
        """More hints for status, one sentence each."""
        self.started = wall()
        """Seconds since 1970."""
        self.queue_length = config.event_queue_length
        """Of the inlet; it does not change while the agent runs."""
        self.counters = Counters()
        wall_of_events = (lambda: None) if replays else wall
        self.pipeline = Pipeline(config.settings, self.counters, self._describe, wall_of_events, self._measure)
        self.log_lines = log_lines
        if log_lines is not None:
            self.pipeline.log_lines.ask_for_more = log_lines.ask_for_more
        self.collectors = Collectors()
        self._bound: dict[tuple[str, str], bool] = {}
        self.watermark = 0
        """The most events popped without a pause: how full the queue was at most."""
        self.saturated = 0
        """How often that was as many as the queue holds: if it was full, FreeSWITCH dropped events silently."""
        self.busiest_event = ("", 0.0)
        """The event that took longest, and its seconds."""
        self.running = threading.Event()
        self.ended = threading.Event()
        self._open_inlet = open_inlet
        self._clock = clock
        self._wall = wall
        self._sleep = sleep
        self._rest = rest(self.queue_length)
        self._leaving_at: Optional[float] = None
        self._is_left = False
        """The inlet is the next agent's."""
        self._wait_ms = WAIT_MS
        self._requests: deque[tuple[Callable[[], None], threading.Event]] = deque()
        self._channel: Callable[[str], Optional[Event]] = lambda _unique_id: None
        self._measured: Callable[[str], Optional[Event]] = lambda _unique_id: None
        self._sofia: Optional[Callable[[str], str]] = None
        self._questions = self.pipeline.legs.profiles.questions
        self._asked = 0
        """How many of them since the last tick."""
        self._unsent: list[bytes] = []
        """Datagrams of the row of events that is being handled."""
        self._inlet: Inlet
        """Set by `run`."""

    def stop(self) -> None:
        """Asks the loop to end."""
        self._leaving_at = self._clock() + SHUTDOWN_GRACE
        self._wait_ms = 0

    def leave(self) -> Optional[Inlet]:
        """Ends the loop, as `stop` does; its inlet stays open, for the next agent. None if there is none yet."""
        self._is_left = self.running.is_set()
        self.stop()
        return self._inlet if self._is_left else None

    def reconfigure(self, config: Config) -> bool:
        """Gives the loop another configuration and waits until it is used; False if that did not happen."""
        self.run_between_events(lambda: self._apply(config))
        return self.config is config

    def run_between_events(self, act: Callable[[], None]) -> None:
        """Lets the loop call `act` between two events, and waits until it has, for `REQUEST_TIMEOUT` at most."""
        request = act, threading.Event()
        self._requests.append(request)
        if self.ended.is_set() or not request[1].wait(REQUEST_TIMEOUT):
            with contextlib.suppress(ValueError):  # the loop has just taken it
                self._requests.remove(request)

    def run(
        self,
        channels: Callable[[], Iterable[str]] = list,
        channel: Callable[[str], Optional[Event]] = lambda _unique_id: None,
        sofia: Optional[Callable[[str], str]] = None,
        measured: Callable[[str], Optional[Event]] = lambda _unique_id: None,
    ) -> None:
        """
        Runs until `stop`, or until FreeSWITCH shuts down.

        Args:
            channels: returns the Unique-IDs of the channels that exist already.
            channel: returns one of them as an event with its variables, None if it does not exist.
            sofia: returns what FreeSWITCH says of its SIP profiles, or of the gateway that the text names.
            measured: returns a channel as `channel` does, after FreeSWITCH has written down what it counted of its
                media.
        """
        self._channel = channel
        self._measured = measured
        self._sofia = sofia
        self.pipeline.legs.profiles.can_be_asked = sofia is not None
        try:
            with self._opened() as self._inlet, closing(self.collectors):
                self._bind(self.config)
                self._configure_collectors(self.config)
                self._configure_log(self.config)
                self._ask_sofia(EVERY_PROFILE)
                self._learn(channels)  # after binding, so that events that come now wait in the inlet
                self.running.set()
                try:
                    self._loop()
                finally:
                    self._flush()
                self._take_log(self._clock())
                self._send(self.pipeline.finish())
        finally:
            with self._guarded("the end of the log file"):
                if self.log_lines is not None:
                    self.log_lines.close()
            self.ended.set()

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Inlet]:
        inlet = self._open_inlet(self.queue_length)
        try:
            yield inlet
        finally:
            if not self._is_left:
                inlet.close()

    def _learn(self, channels: Callable[[], Iterable[str]]) -> None:
        unique_ids: Iterable[str] = ()
        with self._guarded("the question for the channels"):
            unique_ids = channels()
        for unique_id in unique_ids:
            event = self._describe(unique_id)
            if event is not None:
                self._handle(event, self._clock())
                self._flush()

    def _describe(self, unique_id: str) -> Optional[Event]:
        """Asks FreeSWITCH about one channel."""
        return self._answer(self._channel, unique_id)

    def _measure(self, unique_id: str) -> Optional[Event]:
        """Asks FreeSWITCH what it has counted of one channel's media."""
        return self._answer(self._measured, unique_id)

    def _answer(self, ask: Callable[[str], Optional[Event]], unique_id: str) -> Optional[Event]:
        event: Optional[Event] = None
        with self._guarded("a question about a leg"):
            event = ask(unique_id)
        return event  # noqa: RET504  None after an exception

    def _ask_what_is_new(self) -> None:
        """Asks FreeSWITCH about SIP profiles and gateways that an event has named for the first time."""
        for question in self.pipeline.legs.profiles.take_questions(MAX_ASKED - self._asked):
            self._asked += 1
            self._ask_sofia(question)

    def _ask_sofia(self, question: Question) -> None:
        """Asks FreeSWITCH about a SIP profile or a gateway; no answer is one too."""
        answer = ""
        self._flush()
        with self._guarded("a question about a SIP profile"):
            answer = self._sofia(question.words) if self._sofia is not None else ""
        with self._guarded("the answer about a SIP profile"):
            self._send(self.pipeline.answer(question, answer, self._clock()))

    @contextlib.contextmanager
    def _guarded(self, what: str) -> Iterator[None]:
        """An exception is logged, and the next thing is done all the same."""
        try:
            yield
        except Exception as error:
            log.error(f"{what} failed: %s", describe_error(error))  # noqa: G004, TRY400  one message each; one line is shown

    def _loop(self) -> None:
        pop, clock = self._inlet.pop, self._clock
        row = 0
        now = next_tick = clock()
        while True:
            while self._requests:
                self._flush()
                self._run_request(*self._requests.popleft())
            if now >= next_tick:
                next_tick = now + TICK
                self._tick(now)
            if self._leaving_at is not None and now >= self._leaving_at:
                return
            event = pop(self._wait_ms if row == 0 else 0)
            now = clock()
            if event is not None:
                row += 1
                if row > self.watermark:  # noqa: PLR1730  max would be a call for each event
                    self.watermark = row
                now = self._handle(event, now)
                if row % SENT_TOGETHER == 0:
                    self._flush()
                if row == self.queue_length:
                    self.saturated += 1
                    log.warning("%d events in a row, as many as the queue holds: some may have been lost", row)
            elif row:
                row = 0
                self._flush()
                if self._rest and self._leaving_at is None:
                    self._sleep(self._rest)
                    now = clock()
            elif self._leaving_at is not None:
                return

    def _handle(self, event: Event, now: float) -> float:
        """
        Handles an event that was popped at `now`; returns the time when it is done. Its datagrams are sent by the next
        `_flush`, which comes before anything that may take its time.
        """
        name = ""
        try:
            name = event.getHeader(names.EVENT_NAME) or ""
            if name == names.SHUTDOWN:
                self._leaving_at = now + SHUTDOWN_GRACE
                self._wait_ms = QUIET_MS
            self._unsent += self.pipeline.handle(event, now, name)
            if self._questions:
                self._ask_what_is_new()
        except Exception as error:
            self._fail(error)
        done = self._clock()
        if done - now > self.busiest_event[1]:
            self.busiest_event = (name, done - now)
        return done

    def _fail(self, error: Exception) -> None:
        with contextlib.suppress(Exception):  # the counters themselves may be broken
            reason = type(error).__name__
            log.error(f"an event failed with {reason}: %s", describe_error(error))  # noqa: G004  one message per reason
            self.counters.failed[reason] += 1

    def _tick(self, now: float) -> None:
        self._flush()
        with self._guarded("housekeeping"):
            self._send(self.pipeline.tick(now))
        self._take_log(now)
        for error in self.pipeline.take_faults():
            log.error("housekeeping of a leg failed: %s", describe_error(error))
        self._asked = 0
        self._ask_what_is_new()
        with self._guarded("housekeeping of the collectors"):
            for problem in self.collectors.poll(now, self._wall()):
                log.warning(problem)  # not as an argument: each collector's problem is a message of its own

    def _take_log(self, now: float) -> None:
        """What FreeSWITCH has logged since the last time."""
        if self.log_lines is not None:
            with self._guarded("a line of the log"):
                lines = self.log_lines.take()
                if lines or self.pipeline.log_lines.early:
                    self._send(self.pipeline.log(lines, now))

    def _configure_log(self, config: Config) -> None:
        if self.log_lines is not None:
            with self._guarded("the log file"):
                self.log_lines.configure(config.settings)

    def _send(self, datagrams: list[bytes]) -> None:
        """Sends datagrams at once, behind those of the row of events."""
        self._unsent += datagrams
        self._flush()

    def _flush(self) -> None:
        if self._unsent:
            datagrams, self._unsent = self._unsent, []
            with self._guarded("sending"):
                self.collectors.send(datagrams, self._wall())

    def _run_request(self, act: Callable[[], None], done: threading.Event) -> None:
        try:
            act()
        except Exception as error:
            log.error("what fs_cli asked for failed: %s", describe_error(error))  # noqa: TRY400  as above
        finally:
            done.set()

    def _bind(self, config: Config) -> None:
        """
        Binds the events that a configuration needs and that are not bound yet.

        An event that is no longer needed still comes and is ignored: one event can't be unbound, and a second inlet
        would lose events or deliver them twice.
        """
        for event in [*bindings(config.settings), (names.SHUTDOWN, "")]:
            if event not in self._bound:
                self._bound[event] = self._inlet.bind(*event)
                if not self._bound[event]:
                    log.warning("the switch would not bind the event %s", " ".join(event).rstrip())

    @property
    def unbound(self) -> list[str]:
        """The events that FreeSWITCH would not bind."""
        return [" ".join(event).rstrip() for event, known in list(self._bound.items()) if not known]

    def _configure_collectors(self, config: Config) -> None:
        self.collectors.configure(config.collectors, config.delivery)

    def _apply(self, config: Config) -> None:
        """What `reconfigure` does in the loop. The length of the queue does not change until a restart."""
        self._bind(config)
        self.pipeline.reconfigure(config.settings)
        self._configure_collectors(config)
        self._configure_log(config)
        log.setLevel(LEVELS[config.log_level])
        self.config = config
