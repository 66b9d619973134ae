"""
A kind of judge -> a running one, for the test that needs it.

If its package is missing, the test is skipped; with FS_HEPIPE_REQUIRE_COLLECTORS=1 it fails.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Optional, TypeVar

import pytest

from .judge import Judge

_Judge = TypeVar("_Judge", bound=Judge)


def require(kind: type[Judge]) -> None:
    """Skip or fail the test if that kind of judge cannot run, with one line that names the package."""
    lacking = kind.missing()
    if lacking is None:
        return
    if os.environ.get("FS_HEPIPE_REQUIRE_COLLECTORS") == "1":
        pytest.fail(lacking, pytrace=False)
    pytest.skip(lacking)


class Starter:
    """Starts judges, each in a directory of its own; `close` stops them all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started = 0
        self._stack = contextlib.ExitStack()

    def __call__(self, kind: type[_Judge], *, host: str = "127.0.0.1", auth_key: Optional[str] = None) -> _Judge:
        require(kind)
        self._started += 1
        judge = kind(self._directory / f"{kind.__name__}-{self._started}", host=host, auth_key=auth_key)
        self._stack.enter_context(judge)
        return judge

    def close(self) -> None:
        self._stack.close()


class Shared:
    """The judges that all tests share, one of each kind."""

    def __init__(self, start: Starter) -> None:
        self._start = start
        self._judges: dict[type[Judge], Judge] = {}

    def get(self, kind: type[_Judge]) -> _Judge:
        """The judge of that kind, running, with no messages."""
        known = self._judges.get(kind)
        if isinstance(known, kind):
            known.clear()
            return known
        judge = self._start(kind)
        self._judges[kind] = judge
        return judge

    def remove_dead(self) -> list[str]:
        """Stops and removes the judges that no longer work, and returns their names; the next `get` starts new ones."""
        dead = [judge for judge in self._judges.values() if not judge.alive()]
        for judge in dead:
            judge.stop()
            del self._judges[type(judge)]
        return [str(judge) for judge in dead]
