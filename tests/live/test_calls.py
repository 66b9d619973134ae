"""What the collector gets of real calls, compared with what both switches and the kernel say of them."""

from __future__ import annotations

import json
import re
import time
from itertools import chain
from typing import Any, NamedTuple

import pytest

from fs_hepipe.hep.registry import ProtocolType
from fs_hepipe.words.settings import CALL_EVENTS

from .collector import eventually, reports
from .configuration import SECRET, has_ipv6
from .lab import Lab, Leg, destination, source

pytestmark = pytest.mark.live

KINDS = ["bridge", "nomux", "srtp", "renamed", "transferred", "logged", "ipv6"]


class Conversation(NamedTuple):
    """A call that was answered, talked, and ended."""

    lab: Lab
    call_id: str
    legs: tuple[Leg, Leg]
    began: float
    ended: float


@pytest.fixture(scope="module")
def conversations(shared_lab: Lab) -> dict[str, Conversation]:
    """One call of each kind, all at the same time, until each of their legs has had RTCP both ways."""
    lab = shared_lab
    began = time.time()
    kinds = [kind for kind in KINDS if kind != "ipv6" or has_ipv6()]
    call_ids = {kind: lab.dial("bridge" if kind == "transferred" else kind) for kind in kinds}
    before, _ = lab.legs(call_ids["transferred"])
    assert lab.a.api(f"uuid_transfer {before.unique_id} nomux XML live").startswith("+OK")
    legs = {kind: lab.legs(call_id) for kind, call_id in call_ids.items()}
    for leg in chain(*legs.values()):
        lab.both_ways(leg)
    ended = time.time()
    lab.hang_up(*call_ids.values())
    for leg in chain(*legs.values()):
        lab.quality_of(leg)
    return {kind: Conversation(lab, call_ids[kind], legs[kind], began, ended) for kind in kinds}


@pytest.fixture(params=KINDS)
def conversation(request: pytest.FixtureRequest, conversations: dict[str, Conversation]) -> Conversation:
    if request.param not in conversations:
        pytest.skip("no IPv6: ::1 can't be bound")
    return conversations[request.param]


def test_every_leg_has_the_call_id_that_its_far_end_knows(conversation: Conversation) -> None:
    for leg in conversation.legs:
        lines = conversation.lab.collector.lines(leg.call_id)
        assert lines
        assert all(f" leg={leg.unique_id}" in line for line in lines)


def test_a_calls_log_begins_with_its_creation_and_ends_with_its_hangup(conversation: Conversation) -> None:
    incoming, outgoing = conversation.legs
    for leg in conversation.legs:
        steps = [line.split()[0] for line in conversation.lab.collector.lines(leg.call_id)]
        assert steps[0] == "CHANNEL_CREATE"
        assert steps.count("CHANNEL_ANSWER") == 1
        assert steps.count("CHANNEL_HANGUP_COMPLETE") == 1
    lines = conversation.lab.collector.lines(incoming.call_id)
    assert any(line.startswith("CHANNEL_BRIDGE") and f"other-call-id={outgoing.call_id} " in line for line in lines)


def test_signalling_runs_between_the_sip_ports_of_both_switches(conversation: Conversation) -> None:
    lab = conversation.lab
    here, there = lab.a.ports.sip, lab.b.ports.sip
    for leg in conversation.legs:
        for message in lab.collector.of(leg.call_id, ProtocolType.LOG):
            assert {source(message), destination(message)} == {(leg.rtp[0], here), (leg.rtp[0], there)}
    created = lab.collector.of(conversation.legs[0].call_id, ProtocolType.LOG)[0]
    assert source(created)[1] == there


def test_rtcp_runs_between_the_ports_that_the_switches_hold(conversation: Conversation) -> None:
    for leg in conversation.legs:
        heard, told = conversation.lab.rtcp(leg)
        assert {destination(message) for message in heard} == {leg.rtcp}
        assert {destination(message) for message in told} == {leg.far_rtcp}
        assert len(heard) + len(told) == len(conversation.lab.collector.of(leg.call_id, ProtocolType.RTCP_JSON))


def test_both_directions_of_rtcp_tell_of_each_others_streams(conversation: Conversation) -> None:
    for leg in conversation.legs:
        heard, told = (reports(messages) for messages in conversation.lab.rtcp(leg))
        (theirs,) = {report["ssrc"] for report in heard}
        (ours,) = {report["ssrc"] for report in told}
        assert theirs != ours
        assert {block["source_ssrc"] for report in heard for block in report["report_blocks"]} == {ours}
        assert {block["source_ssrc"] for report in told for block in report["report_blocks"]} == {theirs}


