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
    reason = contract.stated(check)
    if reason:
        pytest.skip(reason)
    check()


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: str(check.__name__))
def test_sentence(check: Callable[[], None]) -> None:
    assert (check.__doc__ or "").endswith(".")


def test_report_from_inside_names_every_check_and_counts() -> None:
    *lines, last = switch.python("tests.contract.inside").splitlines()
    reasons = {check.__name__: contract.stated(check) for check in contract.CHECKS}
    assert lines == [f"{name} stated: {reason}" if reason else f"{name} ok" for name, reason in reasons.items()]
    said = len([reason for reason in reasons.values() if reason])
    assert last == f"{len(reasons) - said} passed, 0 failed, {said} stated"


def test_failed_check_is_reported_with_its_reason_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def check_fails() -> None:
        raise AssertionError("\udce9" * 1000)

    monkeypatch.setattr(contract, "CHECKS", [check_fails, contract.check_a_missing_header_is_none])
    first, second, last = switch.python("tests.contract.inside").splitlines()
    assert first.startswith("check_fails FAIL AssertionError \\udce9")
    assert len(first) < 400
    assert second == "check_a_missing_header_is_none ok"
    assert last == "1 passed, 1 failed, 0 stated"


def test_check_that_would_kill_older_releases_is_executed_from_the_first_that_lives_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def check_crashes() -> None:
        raise AssertionError

    for before, word in ((contract.release(), "FAIL"), ((99,), "stated:")):
        monkeypatch.setattr(contract, "STATED", {"check_crashes": (before, "it is a NULL")})
        monkeypatch.setattr(contract, "CHECKS", [check_crashes])
        lines: list[str] = []
        contract.run(lines.append)
        assert lines[0].startswith(f"check_crashes {word} ")
    assert lines == ["check_crashes stated: before 99 it is a NULL", "0 passed, 0 failed, 1 stated"]


def test_no_exception_leaves_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(contract, "run")
    assert switch.python("tests.contract.inside").startswith("0 passed, 1 failed: AttributeError")
