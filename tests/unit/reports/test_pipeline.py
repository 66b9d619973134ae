"""Which events are wanted, where those without a leg are filed, what is counted."""

from __future__ import annotations

from collections import Counter
from typing import Any, Callable, Optional
from unittest import mock

import pytest

from fs_hepipe.hep import Flow, Message, decode
from fs_hepipe.reports.bindings import bindings
from fs_hepipe.words import names
from fs_hepipe.words.event import RecordedEvent
from fs_hepipe.words.settings import CUSTOM_EVENTS, Settings
from tests.unit.synthetic import (
    ANSWER,
    BRIDGE,
    CREATE,
    DESTROY,
    DIGITS_SHOWN,
    HANGUP,
    OURS,
    PROGRESS,
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
    fields,
    flow,
    names_of,
    received_rtcp,
    sip,
    statistics,
)

# --- events without a leg ---------------------------------------------------------------------------------------------

REGISTER = {
    "Event-Subclass": "sofia::register", "call-id": "reg-1", "from-user": "1000", "to-user": "1000",
    "network-ip": "198.51.100.7", "network-port": "5062",
}  # fmt: skip


def test_a_registration_is_filed_under_its_own_call_id_from_the_phone_to_the_switch() -> None:
    (message,) = Ear().hear(event("CUSTOM", REGISTER))
    assert (message.correlation_id, message.protocol_type) == ("reg-1", 100)
    assert flow(message) == ("198.51.100.7", 5062, "192.0.2.2", 0)


def test_events_of_no_leg_with_one_time_keep_their_order_too() -> None:
    messages = Ear().hear(*[event("CUSTOM", REGISTER) for _ in range(3)])
    assert [message.timestamp for message in messages] == [T0, T0 + 1, T0 + 2]


def test_a_gateway_is_filed_under_its_name() -> None:
    (message,) = Ear().hear(event("CUSTOM", {"Event-Subclass": "sofia::gateway_state", "Gateway": "gw"}))
    assert message.correlation_id == "fs1/gateway/gw"
    assert flow(message) == ("192.0.2.2", 0, "192.0.2.2", 0)


def test_a_registration_over_ipv6_has_the_switchs_ipv6_address() -> None:
    (message,) = Ear().hear(event("CUSTOM", {**REGISTER, "network-ip": "2001:db8::7"}))
    assert flow(message) == ("2001:db8::7", 5062, "2001:db8::2", 0)


def test_a_custom_event_of_a_channel_belongs_to_its_leg() -> None:
    ear, a = Ear(custom_events=("my::event",)), Channel()
    ear.hear(a.event(CREATE, sip()))
    (message,) = ear.hear(a.event("CUSTOM", {"Event-Subclass": "my::event", "call-id": "of somebody else"}))
    assert message.correlation_id == "call-a"
    assert fields(message)["call-id"] == "of somebody else"


def test_a_line_from_the_dialplan_belongs_to_its_leg() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(CREATE, sip()))
    (message,) = ear.hear(a.event("CUSTOM", {"Event-Subclass": "fs_hepipe::log", "fs_hepipe-log": "chose billing"}))
    assert (message.correlation_id, fields(message)["text"]) == ("call-a", "chose billing")
    assert message.payload.startswith(b'LOG text="chose billing" direction=')


# --- its own Call-ID --------------------------------------------------------------------------------------------------


LEG_LINES = [
    (CREATE, {}), ("CHANNEL_ANSWER", {}), ("CHANNEL_HANGUP_COMPLETE", {"Hangup-Cause": "NORMAL_CLEARING"}),
    ("CUSTOM", {"Event-Subclass": "fs_hepipe::log", "fs_hepipe-log": "hello"}),
    ("CUSTOM", {"Event-Subclass": "conference::maintenance", "Action": "add-member"}),
]  # fmt: skip


@pytest.mark.parametrize("name, headers", LEG_LINES)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_each_line_of_a_leg_names_its_own_call_id(name: str, headers: dict[str, str], log_format: str) -> None:
    """Loki finds a line by what stands in it: heplify-server gives it nothing else of the message."""
    settings = {"custom_events": ("conference::maintenance",), "call_log_format": log_format}
    ear, a = Ear(**settings), Channel()
    heard = ear.hear(a.event(CREATE, sip())) if name != CREATE else []
    heard += ear.hear(a.event(name, {**sip(), **headers}))
    line = [message for message in heard if message.protocol_type == 100][-1]
    assert (body(line) if log_format == "json" else fields(line))["call-id"] == line.correlation_id == "call-a"


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_line_that_waited_for_its_call_id_names_it(log_format: str) -> None:
    ear, b = Ear(call_log_format=log_format), callee()
    assert ear.hear(b.event(CREATE, sip(None))) == []
    first, second = ear.hear(b.event("CHANNEL_ANSWER", sip("call-b")))
    for line in (first, second):
        assert (body(line) if log_format == "json" else fields(line))["call-id"] == line.correlation_id == "call-b"


