"""What holds whatever comes: bounds, order, hostile text, the ledger, and the cost in headers."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fs_hepipe.hep import Message
from fs_hepipe.reports.pipeline import Pipeline
from fs_hepipe.words import names
from fs_hepipe.words.errors import MappingError
from fs_hepipe.words.event import RecordedEvent
from fs_hepipe.words.settings import CALL_EVENTS, CUSTOM_EVENTS, PACKETS_LOST
from tests.unit.synthetic import (
    ANSWER,
    BRIDGE,
    CREATE,
    DESTROY,
    DIGITS_SHOWN,
    HANGUP,
    OURS,
    PROGRESS,
    RECORDINGS,
    T0,
    UUID,
    Channel,
    Counted,
    Ear,
    audio,
    block,
    body,
    brief,
    callee,
    event,
    fields,
    json_by,
    received_rtcp,
    recorded,
    sent_rtcp,
    sip,
    statistics,
    video,
)

# --- bounds -----------------------------------------------------------------------------------------------------------


def test_max_legs_evicts_the_leg_unseen_longest_with_what_it_had_waiting() -> None:
    ear = Ear(max_legs=2)
    ear.hear(callee("oldest", None).event(CREATE), Channel("b").event(CREATE, sip("call-b")))
    ear.hear(Channel("c").event(CREATE, sip("call-c")))
    assert (len(ear.pipeline.legs), ear.pipeline.legs.evicted) == (2, 1)
    assert ear.counters.dropped == {"leg_forgotten": 1}


def test_a_leg_silent_for_a_day_is_forgotten() -> None:
    ear = Ear()
    ear.hear(Channel().event(CREATE, sip()), now=0.0)
    ear.wait(86_399.0)
    assert len(ear.pipeline.legs) == 1
    ear.wait(86_400.0)
    assert (len(ear.pipeline.legs), ear.pipeline.legs.expired) == (0, 1)


@pytest.mark.parametrize("subclass", ["callcenter::info", names.LOG_SUBCLASS])
@pytest.mark.parametrize("headers", [sip(), {}])
def test_a_custom_event_of_a_channel_that_is_gone_leaves_no_leg_behind(subclass: str, headers: dict[str, str]) -> None:
    ear, a = Ear(custom_events=("callcenter::info",)), Channel()
    ear.hear(a.event(CREATE, sip()), a.event(DESTROY, sip()), now=0.0)
    ear.wait(6.0)
    late = a.event(names.CUSTOM, {**headers, "Event-Subclass": subclass})
    assert len(ear.hear(late, now=7.0)) == (1 if headers else 0)
    ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])), late, now=8.0)
    ear.wait(18.0)
    ear.wait(22.0)
    assert (len(ear.pipeline.legs), ear.pipeline.legs.expired) == (0, 0)


def test_a_custom_event_before_rtcp_or_after_it_keeps_no_leg_either() -> None:
    ear, a = Ear(custom_events=("my::event",)), Channel()
    own = a.event(names.CUSTOM, {"Event-Subclass": "my::event"})
    bare = event(names.CUSTOM, {"Event-Subclass": "my::event", "Unique-ID": "bare"})
    ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])), own, bare, now=0.0)
    ear.wait(10.0)
    ear.wait(15.0)
    assert len(ear.pipeline.legs) == 0
    assert ear.counters.waiting == 0


@pytest.mark.parametrize("name", [ANSWER, names.DTMF, names.CHANNEL_EXECUTE, names.CHANNEL_DATA, UUID])
def test_a_custom_event_of_a_channel_that_lives_is_of_its_leg(name: str) -> None:
    ear, a = Ear(custom_events=("my::event",), call_events=(*CALL_EVENTS, names.CHANNEL_EXECUTE, names.DTMF)), Channel()
    ear.hear(a.event(names.CUSTOM, {"Event-Subclass": "my::event", **sip()}), now=0.0)
    leg = ear.pipeline.legs.find("leg-a")
    ear.hear(a.event(name, sip()), now=1.0)
    ear.wait(100.0)
    assert ear.pipeline.legs.find("leg-a") is leg


def test_a_leg_that_only_a_custom_event_told_of_is_begun_anew() -> None:
    ear, a = Ear(custom_events=("my::event",)), Channel()
    ear.hear(a.event(names.CUSTOM, {"Event-Subclass": "my::event", **sip()}), now=0.0)
    ear.wait(15.0)
    assert ear.pipeline.legs.find("leg-a") is None
    (message,) = ear.hear(a.event(ANSWER, sip("call-a")), now=16.0)
    assert message.correlation_id == "call-a"


def test_legs_that_end_faster_than_time_goes_on_are_bounded_too() -> None:
    ear = Ear(max_legs=10)
    for number in range(50):
        a = Channel(str(number))
        ear.hear(a.event(CREATE, sip()), a.event(DESTROY, sip()))
    assert ear.pipeline.legs.lingering <= 10
    assert len(ear.pipeline.legs) == 0


def test_a_unique_id_used_again_does_not_speak_under_the_old_call_id() -> None:
    ear = Ear()
    first = callee("same", None)
    ear.hear(first.event(ANSWER, sip("first")), first.event(DESTROY, sip("first")))
    second = callee("same", None)
    assert ear.hear(second.event(CREATE)) == []
    messages = ear.hear(second.event(ANSWER, sip("second")))
    assert {message.correlation_id for message in messages} == {"second"}


# --- hostile text -----------------------------------------------------------------------------------------------------

HOSTILE = [
    'say "hi" \\',
    "a\nCHANNEL_HANGUP_COMPLETE cause=NORMAL",
    "x cause=FORGED leg=forged",
    "\0\x1b[31m\u202e",
    b"caf\xe9 \xff\xfe".decode("utf-8", "surrogateescape"),
    "x" * 60_000,
    "=",
    '"',
    "",
]


@pytest.mark.parametrize("encoder", ["orjson", "stdlib"])
@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("text", HOSTILE, ids=brief)
def test_hostile_text_is_shown_on_one_line_and_forges_nothing(text: str, log_format: str, encoder: str) -> None:
    shown_headers = {
        "Caller-Caller-ID-Name": text, "Caller-Caller-ID-Number": text, "Caller-Destination-Number": text,
        "Hangup-Cause": text or "X", "variable_sip_invite_failure_phrase": text, "variable_sip_term_status": text,
    }  # fmt: skip
    with json_by(encoder):
        ear, a = Ear(call_log_format=log_format), Channel()
        messages = ear.hear(a.event(CREATE, {**sip(), **shown_headers}), a.event(HANGUP, {**sip(), **shown_headers}))
    assert len(messages) == 2
    for message in messages:
        said = fields(message) if log_format == "text" else body(message)
        assert said["leg"] == "leg-a"
        assert said.get("cause") != "FORGED"
        assert len(message.payload) < 20_000
        assert b"\n" not in message.payload


@pytest.mark.parametrize("encoder", ["orjson", "stdlib"])
@pytest.mark.parametrize("text", [text for text in HOSTILE if text], ids=brief)
def test_a_unique_id_and_a_call_id_can_be_hostile(text: str, encoder: str) -> None:
    """A profile may use the caller's Call-ID as Unique-ID (inbound-use-callid-as-uuid)."""
    with json_by(encoder):
        ear, a = Ear(), Channel(text)
        messages = ear.hear(
            a.event(ANSWER, {**sip(text), **audio()}),
            a.hears(received_rtcp(blocks=[block(OURS)])),
            a.says(sent_rtcp()),
            a.event(HANGUP, {**sip(text), **statistics()}),
            a.event(DESTROY, {**sip(text), **statistics()}),
        )
    assert Counter(message.protocol_type for message in messages) == {100: 2, 5: 2, 34: 2}
    assert {message.correlation_id for message in messages} == {text}
    for message in messages:
        if message.protocol_type != 100:
            body(message)


