"""
Run by FreeSWITCH's Python, isolated (`python -I -B probe.py`), as a file: nothing of fs_hepipe is imported for it.

What lies in the script folder is not run: it may not be ours, and we may be root. So that folder is never on Python's
path; FreeSWITCH has no PYTHONPATH either, therefore -I.

    probe.py construct SCRIPTS LOW HIGH     has it a construct from LOW on and below HIGH, in its script folder or
                                            elsewhere? Its version is read, not run
    probe.py import SCRIPTS [NAME...]       can the entry points be imported? Only fs_hepipe, and what is named, come
                                            from the script folder
"""

from __future__ import annotations

import importlib
import re
import sys
import types
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any, Optional


def construct(scripts: str, low: str, high: str) -> bool:
    found = PathFinder.find_spec("construct", [scripts, *sys.path])
    if found is None or found.origin is None:
        return False
    text = Path(found.origin).with_name("version.py").read_text(encoding="utf-8")
    version = re.search(r"^version *= *\(([0-9]+), *([0-9]+), *([0-9]+)\)", text, re.MULTILINE)
    lowest, highest = (tuple(map(int, bound.split("."))) for bound in (low, high))
    return version is not None and lowest <= tuple(map(int, version.groups())) < highest


def entry_points(scripts: str, *names: str) -> bool:
    class Ours:
        @staticmethod
        def find_spec(name: str, _path: Any = None, _target: Any = None) -> Optional[ModuleSpec]:
            return PathFinder.find_spec(name, [scripts]) if name in ("fs_hepipe", *names) else None

    sys.meta_path.insert(0, Ours)
    sys.modules["freeswitch"] = types.ModuleType("freeswitch")  # an empty one is enough
    package = importlib.import_module("fs_hepipe")
    return all(callable(getattr(package, name)) for name in ("fsapi", "handler", "runtime"))


if __name__ == "__main__":
    asked = construct if sys.argv[1] == "construct" else entry_points
    sys.exit(not asked(*sys.argv[2:]))
