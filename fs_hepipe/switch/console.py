"""
`logging` -> the switch's console: cut, on one line, and never a storm.

Rules:
1. A line has at most `MAX_LINE` octets and no control character.
2. The same warning or error (before its arguments are put in) is written once in `QUIET` seconds; the next one that is
   written says how many were not.
3. Nothing is raised, whatever is logged: an argument whose text can't be had is named by its type.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import Callable, Optional

from fs_hepipe.agent.log import LEVELS, LOGGER
from fs_hepipe.switch import host
from fs_hepipe.words.text import shown

MAX_LINE = 2000
"""Octets: what a person still reads, and far below mod_python3's buffer of 20 KiB."""

QUIET = 20.0
"""Seconds between two lines of the same message."""

MAX_REMEMBERED = 256
"""Messages that are remembered for `QUIET`: we have far fewer."""

_NAMES = {number: name for name, number in LEVELS.items() if name != "alert"}

Write = Callable[[str, str], None]
"""Writes one line at one of FreeSWITCH's levels."""


class Console(logging.Handler):
    """The handler of our logger, and of no other: `logging` belongs to every script of the switch."""

    def __init__(self, write: Write, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.write = write
        self._clock = clock
        self._quiet: dict[str, tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a record, or counts it as kept back."""
        with contextlib.suppress(Exception):  # there is nowhere left to say it
            now, message = self._clock(), str(record.msg)
            until, kept_back = self._quiet.get(message, (0.0, 0))
            if now < until and record.levelno >= logging.WARNING:
                self._quiet[message] = (until, kept_back + 1)
                return
            if len(self._quiet) >= MAX_REMEMBERED:
                self._quiet.clear()
            self._quiet[message] = (now + QUIET, 0)
            again = f" ({kept_back} more like this were not shown)" if kept_back else ""
            line = shown(f"fs_hepipe: {text_of(record)}{again}", MAX_LINE)
            line = line.encode()[:MAX_LINE].decode("utf-8", "ignore")  # escaping has made it longer
            self.write(_NAMES.get(record.levelno, "info"), line)


def text_of(record: logging.LogRecord) -> str:
    """The text of a record, even where an argument refuses to be text."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  an exception whose str() raises, a format that does not fit
        arguments = record.args if isinstance(record.args, tuple) else (record.args,)
        return f"{record.msg} {' '.join(type(argument).__name__ for argument in arguments)}"


def attach(write: Write, level: Optional[str] = None) -> logging.Logger:
    """
    Our logger, writing to `write` from now on and to nowhere else, at one of FreeSWITCH's levels (None: as before).

    The handler stays for as long as the switch lives: what it has said of late is not said again after a restart.
    """
    logger = logging.getLogger(LOGGER)
    consoles = [handler for handler in logger.handlers if isinstance(handler, Console)]
    if consoles:
        consoles[0].write = write
    else:
        logger.addHandler(Console(write))
        logger.propagate = False
        level = level or "info"
    if level is not None:
        logger.setLevel(LEVELS[level])
    return logger


def complain(message: str, *arguments: object) -> None:
    """Logs an error when anything may be wrong, the logger included."""
    with contextlib.suppress(Exception):  # there is nowhere left to say it
        attach(host.write_log).error(message, *arguments)