def test_a_line_that_is_filed_under_the_a_leg_names_its_own_call_id() -> None:
    ear, a, b = Ear(correlation="a-leg"), Channel(), callee()
    ear.hear(a.event(CREATE, sip()))
    (line,) = ear.hear(b.event(CREATE, sip("call-b")))
    told = fields(line)
    assert (line.correlation_id, told["call-id"], told["other-call-id"]) == ("call-a", "call-b", "call-a")


@pytest.mark.parametrize("subclass", ["sofia::register", "sofia::unregister", "sofia::expire"])
def test_the_line_of_a_registration_names_its_call_id(subclass: str) -> None:
    (line,) = Ear().hear(event("CUSTOM", {**REGISTER, "Event-Subclass": subclass, "call-id": "registered"}))
    assert fields(line)["call-id"] == line.correlation_id == "registered"


def test_the_line_of_a_gateway_has_no_call_id() -> None:
    gateway = {"Event-Subclass": "sofia::gateway_state", "Gateway": "carrier", "State": "REGED"}
    (line,) = Ear().hear(event("CUSTOM", gateway))
    assert "call-id" not in fields(line)


def test_a_call_id_in_a_line_is_foreign_text() -> None:
    ear, a = Ear(), Channel()
    (line,) = ear.hear(a.event(CREATE, sip('x" leg=forged \n')))
    assert fields(line)["leg"] == "leg-a"


def test_the_whole_event_stays_as_it_is() -> None:
    ear, a = Ear(call_log_format="full"), Channel()
    (line,) = ear.hear(a.event(CREATE, sip()))
    assert "call-id" not in body(line)
    assert body(line)["variable_sip_call_id"] == "call-a"


def test_a_line_from_the_dialplan_without_a_leg_is_a_line_all_the_same() -> None:
    (message,) = Ear().hear(event("CUSTOM", {"Event-Subclass": "fs_hepipe::log", "fs_hepipe-log": "hello"}))
    assert message.correlation_id == "fs1/event/fs_hepipe::log"


# --- what is wanted ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings_, heard, reason",
    [
        ({}, event("HEARTBEAT"), "not_wanted"),
        ({}, event(""), "not_wanted"),
        ({}, RecordedEvent({}), "not_wanted"),
        ({}, event("CUSTOM", {"Event-Subclass": "sofia::pre_register"}), "not_wanted"),
        ({"report_custom_events": False}, event("CUSTOM", REGISTER), "not_wanted"),
        ({"report_call_events": False}, event("CUSTOM", {"Event-Subclass": "fs_hepipe::log"}), "not_wanted"),
        ({}, event("CUSTOM"), "not_wanted"),
        ({}, event(CREATE), "no_unique_id"),
        ({}, event("RECV_RTCP_MESSAGE"), "no_unique_id"),
        ({"report_call_events": False}, Channel().event(CREATE, sip()), "only_learned_from"),
    ],
)
def test_an_event_that_says_nothing_to_a_collector_is_ignored_by_reason(
    settings_: dict[str, Any], heard: RecordedEvent, reason: str
) -> None:
    ear = Ear(**settings_)
    assert ear.hear(heard) == []
    assert ear.counters.ignored == {reason: 1}
    assert ear.counters.received == {heard.headers.get("Event-Name", ""): 1}


@pytest.mark.parametrize("time", [None, "x", "", "-1", "9" * 400])
def test_an_event_without_a_time_is_counted_and_the_next_goes_on(time: Optional[str]) -> None:
    ear, a = Ear(), Channel()
    headers = dict(a.event(CREATE, sip()).headers)
    if time is None:
        del headers["Event-Date-Timestamp"]
    else:
        headers["Event-Date-Timestamp"] = time
    assert ear.hear(RecordedEvent(dict(headers))) == []
    assert ear.counters.failed == {"no_time" if time is None else "not_a_number": 1}
    assert len(ear.hear(a.event(ANSWER, sip()))) == 1


