"""The fake keeps the contract of the real module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Callable

import pytest

from freeswitch import switch
from tests.contract import contract


@pytest.fixture(autouse=True)
def fake() -> Iterator[None]:
    switch.configure(contract.CONFIGURATION, f'<configuration name="{contract.CONFIGURATION}"/>')
    yield
    switch.reset()


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: str(check.__name__))
def test_fake_keeps(check: Callable[[], None]) -> None:
    check()


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: str(check.__name__))
def test_sentence(check: Callable[[], None]) -> None:
    assert (check.__doc__ or "").endswith(".")


def test_report_from_inside_names_every_check_and_counts() -> None:
    lines = switch.python("tests.contract.inside").splitlines()
    assert lines == [f"{check.__name__} ok" for check in contract.CHECKS] + [f"{len(contract.CHECKS)} passed, 0 failed"]


def test_failed_check_is_reported_with_its_reason_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def check_fails() -> None:
        raise AssertionError("\udce9" * 1000)

    monkeypatch.setattr(contract, "CHECKS", [check_fails, contract.check_a_missing_header_is_none])
    first, second, last = switch.python("tests.contract.inside").splitlines()
    assert first.startswith("check_fails FAIL AssertionError \\udce9")
    assert len(first) < 400
    assert second == "check_a_missing_header_is_none ok"
    assert last == "1 passed, 1 failed"


def test_no_exception_leaves_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(contract, "run")
    assert switch.python("tests.contract.inside").startswith("0 passed, 1 failed: AttributeError")
