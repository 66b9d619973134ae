"""RTCP events to RTCP JSON: RFC 3550's numbers, nothing made up; where hepipe.js does otherwise, a test says so."""

from __future__ import annotations

import json
from typing import Any, Callable, Optional
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.calls.leg import MAX_SENDERS, Leg
from fs_hepipe.calls.media import Medium
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.calls.stream import MAX_SOURCES, Reception
from fs_hepipe.reports import rtcp, rtcp_json
from fs_hepipe.words.counters import Counts
from fs_hepipe.words.event import Get
from fs_hepipe.words.settings import PACKETS_LOST
from tests.unit.synthetic import (
    ENCODERS,
    T0,
    Channel,
    Ear,
    Headers,
    audio,
    block,
    body,
    json_by,
    leg_with,
    received_rtcp,
    sent_rtcp,
    sip,
    video,
)

OURS, THEIRS, PICTURE = 0x0A0A0A0A, 0xFAFA, 0x0B0B0B0B


NEVER_SENT = {
    **received_rtcp(0, ntp=(0, 0), blocks=[block(OURS)]),
    **dict.fromkeys(["RTP-Timestamp", "Sender-Packet-Count", "Octect-Packet-Count"], "0"),
}
"""A receiver report of a far end that never sent anything."""


def medium(kind: str = "audio", ssrc: Optional[int] = OURS, clock: Optional[int] = 8000) -> Medium:
    made = Medium(kind)
    made.sent.ssrc, made.clock = ssrc, clock
    return made


def loaded(record: Optional[Record]) -> dict[str, Any]:
    assert record is not None
    return body(record)


def hear(leg: Leg, headers: Headers, unit: str = "ms") -> dict[str, Any]:
    """The report that came from the far end."""
    return loaded(rtcp.received(Channel().hears(headers).getHeader, leg, unit, Counts()))


def say(leg: Leg, headers: Headers, unit: str = "ms") -> dict[str, Any]:
    """The report that the switch sent."""
    return loaded(rtcp.sent(Channel().says(headers).getHeader, leg, unit, Counts()))


# --- the whole report -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_a_received_sender_report_is_told_in_full(encoder: str) -> None:
    with json_by(encoder):
        report = hear(leg_with(medium()), received_rtcp(THEIRS, blocks=[block(OURS)], rtts=[0.0401312]))
    assert report == {
        "type": 200,
        "ssrc": THEIRS,
        "sender_information": {
            "ntp_timestamp_sec": 4_004_390_963,
            "ntp_timestamp_usec": 531_437_778,
            "rtp_timestamp": 32_000,
            "packets": 200,
            "octets": 32_000,
        },
        "rtt_avg_ms": 40.131,
        "report_count": 1,
        "report_blocks": [
            {
                "source_ssrc": OURS,
                "fraction_lost": 1,
                "packets_lost": 1,
                "cumulative_lost": 3,
                "highest_seq_no": 52352,
                "lsr": 674440379,
                "dlsr": 262144,
                "ia_jitter": 10.0,
            }
        ],
        "medium": "audio",
        "leg": "leg-a",
    }


def test_a_sent_sender_report_names_us_as_its_sender() -> None:
    """The event's SSRC is the far end's here too; ours is known to the leg alone."""
    report = say(leg_with(medium()), sent_rtcp(THEIRS, THEIRS, Lost=2))
    assert (report["type"], report["ssrc"], report["report_count"]) == (200, OURS, 1)
    assert report["report_blocks"][0]["source_ssrc"] == THEIRS
    assert report["report_blocks"][0]["cumulative_lost"] == 2
    assert report["sender_information"]["ntp_timestamp_usec"] == 616_293_447


def test_a_sent_block_names_the_far_ends_rtp_until_it_sent_rtcp() -> None:
    assert say(leg_with(medium()), sent_rtcp(THEIRS, 0))["report_blocks"][0]["source_ssrc"] == THEIRS
    assert "source_ssrc" not in say(leg_with(medium()), sent_rtcp(0, 0))["report_blocks"][0]


def test_a_sent_block_names_the_far_ends_rtcp_sender_where_that_is_another() -> None:
    assert say(leg_with(medium()), sent_rtcp(THEIRS, 0xFBFB))["report_blocks"][0]["source_ssrc"] == 0xFBFB


def test_our_ssrc_is_left_out_until_it_is_known() -> None:
    assert "ssrc" not in say(leg_with(medium(ssrc=None)), sent_rtcp())
    assert "ssrc" not in say(leg_with(), sent_rtcp())


def test_a_record_is_of_type_5_in_its_own_direction_at_the_time_of_its_capture() -> None:
    leg = leg_with(medium())
    received = rtcp.received(Channel().hears(received_rtcp(), at=1.5).getHeader, leg, "ms", Counts())
    sent = rtcp.sent(Channel().says(sent_rtcp(), at=2.5).getHeader, leg, "ms", Counts())
    assert received is not None
    assert sent is not None
    assert (received.protocol_type, received.received, received.plane) == (5, True, Plane.RTCP)
    assert (sent.protocol_type, sent.received, sent.plane, sent.medium) == (5, False, Plane.RTCP, "audio")
    assert (received.timestamp, sent.timestamp) == (T0 + 1_501_234, T0 + 2_501_234)