@pytest.mark.parametrize("time", [None, "x", "", "-1", "9" * 400])
def test_a_bad_time_costs_the_time_and_not_the_line(time: Optional[str]) -> None:
    ear, a = Ear(**DIGITS_SHOWN), Channel()
    ear.hear(a.event(CREATE, sip()), a.event(ANSWER, {**sip(), **audio()}, at=2))
    for name, told, count in (("DTMF", {}, 1), ("CUSTOM", REGISTER, 1), ("CHANNEL_HANGUP_COMPLETE", statistics(), 2)):
        headers: dict[str, object] = dict(a.event(name, told).headers)
        if time is None:
            del headers["Event-Date-Timestamp"]
        else:
            headers["Event-Date-Timestamp"] = time
        messages = ear.hear(RecordedEvent(headers))
        assert len(messages) == count
        assert all(2_000_000 <= message.timestamp - T0 < 2_001_000 for message in messages)
    assert ear.counters.failed == {}


def test_an_rtcp_header_that_is_no_number_is_left_out_and_counted() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    (message,) = ear.hear(a.hears({**received_rtcp(blocks=[block(OURS)]), "Source0-Lost": "many"}))
    assert {"packets_lost", "cumulative_lost"}.isdisjoint(body(message)["report_blocks"][0])
    assert (ear.counters.failed, ear.counters.left_out) == ({}, {"not_a_number": 1})
    assert len(ear.hear(a.hears(received_rtcp(ntp=(1, 1), blocks=[block(OURS)])))) == 1


def test_what_no_datagram_can_carry_is_counted() -> None:
    ear = Ear(call_log_format="full")
    for length in (64_900, 70_000):
        assert ear.hear(Channel().event(CREATE, {**sip(), "Caller-Caller-ID-Name": "x" * length})) == []
    assert ear.counters.dropped == {"too_long": 2}
    assert ear.hear(Channel("b").event(CREATE, sip("x" * 66_000))) == []
    assert ear.hear(Channel("c").event(CREATE, sip(), at=2**32)) == []
    assert ear.counters.dropped == {"too_long": 2, "not_encodable": 2}


@pytest.mark.parametrize("log_format", ["text", "json", "full"])
@pytest.mark.parametrize("digits", ["masked", "shown"])
def test_digits_of_a_custom_event_are_shown_only_if_they_are_to_be(log_format: str, digits: str) -> None:
    ear = Ear(custom_events=("conference::maintenance",), call_log_format=log_format, dtmf_digits=digits)
    headers = {"Event-Subclass": "conference::maintenance", "Action": "dtmf", "DTMF-Key": "4711"}
    (message,) = ear.hear(event("CUSTOM", headers))
    assert (b"4711" in message.payload) == (digits == "shown")


@pytest.mark.parametrize("digits", ["masked", "shown"])
def test_digits_of_a_leg_are_shown_only_if_they_are_to_be(digits: str) -> None:
    ear, a = Ear(call_events=(CREATE, names.DTMF), dtmf_digits=digits), Channel()
    ear.hear(a.event(CREATE, sip()))
    (line,) = ear.hear(a.event(names.DTMF, {"DTMF-Digit": "7"}))
    assert fields(line).get("digit") == ("7" if digits == "shown" else None)


def test_rtcp_that_is_only_learned_from_is_counted_as_that() -> None:
    ear, a = Ear(report_rtcp_events=False), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    assert ear.hear(a.hears(received_rtcp(blocks=[block(OURS)]))) == []
    assert ear.counters.ignored == {"only_learned_from": 1}


def test_what_the_switch_answers_about_a_leg_is_its_event_of_now() -> None:
    ear, a = Ear(), Channel()
    ear.channels["leg-a"] = {**sip(), **audio()}
    messages = ear.hear(a.event(PROGRESS), a.hears(received_rtcp(blocks=[block(OURS)])), now=7.0)
    assert [message.protocol_type for message in messages] == [100, 5], "the line has its Call-ID from the answer"
    assert faults(ear) == []
    leg = ear.pipeline.legs.find("leg-a")
    assert leg is not None
    assert (ear.asked, leg.seen) == (["leg-a"], 7.0)


@pytest.mark.parametrize("room", [0, 1])
def test_a_datagram_of_65507_octets_is_the_longest(room: int) -> None:
    ear = Ear(call_log_format="full")
    heard = Channel().event(CREATE, sip())
    (datagram,) = ear.pipeline.handle(heard, 0.0)
    name = heard.headers["Caller-Caller-ID-Name"] + "x" * (65_507 - len(datagram) + room)
    longest = Channel().event(CREATE, {**sip(), "Caller-Caller-ID-Name": name})
    assert len(ear.hear(longest, longest)) == (0 if room else 2)
    assert ear.counters.dropped == ({"too_long": 2} if room else {})


