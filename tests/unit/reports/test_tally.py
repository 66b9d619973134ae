"""Quality as metrics: what is counted, for whom, and how many there can be."""

from __future__ import annotations

import json
from typing import Any, Optional

import pytest

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import Medium
from fs_hepipe.reports.stream_report import Measured
from fs_hepipe.reports.tally import BOUNDS, MAX_PEERS, OTHERS, Tally
from fs_hepipe.words.histogram import Histogram
from tests.unit.synthetic import ANSWER, HANGUP, Channel, Ear, audio, sip, statistics


def stream(is_received: bool = True, medium: str = "audio", **report: Any) -> Measured:
    return Measured(Medium(medium), is_received, report)


def a_leg(channel: Optional[str] = None, outbound: Optional[bool] = True) -> Leg:
    leg = Leg("u1")
    leg.channel, leg.outbound = channel, outbound
    return leg


def noted(*found: Measured, leg: Optional[Leg] = None, **variables: str) -> list[dict[str, Any]]:
    tally = Tally()
    tally.note({f"variable_{name}": value for name, value in variables.items()}.get, leg or a_leg(), found)
    return tally.report()


def test_each_number_is_counted_in_its_unit() -> None:
    (found,) = noted(
        stream(MOS=4.3, PACKET_LOSS=3, EXPECTED_PK=100, JITTER=12.5, RTT=80.0),
        sip_gateway_name="carrier", leg=a_leg("sofia/external/1001@192.0.2.1"),
    )  # fmt: skip
    assert (found["gateway"], found["profile"], found["direction"]) == ("carrier", "external", "received")
    assert {measure: found[measure]["sum"] for measure in BOUNDS} == {
        "mos": 4.3, "loss_ratio": 0.03, "jitter_seconds": 0.0125, "rtt_seconds": 0.08
    }  # fmt: skip
    for measure, bounds in BOUNDS.items():
        ((at, _),) = [(at, count) for at, count in enumerate(found[measure]["counts"]) if count]
        assert found[measure]["sum"] <= bounds[at]
        assert found[measure]["sum"] > bounds[at - 1]


def test_what_a_report_lacks_is_not_counted() -> None:
    reports: list[dict[str, Any]] = [{}, {"PACKET_LOSS": 3}, {"PACKET_LOSS": 3, "EXPECTED_PK": 0}, {"EXPECTED_PK": 3}]
    for report in reports:
        assert noted(stream(**report)) == [{"gateway": "", "profile": "", "direction": "received"}]


def test_more_packets_than_expected_are_no_loss() -> None:
    (found,) = noted(stream(PACKET_LOSS=-2, EXPECTED_PK=100))
    assert found["loss_ratio"]["counts"][0] == 1


def test_only_audio_counts() -> None:
    assert noted(stream(medium="video", MOS=4.0)) == []


def test_directions_are_apart_and_a_call_from_a_gateway_is_its() -> None:
    found = noted(stream(MOS=4.0), stream(is_received=False, MOS=3.0), sip_gateway="carrier", leg=a_leg(outbound=False))
    assert [(each["gateway"], each["direction"], each["mos"]["sum"]) for each in found] == [
        ("carrier", "received", 4.0), ("carrier", "sent", 3.0)
    ]  # fmt: skip


def test_there_are_never_more_than_so_many() -> None:
    tally = Tally()
    for number in range(3 * MAX_PEERS):
        get = {"variable_sip_gateway_name": f"carrier{number}"}.get
        tally.note(get, a_leg(), [stream(MOS=4.0), stream(is_received=False, MOS=4.0)])
    found = tally.report()
    assert len(found) == 2 * MAX_PEERS + 2
    others = [each for each in found if each["gateway"] == OTHERS]
    assert [sum(each["mos"]["counts"]) for each in others] == [2 * MAX_PEERS] * 2


def test_a_bound_is_inclusive_and_what_is_above_all_is_counted_too() -> None:
    histogram = Histogram((1.0, 2.0))
    for number in (0.5, 1.0, 1.5, 2.0, 2.5):
        histogram.observe(number)
    assert histogram.counts == [2, 2, 1]
    assert histogram.total == 7.5


@pytest.mark.parametrize(("channel", "profile"), [
    ("sofia/internal/1001@example.com", "internal"), ("sofia/x", "x"), ("loopback/1001-a", ""), ("sofia", ""),
    (None, ""),
])  # fmt: skip
def test_the_profile_is_that_of_the_channels_name(channel: Optional[str], profile: str) -> None:
    (found,) = noted(stream(MOS=4.0), leg=a_leg(channel))
    assert found["profile"] == profile


def test_a_stream_counts_once_however_many_messages_it_has() -> None:
    ear, a = Ear(qos_type=(34, 35)), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    sent = [each for each in ear.hear(a.event(HANGUP, {**sip(), **statistics()})) if each.protocol_type in {34, 35}]
    assert len(sent) == 2
    (counted,) = ear.pipeline.tally.report()
    assert sum(counted["mos"]["counts"]) == 1
    assert counted["mos"]["sum"] == json.loads(sent[0].payload)["MOS"]