def test_the_event_time_stands_in_for_a_capture_time_that_is_missing() -> None:
    heard = Channel().hears({**received_rtcp(), "Capture-Time": "0"}, at=1.5)
    record = rtcp.received(heard.getHeader, leg_with(medium()), "ms", Counts())
    assert record is not None
    assert record.timestamp == T0 + 1_500_000


# --- sender or receiver report ----------------------------------------------------------------------------------------


def test_a_report_without_a_time_is_a_receiver_report() -> None:
    """hepipe.js calls every report a sender report."""
    report = hear(leg_with(medium()), received_rtcp(0, ntp=(0, 0), blocks=[block(OURS)]))
    assert report["type"] == 201
    assert "sender_information" not in report
    assert "ssrc" not in report


def test_a_report_with_the_time_of_the_last_sender_report_is_a_receiver_report() -> None:
    """The switch leaves the last sender report's numbers in the headers."""
    leg, headers = leg_with(medium()), received_rtcp(THEIRS, blocks=[block(OURS)])
    assert [hear(leg, headers)["type"] for _ in range(3)] == [200, 201, 201]
    assert hear(leg, headers)["ssrc"] == THEIRS
    later = hear(leg, received_rtcp(THEIRS, ntp=(4_004_390_968, 531_437_778), blocks=[block(OURS)]))
    assert later["type"] == 200


def test_the_same_time_of_another_source_is_a_sender_report() -> None:
    leg = leg_with(medium())
    types = [hear(leg, received_rtcp(ssrc, blocks=[block(OURS)]))["type"] for ssrc in (1, 2, 1, 2)]
    assert types == [200, 200, 201, 201]


@pytest.mark.parametrize("missing", ["SSRC", "NTP-Most-Significant-Word", "NTP-Least-Significant-Word"])
def test_a_report_whose_sender_or_time_is_missing_is_no_sender_report(missing: str) -> None:
    headers = received_rtcp(THEIRS, blocks=[block(OURS)])
    del headers[missing]
    assert hear(leg_with(medium()), headers)["type"] == 201


@pytest.mark.parametrize("ntp", [(0, 0), (0, 7), (4_004_390_963, 531_437_778)])
def test_a_sender_report_is_known_by_any_number_that_is_new(ntp: tuple[int, int]) -> None:
    """RFC 3550 §6.4.1 allows an NTP time of 0, and nothing forbids the one before: each keeps its counts."""
    leg, told = leg_with(medium()), []
    for packets in (200, 200, 450, 450):
        counts = {"Sender-Packet-Count": str(packets)}
        told.append(hear(leg, {**received_rtcp(THEIRS, ntp=ntp, blocks=[block(OURS)]), **counts}))
    assert [report["type"] for report in told] == [200, 201, 200, 201]
    assert [report["sender_information"]["packets"] for report in told if report["type"] == 200] == [200, 450]


@pytest.mark.parametrize("header", ["RTP-Timestamp", "Sender-Packet-Count", "Octect-Packet-Count"])
def test_a_report_with_one_number_beside_an_unset_time_is_a_sender_report(header: str) -> None:
    zero = dict.fromkeys(["RTP-Timestamp", "Sender-Packet-Count", "Octect-Packet-Count"], "0")
    headers = {**received_rtcp(THEIRS, ntp=(0, 0), blocks=[block(OURS)]), **zero}
    assert hear(leg_with(medium()), headers)["type"] == 201
    assert hear(leg_with(medium()), {**headers, header: "5"})["type"] == 200


def test_a_receiver_report_without_a_block_says_nothing() -> None:
    leg = leg_with(medium())
    assert rtcp.received(Channel().hears(received_rtcp(0, ntp=(0, 0))).getHeader, leg, "ms", Counts()) is None


def test_a_sender_report_without_a_block_says_what_was_sent() -> None:
    """hepipe.js gives the event's number for the number of blocks."""
    report = hear(leg_with(medium()), received_rtcp(THEIRS))
    assert (report["type"], report["report_count"], report["report_blocks"]) == (200, 0, [])
    assert report["sender_information"]["packets"] == 200


def test_a_source_whose_ssrc_is_0_is_a_source() -> None:
    report = hear(leg_with(medium()), received_rtcp(0, blocks=[block(0)]))
    assert (report["type"], report["ssrc"], report["report_blocks"][0]["source_ssrc"]) == (200, 0, 0)


def test_senders_remembered_are_bounded() -> None:
    leg = leg_with(medium())
    for ssrc in range(1, 1000):
        hear(leg, received_rtcp(ssrc, blocks=[block(OURS)]))
        assert len(leg.sender_reports) <= MAX_SENDERS


