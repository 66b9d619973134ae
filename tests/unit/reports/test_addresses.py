"""RTCP and quality of a leg: its own ports, in the true direction, early and late."""

from __future__ import annotations

from typing import Any

import pytest

from fs_hepipe.words import names
from fs_hepipe.words.event import RecordedEvent
from fs_hepipe.words.settings import Settings
from tests.unit.synthetic import (
    ANSWER,
    CREATE,
    DESTROY,
    DIGITS_SHOWN,
    HANGUP,
    OURS,
    T0,
    UPDATE,
    UUID,
    Channel,
    Ear,
    audio,
    block,
    body,
    callee,
    event,
    flow,
    names_of,
    received_rtcp,
    sent_rtcp,
    sip,
    statistics,
    video,
)

# --- RTCP -------------------------------------------------------------------------------------------------------------


def test_received_rtcp_goes_from_the_far_end_to_us_and_sent_rtcp_from_us_to_the_far_end() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    received, sent = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])), a.says(sent_rtcp()))
    assert flow(received) == ("198.51.100.7", 30_001, "192.0.2.2", 20_001)
    assert flow(sent) == ("192.0.2.2", 20_001, "198.51.100.7", 30_001)
    assert (received.ip_protocol, received.protocol_type, sent.protocol_type) == (17, 5, 5)
    assert (received.correlation_id, sent.correlation_id) == ("call-a", "call-a")


def test_rtcp_before_the_media_is_known_waits_and_leaves_with_the_right_ports() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(CREATE, sip()))
    assert ear.hear(a.hears(received_rtcp(blocks=[block(OURS)]), at=1.0), a.says(sent_rtcp(), at=2.0)) == []
    assert ear.counters.waiting == 2
    messages = ear.hear(a.event(ANSWER, {**sip(), **audio()}, at=3.0))
    assert [message.protocol_type for message in messages] == [5, 5, 100]
    assert flow(messages[0]) == ("198.51.100.7", 30_001, "192.0.2.2", 20_001)
    assert flow(messages[1]) == ("192.0.2.2", 20_001, "198.51.100.7", 30_001)
    assert [message.timestamp for message in messages] == [T0 + 1_001_234, T0 + 2_001_234, T0 + 3_000_000]


def test_early_rtcp_of_a_leg_with_two_media_has_no_port_rather_than_a_wrong_one() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(CREATE, sip()), a.says(sent_rtcp()))
    message, _ = ear.hear(a.event(ANSWER, {**sip(), **audio(), **video()}))
    assert flow(message) == ("192.0.2.2", 0, "198.51.100.7", 0)
    assert "medium" not in body(message)


def test_rtcp_of_a_leg_with_no_media_to_be_known_leaves_after_ten_seconds_without_ports() -> None:
    ear, a = Ear(**DIGITS_SHOWN), Channel()
    ear.hear(a.event(CREATE, sip()), a.hears(received_rtcp(blocks=[block(OURS)])), now=100.0)
    ear.hear(a.event(names.DTMF, {"DTMF-Digit": "1"}), now=105.0)
    report, line = ear.wait(110.0)
    assert flow(report) == ("192.0.2.2", 0, "192.0.2.2", 0)
    assert names_of([line]) == [names.DTMF]
    assert ear.counters.ledger().waiting == 0


def test_rtcp_of_a_leg_that_nobody_saw_waits_and_is_counted() -> None:
    ear = Ear()
    assert ear.hear(Channel().hears(received_rtcp(blocks=[block(OURS)])), now=100.0) == []
    assert ear.wait(110.0) == []
    assert ear.counters.dropped == {"waited_too_long": 1}
    assert len(ear.pipeline.legs) == 0, "nothing but RTCP was heard of it: it had ended before"


def test_leg_without_any_event_but_rtcp_is_asked_about() -> None:
    ear, a = Ear(), Channel("unheard of")
    ear.channels["unheard of"] = {**sip(), **audio()}
    (message,) = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])))
    assert (message.correlation_id, message.src_port) == ("call-a", 30_001)


