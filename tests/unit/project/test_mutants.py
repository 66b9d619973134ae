"""tests/mutants.md: what it says of the code stands in the code."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def module(place: str) -> Path:
    """The file of `fs_hepipe.calls.legs.Legs.drop`."""
    words = place.split(".")
    paths = (ROOT.joinpath(*words[:count]).with_suffix(".py") for count in range(len(words), 0, -1))
    return next(path for path in paths if path.exists())


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_each_listed_line_stands_in_the_code() -> None:
    script = runpy.run_path(str(ROOT / "scripts/dev/mutants"))
    entries = script["ENTRY"].findall(script["LIST"].read_text(encoding="utf-8"))
    assert len(entries) > 20
    gone = [
        f"{place}: {line}"
        for place, line, _ in entries
        if one_line(line) not in one_line(module(place).read_text(encoding="utf-8"))
    ]
    assert gone == []