def test_a_known_sender_is_remembered_when_there_is_no_room_for_another() -> None:
    leg = leg_with(medium())
    for ssrc in range(1, MAX_SENDERS + 1):
        hear(leg, received_rtcp(ssrc, blocks=[block(OURS)]))
    hear(leg, received_rtcp(1, ntp=(2, 2), blocks=[block(OURS)]))
    heard = [hear(leg, received_rtcp(ssrc, blocks=[block(OURS)]))["type"] for ssrc in (2, MAX_SENDERS)]
    assert heard == [201, 201]


def test_an_ssrc_of_0_does_not_make_the_far_ends_forgotten() -> None:
    sound = medium()
    leg = leg_with(sound)
    hear(leg, received_rtcp(THEIRS, blocks=[block(OURS)]))
    hear(leg, received_rtcp(0, ntp=(0, 0), blocks=[block(OURS)]))
    say(leg, sent_rtcp(0, 0))
    assert sound.received.ssrc == THEIRS
    assert sound.received.reports == ()


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [-1, -6, -(2**23), 0, 7])
def test_loss_is_signed(lost: int) -> None:
    """hepipe.js reports -1 as 4294967295 packets, and keeps that as its baseline."""
    printed, leg = str(lost % 2**32), leg_with(medium())
    for report in (hear(leg, received_rtcp(blocks=[block(OURS, Lost=printed)])), say(leg, sent_rtcp(Lost=printed))):
        assert report["report_blocks"][0]["cumulative_lost"] == lost


def test_counts_are_cumulative_and_not_the_difference_to_the_last_report() -> None:
    """hepipe.js sends differences, and of the octets only now and then."""
    leg = leg_with(medium())
    hear(leg, received_rtcp(THEIRS, blocks=[block(OURS, Lost=5)]))
    headers = {**received_rtcp(THEIRS, ntp=(2, 2), blocks=[block(OURS, Lost=8)]), "Sender-Packet-Count": "401"}
    report = hear(leg, {**headers, "Octect-Packet-Count": "64160"})
    assert (report["sender_information"]["packets"], report["sender_information"]["octets"]) == (401, 64160)
    assert report["report_blocks"][0]["cumulative_lost"] == 8


def test_the_sender_is_the_events_and_the_block_is_about_us() -> None:
    """hepipe.js gives our SSRC for both, as hexadecimal text."""
    report = hear(leg_with(medium()), received_rtcp(THEIRS, blocks=[block(OURS)]))
    assert (report["ssrc"], report["report_blocks"][0]["source_ssrc"]) == (THEIRS, OURS)


def test_every_block_is_told() -> None:
    """hepipe.js: only the first one."""
    blocks = [block(OURS + number, Lost=number) for number in range(5)]
    report = hear(leg_with(medium()), received_rtcp(blocks=blocks))
    assert report["report_count"] == 5
    assert [told["cumulative_lost"] for told in report["report_blocks"]] == [0, 1, 2, 3, 4]
    assert [told["source_ssrc"] for told in report["report_blocks"]] == [OURS + number for number in range(5)]


def test_a_packet_has_31_blocks_at_most() -> None:
    """Their count has five bits; whoever writes more headers than that does not keep us reading."""
    report = hear(leg_with(medium()), received_rtcp(blocks=[block(number) for number in range(40)]))
    assert report["report_count"] == 31


SENDER_HEADERS = {
    "RTP-Timestamp": "rtp_timestamp",
    "Sender-Packet-Count": "packets",
    "Octect-Packet-Count": "octets",
}
BLOCK_HEADERS = {
    "Fraction": "fraction_lost",
    "Lost": "cumulative_lost",
    "Highest-Sequence-Number-Received": "highest_seq_no",
    "Jitter": "ia_jitter",
    "LSR": "lsr",
    "DLSR": "dlsr",
}


@pytest.mark.parametrize("header, key", SENDER_HEADERS.items())
def test_a_missing_count_is_an_absent_key(header: str, key: str) -> None:
    """hepipe.js: the number of another call, or NaN that becomes null."""
    headers = received_rtcp(blocks=[block(OURS)])
    del headers[header]
    information = hear(leg_with(medium()), headers)["sender_information"]
    assert key not in information
    assert len(information) == 4


@pytest.mark.parametrize("header, key", BLOCK_HEADERS.items())
def test_a_missing_number_of_a_block_is_an_absent_key(header: str, key: str) -> None:
    words = block(OURS)
    del words[header]
    (told,) = hear(leg_with(medium()), received_rtcp(blocks=[words]))["report_blocks"]
    assert key not in told
    assert len(told) == (6 if key in {"fraction_lost", "cumulative_lost"} else 7), "packets_lost is made of both"


