"""
`logging` -> FreeSWITCH's console: cut, on one line, and never a flood of lines.

Rules:
1. A line has at most `MAX_LINE` octets and no control character.
2. The same warning or error (the message without its arguments) is written once in `QUIET` seconds; the next line
   says how many were not written.
3. Nothing is raised, whatever is logged: an argument that cannot be converted to text is shown as its type.
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
"""Octets: readable, and far below mod_python3's buffer of 20 KiB."""

QUIET = 20.0
"""Seconds between two lines with the same message."""

MAX_REMEMBERED = 256
"""Messages kept for `QUIET`: there are far fewer."""

_NAMES = {number: name for name, number in LEVELS.items() if name != "alert"}

Write = Callable[[str, str], None]
"""Writes one line at one of FreeSWITCH's levels."""


class Console(logging.Handler):
    """The handler of our logger only: all scripts in FreeSWITCH share `logging`."""

    def __init__(self, write: Write, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.write = write
        self._clock = clock
        self._quiet: dict[str, tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a record, or counts it as held back."""
        with contextlib.suppress(Exception):  # there is no other place to log it
            now, message = self._clock(), str(record.msg)
            until, held_back = self._quiet.get(message, (0.0, 0))
            if now < until and record.levelno >= logging.WARNING:
                self._quiet[message] = (until, held_back + 1)
                return
            if len(self._quiet) >= MAX_REMEMBERED:
                self._quiet.clear()
            self._quiet[message] = (now + QUIET, 0)
            again = f" ({held_back} more like this were not shown)" if held_back else ""
            line = shown(f"fs_hepipe: {text_of(record)}{again}", MAX_LINE)
            line = line.encode()[:MAX_LINE].decode("utf-8", "ignore")  # escaping made it longer
            self.write(_NAMES.get(record.levelno, "info"), line)


def text_of(record: logging.LogRecord) -> str:
    """The text of a record, even if an argument cannot be converted to text."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  an exception whose str() raises, a format that does not fit
        arguments = record.args if isinstance(record.args, tuple) else (record.args,)
        return f"{record.msg} {' '.join(type(argument).__name__ for argument in arguments)}"


def attach(write: Write, level: Optional[str] = None) -> logging.Logger:
    """
    Our logger. From now on it writes only to `write`, at one of FreeSWITCH's levels (None: as before).

    The handler stays as long as FreeSWITCH runs: a line written just before a restart is not written again after it.
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


def log_error(message: str, *arguments: object) -> None:
    """Logs an error, even if the logger itself may fail."""
    with contextlib.suppress(Exception):  # there is no other place to log it
        attach(host.write_log).error(message, *arguments)
