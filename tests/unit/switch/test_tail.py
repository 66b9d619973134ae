"""A file that is written, rotated, cut and removed while it is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fs_hepipe.switch import tail as module
from fs_hepipe.switch.tail import MAX_READ, Tail


def everything(tail: Tail) -> list[bytes]:
    """What there is to read; `--` where it does not follow what came before."""
    found = []
    for _ in range(10):
        octets, begins = tail.read()
        found += [b"--"] * begins + [octets] * bool(octets)
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "freeswitch.log"
    path.write_bytes(b"before\n")
    return path


def append(path: Path, octets: bytes) -> None:
    with path.open("ab") as file:
        file.write(octets)


def test_only_what_is_written_from_now_on_is_read(path: Path) -> None:
    tail = Tail(str(path))
    assert everything(tail) == [b"--"]
    append(path, b"one\n")
    append(path, b"two\n")
    assert everything(tail) == [b"one\ntwo\n"]
    assert everything(tail) == []
    tail.close()


def test_a_read_is_bounded(path: Path) -> None:
    tail = Tail(str(path))
    tail.read()
    append(path, b"x" * (2 * MAX_READ + 1))
    assert [len(octets) for octets in everything(tail)] == [MAX_READ, MAX_READ, 1]
    tail.close()


def test_a_renamed_file_is_read_to_its_end_and_the_new_one_from_its_begin(path: Path) -> None:
    tail = Tail(str(path))
    tail.read()
    append(path, b"old\n")
    renamed = path.rename(path.with_suffix(".1"))
    assert everything(tail) == [b"old\n"]
    append(renamed, b"old still\n")  # there is no new one yet
    assert everything(tail) == [b"old still\n"]
    path.touch()
    append(renamed, b"and still\n")  # nothing stands in it yet
    assert everything(tail) == [b"and still\n"]
    append(renamed, b"end\n")
    append(path, b"new\n")
    assert everything(tail) == [b"end\n", b"--", b"new\n"]
    assert everything(tail) == []
    assert tail.rotations == 1
    tail.close()


def test_a_file_that_was_cut_is_read_from_its_begin(path: Path) -> None:
    tail = Tail(str(path))
    tail.read()
    append(path, b"one\n")
    everything(tail)
    os.truncate(path, 0)
    append(path, b"two\n")
    assert everything(tail) == [b"--", b"two\n"]
    assert tail.truncations == 1
    tail.close()


def test_a_file_that_was_cut_and_has_grown_beyond_the_place_is_too(path: Path) -> None:
    tail = Tail(str(path))
    tail.read()
    os.truncate(path, 0)
    append(path, b"more than there was before\n")
    assert everything(tail) == [b"--", b"more than there was before\n"]
    tail.close()


def test_a_later_one_goes_on_where_this_one_stopped(path: Path) -> None:
    tail = Tail(str(path))
    tail.read()
    append(path, b"one\n")
    everything(tail)
    tail.close()
    append(path, b"two\n")
    later = Tail(str(path), tail.place)
    assert everything(later) == [b"two\n"]
    later.close()
    path.unlink()
    path.write_bytes(b"three\n")
    last = Tail(str(path), later.place)
    assert everything(last)[-1] == b"three\n"
    last.close()


def test_what_is_too_much_to_catch_up_with_is_skipped_and_counted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BEHIND", 4)
    tail = Tail(str(path))
    tail.read()
    tail.close()
    append(path, b"0123456789")
    later = Tail(str(path), tail.place)
    assert everything(later) == [b"--", b"6789"]
    assert later.skipped == 6
    later.close()


def test_what_stands_before_the_place_can_be_read_again(path: Path) -> None:
    tail = Tail(str(path))
    assert tail.before(10) == b""
    tail.read()
    append(path, b"one\n")
    everything(tail)
    append(path, b"two\n")
    assert tail.before(6) == b"e\none\n"
    assert tail.before(1000) == b"before\none\n"
    tail.close()


def test_what_is_no_file_is_not_read_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    had = len(list(Path("/proc/self/fd").iterdir()))
    for name, error in (("fifo", OSError), ("", IsADirectoryError), ("missing", FileNotFoundError)):
        with pytest.raises((error, OSError)):
            Tail(str(tmp_path / name)).read()
    assert len(list(Path("/proc/self/fd").iterdir())) == had


def test_a_file_that_comes_later_is_read_from_its_begin(tmp_path: Path) -> None:
    path = tmp_path / "later"
    tail = Tail(str(path))
    with pytest.raises(FileNotFoundError):
        tail.read()
    path.write_bytes(b"one\n")
    assert everything(tail) == [b"--", b"one\n"]
    append(path, b"two\n")
    assert everything(tail) == [b"two\n"]
    tail.close()


def test_a_file_that_is_gone_in_the_moment_of_the_rotation_is_looked_for_again(path: Path) -> None:
    tail = Tail(str(path))
    tail.read()
    path.rename(path.with_suffix(".1"))
    append(path, b"new\n")
    opened = os.open
    gone = iter([True, False])

    def once(*arguments: object, **named: object) -> int:
        if next(gone):
            raise FileNotFoundError
        return opened(*arguments, **named)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", once)
        with pytest.raises(FileNotFoundError):
            tail.read()
        assert everything(tail)[:2] == [b"--", b"new\n"]
    tail.close()
