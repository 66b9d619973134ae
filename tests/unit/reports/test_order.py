"""The times of messages grow under each Call-ID, and stay with their events."""

from __future__ import annotations

from collections import defaultdict
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.hep import Message, decode
from fs_hepipe.reports.order import KEPT, LATEST, LONGEST_WAIT, SIP_LEAVES, WITHIN, Order, happened
from fs_hepipe.reports.pipeline import Pipeline
from fs_hepipe.words import names
from fs_hepipe.words.counters import Counters
from fs_hepipe.words.event import RecordedEvent
from fs_hepipe.words.settings import Settings
from tests.unit.synthetic import (
    ANSWER,
    CREATE,
    DIGITS_SHOWN,
    HANGUP,
    OURS,
    T0,
    Channel,
    Ear,
    audio,
    block,
    callee,
    event,
    received_rtcp,
    recorded,
    sip,
    statistics,
)

LINE, RTCP = 100, 5
STEP = 20_000
"""Microseconds: of the event clock."""


def times(
    *timestamps: int, order: Optional[Order] = None, correlation_id: str = "call-a", kind: int = LINE
) -> list[int]:
    order = Order() if order is None else order
    return [order.time(correlation_id, kind, timestamp) for timestamp in timestamps]


# --- when an event happened -------------------------------------------------------------------------------------------

MS = 1_000
"""Microseconds."""


def seconds(microseconds: int) -> float:
    """Of a wall clock, a little later than that: a fraction has not every microsecond."""
    return (microseconds + 0.5) / 1e6


@pytest.mark.parametrize("past", [0, 1, 300, 5 * MS, LATEST - SIP_LEAVES - 1])
def test_an_event_that_was_seen_soon_has_the_time_when_it_was_seen_and_its_sip_had_left(past: int) -> None:
    assert happened(T0, seconds(T0 + past)) == T0 + past + SIP_LEAVES


@pytest.mark.parametrize("past", [LATEST - SIP_LEAVES, 30 * MS, 300 * MS, LONGEST_WAIT - 1])
def test_an_event_that_waited_long_has_the_end_of_its_step_of_the_event_clock(past: int) -> None:
    assert happened(T0, seconds(T0 + past)) == T0 + LATEST


@pytest.mark.parametrize("apart", [-1, -20 * MS, -3_600_000_000, LONGEST_WAIT, 3_600_000_000, -T0])
def test_an_event_that_the_wall_clock_tells_nothing_about_has_its_own_time(apart: int) -> None:
    assert happened(T0, seconds(T0 + apart)) == T0


def test_an_event_that_was_recorded_has_its_own_time() -> None:
    assert happened(T0, None) == T0


@given(st.integers(0, STEP), st.integers(0, 5 * MS), st.integers(0, LONGEST_WAIT // 2))
def test_no_event_is_earlier_than_it_was_or_much_later(into_step: int, timer_late: int, waited: int) -> None:
    was = T0 + into_step + timer_late
    assert was <= happened(T0, seconds(was + waited)) <= was + LATEST


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40 * MS)), min_size=2, max_size=50))
def test_the_times_of_events_grow_as_stamps_and_wall_clock_do(passed: list[tuple[int, int]]) -> None:
    stamp, wall, found = T0, T0, []
    for steps, microseconds in passed:
        stamp += steps * STEP
        wall = max(wall + microseconds, stamp)
        found.append(happened(stamp, seconds(wall)))
    assert found == sorted(found)


# --- in which order ---------------------------------------------------------------------------------------------------


def test_messages_of_one_time_keep_their_order_by_a_microsecond_each() -> None:
    assert times(T0, T0, T0, T0 + 2, T0 + STEP) == [T0, T0 + 1, T0 + 2, T0 + 3, T0 + STEP]


@pytest.mark.parametrize("back", [WITHIN, 5_000, 300_000, 999_999, 1_000_000, 3_600_000_000])
def test_a_clock_that_was_set_back_is_believed_at_once(back: int) -> None:
    assert times(T0, T0 - back, T0 - back, T0 - back + 9) == [T0, T0 - back, T0 - back + 1, T0 - back + 9]


@given(st.lists(st.integers(0, 3 * WITHIN), min_size=1, max_size=200))
def test_no_message_is_a_millisecond_from_its_event(offsets: list[int]) -> None:
    assert all(0 <= sent - (T0 + offset) < WITHIN for offset, sent in zip(offsets, times(*(T0 + at for at in offsets))))


@given(st.lists(st.integers(0, 3), min_size=2, max_size=200))
def test_the_times_of_a_call_grow_as_long_as_its_clock_does(steps: list[int]) -> None:
    clock, events = T0, []
    for step in steps:
        clock += step * STEP
        events.append(clock)
    sent = times(*events)
    assert all(earlier < later for earlier, later in zip(sent, sent[1:]))


def test_more_messages_of_one_time_than_a_millisecond_has_room_for_begin_anew() -> None:
    sent = times(*[T0] * (WITHIN + 10))
    assert sent[:WITHIN] == [T0 + number for number in range(WITHIN)]
    assert sent[WITHIN] == T0


def test_each_call_has_an_order_of_its_own_and_rtcp_another() -> None:
    order = Order()
    assert times(T0, T0, order=order) == [T0, T0 + 1]
    assert times(T0, order=order, correlation_id="call-b") == [T0]
    assert times(T0 + 5_000, T0 + 5_000, order=order, kind=RTCP) == [T0 + 5_000, T0 + 5_001]
    assert times(T0, order=order) == [T0 + 2]


