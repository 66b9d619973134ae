"""
A command -> a program that runs in a folder of its own, and is ended whatever happens.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Callable, Optional, TypeVar

_Found = TypeVar("_Found")
_Self = TypeVar("_Self", bound="Program")

PATIENCE_S = 60.0
"""A busy machine is slow, not broken."""

POLL_S = 0.1
PORTS = range(30_100, 32_700)
STOP_S = 10.0


def eventually(what: str, found: Callable[[], Optional[_Found]], patience: float = PATIENCE_S) -> _Found:
    """What is found as soon as something is."""
    deadline = time.monotonic() + patience
    while True:
        if answer := found():
            return answer
        assert time.monotonic() < deadline, f"no {what} within {patience:g} s"
        time.sleep(POLL_S)


def free_ports(count: int) -> list[int]:
    """Ports that are free for TCP and UDP; Linux gives a client none of them."""
    with contextlib.ExitStack() as claims:
        found: list[int] = []
        for port in random.SystemRandom().sample(PORTS, k=len(PORTS)):
            with contextlib.suppress(OSError), contextlib.ExitStack() as trial:
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    trial.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
                claims.push(trial.pop_all())
                found.append(port)
            if len(found) == count:
                return found
    raise RuntimeError(f"no {count} free ports")


class Program:
    """One process and whatever it starts. As a context manager it runs."""

    def __init__(self, command: list[str], folder: Path, user: Optional[str] = None) -> None:
        self.folder = folder
        self._command = ["setpriv", "--pdeathsig", "KILL", *command]
        self._user = user if os.geteuid() == 0 else None
        self._process: Optional[subprocess.Popen[bytes]] = None

    def __enter__(self: _Self) -> _Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def output(self) -> str:
        """What it has printed, in all its runs."""
        return (self.folder / "output").read_text(errors="replace")

    def start(self) -> None:
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self._user,
            )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends it and what it started; does nothing if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def must_run(self) -> None:
        """Fails with the end of its output if it has ended."""
        assert self._process is not None
        assert self._process.poll() is None, f"{self._command[3]} has ended:\n{self.output[-2000:]}"


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