def test_a_call_id_of_255_octets_is_exact() -> None:
    call_id = "".join(chr(33 + number % 94) for number in range(255))
    (message,) = Ear().hear(Channel().event(CREATE, sip(call_id)))
    assert message.correlation_id == call_id


def test_a_call_id_that_is_no_utf8_keeps_its_octets_on_the_wire() -> None:
    call_id = b"caf\xe9\xff@host"
    ear = Ear()
    (datagram,) = ear.pipeline.handle(Channel().event(CREATE, sip(call_id.decode("utf-8", "surrogateescape"))), 0.0)
    assert b"\0\x11\0\x10" + call_id in datagram


# --- order ------------------------------------------------------------------------------------------------------------


def test_events_of_one_leg_with_one_time_keep_their_order() -> None:
    ear, a = Ear(**DIGITS_SHOWN), Channel()
    digits = [a.event(names.DTMF, {"DTMF-Digit": str(digit)}) for digit in range(5)]
    messages = ear.hear(*digits, a.event(ANSWER, sip()))
    assert [message.timestamp for message in messages] == [T0 + number for number in range(6)]


def test_a_switch_whose_clock_is_set_back_by_an_hour_is_believed() -> None:
    ear, a = Ear(), Channel()
    messages = ear.hear(a.event(CREATE, sip()), a.event(ANSWER, sip(), at=-3600))
    assert [message.timestamp for message in messages] == [T0, T0 - 3_600_000_000]


