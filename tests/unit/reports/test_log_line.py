"""The octets of mod_logfile's file, and the messages in them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fs_hepipe.reports.log_line import (
    LEVELS,
    MAX_ASKING,
    MAX_LINE,
    MAX_TEXT,
    LogLine,
    LogText,
    Wanted,
)
from fs_hepipe.reports.log_time import to_utc

A, B = "6935de1a-44ac-46a6-97d6-5c5a0907c0ee", "f7a5138f-5852-413b-9f8d-763262207c80"
HEAD = "2026-11-26 19:07:31.319818 86.83%"
AT = 1_795_720_051_319_818
"""The same in UTC, microseconds since 1970."""

EVERYTHING = LEVELS["DEBUG"]


def reader(least: int = EVERYTHING, *, without_leg: bool = False) -> LogText:
    return LogText(Wanted(least, without_leg=without_leg), lambda local: local)


def read(text: LogText, *lines: str) -> list[LogLine]:
    return [*text.feed("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")), *text.pause()]


def test_a_message_has_its_leg_time_level_place_and_text() -> None:
    assert read(reader(), f"{A} {HEAD} [ERR] mod_dptools.c:1865 the text: of it") == [
        LogLine(A, AT, "ERR", "mod_dptools.c:1865", "the text: of it")
    ]


def test_the_lines_of_a_message_are_one_message() -> None:
    told = read(
        reader(), f"{A} {HEAD} [ERR] a.c:1 first", f"{A} second", f"{A} ", f"{A} third", f"{B} {HEAD} [ERR] b.c:2 x"
    )
    assert [line.text for line in told] == ["first\nsecond\n\nthird", "x"]


def test_a_message_without_a_leg_is_told_only_if_it_is_asked_for() -> None:
    line = f"{HEAD} [ERR] sofia.c:1 no channel"
    assert read(reader(), line) == []
    assert read(reader(without_leg=True), line) == [LogLine(None, AT, "ERR", "sofia.c:1", "no channel")]


def test_the_level_of_all_and_that_of_a_leg() -> None:
    text = reader(LEVELS["WARNING"])
    wanted = text._wanted
    lines = [f"{leg} {HEAD} [{level}] a.c:1 {level}" for leg in (A, B) for level in LEVELS]
    grave = ["CONSOLE", "ALERT", "CRIT", "ERR", "WARNING"]
    assert [line.text for line in read(text, *lines)] == grave * 2
    assert wanted.set_leg(B.encode(), LEVELS["DEBUG"])
    assert not wanted.set_leg(B.encode(), LEVELS["DEBUG"])
    assert [line.text for line in read(text, *lines)] == [*grave, *LEVELS]
    assert wanted.set_leg(B.encode(), None)
    assert [line.text for line in read(text, *lines)] == grave * 2
    assert text.counts["lines"] == 3 * len(lines)


def test_as_many_legs_can_ask_for_more_as_there_is_room() -> None:
    wanted = Wanted(LEVELS["ERR"])
    assert all(wanted.set_leg(b"%d" % number, 7) for number in range(MAX_ASKING))
    assert not wanted.set_leg(b"one more", 7)
    assert wanted.set_leg(b"0", None)
    assert wanted.set_leg(b"one more", 7)


@pytest.mark.parametrize(
    "line", ["EXECUTE [depth=0] sofia/x set(a=b)", "Dialplan: sofia/x parsing [live] continue=false"]
)
def test_what_has_no_time_of_its_own_gets_that_of_the_line_before(line: str) -> None:
    text = reader()
    assert read(text, f"{A} {line}") == []  # nothing tells when
    told = read(text, f"{B} {HEAD} [ERR] a.c:1 x", f"{A} {line}", f"{A} {line}")
    level = "INFO" if line.startswith("EXECUTE") else "DEBUG"
    assert told[1:] == [LogLine(A, AT, level, "", line)] * 2
    assert len(read(reader(LEVELS["NOTICE"]), f"{B} {HEAD} [ERR] a.c:1 x", f"{A} {line}")) == 1


def test_a_line_is_of_a_message_only_with_its_leg_and_right_behind_it() -> None:
    """What a caller wrote may begin a line: nobody else's message gets it."""
    text = reader(without_leg=True)
    told = read(
        text, f"{A} {HEAD} [ERR] a.c:1 begin", "evil", f"{A} behind it", f"{B} evil", f"{HEAD} [ERR] a.c:1 x", "evil"
    )
    assert [line.text for line in told] == ["begin", "x"]
    assert text.counts["strays"] == 4


def test_a_forged_message_needs_the_id_of_its_leg() -> None:
    told = read(reader(), f"{A} {HEAD} [ERR] a.c:1 begin", f"forged {HEAD} [CRIT] a.c:1 x")
    assert [line.unique_id for line in told] == [A, "forged"]  # no leg is known by this name: see log_lines


def test_a_line_that_mod_logfile_cut_ends_there_and_the_next_one_begins() -> None:
    begin = f"{A} {HEAD} [ERR] a.c:1 "
    long = begin + "x" * (2_047 - len(begin))
    text = reader(without_leg=True)
    told = read(text, f"{long}{HEAD} [ERR] b.c:2 next", f"{A} lost", f"{long}{long}{A} {HEAD} [ERR] c.c:3 last")
    assert [(line.unique_id, line.where) for line in told] == [
        (A, "a.c:1"), (None, "b.c:2"), (A, "a.c:1"), (A, "a.c:1"), (A, "c.c:3"),
    ]  # fmt: skip
    assert set(told[0].text) == {"x"}
    assert told[1].text == "next"
    assert text.counts["cut"] == 3