def test_leg_whose_media_mattered_to_no_report_is_asked_about_once_they_do() -> None:
    ear, a = Ear(report_rtcp_events=False, report_qos_events=False), Channel()
    ear.channels["leg-a"] = {**sip(), **audio()}
    ear.hear(a.event(ANSWER, {**sip(), **audio()}), a.hears(received_rtcp(blocks=[block(OURS)])))
    assert ear.asked == []
    ear.pipeline.reconfigure(Settings())
    (message,) = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])))
    assert flow(message) == ("198.51.100.7", 30_001, "192.0.2.2", 20_001)


def test_media_of_before_a_time_without_reports_are_not_used() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}), a.hears(received_rtcp(blocks=[block(OURS)])))
    ear.pipeline.reconfigure(Settings(report_rtcp_events=False, report_qos_events=False))
    ear.hear(a.event(UPDATE, {**sip(), **audio(remote=40_000, ssrc=77)}))
    ear.pipeline.reconfigure(Settings())
    ear.channels["leg-a"] = {**sip(), **audio(remote=40_000, ssrc=77)}
    (message,) = ear.hear(a.says(sent_rtcp()))
    assert (flow(message)[3], body(message)["leg"]) == (40_001, "leg-a")


# --- media that move in mid-call, and FreeSWITCH is asked where they are ----------------------------------------------

BEHIND_NAT = {**audio(), "variable_remote_media_ip": "192.168.1.50"}
ADJUSTED = {
    **BEHIND_NAT,
    "variable_remote_audio_ip": "203.0.113.9",
    "variable_remote_audio_port": "62000",
    "variable_remote_audio_ip_reported": "192.168.1.50",
    "variable_remote_audio_port_reported": "30000",
    "variable_rtp_auto_adjust_audio": "true",
}


def test_rtcp_of_a_phone_behind_nat_has_the_address_that_packets_come_from() -> None:
    """FreeSWITCH corrects the address when packets have come, after the last event that has variables."""
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **BEHIND_NAT}))
    ear.channels["leg-a"] = {**sip(), **ADJUSTED}
    received, sent = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])), a.says(sent_rtcp()), now=5.0)
    assert flow(received) == ("203.0.113.9", 62_001, "192.0.2.2", 20_001)
    assert flow(sent) == ("192.0.2.2", 20_001, "203.0.113.9", 62_001)
    assert ear.asked == ["leg-a"]


def test_leg_is_asked_about_at_its_first_rtcp_soon_again_and_then_from_time_to_time() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    asked = []
    for now in range(5, 105, 5):
        ear.asked.clear()
        ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])), now=float(now))
        ear.wait(float(now))
        asked += [now] * len(ear.asked)
    assert asked == [5, 10, 40, 70, 100]


def test_reinvite_of_the_far_end_is_followed_by_a_question() -> None:
    """sofia::reinvite has nothing but the Unique-ID."""
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    reinvite = event(names.CUSTOM, {"Event-Subclass": "sofia::reinvite", "Unique-ID": "leg-a"})
    ear.channels["leg-a"] = {**sip(), **audio()}
    (first,) = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])), now=5.0)
    ear.channels["leg-a"] = {**sip(), **audio(remote=40_000, variable_remote_media_ip="203.0.113.77")}
    assert ear.hear(reinvite, now=6.0) == []
    (second,) = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])), now=6.5)
    assert (flow(first)[:2], flow(second)[:2]) == (("198.51.100.7", 30_001), ("203.0.113.77", 40_001))
    assert ear.counters.ignored == {"only_learned_from": 3}, "the re-INVITE, and the answers to two questions"


@pytest.mark.parametrize("name", [UPDATE, names.CHANNEL_HOLD, names.CHANNEL_UNHOLD])
def test_an_event_with_a_new_sdp_is_followed_by_a_question(name: str) -> None:
    ear, a = Ear(), Channel()
    rtcp = a.hears(received_rtcp(blocks=[block(OURS)]))
    ear.hear(a.event(ANSWER, {**sip(), **audio()}), rtcp, now=5.0)
    ear.hear(a.event(name, {**sip(), **audio()}), rtcp, now=6.0)
    assert ear.asked == ["leg-a", "leg-a"]