@pytest.mark.parametrize(
    "header",
    ["SSRC", "RTP-Timestamp", "RTP-Rate", "Source0-SSRC", "Source0-Lost", "Source0-DLSR", "Rtt0-Avg", "Capture-Time"],
)
@pytest.mark.parametrize("text", ["none", "-nan", "", "9" * 400])
def test_a_header_that_is_no_number_costs_no_other_one(header: str, text: str) -> None:
    good = received_rtcp(THEIRS, blocks=[block(OURS)], rtts=[0.1])
    left_out = Counts[str]()
    bad = loaded(rtcp.received(Channel().hears({**good, header: text}).getHeader, leg_with(medium()), "ms", left_out))
    missing = {**good}
    if header == "Capture-Time":
        missing[header] = "0"
    elif header == "Source0-SSRC":
        del bad["report_blocks"][0]["highest_seq_no"]  # it is a block all the same
        assert "source_ssrc" not in bad["report_blocks"][0]
        missing = {}
    else:
        del missing[header]
    assert left_out == {"not_a_number": 1}
    assert not missing or bad == hear(leg_with(medium()), missing)


@pytest.mark.parametrize("header", ["SSRC", "RTP-Timestamp", "Source-SSRC", "Source-Lost", "Source-DLSR"])
@pytest.mark.parametrize("text", ["none", "-nan", "", "9" * 400])
def test_a_header_of_what_we_sent_that_is_no_number_costs_no_other_one(header: str, text: str) -> None:
    left_out = Counts[str]()
    bad = {**sent_rtcp(THEIRS, THEIRS), header: text}
    report = loaded(rtcp.sent(Channel().says(bad).getHeader, leg_with(medium()), "ms", left_out))
    missing = {name: value for name, value in bad.items() if name != header}
    assert report == say(leg_with(medium()), missing)
    assert left_out == {"not_a_number": 1}


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
@given(st.lists(st.integers(0, 2**32 - 1), min_size=10, max_size=10), st.floats(0, 1e6), st.sampled_from([1, 8000]))
def test_whatever_the_numbers_the_report_is_json_of_numbers(
    encoder: str, numbers: list[int], rtt: float, rate: int
) -> None:
    words = block(OURS, Fraction=numbers[0] & 0xFF, Lost=numbers[1], Jitter=numbers[2], LSR=numbers[3], DLSR=numbers[4])
    headers = received_rtcp(numbers[5], (numbers[6], numbers[7]), [words], [rtt], rate)
    headers.update({"Sender-Packet-Count": str(numbers[8]), "Octect-Packet-Count": str(numbers[9])})
    with json_by(encoder):
        report = hear(leg_with(medium()), headers)
    assert all(isinstance(value, (int, float)) for value in report["report_blocks"][0].values())
    assert report["type"] in {200, 201}
    assert -(2**23) <= report["report_blocks"][0]["cumulative_lost"] < 2**23


# --- jitter and round trip --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "codec, rate, units, ms",
    [("PCMU", 8000, 80, 10.0), ("G722", 8000, 80, 10.0), ("opus", 48_000, 480, 10.0), ("VP8", 90_000, 900, 10.0)],
)
def test_jitter_is_in_milliseconds_by_the_clock_of_the_codec(codec: str, rate: int, units: int, ms: float) -> None:
    """G.722 samples 16,000 times a second, but its RTP clock is 8,000 (RFC 3551 §4.5.2)."""
    ear, a = Ear(), Channel()
    media = audio(variable_rtp_use_codec_name=codec, variable_rtp_use_codec_rate=str(rate))
    ear.hear(a.event("CHANNEL_ANSWER", {**sip(), **media}))
    received, sent = ear.hear(
        a.hears(received_rtcp(blocks=[block(OURS, Jitter=units)], rate=rate)), a.says(sent_rtcp(Jitter=units))
    )
    assert body(received)["report_blocks"][0]["ia_jitter"] == ms
    assert body(sent)["report_blocks"][0]["ia_jitter"] == ms


def test_jitter_can_be_had_in_timestamp_units() -> None:
    leg = leg_with(medium())
    assert hear(leg, received_rtcp(blocks=[block(OURS, Jitter=81)]), "rtp")["report_blocks"][0]["ia_jitter"] == 81
    assert say(leg, sent_rtcp(Jitter=81), "rtp")["report_blocks"][0]["ia_jitter"] == 81


def test_the_events_own_clock_is_right_where_the_legs_is_another() -> None:
    report = hear(leg_with(medium(clock=48_000)), received_rtcp(blocks=[block(OURS, Jitter=80)], rate=8000))
    assert report["report_blocks"][0]["ia_jitter"] == 10.0


@pytest.mark.parametrize("rate", [None, 0])
def test_the_legs_clock_stands_in_for_one_that_the_event_lacks(rate: Optional[int]) -> None:
    headers = received_rtcp(blocks=[block(OURS, Jitter=80)], rate=rate)
    assert hear(leg_with(medium()), headers)["report_blocks"][0]["ia_jitter"] == 10.0


def test_without_any_clock_there_is_no_jitter_in_milliseconds() -> None:
    headers = received_rtcp(blocks=[block(OURS, Jitter=80)], rate=None)
    assert "ia_jitter" not in hear(leg_with(medium(clock=None)), headers)["report_blocks"][0]
    assert hear(leg_with(medium(clock=None)), headers, "rtp")["report_blocks"][0]["ia_jitter"] == 80