def test_a_sender_report_counts_what_was_sent_by_then(conversation: Conversation) -> None:
    for leg in conversation.legs:
        for report in [report for messages in conversation.lab.rtcp(leg) for report in reports(messages)]:
            information = report["sender_information"]
            talked = conversation.ended - conversation.began
            assert 100 < information["packets"] < talked * 50 + 50  # 20 ms each, from the fourth second on
            assert 160 <= information["octets"] / information["packets"] < 200


def test_the_quality_of_both_directions_is_reported_once(conversation: Conversation) -> None:
    for leg in conversation.legs:
        received, sent = sorted(conversation.lab.quality(leg), key=lambda message: report_of(message)["DIR"])
        assert (source(received), destination(received)) == (leg.far_rtp, leg.rtp)
        assert (source(sent), destination(sent)) == (leg.rtp, leg.far_rtp)
        report = report_of(received)
        assert report["TOTAL_PK"] > 150
        assert report["MOS_SOURCE"] == report_of(sent)["MOS_SOURCE"] == "G.107"
        if report["PACKET_LOSS"] <= report["TOTAL_PK"] / 100:  # a busy machine loses packets
            assert 400 <= (received.mos or 0) <= 441
        assert abs(report_of(received)["DELTA"] - 20) < 2
        assert {report_of(message)["CODEC_NAME"] for message in (received, sent)} == {"PCMU"}


def test_messages_carry_the_time_of_their_events(conversation: Conversation) -> None:
    for leg in conversation.legs:
        times = [message.timestamp / 1e6 for message in conversation.lab.collector.of(leg.call_id)]
        assert conversation.began - 0.1 < min(times)
        assert max(times) < conversation.ended + 1


def test_messages_name_the_switch(conversation: Conversation) -> None:
    messages = conversation.lab.collector.of(conversation.call_id)
    assert {(message.node_name, message.capture_id) for message in messages} == {("live-a", 2001)}


def test_rtcp_is_beside_rtp_without_mux_and_on_it_with(conversations: dict[str, Conversation]) -> None:
    """That the kinds differ, or the tests above would prove less than they seem to."""
    muxed, apart = conversations["bridge"].legs[1], conversations["nomux"].legs[1]
    assert muxed.rtcp == muxed.rtp
    assert apart.rtcp == (apart.rtp[0], apart.rtp[1] + 1)


def test_srtp_is_reported_like_any_other_media(conversations: dict[str, Conversation]) -> None:
    assert [leg.secured for leg in conversations["srtp"].legs] == [False, True]


def test_ipv6_and_ipv4_meet_in_one_call(conversations: dict[str, Conversation]) -> None:
    if "ipv6" not in conversations:
        pytest.skip("no IPv6: ::1 can't be bound")
    incoming, outgoing = conversations["ipv6"].legs
    messages = conversations["ipv6"].lab.collector
    assert {message.ip_family for message in messages.of(incoming.call_id)} == {2}
    assert {message.ip_family for message in messages.of(outgoing.call_id)} == {10}


def test_a_transferred_call_goes_on_under_its_call_id_with_another_leg(conversations: dict[str, Conversation]) -> None:
    _, _, (incoming, outgoing), *_ = conversations["transferred"]
    lines = conversations["transferred"].lab.collector.lines(incoming.call_id)
    bridged = [line for line in lines if line.startswith("CHANNEL_BRIDGE")]
    assert len(bridged) == 2
    assert f"other-call-id={outgoing.call_id}" not in bridged[0]
    assert f"other-call-id={outgoing.call_id}" in bridged[1]


def test_the_dialplan_writes_into_the_log_of_its_call(conversations: dict[str, Conversation]) -> None:
    logged = conversations["logged"]
    (line,) = [line for line in logged.lab.collector.lines(logged.call_id) if line.startswith("LOG ")]
    assert line.startswith('LOG text="customer chose billing" ')


def test_a_refused_call_tells_who_refused_it(lab: Lab) -> None:
    call_id = lab.refused()
    assert "cause=USER_BUSY" in lab.collector.hangups(call_id)[0]
    (line,) = eventually("end of the leg that was refused", ends_beside, lab, call_id)
    assert " direction=outbound " in line
    assert "486" in line
    assert " by=far-end " in line
    assert not [message for message in lab.collector.of(call_id) if message.protocol_type != ProtocolType.LOG]


def ends_beside(lab: Lab, call_id: str) -> list[str]:
    """The hangups of legs whose other leg has this Call-ID."""
    lines = [line for line in lab.collector.lines() if line.startswith("CHANNEL_HANGUP_COMPLETE")]
    return [line for line in lines if f" other-call-id={call_id} " in line]


