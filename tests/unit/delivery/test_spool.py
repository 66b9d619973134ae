"""Messages that wait on disk: whole or not there, in their order, bounded, each accounted for after a crash too."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fs_hepipe.delivery import link, routes, stream
from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.backlog import SPOOL_DAMAGED, SPOOL_FULL, STOPPED, Backlog
from fs_hepipe.delivery.buffer import Block
from fs_hepipe.delivery.settings import Delivery
from fs_hepipe.delivery.spool import Spool
from fs_hepipe.delivery.stream import StreamCollector
from fs_hepipe.words.counters import Counts
from tests.stream_homer import StreamHomer, frame, number_of
from tests.system.harness import wait_for


def block(*numbers: int) -> Block:
    return Block.of([frame(number) for number in numbers])


def spool_in(folder: Path, limit: int = 1_000_000) -> Spool:
    found = Spool(str(folder), "tls:homer.example:9061 | tcp:b:1", limit)
    found.open()
    return found


def taken(spool: Spool) -> list[int]:
    """Takes and removes all segments; -1 for a damaged one."""
    numbers = []
    while spool.count:
        segment, messages = spool.take()
        numbers += [-1] if messages is None else [number_of(message) for message in messages]
        spool.remove(segment)
    return numbers


# --- segments --------------------------------------------------------------------------------------------------------


def test_segments_come_back_in_their_order_and_in_another_run_too(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    spool.append(block(3, 4))
    spool.append(block(5))
    spool.prepend(block(1, 2))
    assert (spool.count, spool.octets) == (5, sum(path.stat().st_size for path in spool.folder.iterdir()))
    again = spool_in(tmp_path)
    again.append(block(6))
    again.prepend(block(0))
    assert again.count == 7
    assert taken(again) == list(range(7))
    assert list(again.folder.iterdir()) == []


def test_collectors_have_folders_of_their_own(tmp_path: Path) -> None:
    names = ["tcp:a:1", "tcp:a_1", "tls:" + "x" * 300 + ":1", "tls:" + "x" * 300 + ":2", "tls:h:1;ca=/etc/ca.pem"]
    spools = [Spool(str(tmp_path), name, 1000) for name in names]
    assert [each.open() for each in spools] == [0] * 5
    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "gone", "other count"])
def test_segment_that_is_damaged_is_found_out_and_counted_by_its_name(tmp_path: Path, damage: str) -> None:
    spool = spool_in(tmp_path)
    spool.append(block(1, 2, 3))
    spool.append(block(4))
    first, _ = sorted(spool.folder.iterdir())
    octets = first.read_bytes()
    if damage == "gone":
        first.unlink()
    elif damage == "other count":
        first.rename(first.with_name(first.name.replace("-3.", "-2.")))
        spool = spool_in(tmp_path)
    else:
        first.write_bytes({"cut": octets[:-3], "flipped": octets[:-1] + bytes([octets[-1] ^ 1]), "empty": b""}[damage])
    assert taken(spool) == [-1, 4]


def test_segment_that_was_being_written_is_removed_and_counted(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    spool.append(block(1))
    (spool.folder / "000001000001-250.hep.new").write_bytes(b"half of it")
    (spool.folder / "notes.txt").write_text("an operator's")
    again = Spool(str(tmp_path), "tls:homer.example:9061 | tcp:b:1", 1000)
    assert again.open() == 250
    assert again.count == 1
    assert sorted(path.suffix for path in again.folder.iterdir()) == [".hep", ".txt"]


def test_segment_that_can_not_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = spool_in(tmp_path)

    def fsync(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space left"):
        spool.append(block(1))
    assert (spool.count, list(spool.folder.iterdir())) == (0, [])


# --- what waits, in memory and on disk -------------------------------------------------------------------------------


class Waiting:
    """A backlog as the collector's thread uses it; everything is accounted for after each step."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.outcomes: Counts[str] = Counts()
        self.backlog = Backlog("x", Delivery(spool_dir=str(folder), **settings), self.outcomes)
        self.backlog.open()
        self.offered = 0
        self.on_the_way: list[bytes] = []
        self.sent: list[int] = []

    def check(self) -> None:
        backlog = self.backlog
        waiting = backlog.buffered + backlog.spooled
        assert self.offered + backlog.recovered == len(self.sent) + sum(self.outcomes.values()) + waiting
        assert backlog.buffered >= len(self.on_the_way)

    def add(self, *numbers: int) -> None:
        for number in numbers:
            self.offered += 1
            with self.backlog.lock:
                self.backlog.add(frame(number, 1000))
        self.check()

    def keep(self, *, flows: bool = False) -> None:
        self.backlog.keep(flows=flows)
        self.check()

    def take(self, octets: int) -> None:
        self.on_the_way += self.backlog.take(octets)
        self.check()

    def arrive(self, count: int) -> None:
        arrived, self.on_the_way = self.on_the_way[:count], self.on_the_way[count:]
        with self.backlog.lock:
            self.backlog.sent(arrived)
        self.sent += [number_of(message) for message in arrived]
        self.check()

    def break_off(self) -> None:
        self.backlog.put_back(self.on_the_way)
        self.on_the_way = []
        self.check()

    def drain(self) -> list[int]:
        while self.backlog.has_some():
            self.take(5000)
            self.arrive(len(self.on_the_way))
        return self.sent


