"""
Every recorded story through the whole agent, in the switch's thread and over a real socket: what a collector gets.

What is expected is computed from the recorded events by the rules of the specification, not by the package.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NoReturn, Optional, Union

import pytest

from freeswitch import switch
from fs_hepipe.agent.loop import Agent
from fs_hepipe.hep import IpFamily, Message
from fs_hepipe.words.names import RECV_RTCP_MESSAGE, SEND_RTCP_MESSAGE
from tests.system.harness import STORIES, Homer, Record, System, assert_balanced, story

LOG, RTCP, QUALITY = 100, 5, 34

# Log lines, RTCP reports, quality reports.
COUNTS = {
    "bridged_answered":         (8, 12, 4),
    "busy_486":                 (4, 0, 0),
    "caller_hangup":            (8, 8, 4),
    "dtmf_hold_transfer":       (16, 10, 4),
    "early_media_183":          (10, 8, 4),
    "failover_486_then_answer": (10, 8, 4),
    "gateway_states":           (16, 0, 0),
    "ipv6_echo":                (3, 4, 2),
    "load_150_calls":           (1200, 1196, 600),
    "loopback_leg":             (19, 8, 4),
    "lossy_media":              (8, 21, 4, 4),
    "no_answer_timeout":        (6, 0, 0),
    "notfound_404":             (4, 0, 0),
    "register_unregister":      (2, 0, 0),
    "srtp":                     (8, 8, 4),
    "unallocated_no_route":     (2, 0, 0),
}  # fmt: skip

LEGS = {
    "failover_486_then_answer": 3,
    "ipv6_echo": 1,
    "load_150_calls": 300,
    "loopback_leg": 4,
    "unallocated_no_route": 1,
}
"""Where there are not two."""

LOGGED = frozenset(
    """
    CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER CHANNEL_BRIDGE CHANNEL_UNBRIDGE CHANNEL_HOLD
    CHANNEL_UNHOLD CHANNEL_UUID CHANNEL_HANGUP_COMPLETE DTMF
    """.split()
)
REGISTRATIONS = frozenset(
    "sofia::register sofia::unregister sofia::expire sofia::register_failure sofia::gateway_state".split()
)
RTCP_EVENTS = (RECV_RTCP_MESSAGE, SEND_RTCP_MESSAGE)
CALLS = sorted(set(STORIES) - {"gateway_states", "register_unregister"})
REFUSED = ("busy_486", "notfound_404", "no_answer_timeout", "unallocated_no_route")


# --- running one -----------------------------------------------------------------------------------------------------


@pytest.fixture
def play(system: System, homer: Homer) -> Play:
    return Play(system, homer)


class Play:
    """Plays a story, and keeps what came of it."""

    def __init__(self, system: System, homer: Homer) -> None:
        self.system = system
        self.homer = homer
        self.name = ""
        self.events: list[Record] = []
        self.of_leg: dict[str, list[Record]] = {}
        self.messages: list[Message] = []

    def __call__(self, name: str, **parameters: str) -> Agent:
        self.name = name
        self.events = story(name)
        self.of_leg = {}
        for event in self.events:
            self.of_leg.setdefault(str(event.get("Unique-ID")), []).append(event)
        logged = {"call_events": ",".join(sorted(LOGGED)), **parameters}
        self.system.configure(capture_server=self.homer.server, **logged)
        self.system.start()
        self.system.fire(self.events)
        left = len(self.system.agent.pipeline.legs)
        agent = self.system.shutdown()
        self.messages = self.homer.messages(agent.counters.ledger().built)
        assert_balanced(agent)
        of_types = len(self.of(LOG)), len(self.of(RTCP)), len(self.at_hangup)
        assert (*of_types, len(self.of(QUALITY)) - len(self.at_hangup)) == (*COUNTS[name], 0)[:4]
        assert len(self.messages) == agent.counters.ledger().built == sum(COUNTS[name])
        assert not agent.counters.failed
        assert not agent.counters.dropped
        assert left == 0, "legs are left over"
        assert self.system.log("err") == self.system.log("warning") == []
        return agent

    def of(self, kind: int) -> list[Message]:
        return [message for message in self.messages if message.protocol_type == kind]

    @property
    def at_hangup(self) -> list[Message]:
        return [message for message in self.of(QUALITY) if strict(message.payload)["TYPE"] == "HANGUP"]

    def by_leg(self, *kinds: int) -> dict[str, list[Message]]:
        legs: dict[str, list[Message]] = {}
        for message in self.messages:
            if not kinds or message.protocol_type in kinds:
                legs.setdefault(content(message)["leg"], []).append(message)
        return legs

    def events_of(self, leg: str, *names: str) -> list[Record]:
        return [event for event in self.of_leg[leg] if event["Event-Name"] in names]

    def known(self, leg: str, header: str, before: Optional[Record] = None) -> str:
        """The newest value of a leg's header at the time of an event; the first later one where there was none."""
        value = ""
        for event in self.of_leg[leg]:
            if before is not None and value and number(event, "Event-Sequence") > number(before, "Event-Sequence"):
                break
            value = str(event.get(header, value))
        return value


