"""The thread that reads FreeSWITCH's log file, on a real file."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, Optional

import pytest

from fs_hepipe.reports.log_line import LogLine
from fs_hepipe.switch import logfile as module
from fs_hepipe.switch.logfile import MAX_KEPT, MAX_XML, UNTOLD, LogFile, named_in
from fs_hepipe.words.settings import Settings
from tests.system.harness import wait_for

A, B = "6935de1a-44ac-46a6-97d6-5c5a0907c0ee", "f7a5138f-5852-413b-9f8d-763262207c80"
PATIENCE_S = 10.0


def line(text: str, level: str = "ERR", leg: str = A) -> str:
    return f"{leg} {time.strftime('%Y-%m-%d %H:%M:%S')}.000000 1.00% [{level}] a.c:1 {text}\n"


class Log:
    """A log file, what reads it, and what was read."""

    def __init__(self, path: Path, problem: str = "") -> None:
        self.path = path
        self.found = (str(path), problem)
        self.file = LogFile(lambda: self.found)
        self.lines: list[LogLine] = []

    def begin(self, **settings: Any) -> None:
        """Reads, and waits until nothing that is written from now on can be missed."""
        self.file.configure(Settings(report_log_lines=True, **{"log_lines_per_second": 1000, **settings}))
        self.until(lambda: bool(self.file._tail and self.file._tail.place) or bool(self.file.problem))

    def write(self, *lines: str) -> None:
        with self.path.open("a", encoding="utf-8", errors="surrogateescape") as file:
            file.write("".join(lines))

    def texts(self, count: int) -> list[str]:
        """The texts of so many lines, once there are as many, and of those that come with them."""
        self.until(lambda: len(self._taken()) >= count)
        return [line.text for line in self._taken()]

    def until(self, so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not so():
            assert time.monotonic() < deadline, (self.lines, self.file.report())
            time.sleep(0.01)

    def count(self, name: str) -> int:
        counts: dict[str, int] = self.file.report()["counts"]
        return counts.get(name, 0)

    def _taken(self) -> list[LogLine]:
        self.lines += self.file.take()
        return self.lines


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    path = tmp_path / "freeswitch.log"
    path.write_text(line("before"))
    found = Log(path)
    yield found
    found.file.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "fs_hepipe log file"]


def test_what_is_written_is_taken_in_its_order(log: Log) -> None:
    log.begin()
    log.write(line("one"), line("chat", "DEBUG"), line("two", "WARNING", B))
    assert log.texts(2) == ["one", "two"]
    assert [(each.unique_id, each.level) for each in log.lines] == [(A, "ERR"), (B, "WARNING")]
    assert log.file.report()["problem"] == ""
    assert abs(log.lines[0].timestamp / 1e6 - time.time()) < 60


def test_nothing_is_read_unless_it_is_asked_for(log: Log) -> None:
    log.file.configure(Settings())
    log.file.ask_for_more(A, 7)
    log.write(line("one"))
    assert log.file.take() == []
    assert log.file._thread is None


def test_a_leg_that_asks_gets_what_there_was_before_each_line_once(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.begin()
    log.write(
        line("error"), line("chat", "DEBUG"), line("others", "DEBUG", B), line("trace", "NOTICE"), f"{A} more of it\n"
    )
    assert log.texts(1) == ["error"]
    log.file.ask_for_more(A, 7)
    assert log.texts(3) == ["error", "chat", "trace\nmore of it"]
    log.file.ask_for_more(A, 7)
    log.write(line("later", "DEBUG"), line("others", "DEBUG", B))
    assert log.texts(4)[3:] == ["later"]
    monkeypatch.setattr(module, "LINGER", 0.0)
    log.file.ask_for_more(A, None)
    log.file.ask_for_more(B, 3)  # less than all others
    log.write(line("no more", "DEBUG"), line("warned", "WARNING", B), line("end", "ERR", B))
    log.until(lambda: log.count("lines") >= 10)
    assert log.texts(5)[4:] == ["end"]


def test_the_line_that_is_still_being_written_is_no_line(log: Log) -> None:
    log.begin()
    log.write(line("one"), line("two")[:-3])
    assert log.texts(1) == ["one"]
    log.file.ask_for_more(A, 7)
    log.until(lambda: not log.file._asking)
    log.write("wo\n")
    assert log.texts(2)[1:] == ["two"]


def test_that_of_the_next_version_goes_on_where_this_one_stopped(log: Log) -> None:
    log.begin()
    log.write(line("one"), line("chat", "DEBUG"))
    assert log.texts(1) == ["one"]
    log.file.ask_for_more(A, 7)
    assert log.texts(2) == ["one", "chat"]
    log.file.close()
    left = log.file.hand_over()
    log.write(line("between", "DEBUG"), line("others", "DEBUG", B))
    log.file = LogFile(lambda: log.found)
    log.file.inherit(left)
    log.begin()
    log.file.ask_for_more(A, 7)  # as the agent does when it reads what channels there are
    log.write(line("after", "DEBUG"))
    assert log.texts(4) == ["one", "chat", "between", "after"]


def test_a_thread_that_takes_nothing_costs_no_more_memory(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.begin()
    monkeypatch.setattr(log.file, "_look", lambda _tail: 0.01)
    for number in range(2 * MAX_KEPT):
        log.file.ask_for_more(f"leg-{number}", 7)
        log.file.ask_for_more(f"leg-{number}", None)
    assert len(log.file._asking) == len(log.file._ended) == MAX_KEPT


def test_what_is_too_much_for_a_second_is_counted(log: Log) -> None:
    log.begin(log_lines_per_second=10)
    log.write(*[line(str(number)) for number in range(500)])
    log.until(lambda: log.count("wanted") == 500)
    assert len(log.texts(10)) + log.count("per_second") == 500
    assert log.count("per_second") > 400


def test_what_nobody_takes_is_counted(log: Log) -> None:
    log.begin(log_lines_per_second=100_000)
    log.write(*[line(str(number)) for number in range(MAX_KEPT + 100)])
    log.until(lambda: log.count("wanted") == MAX_KEPT + 100)
    assert log.file.report()["to_take"] == MAX_KEPT
    assert log.count("not_taken") == 100


def test_after_a_pause_it_goes_on_where_it_stopped(log: Log) -> None:
    log.begin()
    log.write(line("one"))
    assert log.texts(1) == ["one"]
    log.file.close()
    log.write(line("two"))
    log.begin()
    log.write(line("three"))
    assert log.texts(3) == ["one", "two", "three"]


def test_rotation_under_load_loses_nothing_and_repeats_nothing(log: Log) -> None:
    log.begin(log_lines_per_second=100_000)
    for number in range(1_000):
        log.write(line(str(number)))
        if number % 100 == 50:
            log.path.rename(log.path.with_suffix(f".{number}"))
            log.write(line("rotated"))
            log.until(lambda count=number // 100 + 1: log.file.report()["rotations"] == count)  # type: ignore[misc]
    texts = [text for text in log.texts(1_010) if text != "rotated"]
    assert texts == [str(number) for number in range(1_000)]
    assert log.file.report()["truncations"] == 0


def test_what_keeps_it_from_reading_is_told_and_tried_again(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY", 0.01)
    log.path.unlink()
    log.begin()
    log.until(lambda: "No such file" in log.file.report()["problem"])
    log.write(line("one"))
    assert log.texts(1) == ["one"]
    log.until(lambda: log.file.report()["problem"] == "")


def test_another_level_after_a_reload(log: Log) -> None:
    log.begin(log_lines_level="err")
    log.write(line("one"), line("two", "WARNING"))
    assert log.texts(1) == ["one"]
    log.begin(log_lines_level="notice", log_lines_without_call=True)
    time.sleep(2 * module.POLL)
    log.write(line("three", "NOTICE"), line("four", leg="")[1:])
    assert log.texts(3)[1:] == ["three", "four"]


def test_a_read_that_hangs_holds_nobody_up_and_gives_nothing_when_it_ends(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk of another machine that does not answer."""
    monkeypatch.setattr(module, "ENDS_WITHIN", 0.01)
    log.begin()
    hangs, goes_on = threading.Event(), threading.Event()
    tail = log.file._tail
    assert tail is not None
    read = tail.read

    def hanging() -> tuple[bytes, bool]:
        hangs.set()
        goes_on.wait(PATIENCE_S)
        return read()

    monkeypatch.setattr(tail, "read", hanging)
    first = log.file._thread
    assert first is not None
    hangs.wait(PATIENCE_S)
    log.file.close()
    log.begin()
    log.write(line("one"))
    assert log.texts(1) == ["one"]
    goes_on.set()
    first.join(PATIENCE_S)
    log.write(line("two"))
    assert log.texts(2) == ["one", "two"]
    monkeypatch.setattr(module, "ENDS_WITHIN", PATIENCE_S)


