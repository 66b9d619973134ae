"""A real Homer 7 as fixtures: started once; without its parts one line says what is missing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.live.lab import Lab
from tests.live.switch import Installation, installations

from .app import HomerApp
from .collector import HeplifyServer
from .database import Database
from .lab import laboratory
from .parts import parts
from .program import free_ports

ROOT = Path(__file__).resolve().parents[2]
MAPPING = ROOT / "conf" / "homer" / "correlation_mapping.json"
PICTURES = ROOT / "docs" / "pictures"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", action="store_true", help="tests/homer: write the pictures of docs/homer.md anew")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without Homer one story stands for all of them, so that its absence is one line."""
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    lacking = parts().lacking
    if not lacking or not here:
        return
    here[0].add_marker(pytest.mark.skip(f"{lacking}: none of {len(here)} stories is run"))
    items[:] = [item for item in items if item not in here[1:]]
    config.hook.pytest_deselected(items=here[1:])


class Homer(NamedTuple):
    """All of it, running."""

    database: Database
    server: HeplifyServer
    app: HomerApp

    def clear(self) -> None:
        self.database.clear()

    def reports(self, table: str) -> list[dict[str, Any]]:
        """The JSON of a table's rows."""
        return [json.loads(row["raw"]) for row in self.database.rows(table)]


@pytest.fixture(scope="session")
def shared_homer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homer]:
    found = parts()
    assert found.postgresql is not None
    assert found.heplify_server is not None
    assert found.homer_app is not None
    server_folder, app_folder = tmp_path_factory.mktemp("heplify-server"), tmp_path_factory.mktemp("homer-app")
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(Database(found.postgresql, free_ports(1)[0]))
        server = HeplifyServer(found.heplify_server, server_folder, database, ['AlegIDs = ["X-CID"]'])
        stack.enter_context(server)
        server.wait_until_up()
        app = HomerApp(found.homer_app, app_folder, database, found.homer_ui)
        stack.enter_context(app)
        yield Homer(database, server, app)


@pytest.fixture
def homer(shared_homer: Homer) -> Homer:
    """It, without rows, with its own mapping."""
    shared_homer.clear()
    return shared_homer


@pytest.fixture(scope="module")
def shared_lab(shared_homer: Homer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two real switches whose SIP and events go to it."""
    home = installations()[0]
    if not isinstance(home, Installation):
        pytest.skip(home)
    with laboratory(home, tmp_path_factory.mktemp("homer-lab"), shared_homer.server.port) as lab:
        yield lab


@pytest.fixture
def lab(shared_lab: Lab, homer: Homer) -> Iterator[Lab]:
    """They, without calls."""
    yield shared_lab
    shared_lab.hang_up()