def number(event: Record, header: str) -> int:
    return int(str(event[header]))


def strict(payload: Union[str, bytes]) -> Any:
    """JSON by the letter: Python alone takes NaN and Infinity."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(constant)

    return json.loads(payload, parse_constant=refuse)


def content(message: Message) -> dict[str, Any]:
    """The payload's fields, whatever its format; `leg` is there in each."""
    text = message.payload.decode()
    if text.startswith("{"):
        fields: dict[str, Any] = strict(text)
        fields["leg"] = fields.get("leg") or fields.get("LEG") or fields.get("Unique-ID")
        return fields
    event, _, rest = text.partition(" ")
    pairs = re.findall(r'([\w-]+)=("(?:[^"\\]|\\.)*"|[^\s"]+)', rest)
    assert " ".join(f"{key}={value}" for key, value in pairs) == rest
    return {"event": event, "leg": None, **{key: value.strip('"') for key, value in pairs}}


def line(play: Play, leg: str, event: str) -> dict[str, Any]:
    """The one line of an event of a leg."""
    found = [fields for fields in map(content, play.of(LOG)) if (fields["leg"], fields["event"]) == (leg, event)]
    assert len(found) == 1
    return found[0]


def legs(play: Play) -> dict[str, str]:
    """The legs with a Call-ID, and that."""
    call_ids = {}
    for event in play.events:
        if "Unique-ID" in event and "variable_sip_call_id" in event:
            call_ids[str(event["Unique-ID"])] = str(event["variable_sip_call_id"])
    return call_ids


def endpoints(message: Message) -> tuple[str, int, str, int]:
    return message.src_ip, message.src_port, message.dst_ip, message.dst_port


def signed(lost: str) -> int:
    """RFC 3550's 24 signed bits, printed unsigned."""
    value = int(lost) & 0xFFFFFF
    return value - (1 << 24) if value >= 1 << 23 else value


# --- all of them -----------------------------------------------------------------------------------------------------


def test_every_recording_is_expected_here() -> None:
    assert sorted(COUNTS) == STORIES


@pytest.mark.parametrize("name", sorted(set(STORIES) - {"load_150_calls"}))
@pytest.mark.parametrize("log_format", ["text", "json", "full"])
def test_story_arrives_whole_and_valid(play: Play, name: str, log_format: str) -> None:
    agent = play(name, call_log_format=log_format)
    assert agent.counters.ledger().received == sum(map(is_bound, play.events)) + 1  # and SHUTDOWN
    for message in play.messages:
        assert message.correlation_id
        assert message.node_name == play.events[0]["FreeSWITCH-Switchname"]
        assert message.capture_id == 2001
        assert message.auth_key is None
        assert message.protocol_type in {LOG, RTCP, QUALITY}
        if message.protocol_type == RTCP:
            assert_numeric(strict(message.payload), but={"medium", "leg"})
        elif message.protocol_type == QUALITY:
            assert strict(message.payload)["TYPE"] in {"HANGUP", "PERIODIC"}
        elif log_format == "text":
            assert message.payload.decode().isprintable()
        else:
            assert isinstance(strict(message.payload), dict)


