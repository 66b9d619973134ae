"""Whatever text comes in at whichever place, nothing goes into the switch that kills it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path


def test_no_text_kills_the_switch() -> None:
    program = Path(__file__).with_name("arbitrary_text.py")
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stderr[-4000:]}\n{done.stdout[-4000:]}"
    tried = ast.literal_eval(done.stdout.splitlines()[-1])
    assert set(tried) == {"headers", "channel ids", "arguments", "configuration values"}
    assert min(tried.values()) > 20