def test_a_round_trip_that_was_not_measured_yet_is_absent() -> None:
    assert "rtt_avg_ms" not in hear(leg_with(medium()), received_rtcp(blocks=[block(OURS)], rtts=[0.0]))
    assert "rtt_avg_ms" not in hear(leg_with(medium()), received_rtcp(blocks=[block(OURS)]))


# --- which medium -----------------------------------------------------------------------------------------------------


def both() -> Leg:
    return leg_with(medium(), medium("video", PICTURE, 90_000))


def test_a_block_about_our_ssrc_tells_the_medium() -> None:
    leg = both()
    assert hear(leg, received_rtcp(1, blocks=[block(PICTURE)]))["medium"] == "video"
    assert hear(leg, received_rtcp(2, blocks=[block(99), block(OURS)]))["medium"] == "audio"


def test_an_ssrc_heard_before_tells_the_medium() -> None:
    leg = both()
    hear(leg, received_rtcp(1, blocks=[block(PICTURE)]))
    assert hear(leg, received_rtcp(1, ntp=(2, 2)))["medium"] == "video"
    assert say(leg, sent_rtcp(1, 1))["ssrc"] == PICTURE


def test_a_report_whose_medium_can_not_be_told_leaves_it_out() -> None:
    leg = both()
    for each in leg.media:
        each.clock, each.tells_sent = 8000, True
    assert "medium" not in hear(leg, received_rtcp(77, blocks=[block(99)]))
    assert "medium" not in hear(leg, {**NEVER_SENT, "Source0-SSRC": "00000063"})
    assert "medium" not in hear(leg, received_rtcp(77, blocks=[block(99)], rate=16_000))
    nameless = received_rtcp(blocks=[block(99)])
    del nameless["SSRC"]
    assert "medium" not in hear(leg, nameless)
    report = say(leg, sent_rtcp(77))
    assert "medium" not in report
    assert "ssrc" not in report
    assert "medium" not in hear(leg_with(), received_rtcp(77, blocks=[block(99)]))


def test_the_only_medium_is_the_medium() -> None:
    assert hear(leg_with(medium("video", PICTURE)), received_rtcp(77, blocks=[block(99)]))["medium"] == "video"


# --- what is kept for the quality report ------------------------------------------------------------------------------


def test_the_last_word_of_each_source_is_kept() -> None:
    sound = medium()
    leg = leg_with(sound)
    say(leg, sent_rtcp(THEIRS, Lost=3, Jitter=8))
    say(leg, sent_rtcp(THEIRS, Lost=9, Jitter=16))
    hear(leg, received_rtcp(THEIRS, blocks=[block(OURS, Lost=4, Jitter=24)], rtts=[0.03]))
    assert sound.received.reports == (Reception(THEIRS, 9, 52352, 16),)
    assert sound.sent.reports == (Reception(OURS, 4, 52352, 24, 0.03),)
    assert sound.received.ssrc == THEIRS


def test_a_source_that_changed_its_ssrc_is_not_merged_with_what_it_was() -> None:
    sound = medium()
    leg = leg_with(sound)
    for ssrc, lost in ((1, 3), (1, 5), (2, 0), (2, 2)):
        say(leg, sent_rtcp(ssrc, Lost=lost))
    assert sound.received.reports == (Reception(1, 5, 52352, 80), Reception(2, 2, 52352, 80))
    assert sound.received.ssrc == 2


def test_the_source_heard_last_is_the_last_one() -> None:
    sound = medium()
    for ssrc in (1, 2, 1):
        say(leg_with(sound), sent_rtcp(ssrc))
    assert [reception.ssrc for reception in sound.received.reports] == [2, 1]


def test_the_round_trip_is_that_of_the_block_about_us() -> None:
    sound = medium()
    hear(leg_with(sound), received_rtcp(blocks=[block(99), block(OURS)], rtts=[0.5, 0.02]))
    assert sound.sent.reports == (Reception(OURS, 3, 52352, 80, 0.02),)


def test_a_block_about_somebody_else_is_not_kept_as_ours() -> None:
    sound = medium()
    hear(leg_with(sound), received_rtcp(blocks=[block(99), block(98)]))
    assert (sound.sent.reports, sound.sent.ssrc) == ((), OURS)
    unknown = medium(ssrc=None)
    hear(leg_with(unknown), received_rtcp(blocks=[block(99)]))
    assert [reception.ssrc for reception in unknown.sent.reports] == [99]


def test_sources_kept_are_bounded() -> None:
    sound = medium(ssrc=None)
    leg = leg_with(sound)
    for ssrc in range(1, 50):
        say(leg, sent_rtcp(ssrc))
        hear(leg, received_rtcp(ssrc, blocks=[block(ssrc)]))
    assert len(sound.received.reports) == len(sound.sent.reports) == MAX_SOURCES


