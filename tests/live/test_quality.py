"""Quality in mid-call, of real calls: by the RTCP that passes, and where there is none, by asking the switch."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fs_hepipe.hep.registry import ProtocolType

from .collector import eventually
from .lab import Lab, Leg, destination, source

pytestmark = pytest.mark.live

EVERY = 5
"""Seconds: the shortest interval."""


def configured(lab: Lab, **parameters: object) -> None:
    lab.a.configure(capture_server=lab.collector.url, qos_interval=EVERY, **parameters)
    lab.a.api("reloadxml")
    assert lab.a.hepipe("reload").endswith("+OK reloaded\n")


def periodic(lab: Lab, leg: Leg, direction: int) -> list[dict[str, Any]]:
    messages = lab.collector.of(leg.call_id, ProtocolType.MOS_FULL_REPORT)
    bodies = [(message, json.loads(message.payload)) for message in messages]
    found = [(message, told) for message, told in bodies if told["TYPE"] == "PERIODIC" and told["DIR"] == direction]
    ends = (leg.far_rtp, leg.rtp) if direction == 0 else (leg.rtp, leg.far_rtp)
    assert {(source(message), destination(message)) for message, _ in found} <= {ends}
    assert all(message.mos == (round(told["MOS"] * 100) if "MOS" in told else None) for message, told in found)
    return [told for _, told in found]


def blocks(lab: Lab, leg: Leg, direction: int) -> list[dict[str, Any]]:
    """What RTCP said of the stream in this direction, each with its time."""
    heard, told = lab.rtcp(leg)
    return [
        {**block, "at": message.timestamp / 1e6}
        for message in (told if direction == 0 else heard)
        for block in json.loads(message.payload)["report_blocks"]
    ]


def test_intervals_of_a_call_are_told_while_it_lasts_and_summed_up_at_its_end(lab: Lab) -> None:
    configured(lab)
    legs = lab.legs(lab.dial("bridge"))
    streams = [(leg, direction) for leg in legs for direction in (0, 1)]
    eventually("intervals", lambda: all(len(periodic(lab, *each)) > 1 for each in streams), patience=30)
    assert all(lab.quality(leg) == [] for leg in legs), "the calls last"
    lab.hang_up()
    at_hangup = {leg: {told["DIR"]: told for told in map(report_of, lab.quality_of(leg))} for leg in legs}
    for leg, direction in streams:
        reports, said = periodic(lab, leg, direction), blocks(lab, leg, direction)
        for report in reports:
            until = [block for block in said if block["at"] < report["REPORT_TS"]]
            assert report["CUMULATIVE_EXPECTED_PK"] == until[-1]["highest_seq_no"] - until[0]["highest_seq_no"]
            assert report["CUMULATIVE_PACKET_LOSS"] == until[-1]["cumulative_lost"] - until[0]["cumulative_lost"]
            assert EVERY <= report["INTERVAL"] < EVERY + 4.5  # RTCP comes every four seconds
            assert 0 < report["EXPECTED_PK"] < report["INTERVAL"] * 55  # a busy machine sends less than 50 a second
            assert report["EXPECTED_PK"] - report["TOTAL_PK"] == report["PACKET_LOSS"]
            assert report["MOS_SOURCE"] == "G.107"
            assert report["MOS"] <= report["MOS_LQ"] <= 4.41
        assert sum(report["EXPECTED_PK"] for report in reports) == reports[-1]["CUMULATIVE_EXPECTED_PK"]
        whole = at_hangup[leg][direction]
        assert whole["INTERVALS"] in {len(reports), len(reports) + 1}
        assert whole["MIN_MOS"] <= whole["MEAN_MOS"] <= 4.41
        kinds = {report["MOS_KIND"] for report in reports}
        if kinds == {whole["MEAN_MOS_KIND"]}:
            assert whole["MIN_MOS"] <= min(report["MOS"] for report in reports)


def test_where_the_switch_fires_no_rtcp_of_its_own_it_is_asked(lab: Lab) -> None:
    configured(lab, qos_poll=20)
    legs = lab.legs(lab.dial("silent"))
    eventually("answers", lambda: all(len(periodic(lab, leg, 0)) > 1 for leg in legs), patience=30)
    dumps = [lab.a.dump(leg.unique_id) for leg in legs]
    lab.hang_up()
    for leg, dump in zip(legs, dumps):
        assert blocks(lab, leg, 0) == []
        reports = periodic(lab, leg, 0)
        counts = [report["CUMULATIVE_TOTAL_PK"] for report in reports]
        assert int(dump["variable_rtp_audio_in_packet_count"]) in counts
        assert [later - earlier for earlier, later in zip(counts, counts[1:])] == [
            report["TOTAL_PK"] for report in reports[1:]
        ]
        for report in reports:
            assert EVERY <= report["INTERVAL"] < EVERY + 1
            assert report["DELTA"] == pytest.approx(report["INTERVAL"] * 1000 / report["TOTAL_PK"], abs=0.01)
            assert report["DELTA"] > 18  # a busy machine sends later than every 20 ms
            assert report["MOS_SOURCE"] == "switch"
            assert not {"PACKET_LOSS", "EXPECTED_PK", "JITTER"} & set(report)


def report_of(message: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(message.payload)
    return found
