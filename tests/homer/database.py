"""
A throw-away PostgreSQL -> rows of Homer's tables.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, TypeVar

from .program import Program, eventually, listens

_Self = TypeVar("_Self", bound="Database")

DATA = "homer_data"
SETTINGS = "homer_config"
OWNER = "postgres"
"""Who runs it if the tests are run by root, as PostgreSQL refuses to be."""


class Database:
    """Both of Homer's databases. As a context manager it runs."""

    def __init__(self, programs: Path, port: int) -> None:
        self.port = port
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="homer-database-"))  # pytest's folders are closed to postgres
        if os.geteuid() == 0:
            os.chown(self._folder, pwd.getpwnam(OWNER).pw_uid, -1)
        options = f"-p {port} -h 127.0.0.1 -k {self._folder} -c fsync=off"
        command = [str(programs / "postgres"), "-D", str(self._folder / "data"), *options.split()]
        self._program = Program(command, self._folder, OWNER)

    def __enter__(self: _Self) -> _Self:
        try:
            made = subprocess.run(
                [self._programs / "initdb", "-D", self._folder / "data", "-U", OWNER, "-A", "trust", "-E", "UTF8"],
                cwd=self._folder,
                capture_output=True,
                text=True,
                check=False,
                user=OWNER if os.geteuid() == 0 else None,
            )
            assert made.returncode == 0, made.stderr
            self._program.start()
            eventually("PostgreSQL", lambda: listens(self.port) and self.says("select 1", "postgres") == "1")
            for name in (DATA, SETTINGS):
                self.says(f"create database {name}", "postgres")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._program.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def says(self, sql: str, name: str = DATA) -> str:
        """The answer to a statement as text; empty if the server does not take it yet."""
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", OWNER, "-d", name]
        command = [str(self._programs / "psql"), *where, "-XAtc", sql]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        return told.stdout.strip()

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table: sid, create_date, protocol_header, data_header, raw."""
        order = "order by create_date, id"
        found: list[dict[str, Any]] = json.loads(
            self.says(f"select coalesce(json_agg(t {order}), '[]') from hep_proto_{table} t") or "[]"
        )
        return found

    def clear(self) -> None:
        """Takes all rows away."""
        tables = ("1_call", "1_default", "1_registration", "100_default", "5_default", "35_default")
        self.says("truncate " + ", ".join(f"hep_proto_{table}" for table in tables))
