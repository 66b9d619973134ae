"""A recording as if it began now: what Homer is told of it stays the same but for the time."""

from __future__ import annotations

from pathlib import Path

import pytest

from fs_hepipe.hep import Message
from fs_hepipe.tools.moved import by, moved
from fs_hepipe.tools.recorded import events
from fs_hepipe.words.event import RecordedEvent
from tests.unit.synthetic import Ear, body

RECORDINGS = Path(__file__).resolve().parents[3] / "fs_hepipe" / "tools" / "recordings"
NOW = 2_000_000_000.5


def recording(name: str) -> list[RecordedEvent]:
    found = list(events(str(RECORDINGS / f"{name}.jsonl.gz")))
    return [event for event in found if isinstance(event, RecordedEvent)]


def told(of: list[RecordedEvent]) -> list[Message]:
    ear = Ear()
    return [message for event in of for message in ear.hear(event)] + ear.end()


@pytest.mark.parametrize("name", ["bridged_answered", "lossy_media", "ipv6_echo", "register_unregister"])
def test_a_moved_recording_says_the_same_at_another_time(name: str) -> None:
    before = told(recording(name))
    after = told(list(moved(recording(name), now=lambda: NOW)))
    assert 0 <= NOW - after[0].timestamp / 1e6 < 2
    shift = after[0].timestamp - before[0].timestamp
    assert shift % 1_000_000 == 0
    assert [each.timestamp - shift for each in after] == [each.timestamp for each in before]
    for old, new in zip(before, after):
        if old.protocol_type != 5:
            continue
        was, now = body(old), body(new)
        assert was.get("rtt_avg_ms") == now.get("rtt_avg_ms"), "it is believed only if the times fit"
        if "sender_information" in was:
            seconds = [each["sender_information"]["ntp_timestamp_sec"] for each in (was, now)]
            assert (seconds[1] - seconds[0]) % 2**32 == shift // 1_000_000 % 2**32


def test_the_next_recording_begins_where_the_one_before_ended() -> None:
    first = next(moved(recording("busy_486"), NOW + 100, lambda: NOW))
    assert NOW + 99 <= first.time <= NOW + 100


@pytest.mark.parametrize("value", ["0", "", "caf\udce9", "9" * 60_000, "-5", "٣", ["1", "2"], None])
def test_what_is_no_time_stays(value: object) -> None:
    event = RecordedEvent({"Event-Name": "RECV_RTCP_MESSAGE", "Event-Date-Timestamp": value, "Source0-LSR": value})
    assert by(event, 7).recorded == event.recorded


def test_only_times_move() -> None:
    headers = {
        "Event-Name": "CHANNEL_CREATE", "Event-Date-Timestamp": "1700000000000000", "Event-Sequence": "1700",
        "Caller-Channel-Created-Time": "1700000000000000", "Caller-Channel-Answered-Time": "0", "x-LSR": "5",
        "variable_some-Time": "20",
    }  # fmt: skip
    assert by(RecordedEvent(dict(headers)), 10).recorded == {
        **headers, "Event-Date-Timestamp": "1700000010000000", "Caller-Channel-Created-Time": "1700000010000000",
    }  # fmt: skip
