"""Whose Call-ID: late, never, the other leg's, after a rename; and who waits for it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from fs_hepipe.words import names
from fs_hepipe.words.settings import CALL_EVENTS
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
    fields,
    names_of,
    received_rtcp,
    recorded,
    sent_rtcp,
    sip,
    statistics,
)

# --- a Call-ID that comes late ----------------------------------------------------------------------------------------


def test_an_incoming_leg_speaks_under_its_own_call_id_at_once() -> None:
    ear = Ear()
    (message,) = ear.hear(Channel().event(CREATE, sip("call-a")))
    assert message.correlation_id == "call-a"
    assert (message.protocol_type, message.capture_id, message.node_name) == (100, 2001, "fs1")


def test_what_an_outgoing_leg_has_to_say_waits_for_its_call_id() -> None:
    ear, b = Ear(call_events=(*CALL_EVENTS, names.CHANNEL_CALLSTATE)), callee()
    ear.hear(Channel("leg-a").event(CREATE, sip("call-a")))
    assert ear.hear(b.event(CREATE), b.event(names.CHANNEL_CALLSTATE, at=0.1)) == []
    assert ear.counters.waiting == 2
    messages = ear.hear(b.event(PROGRESS, sip("call-b"), at=0.5))
    assert {message.correlation_id for message in messages} == {"call-b"}
    assert names_of(messages) == [CREATE, names.CHANNEL_CALLSTATE, PROGRESS]
    assert [message.timestamp for message in messages] == [T0, T0 + 100_000, T0 + 500_000]
    assert ear.counters.waiting == 0


@pytest.mark.parametrize("name", [HANGUP, DESTROY, ANSWER, BRIDGE])
def test_any_later_event_with_the_call_id_ends_the_wait(name: str) -> None:
    ear, b = Ear(), callee()
    ear.hear(b.event(CREATE))
    messages = ear.hear(b.event(name, sip("call-b")))
    assert messages
    assert messages[0].payload.startswith(b"CHANNEL_CREATE")
    assert {message.correlation_id for message in messages} == {"call-b"}


def test_an_event_that_is_not_logged_ends_the_wait_too() -> None:
    ear, b = Ear(call_events=(CREATE,)), callee()
    ear.hear(b.event(CREATE))
    assert names_of(ear.hear(b.event(PROGRESS, sip("call-b")))) == [CREATE]


def test_a_leg_may_keep_32_records_and_the_next_is_counted() -> None:
    ear, b = Ear(**DIGITS_SHOWN), callee()
    for number in range(33):
        ear.hear(b.event(names.DTMF, {"DTMF-Digit": str(number)}))
    assert ear.counters.dropped == {"no_room_to_wait": 1}
    messages = ear.hear(b.event(ANSWER, sip("call-b")))
    assert [fields(message)["digit"] for message in messages[:-1]] == [str(number) for number in range(32)]


def test_4096_records_may_wait_in_all_and_the_next_is_counted() -> None:
    ear = Ear()
    for number in range(4097):
        ear.hear(callee(f"b{number}", None).event(CREATE))
    assert ear.counters.waiting == 4096
    assert ear.counters.dropped == {"no_room_to_wait": 1}


def test_a_record_waits_for_ten_seconds_and_is_counted() -> None:
    ear, b = Ear(), callee(other=None)
    ear.hear(b.event(CREATE), now=100.0)
    assert ear.wait(109.9) == []
    assert ear.counters.waiting == 1
    assert ear.wait(110.0) == []
    assert ear.counters.dropped == {"waited_too_long": 1}
    assert names_of(ear.hear(b.event(PROGRESS, sip("call-b")), now=111.0)) == [PROGRESS]


def test_each_record_waits_its_own_ten_seconds() -> None:
    ear, b = Ear(**DIGITS_SHOWN), callee(other=None)
    ear.hear(b.event(CREATE), now=100.0)
    ear.hear(b.event(names.DTMF, {"DTMF-Digit": "7"}), now=105.0)
    ear.wait(110.0)
    assert (ear.counters.waiting, ear.counters.dropped) == (1, {"waited_too_long": 1})
    assert names_of(ear.hear(b.event(PROGRESS, sip("call-b")), now=112.0)) == [names.DTMF, PROGRESS]


def test_who_waited_too_long_leaves_under_the_other_legs_call_id() -> None:
    ear, b = Ear(), callee()
    ear.hear(Channel("leg-a").event(CREATE, sip("call-a")), b.event(CREATE), now=100.0)
    (message,) = ear.wait(110.0)
    assert message.correlation_id == "call-a"
    assert fields(message)["leg"] == "leg-b"
    assert ear.counters.dropped == {}


def test_a_leg_that_waited_too_long_is_remembered() -> None:
    ear, b = Ear(), callee()
    ear.hear(b.event(CREATE))
    leg = ear.pipeline.legs.find("leg-b")
    assert ear.wait(10.0) == []
    assert ear.counters.dropped == {"waited_too_long": 1}
    assert ear.pipeline.legs.find("leg-b") is leg


def test_what_still_waits_when_the_agent_stops_is_counted_or_sent() -> None:
    ear = Ear()
    ear.hear(Channel("leg-a").event(CREATE, sip("call-a")), callee().event(CREATE), callee("alone", None).event(CREATE))
    (message,) = ear.end()
    assert (message.correlation_id, fields(message)["leg"]) == ("call-a", "leg-b")
    assert ear.counters.dropped == {"stopped": 1}
    assert ear.counters.waiting == 0


# --- never a Call-ID --------------------------------------------------------------------------------------------------


def test_a_leg_that_died_without_a_call_id_is_filed_under_its_other_legs() -> None:
    ear, b = Ear(), callee()
    ear.hear(Channel("leg-a").event(CREATE, sip("call-a")), b.event(CREATE))
    messages = ear.hear(b.event(HANGUP, {"Hangup-Cause": "INVALID_GATEWAY"}), b.event(DESTROY))
    assert names_of(messages) == [CREATE, HANGUP]
    assert {message.correlation_id for message in messages} == {"call-a"}
    assert {fields(message)["leg"] for message in messages} == {"leg-b"}


def test_a_leg_that_died_with_no_call_id_at_all_is_counted() -> None:
    ear, b = Ear(), callee(other=None)
    assert ear.hear(b.event(CREATE), b.event(HANGUP), b.event(DESTROY)) == []
    assert ear.counters.dropped == {"no_call_id": 2}


def test_a_loopback_leg_is_filed_under_the_leg_it_belongs_to_at_once() -> None:
    ear = Ear()
    ear.hear(Channel("leg-a").event(CREATE, sip("call-a")))
    loopback = Channel("loop", outbound=True, other="leg-a", name="loopback/1321-a")
    (message,) = ear.hear(loopback.event(CREATE, sip("not its own")))
    assert message.correlation_id == "call-a"


def test_a_loopback_leg_waits_until_it_is_told_whose_it_is() -> None:
    ear = Ear()
    loopback = Channel("loop", name="loopback/1321-b")
    assert ear.hear(loopback.event(CREATE)) == []
    messages = ear.hear(callee("leg-b", "loop").event(ANSWER, sip("call-b")))
    assert [(message.correlation_id, fields(message)["leg"]) for message in messages] == [
        ("call-b", "loop"),
        ("call-b", "leg-b"),
    ]


def test_a_leg_is_never_filed_under_who_got_its_other_legs_unique_id_later() -> None:
    ear = Ear(call_events=(names.CHANNEL_HANGUP,))
    verto, b = Channel("verto", name="verto.rtc/1"), Channel("leg-b")
    ear.hear(verto.event(CREATE), verto.event(ANSWER, {"Other-Leg-Unique-ID": "leg-b"}, at=1))
    ear.hear(b.event(CREATE, sip("call-b"), at=2), verto.event(UPDATE, at=3), b.event(DESTROY, at=4))
    ear.wait(200)
    ear.hear(b.event(CREATE, sip("a stranger's"), at=201), now=201)
    assert ear.hear(verto.event(names.CHANNEL_HANGUP, at=202), verto.event(DESTROY, at=203), now=202) == []
    assert ear.counters.dropped == {"no_call_id": 1}


# --- both legs --------------------------------------------------------------------------------------------------------


def test_every_line_names_the_other_leg_and_its_call_id_once_known() -> None:
    ear, a, b = Ear(), Channel("leg-a"), callee()
    ear.hear(a.event(CREATE, sip("call-a")), b.event(CREATE))
    created, progressed = ear.hear(b.event(PROGRESS, sip("call-b")))
    for line in (created, progressed):
        assert fields(line)["other-leg"] == "leg-a"
        assert fields(line)["other-call-id"] == "call-a"
    (answered,) = ear.hear(a.event(ANSWER, sip("call-a")))
    assert (fields(answered)["other-leg"], fields(answered)["other-call-id"]) == ("leg-b", "call-b")


def test_each_leg_is_filed_under_its_own_call_id_whichever_speaks_first() -> None:
    for first, second in itertools.permutations([("leg-a", "call-a"), ("leg-b", "call-b")]):
        ear = Ear()
        for (unique_id, call_id), (other, _) in ((first, second), (second, first)):
            (message,) = ear.hear(Channel(unique_id, other=other).event(CREATE, sip(call_id)))
            assert message.correlation_id == call_id


def test_the_a_leg_setting_files_the_outgoing_leg_under_the_incoming_one() -> None:
    ear, b = Ear(correlation="a-leg"), callee()
    messages = ear.hear(
        Channel("leg-a").event(CREATE, sip("call-a")),
        b.event(CREATE),
        b.event(ANSWER, {**sip("call-b"), **audio()}),
        b.hears(received_rtcp(blocks=[block(OURS)])),
        b.event(HANGUP, {**sip("call-b"), **statistics()}),
    )
    assert {message.correlation_id for message in messages} == {"call-a"}
    report = next(message for message in messages if message.protocol_type == 34)
    assert (body(report)["CORRELATION_ID"], body(report)["RTP_SIP_CALL_ID"]) == ("call-a", "call-b")


def test_the_a_leg_setting_is_about_what_the_switch_sends_too() -> None:
    ear, a, b = Ear(correlation="a-leg"), Channel("leg-a"), callee()
    ear.hear(a.event(ANSWER, {**sip("call-a"), **audio()}))
    ear.hear(b.event(CREATE), b.event(ANSWER, {**sip("call-b"), **audio()}))
    for number in (1, 2):
        for leg in (a, b):
            both_ways = ear.hear(leg.says(sent_rtcp(ntp=(number, 1))), leg.hears(received_rtcp(ntp=(number, 2))))
            assert [message.correlation_id for message in both_ways] == ["call-a", "call-a"]


def test_the_a_leg_setting_leaves_a_leg_without_an_incoming_one_under_its_own() -> None:
    ear = Ear(correlation="a-leg")
    (alone,) = ear.hear(callee(other=None).event(ANSWER, sip("call-b")))
    assert alone.correlation_id == "call-b"


def test_the_a_leg_setting_leaves_two_incoming_legs_under_their_own() -> None:
    """A call that was picked up out of a parking place."""
    ear = Ear(correlation="a-leg")
    ear.hear(Channel("one").event(CREATE, sip("call-1")), Channel("two").event(CREATE, sip("call-2")))
    (message,) = ear.hear(Channel("two", other="one").event(BRIDGE, sip("call-2")))
    assert message.correlation_id == "call-2"


def test_the_a_leg_setting_leaves_a_leg_under_its_own_where_who_called_has_no_call_id() -> None:
    ear = Ear(correlation="a-leg")
    ear.hear(Channel("leg-a", name="verto.rtc/1001").event(CREATE))
    messages = ear.hear(callee().event(ANSWER, sip("call-b")))
    assert {message.correlation_id for message in messages} == {"call-b"}


def test_the_a_leg_setting_does_not_swap_two_outgoing_legs() -> None:
    """`originate A &bridge(B)`: neither of the two called the switch."""
    ear = Ear(correlation="a-leg")
    one, two = callee("one", "two"), callee("two", "one")
    ear.hear(one.event(CREATE), two.event(CREATE))
    messages = ear.hear(one.event(ANSWER, sip("call-1")), two.event(ANSWER, sip("call-2")))
    assert {(fields(message)["leg"], message.correlation_id) for message in messages} == {
        ("one", "call-1"),
        ("two", "call-2"),
    }


# --- renames, transfers, re-INVITEs -----------------------------------------------------------------------------------


def test_a_renamed_leg_keeps_its_call_id_and_what_it_had_waiting() -> None:
    ear = Ear()
    ear.hear(callee("old", None).event(CREATE))
    renamed = callee("new", None)
    assert ear.hear(renamed.event(UUID, {"Old-Unique-ID": "old"})) == []
    messages = ear.hear(renamed.event(ANSWER, sip("call-b")))
    assert [(name, message.correlation_id) for name, message in zip(names_of(messages), messages)] == [
        (CREATE, "call-b"),
        (UUID, "call-b"),
        (ANSWER, "call-b"),
    ]
    assert fields(messages[1])["was"] == "old"
    assert fields(messages[2])["leg"] == "new"
    assert len(ear.pipeline.legs) == 1


def test_the_rtcp_of_a_renamed_leg_finds_it() -> None:
    ear = Ear()
    ear.hear(Channel("old").event(ANSWER, {**sip("call-a"), **audio()}))
    renamed = Channel("new")
    ear.hear(renamed.event(UUID, {"Old-Unique-ID": "old"}))
    (message,) = ear.hear(renamed.hears(received_rtcp(blocks=[block(OURS)])))
    assert (message.correlation_id, body(message)["leg"]) == ("call-a", "new")


@pytest.mark.parametrize("name", [UPDATE, BRIDGE, names.CHANNEL_HOLD, names.CHANNEL_UNHOLD])
def test_media_that_moved_is_reported_from_its_new_address_on(name: str) -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio(remote=30_000)}))
    (before,) = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)])))
    ear.hear(a.event(name, {**sip(), **audio(remote=31_000)}))
    (after,) = ear.hear(a.hears(received_rtcp(ntp=(1, 1), blocks=[block(OURS)])))
    assert (before.src_port, after.src_port) == (30_001, 31_001)


def test_a_leg_that_was_transferred_names_its_new_other_leg() -> None:
    ear = Ear()
    ear.hear(Channel("leg-c").event(CREATE, sip("call-c")))
    ear.hear(Channel("leg-a", other="leg-b").event(BRIDGE, sip("call-a")))
    (message,) = ear.hear(Channel("leg-a", other="leg-c").event(BRIDGE, sip("call-a")))
    assert (fields(message)["other-leg"], fields(message)["other-call-id"]) == ("leg-c", "call-c")


# --- forks ------------------------------------------------------------------------------------------------------------


def test_the_caller_of_a_failover_names_the_leg_that_answers_and_not_the_one_that_refused() -> None:
    messages = Ear().hear(*recorded("failover_486_then_answer"))
    lines = [fields(message) for message in messages if message.protocol_type == 100]
    caller = next(line["leg"] for line in lines if line["direction"] == "inbound")
    refused = next(line["leg"] for line in lines if line.get("cause") == "USER_BUSY")
    named = [line.get("other-leg") for line in lines if line["leg"] == caller]
    assert named[0] is None
    assert refused not in named
    assert len(set(named[1:])) == 1


# --- events about a pair ----------------------------------------------------------------------------------------------

UNBRIDGE = names.CHANNEL_UNBRIDGE


def three_legs(**settings_: Any) -> tuple[Ear, Channel, Channel, Channel]:
    """A calls; B answered and is bridged with it; C was called for another."""
    ear, a, b, c = Ear(**settings_), Channel("a"), callee("b", None), callee("c", None)
    ear.hear(a.event(CREATE, sip("call-a")), b.event(ANSWER, sip("call-b")), c.event(ANSWER, sip("call-c")))
    ear.hear(a.event(BRIDGE, {"Bridge-A-Unique-ID": "a", "Bridge-B-Unique-ID": "b", "Other-Leg-Unique-ID": "b"}))
    return ear, a, b, c


@pytest.mark.parametrize(
    "told",
    [
        {"Bridge-A-Unique-ID": "a", "Bridge-B-Unique-ID": "b"},
        {"Bridge-A-Unique-ID": "b", "Bridge-B-Unique-ID": "a"},
        {"variable_last_bridge_to": "b"},
        {"Bridge-A-Unique-ID": "a", "Bridge-B-Unique-ID": "", "variable_last_bridge_to": "b"},
        {"Bridge-A-Unique-ID": "x", "Bridge-B-Unique-ID": "y", "variable_last_bridge_to": "b"},
    ],
)
def test_the_end_of_a_bridge_is_about_the_leg_that_was_and_teaches_nothing_new(told: dict[str, str]) -> None:
    """switch_ivr_uuid_bridge has set the next other leg before the end of the bridge is told."""
    ear, a, _, _ = three_legs()
    now = {"Other-Leg-Unique-ID": "c", "variable_signal_bond": "c", "variable_bridge_uuid": "c"}
    (end,) = ear.hear(a.event(UNBRIDGE, {**now, **told}))
    assert (fields(end)["other-leg"], fields(end)["other-call-id"]) == ("b", "call-b")
    other = ear.pipeline.legs.get("a", 0.0).other
    assert other is not None
    assert other.unique_id == "b"
    (bridge,) = ear.hear(a.event(BRIDGE, {**now, "Bridge-A-Unique-ID": "a", "Bridge-B-Unique-ID": "c"}))
    assert (fields(bridge)["other-leg"], fields(bridge)["other-call-id"]) == ("c", "call-c")


def test_the_end_of_a_bridge_that_is_told_after_the_next_one_began_does_not_undo_it() -> None:
    ear, a, _, _ = three_legs()
    next_pair = {"Bridge-A-Unique-ID": "a", "Bridge-B-Unique-ID": "c", "Other-Leg-Unique-ID": "c"}
    ear.hear(a.event(BRIDGE, next_pair))
    (end,) = ear.hear(a.event(UNBRIDGE, {**next_pair, "Bridge-B-Unique-ID": "b"}))
    assert (fields(end)["other-leg"], fields(end)["other-call-id"]) == ("b", "call-b")
    (hangup,) = ear.hear(a.event(HANGUP, {**sip("call-a"), "Other-Leg-Unique-ID": "c"}))[:1]
    assert fields(hangup)["other-leg"] == "c"


def test_a_bridge_is_about_its_pair_whatever_the_profiles_say() -> None:
    ear, a, _, _ = three_legs()
    pair = {"Bridge-A-Unique-ID": "a", "Bridge-B-Unique-ID": "c"}
    (bridge,) = ear.hear(a.event(BRIDGE, {**pair, "Other-Leg-Unique-ID": "b"}))
    assert fields(bridge)["other-leg"] == "c"


def test_an_update_is_about_who_is_bridged() -> None:
    ear, a, _, _ = three_legs(call_events=(UPDATE,))
    (update,) = ear.hear(a.event(UPDATE, {"Bridged-To": "c", "Other-Leg-Unique-ID": "b"}))
    assert fields(update)["other-leg"] == "c"
    (update,) = ear.hear(a.event(UPDATE, {"Other-Leg-Unique-ID": "b"}))
    assert fields(update)["other-leg"] == "b"


def test_the_end_of_a_bridge_names_a_leg_that_nobody_saw_by_its_id() -> None:
    ear, a = Ear(), Channel("a")
    ear.hear(a.event(CREATE, sip("call-a")))
    (end,) = ear.hear(a.event(UNBRIDGE, {"Bridge-A-Unique-ID": "a", "Bridge-B-Unique-ID": "gone"}))
    assert fields(end)["other-leg"] == "gone"
    assert "other-call-id" not in fields(end)


def test_the_end_of_a_bridge_follows_a_rename() -> None:
    ear, a, b, _ = three_legs()
    renamed = callee("new", None)
    ear.hear(renamed.event(UUID, {"Old-Unique-ID": b.unique_id}))
    (end,) = ear.hear(a.event(UNBRIDGE, {"variable_last_bridge_to": "b", "Other-Leg-Unique-ID": "c"}))
    assert (fields(end)["other-leg"], fields(end)["other-call-id"]) == ("new", "call-b")


def test_under_the_a_leg_setting_an_outgoing_leg_is_not_moved_by_the_end_of_its_bridge() -> None:
    ear, a, x = Ear(correlation="a-leg"), Channel("a"), Channel("x")
    b = callee("b", None)
    ear.hear(a.event(CREATE, sip("call-a")), x.event(CREATE, sip("call-x")), b.event(ANSWER, sip("call-b")))
    ear.hear(b.event(BRIDGE, {"Bridge-A-Unique-ID": "b", "Bridge-B-Unique-ID": "a", "Other-Leg-Unique-ID": "a"}))
    end = b.event(UNBRIDGE, {"Bridge-A-Unique-ID": "b", "Bridge-B-Unique-ID": "a", "Other-Leg-Unique-ID": "x"})
    (message,) = ear.hear(end)
    assert message.correlation_id == "call-a"


# --- what comes under the other Unique-ID of a renamed leg ------------------------------------------------------------


def test_what_was_reported_under_the_next_unique_id_is_in_the_quality_of_the_leg() -> None:
    ear, a, renamed = Ear(), Channel(), Channel("leg-n")
    ear.hear(a.event(CREATE, sip("call-a")), a.event(ANSWER, {**sip("call-a"), **audio()}))
    ear.hear(a.hears(received_rtcp(blocks=[block(OURS, Lost=50)])))
    ear.channels["leg-n"] = {**sip("call-a"), **audio()}
    early = [block(OURS, Lost=52, Highest_Sequence_Number_Received=52_600)]
    ear.hear(renamed.hears(received_rtcp(ntp=(4_004_390_968, 1), blocks=early), at=5), now=5)
    ear.hear(renamed.event(UUID, {**sip("call-a"), **audio(), "Old-Unique-ID": "leg-a"}, at=5.1), now=5.1)
    ended = ear.hear(renamed.event(HANGUP, {**sip("call-a"), **audio(), **statistics()}, at=9), now=9)
    (of_ours,) = [body(message) for message in ended if message.protocol_type == 34 and body(message)["DIR"] == 1]
    assert (of_ours["PACKET_LOSS"], of_ours["SSRC"]) == (52, OURS)


def test_rtcp_under_the_unique_id_before_the_rename_belongs_to_the_leg() -> None:
    ear, a, renamed = Ear(), Channel(), Channel("leg-n")
    ear.hear(a.event(CREATE, sip("call-a")), a.event(ANSWER, {**sip("call-a"), **audio()}))
    ear.hear(renamed.event(UUID, {**sip("call-a"), "Old-Unique-ID": "leg-a"}, at=5), now=5)
    (late,) = ear.hear(a.hears(received_rtcp(blocks=[block(OURS)]), at=5), now=5)
    assert (late.correlation_id, body(late)["leg"]) == ("call-a", "leg-n")
    ear.hear(renamed.event(DESTROY, at=6), now=6)
    assert (len(ear.pipeline.legs), ear.pipeline.legs.lingering) == (0, 1)


def test_a_unique_id_that_a_leg_had_is_soon_anybodys() -> None:
    ear, a, renamed, b = Ear(), Channel(), Channel("leg-n"), Channel()
    ear.hear(a.event(CREATE, sip("call-a")))
    ear.hear(renamed.event(UUID, {**sip("call-a"), "Old-Unique-ID": "leg-a"}, at=5), now=5)
    (created,) = ear.hear(b.event(CREATE, sip("call-b"), at=6), now=6)
    assert created.correlation_id == "call-b"
    ear.hear(b.event(DESTROY, at=7), now=7)
    ear.wait(20)
    assert ear.pipeline.legs.find("leg-a") is None
    again = Channel("leg-m")
    ear.hear(again.event(UUID, {**sip("call-a"), "Old-Unique-ID": "leg-n"}, at=21), now=21)
    assert ear.pipeline.legs.find("leg-n") is ear.pipeline.legs.find("leg-m")
    ear.wait(27)
    assert ear.pipeline.legs.find("leg-n") is None
    assert ear.pipeline.legs.find("leg-m") is not None


def test_a_leg_without_a_channel_name_outlives_what_waited_on_it() -> None:
    ear, b = Ear(), callee(other=None)
    del b.basic["Channel-Name"]
    ear.hear(b.event(CREATE))
    ear.wait(11)
    assert ear.counters.dropped == {"waited_too_long": 1}
    assert len(ear.pipeline.legs) == 1


def test_another_channel_that_has_the_unique_id_by_now_is_not_the_renamed_leg() -> None:
    ear, a, renamed, b = Ear(), Channel(), Channel("leg-n"), Channel()
    ear.hear(a.event(CREATE, sip("call-a")))
    ear.hear(renamed.event(UUID, {**sip("call-a"), "Old-Unique-ID": "leg-a"}, at=5), now=5)
    (answered,) = ear.hear(b.event(ANSWER, {**sip("call-b"), **audio()}, at=6), now=6)
    (update,) = ear.hear(renamed.event(BRIDGE, at=6), now=6)
    assert (answered.correlation_id, update.correlation_id) == ("call-b", "call-a")
