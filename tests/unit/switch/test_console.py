"""`logging` on the switch's console: short, on one line, not again and again."""

from __future__ import annotations

import logging

import pytest

from fs_hepipe.agent.log import LEVELS, LOGGER
from fs_hepipe.switch.console import MAX_REMEMBERED, Console, attach
from fs_hepipe.words.text import describe_error


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def log(clock: Clock, lines: list[tuple[str, str]]) -> logging.Logger:
    return logger_with(Console(lambda level, line: lines.append((level, line)), clock))


def logger_with(console: Console) -> logging.Logger:
    logger = logging.Logger("test")  # noqa: LOG001  of this test alone
    logger.addHandler(console)
    return logger


class BrokenError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_levels_are_the_switchs(log: logging.Logger, lines: list[tuple[str, str]]) -> None:
    for name, number in LEVELS.items():
        text = f"at {name}"
        log.log(number, text)
    assert [level for level, _ in lines] == ["debug", "info", "notice", "warning", "err", "crit", "crit"]
    log.log(7, "between")
    assert lines[-1] == ("info", "fs_hepipe: between")


def test_same_complaint_is_written_once_in_twenty_seconds(
    log: logging.Logger, lines: list[tuple[str, str]], clock: Clock
) -> None:
    for number in range(100):
        log.error("failed: %d", number)
    assert lines == [("err", "fs_hepipe: failed: 0")]
    clock.now += 19.9
    log.error("failed: %d", 100)
    assert len(lines) == 1
    clock.now += 0.2
    log.error("failed: %d", 101)
    assert lines[1:] == [("err", "fs_hepipe: failed: 101 (100 more like this were not shown)")]
    clock.now += 21
    log.error("failed: %d", 102)
    assert lines[2:] == [("err", "fs_hepipe: failed: 102")]


def test_other_complaints_and_news_are_not_kept_back(log: logging.Logger, lines: list[tuple[str, str]]) -> None:
    log.warning("one")
    log.warning("two")
    for _ in range(3):
        log.info("news")
    assert [line for _, line in lines] == ["fs_hepipe: one", "fs_hepipe: two", *["fs_hepipe: news"] * 3]


def test_what_is_remembered_is_bounded(log: logging.Logger, lines: list[tuple[str, str]]) -> None:
    (console,) = log.handlers
    for number in range(10 * MAX_REMEMBERED):
        text = f"message {number}"
        log.warning(text)
    assert isinstance(console, Console)
    assert len(console._quiet) <= MAX_REMEMBERED
    assert len(lines) == 10 * MAX_REMEMBERED


@pytest.mark.parametrize("char", "x\x00\U000e0001é😀\udce9\n", ids=ascii)
def test_line_is_short_and_printable_whatever_is_logged(
    log: logging.Logger, lines: list[tuple[str, str]], char: str
) -> None:
    text = char * 100_000
    log.error("failed: %s", text)
    log.error(text)
    for _, line in lines:
        assert len(line.encode()) <= 2000
        assert line.isprintable()
        assert line.startswith("fs_hepipe: ")
    assert len(lines) == 2


def test_argument_that_can_not_be_shown_is_named_by_its_type(
    log: logging.Logger, lines: list[tuple[str, str]]
) -> None:
    log.error("failed: %s %s", BrokenError(), "x")
    log.error("format that does not fit: %d", "x")
    log.error("mapping %(x)d", {"y": 1})
    assert [line for _, line in lines] == [
        "fs_hepipe: failed: %s %s BrokenError str",
        "fs_hepipe: format that does not fit: %d str",
        "fs_hepipe: mapping %(x)d dict",
    ]


def test_percent_signs_of_a_text_without_arguments_are_left_alone(
    log: logging.Logger, lines: list[tuple[str, str]]
) -> None:
    log.warning("100 %s of it")
    assert lines == [("warning", "fs_hepipe: 100 %s of it")]


@pytest.mark.parametrize("error", [ValueError("x"), MemoryError(), RecursionError("deep"), BrokenError()])
def test_console_that_breaks_raises_nothing(error: Exception) -> None:
    def write(level: str, line: str) -> None:
        raise error

    logger_with(Console(write)).error("x")


def test_exception_is_said_in_few_words() -> None:
    assert describe_error(ValueError("text")) == "ValueError: text"
    assert describe_error(MemoryError()) == "MemoryError"
    assert describe_error(BrokenError()) == "BrokenError: (no text)"
    assert describe_error(ValueError("a\nb\udce9")) == "ValueError: a\\nb\\xe9"
    assert len(describe_error(ValueError("x" * 100_000))) < 600


def test_our_logger_writes_to_the_console_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger(LOGGER)
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", True)
    first: list[str] = []
    second: list[str] = []
    attach(lambda _, line: first.append(line))
    logger.debug("x")
    logger.error("one")
    attach(lambda _, line: second.append(line), "crit")
    assert len(logger.handlers) == 1
    assert not logger.propagate
    logger.error("two")
    attach(lambda _, line: second.append(line))
    logger.error("three")
    attach(lambda _, line: second.append(line), "debug")
    logger.error("one")
    logger.debug("four")
    assert first == ["fs_hepipe: one"]
    assert second == ["fs_hepipe: four"], "what was said of late is remembered, and the level only changes when given"