def test_the_node_name_is_the_operators_or_the_switchs() -> None:
    ear = Ear(node_name="edge-1", capture_password="s3cret", capture_id=7)
    assert ear.pipeline.node_name == "edge-1"
    (message,) = ear.hear(Channel().event(CREATE, sip()))
    assert (message.node_name, message.auth_key, message.capture_id) == ("edge-1", "s3cret", 7)
    silent = Ear()
    assert silent.pipeline.node_name is None
    silent.hear(event("HEARTBEAT"))
    assert silent.pipeline.node_name is None
    silent.hear(Channel().hears(received_rtcp(blocks=[block(OURS)])))
    assert silent.pipeline.node_name == "fs1"


def test_the_switchs_name_and_address_are_the_newest_that_it_gave() -> None:
    ear = Ear()
    ear.hear(Channel("a").event(CREATE, sip()))
    moved = {"FreeSWITCH-Switchname": "fs2", "FreeSWITCH-IPv4": "192.0.2.3", "variable_sip_call_id": "call-b"}
    (message,) = ear.hear(Channel("b").event(CREATE, moved))
    assert (message.node_name, message.src_ip) == ("fs2", "192.0.2.3")
    silent = {"FreeSWITCH-Switchname": "", "FreeSWITCH-IPv4": "", "variable_sip_call_id": "call-c"}
    (message,) = ear.hear(Channel("c").event(CREATE, silent))
    assert (message.node_name, message.src_ip) == ("fs2", "192.0.2.3")


def test_other_settings_hold_from_the_next_event_on_and_the_legs_are_kept() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    ear.pipeline.reconfigure(Settings(node_name="renamed", rtcp_jitter_unit="rtp", max_legs=5))
    (message,) = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])))
    assert (message.node_name, message.correlation_id) == ("renamed", "call-a")
    assert body(message)["report_blocks"][0]["ia_jitter"] == 80


def test_fewer_legs_than_before_are_kept_from_the_next_event_on() -> None:
    ear = Ear()
    ear.hear(*[Channel(str(number)).event(CREATE, sip()) for number in range(5)])
    ear.pipeline.reconfigure(Settings(max_legs=2))
    ear.hear(Channel("4").event(ANSWER, sip()))
    assert len(ear.pipeline.legs) == 2


# --- bindings ---------------------------------------------------------------------------------------------------------

RTCP = {names.RECV_RTCP_MESSAGE, names.SEND_RTCP_MESSAGE}
ALL_OFF: dict[str, Any] = {f"report_{kind}_events": False for kind in ("call", "rtcp", "qos", "custom")}


def bound(**settings_: Any) -> set[str]:
    return {name for name, subclass in bindings(Settings(**settings_)) if not subclass}


def test_nothing_is_bound_for_reports_that_are_off() -> None:
    assert bindings(Settings(**ALL_OFF)) == []
    assert not RTCP & bound(report_rtcp_events=False, report_qos_events=False)
    assert names.DTMF not in bound(report_call_events=False)
    assert bindings(Settings(**{**ALL_OFF, "report_custom_events": True})) == [
        ("CUSTOM", subclass) for subclass in CUSTOM_EVENTS
    ]


@pytest.mark.parametrize("kind", ["call", "rtcp", "qos"])
def test_every_report_of_a_leg_binds_what_its_leg_is_learned_from(kind: str) -> None:
    needed = {CREATE, PROGRESS, ANSWER, BRIDGE, UPDATE, UUID, HANGUP, DESTROY}
    assert needed <= bound(**{**ALL_OFF, f"report_{kind}_events": True})


def test_quality_reports_bind_the_rtcp_that_counts_the_loss() -> None:
    assert bound(**{**ALL_OFF, "report_qos_events": True}) >= RTCP


def test_call_events_bind_what_is_logged_and_the_line_from_the_dialplan() -> None:
    wanted = Settings(call_events=(CREATE, "CHANNEL_PARK"))
    assert "CHANNEL_PARK" in bound(call_events=wanted.call_events)
    assert ("CUSTOM", "fs_hepipe::log") in bindings(wanted)


def test_no_event_is_bound_twice() -> None:
    everything = Settings(call_events=tuple(sorted(names.LOGGABLE)))
    assert max(Counter(bindings(everything)).values()) == 1


# --- a fault of ours --------------------------------------------------------------------------------------------------


