"""
A real homer-app, with homer-ui's pages if they are there: what its end points answer.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Optional

from .database import DATA, OWNER, SETTINGS, Database
from .program import Program, eventually, free_ports, listens

USER, PASSWORD = "admin", "sipcapture"
"""Those of a fresh Homer."""

NODE = "LocalNode"
AROUND_MS = 600_000


class HomerApp(Program):
    """It listens on loopback."""

    def __init__(self, binary: Path, folder: Path, database: Database, pages: Optional[Path]) -> None:
        (self.port,) = free_ports(1)
        self._binary = binary
        self._token = ""
        root = pages or folder / "no-pages"
        root.mkdir(exist_ok=True)
        found = {"user": OWNER, "pass": "none", "host": "127.0.0.1", "port": database.port, "keepalive": True}
        configuration = {
            "database_data": {NODE: {"node": NODE, "name": DATA, **found}},
            "database_config": {"node": "LocalConfig", "name": SETTINGS, **found},
            "http_settings": {"host": "127.0.0.1", "port": self.port, "root": str(root), "path": "/", "gzip": True},
            "system_settings": {"logpath": str(folder), "logname": "log", "loglevel": "error", "logstdout": True},
            "auth_settings": {"type": "internal", "jwt_secret": "of-the-tests", "token_expire": 86_400},
            **{f"{name}_config": {"enable": False} for name in ("influxdb", "prometheus", "loki", "grafana")},
        }
        (folder / "webapp_config.json").write_text(json.dumps(configuration))
        super().__init__([str(binary), f"-webapp-config-path={folder}"], folder)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Fills its database, starts, and waits until it takes a log-in."""
        for step in ("-create-table-db-config", "-populate-table-db-config"):
            command = [str(self._binary), f"-webapp-config-path={self.folder}", step]
            done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=120)
            assert done.returncode == 0, done.stdout + done.stderr
        super().start()
        eventually("homer-app", self._listens)
        self._token = self.ask("POST", "auth", {"username": USER, "password": PASSWORD})["token"]

    def _listens(self) -> bool:
        self.must_run()
        return listens(self.port)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of an end point of `/api/v3`."""
        request = urllib.request.Request(
            f"{self.url}/api/v3/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    # --- a call ---

    def transaction(self, *call_ids: str, profile: str = "1_call") -> list[dict[str, Any]]:
        """The messages that opening these Call-IDs shows, with `sid`, `id`, `profile` and `method`."""
        data = self.ask("POST", "call/transaction", _query(call_ids, profile))["data"]
        found: list[dict[str, Any]] = data["messages"]
        return found

    def opened(self, call_id: str, profile: str = "1_call") -> list[str]:
        """All Call-IDs that opening this one shows: with these homer-ui asks for quality and logs."""
        messages = self.transaction(call_id, profile=profile)
        return sorted({message["sid"] for message in messages})

    def qos(self, *call_ids: str, profile: str = "1_call") -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The rows of the QoS tab: RTCP, and reports."""
        answer = self.ask("POST", "call/report/qos", _query(call_ids, profile))
        return answer["rtcp"]["data"], answer["rtp"]["data"]

    def logs(self, *call_ids: str, profile: str = "1_call") -> list[dict[str, Any]]:
        """The rows of the Logs tab."""
        found: list[dict[str, Any]] = self.ask("POST", "call/report/log", _query(call_ids, profile))["data"]
        return found

    # --- its settings ---

    def mapping(self, profile: str = "call", hepid: int = 1) -> dict[str, Any]:
        """A protocol's mapping."""
        answer = self.ask("GET", "mapping/protocol")
        (found,) = [each for each in answer["data"] if (each["hepid"], each["profile"]) == (hepid, profile)]
        mapping: dict[str, Any] = found
        return mapping

    def correlate(self, entries: Any, profile: str = "call", hepid: int = 1) -> None:
        """Writes a mapping's correlation, as Settings > Mapping does."""
        mapping = {**self.mapping(profile, hepid), "correlation_mapping": entries}
        self.ask("PUT", f"mapping/protocol/{mapping['guid']}", mapping)


def _query(call_ids: Iterable[str], profile: str) -> dict[str, Any]:
    now = time.time_ns() // 1_000_000
    return {
        "param": {
            "transaction": {"call": True, "registration": False, "rest": False},
            "limit": 200,
            "search": {profile: {"id": 0, "callid": list(call_ids), "uuid": []}},
            "location": {"node": [NODE]},
            "timezone": {"value": 0, "name": "Local"},
        },
        "timestamp": {"from": now - AROUND_MS, "to": now + AROUND_MS},
    }
