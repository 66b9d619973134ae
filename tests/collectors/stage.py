"""
Recorded events -> the agent -> all judges at once, and a socket of the test as reference.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Callable, Optional

from fs_hepipe.agent.config import Config
from fs_hepipe.agent.loop import Agent
from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.collector import SENT, Collector
from fs_hepipe.hep import Message, decode
from fs_hepipe.tools.demo import RECORDINGS
from fs_hepipe.tools.playback import Playback, play
from fs_hepipe.tools.recorded import Fault, events
from fs_hepipe.words.event import RecordedEvent
from fs_hepipe.words.settings import Settings

from .judge import Judge

SETTLE_OCTETS = 60_000
SETTLE_MESSAGES = 100
"""After so much the judges have to read: sngrep's buffer is the system's, 208 KiB, a message takes 1.3 KiB of it."""

MAX_DATAGRAM = 65_535


FAR_END = ("variable_sip_network_ip", "variable_remote_media_ip", "network-ip", "Register-Network-IP")
"""The headers with the address of the far end; all stories were recorded on one host."""


def recorded(story: str, changes: Optional[Mapping[str, str]] = None) -> list[RecordedEvent]:
    """The events of a bundled story, with the values of these headers replaced."""
    return [_changed(event, changes) if changes else event for event in _recording(story)]


@lru_cache(maxsize=1)
def _recording(story: str) -> list[RecordedEvent]:
    return [each for each in events(str(RECORDINGS / f"{story}.jsonl.gz")) if not isinstance(each, Fault)]


def _changed(event: RecordedEvent, changes: Mapping[str, str]) -> RecordedEvent:
    return RecordedEvent({name: changes.get(name, value) for name, value in event.headers.items()})


class Stage:
    """One run of the agent that sends to judges."""

    agent: Agent

    def __init__(
        self,
        judges: Iterable[Judge],
        settings: Optional[Settings] = None,
        *,
        host: str = "127.0.0.1",
        others: Iterable[tuple[str, int]] = (),
    ) -> None:
        """`host` is where the reference listens; `others` are collectors that are no judges."""
        self.datagrams: list[bytes] = []
        """What the reference received."""
        self._judges = list(judges)
        self._addresses = [Address(*address) for address in (*(judge.address for judge in self._judges), *others)]
        self._settings = settings or Settings()
        self._host = host
        self._actions: list[tuple[int, Callable[[], None]]] = []
        self._settled = (0, 0)
        self._octets = 0

    def at(self, messages: int, act: Callable[[], None]) -> None:
        """Calls `act` between two events when so many messages have been sent; in the order of these calls."""
        self._actions.append((messages, act))

    def play(self, recording: Iterable[RecordedEvent]) -> None:
        """Runs the agent over the whole recording."""
        with socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET, socket.SOCK_DGRAM) as reference:
            reference.bind((self._host, 0))
            reference.setblocking(False)

            def before_pop() -> None:
                self._receive(reference)
                self._let_judges_read()
                self._run_actions()

            host, port = reference.getsockname()[:2]
            config = Config(settings=self._settings, collectors=(*self._addresses, Address(host, port)))
            self.agent = play(config, Playback(recording, before_pop=before_pop))
            self._receive(reference)

    @cached_property
    def messages(self) -> list[Message]:
        """What was sent, in order; only after `play`."""
        return [decode(datagram) for datagram in self.datagrams]

    @property
    def count(self) -> int:
        """How many messages have been sent."""
        return len(self.datagrams)

    def collector(self, address: tuple[str, int]) -> Collector:
        """The agent's collector for the address of a judge, or for another address."""
        name = str(Address(*address))
        return next(collector for collector in self.agent.collectors if collector.name == name)

    def faults(self) -> list[str]:
        """What went wrong on our side, one line each."""
        ledger = self.agent.counters.ledger()
        found = {
            f"the ledger does not balance: {ledger}": not (ledger.balances and self.agent.collectors.balances),
            f"{ledger.failed} events failed": ledger.failed > 0,
            f"{ledger.dropped} records were dropped": ledger.dropped > 0,
            f"{self.count} of {ledger.built} messages reached the reference": self.count != ledger.built,
            **{
                f"{each.name}: {dict(each.outcomes)}": set(each.outcomes) - {SENT} != set() or each.refusals > 0
                for each in self.agent.collectors
            },
        }
        return [text for text, is_so in found.items() if is_so]

    def _receive(self, reference: socket.socket) -> None:
        while True:
            try:
                datagram = reference.recv(MAX_DATAGRAM)
            except BlockingIOError:
                return
            self.datagrams.append(datagram)
            self._octets += len(datagram)

    def _let_judges_read(self) -> None:
        octets, messages = self._settled
        if self._octets - octets < SETTLE_OCTETS and self.count - messages < SETTLE_MESSAGES:
            return
        self._settled = self._octets, self.count
        for judge, probe in [(judge, judge.probe()) for judge in self._judges]:
            judge.settle_behind(probe)

    def _run_actions(self) -> None:
        while self._actions and self._actions[0][0] <= self.count:
            self._actions.pop(0)[1]()
