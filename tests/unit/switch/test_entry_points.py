"""The package as mod_python3 and the rest of the world import it; what the entry points do is in tests/system."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fs_hepipe
from fs_hepipe.switch import host, starter

ROOT = Path(__file__).resolve().parents[3]


def python(code: str, *paths: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": ":".join(map(str, paths))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_outside_the_switch_there_are_no_doors_but_a_version() -> None:
    assert python("import fs_hepipe; print(fs_hepipe.__all__, fs_hepipe.__version__)", ROOT) == (
        f"['__version__'] {fs_hepipe.__version__}"
    )


def test_inside_the_switch_the_doors_are_there() -> None:
    code = "import fs_hepipe; print(sorted(fs_hepipe.__all__))"
    assert python(code, ROOT, ROOT / "tests" / "fakes") == "['__version__', 'fsapi', 'handler', 'runtime']"


def test_module_that_is_missing_inside_the_switch_is_not_hidden(tmp_path: Path) -> None:
    (tmp_path / "construct.py").write_text("import no_such_module")
    code = "try:\n import fs_hepipe\nexcept ImportError as error: print(error.name)"
    assert python(code, tmp_path, ROOT, ROOT / "tests" / "fakes") == "no_such_module"


def test_importing_it_changes_nothing_that_is_everyones() -> None:
    code = (
        "import logging, threading, sys; before = threading.active_count(), sys.getrecursionlimit()\n"
        "import fs_hepipe\n"
        "print((threading.active_count(), sys.getrecursionlimit()) == before, logging.getLogger().handlers,"
        " 'readline' in sys.modules)"
    )
    assert python(code, ROOT, ROOT / "tests" / "fakes") == "True [] False"


def test_reloading_the_package_runs_nothing_and_keeps_the_doors() -> None:
    office, runtime = starter.current, fs_hepipe.runtime
    importlib.reload(fs_hepipe)
    assert starter.current is office
    assert fs_hepipe.runtime is runtime


def test_only_host_knows_the_switch() -> None:
    importers = [path.name for path in (ROOT / "fs_hepipe").rglob("*.py") if "import freeswitch" in path.read_text()]
    assert importers == ["host.py"]
    assert host.__doc__


@pytest.mark.parametrize("entry_point", ["runtime", "fsapi", "handler"])
def test_every_entry_point_has_a_docstring(entry_point: str) -> None:
    assert getattr(fs_hepipe, entry_point).__doc__