def test_a_line_of_a_megabyte_takes_no_memory_and_the_next_one_is_read() -> None:
    text = reader(without_leg=True)
    told = text.feed(f"{HEAD} [ERR] a.c:1 ".encode())
    for _ in range(100):
        told += text.feed(b"x" * 10_000)
        assert len(text._rest) <= MAX_LINE
    told += text.feed(f"\n{A} {HEAD} [ERR] b.c:2 next\n{A}".encode())
    told += text.pause()
    assert [line.where for line in told] == ["a.c:1", "b.c:2"]
    assert len(told[0].text) == MAX_TEXT + 1
    assert text.feed(b"\n") == []
    whole = reader(without_leg=True)
    assert len(read(whole, f"{HEAD} [ERR] a.c:1 " + "x" * 1_000_000)[0].text) == MAX_TEXT + 1
    assert whole.counts["cut"] == 2


def test_a_message_of_many_lines_is_cut() -> None:
    (told,) = read(reader(), f"{A} {HEAD} [ERR] a.c:1 x", *[f"{A} {'y' * 100}"] * 100)
    assert len(told.text) == MAX_TEXT + 1
    assert told.text.endswith("…")


def test_octets_that_come_one_by_one_make_the_same_messages() -> None:
    lines = (
        f"{A} {HEAD} [ERR] a.c:1 é\n{A} two\nstray\n{B} {HEAD} [NOTICE] a.c:1 x\n{B} {HEAD} [CRIT] b.c:2 z\n".encode()
    )
    whole, slowly = reader(LEVELS["ERR"]), reader(LEVELS["ERR"])
    told = [line for number in range(len(lines)) for line in slowly.feed(lines[number : number + 1])]
    assert [*told, *slowly.pause()] == [*whole.feed(lines), *whole.pause()]
    assert [line.text for line in told] == ["é\ntwo"]


def test_half_a_line_is_none_when_another_file_begins() -> None:
    text = reader()
    text.feed(f"{A} {HEAD} [ERR] a.c:1 first\n{A} {HEAD} [ERR] a.c:1 half".encode())
    assert [line.text for line in text.restart()] == ["first"]
    assert text.feed(f" line\n{A} of nothing\n".encode()) == []
    assert text.pause() == []


def test_colours_are_no_text_and_bad_utf8_is_kept() -> None:
    assert read(reader(), f"\x1b[31m{A} {HEAD} [ERR] a.c:1 r\x1b[1mé\udce9d\x1b[0m") == [
        LogLine(A, AT, "ERR", "a.c:1", "r\x1b[1mé\udce9d")
    ]


def test_a_date_without_the_idle_cpu_is_one_too() -> None:
    assert read(reader(), f"{A} 2026-11-26 19:07:31.319818 [ERR] a.c:1 x")[0].timestamp == AT


@pytest.mark.parametrize(
    "when",
    ["2026-02-30 10:00:00", "2026-01-01 25:00:00", "2026-01-01 10:00:61", "0000-01-01 10:00:00", "9999-01-01 10:00:00"],
)
def test_a_time_that_there_is_not_is_counted(when: str) -> None:
    text = reader()
    assert read(text, f"{A} {when}.000000 1.00% [ERR] a.c:1 x", f"{A} more of it") == []
    assert text.counts["no_time"] == 1


@contextmanager
def zone(name: str) -> Iterator[None]:
    from fs_hepipe.reports import log_time

    before = os.environ.get("TZ")
    try:
        os.environ["TZ"] = name
        time.tzset()
        log_time._minutes.cache_clear()
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()
        log_time._minutes.cache_clear()


def local(text: str) -> int:
    from fs_hepipe.reports.log_time import local_time

    found = local_time(text[:16].encode(), b"30", b"000001")
    assert found is not None
    return found


def test_local_time_is_that_of_the_zone_summer_and_winter() -> None:
    with zone("Europe/Berlin"):
        assert to_utc(local("2026-07-01 12:00"), 0) == local("2026-07-01 10:00")
        assert to_utc(local("2026-12-01 12:00"), 0) == local("2026-12-01 11:00")
    with zone("Asia/Kathmandu"):
        assert to_utc(local("2026-12-01 12:00"), 0) == local("2026-12-01 06:15")


def test_of_an_hour_that_there_is_twice_the_nearer_one_is_meant() -> None:
    """2026-10-25, 03:00 summer time: clocks go back to 02:00."""
    with zone("Europe/Berlin"):
        summer, winter = local("2026-10-25 00:30"), local("2026-10-25 01:30")
        assert to_utc(local("2026-10-25 02:30"), summer / 1e6 + 60) == summer
        assert to_utc(local("2026-10-25 02:30"), winter / 1e6 + 60) == winter
        assert to_utc(local("2026-10-25 03:30"), summer / 1e6) == local("2026-10-25 02:30")


def test_the_search_for_lines_is_made_once_however_many_channels_ask() -> None:
    wanted = Wanted(LEVELS["WARNING"])
    for number in range(100):
        wanted.set_leg(b"leg-%d" % number, LEVELS["DEBUG"])
    search = wanted.search
    assert search is wanted.search
    assert search is not None
    assert search(b"leg-99 x", 0, 8)
    wanted.set_leg(b"leg-99", None)
    again = wanted.search
    assert again is not None
    assert again(b"leg-99 x", 0, 8) is None


def test_another_level_of_all_channels_is_searched_for() -> None:
    wanted = Wanted(LEVELS["ERR"])
    assert wanted.search is not None
    assert wanted.search(b"leg [WARNING] ", 0, 14) is None
    wanted.set(LEVELS["WARNING"], without_leg=True)
    assert wanted.search is not None
    assert wanted.search(b"leg [WARNING] ", 0, 14)
    assert wanted(None, LEVELS["WARNING"])
