"""What only time shows: memory, threads and descriptors after an hour of traffic and after a million calls."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

import pytest

from fs_hepipe.agent.config import Config
from fs_hepipe.agent.log import LOGGER
from fs_hepipe.delivery.address import Address
from fs_hepipe.reports.pipeline import Pipeline
from fs_hepipe.tools.demo import RECORDINGS
from fs_hepipe.tools.playback import Playback, play
from fs_hepipe.tools.recorded import Fault, events
from fs_hepipe.words import names
from fs_hepipe.words.counters import Counters
from fs_hepipe.words.event import RecordedEvent
from fs_hepipe.words.settings import Settings

pytestmark = pytest.mark.slow

IDENTIFIERS = frozenset({names.UNIQUE_ID, names.OTHER_LEG_UNIQUE_ID, names.SIP_CALL_ID})
ROUND = 31
"""Seconds of the switch from one playing of load_150_calls to the next."""


class Again(RecordedEvent):
    """A recorded event once more: another call, later."""

    __slots__ = ()

    def __init__(self, event: RecordedEvent, again: int) -> None:
        self.headers = event.headers
        suffix = f"-{again}"

        def get_header(name: str) -> Optional[str]:
            value = event.headers.get(name)
            if value is None:
                return None
            if name in IDENTIFIERS:
                return value + suffix
            if name in {names.EVENT_DATE_TIMESTAMP, names.CAPTURE_TIME}:
                return str(int(value) + again * ROUND * 1_000_000)
            return value

        self.getHeader = get_header  # type: ignore[assignment]

    @property
    def time(self) -> float:
        return int(self.getHeader(names.EVENT_DATE_TIMESTAMP) or 0) / 1e6


def resident_octets() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def load() -> list[RecordedEvent]:
    found = events(str(RECORDINGS / "load_150_calls.jsonl.gz"))
    return [event for event in found if not isinstance(event, Fault)]


class Collector:
    """A collector that comes and goes on one port."""

    def __init__(self) -> None:
        self.received = 0
        with bound_to(0) as probe:
            self.port: int = probe.getsockname()[1]
        self._sockets: list[socket.socket] = []

    def listen(self) -> None:
        self._sockets.append(bound_to(self.port))

    def close(self) -> None:
        self.read()
        while self._sockets:
            self._sockets.pop().close()

    def read(self) -> None:
        for listener in self._sockets:
            with contextlib.suppress(BlockingIOError):
                while listener.recv(65535):
                    self.received += 1


def bound_to(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.setblocking(False)
    listener.bind(("127.0.0.1", port))
    return listener


def test_an_hour_of_traffic_with_collectors_coming_and_going_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging.getLogger(LOGGER), "propagate", False)  # pytest keeps every line, and in this memory
    recorded, steady, fickle = load(), Collector(), Collector()
    rounds = 3600 // ROUND
    sizes: list[int] = []

    def hour() -> Iterator[RecordedEvent]:
        steady.listen()
        for again in range(rounds):
            if again % 4 == 0:
                fickle.listen()
            elif again % 4 == 2:
                fickle.close()
            for event in recorded:
                yield Again(event, again)
            sizes.append(resident_octets())

    def read() -> None:
        steady.read()
        fickle.read()

    threads, open_before = threading.active_count(), descriptors()
    config = Config(collectors=(Address("127.0.0.1", steady.port), Address("127.0.0.1", fickle.port)))
    agent = play(config, Playback(hour(), before_pop=read))
    steady.close()
    fickle.close()

    ledger = agent.counters.ledger()
    assert ledger.balances
    assert agent.collectors.balances
    assert ledger.failed == ledger.dropped == ledger.waiting == 0
    assert ledger.built == 2996 * rounds
    assert steady.received == ledger.built
    assert 0.4 * ledger.built < fickle.received < 0.7 * ledger.built
    assert len(agent.pipeline.legs) == 0
    assert (threading.active_count(), descriptors()) == (threads, open_before)
    assert max(sizes[len(sizes) // 2 :]) - sizes[10] < 2_000_000, sizes


def test_a_million_calls_leave_the_process_as_large_as_ten_thousand_did() -> None:
    recorded = load()
    leg = first_leg(recorded)
    kept = (names.CHANNEL_CREATE, names.CHANNEL_ANSWER, names.RECV_RTCP_MESSAGE, names.CHANNEL_DESTROY)
    call = {
        event.headers[names.EVENT_NAME]: event for event in recorded if event.headers.get(names.UNIQUE_ID) == leg
    }
    steps = [call[name] for name in kept]
    pipeline = Pipeline(Settings(), Counters())
    after_ten_thousand = 0
    for number in range(1_000_000):
        now = number / 10
        for event in steps:
            event.headers[names.UNIQUE_ID] = f"leg-{number}"
            event.headers[names.OTHER_LEG_UNIQUE_ID] = f"other-leg-{number}"
            if names.SIP_CALL_ID in event.headers:
                event.headers[names.SIP_CALL_ID] = f"call-{number}@example.com"
            pipeline.handle(event, now)
        if number % 100 == 0:
            pipeline.tick(now)
        if number == 10_000:
            after_ten_thousand = resident_octets()
    ledger = pipeline.counters.ledger()
    assert ledger.balances
    assert (ledger.received, ledger.failed) == (4_000_000, 0)
    assert len(pipeline.legs) == 0
    assert pipeline.legs.lingering < 200
    assert resident_octets() - after_ten_thousand < 2_000_000


def first_leg(recorded: list[RecordedEvent]) -> str:
    return next(
        event.headers[names.UNIQUE_ID] for event in recorded if event.headers[names.EVENT_NAME] == names.CHANNEL_CREATE
    )
