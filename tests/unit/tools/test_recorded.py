"""Recordings of any content: their events, a fault for each line that is none, and an end."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tracemalloc
from pathlib import Path
from typing import Union

import pytest

from fs_hepipe.tools import recorded
from fs_hepipe.tools.recorded import MAX_BARREN, MAX_LINE, Fault, events
from fs_hepipe.words.event import RecordedEvent

EVENT = b'{"Event-Name":"CHANNEL_CREATE","Unique-ID":"u1","variable_list":["a","b"]}\n'


def read(path: Path, *content: bytes) -> list[Union[RecordedEvent, Fault]]:
    path.write_bytes(b"".join(content))
    return list(events(str(path)))


def reasons(found: list[Union[RecordedEvent, Fault]]) -> list[str]:
    return [each.reason for each in found if isinstance(each, Fault)]


@pytest.mark.parametrize("depth", [1, 100, 900, 980, 990, 1000, 5000, 100_000])
@pytest.mark.parametrize("opens, closes", [("[", "]"), ('{"a":', "}"), ('["a",', "]")])
def test_a_nested_header_is_no_event_whatever_its_depth(depth: int, opens: str, closes: str, tmp_path: Path) -> None:
    header = f"{opens * depth}1{closes * depth}"
    line = f'{{"Event-Name":"CHANNEL_CREATE","x":{header}}}\n'.encode()
    found = read(tmp_path / "r.jsonl", EVENT, line, EVENT)
    assert [type(each) for each in found] == [RecordedEvent, Fault, RecordedEvent]


@pytest.mark.parametrize(
    "header, text",
    [('"x"', "x"), ("7", "7"), ("true", "true"), ("null", "null"), ("1e999", "Infinity"), ("NaN", "NaN"),
     ('["x"]', "x"), ('["x","y"]', "ARRAY::x|:y"), ('"\\ud800"', "\ud800")],
)  # fmt: skip
def test_a_header_is_a_text_whatever_json_has(header: str, text: str, tmp_path: Path) -> None:
    (event,) = read(tmp_path / "r.jsonl", f'{{"Event-Name":"X","h":{header}}}'.encode())
    assert isinstance(event, RecordedEvent)
    assert event.getHeader("h") == text
    assert json.loads(event.serialize("json"))["Event-Name"] == "X"


@pytest.mark.parametrize(
    "line", [b'{"Event-Name":"X","h":' + b"[" * 100_000 + b"}", b"\xff\xfe{", b"\0", b"1", b"{}", b"[]"]
)
def test_a_line_that_is_no_event_is_a_fault(line: bytes, tmp_path: Path) -> None:
    found = read(tmp_path / "r.jsonl", line, b"\n", EVENT)
    assert isinstance(found[-1], RecordedEvent)


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_that_is_too_long_is_a_fault_and_takes_no_more_memory(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / ("r.jsonl.gz" if packed else "r.jsonl")
    with gzip.open(path, "wb", 1) if packed else path.open("wb") as file:
        file.write(EVENT)
        for _ in range(100):
            file.write(b"[" * 1_000_000)
        file.write(b"\n" + EVENT)
    tracemalloc.start()
    found = list(events(str(path)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [type(each) for each in found] == [RecordedEvent, Fault, RecordedEvent]
    assert reasons(found) == [f"a line of more than {MAX_LINE} octets"]
    assert peak < 8 * MAX_LINE


@pytest.mark.parametrize("length, events_found", [(MAX_LINE, 1), (MAX_LINE + 1, 0)])
def test_the_longest_line_is_an_event(length: int, events_found: int, tmp_path: Path) -> None:
    line = EVENT.replace(b"u1", b"u" * (length - len(EVENT) + 2))
    assert len(line) == length
    found = read(tmp_path / "r.jsonl", line)
    assert len(found) - len(reasons(found)) == events_found


@pytest.mark.parametrize("line", [b"\n", b"x\n", b"{}\n"])
def test_a_file_without_events_is_not_read_to_its_end(line: bytes, tmp_path: Path) -> None:
    found = read(tmp_path / "r.jsonl", EVENT, line * MAX_BARREN * 3, EVENT)
    assert reasons(found)[-1] == f"{MAX_BARREN} lines without an event: the rest of the file is not read"
    assert len(found) <= MAX_BARREN + 2


def test_a_file_has_a_limit_after_unpacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "MAX_FILE", 1_000_000)
    path = tmp_path / "r.jsonl.gz"
    with gzip.open(path, "wb") as file:
        file.write(EVENT * (1_000_000 // len(EVENT) + 5))
    found = list(events(str(path)))
    assert len(found) == 1_000_000 // len(EVENT) + 1
    assert reasons(found) == ["more than 1000000 octets: the rest of the file is not read"]
    path.write_bytes(gzip.compress(EVENT + b"[" * 5_000_000))
    found = list(events(str(path)))
    assert reasons(found) == ["more than 1000000 octets: the rest of the file is not read"]


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "x" * 5000])
def test_a_name_that_no_file_can_have_is_an_oserror(name: str) -> None:
    for each in (name, f"{name}.gz"):
        with pytest.raises(OSError):
            list(events(each))


def test_standard_input_that_is_closed_is_an_oserror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(OSError, match="standard input is closed"):
        list(events("-"))


def test_a_last_line_without_an_end_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(EVENT + EVENT[:-1])))
    assert len(list(events("-"))) == 2