def test_what_waits_is_on_disk_and_comes_back_in_its_order(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path)
    waiting.add(*range(100))
    waiting.keep()
    assert (waiting.backlog.buffered, waiting.backlog.spooled) == (0, 100)
    waiting.add(*range(100, 110))
    assert waiting.drain() == list(range(110))
    waiting.keep(flows=True)
    assert list(waiting.backlog._spool.folder.iterdir()) == []  # type: ignore[union-attr]


def test_what_flows_is_not_written(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path)
    waiting.add(*range(10))
    waiting.keep(flows=True)
    assert (waiting.backlog.buffered, waiting.backlog.spooled) == (10, 0)


def test_connection_that_breaks_while_the_spool_is_sent_changes_no_order(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path)
    for begin in range(0, 300, 100):
        waiting.add(*range(begin, begin + 100))
        waiting.keep()
    waiting.take(30_000)
    waiting.arrive(10)
    waiting.add(*range(300, 320))
    waiting.keep(flows=True)
    waiting.break_off()
    waiting.keep()
    waiting.add(320)
    waiting.keep()
    waiting.take(10_000)
    waiting.break_off()
    assert waiting.drain() == list(range(321))


def test_messages_that_were_on_their_way_are_written_before_those_that_came_later(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path)
    waiting.add(*range(20))
    waiting.take(20_000)
    waiting.add(*range(20, 30))
    waiting.break_off()
    waiting.keep()
    assert (waiting.backlog.buffered, waiting.backlog.spooled) == (0, 30)
    assert waiting.drain() == list(range(30))


def test_next_run_sends_what_the_last_has_left(tmp_path: Path) -> None:
    first = Waiting(tmp_path)
    first.add(*range(200))
    first.keep()
    first.take(50_000)
    first.arrive(20)
    first.add(*range(200, 250))
    first.break_off()
    first.backlog.end()
    first.check()
    assert (first.backlog.buffered, first.backlog.spooled, first.outcomes) == (0, 230, {})
    second = Waiting(tmp_path)
    assert second.backlog.recovered == 230
    second.add(250)
    assert second.drain() == list(range(20, 251)), "none twice after an end in good order"


def test_full_spool_drops_the_oldest_or_the_newest(tmp_path: Path) -> None:
    for drop in ("oldest", "newest"):
        waiting = Waiting(tmp_path / drop, spool_size=1_000_000, buffer_drop=drop)
        assert waiting.backlog._spool is not None
        waiting.backlog._spool.limit = 5000
        for begin in range(0, 3000, 100):
            waiting.add(*range(begin, begin + 100))
            waiting.keep()
        dropped = waiting.outcomes[SPOOL_FULL]
        assert 0 < dropped < 3000
        assert waiting.backlog._spool.octets <= 5000
        numbers = list(range(3000))
        assert waiting.drain() == (numbers[dropped:] if drop == "oldest" else numbers[: 3000 - dropped])


def test_disk_that_can_not_be_written_is_told_and_messages_wait_in_memory_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = Waiting(tmp_path)
    waiting.add(*range(100))
    waiting.keep()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.EROFS, "Read-only file system")))
        for begin in range(100, 400, 100):
            waiting.add(*range(begin, begin + 100))
            waiting.keep()
        assert waiting.backlog.spool_errors == 3
        assert "Read-only file system" in waiting.backlog.spool_error
        assert waiting.backlog.buffered == 300
        waiting.take(10_000)
        waiting.break_off()
        waiting.keep()
    waiting.add(*range(400, 410))
    waiting.keep()
    assert waiting.backlog.spool_error == ""
    assert waiting.drain() == list(range(410))