def told_by_leg(events: list[RecordedEvent], **settings_: Any) -> dict[str, list[object]]:
    """What each leg had to say, without what it says of the other one, which depends on who was heard first."""
    ear = Ear(**settings_)
    told: dict[str, list[object]] = defaultdict(list)
    for message in [*ear.hear(*events), *ear.end()]:
        said = body(message)
        said.pop("other-leg", None)
        said.pop("other-call-id", None)
        told[said.get("leg") or said["LEG"]].append((message._replace(payload=b""), said))
    assert ear.counters.failed == {}
    return told


def by_leg(events: list[RecordedEvent]) -> list[list[RecordedEvent]]:
    legs: dict[str, list[RecordedEvent]] = defaultdict(list)
    for heard in events:
        legs[heard.headers.get("Unique-ID", "")].append(heard)
    return list(legs.values())


def synthetic_call() -> list[RecordedEvent]:
    """A calls; the first B refuses, the second answers late; RTCP comes early and late."""
    a, b1, b2 = Channel("a"), callee("b1", "a"), callee("b2", "a")
    media = [{**sip(f"call-{n}"), **audio(20_000 + 2 * n, 30_000 + 2 * n, OURS + n)} for n in range(3)]
    talk = [received_rtcp(blocks=[block(OURS + port)], rtts=[0.02]) for port in range(3)]
    return [
        a.event(CREATE, sip("call-0")),
        b1.event(CREATE), b1.event(HANGUP, sip("call-1")), b1.event(DESTROY, sip("call-1")),
        b2.event(CREATE, at=1), b2.event(PROGRESS, at=2), b2.hears(talk[2], at=3), b2.event(ANSWER, media[2], at=4),
        a.event(ANSWER, media[0], at=4), a.event(BRIDGE, media[0], at=4),
        a.says(sent_rtcp(), at=5), a.hears(talk[0], at=6),
        b2.event(HANGUP, {**media[2], **statistics()}, at=9), a.event(HANGUP, {**media[0], **statistics()}, at=9),
        a.event(DESTROY, media[0], at=9), a.hears(received_rtcp(ntp=(9, 9), blocks=[block(OURS)]), at=9.5),
        b2.event(DESTROY, media[2], at=9),
    ]  # fmt: skip


STORIES = {story: recorded(story) for story in ("bridged_answered", "failover_486_then_answer", "early_media_183")}
STORIES["synthetic"] = synthetic_call()


@pytest.mark.parametrize("story", sorted(STORIES))
@settings(max_examples=20)
@given(data=st.data())
def test_the_legs_of_a_call_may_interleave_in_any_order(story: str, data: st.DataObject) -> None:
    events = STORIES[story]
    rows = by_leg(events)
    turns = data.draw(st.permutations([turn for turn, row in enumerate(rows) for _ in row]))
    left = [iter(row) for row in rows]
    shuffled = [next(left[turn]) for turn in turns]
    assert told_by_leg(shuffled, call_log_format="json") == told_by_leg(events, call_log_format="json")