class Faulty:
    """An encoder that fails once, at its n-th message."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self._calls, self._at = 0, at
        encode = Flow.encode

        def encode_or_fail(flow: Flow, timestamp: int, payload: bytes) -> bytes:
            self._calls += 1
            if self._calls == self._at:
                raise RuntimeError("a fault of ours")
            return encode(flow, timestamp, payload)

        monkeypatch.setattr(Flow, "encode", encode_or_fail)


def suffer(ear: Ear, heard: RecordedEvent) -> None:
    """What the agent does about a fault of ours."""
    with pytest.raises(RuntimeError):
        ear.pipeline.handle(heard, 0.0)
    ear.counters.failed["RuntimeError"] += 1
    assert ear.counters.ledger().balances, ear.counters.ledger()


def test_a_record_lost_by_a_fault_of_ours_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    Faulty(monkeypatch, at=1)
    ear, a = Ear(), Channel()
    suffer(ear, a.event(CREATE, sip()))
    assert ear.counters.dropped == {"RuntimeError": 1}
    assert names_of(ear.hear(a.event(ANSWER, sip()))) == [ANSWER]
    Faulty(monkeypatch, at=1)
    suffer(ear, a.event(CREATE, sip()))
    assert ear.counters.dropped == {"RuntimeError": 2}


def test_of_two_kinds_of_faults_of_ours_both_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ear, b = Ear(), callee("b1")
    ear.hear(Channel("leg-a").event(CREATE, sip("call-a")), b.event(CREATE), callee("b2").event(CREATE))
    monkeypatch.setattr(Flow, "encode", mock.Mock(side_effect=[RuntimeError("one"), ValueError("another")]))
    assert ear.wait(99.0) == []
    assert sorted(faults(ear)) == ["another", "one"]


def test_the_other_records_of_an_event_with_a_fault_of_ours_are_accounted_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ear, a = Ear(qos_type=(34, 35)), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    Faulty(monkeypatch, at=2)
    suffer(ear, a.event(HANGUP, {**sip(), **statistics()}))
    assert names_of([decode(datagram) for datagram in ear.pipeline.unsent]) == [HANGUP]
    assert ear.counters.dropped == {"RuntimeError": 1}


def test_records_that_waited_for_an_event_with_a_fault_of_ours_are_accounted_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ear, b = Ear(**DIGITS_SHOWN), callee()
    for digit in "123":
        ear.hear(b.event(names.DTMF, {"DTMF-Digit": digit}))
    Faulty(monkeypatch, at=2)
    suffer(ear, b.event(ANSWER, sip("call-b")))
    assert [fields(decode(datagram))["digit"] for datagram in ear.pipeline.unsent] == ["1"]
    assert (ear.counters.waiting, ear.counters.dropped) == (1, {"RuntimeError": 1})
    assert [fields(message)["digit"] for message in ear.hear(b.event(UPDATE, sip("call-b")))] == ["1", "3"]


def faults(ear: Ear) -> list[str]:
    """What the agent logs after its housekeeping; the ledger balances all the same."""
    assert ear.counters.ledger().balances, ear.counters.ledger()
    return [str(fault) for fault in ear.pipeline.take_faults()]


def test_a_fault_of_ours_with_a_leg_that_makes_room_is_not_the_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """The leg that is forgotten says its last word."""
    ear = Ear(max_legs=2)
    ear.hear(callee("b").event(CREATE), Channel("leg-a").event(CREATE, sip("call-a")))
    Faulty(monkeypatch, at=2)
    (message,) = ear.hear(Channel("leg-c").event(CREATE, sip("call-c")))
    assert message.correlation_id == "call-c"
    assert faults(ear) == ["a fault of ours"]
    assert ear.counters.mapped == {CREATE: 3}
    assert ear.counters.dropped == {"RuntimeError": 1}


@pytest.mark.parametrize("end", [lambda ear: ear.wait(99.0), lambda ear: ear.end()], ids=["tick", "finish"])
def test_a_fault_of_ours_with_a_leg_that_waited_in_vain_costs_no_other_leg_its_turn(
    monkeypatch: pytest.MonkeyPatch, end: Callable[[Ear], list[Message]]
) -> None:
    ear = Ear()
    ear.hear(Channel("leg-a").event(CREATE, sip("call-a")), callee("b1").event(CREATE), callee("b2").event(CREATE))
    Faulty(monkeypatch, at=1)
    assert [fields(message)["leg"] for message in end(ear)] == ["b2"]
    assert faults(ear) == ["a fault of ours"]
    assert ear.pipeline.take_faults() == [], "told once"
    assert ear.counters.waiting == 0
    assert ear.counters.dropped == {"RuntimeError": 1}