def test_a_loopback_leg_is_filed_under_a_call_id_of_sip(lab: Lab) -> None:
    call_id = lab.dial("loop", seconds=1)
    lab.collector.line(call_id, "CHANNEL_HANGUP_COMPLETE")
    eventually("end of the calls", lambda: not lab.a.channels())
    known = {message.correlation_id for message in lab.collector if b"channel=sofia/" in message.payload}
    loopback = [message for message in lab.collector if b"channel=loopback/" in message.payload]
    assert loopback
    assert {message.correlation_id for message in loopback} <= known


def test_digits_and_holding_are_lines_of_the_leg_they_came_from(lab: Lab) -> None:
    configure(lab, call_events=",".join([*CALL_EVENTS, "DTMF"]), dtmf_digits="shown")
    call_id = lab.dial("bridge")
    lab.legs(call_id)
    far_end = call_id.partition("@")[0]
    lab.b.api(f"uuid_send_dtmf {far_end} 4#")
    eventually("digits", lambda: digits(lab, call_id) == "4#")
    for switch, step in (("", "CHANNEL_HOLD"), (" off", "CHANNEL_UNHOLD")):
        lab.b.api(f"uuid_hold{switch} {far_end}")
        lab.collector.line(call_id, step)


@pytest.mark.parametrize("log_format", ["text", "json", "full"])
def test_no_key_no_password_and_no_digit_of_a_call_leaves_the_switch(lab: Lab, log_format: str) -> None:
    lab.a.api("global_setvar rtp_retain_crypto_keys=true")
    events = [*CALL_EVENTS, "DTMF", "CALL_UPDATE", "CHANNEL_EXECUTE", "CHANNEL_EXECUTE_COMPLETE", "CHANNEL_DESTROY"]
    configure(lab, call_log_format=log_format, call_events=",".join(events))
    call_id = lab.dial("srtp")
    legs = lab.legs(call_id)
    lab.b.api(f"uuid_send_dtmf {call_id.partition('@')[0]} 4711#")
    eventually("digits", lambda: len(payloads_with(lab, b"DTMF", legs[0])) >= 5)
    for leg in legs:
        lab.a.api(f"uuid_setvar {leg.unique_id} sip_h_Authorization Basic {SECRET}")
    dumps = [lab.a.dump(leg.unique_id) for leg in legs]
    keys = {value for dump in dumps for name, value in dump.items() if name.endswith("_crypto_key")}
    secrets = {SECRET, *re.findall(r"inline:([^\s|]+)", " ".join(chain(*(dump.values() for dump in dumps))))}
    secrets |= {key for key in keys if " " not in key}
    assert len(secrets) >= 4
    lab.hang_up(call_id)
    for leg in legs:
        eventually("end", payloads_with, lab, b"CHANNEL_DESTROY", leg)
    lines = [message for leg in legs for message in lab.collector.of(leg.call_id, ProtocolType.LOG)]
    datagrams = b"".join(lab.collector.datagrams)
    assert [secret for secret in secrets if secret.encode() in datagrams] == []
    assert any(b"(not sent)" in line.payload for line in lines)
    for line in lines:
        assert b"4711" not in line.payload
        assert log_format == "text" or json.loads(line.payload)
    dtmf = [line.payload for line in lines if b"DTMF" in line.payload and b"RTP" in line.payload]
    assert dtmf
    assert not any(b"digit=" in line or b'"digit"' in line or b'"DTMF-Digit":"4"' in line for line in dtmf)


def payloads_with(lab: Lab, word: bytes, leg: Leg) -> list[bytes]:
    return [message.payload for message in lab.collector.of(leg.call_id) if word in message.payload]


def configure(lab: Lab, **parameters: str) -> None:
    lab.a.configure(**parameters)
    lab.a.api("reloadxml")
    assert lab.a.hepipe("reload").endswith("+OK reloaded\n")


def digits(lab: Lab, call_id: str) -> str:
    lines = [line for line in lab.collector.lines(call_id) if line.startswith("DTMF ")]
    return "".join(line.partition(" digit=")[2][:1] for line in lines)


def test_media_that_bypasses_the_switch_has_no_quality_to_report(lab: Lab) -> None:
    call_id = lab.dial("bypass", seconds=1)
    lab.collector.line(call_id, "CHANNEL_HANGUP_COMPLETE")
    lab.hang_up()
    assert {message.protocol_type for message in lab.collector.of(call_id)} == {ProtocolType.LOG}


def test_a_callers_name_forges_nothing(lab: Lab) -> None:
    call_id = lab.refused(origination_caller_id_name="'caf\udce9 leg=forged'")
    (created, *_) = lab.collector.lines(call_id)
    assert ' caller-name="caf\\\\xe9 leg=forged" ' in created


def report_of(message: Any) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(message.payload)
    return report