# --- any events whatever ----------------------------------------------------------------------------------------------

HEADERS = sorted({value for key, value in vars(names).items() if key.isupper() and isinstance(value, str)} | {
    "Source0-SSRC", "Source0-Lost", "Source0-Jitter", "Source1-SSRC", "Source-SSRC", "Source-Lost", "Source-Jitter",
    "Rtt0-Avg", "to-user", "variable_rtp_audio_in_packet_count", "variable_rtp_audio_in_mos",
    "variable_rtp_audio_in_quality_percentage", "variable_rtp_audio_in_jitter_max_variance",
    "variable_rtp_audio_out_packet_count", "variable_rtp_video_in_packet_count", "variable_rtp_video_in_mos",
})  # fmt: skip
EVENTS = sorted({*names.LOGGABLE, "RECV_RTCP_MESSAGE", "SEND_RTCP_MESSAGE", "CUSTOM", "CHANNEL_DATA", "HEARTBEAT"})
numbers_as_text = st.sampled_from([
    "0", "1", "-1", "4.50", "100.00", "65536", "4294967295", "4294967296", "18446744073709551616", "nan", "inf", "-nan",
    "1e308", "1e999", "0x10", "1_0", " 7", "ffffffff", "0a0a0a0a", "٣", "9" * 5000,
])  # fmt: skip
texts = st.sampled_from([*HOSTILE, "192.0.2.1", "2001:db8::1", "sofia/x", "loopback/x", "inbound", "outbound", "udp"])
values = numbers_as_text | texts | st.sampled_from(["a", "b", "c"]) | st.sampled_from([
    video()["variable_switch_r_sdp"], video()["variable_rtp_local_sdp_str"], "m=audio", *CUSTOM_EVENTS,
])  # fmt: skip
GOOD = {
    **sip(), **audio(), **video(), **statistics(), **statistics("video"), **sent_rtcp(),
    **received_rtcp(blocks=[block(OURS), block(0x0B0B0B0B)], rtts=[0.1, 0.2]),
}  # fmt: skip


@st.composite
def any_events(draw: st.DrawFn) -> RecordedEvent:
    """An event with some headers as they should be, some at random and some missing."""
    headers: dict[str, object] = dict(event(draw(st.sampled_from(EVENTS))).headers)
    headers["Unique-ID"] = draw(st.sampled_from(["a", "b", "c", HOSTILE[4]]))
    if draw(st.booleans()):
        headers.update(GOOD)
    headers.update(draw(st.dictionaries(st.sampled_from(HEADERS[:]), values, max_size=6)))
    for header in draw(st.lists(st.sampled_from(HEADERS), max_size=3)):
        headers.pop(header, None)
    headers.setdefault("Event-Name", "CUSTOM")
    return RecordedEvent(headers)


@st.composite
def any_settings(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "call_events": draw(st.sampled_from([CALL_EVENTS, tuple(sorted(names.LOGGABLE))])),
        "custom_events": (*CUSTOM_EVENTS, *draw(st.sampled_from([(), ("a", "b")]))),
        "call_log_format": draw(st.sampled_from(["text", "json", "full"])),
        "correlation": draw(st.sampled_from(["own", "a-leg"])),
        "rtcp_jitter_unit": draw(st.sampled_from(["ms", "rtp"])),
        "rtcp_packets_lost": draw(st.sampled_from(PACKETS_LOST)),
        "qos_type": draw(st.sampled_from([(34,), (32, 34, 35, 99)])),
        "max_legs": draw(st.sampled_from([1, 2, 100])),
    }