def test_a_source_that_is_kept_is_kept_up_to_date_when_there_is_no_room_for_another() -> None:
    sound = medium()
    leg = leg_with(sound)
    for ssrc in range(1, MAX_SOURCES + 3):
        say(leg, sent_rtcp(ssrc, Lost=1))
    say(leg, sent_rtcp(1, Lost=9))
    assert len(sound.received.reports) == MAX_SOURCES
    assert sound.received.reports[-1] == Reception(1, 9, 52352, 80)


def test_a_round_trip_of_zero_is_none() -> None:
    sound = medium()
    hear(leg_with(sound), received_rtcp(blocks=[block(OURS)], rtts=[0.0]))
    assert sound.sent.reports[0].rtt is None


def test_a_block_without_a_loss_tells_nothing_of_it() -> None:
    sound, words = medium(), block(OURS)
    del words["Lost"]
    hear(leg_with(sound), received_rtcp(blocks=[words]))
    assert sound.sent.reports == ()


def test_a_sent_block_without_a_loss_tells_nothing_of_it_either() -> None:
    sound, headers = medium(), sent_rtcp(THEIRS)
    del headers["Source-Lost"]
    say(leg_with(sound), headers)
    assert sound.received.reports == ()
    assert sound.received.ssrc == THEIRS


def test_the_round_trip_of_a_report_is_not_that_of_somebody_else() -> None:
    report = hear(leg_with(medium()), received_rtcp(blocks=[block(99), block(OURS)], rtts=[9.9, 0.02]))
    assert report["rtt_avg_ms"] == 20.0
    others = received_rtcp(blocks=[block(99), block(98)], rtts=[0.9, 0.8])
    assert "rtt_avg_ms" not in hear(leg_with(medium()), others)


def test_what_the_far_end_reports_on_is_ours_whatever_the_variables_say() -> None:
    """`rtp_use_ssrc` is set when RTP begins, and stays."""
    sound = medium()
    leg = leg_with(sound)
    hear(leg, received_rtcp(THEIRS, blocks=[block(0xFEED, Lost=4)], rtts=[0.03]))
    assert say(leg, sent_rtcp(THEIRS))["ssrc"] == 0xFEED
    assert sound.sent.reports == (Reception(0xFEED, 4, 52352, 80, 0.03),)


def test_a_late_report_on_the_ssrc_before_does_not_bring_it_back() -> None:
    sound = medium()
    leg = leg_with(sound)
    for ssrc in (OURS, 0xFEED, OURS):
        hear(leg, received_rtcp(THEIRS, blocks=[block(ssrc)]))
    assert say(leg, sent_rtcp(THEIRS))["ssrc"] == 0xFEED


def test_one_report_about_somebody_else_does_not_take_our_ssrc_away_for_ever() -> None:
    leg = leg_with(medium())
    hear(leg, received_rtcp(blocks=[block(OURS, Highest_Sequence_Number_Received=1000)]))
    hear(leg, received_rtcp(blocks=[block(0x77)]))
    hear(leg, received_rtcp(blocks=[block(OURS, Highest_Sequence_Number_Received=1250, Lost=7)]))
    assert say(leg, sent_rtcp())["ssrc"] == OURS
    assert leg.audio is not None
    assert leg.audio.sent.last == Reception(OURS, 7, 1250, 80)


def test_of_several_blocks_none_has_our_round_trip_as_long_as_our_ssrc_is_not_known() -> None:
    blocks = [block(0x77, LSR=1, DLSR=0), block(OURS, LSR=1, DLSR=0)]
    leg = leg_with(medium(ssrc=None))
    assert "rtt_avg_ms" not in hear(leg, received_rtcp(blocks=blocks, rtts=[4.9, 0.02]))
    assert hear(leg, received_rtcp(blocks=blocks[1:], rtts=[0.02]))["rtt_avg_ms"] == 20


def test_a_late_report_is_of_the_medium_that_has_ended() -> None:
    leg = both()
    hear(leg, received_rtcp(0xFBFB, blocks=[block(PICTURE)], rate=90_000))
    assert leg.audio is not None
    assert leg.video is not None
    leg.video.active = False
    late = hear(leg, received_rtcp(0xFBFB, (4_004_390_968, 1), [block(PICTURE, Lost=9)], rate=90_000))
    assert late["medium"] == "video"
    assert say(leg, sent_rtcp(0xFBFB))["medium"] == "video"
    assert leg.audio.received.ssrc is None, "the picture's is not the sound's"
    assert hear(leg, received_rtcp(0xFAFA, blocks=[block(0x77)]))["medium"] == "audio"


def test_the_only_medium_is_the_medium_also_after_its_end() -> None:
    """A re-INVITE for T.38 has ended it, and its last reports come after that."""
    leg = leg_with(medium())
    assert leg.audio is not None
    leg.audio.active = False
    assert hear(leg, received_rtcp(blocks=[block(OURS)]))["medium"] == "audio"


