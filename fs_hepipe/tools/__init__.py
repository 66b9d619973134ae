"""
The tools for outside FreeSWITCH: `python -m fs_hepipe …`, and the console script `fs-hepipe`.

Each has a file of its own with `add_arguments(parser)` and `run(args) -> exit status`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Optional

from fs_hepipe.agent.config import names_secret
from fs_hepipe.install import command as install
from fs_hepipe.tools import check, decode, demo, listen, replay, report, watch
from fs_hepipe.tools.output import Parser, UsageError, complain
from fs_hepipe.version import VERSION

TOOLS = {
    "demo": demo,
    "replay": replay,
    "listen": listen,
    "decode": decode,
    "check": check,
    "watch": watch,
    "report": report,
    "install-into-switch": install,
}


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs one tool and returns its exit status: 0 success, 1 errors, 2 wrong arguments."""
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # as with `| head`
        _throw_away_output()
        return 0
    except OSError as error:  # of what is printed: a full disk
        _throw_away_output()
        with suppress(OSError):
            complain(f"error: {error.strerror}")
        return 1


def parser() -> tuple[Parser, dict[str, argparse.ArgumentParser]]:
    """What reads the arguments, and what reads those of each tool."""
    whole = Parser(prog="fs-hepipe", description="The tools of fs_hepipe, outside FreeSWITCH.")
    whole.add_argument("--version", action="version", version=f"fs_hepipe {VERSION}")
    commands = whole.add_subparsers(dest="tool", metavar="TOOL", required=True)
    for name, tool in TOOLS.items():
        summary = (tool.__doc__ or "").strip().partition("\n")[0].partition(": ")[2]
        command = commands.add_parser(name, help=summary, description=(tool.__doc__ or "").replace("`", ""))
        tool.add_arguments(command)
    return whole, dict(commands.choices)


def _run(arguments: Sequence[str]) -> int:
    try:
        args = parser()[0].parse_args(arguments)
    except UsageError as error:
        _explain(error, arguments)
        return 2
    return int(TOOLS[args.tool].run(args))


def _explain(error: UsageError, arguments: Sequence[str]) -> None:
    """Prints what is wrong with the arguments; where a password may be among them, none is repeated."""
    for line in error.usage.splitlines():
        complain(line)
    instead = "wrong arguments (not repeated: a password may be among them)"
    complain(f"{error.tool}: error: {instead if any(map(names_secret, arguments)) else error}")


def _throw_away_output() -> None:
    """Keeps the interpreter from writing at its end what can't be written."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())
        except AttributeError:  # the program was started with this stream closed
            pass
    os.close(nowhere)
