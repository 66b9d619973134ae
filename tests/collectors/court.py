"""
A kind of judge -> one that runs, for the test that needs it; without its package that test is left.

Where FS_HEPIPE_REQUIRE_COLLECTORS=1 says that everything has to be there, such a test fails; else it is skipped.
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
    """Leave the test where that kind of judge cannot run, with one line that names the package."""
    lacking = kind.available()
    if lacking is None:
        return
    if os.environ.get("FS_HEPIPE_REQUIRE_COLLECTORS") == "1":
        pytest.fail(lacking, pytrace=False)
    pytest.skip(lacking)


class Hire:
    """Running judges, each new and in a directory of its own, until `close` stops them all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._hired = 0
        self._stack = contextlib.ExitStack()

    def __call__(self, kind: type[_Judge], *, host: str = "127.0.0.1", auth_key: Optional[str] = None) -> _Judge:
        require(kind)
        self._hired += 1
        judge = kind(self._directory / f"{kind.__name__}-{self._hired}", host=host, auth_key=auth_key)
        self._stack.enter_context(judge)
        return judge

    def close(self) -> None:
        self._stack.close()


class Court:
    """The judges that all tests share, one of a kind."""

    def __init__(self, hire: Hire) -> None:
        self._hire = hire
        self._judges: dict[type[Judge], Judge] = {}

    def call(self, kind: type[_Judge]) -> _Judge:
        """The judge of that kind, running, with nothing in its memory."""
        known = self._judges.get(kind)
        if isinstance(known, kind):
            known.forget()
            return known
        judge = self._hire(kind)
        self._judges[kind] = judge
        return judge

    def bury(self) -> list[str]:
        """The names of those that died; whoever calls them next gets new ones."""
        dead = [judge for judge in self._judges.values() if not judge.alive()]
        for judge in dead:
            judge.stop()
            del self._judges[type(judge)]
        return [str(judge) for judge in dead]
