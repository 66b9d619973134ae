"""The agent starts while calls are up: it asks the switch for them once, and learns the rest from their events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from freeswitch import switch
from fs_hepipe.switch import host
from tests.system.harness import Homer, Record, System, assert_balanced, story

NAME = "bridged_answered"


def halves() -> tuple[list[Record], list[Record]]:
    """The call until its media flows, and from its first RTCP on."""
    events = story(NAME)
    first = next(index for index, event in enumerate(events) if "RTCP" in event["Event-Name"])
    return events[:first], events[first:]


def channel_dumps() -> dict[str, dict[str, Any]]:
    """What uuid_dump shows of them: the newest of every header that an event of theirs had."""
    channels: dict[str, dict[str, Any]] = {}
    for event in halves()[0]:
        if "Unique-ID" in event:
            channels.setdefault(str(event["Unique-ID"]), {}).update(event)
    for channel in channels.values():
        channel["Event-Name"] = "CHANNEL_DATA"
    return channels


def call_ids() -> set[str]:
    return {str(event["variable_sip_call_id"]) for event in story(NAME) if "variable_sip_call_id" in event}


@pytest.fixture
def listening(system: System, homer: Homer) -> System:
    system.configure(capture_server=homer.server)
    return system


def test_calls_in_progress_are_correlated_from_their_first_report_on(listening: System, homer: Homer) -> None:
    switch.channels.update(channel_dumps())
    agent = listening.start()
    assert len(agent.pipeline.legs) == 2
    assert agent.counters.received["CHANNEL_DATA"] == 2
    listening.fire(halves()[1])
    messages = homer.messages(19)
    assert sum(message.protocol_type == 5 for message in messages) == 12
    assert sum(message.protocol_type == 34 for message in messages) == 4
    assert {message.correlation_id for message in messages} == call_ids()
    assert min(message.src_port for message in messages if message.protocol_type == 5) > 0
    assert len({json.loads(message.payload)["ssrc"] for message in messages if message.protocol_type == 5}) == 4
    assert len(agent.pipeline.legs) == 0
    assert_balanced(agent)


@pytest.mark.parametrize(
    "answers",
    [
        {"show": "-ERR Cannot list channels\n"},
        {"show": "{"},
        {"show": "[]"},
        {"show": '{"row_count": 3, "rows": null}'},
        {"show": '{"row_count": 3, "rows": [null, {}, {"uuid": 7}]}'},
        {"show": '{"rows": {"uuid": "x"}}'},
        {"uuid_dump": "-ERR No such channel!\n"},
        {"uuid_dump": "null"},
        {"uuid_dump": '{"Event-Name": "CHANNEL_DATA", "Unique-ID": ["x", "y"], "variable_sip_call_id": null}'},
    ],
    ids=str,
)
def test_where_the_switch_will_not_say_legs_are_learned_from_their_next_events(
    listening: System, homer: Homer, answers: dict[str, str]
) -> None:
    switch.channels.update(channel_dumps())
    switch.answers.update(answers)
    agent = listening.start()
    learn_late(listening, homer, 17 if "uuid_dump" in answers else 19)
    assert_balanced(agent)


def test_without_mod_commands_legs_are_learned_from_their_next_events(system: System, homer: Homer) -> None:
    switch.channels.update(channel_dumps())
    agent = system.start(f"capture-server={homer.server}")
    system.ask("stop")
    switch.answers.update(show="INVALID COMMAND!\n", uuid_dump="INVALID COMMAND!\n")
    agent = system.start(f"capture-server={homer.server}")
    assert len(agent.pipeline.legs) == 0
    learn_late(system, homer, 17)
    assert_balanced(agent)


def learn_late(system: System, homer: Homer, count: int) -> None:
    """
    The second half of the call, and how many messages it gives: 17 where FreeSWITCH does not answer about a leg either.
    Then two of the four reports on quality are missing, as the far ends said of our media before we knew them.
    """
    system.fire(halves()[1])
    system.shutdown()
    messages = homer.messages(count)
    assert sum(message.protocol_type == 5 for message in messages) == 12
    assert min(message.src_port for message in messages if message.protocol_type == 5) > 0
    assert len(messages) == count
    assert {message.correlation_id for message in messages} == call_ids()
    assert not system.log("err")


def test_channel_that_has_hung_up_meanwhile_is_passed_over(listening: System, homer: Homer) -> None:
    channels = channel_dumps()
    switch.channels.update(channels)
    gone = next(iter(channels))
    dump = switch._api_uuid_dump
    switch.answers["uuid_dump"] = lambda words: "-ERR No such channel!\n" if words.startswith(gone) else dump(words)
    agent = listening.start()
    assert len(agent.pipeline.legs) == 1


def test_no_more_than_a_bounded_number_of_channels_is_asked(
    listening: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "MAX_CHANNELS_ASKED", 5)
    channel = next(iter(channel_dumps().values()))
    switch.channels.update({f"u{number}": {**channel, "Unique-ID": f"u{number}"} for number in range(20)})
    assert len(listening.start().pipeline.legs) == 5


def test_events_that_come_while_the_switch_is_asked_are_not_lost(listening: System, homer: Homer) -> None:
    switch.channels.update(channel_dumps())
    dump, late = switch._api_uuid_dump, halves()[1]

    def dump_while_it_goes_on(words: str) -> str:
        switch.fire(*late)
        del late[:]
        return dump(words)

    switch.answers["uuid_dump"] = dump_while_it_goes_on
    agent = listening.start()
    assert len(homer.messages(19)) == 19
    assert {message.correlation_id for message in homer.messages()} == call_ids()
    listening.drained()
    assert len(agent.pipeline.legs) == 0
    assert_balanced(agent)


def test_a_leg_that_only_reports_rtcp_is_asked_for(listening: System, homer: Homer) -> None:
    """`show channels` lags behind: a call answered just before the start is not in it, but uuid_dump knows it."""
    agent = listening.start()
    switch.answers["show"] = "{}"
    switch.channels.update(channel_dumps())
    rest = halves()[1]
    listening.fire(event for event in rest if "RTCP" in event["Event-Name"])
    messages = homer.messages(12)
    assert {message.protocol_type for message in messages} == {5}
    assert {message.correlation_id for message in messages} == call_ids()
    assert min(min(message.src_port, message.dst_port) for message in messages) > 0
    assert agent.counters.received["CHANNEL_DATA"] == 2
    assert agent.counters.ledger().waiting == 0
    assert_balanced(agent)


def test_a_leg_that_the_switch_does_not_know_either_is_dropped_in_the_end(listening: System, homer: Homer) -> None:
    agent = listening.start()
    listening.fire(event for event in halves()[1] if "RTCP" in event["Event-Name"])
    listening.ask("stop")
    assert agent.counters.dropped["stopped"] == 12
    assert homer.messages(0) == []
    assert_balanced(agent)