def is_bound(event: Record) -> bool:
    learned_from = {"CHANNEL_DESTROY", "CALL_UPDATE"}
    if event["Event-Name"] == "CUSTOM":
        return event["Event-Subclass"] in REGISTRATIONS
    return event["Event-Name"] in LOGGED | learned_from | set(RTCP_EVENTS)


def assert_numeric(value: Any, but: set[str]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in but:
                assert_numeric(inner, but)
    elif isinstance(value, list):
        for inner in value:
            assert_numeric(inner, but)
    else:
        assert isinstance(value, (int, float))
        assert not isinstance(value, bool)


@pytest.mark.parametrize("name", CALLS)
def test_each_message_of_a_call_is_where_and_when_the_switch_had_it(play: Play, name: str) -> None:
    play(name)
    assert len(play.by_leg()) == LEGS.get(name, 2)
    assert_own_call_id(play)
    assert_order(play)
    for leg, messages in play.by_leg(RTCP).items():
        reports = play.events_of(leg, *RTCP_EVENTS)
        assert len(messages) == len(reports)
        for message, event in zip(messages, reports):
            assert_report(play, leg, message, event)
    for leg, messages in play.by_leg(QUALITY).items():
        assert_quality(play, leg, messages[-2:])


def assert_own_call_id(play: Play) -> None:
    call_ids = legs(play)
    for message in play.messages:
        leg = content(message)["leg"]
        if leg in call_ids:
            assert message.correlation_id == call_ids[leg]
        else:  # a leg without SIP: under a leg that it knows
            others = {event.get("Other-Leg-Unique-ID") for event in play.of_leg[leg]}
            assert message.correlation_id in {call_ids.get(str(other)) for other in others}


def assert_order(play: Play) -> None:
    """Each leg's messages come in the order of its events, each with a later time than the one before."""
    for leg, messages in play.by_leg().items():
        at_once = [message for message in messages if content(message).get("TYPE") != "PERIODIC"]
        assert [message.protocol_type for message in at_once] == list(expected(play, leg))
        times = [message.timestamp for message in messages]
        assert all(earlier < later for earlier, later in zip(times, times[1:]))
        sequences = [int(content(message)["seq"]) for message in messages if message.protocol_type == LOG]
        assert sequences == sorted(set(sequences))


def expected(play: Play, leg: str) -> Iterator[int]:
    for event in sorted(play.of_leg[leg], key=lambda each: number(each, "Event-Sequence")):
        name = event["Event-Name"]
        if name in LOGGED:
            yield LOG
        if name in RTCP_EVENTS:
            yield RTCP
        if name == "CHANNEL_HANGUP_COMPLETE" and int(str(event.get("variable_rtp_audio_in_packet_count", 0))):
            yield QUALITY
            yield QUALITY


def assert_report(play: Play, leg: str, message: Message, event: Record) -> None:
    report = strict(message.payload)
    is_sent = event["Event-Name"] == SEND_RTCP_MESSAGE
    local = play.known(leg, "variable_local_media_ip", event), play.known(leg, "variable_local_media_port", event)
    remote = play.known(leg, "variable_remote_media_ip", event), play.known(leg, "variable_remote_media_port", event)
    assert "a=rtcp-mux" in play.known(leg, "variable_switch_r_sdp")  # so RTCP travels on the ports of RTP
    assert "a=rtcp-mux" in play.known(leg, "variable_rtp_local_sdp_str")
    source, target = (local, remote) if is_sent else (remote, local)
    assert endpoints(message) == (source[0], int(source[1]), target[0], int(target[1]))
    assert min(message.src_port, message.dst_port) > 0
    assert 0 <= message.timestamp - number(event, "Capture-Time") < 10
    ours = int(play.known(leg, "variable_rtp_use_ssrc", event))
    theirs = int(str(event["SSRC"]), 16)
    assert report["ssrc"] == (ours if is_sent else theirs)
    block, prefix = report["report_blocks"][0], "Source-" if is_sent else "Source0-"
    assert report["report_count"] == len(report["report_blocks"]) == 1
    assert block["source_ssrc"] == (theirs if is_sent else ours)
    assert block["cumulative_lost"] == signed(str(event[f"{prefix}Lost"]))
    assert block["fraction_lost"] == int(str(event[f"{prefix}Fraction"]))
    assert block["highest_seq_no"] == int(str(event[f"{prefix}Highest-Sequence-Number-Received"]))
    assert block["ia_jitter"] == pytest.approx(int(str(event[f"{prefix}Jitter"])) / 8, abs=0.001)  # ms at 8 kHz
    if report["type"] == 200:
        assert report["sender_information"]["packets"] == int(str(event["Sender-Packet-Count"]))
        assert report["sender_information"]["octets"] == int(str(event["Octect-Packet-Count"]))


def assert_quality(play: Play, leg: str, messages: list[Message]) -> None:
    sent, received = messages
    ended = play.events_of(leg, "CHANNEL_HANGUP_COMPLETE")[0]
    measured = [event["Source-Lost"] for event in play.events_of(leg, SEND_RTCP_MESSAGE)]
    reported = [event["Source0-Lost"] for event in play.events_of(leg, RECV_RTCP_MESSAGE) if "Source0-Lost" in event]
    local = str(ended["variable_local_media_ip"]), number(ended, "variable_local_media_port")
    remote = str(ended["variable_remote_media_ip"]), number(ended, "variable_remote_media_port")
    assert endpoints(received) == (*remote, *local)
    assert endpoints(sent) == (*local, *remote)
    report = strict(received.payload)
    assert report["DIR"] == 0
    assert report["TOTAL_PK"] == number(ended, "variable_rtp_audio_in_packet_count")
    assert report["PACKET_LOSS"] == signed(str(measured[-1]))
    assert report["EXPECTED_PK"] == report["TOTAL_PK"] + report["PACKET_LOSS"]
    assert report["RTP_SIP_CALL_ID"] == received.correlation_id
    if play.name == "dtmf_hold_transfer":  # what is lost between digits is no flaw (switch_rtp.c:check_jitter)
        assert report["PACKET_LOSS"] > number(ended, "variable_rtp_audio_in_flaw_total")
        assert "SWITCH_MOS" not in report
    else:
        assert report["SWITCH_MOS"] == float(str(ended["variable_rtp_audio_in_mos"]))
    assert (received.mos, report["MOS_SOURCE"]) == (round(report["MOS"] * 100), "G.107")
    report = strict(sent.payload)
    assert report["DIR"] == 1
    assert report["EXPECTED_PK"] == number(ended, "variable_rtp_audio_out_packet_count")
    assert report["PACKET_LOSS"] == signed(str(reported[-1]))
    assert report["EXPECTED_PK"] - report["TOTAL_PK"] == report["PACKET_LOSS"]
    assert (sent.mos, report["MOS_SOURCE"]) == (round(report["MOS"] * 100), "G.107")


# --- one by one ------------------------------------------------------------------------------------------------------


def test_bridged_call_tells_twelve_reports_six_each_way(play: Play) -> None:
    play("bridged_answered")
    ssrcs = {int(play.known(leg, "variable_rtp_use_ssrc")) for leg in legs(play)}
    sent = [message for message in play.of(RTCP) if strict(message.payload)["ssrc"] in ssrcs]
    assert len(play.of(RTCP)) == 12
    assert len(sent) == 6
    local_ports = {int(play.known(leg, "variable_local_media_port")) for leg in legs(play)}
    assert {message.src_port for message in sent} == local_ports
    assert {message.dst_port for message in play.of(RTCP) if message not in sent} == local_ports


def test_outgoing_leg_without_a_call_id_yet_is_logged_under_its_own(play: Play) -> None:
    play("bridged_answered")
    created = [event for event in play.events if event["Event-Name"] == "CHANNEL_CREATE"]
    late = next(event for event in created if event["Call-Direction"] == "outbound")
    leg = str(late["Unique-ID"])
    assert "variable_sip_call_id" not in late
    first = next(message for message in play.of(LOG) if content(message)["leg"] == leg)
    assert content(first)["event"] == "CHANNEL_CREATE"
    assert first.correlation_id == legs(play)[leg]
    assert first.timestamp == number(late, "Event-Date-Timestamp")


def test_lossy_stream_is_no_flawless_one(play: Play) -> None:
    play("lossy_media")
    losses = [strict(message.payload)["report_blocks"][0]["cumulative_lost"] for message in play.of(RTCP)]
    assert max(losses) == 87
    for leg, (*_, sent, received) in play.by_leg(QUALITY).items():
        ended = play.events_of(leg, "CHANNEL_HANGUP_COMPLETE")[0]
        report = strict(received.payload)
        assert report["PACKET_LOSS"] != number(ended, "variable_rtp_audio_in_skip_packet_count")
        assert report["PACKET_LOSS"] / report["EXPECTED_PK"] == pytest.approx(0.08, abs=0.02)
        assert received.mos is not None
        assert received.mos < 410
        assert report["MOS"] < 4.1
        assert strict(sent.payload)["PACKET_LOSS"] > 40


@pytest.mark.parametrize(
    ("name", "cause", "q850", "status", "who", "other_cause"),
    [
        ("busy_486", "USER_BUSY", "17", "486", "far-end", "USER_BUSY"),
        ("notfound_404", "UNALLOCATED_NUMBER", "1", "404", "far-end", "UNALLOCATED_NUMBER"),
        ("no_answer_timeout", "NO_ANSWER", "19", "487", "switch", "NORMAL_CLEARING"),
    ],
)
def test_refused_call_says_who_refused_and_why(
    play: Play, name: str, cause: str, q850: str, status: str, who: str, other_cause: str
) -> None:
    play(name)
    assert play.of(QUALITY) == play.of(RTCP) == []
    refused = [leg for leg in legs(play) if play.known(leg, "Call-Direction") == "outbound"]
    calling = [leg for leg in legs(play) if play.known(leg, "Call-Direction") == "inbound"]
    end = line(play, refused[0], "CHANNEL_HANGUP_COMPLETE")
    assert (end["cause"], end["q850"], end["by"]) == (cause, q850, who)
    assert status in end.values()
    assert line(play, calling[0], "CHANNEL_HANGUP_COMPLETE")["cause"] == other_cause
    assert line(play, calling[0], "CHANNEL_HANGUP_COMPLETE")["by"] == "switch"


def test_call_without_a_route_says_that_the_switch_refused_it(play: Play) -> None:
    play("unallocated_no_route")
    (leg,) = legs(play)
    end = line(play, leg, "CHANNEL_HANGUP_COMPLETE")
    assert (end["cause"], end["q850"], end["by"]) == ("NO_ROUTE_DESTINATION", "3", "switch")
    assert len(play.messages) == 2


@pytest.mark.parametrize("name", REFUSED)
def test_refusal_went_the_way_it_went(play: Play, name: str) -> None:
    play(name)
    for message in play.of(LOG):
        fields = content(message)
        port = int(play.known(fields["leg"], "variable_sip_network_port") or 0)
        if fields["event"] == "CHANNEL_HANGUP_COMPLETE":
            assert port == (message.src_port if fields["by"] == "far-end" else message.dst_port)


def test_registration_is_filed_under_its_own_call_id(play: Play) -> None:
    play("register_unregister")
    registers = [event for event in play.events if event.get("Event-Subclass") in REGISTRATIONS]
    assert [message.correlation_id for message in play.messages] == [event["call-id"] for event in registers]
    assert [content(message)["event"] for message in play.messages] == ["sofia::register", "sofia::unregister"]
    assert [message.src_port for message in play.messages] == [number(event, "network-port") for event in registers]


def test_gateway_is_filed_under_the_switch_and_its_own_name(play: Play) -> None:
    play("gateway_states")
    states = [event for event in play.events if event.get("Event-Subclass") == "sofia::gateway_state"]
    switch_name = play.events[0]["FreeSWITCH-Switchname"]
    assert [message.correlation_id for message in play.messages] == [
        f"{switch_name}/gateway/{event['Gateway']}" for event in states
    ]
    assert [content(message)["State"] for message in play.messages] == [event["State"] for event in states]
    assert len({message.correlation_id for message in play.messages}) > 1


def test_call_over_ipv6_has_ipv6_chunks(play: Play) -> None:
    play("ipv6_echo")
    assert {message.ip_family for message in play.messages} == {IpFamily.IPV6}
    assert {message.src_ip for message in play.messages} == {"::1"}


def test_call_over_ipv4_has_ipv4_chunks(play: Play) -> None:
    play("srtp")
    assert {message.ip_family for message in play.messages} == {IpFamily.IPV4}


def test_second_destination_answers_where_the_first_refused(play: Play) -> None:
    play("failover_486_then_answer")
    lines = [content(message) for message in play.of(LOG)]
    causes = [line["cause"] for line in lines if line["event"] == "CHANNEL_HANGUP_COMPLETE"]
    assert sorted(causes) == ["MANAGER_REQUEST", "MANAGER_REQUEST", "USER_BUSY"]
    assert len(play.by_leg(QUALITY)) == 2


def test_digits_hold_and_transfer_are_in_the_log(play: Play) -> None:
    play("dtmf_hold_transfer")
    reported = Counter(content(message)["event"] for message in play.of(LOG))
    fired = Counter(str(event["Event-Name"]) for event in play.events if event["Event-Name"] in LOGGED)
    assert reported == fired
    assert reported["DTMF"] == 6
    assert reported["CHANNEL_HOLD"] == reported["CHANNEL_UNHOLD"] == 1
    lines = [content(message) for message in play.of(LOG)]
    assert [line.get("digit") for line in lines if line["event"] == "DTMF"] == [None] * 6


def test_digits_are_in_the_log_if_they_are_asked_for(play: Play) -> None:
    play("dtmf_hold_transfer", dtmf_digits="shown")
    digits = [event["DTMF-Digit"] for event in play.events if event["Event-Name"] == "DTMF"]
    lines = [content(message) for message in play.of(LOG)]
    assert [line["digit"] for line in lines if line["event"] == "DTMF"] == digits


def test_dialled_digits_are_no_lines_unless_they_are_asked_for(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server)
    agent = system.start()
    system.fire(story("dtmf_hold_transfer"))
    assert "DTMF" not in {name for name, _ in agent._bound}
    system.shutdown()
    messages = homer.messages(agent.counters.ledger().built)
    assert not any(message.payload.startswith(b"DTMF") for message in messages)


def test_loopback_pair_is_told_beside_the_sip_legs(play: Play) -> None:
    play("loopback_leg")
    channels = {leg: messages[0] for leg, messages in play.by_leg(LOG).items()}
    assert len(channels) == 4
    assert sum("loopback/" in content(message)["channel"] for message in channels.values()) == 2
    assert {message.correlation_id for message in play.messages} == set(legs(play).values())


def test_every_line_of_a_bridged_leg_names_the_other_legs_call_id(play: Play) -> None:
    play("bridged_answered")
    call_ids = legs(play)
    for message in play.of(LOG):
        fields = content(message)
        if "other-leg" in fields and fields["event"] != "CHANNEL_CREATE":
            assert fields["other-call-id"] == call_ids[fields["other-leg"]]
            assert fields["other-call-id"] != message.correlation_id


def test_stories_one_after_the_other_leave_nothing_in_the_agent(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server, call_events=",".join(sorted(LOGGED)))
    agent = system.start()
    for name in STORIES:
        if name != "load_150_calls":
            system.fire(story(name))
            assert len(agent.pipeline.legs) == 0
    system.shutdown()
    assert agent.counters.waiting == 0
    assert len(homer.messages(agent.counters.ledger().built)) == sum(
        sum(counts) for name, counts in COUNTS.items() if name != "load_150_calls"
    )
    assert_balanced(agent)
    assert switch.faults == []


def test_no_srtp_master_key_leaves_the_switch(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server, call_log_format="full")
    system.start()
    assert "inline:83+VunlCGDNtseafj0uYxTWBp0o2n5gwnp8gGBmb" in json.dumps(story("srtp"))
    system.fire(story("srtp"))
    payloads = [message.payload for message in homer.messages(20)]
    assert sum(b'crypto_key":"(not sent)"' in payload for payload in payloads) >= 3
    assert not any(re.search(rb"inline|a=crypto", payload) for payload in payloads)