def test_what_is_kept_is_bounded_and_the_last_calls_are_in_it() -> None:
    order = Order()
    for number in range(10 * KEPT):
        assert times(T0, order=order, correlation_id=f"call-{number}") == [T0]
        assert len(order) <= 2 * KEPT
    for number in range(9 * KEPT, 10 * KEPT):
        assert times(T0, order=order, correlation_id=f"call-{number}") == [T0 + 1]


# --- as they are sent -------------------------------------------------------------------------------------------------


def by_call(messages: list[Message]) -> dict[tuple[Optional[str], bool], list[int]]:
    found: dict[tuple[Optional[str], bool], list[int]] = defaultdict(list)
    for message in messages:
        found[message.correlation_id, message.protocol_type == RTCP].append(message.timestamp)
    return found


def grows(timestamps: list[int]) -> bool:
    return all(earlier < later for earlier, later in zip(timestamps, timestamps[1:]))


@pytest.mark.parametrize("correlation", ["own", "a-leg"])
@pytest.mark.parametrize("story", ["loopback_leg", "failover_486_then_answer", "dtmf_hold_transfer", "caller_hangup"])
def test_two_legs_under_one_call_id_grow_together(story: str, correlation: str) -> None:
    sent = by_call(Ear(correlation=correlation).hear(*recorded(story)))
    assert {key: grows(found) for key, found in sent.items()} == dict.fromkeys(sent, True)


def test_a_leg_without_sip_is_in_order_with_the_one_it_is_filed_under() -> None:
    ear, a, b = Ear(), Channel("leg-a"), Channel("leg-b", outbound=True, other="leg-a", name="loopback/9234-a")
    events = [a.event(CREATE, sip("call-a")), b.event(CREATE), a.event(ANSWER, sip("call-a")), b.event(ANSWER)]
    messages = ear.hear(*events)
    assert {message.correlation_id for message in messages} == {"call-a"}
    assert [message.timestamp for message in messages] == [T0, T0 + 1, T0 + 2, T0 + 3]


def test_both_ends_of_a_call_from_the_switch_to_itself_are_in_one_order() -> None:
    ear, out, back = Ear(), callee("out", None), Channel("back")
    ear.hear(out.event(CREATE))
    messages = ear.hear(back.event(CREATE, sip("call-a")), out.event(ANSWER, sip("call-a")), back.event(ANSWER))
    assert {message.correlation_id for message in messages} == {"call-a"}
    assert [message.timestamp for message in messages] == [T0, T0 + 1, T0 + 2, T0 + 3]


@pytest.mark.parametrize("back", [0.3, 0.02, 0.999, 1.0, 3600.0])
def test_after_a_clock_was_set_back_every_message_has_the_time_of_its_event(back: float) -> None:
    ear, a = Ear(**DIGITS_SHOWN), Channel()
    ear.hear(a.event(CREATE, sip()))
    messages = ear.hear(*[a.event(names.DTMF, {"DTMF-Digit": "1"}, at=number / 10 - back) for number in range(20)])
    assert [message.timestamp - T0 for message in messages] == [round((n / 10 - back) * 1e6) for n in range(20)]


def test_rtcp_has_its_own_exact_time_whatever_the_lines_have() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    (first,) = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])))
    (line,) = ear.hear(a.event(names.CHANNEL_HOLD, sip()))
    assert (first.timestamp, line.timestamp) == (T0 + 1_234, T0 + 1)


def test_registrations_of_one_phone_are_in_order() -> None:
    heard = event("CUSTOM", {"Event-Subclass": "sofia::register", "call-id": "reg-1", "network-ip": "198.51.100.7"})
    assert [message.timestamp for message in Ear().hear(heard, heard)] == [T0, T0 + 1]


def seen(wall: int, *events: RecordedEvent) -> list[Message]:
    """What is sent of events that the agent sees at a time, microseconds since 1970."""
    pipeline = Pipeline(Settings(**DIGITS_SHOWN), Counters(), wall=lambda: seconds(wall))
    return [decode(datagram) for heard in events for datagram in pipeline.handle(heard, 0.0)]


def test_lines_quality_and_registrations_have_the_time_when_their_event_happened() -> None:
    a = Channel()
    register = event("CUSTOM", {"Event-Subclass": "sofia::register", "call-id": "reg-1", "network-ip": "198.51.100.7"})
    answer, hangup = a.event(ANSWER, {**sip(), **audio()}), a.event(HANGUP, {**sip(), **statistics()})
    messages = seen(T0 + 7 * MS, answer, hangup, register)
    assert [message.protocol_type for message in messages] == [LINE, LINE, 34, LINE]
    assert all(0 <= message.timestamp - (T0 + 7 * MS + SIP_LEAVES) < WITHIN for message in messages)


def test_rtcp_keeps_its_exact_time_whatever_the_wall_clock_shows() -> None:
    a = Channel()
    messages = seen(T0 + 9 * MS, a.event(ANSWER, {**sip(), **audio()}), a.hears(received_rtcp(blocks=[block(OURS)])))
    assert [message.timestamp for message in messages if message.protocol_type == RTCP] == [T0 + 1_234]


def test_an_event_without_a_time_happened_after_the_one_before_it() -> None:
    a = Channel()
    broken = RecordedEvent({**a.event(ANSWER, sip()).headers, "Event-Date-Timestamp": "x"})
    messages = seen(T0 + 90 * MS, a.event(CREATE, sip()), broken)
    assert [message.timestamp for message in messages] == [T0 + LATEST, T0 + LATEST + 1]
