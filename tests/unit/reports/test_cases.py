"""What far ends do that do not keep to the rules, as a real switch told it: tests/data/cases."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from fs_hepipe.hep import Message
from fs_hepipe.words.event import RecordedEvent
from tests.unit.synthetic import Ear, body, fields, flow

CASES = Path(__file__).resolve().parents[2] / "data" / "cases"


def messages(case: str, protocol_type: int, **settings: Any) -> list[Message]:
    ear = Ear(**settings)
    with gzip.open(CASES / f"{case}.jsonl.gz", "rt", encoding="utf-8") as lines:
        found = [message for line in lines for message in ear.hear(RecordedEvent(json.loads(line)))]
    assert ear.counters.failed == {}
    return [message for message in found if message.protocol_type == protocol_type]


@pytest.mark.parametrize(
    "case, local, remote",
    [
        ("nat_auto_adjust", ("127.0.0.1", 24_084), ("127.0.0.1", 24_600)),
        ("hold_c_0_0_0_0", ("127.0.0.1", 24_338), ("127.0.0.1", 24_810)),
        ("reinvite_moves_media", ("127.0.0.1", 24_070), ("127.0.0.3", 24_950)),
        ("opus_48000", ("127.0.0.1", 24_214), ("127.0.0.1", 24_900)),
        ("rtcp_mux_refused_by_switch", ("127.0.0.1", 24_168), ("127.0.0.1", 24_820)),
    ],
)
def test_quality_is_that_of_the_addresses_that_media_had(
    case: str, local: tuple[str, int], remote: tuple[str, int]
) -> None:
    sent, received = (message for message in messages(case, 34) if body(message)["TYPE"] == "HANGUP")
    assert flow(received) == (*remote, *local)
    assert flow(sent) == (*local, *remote)
    assert (body(received)["SRC_IP"], body(received)["SRC_PORT"]) == remote


def test_rtcp_is_on_the_rtp_port_with_rtcp_mux_alone() -> None:
    assert {flow(message) for message in messages("rtcp_mux_avp", 5)} == {("127.0.0.1", 24_024, "127.0.0.1", 24_800)}
    ends = ("127.0.0.1", 24_829), ("127.0.0.1", 24_169)
    found = {flow(message) for message in messages("rtcp_mux_refused_by_switch", 5)}
    assert found == {(*ends[0], *ends[1]), (*ends[1], *ends[0])}


def test_jitter_is_counted_by_the_clock_of_the_codec() -> None:
    first = body(messages("opus_48000", 5)[0])
    assert first["report_blocks"][0]["ia_jitter"] == 0.833
    assert {body(report)["CLOCK"] for report in messages("opus_48000", 34)} == {48_000}


def test_quality_is_what_can_be_measured_of_a_stream_with_much_loss() -> None:
    reports = [body(message) for message in messages("loss_rate_is_no_share", 34) if not body(message)["DIR"]]
    assert [(each["TOTAL_PK"], each.get("MOS"), each.get("RFACTOR"), each.get("LOSS_RATE")) for each in reports] == [
        (549, None, None, None), (2737, None, None, None), (4772, None, None, None), (7226, 2.52, 49.0, 0.46),
    ]  # fmt: skip


def test_audio_and_video_are_told_apart() -> None:
    ports = {body(report)["medium"]: flow(report)[1] for report in messages("g722_h264_video", 5)}
    assert ports == {"audio": 10_003, "video": 10_005}
    quality = [body(report) for report in messages("g722_h264_video", 34)]
    assert [(each["MEDIUM"], each["DIR"], each["CLOCK"]) for each in quality] == [
        ("video", 1, 90_000), ("audio", 1, 8000), ("video", 0, 90_000), ("audio", 0, 8000),
    ]  # fmt: skip


def test_the_end_of_a_bridge_names_the_leg_that_was_left() -> None:
    a, b, c = (f"0000000{number}-aaaa-4aaa-8aaa-aaaaaaaaaaaa" for number in (1, 2, 3))
    lines = [message for message in messages("uuid_bridge_to_a_third_leg", 100) if b"BRIDGE" in message.payload]
    call_ids = {fields(line)["leg"]: line.correlation_id for line in messages("uuid_bridge_to_a_third_leg", 100)}
    told = [(message.payload.split()[0].decode(), fields(message)) for message in lines]
    assert [(name, said["leg"], said["other-leg"]) for name, said in told] == [
        ("CHANNEL_BRIDGE", a, b), ("CHANNEL_UNBRIDGE", a, b), ("CHANNEL_BRIDGE", a, c), ("CHANNEL_UNBRIDGE", a, c),
        ("CHANNEL_BRIDGE", c, b), ("CHANNEL_UNBRIDGE", c, b),
    ]  # fmt: skip
    assert all(said["other-call-id"] == call_ids[said["other-leg"]] for _, said in told)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_custom_event_says_what_happened(log_format: str) -> None:
    chatty = ("conference::maintenance/floor-change", "conference::maintenance/start-talking")
    subclasses = ("conference::maintenance", *chatty, "callcenter::info")
    found = messages("custom_event_cut", 100, custom_events=subclasses, call_events=(), call_log_format=log_format)
    read = fields if log_format == "text" else body
    said = [{**read(message)} for message in found]
    actions = [each.get("Action") or each.get("CC-Action") for each in said]
    assert actions == [
        "conference-create", "add-member", "floor-change", "start-talking", "floor-change", "del-member",
        "conference-destroy", "bridge-agent-start",
    ]  # fmt: skip
    assert (said[1]["Member-ID"], said[1]["Member-Type"]) == ("1", "member")
    assert said[-1]["CC-Queue"] == "support@example.com"
    assert all(each["leg"] for each in (said[1], said[-1]))


def test_a_hold_of_the_phone_comes_from_it_and_so_does_its_end_by_a_bye() -> None:
    lines = [message for message in messages("hold_c_0_0_0_0", 100) if b"HOLD" in message.payload]
    assert [message.payload.split()[0] for message in lines] == [b"CHANNEL_HOLD", b"CHANNEL_UNHOLD"]
    assert [fields(message)["leg"][:8] for message in lines] == ["51eeffa4"] * 2
    ends = {flow(message)[:2] for message in messages("hold_c_0_0_0_0", 100) if b"CREATE" in message.payload}
    assert {flow(message)[:2] for message in lines} == ends
