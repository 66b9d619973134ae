"""The package inside what a FreeSWITCH thread gives it: 240 KiB of C stack, a recursion limit of 240."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from tests.system.test_stories import COUNTS


@cache
def result() -> dict[str, Any]:
    program = Path(__file__).with_name("inside_limits.py")
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stderr}"
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_all_stories_fit_the_switchs_stack_and_recursion_limit() -> None:
    assert result()["limits"] == [240, 240 * 1024], "nobody may change what is everyone's"
    assert result()["built"] == sum(map(sum, COUNTS.values()))
    assert result()["arrived"] == result()["built"] + 1  # that of the command `test`
    assert result()["balances"]
    assert result()["legs"] == 0


def test_event_that_runs_into_the_limit_is_one_failed_event() -> None:
    assert result()["failed"] == {"RecursionError": 4}
    (_, first), (level, text) = result()["log"]
    assert first.startswith("fs_hepipe: no fs_hepipe.conf was found: ")  # as it was at the first start
    assert level == "err"
    assert text.startswith("fs_hepipe: an event failed with RecursionError: ")


def test_all_commands_fit_them_too() -> None:
    answers = result()["answers"]
    assert answers.pop("bad").startswith("-ERR unknown command")
    assert answers["reload"] == "+OK reloaded\n"
    assert all(answer and not answer.startswith("-ERR") for answer in answers.values()), answers