@pytest.mark.parametrize("direction", ["hears", "says"])
def test_another_ssrc_of_the_far_end_is_followed_by_a_question(direction: str) -> None:
    """A pick-up or a transfer at the far end: FreeSWITCH's own re-INVITE is told by no event."""
    ear, a = Ear(), Channel()
    ear.channels["leg-a"] = {**sip(), **audio()}
    make = getattr(a, direction)
    headers = received_rtcp if direction == "hears" else sent_rtcp
    ear.hear(a.event(ANSWER, {**sip(), **audio()}), make(headers(0xFAFA)), now=5.0)
    ear.channels["leg-a"] = {**sip(), **audio(remote=40_000)}
    (message,) = ear.hear(make(headers(0xBEEF)), now=6.0)
    assert 40_001 in flow(message)
    ear.hear(make(headers(0xBEEF)), now=7.0)
    assert ear.asked == ["leg-a", "leg-a"]


@pytest.mark.parametrize(
    "name", [names.CHANNEL_UNBRIDGE, names.CHANNEL_EXECUTE, names.CHANNEL_UUID, "PLAYBACK_START", "RECORD_STOP"]
)
def test_every_event_with_variables_tells_where_media_are(name: str) -> None:
    ear, a = Ear(call_events=(name,)), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **BEHIND_NAT}), a.event(name, {**sip(), **ADJUSTED}))
    (message,) = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])))
    assert flow(message)[:2] == ("203.0.113.9", 62_001)


def test_questions_are_bounded_and_reports_beyond_that_have_the_known_addresses() -> None:
    ear = Ear()
    for number in range(60):
        leg = Channel(str(number))
        ear.hear(leg.event(ANSWER, {**sip(), **audio()}))
        assert len(ear.hear(leg.hears(received_rtcp(blocks=[block(OURS)])))) == 1
    assert len(ear.asked) == 50
    ear.wait(0.5)
    ear.hear(*[Channel(str(number)).hears(received_rtcp(blocks=[block(OURS)])) for number in range(60)], now=0.6)
    assert sorted(ear.asked, key=int) == [str(number) for number in range(60)]


def test_question_that_fails_costs_the_report_nothing() -> None:
    ear, a = Ear(), Channel()
    ear.channels["leg-a"] = MemoryError("no")
    assert len(ear.hear(a.event(ANSWER, {**sip(), **audio()}), a.hears(received_rtcp(blocks=[block(OURS)])))) == 2
    assert [type(fault) for fault in ear.pipeline.take_faults()] == [MemoryError]


def test_leg_that_has_ended_is_not_asked_about_nor_any_without_reports_of_rtcp() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}), a.event(DESTROY, {**sip(), **audio()}))
    assert len(ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])))) == 1
    ear.pipeline.reconfigure(Settings(report_rtcp_events=False))
    ear.hear(Channel("b").hears(received_rtcp(blocks=[block(OURS)])))
    assert ear.asked == []


def test_rtcp_under_a_new_unique_id_before_its_rename_is_of_the_renamed_leg() -> None:
    ear, a = Ear(), Channel()
    ear.channels["renamed"] = {**sip(), **audio()}
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    early = ear.hear(Channel("renamed").hears(received_rtcp(blocks=[block(OURS)])))
    ear.hear(Channel("renamed").event(UUID, {"Old-Unique-ID": "leg-a"}))
    late = ear.hear(Channel("renamed").hears(received_rtcp(blocks=[block(OURS)], ntp=(1, 1))))
    assert [message.correlation_id for message in [*early, *late]] == ["call-a", "call-a"]
    assert len(ear.pipeline.legs) == 1


