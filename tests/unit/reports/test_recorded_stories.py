"""
What a real switch told of calls whose media changed on the way, against what was seen on the wire: tests/data/stories.

The truth is not the switch's: tcpdump saw each packet, and the phones know their Call-IDs and SSRCs. A packet is found
again by what stands in it (NTP time, highest sequence numbers), never by its addresses, SSRC or medium.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fs_hepipe.hep import Message
from fs_hepipe.words import names
from fs_hepipe.words.event import RecordedEvent
from tests.unit.synthetic import Ear, body, fields, flow

STORIES = Path(__file__).resolve().parents[2] / "data" / "stories"
RECORDINGS = sorted(path.name[: -len(".jsonl.gz")] for path in STORIES.glob("*.jsonl.gz"))

LOG, RTCP, QUALITY = 100, 5, 34

SWITCH = "198.51.100.1:"
"""What the address of the switch begins with."""

NAT = "203.0.113.9"
"""The outer address of the NAT."""

Truth = dict[str, Any]
Ends = tuple[str, int, str, int]


class Told(NamedTuple):
    """A story as the agent told it."""

    truth: Truth
    messages: list[Message]
    left: int
    """Legs that are still there at its end."""

    def of(self, kind: int) -> list[Message]:
        return [message for message in self.messages if message.protocol_type == kind]

    @property
    def at_hangup(self) -> list[Message]:
        return [message for message in self.of(QUALITY) if body(message)["TYPE"] == "HANGUP"]

    @property
    def periodic(self) -> list[Message]:
        return [message for message in self.of(QUALITY) if body(message)["TYPE"] == "PERIODIC"]


def told(story: str, *, asked: bool = True) -> Told:
    """
    Args:
        asked: the agent has asked the switch (`uuid_dump`) each time that the recorder did.
    """
    ear = Ear()
    messages = [message for event in recorded(story, asked=asked) for message in ear.hear(event)]
    messages += ear.end()
    assert (ear.counters.failed, ear.counters.dropped) == ({}, {})
    truth = json.loads((STORIES / f"{story}.json").read_text())
    return Told(truth, messages, len(ear.pipeline.legs))


def recorded(story: str, *, asked: bool = True) -> Iterator[RecordedEvent]:
    for headers in lines_of(story):
        if asked or headers[names.EVENT_NAME] != names.CHANNEL_DATA:
            yield RecordedEvent(headers)


@cache
def lines_of(story: str) -> list[dict[str, Any]]:
    with gzip.open(STORIES / f"{story}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def ends(packets: Truth) -> Ends:
    """From where to where packets went."""
    (source, source_port), (destination, destination_port) = (
        packets[side].rsplit(":", 1) for side in ("source", "destination")
    )
    return source, int(source_port), destination, int(destination_port)


def on_the_wire(story: Told) -> list[tuple[Message, Truth]]:
    """Each RTCP message with the packet that it tells of."""
    left = list(story.truth["rtcp"])
    found = []
    for message in story.of(RTCP):
        packet = next(packet for packet in left if is_of(packet, message))
        left.remove(packet)
        found.append((message, packet))
    return found


def is_of(packet: Truth, message: Message) -> bool:
    report = body(message)
    information = report.get("sender_information", {})
    ntp = [information[key] for key in ("ntp_timestamp_sec", "ntp_timestamp_usec") if key in information]
    seen = [block["highest_seq_no"] for block in report["report_blocks"]]
    if packet["at"] > message.timestamp + 1000 or packet["call_id"] != message.correlation_id:
        return False
    highest = [block["highest"] for block in packet["blocks"]]
    return bool(ntp == packet.get("ntp", []) and seen == highest)


def is_late(story: Told, packet: Truth) -> bool:
    """
    Whether the switch sent it to where the far end was before: after a re-INVITE its RTCP goes to the old address until
    some has come from the new one (switch_rtp.c, RTCP Auto ADJ). Nobody tells that.
    """
    if not packet["source"].startswith(SWITCH):
        return False
    heard = [
        ends(stream)[0]
        for stream in story.truth["rtp"]
        if (stream["call_id"], stream["medium"]) == (packet["call_id"], packet["medium"])
        if stream["destination"].startswith(SWITCH) and stream["first"] <= packet["at"]
    ]
    return ends(packet)[2] != heard[-1]


# --- what holds of each -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("story", RECORDINGS)
@pytest.mark.parametrize("asked", [True, False])
def test_each_message_is_under_the_call_id_of_its_own_leg(story: str, asked: bool) -> None:
    play = told(story, asked=asked)  # the ledger balances after each event
    call_ids = {}
    for event in recorded(story):
        unique_id, call_id = event.getHeader(names.UNIQUE_ID), event.getHeader("variable_sip_call_id")
        if unique_id and call_id:
            call_ids[unique_id] = call_id
    assert set(call_ids.values()) == {leg["call_id"] for leg in play.truth["legs"]}
    for message in play.messages:
        assert message.correlation_id == call_ids[leg_of(message)]
    assert play.left == 0


def leg_of(message: Message) -> str:
    if message.protocol_type == LOG:
        return fields(message)["leg"]
    report = body(message)
    return str(report.get("leg") or report["LEG"])


@pytest.mark.parametrize("story", RECORDINGS)
def test_rtcp_is_from_where_to_where_it_was_on_the_wire(story: str) -> None:
    play = told(story)
    late = 0
    for message, packet in on_the_wire(play):
        if is_late(play, packet):
            late += 1
        else:
            assert without_untold(story, flow(message)) == without_untold(story, ends(packet))
    assert late <= len(play.truth["steps"])
    assert len(play.of(RTCP)) > late


RTCP_PORT_UNTOLD = ("nat_1", "nat_video_1")
"""Stories whose NAT gives RTCP a port that is not beside RTP's. Nothing tells it: the port after RTP's is taken."""


def without_untold(story: str, way: Ends) -> Ends:
    source, source_port, destination, destination_port = way
    if story.startswith(RTCP_PORT_UNTOLD):
        source_port *= source != NAT
        destination_port *= destination != NAT
    return source, source_port, destination, destination_port


@pytest.mark.parametrize("story", RECORDINGS)
def test_rtcp_says_who_sent_what_of_which_medium(story: str) -> None:
    play = told(story)
    for message, packet in on_the_wire(play):
        report = body(message)
        assert report["type"] == {"SR": 200, "RR": 201}[packet["type"]]
        assert report["medium"] == packet["medium"]
        if report["type"] == 200 or "ssrc" in report:  # of a receiver report the switch does not always tell it
            assert report["ssrc"] == packet["ssrc"]
        said = [(block["source_ssrc"], block["cumulative_lost"]) for block in report["report_blocks"]]
        assert said == [(block["ssrc"], block["lost"]) for block in packet["blocks"]]


@pytest.mark.parametrize("story", RECORDINGS)
def test_rtcp_is_told_with_the_time_at_which_it_was_on_the_wire(story: str) -> None:
    """But what comes to a leg that the switch does not read, because it is on hold, is read when it is resumed."""
    longest = 7.0 if story.startswith("hold") else 0.1
    for message, packet in on_the_wire(told(story)):
        assert message.timestamp - packet["at"] < longest * 1e6


@pytest.mark.parametrize("story", RECORDINGS)
@pytest.mark.parametrize("asked", [True, False])
def test_quality_is_of_the_stream_as_it_was_last_on_the_wire(story: str, asked: bool) -> None:
    play = told(story, asked=asked)
    for message in play.at_hangup:
        report = body(message)
        streams = streams_of(play, message)
        assert flow(message) == ends(streams[-1])
        assert report["SSRC"] == streams[-1]["ssrc"]


NOT_COUNTED = 15
"""Packets that the switch counts but `streams_of` does not, or the other way round."""


@pytest.mark.parametrize("story", [story for story in RECORDINGS if not story.startswith("t38_1")])
def test_quality_counts_the_packets_that_were_on_the_wire(story: str) -> None:
    """The switch counts T.38's datagrams with audio's packets."""
    play = told(story)
    for message in play.at_hangup:
        seen = sum(stream["packets"] for stream in streams_of(play, message))
        counted = "TOTAL_PK" if message.dst_ip == SWITCH[:-1] else "EXPECTED_PK"
        assert body(message)[counted] == pytest.approx(seen, abs=NOT_COUNTED)


@pytest.mark.parametrize("story", RECORDINGS)
def test_quality_adds_up(story: str) -> None:
    for report in map(body, told(story).of(QUALITY)):
        if "PACKET_LOSS" in report:
            assert report["EXPECTED_PK"] - report["TOTAL_PK"] == report["PACKET_LOSS"]


@pytest.mark.parametrize("story", RECORDINGS)
def test_quality_is_told_of_each_medium_that_had_rtcp(story: str) -> None:
    play = told(story)
    said = {(message.correlation_id, body(message)["MEDIUM"], body(message)["DIR"]) for message in play.at_hangup}
    assert said == {
        (packet["call_id"], packet["medium"], direction)
        for packet in play.truth["rtcp"]
        for direction in (0, 1)
    }


def streams_of(play: Told, message: Message) -> list[Truth]:
    """
    The RTP that a quality report is about: one stream for each pair of addresses and SSRC that it had. What the switch
    sends until it knows a new address, and a word or two to T.38's port, is none.
    """
    report = body(message)
    return [
        stream
        for stream in play.truth["rtp"]
        if (stream["call_id"], stream["medium"]) == (message.correlation_id, report["MEDIUM"])
        if stream["destination"].startswith(SWITCH) == (report["DIR"] == 0)
        if stream["packets"] > 10
    ]


BY_PHONE, BY_SWITCH = ("198.51.100.20", 5060, "198.51.100.1", 5060), ("198.51.100.1", 5060, "198.51.100.20", 5060)


@pytest.mark.parametrize(
    "story, way",
    [
        (story, way)
        for way, stories in [
            (BY_PHONE, ("hold_sendonly", "hold_unspecified")),
            (BY_SWITCH, ("hold_by_switch",)),
        ]
        for story in RECORDINGS
        if story.startswith(stories)
    ],
)
def test_hold_and_resume_go_from_the_side_that_did_it(story: str, way: Ends) -> None:
    lines = [message for message in told(story).of(LOG) if b"HOLD" in message.payload.split()[0]]
    assert [message.payload.split()[0] for message in lines] == [b"CHANNEL_HOLD", b"CHANNEL_UNHOLD"]
    assert [flow(message) for message in lines] == [way, way]


def of_stories(*stories: str) -> list[str]:
    """The recordings of these stories."""
    return [recording for recording in RECORDINGS if recording.rpartition("_")[0] in stories]


@pytest.mark.parametrize("story", of_stories("attended_transfer"))
def test_each_bridge_of_an_attended_transfer_is_with_the_leg_of_its_time(story: str) -> None:
    play = told(story)
    a, b, _, c = (leg["call_id"] for leg in play.truth["legs"])
    lines = [(message.payload.split()[0], message) for message in play.of(LOG) if message.correlation_id == a]
    said = [(name, fields(line).get("other-call-id")) for name, line in lines if name.endswith(b"BRIDGE")]
    assert said == [
        (b"CHANNEL_BRIDGE", b),
        (b"CHANNEL_UNBRIDGE", b),
        (b"CHANNEL_BRIDGE", c),
        (b"CHANNEL_UNBRIDGE", c),
    ]


@pytest.mark.parametrize("story", of_stories("valet_park"))
def test_a_call_that_is_picked_up_is_bridged_with_who_picked_it_up(story: str) -> None:
    play = told(story)
    a, b = (leg["call_id"] for leg in play.truth["legs"])
    lines = [line for line in play.of(LOG) if line.correlation_id == a]
    ends_of_a = [fields(line) for line in lines if line.payload.startswith(b"CHANNEL")]
    assert [line.get("other-call-id") for line in ends_of_a] == [None, None, b, b, b]
    parked = [fields(line) for line in lines if line.payload.startswith(b"valet_parking::info ")]
    assert [line["Action"] for line in parked] == ["hold", "bridge", "exit"]


@pytest.mark.parametrize("story", of_stories("conference_of_three"))
def test_who_joins_and_leaves_a_conference_is_said(story: str) -> None:
    ear = Ear(custom_events=("conference::maintenance",), call_events=())
    messages = [message for event in recorded(story) for message in ear.hear(event)]
    said = [(message.correlation_id, fields(message).get("Action")) for message in messages]
    for leg in told(story).truth["legs"]:
        assert (leg["call_id"], "add-member") in said
        assert (leg["call_id"], "del-member") in said


@pytest.mark.parametrize("story", of_stories("loss_5_percent"))
def test_loss_is_what_the_kernel_dropped(story: str) -> None:
    play = told(story)
    a = play.truth["legs"][0]["call_id"]
    sent, received = (body(report) for report in play.at_hangup if report.correlation_id == a)
    dropped = play.truth["dropped"]
    assert sent["PACKET_LOSS"] == dropped["to_a"]
    assert received["PACKET_LOSS"] - dropped["from_a"] in {0, 1}  # FreeSWITCH counts one lost at a call's start