def test_a_variable_that_did_not_change_does_not_bring_the_old_ssrc_back() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event("CHANNEL_ANSWER", {**sip(), **audio()}), a.hears(received_rtcp(blocks=[block(0xFEED)])))
    ear.hear(a.event("CALL_UPDATE", {**sip(), **audio()}))
    (old,) = ear.hear(a.says(sent_rtcp()))
    ear.hear(a.event("CALL_UPDATE", {**sip(), **audio(ssrc=0xF00D)}))
    (new,) = ear.hear(a.says(sent_rtcp()))
    assert (body(old)["ssrc"], body(new)["ssrc"]) == (0xFEED, 0xF00D)


# --- round trips that can be ------------------------------------------------------------------------------------------


def arrival(seconds_ago: float, at: float = 0.0) -> int:
    """The LSR of a report that was sent so long before a report that is captured `at` seconds after the story began."""
    micros = T0 + round((at - seconds_ago) * 1e6) + 1234
    return ((micros // 1_000_000 + 2_208_988_800) & 0xFFFF) << 16 | (micros % 1_000_000 << 16) // 1_000_000


@pytest.mark.parametrize(
    "rtt, lsr, dlsr, possible",
    [
        (0.04, arrival(4.04), 4 << 16, True),
        (0.04, arrival(4.0), 5 << 16, False),  # longer at the far end than since we sent
        (0.04, 0, 0, False),  # of another report: this one answers none
        (-60_000.0, arrival(4.04), 4 << 16, False),
        (31_234.5, arrival(31_238.5), 4 << 16, False),  # the far end gave a time of its own
        (9.9, arrival(13.9), 4 << 16, False),  # longer than the call
        (2.5, arrival(6.5), 4 << 16, True),
    ],
)
def test_a_round_trip_that_can_not_be_is_left_out_and_counted(
    rtt: float, lsr: int, dlsr: int, possible: bool
) -> None:
    sound, left_out = medium(), Counts[str]()
    headers = received_rtcp(THEIRS, blocks=[block(OURS, LSR=lsr, DLSR=dlsr)], rtts=[rtt])
    report = loaded(rtcp.received(Channel().hears(headers).getHeader, leg_with(sound), "ms", left_out))
    assert report.get("rtt_avg_ms") == (round(rtt * 1000, 3) if possible else None)
    assert sound.sent.reports[0].rtt == (rtt if possible else None)
    assert left_out == ({} if possible else {"contradicted": 1})


def test_each_round_trip_that_can_not_be_is_counted() -> None:
    left_out = Counts[str]()
    headers = received_rtcp(THEIRS, blocks=[block(OURS, LSR=0), block(99, LSR=0)], rtts=[0.04, 0.05])
    rtcp.received(Channel().hears(headers).getHeader, leg_with(medium()), "ms", left_out)
    assert left_out == {"contradicted": 2}


@pytest.mark.parametrize("at", [0.0, 0.25, 0.75, 0.99])
@pytest.mark.parametrize("since, dlsr, possible", [(0.5, 0x7000, True), (0.5, 0x8800, False)])
def test_parts_of_a_second_tell_a_round_trip_that_can_not_be(
    at: float, since: float, dlsr: int, possible: bool
) -> None:
    headers = received_rtcp(THEIRS, blocks=[block(OURS, LSR=arrival(since, at), DLSR=dlsr)], rtts=[0.04])
    report = loaded(rtcp.received(Channel().hears(headers, at=at).getHeader, leg_with(medium()), "ms", Counts()))
    assert ("rtt_avg_ms" in report) == possible


def test_a_round_trip_is_no_longer_than_its_call() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event("CHANNEL_CREATE", sip()), a.event("CHANNEL_ANSWER", {**sip(), **audio()}), now=100.0)
    seen = []
    for ntp, now in ((1, 103.0), (2, 130.0)):
        report = received_rtcp(ntp=(ntp, ntp), blocks=[block(OURS, LSR=arrival(30.0), DLSR=65536)], rtts=[20.0])
        (message,) = ear.hear(a.hears(report), now=now)
        seen.append(body(message).get("rtt_avg_ms"))
    assert seen == [None, 20_000.0]


# --- two media --------------------------------------------------------------------------------------------------------


def test_the_clock_tells_the_medium_of_a_far_end_that_is_silent() -> None:
    """It has no SSRC of its own yet, and what it reports on is not what the variables say."""
    leg = both()
    silent = {**NEVER_SENT, "Source0-SSRC": "0000feed"}
    assert hear(leg, {**silent, "RTP-Rate": "90000"})["medium"] == "video"
    assert [each.sent.ssrc for each in leg.media] == [OURS, 0xFEED]
    assert hear(leg, {**silent, "Source0-SSRC": "0000f00d"})["medium"] == "audio"
    assert [each.sent.ssrc for each in leg.media] == [0xF00D, 0xFEED]


def test_a_sent_report_to_a_silent_far_end_is_of_the_medium_that_is_told() -> None:
    """FreeSWITCH tells its RTCP on video only with rtp_video_send_rtcp_message_event."""
    leg = both()
    silent = sent_rtcp(0, 0)
    assert (say(leg, silent)["medium"], say(leg, silent)["ssrc"]) == ("audio", OURS)
    leg = both()
    for each in leg.media:
        each.tells_sent = True
    assert "medium" not in say(leg, silent)
    hear(leg, received_rtcp(THEIRS, blocks=[block(OURS)]))
    assert say(leg, silent)["medium"] == "video", "audio's far end is not silent"


@pytest.mark.parametrize("told, media", [("true", [True, True]), (None, [True, False]), ("false", [True, False])])
def test_whether_rtcp_on_video_is_told_is_a_variable(told: Optional[str], media: list[bool]) -> None:
    ear, a = Ear(), Channel()
    asked = {} if told is None else {"variable_rtp_video_send_rtcp_message_event": told}
    ear.hear(a.event("CHANNEL_ANSWER", {**sip(), **audio(), **video(), **asked}))
    leg = ear.pipeline.legs.find("leg-a")
    assert leg is not None
    assert [each.tells_sent for each in leg.media] == media


Mapper = Callable[[Get, Leg, str, Counts[str], str], Optional[Record]]
WORDS = st.integers(0, 2**32 - 1)
SSRCS = st.sampled_from([0, OURS, THEIRS, PICTURE])


@st.composite
def reports(draw: st.DrawFn) -> tuple[Mapper, dict[str, str]]:
    """Any report, most of the usual shape: now and then a header is missing, or there is another number of blocks."""
    ntp = draw(st.sampled_from([(0, 0), (1, 1), (1, 2), (4_004_390_963, 2**32 - 1)]))
    if draw(st.booleans()):
        numbers = {end: draw(WORDS) for end in ("Lost", "Jitter", "Fraction", "Highest-Sequence-Number-Received")}
        headers = sent_rtcp(draw(SSRCS), draw(SSRCS), ntp, **numbers)
        mapper = rtcp.sent
    else:
        number = draw(st.sampled_from([0, 1, 1, 1, 1, 2]))
        blocks = [block(draw(SSRCS), **{end: draw(WORDS) for end in ("Lost", "Jitter", "LSR")}) for _ in range(number)]
        rtts = [draw(st.sampled_from([0.0, 0.04, 0.0401312, 7.0])) for _ in range(number)]
        headers = received_rtcp(draw(SSRCS), ntp, blocks, rtts, draw(st.sampled_from([8000, 3000])))
        mapper = rtcp.received
    for header in draw(st.sampled_from([[], [], [], *[[each] for each in headers]])):
        headers = {name: text for name, text in headers.items() if name != header}
    return mapper, headers


@given(
    st.lists(reports(), min_size=1, max_size=12), st.sampled_from(["ms", "rtp"]), st.sampled_from(["", "a", "av"]),
    st.sampled_from([8000, None]), st.sampled_from(PACKETS_LOST),
)  # fmt: skip
def test_a_report_written_in_one_is_the_same_as_one_written_member_by_member(
    story: list[tuple[Mapper, dict[str, str]]],
    unit: str,
    media: str,
    clock: Optional[int],
    packets_lost: str,
) -> None:
    """The same reports on two legs; on one of them nothing is of the usual shape."""
    kinds = {"": [], "a": ["audio"], "av": ["audio", "video"]}[media]
    ssrcs = {"audio": OURS, "video": PICTURE}
    first, second = (leg_with(*(medium(kind, ssrcs[kind], clock) for kind in kinds)) for _ in range(2))
    for mapper, headers in story:
        get = Channel().hears(headers).getHeader
        written = mapper(get, first, unit, Counts(), packets_lost)
        with mock.patch.object(rtcp_json, "_usual", return_value=None):
            by_member = mapper(get, second, unit, Counts(), packets_lost)
        if written is None or by_member is None:
            assert written is by_member
        else:
            assert written._replace(payload=b"") == by_member._replace(payload=b"")
            assert list(json.loads(written.payload).items()) == list(json.loads(by_member.payload).items())
        assert remembered(first) == remembered(second)


def remembered(leg: Leg) -> Any:
    streams = [stream for each in leg.media for stream in (each.received, each.sent)]
    return leg.sender_reports, [(each.ssrc, each.reports, each.lost) for each in streams]


def test_the_usual_report_is_written_in_one() -> None:
    """Or the test above would compare nothing."""
    leg = leg_with(medium())
    with mock.patch.object(rtcp_json, "_any", return_value=b"{}"):
        assert hear(leg, received_rtcp(THEIRS, blocks=[block(OURS)], rtts=[0.04]))["rtt_avg_ms"] == 40
        assert say(leg, sent_rtcp(THEIRS, THEIRS))["report_count"] == 1
        assert hear(leg, received_rtcp(THEIRS, ntp=(4_004_390_969, 1), blocks=[]), "rtp") == {}


def test_a_hostile_unique_id_is_shown() -> None:
    for encoder in ENCODERS:
        with json_by(encoder):
            report = hear(leg_with(medium(), unique_id="caf\udce9" + "x" * 60_000), received_rtcp(blocks=[block(OURS)]))
        assert report["leg"].startswith("caf\\xe9xx")
        assert len(report["leg"]) < 600
