"""
The judges as fixtures: each is started once, when the first test asks for it, and must survive every test.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from .judge import Judge
from .judges import JUDGES, HepJs, KamailioChunks, KamailioStore, Sngrep
from .running import Shared, Starter


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """All judges that the tests of this run share: `shared.get(Sngrep)`."""
    with contextlib.closing(Starter(tmp_path_factory.mktemp("judges"))) as start:
        yield Shared(start)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Judges for one test, to be given a key, stopped and started again: `start(Sngrep, auth_key="…")`."""
    with contextlib.closing(Starter(tmp_path)) as start:
        yield start


@pytest.fixture(autouse=True)
def _judges_survive(shared: Shared) -> Iterator[None]:
    """After every test each shared judge still receives datagrams."""
    yield
    if dead := shared.remove_dead():
        pytest.fail(f"did not survive this test: {', '.join(dead)}", pytrace=False)


@pytest.fixture(params=JUDGES, ids=lambda kind: kind.__name__)
def judge(request: pytest.FixtureRequest, shared: Shared) -> Judge:
    """Each shared judge in turn: a test that asks for this one runs once per judge."""
    kind: type[Judge] = request.param
    return shared.get(kind)


@pytest.fixture
def kamailio_store(shared: Shared) -> KamailioStore:
    return shared.get(KamailioStore)


@pytest.fixture
def kamailio_chunks(shared: Shared) -> KamailioChunks:
    return shared.get(KamailioChunks)


@pytest.fixture
def sngrep(shared: Shared) -> Sngrep:
    return shared.get(Sngrep)


@pytest.fixture
def hepjs(shared: Shared) -> HepJs:
    return shared.get(HepJs)
