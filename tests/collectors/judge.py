"""
A consumer's program -> a `Judge` that runs, receives datagrams and returns what it has seen.

Rules:
1. A judge is a real program of its own, on a free loopback port, with its files in the directory it is given.
2. `settle` does not wait by sleeping: it sends a probe behind everything sent so far and returns when the judge has it.
   A judge handles its datagrams in order, so it then has everything before the probe too.
3. No process is left behind: each judge leads its own process group, is stopped by process id, and gets SIGTERM
   from the kernel if the thread that started it ends in any other way.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Optional, TypeVar

from .foreign import Packet, build
from .seen import Seen

Address = tuple[str, int]
_Self = TypeVar("_Self", bound="Judge")

PORTS = range(10_240, 16_384)
"""Below the ports that Linux uses for clients and FreeSWITCH for media, so the port of a paused judge stays free."""
PROBE = b"probe of the judge itself "
PROBE_AGAIN_S = 0.1
POLL_S = 0.002
PATIENCE_S = 5.0
STOP_S = 3.0


class JudgeError(Exception):
    """A judge does not run, does not answer, or cannot do what was asked."""


def send(address: Address, *datagrams: bytes) -> None:
    """Datagrams, in order, to an address of either family."""
    with _udp_socket(address[0]) as sender:
        for datagram in datagrams:
            sender.sendto(datagram, address)


def free_port(host: str) -> int:
    """A UDP port that is free on that address."""
    for port in random.SystemRandom().sample(PORTS, k=500):
        with contextlib.suppress(OSError), _udp_socket(host) as trial:
            trial.bind((host, port))
            return port
    raise JudgeError(f"no free UDP port on {host} between {PORTS.start} and {PORTS.stop}")


def _udp_socket(host: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)


class Judge(ABC):
    """One consumer. As a context manager it is started and stopped; in between it may be stopped and started too."""

    checks_key: ClassVar[bool] = False
    largest: ClassVar[int] = 65_507
    """The most octets of a datagram that may be sent to it."""

    def __init__(self, directory: Path, *, host: str = "127.0.0.1", auth_key: Optional[str] = None) -> None:
        """`auth_key` is the only key it accepts; None accepts any."""
        if auth_key is not None and not self.checks_key:
            raise JudgeError(f"{self} checks no key")
        self.directory = directory
        self.auth_key = auth_key
        self.address: Address = (host, free_port(host))
        self.refused: list[Seen] = []
        """Messages with a wrong key, if it keeps those."""
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._seen: list[Seen] = []
        self._probes: set[bytes] = set()
        self._probe_numbers = itertools.count(1)
        self._read_to: Counter[str] = Counter()
        """How far each of its files or tables has been read."""

    def __str__(self) -> str:
        return type(self).__name__

    @classmethod
    @abstractmethod
    def missing(cls) -> Optional[str]:
        """None, or one line naming the package that is missing."""

    @classmethod
    @abstractmethod
    def view(cls, seen: Seen) -> Optional[Seen]:
        """A whole message reduced to what this consumer can know of it; None if it keeps no such message."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The program and its arguments, once the files it needs are there."""

    @abstractmethod
    def _news(self) -> Iterator[Seen]:
        """What it has received since the last call."""

    def _environment(self) -> dict[str, str]:
        """Its environment variables, besides those of the tests."""
        return {}

    def __enter__(self: _Self) -> _Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Run it on its port and return when it has received a datagram; it keeps what it saw before a pause."""
        if lacking := self.missing():
            raise JudgeError(lacking)
        self.directory.mkdir(parents=True, exist_ok=True)
        command = ["setpriv", "--pdeathsig", "TERM", *self._command()]
        with self._output.open("ab") as output, self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.directory,
                env={**os.environ, **self._environment()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                start_new_session=True,
            )
        try:
            self.settle()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it and everything it started; does nothing if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def alive(self) -> bool:
        """Whether it still receives datagrams, not only whether its process exists."""
        try:
            self.settle()
        except JudgeError:
            return False
        return True

    def received(self) -> list[Seen]:
        """Every message it has so far, in order of arrival (KamailioStore: table by table)."""
        for seen in self._news():
            if seen.payload is not None and seen.payload.startswith(PROBE):
                self._probes.add(seen.payload)
            else:
                self._seen.append(seen)
        return list(self._seen)

    def wait_for(self, count: int, timeout: float = PATIENCE_S) -> list[Seen]:
        """`received()` as soon as it has that many messages, or else when the time is over or the judge has died."""
        deadline = time.monotonic() + timeout
        while len(self.received()) < count and time.monotonic() < deadline and self._running():
            time.sleep(POLL_S)
        return self.received()

    def settle(self, timeout: float = PATIENCE_S) -> None:
        """Return once everything that was sent to it before this call is in `received()`."""
        self.settle_behind(self.probe(), timeout)

    def probe(self) -> bytes:
        """Send the probe of `settle_behind`: the first half of `settle`, so that several judges can read at once."""
        probe = PROBE + str(next(self._probe_numbers)).encode()
        self._send_probe(probe)
        return probe

    def settle_behind(self, probe: bytes, timeout: float = PATIENCE_S) -> None:
        """The other half: return once everything that was sent to it before this probe is in `received()`."""
        again, deadline = time.monotonic() + PROBE_AGAIN_S, time.monotonic() + timeout
        while True:
            now = time.monotonic()
            if not self._running() or now > deadline:
                trouble = "does not answer" if self._running() else "does not run"
                raise JudgeError(f"{self} {trouble}; the end of its log:\n{self._log_end()}")
            self.received()
            if probe in self._probes:
                return
            if now >= again:  # it may not listen yet, or its buffer may have been full
                self._send_probe(probe)
                again = now + PROBE_AGAIN_S
            time.sleep(POLL_S)

    def _send_probe(self, probe: bytes) -> None:
        send(self.address, build(Packet(payload=probe, auth_key=self.auth_key)))

    def clear(self) -> None:
        """Drop what was sent before this call: `received()` does not return it again."""
        self.settle()
        self._seen.clear()
        self.refused.clear()

    def _running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def _output(self) -> Path:
        return self.directory / "output"

    @property
    def _log(self) -> Path:
        return self.directory / "log"

    def _log_end(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return "\n".join(lines[-10:])
