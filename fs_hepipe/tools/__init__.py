"""
The tools for outside FreeSWITCH: `python -m fs_hepipe …`, and the console script `fs-hepipe`.

Each has a file of its own with `add_arguments(parser)` and `run(args) -> exit status`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Optional

from fs_hepipe.tools import check, decode, demo, listen, replay
from fs_hepipe.version import VERSION

TOOLS = {
    "demo": demo,
    "replay": replay,
    "listen": listen,
    "decode": decode,
    "check": check,
}


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs one tool and returns its exit status: 0 success, 1 errors, 2 wrong arguments."""
    parser = argparse.ArgumentParser(prog="fs-hepipe", description="The tools of fs_hepipe, outside FreeSWITCH.")
    parser.add_argument("--version", action="version", version=f"fs_hepipe {VERSION}")
    commands = parser.add_subparsers(dest="tool", metavar="TOOL", required=True)
    for name, tool in TOOLS.items():
        summary = (tool.__doc__ or "").strip().partition("\n")[0].partition(": ")[2]
        command = commands.add_parser(name, help=summary, description=(tool.__doc__ or "").replace("`", ""))
        tool.add_arguments(command)
    args = parser.parse_args(argv)
    try:
        return int(TOOLS[args.tool].run(args))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