@settings(max_examples=100)
@given(st.sampled_from(["orjson", "stdlib"]), any_settings(), st.lists(any_events() | st.floats(0, 20), max_size=12))
def test_any_events_are_messages_or_are_counted(
    encoder: str, settings_: dict[str, Any], steps: list[Any]
) -> None:
    ear, now, heard = Ear(**settings_), 0.0, 0
    messages: list[Message] = []
    with json_by(encoder):
        for step in steps:
            if isinstance(step, float):
                now += step
                messages += ear.wait(now)
            else:
                heard += 1
                messages += ear.hear(step, now=now)
            assert len(ear.pipeline.legs) <= settings_["max_legs"]
            assert ear.pipeline.legs.lingering <= settings_["max_legs"]
        messages += ear.end()
    ledger = ear.counters.ledger()
    assert (ledger.received, ledger.waiting, ledger.built) == (heard, 0, len(messages))
    for message in messages:
        assert message.correlation_id
        assert not message.src_ip.startswith("127.")
        if message.protocol_type != 100:
            body(message)
        elif settings_["call_log_format"] == "text":
            fields(message)
        else:
            json.loads(message.payload)


# --- cost that needs no clock -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("story", sorted(path.name.partition(".")[0] for path in RECORDINGS.glob("*.jsonl.gz")))
def test_no_event_is_asked_for_more_than_40_headers_and_for_none_twice(story: str) -> None:
    ear = Ear(call_events=tuple(sorted(names.LOGGABLE)))
    for heard in recorded(story):
        counted = Counted(heard)
        ear.pipeline.handle(counted, heard.time)
        assert len(counted.asked) <= 40, counted.asked
        assert len(counted.asked) == len(set(counted.asked)), counted.asked


@pytest.mark.parametrize("name", ["DTMF", "CHANNEL_STATE", "CHANNEL_CALLSTATE", "CODEC", "RECV_RTCP_MESSAGE"])
def test_an_event_without_variables_is_not_asked_for_them(name: str) -> None:
    ear, a = Ear(call_events=tuple(sorted(names.LOGGABLE))), Channel()
    ear.hear(a.event(CREATE, sip()))
    counted = Counted(a.event(name, received_rtcp()))
    ear.pipeline.handle(counted, 0.0)
    assert not [header for header in counted.asked if header.startswith("variable_")]
    assert len(counted.asked) <= 16


def test_media_that_matter_to_no_report_are_not_looked_at() -> None:
    ear = Ear(report_rtcp_events=False, report_qos_events=False)
    counted = Counted(Channel().event(ANSWER, {**sip(), **audio(), **video()}))
    ear.pipeline.handle(counted, 0.0)
    assert not {*audio(), *video()} & set(counted.asked)


def test_an_event_that_nobody_wants_costs_one_header() -> None:
    counted = Counted(event("HEARTBEAT"))
    Ear().pipeline.handle(counted, 0.0)
    assert counted.asked == ["Event-Name"]


def test_a_fault_in_a_mapper_is_for_the_caller_to_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only MappingError is counted here."""
    ear = Ear()

    def fault(*_: object) -> None:
        raise MappingError("some_reason", "detail")

    monkeypatch.setattr(Pipeline, "_channel", fault)
    assert ear.hear(Channel().event(CREATE)) == []
    assert ear.counters.failed == {"some_reason": 1}


def test_a_leg_known_from_a_custom_event_alone_does_not_end_the_call_that_takes_its_place() -> None:
    ear, a = Ear(custom_events=("my::event",)), Channel()
    ear.hear(event(names.CUSTOM, {"Event-Subclass": "my::event", "Unique-ID": "leg-a", **sip("call-z")}), now=0.0)
    ear.hear(a.event(CREATE, sip("call-a")), now=1.0)
    ear.wait(100.0)
    (message,) = ear.hear(a.event(ANSWER, sip("call-a")), now=101.0)
    assert message.correlation_id == "call-a"
    assert len(ear.pipeline.legs) == 1


def test_a_re_invite_of_a_channel_that_is_not_known_makes_no_leg() -> None:
    ear = Ear()
    assert ear.hear(event(names.CUSTOM, {"Event-Subclass": "sofia::reinvite", "Unique-ID": "nobody"})) == []
    assert len(ear.pipeline.legs) == 0
