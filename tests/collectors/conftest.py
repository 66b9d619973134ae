"""
The judges as fixtures: each is started once, when the first test asks for it, and must outlive every test.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from .court import Court, Hire
from .judge import Judge
from .judges import JUDGES, HepJs, KamailioChunks, KamailioStore, Sngrep


@pytest.fixture(scope="session")
def court(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    """All judges that the tests of this run share: `court.call(Sngrep)`."""
    with contextlib.closing(Hire(tmp_path_factory.mktemp("court"))) as hire:
        yield Court(hire)


@pytest.fixture
def hire(tmp_path: Path) -> Iterator[Hire]:
    """Judges of the test's own, to key, stop and start again: `hire(Sngrep, auth_key="…")`."""
    with contextlib.closing(Hire(tmp_path)) as hire:
        yield hire


@pytest.fixture(autouse=True)
def _judges_survive(court: Court) -> Iterator[None]:
    """After every test each shared judge still takes datagrams."""
    yield
    if dead := court.bury():
        pytest.fail(f"did not survive this test: {', '.join(dead)}", pytrace=False)


@pytest.fixture(params=JUDGES, ids=lambda kind: kind.__name__)
def judge(request: pytest.FixtureRequest, court: Court) -> Judge:
    """Each shared judge in turn: a test that asks for this one runs once per judge."""
    kind: type[Judge] = request.param
    return court.call(kind)


@pytest.fixture
def kamailio_store(court: Court) -> KamailioStore:
    return court.call(KamailioStore)


@pytest.fixture
def kamailio_chunks(court: Court) -> KamailioChunks:
    return court.call(KamailioChunks)


@pytest.fixture
def sngrep(court: Court) -> Sngrep:
    return court.call(Sngrep)


@pytest.fixture
def hepjs(court: Court) -> HepJs:
    return court.call(HepJs)