@pytest.mark.parametrize(
    "settings, headers",
    [
        ({"report_rtcp_events": False}, received_rtcp()),
        ({}, received_rtcp(0, ntp=(0, 0))),  # an empty report
        ({}, {**received_rtcp(), "Capture-Time": "x", "Event-Date-Timestamp": "x"}),
    ],
    ids=["not reported", "empty", "no time"],
)
def test_rtcp_of_an_unknown_leg_that_gives_no_record_leaves_no_leg_behind(
    settings: dict[str, Any], headers: dict[str, str]
) -> None:
    ear = Ear(**settings)
    for number in range(5):
        ear.hear(Channel(f"late-{number}").hears(headers))
    assert len(ear.pipeline.legs) == 0


def test_rtcp_that_came_after_all_was_over_leaves_no_leg_behind() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])), now=100.0)
    assert len(ear.pipeline.legs) == 1
    ear.wait(110.0)
    assert (len(ear.pipeline.legs), ear.counters.dropped) == (0, {"waited_too_long": 1})


def test_an_agent_that_came_in_mid_call_learns_from_the_living_channel() -> None:
    """The switch's answer to uuid_dump is an event named CHANNEL_DATA."""
    ear, a = Ear(), Channel()
    assert ear.hear(a.event(names.CHANNEL_DATA, {**sip(), **audio()})) == []
    (message,) = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])))
    assert (message.correlation_id, message.src_port) == ("call-a", 30_001)
    assert ear.counters.ignored == {"only_learned_from": 1}


def test_rtcp_finds_its_leg_until_five_seconds_after_its_end() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}), a.event(DESTROY, sip()), now=100.0)
    ear.wait(104.9)
    (message,) = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])), now=104.9)
    assert (message.correlation_id, message.src_port) == ("call-a", 30_001)
    ear.wait(105.0)
    assert ear.hear(a.hears(received_rtcp(ntp=(1, 1), blocks=[block(OURS)])), now=105.0) == []


def test_rtcp_behind_the_end_of_a_leg_without_any_call_id_is_counted() -> None:
    ear, b = Ear(), callee(other=None)
    ear.hear(b.event(CREATE), b.event(DESTROY))
    ear.hear(b.hears(received_rtcp(blocks=[block(OURS)])))
    assert ear.counters.dropped == {"no_call_id": 2}


def test_a_leg_in_another_call_has_the_same_ports_of_its_own() -> None:
    """hepipe.js: an event without numbers reports another call's."""
    ear, a, b = Ear(), Channel("leg-a"), Channel("leg-b")
    ear.hear(a.event(ANSWER, {**sip("call-a"), **audio()}), b.event(ANSWER, {**sip("call-b"), **audio()}))
    scant = {"SSRC": "0000fafa", "Source0-SSRC": "0a0a0a0a"}
    full, bare = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])), b.hears(scant))
    assert body(full)["sender_information"]["packets"] == 200
    assert "sender_information" not in body(bare)
    assert (full.correlation_id, bare.correlation_id) == ("call-a", "call-b")


def test_audio_and_video_have_their_own_ports() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio(), **video()}))
    sound, picture = ear.hear(
        a.hears(received_rtcp(0xFAFA, blocks=[block(OURS)])),
        a.hears(received_rtcp(0xFBFB, blocks=[block(0x0B0B0B0B)], rate=90_000)),
    )
    assert (sound.src_port, body(sound)["medium"]) == (30_001, "audio")
    assert (picture.src_port, body(picture)["medium"]) == (32_001, "video")
    sound, picture = ear.hear(a.says(sent_rtcp(0xFAFA)), a.says(sent_rtcp(0xFBFB)))
    assert (sound.dst_port, body(sound)["ssrc"]) == (30_001, OURS)
    assert (picture.dst_port, body(picture)["ssrc"]) == (32_001, 0x0B0B0B0B)