def test_damaged_segment_is_counted_and_the_next_is_sent(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path)
    waiting.add(*range(10))
    waiting.keep()
    waiting.add(*range(10, 15))
    waiting.keep()
    (first, _) = sorted(waiting.backlog._spool.folder.iterdir())  # type: ignore[union-attr]
    first.write_bytes(b"damaged")
    assert waiting.drain() == list(range(10, 15))
    assert waiting.outcomes == {SPOOL_DAMAGED: 10}


def test_folder_that_can_not_be_used_is_told_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    waiting = Waiting(tmp_path / "file")
    waiting.add(1)
    waiting.keep()
    assert waiting.backlog.spool_error.endswith("Not a directory")
    assert waiting.backlog.buffered == 1
    (tmp_path / "file").unlink()
    waiting.backlog.open()
    waiting.keep()
    assert (waiting.backlog.spool_error, waiting.backlog.spooled) == ("", 1)


def test_without_a_spool_the_end_is_counted() -> None:
    outcomes: Counts[str] = Counts()
    backlog = Backlog("x", Delivery(), outcomes)
    with backlog.lock:
        backlog.add(frame(1))
    backlog.end()
    assert (outcomes, backlog.buffered) == ({STOPPED: 1}, 0)


# --- the collector ---------------------------------------------------------------------------------------------------


@pytest.fixture
def end(end: ExitStack, monkeypatch: pytest.MonkeyPatch) -> ExitStack:
    """What a test has to undo, with short waits."""
    monkeypatch.setattr(routes, "BACKOFF", (0.05, 0.2))
    monkeypatch.setattr(stream, "HOUSEKEEPING", 0.05)
    monkeypatch.setattr(stream, "CONFIRM", 0.02)
    monkeypatch.setattr(link, "PROVING", 0.1)
    return end


def collector_of(end: ExitStack, port: int, folder: Path) -> StreamCollector:
    found = StreamCollector("it", [Address("127.0.0.1", port, "tcp")], Delivery(spool_dir=str(folder)))
    end.callback(found.join)
    return found


def test_restart_in_an_outage_loses_nothing(end: ExitStack, tmp_path: Path) -> None:
    homer = StreamHomer()
    end.callback(homer.close)
    homer.close()
    first = collector_of(end, homer.port, tmp_path)
    for number in range(500):
        first.send(frame(number), 0.0)
        assert first.balances
    wait_for(lambda: first.spooled > 0 and first.hint is not None)
    assert "500 messages wait" in str(first.hint)
    first.send(frame(500), 0.0)
    assert first.join()
    assert (first.outcomes, first.spooled, first.balances) == ({}, 501, True)
    second = collector_of(end, homer.port, tmp_path)
    second.send(frame(501), 0.0)
    homer.listen()
    wait_for(lambda: homer.numbers == list(range(502)))
    wait_for(lambda: second.outcomes == {"sent": 502})
    assert (second.recovered, second.balances) == (501, True)
    wait_for(lambda: not list(tmp_path.glob("*/*.hep")))


KILLED = """
import sys, time
from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.settings import Delivery
from fs_hepipe.delivery.stream import StreamCollector
from tests.stream_homer import frame
it = StreamCollector("it", [Address("127.0.0.1", int(sys.argv[1]), "tcp")], Delivery(spool_dir=sys.argv[2]))
for number in range(100_000):
    it.send(frame(number), 0.0)
    print(number, time.monotonic(), flush=True)
    time.sleep(0.002)
"""


def test_kill_loses_the_last_second_at_most(end: ExitStack, tmp_path: Path) -> None:
    homer = StreamHomer()
    end.callback(homer.close)
    homer.close()
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(homer.port), str(tmp_path)],
        stdout=subprocess.PIPE, text=True, cwd=Path(__file__).resolve().parents[3],
    )  # fmt: skip
    time.sleep(3.5)
    process.send_signal(signal.SIGKILL)
    out, _ = process.communicate()
    times = [float(line.split()[1]) for line in out.splitlines()[:-1]]
    homer.listen()
    second = collector_of(end, homer.port, tmp_path)
    wait_for(lambda: second.recovered > 0 and not second.buffered and not second.spooled)
    assert homer.numbers == list(range(len(homer.numbers)))
    assert second.outcomes == {"sent": len(homer.numbers)}
    assert times[-1] - times[len(homer.numbers) - 1] < 1.5, "a second, and the rest of the machine"