def test_a_folder_is_told_too(log: Log) -> None:
    log.found = (str(log.path.parent), "")
    log.begin()
    assert "regular file" in log.file.report()["problem"]


def test_a_fault_of_ours_does_not_end_it(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY", 0.01)
    log.begin()
    feed = log.file._text.feed
    faults = ["RuntimeError: ours"]

    def once(octets: bytes) -> list[LogLine]:
        if faults:
            raise RuntimeError(faults.pop().partition(": ")[2])
        return feed(octets)

    monkeypatch.setattr(log.file._text, "feed", once)
    log.write(line("lost"))
    log.until(lambda: not faults)
    log.write(line("one"))
    assert log.texts(1) == ["one"]


def test_another_file_after_a_reload(log: Log, tmp_path: Path) -> None:
    log.begin()
    log.write(line("one"))
    assert log.texts(1) == ["one"]
    other = tmp_path / "other.log"
    log.begin(log_file=str(other))
    log.path = other
    log.write(line("two"))
    assert log.texts(2)[1:] == ["two"]
    assert log.file.path == str(other)


def test_a_file_without_unique_ids_is_told(log: Log) -> None:
    log.begin(log_lines_level="debug")
    log.write(*[line("x", leg="")[1:] for _ in range(UNTOLD)])
    log.until(lambda: "uuid=true" in log.file.report()["problem"])
    log.write(line("one"))
    assert log.texts(1) == ["one"]


def test_without_a_file_it_says_why(tmp_path: Path) -> None:
    log = Log(tmp_path / "x")
    log.found = ("", "no file")
    log.file.configure(Settings(report_log_lines=True))
    assert log.file.report() == {
        "file": "",
        "problem": "no file",
        "counts": {},
        "rotations": 0,
        "truncations": 0,
        "octets_skipped": 0,
        "to_take": 0,
    }


def conf(*profiles: str) -> str:
    inside = "".join(f'<profile name="x"><settings>{each}</settings></profile>' for each in profiles)
    return f'<configuration name="logfile.conf"><settings/><profiles>{inside}</profiles></configuration>'


NO_IDS = '<param name="uuid" value="{}"/>'
FILE = '<param name="logfile" value="/var/log/{}"/>'


@pytest.mark.parametrize(
    ("xml", "path", "problem"),
    [
        (conf(""), "/log/freeswitch.log", ""),
        (conf(FILE.format("fs.log")), "/var/log/fs.log", ""),
        (conf(FILE.format("a") + NO_IDS.format("false"), FILE.format("b") + NO_IDS.format("true")), "/var/log/b", ""),
        (conf(FILE.format("a") + NO_IDS.format("maybe")), "/var/log/a", "uuid=true"),
        (conf(), "", "no profile"),
        ("<configuration", "", "no profile"),
        (None, "", "mod_logfile"),
        ("<!DOCTYPE x>" + conf(""), "", "mod_logfile"),
        (conf("") + " " * MAX_XML, "", "mod_logfile"),
    ],
)
def test_the_file_is_the_one_that_freeswitch_names(xml: Optional[str], path: str, problem: str) -> None:
    found, told = named_in(xml, "/log/")
    assert found == path
    assert problem in told
    assert bool(problem) == bool(told)


def test_channels_that_asked_for_more_do_not_outlast_the_setting(tmp_path: Path) -> None:
    path = tmp_path / "freeswitch.log"
    path.write_text("")
    found = LogFile(lambda: (str(path), ""))
    found.configure(Settings(report_log_lines=True))
    found.ask_for_more("leg-a", 7)
    wait_for(lambda: found._wanted.of_leg)
    found.configure(Settings())
    assert found._wanted.of_leg == {}
