"""construct comes into the switch without the readline that its debugger would bring."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PDB_OF_313 = """
try:
    import readline
except ImportError:
    pass
def set_trace(): ...
def post_mortem(traceback=None): ...
"""
"""What matters of CPython 3.13's pdb, for any version that runs this."""


def run(code: str, path: Path) -> str:
    """What a fresh interpreter prints, with `path` before its own modules."""
    whole = f"import sys; sys.path.insert(0, {str(path)!r})\n{code}"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_importing_construct_brings_no_readline(tmp_path: Path) -> None:
    (tmp_path / "pdb.py").write_text(PDB_OF_313)
    (tmp_path / "readline.py").write_text("print('readline was loaded')")
    code = "import fs_hepipe.hep; print('construct' in sys.modules, 'readline' in sys.modules)"
    assert run(code, tmp_path) == "True False"


def test_readline_can_still_be_imported_afterwards(tmp_path: Path) -> None:
    (tmp_path / "readline.py").write_text("mine = True")
    assert run("import fs_hepipe.hep, readline; print(readline.mine)", tmp_path) == "True"


def test_a_readline_that_was_there_before_stays_the_same(tmp_path: Path) -> None:
    (tmp_path / "readline.py").write_text("def __getattr__(name): return lambda *_: None")
    code = "import readline; import fs_hepipe.hep; print(sys.modules['readline'] is readline)"
    assert run(code, tmp_path) == "True"


def test_a_recursion_limit_of_240_is_enough(tmp_path: Path) -> None:
    code = "sys.setrecursionlimit(240); import fs_hepipe.reports.pipeline, fs_hepipe.hep; print('imported')"
    assert run(code, tmp_path) == "imported"
