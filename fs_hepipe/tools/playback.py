"""
Recorded events as the inlet of an agent: bound events are popped, with the times of the recording, at any speed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Callable, Optional

from fs_hepipe.agent.config import Config
from fs_hepipe.agent.loop import Agent, Log
from fs_hepipe.words import names
from fs_hepipe.words.event import Event, RecordedEvent

LONGEST_SILENCE = 60.0
"""The longest pause between two events, in seconds of the recording; a longer one lies between two recordings."""


class Playback:
    """An inlet that pops recorded events, and a clock that shows their time."""

    def __init__(
        self,
        recording: Iterable[RecordedEvent],
        speed: Optional[float] = None,
        before_pop: Callable[[], None] = lambda: None,
    ) -> None:
        """
        Args:
            recording: the events in their order.
            speed: seconds of the recording per second; None: as fast as possible.
            before_pop: called before each event.
        """
        self.read = 0
        """Events of the recording read so far, bound or not."""
        self.on_end: Callable[[], None] = lambda: None
        """Called at the end of the recording."""
        self._events = iter(recording)
        self._speed = speed
        self._before_pop = before_pop
        self._bound: set[tuple[str, str]] = set()
        self._now = 0.0
        self._due: Optional[float] = None
        self._last = 0.0

    def clock(self) -> float:
        """The time of the event popped last, seconds; it does not go back."""
        return self._now

    def bind(self, name: str, subclass: str = "") -> bool:
        """Binds an event."""
        self._bound.add((name, subclass))
        return True

    def pop(self, wait_ms: int) -> Optional[Event]:  # noqa: ARG002  a recording has the next event at once
        """The next bound event; None at the end."""
        self._before_pop()
        for event in self._events:
            self.read += 1
            if self._is_bound(event):
                self._now = max(self._now, event.time)
                self._keep_pace(event.time)
                return event
        self.on_end()
        return None

    def close(self) -> None:
        """Nothing to end."""

    def _is_bound(self, event: RecordedEvent) -> bool:
        get = event.getHeader
        name = get(names.EVENT_NAME) or ""
        if name == names.SHUTDOWN:  # a replay ends at the end of its recordings, of which there may be several
            return False
        return (name, "") in self._bound or (name, get(names.EVENT_SUBCLASS) or "") in self._bound

    def _keep_pace(self, event_time: float) -> None:
        if self._speed is None or not event_time:
            return
        if self._due is None:
            self._due, self._last = time.monotonic(), event_time
        self._due += min(max(event_time - self._last, 0.0), LONGEST_SILENCE) / self._speed
        self._last = event_time
        time.sleep(max(0.0, self._due - time.monotonic()))


def play(config: Config, playback: Playback, log: Optional[Log] = None) -> Agent:
    """Runs an agent over a whole recording, and the log of the same time, and returns it."""
    agent = Agent(config, lambda _length: playback, clock=playback.clock, log_lines=log, replays=True)
    playback.on_end = agent.stop
    agent.run()
    return agent
