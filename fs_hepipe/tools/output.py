"""
What the tools print. Every text passes `shown` here, so nothing foreign in it moves the cursor, makes a line or colours
one; colours, tables and progress bars are made here only, by rich, and for a terminal only. Where rich is not installed
(it is part of the extra `[tools]`), a terminal gets what a file gets.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple, NoReturn, Optional, TextIO, Union

from fs_hepipe.agent.config import names_secret
from fs_hepipe.tools.needs import has
from fs_hepipe.words.text import shown


class Painted(NamedTuple):
    """A text in colour."""

    style: str
    """As rich names it."""
    text: str


Piece = Union[str, Painted]
"""A part of a line, of any text."""


def bold(text: str) -> Painted:
    return Painted("bold", text)


def dim(text: str) -> Painted:
    return Painted("dim", text)


def bad(text: str) -> Painted:
    return Painted("red", text)


def good(text: str) -> Painted:
    return Painted("green", text)


def warn(text: str) -> Painted:
    return Painted("yellow", text)


def plain(pieces: list[Piece]) -> str:
    """The text without its colours."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in pieces)


def named(file: object) -> str:
    """
    A file's name to be shown. A misplaced argument is taken for one too, and may have a password in it; but a folder
    may well be called secrets.
    """
    name = str(file)
    hides = "password" in name.casefold() or ("=" in name and names_secret(name))
    return "a file (not named: a password is in its name)" if hides else name


def say(*pieces: Piece) -> None:
    """
    Prints one line: the result of a tool.

    Raises:
        OSError: the other side is gone, the disk is full.
    """
    _line(sys.stdout, pieces)


def complain(*pieces: Piece) -> None:
    """Prints one line on stderr: an error, or what the operator has to know beside the result."""
    _line(sys.stderr, pieces)


def table(titles: Sequence[str], plain_row: str, rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> None:
    """
    Prints a table.

    Args:
        titles: of its columns.
        plain_row: how `str.format` makes a line of a row where there are no colours.
        rows: texts, foreign or not.
        right: the columns that hold numbers.
    """
    if not _has_colours(sys.stdout):
        for row in (titles, *rows):
            say(plain_row.format(*row))
        return
    made = _rich().Table(box=_rich().SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for place, title in enumerate(titles):
        made.add_column(_rich().Text(title), justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(_rich().Text(shown(each, None)) for each in row))
    _write(sys.stdout, _rendered(made, shutil.get_terminal_size().columns))


class Progress:
    """How far a long run is, on a terminal only: a bar with the rate and the time that remains."""

    def __init__(self, what: str, total: Optional[int]) -> None:
        """
        Args:
            what: is counted.
            total: of what `show` is given; None if it is not known.
        """
        self._what = what
        self._bar: Any = None
        self._task: Any = None
        self._began = time.monotonic()
        self._is_shown = _is_terminal(sys.stderr)
        if _has_colours(sys.stderr):
            rich = _rich()
            self._bar = rich.Progress(
                rich.TextColumn("{task.description}"), rich.BarColumn(), rich.TaskProgressColumn(),
                rich.TimeRemainingColumn(), console=rich.Console(file=sys.stderr), transient=True, auto_refresh=False,
            )  # fmt: skip
            self._task = self._bar.add_task("", total=total)
            self._bar.start()

    def show(self, done: int, count: int) -> None:
        """Shows that so much of the total is done, and that it were so many."""
        rate = count / max(time.monotonic() - self._began, 0.001)
        text = f"{count} {self._what}, {rate:.0f} a second"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, description=text, refresh=True)
        elif self._is_shown:
            _write(sys.stderr, f"\r{text}\x1b[K")

    def clear(self) -> None:
        """Takes it away."""
        if self._bar is not None:
            self._bar.stop()
        elif self._is_shown:
            _write(sys.stderr, "\r\x1b[K")


def _line(stream: Optional[TextIO], pieces: tuple[Piece, ...]) -> None:
    if stream is None:  # the program was started with this stream closed
        return
    if not _has_colours(stream):
        _write(stream, shown(plain(list(pieces)), None) + "\n")
        return
    text = _rich().Text()
    for piece in pieces:
        text.append(*((shown(piece, None),) if isinstance(piece, str) else (shown(piece.text, None), piece.style)))
    _write(stream, _rendered(text))


def _rendered(what: Any, width: Optional[int] = None) -> str:
    """What rich makes of a text or a table, with colours; a text is not wrapped."""
    file = io.StringIO()
    console = _rich().Console(
        file=file, force_terminal=True, color_system="standard", legacy_windows=False, width=width, highlight=False
    )
    console.print(what, soft_wrap=width is None)
    return file.getvalue()


def _is_terminal(stream: Optional[TextIO]) -> bool:
    return stream is not None and stream.isatty()


def _has_colours(stream: Optional[TextIO]) -> bool:
    is_wanted = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return is_wanted and _is_terminal(stream) and has("rich")


@lru_cache(maxsize=1)
def _rich() -> Any:
    """What is used of rich: only a terminal needs it, so only then it is imported."""
    from rich import box, console, progress, table, text  # noqa: PLC0415

    return SimpleNamespace(
        Console=console.Console, Table=table.Table, Text=text.Text, SIMPLE_HEAD=box.SIMPLE_HEAD,
        Progress=progress.Progress, TextColumn=progress.TextColumn, BarColumn=progress.BarColumn,
        TaskProgressColumn=progress.TaskProgressColumn, TimeRemainingColumn=progress.TimeRemainingColumn,
    )  # fmt: skip


def _write(stream: TextIO, text: str) -> None:
    if not text.isascii():
        encoding = stream.encoding or "utf-8"
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    stream.write(text)
    stream.flush()


class UsageError(Exception):
    """Wrong arguments: how they should be, and what is wrong with them."""

    def __init__(self, usage: str, tool: str, problem: str) -> None:
        super().__init__(problem)
        self.usage = usage
        self.tool = tool


class Parser(argparse.ArgumentParser):
    """argparse, whose help is printed like everything else. It does not end the program: it raises `UsageError`."""

    def print_help(self, file: Optional[object] = None) -> None:  # noqa: ARG002  the signature is argparse's
        for line in self.format_help().splitlines():
            say(line)

    def error(self, message: str) -> NoReturn:
        raise UsageError(self.format_usage(), self.prog, message)
