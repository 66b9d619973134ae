"""
The contract inside a real switch: `python inside` in fs_cli, with this file and contract.py in the script folder.

It writes a line for each check, `NAME ok`, `NAME FAIL reason` or `NAME stated: reason`, and in the end `N passed,
M failed, K stated`.
"""

from __future__ import annotations

import importlib
from typing import Any


def fsapi(session: object, stream: Any, env: object, args: str) -> None:
    """Run the contract and write its report; no exception leaves."""
    lines: list[str] = []
    try:
        contract = importlib.import_module(f"{__package__}.contract" if __package__ else "contract")
        contract.run(lines.append)
    except BaseException as error:  # noqa: BLE001 - one that leaves can end the switch
        lines.append(f"0 passed, 1 failed: {type(error).__name__}: {ascii(error)[:200]}")
    stream.write("\n".join(lines) + "\n")