def test_a_leg_with_video_alone_has_the_ports_of_its_video() -> None:
    ear, a = Ear(), Channel()
    sdp = "v=0\r\nc=IN IP4 {}\r\nm=video {} RTP/AVP 99\r\n"
    sdps = {
        "variable_rtp_local_sdp_str": sdp.format("192.0.2.2", 22_000),
        "variable_switch_r_sdp": sdp.format("198.51.100.7", 32_000),
    }
    ear.hear(a.event(CREATE, sip()), a.hears(received_rtcp(blocks=[block(OURS)])))
    early, _ = ear.hear(a.event(ANSWER, {**sip(), **sdps}))
    assert flow(early) == ("198.51.100.7", 32_001, "192.0.2.2", 22_001)
    (message,) = ear.hear(a.hears(received_rtcp(ntp=(1, 1), blocks=[block(OURS)])))
    assert (flow(message), body(message)["medium"]) == (flow(early), "video")


def test_a_report_whose_medium_can_not_be_told_has_no_address_where_there_is_none() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio(), **video(), "variable_remote_media_ip": "host.example.invalid"}))
    (message,) = ear.hear(a.hears(received_rtcp(0xFCFC, blocks=[block(99)], rate=16_000)))
    assert flow(message) == ("0.0.0.0", 0, "192.0.2.2", 0)


def test_a_receiver_report_that_says_nothing_is_ignored_and_counted() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    assert ear.hear(a.hears(received_rtcp(0, ntp=(0, 0)))) == []
    assert ear.counters.ignored["empty_report"] == 1


def test_rtcp_that_is_not_reported_still_tells_the_loss_of_a_quality_report() -> None:
    ear, a = Ear(report_rtcp_events=False), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    assert ear.hear(a.says(sent_rtcp(Lost=44))) == []
    messages = ear.hear(a.event(HANGUP, {**sip(), **statistics()}))
    assert body(messages[1])["PACKET_LOSS"] == 44


# --- addresses --------------------------------------------------------------------------------------------------------


def test_a_line_has_the_signalling_addresses_in_the_direction_the_event_moved() -> None:
    ear, b = Ear(), callee(other=None)
    (created,) = ear.hear(Channel("leg-a").event(CREATE, sip("call-a", transport="tcp")))
    assert flow(created) == ("198.51.100.7", 5062, "192.0.2.2", 5060)
    assert created.ip_protocol == 6
    created, answered = ear.hear(b.event(CREATE), b.event(ANSWER, sip("call-b")))
    assert flow(created) == ("192.0.2.2", 5060, "198.51.100.7", 5062)
    assert flow(answered) == ("198.51.100.7", 5062, "192.0.2.2", 5060)


def test_an_address_that_nobody_told_is_the_switchs_own_and_port_0() -> None:
    (message,) = Ear().hear(Channel().event(CREATE, {"variable_sip_call_id": "call-a"}))
    assert flow(message) == ("192.0.2.2", 0, "192.0.2.2", 0)


def test_an_address_is_never_made_up() -> None:
    """hepipe.js says 127.0.0.1."""
    nameless = Channel().event(CREATE, {"variable_sip_call_id": "call-a"}).headers
    for header in ("FreeSWITCH-IPv4", "FreeSWITCH-IPv6", "FreeSWITCH-Switchname"):
        del nameless[header]
    (message,) = Ear().hear(RecordedEvent(dict(nameless)))
    assert flow(message) == ("0.0.0.0", 0, "0.0.0.0", 0)
    assert message.node_name is None


def test_ipv6_signalling_and_media_are_ipv6_messages() -> None:
    ear, a = Ear(), Channel()
    media = {**audio(), "variable_local_media_ip": "2001:db8::2", "variable_remote_media_ip": "2001:db8::7"}
    (line,) = ear.hear(a.event(ANSWER, {**sip(remote="2001:db8::7:5062"), **media}))
    assert (line.ip_family, line.dst_ip) == (10, "2001:db8::7")
    (report,) = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])))
    assert flow(report) == ("2001:db8::7", 30_001, "2001:db8::2", 20_001)


