"""What the installer says: one line per step, and one error at its end."""

from __future__ import annotations

import sys
from typing import Callable

from fs_hepipe.words.text import shown


class InstallError(Exception):
    """It can't go on: lines for a person, the last of which says what to do."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def say(text: str) -> None:
    """Prints one line. Names of files are foreign text: they are escaped."""
    print(shown(text, None), flush=True)  # noqa: T201  what a command prints is its result


def complain(text: str) -> None:
    """Prints one line on stderr."""
    print(shown(text, None), file=sys.stderr, flush=True)  # noqa: T201  as above


class Steps:
    """Does one step after the other, or only says what it would do."""

    def __init__(self, *, dry_run: bool) -> None:
        self.dry_run = dry_run

    def act(self, what: str, do: Callable[[], object]) -> None:
        """Says `what` and does it."""
        if self.dry_run:
            say(f"would {what}")
        else:
            say(what)
            do()
