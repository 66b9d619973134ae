"""
The fixture `fuzz`: every test that has it runs twice, as a short round among the other tests and, marked `fuzz`, for a
time (`make fuzz`).
"""

from __future__ import annotations

import time

import pytest

from tests.fuzz.engine import Fuzz

SECONDS = 60.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz-seconds", type=float, default=SECONDS, help="how long each test of `make fuzz` runs")
    parser.addoption("--fuzz-seed", type=int, help="the first seed of `make fuzz`: repeats a run")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fuzz" in metafunc.fixturenames:
        lengths = ["short", pytest.param("long", marks=pytest.mark.fuzz)]
        metafunc.parametrize("fuzz", lengths, indirect=True)


@pytest.fixture
def fuzz(request: pytest.FixtureRequest) -> Fuzz:
    """Feeds a check: `fuzz(strategy, check)`."""
    name = request.node.originalname
    if request.param == "short":
        return Fuzz(name, None, 0)
    option = request.config.getoption  # with defaults: pytest knows our options only if it is given this folder
    return Fuzz(name, option("fuzz_seconds", SECONDS), option("fuzz_seed", None) or int(time.time()))