def test_the_switchs_own_address_is_of_the_family_of_its_peer() -> None:
    variables = {"variable_sip_call_id": "call-a", "variable_sip_network_ip": "2001:db8::7"}
    (message,) = Ear().hear(Channel().event(CREATE, variables))
    assert flow(message) == ("2001:db8::7", 0, "2001:db8::2", 0)


def test_an_unknown_end_of_ipv6_media_is_the_switchs_ipv6_address() -> None:
    ear, a = Ear(), Channel()
    local = {"variable_local_media_ip": "2001:db8::22", "variable_local_media_port": "20000"}
    ear.hear(a.event(ANSWER, {**sip(), **local}))
    (message,) = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])))
    assert flow(message) == ("2001:db8::2", 0, "2001:db8::22", 20_001)


def test_two_families_in_one_flow_leave_one_address_out() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio(), "variable_remote_media_ip": "2001:db8::7"}))
    received, sent = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])), a.says(sent_rtcp()))
    assert flow(received) == ("2001:db8::7", 30_001, "::", 0)
    assert flow(sent) == ("192.0.2.2", 20_001, "0.0.0.0", 0)


def test_a_quality_report_has_the_rtp_addresses_of_its_stream() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}), a.hears(received_rtcp(blocks=[block(OURS)])))
    _, sent, received = ear.hear(a.event(HANGUP, {**sip(), **statistics()}))
    assert flow(received) == ("198.51.100.7", 30_000, "192.0.2.2", 20_000)
    assert flow(sent) == ("192.0.2.2", 20_000, "198.51.100.7", 30_000)


def test_a_report_of_media_that_were_never_known_has_no_ports() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(HANGUP, {"variable_sip_call_id": "call-a", **statistics()}))
    (report,) = ear.hear(a.event(DESTROY))
    assert (report.protocol_type, flow(report)) == (34, ("192.0.2.2", 0, "192.0.2.2", 0))


# --- quality ----------------------------------------------------------------------------------------------------------


def test_the_quality_of_a_leg_is_reported_once() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    end = {**sip(), **statistics()}
    messages = ear.hear(a.event(HANGUP, end), a.event(DESTROY, end))
    assert [message.protocol_type for message in messages] == [100, 34]
    assert messages[1].mos == 442


def test_quality_is_not_reported_unasked() -> None:
    ear, a = Ear(report_qos_events=False), Channel()
    messages = ear.hear(a.event(ANSWER, {**sip(), **audio()}), a.event(HANGUP, {**sip(), **statistics()}))
    assert {message.protocol_type for message in messages} == {100}


def test_the_quality_of_a_leg_whose_hangup_was_lost_is_reported_at_its_destruction() -> None:
    ear, a = Ear(), Channel()
    messages = ear.hear(a.event(ANSWER, {**sip(), **audio()}), a.event(DESTROY, {**sip(), **statistics()}))
    assert [message.protocol_type for message in messages] == [100, 34]


def test_a_statistic_that_is_not_a_number_costs_neither_its_report_nor_the_leg() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    (report,) = ear.hear(a.event(DESTROY, {**sip(), **statistics(in_mos="nan")}))
    assert "MOS" not in body(report)
    assert (ear.counters.failed, ear.counters.left_out) == ({}, {"not_a_number": 1})
    assert len(ear.pipeline.legs) == 0


def test_a_far_end_that_announces_a_host_name_is_not_shown_as_the_switch() -> None:
    ear, a = Ear(), Channel()
    media = {**sip(), **audio(), "variable_remote_media_ip": "media.example.invalid"}
    ear.hear(a.event("CHANNEL_CREATE", sip()), a.event("CHANNEL_ANSWER", media))
    (report,) = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])))
    assert flow(report) == ("0.0.0.0", 30_001, "192.0.2.2", 20_001)
    ended = ear.hear(a.event("CHANNEL_HANGUP_COMPLETE", {**media, **statistics()}))
    quality = next(body(message) for message in ended if message.protocol_type == 34 and not body(message)["DIR"])
    assert (quality.get("SRC_IP"), quality["SRC_PORT"]) == (None, 30_000)
