"""
A real heplify-server: HEP in, rows and metrics out.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Sequence
from pathlib import Path

from .database import DATA, OWNER, SETTINGS, Database
from .program import Program, eventually, free_ports, listens

TABLES = ("1_call", "1_registration", "1_default", "100_default", "5_default", "35_default")


class HeplifyServer(Program):
    """It listens on loopback, over UDP and TCP, and writes what came every second."""

    def __init__(self, binary: Path, folder: Path, database: Database, settings: Sequence[str] = ()) -> None:
        self.database = database
        self.port, self._tcp, self._metrics = free_ports(3)
        lines = {
            "HEPAddr": f"127.0.0.1:{self.port}",
            "HEPTCPAddr": f"127.0.0.1:{self._tcp}",
            "HEPTLSAddr": "",
            "HEPWSAddr": "",
            "PromAddr": f"127.0.0.1:{self._metrics}",
            "DBShema": "homer7",
            "DBDriver": "postgres",
            "DBAddr": f"127.0.0.1:{database.port}",
            "DBUser": OWNER,
            "DBPass": "",
            "DBDataTable": DATA,
            "DBConfTable": SETTINGS,
            "LogLvl": "info",
            "ConfigHTTPAddr": "",
        }
        text = [f'{name} = "{value}"' for name, value in lines.items()]
        text += ["DBTimer = 1", "DBWorker = 2", "DBRotate = true", "LogStd = true", *settings]
        (folder / "heplify-server.toml").write_text("\n".join(text) + "\n")
        super().__init__([str(binary), "-config", str(folder / "heplify-server.toml")], folder)

    @property
    def url(self) -> str:
        """As `capture-server` names it."""
        return f"udp:127.0.0.1:{self.port}"

    @property
    def tcp_url(self) -> str:
        return f"tcp:127.0.0.1:{self._tcp}"

    def wait_until_up(self) -> None:
        """Waits until it listens, and has made the tables and those of today."""
        eventually("metrics of heplify-server", self._is_up)

    def _is_up(self) -> bool:
        self.must_run()
        partitions = "select count(*) from pg_inherits where inhparent::regclass::text like 'hep_proto_%'"
        return listens(self._metrics) and listens(self._tcp) and int(self.database.says(partitions) or 0) > 100

    def metrics(self) -> dict[str, float]:
        """Its own metrics by name with labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rpartition(" ") for line in lines if line.startswith("heplify_"))
        return {name: float(value) for name, _, value in pairs}

    def stored(self) -> dict[str, int]:
        """How many rows each table has, those that have none left out."""
        queries = " union all ".join(f"select '{table}', count(*) from hep_proto_{table}" for table in TABLES)
        rows = (line.split("|") for line in self.database.says(queries).splitlines())
        return {table: int(count) for table, count in rows if int(count)}

    def wait_for(self, count: int) -> dict[str, int]:
        """The same, as soon as there are so many in all."""
        eventually(f"{count} rows, but {self.stored()}", lambda: sum(self.stored().values()) >= count, patience=20)
        return self.stored()
