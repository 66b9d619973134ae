"""
The parts of the system tests: recorded stories, collectors with real sockets, and the package inside the fake switch,
started, asked and stopped through the entry points that mod_python3 calls.
"""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Callable, Optional, Union
from xml.sax.saxutils import quoteattr

import fs_hepipe
from freeswitch import switch
from fs_hepipe.agent.loop import Agent
from fs_hepipe.hep import Message, decode
from fs_hepipe.switch import starter

Record = dict[str, Union[str, list[str]]]

RECORDINGS = Path(fs_hepipe.__file__).parent / "tools" / "recordings"
STORIES = sorted(path.name.partition(".")[0] for path in RECORDINGS.glob("*.jsonl.gz"))

UNRESOLVABLE = "x" * 64
"""A name that does not resolve, without asking a name server: a label has 63 characters at most."""

SLICE = 100
"""Events fired before the agent is waited for: a collector's socket holds about 160 small datagrams."""


@cache
def story(name: str) -> list[Record]:
    """The events of a recorded story."""
    with gzip.open(RECORDINGS / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def wait_for(condition: Callable[[], object], timeout: float = 5.0) -> None:
    """Waits until a condition is true; AssertionError if it takes too long."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.002)


class Homer:
    """A collector: a UDP socket on loopback, and the datagrams it received."""

    def __init__(self, ip: str = "127.0.0.1") -> None:
        self.ip = ip
        self.port = 0
        self.datagrams: list[bytes] = []
        self._socket: Optional[socket.socket] = None
        self._thread: Optional[threading.Thread] = None
        self.listen()

    @property
    def server(self) -> str:
        """The collector as `capture-server` names it."""
        return f"udp:[{self.ip}]:{self.port}" if ":" in self.ip else f"udp:{self.ip}:{self.port}"

    def listen(self) -> None:
        """Listens, on the port it had before."""
        opened = socket.socket(socket.AF_INET6 if ":" in self.ip else socket.AF_INET, socket.SOCK_DGRAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        opened.bind((self.ip, self.port))
        self.port = opened.getsockname()[1]
        self._socket, self._thread = opened, threading.Thread(target=self._listen, args=[opened], daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops listening, after everything that arrived was read."""
        if self._socket is not None and self._thread is not None:
            with socket.socket(self._socket.family, socket.SOCK_DGRAM) as other:
                other.sendto(b"", (self.ip, self.port))
            self._thread.join()
            self._socket.close()
            self._socket = None

    def _listen(self, opened: socket.socket) -> None:
        while datagram := opened.recv(65_536):
            self.datagrams.append(datagram)

    def messages(self, expected: Optional[int] = None) -> list[Message]:
        """The messages received. Waits for `expected` messages, and 5 ms more in case there are too many."""
        if expected is not None:
            with suppress(AssertionError):  # the comparison of the caller shows more
                wait_for(lambda: len(self.datagrams) >= expected)
            time.sleep(0.005)
        return [decode(datagram) for datagram in list(self.datagrams)]


def configuration(**parameters: Union[str, Sequence[str]]) -> str:
    """fs_hepipe.conf with these parameters; one with several values is given several times."""
    lines = [
        f"<param name={quoteattr(name.replace('_', '-'))} value={quoteattr(value)}/>"
        for name, values in parameters.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    return f'<configuration name="fs_hepipe.conf"><settings>{"".join(lines)}</settings></configuration>'


class System:
    """The package in the fake switch."""

    def configure(self, **parameters: Union[str, Sequence[str]]) -> None:
        """Sets fs_hepipe.conf.xml, and reloadxml."""
        switch.configure("fs_hepipe.conf", configuration(**parameters))

    @property
    def agent(self) -> Agent:
        """The agent that was started last."""
        assert starter.current.agent is not None
        return starter.current.agent

    def start(self, arguments: str = "") -> Agent:
        """The startup-script; returns when the agent is running."""
        before = starter.current.agent
        switch.startup_script(f"fs_hepipe {arguments}")
        wait_for(lambda: starter.current.agent not in {None, before} and self.agent.running.is_set())
        return self.agent

    def fire(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Fires events, a few at a time, and returns when the agent has popped all."""
        waiting = list(records)
        while waiting:
            switch.fire(*waiting[:SLICE])
            del waiting[:SLICE]
            self.drained()

    def drained(self) -> None:
        """Waits until the queue of the agent is empty."""
        ours = [consumer for consumer in list(switch._consumers) if ("SHUTDOWN", None) in consumer._bindings]
        wait_for(lambda: not any(consumer._queue for consumer in ours))

    def ask(self, command: str = "") -> str:
        """The answer of `python fs_hepipe …` in fs_cli."""
        return switch.python(f"fs_hepipe {command}")

    def status(self) -> dict[str, Any]:
        """`python fs_hepipe status json`."""
        report: dict[str, Any] = json.loads(self.ask("status json"))
        return report

    def shutdown(self, hangups: Iterable[Mapping[str, Any]] = ()) -> Agent:
        """The switch shuts down, and the agent ends by itself."""
        switch.shutdown(hangups)
        return self.agent

    def log(self, level: Optional[str] = None) -> list[str]:
        """The log lines, of one level or of all."""
        return [line.text for line in switch.log if level in {None, line.level}]


def assert_balanced(agent: Agent) -> None:
    """Every event, record and datagram is accounted for."""
    ledger = agent.counters.ledger()
    assert ledger.balances, ledger
    assert agent.collectors.balances, [each.outcomes for each in agent.collectors]
    assert agent.collectors.offered == ledger.built
