"""The bench: what it says of the figures it has, and that what it measures is what it claims to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Optional

import pytest

from bench import bench, scale, story
from fs_hepipe.reports.bindings import bindings
from fs_hepipe.words import names
from fs_hepipe.words.event import RecordedEvent
from fs_hepipe.words.settings import Settings


def result(row: bench.Row, **figures: list[float]) -> bench.Result:
    lanes = {row.ours: figures["ours"], **({row.theirs: figures["theirs"]} if row.theirs else {})}
    (found,) = [each for each in bench.results(lanes) if each.row == row]
    return found


def row(ours: str, theirs: Optional[str] = None) -> bench.Row:
    (found,) = [each for each in bench.ROWS if (each.ours, each.theirs) == (ours, theirs)]
    return found


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    """The third round fell upon a busy machine, and upon both sides alike."""
    found = result(row("encode", "node encode"), ours=[1.0, 1.0, 9.0], theirs=[2.0, 2.0, 18.0])
    assert found.ratio == bench.Figure(0.5, 0.5, 0.5)
    assert (found.reach, found.verdict) == ("≤ 0.7", "ok")


def test_a_row_that_shall_be_faster_is_judged_the_other_way_round() -> None:
    found = result(row("encode", "build"), ours=[2.0], theirs=[90.0])
    assert found.ratio == bench.Figure(45.0, 45.0, 45.0)
    assert (found.reach, found.verdict) == ("≥ 50", "missed")


def test_a_row_without_another_side_is_judged_by_its_own_figure() -> None:
    assert result(row("hold"), ours=[301.0, 299.0, 250.0]).verdict == "ok"
    assert result(row("hold"), ours=[301.0, 302.0, 250.0]).verdict == "missed"


def test_a_row_without_reach_is_only_told() -> None:
    found = result(row("rtcp searched", "node rtcp"), ours=[1.0], theirs=[1.0])
    assert (found.reach, found.verdict) == ("", "")


def test_rows_of_a_peer_that_is_missing_are_left_out() -> None:
    whats = {each.row.theirs for each in bench.results({"encode": [1.0], "build": [60.0], "rtcp": [20.0]})}
    assert whats == {"build"}


def test_a_peer_that_is_not_installed_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(bench, "PEERS", tmp_path)
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/node")
    assert bench.node_lanes(9) == {}
    found = capsys.readouterr().out
    assert found.startswith("skipped:")
    assert found.count("\n") == 1


def test_the_table_has_a_line_per_row_and_json_the_same() -> None:
    measured = bench.results({"encode": [1.0, 1.1], "build": [60.0, 70.0], "hold": [200.0]})
    head, encode, hold = bench.table(measured)
    assert head.split() == ["ours", "theirs", "ratio", "reach"]
    assert encode.split()[-1] == hold.split()[-1] == "ok"
    found = json.loads(json.dumps([each.as_json() for each in measured]))
    assert found[0]["ratio"]["median"] == pytest.approx((60 + 70 / 1.1) / 2)
    assert [each["verdict"] for each in found] == ["ok", "ok"]


def test_the_message_has_a_payload_of_600_octets() -> None:
    assert len(str(bench.MESSAGE["payload"])) == 600


def test_both_sides_are_fed_the_same_events() -> None:
    assert frozenset(bench.BEGIN) == story.BEGIN
    assert frozenset(bench.RTCP) == story.RTCP
    assert frozenset(bench.LOGGED) == story.LOGGED


def test_the_events_called_logged_are_logged_by_default() -> None:
    assert set(Settings().call_events) >= story.LOGGED
    assert {name for name, _ in bindings(Settings())} >= story.LOGGED | story.BEGIN | story.RTCP


def test_a_call_is_told_again_as_another_one() -> None:
    call = story.Call.first()
    (first, *_), (second, *_) = call.events(1), call.events(2)
    assert first[names.UNIQUE_ID] != second[names.UNIQUE_ID]
    assert first[names.SIP_CALL_ID] != second[names.SIP_CALL_ID]
    reports = [RecordedEvent(call.report(leg, turn)) for turn in range(2) for leg in range(4)]
    assert len({report.getHeader(names.UNIQUE_ID) for report in reports}) == 4
    legs = [report.getHeader(names.UNIQUE_ID) for report in reports]
    kinds = [report.getHeader(names.EVENT_NAME) for report in reports]
    assert legs[:4] == legs[4:]
    assert all({before, after} == story.RTCP for before, after in zip(kinds[:4], kinds[4:]))


def test_figures_of_the_large_site_are_those_of_its_simulation() -> None:
    document = (Path(__file__).resolve().parents[3] / "docs/scale.md").read_text(encoding="utf-8")
    of_this_zlib = ("| memory for them", "| minutes that the default buffer")  # another one packs a little more or less
    figures = [line for line in scale.report() if not line.startswith(of_this_zlib)]
    assert len(figures) > 20
    assert [line for line in figures if line not in document] == []
