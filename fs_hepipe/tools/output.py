"""
What the tools print. Every text passes `shown` here, so nothing foreign in it moves the cursor, makes a line or colours
one; colours are made here only, and for a terminal only.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import NamedTuple, NoReturn, Optional, TextIO, Union

from fs_hepipe.agent.config import names_secret
from fs_hepipe.words.text import shown


class Painted(NamedTuple):
    """A text in colour."""

    code: str
    """Of ECMA-48's SGR."""
    text: str


Piece = Union[str, Painted]
"""A part of a line, of any text."""


def bold(text: str) -> Painted:
    return Painted("1", text)


def dim(text: str) -> Painted:
    return Painted("2", text)


def bad(text: str) -> Painted:
    return Painted("31", text)


def good(text: str) -> Painted:
    return Painted("32", text)


def warn(text: str) -> Painted:
    return Painted("33", text)


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


def progress(text: str) -> None:
    """Shows a text on the last line of a terminal, in place of the one before; nothing elsewhere."""
    if sys.stderr is not None and sys.stderr.isatty():
        _write(sys.stderr, f"\r{shown(text, None)}\x1b[K")


def _line(stream: Optional[TextIO], pieces: tuple[Piece, ...]) -> None:
    if stream is None:  # the program was started with this stream closed
        return
    colours = _has_colours(stream)
    texts = [
        shown(piece, None) if isinstance(piece, str) else _painted(piece, colours=colours) for piece in pieces
    ]  # fmt: skip
    _write(stream, "".join(texts) + "\n")


def _painted(piece: Painted, *, colours: bool) -> str:
    text = shown(piece.text, None)
    return f"\x1b[{piece.code}m{text}\x1b[0m" if colours else text


def _has_colours(stream: TextIO) -> bool:
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


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
