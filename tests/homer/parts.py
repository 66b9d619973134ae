"""
The parts of Homer 7 on this machine, as the environment and Debian name them.

    HEPLIFY_SERVER   the program heplify-server
    HOMER_APP        the program homer-app
    HOMER_UI         the folder with homer-ui's index.html; without it the tests of its pages are skipped

PostgreSQL is Debian's (or PG_BINDIR), Chromium is that on PATH (or CHROMIUM).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple, Optional

DEBIANS = Path("/usr/lib/postgresql")


class Parts(NamedTuple):
    """What is there; None is what is not."""

    heplify_server: Optional[Path]
    homer_app: Optional[Path]
    homer_ui: Optional[Path]
    postgresql: Optional[Path]
    """The folder with initdb and postgres."""
    chromium: Optional[Path]

    @property
    def lacking(self) -> str:
        """One line of what the tests can't be run without; empty where nothing is missing."""
        names = {
            "heplify-server (HEPLIFY_SERVER)": self.heplify_server,
            "homer-app (HOMER_APP)": self.homer_app,
            "PostgreSQL (apt-get install postgresql)": self.postgresql,
        }
        return _lacking(names)

    @property
    def lacking_for_pages(self) -> str:
        """The same for homer-ui's pages."""
        names = {
            "homer-ui (HOMER_UI)": self.homer_ui,
            "Chromium (apt-get install chromium)": self.chromium,
        }
        return _lacking(names)


def _lacking(names: dict[str, Optional[Path]]) -> str:
    missing = [name for name, path in names.items() if path is None]
    return f"no {', no '.join(missing)}" if missing else ""


def parts() -> Parts:
    """Looks for them."""
    ui = os.environ.get("HOMER_UI", "")
    return Parts(
        heplify_server=program(os.environ.get("HEPLIFY_SERVER") or shutil.which("heplify-server")),
        homer_app=program(os.environ.get("HOMER_APP") or shutil.which("homer-app")),
        homer_ui=Path(ui).resolve() if (Path(ui) / "index.html").exists() and ui else None,
        postgresql=next(
            (
                Path(folder)
                for folder in (os.environ.get("PG_BINDIR", ""), *sorted(map(str, DEBIANS.glob("*/bin")))[::-1])
                if folder and (Path(folder) / "initdb").exists()
            ),
            None,
        ),
        chromium=program(os.environ.get("CHROMIUM") or shutil.which("chromium")),
    )


def program(path: Optional[str]) -> Optional[Path]:
    """The program at that path, None if there is none."""
    return Path(path).resolve() if path and os.access(path, os.X_OK) else None
