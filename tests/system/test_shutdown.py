"""SHUTDOWN with living calls: the last words arrive, and the agent leaves by itself."""

from __future__ import annotations

import time

from freeswitch import switch
from fs_hepipe.switch import starter
from tests.system.harness import Homer, House, Record, assert_balanced, story, wait_for


def living_and_hangups(name: str) -> tuple[list[Record], list[Record]]:
    """A story without its end, and its end."""
    events = story(name)
    first = next(index for index, event in enumerate(events) if event["Event-Name"] == "CHANNEL_HANGUP")
    return events[:first], events[first:]


def test_hangups_and_quality_that_come_after_shutdown_arrive(homer: Homer) -> None:
    house = House()  # in its own time: 300 ms of quiet
    house.configure(capture_server=homer.server)
    agent = house.start()
    calls, hangups = living_and_hangups("bridged_answered")
    house.fire(calls)
    assert len(agent.pipeline.legs) == 2
    began = time.monotonic()
    switch.shutdown(hangups, delay=0.02)
    assert time.monotonic() - began < 2.5
    messages = homer.messages(24)
    assert sum(message.protocol_type == 34 for message in messages) == 4
    assert sum(message.payload.startswith(b"CHANNEL_HANGUP_COMPLETE") for message in messages) == 2
    assert len(messages) == 24
    assert len(agent.pipeline.legs) == 0
    assert_balanced(agent)


def test_switch_that_never_falls_silent_is_left_after_two_seconds(homer: Homer) -> None:
    house = House()
    house.configure(capture_server=homer.server)
    agent = house.start()
    events = [event for event in story("dtmf_hold_transfer") if event["Event-Name"] == "DTMF"]
    began = time.monotonic()
    switch.fire({"Event-Name": "SHUTDOWN"})
    while not agent.ended.is_set():
        switch.fire(*events)
        time.sleep(0.005)
        assert time.monotonic() - began < 4  # and some, for a busy machine
    assert time.monotonic() - began > 1.9
    switch.join()
    assert_balanced(agent)


def test_shutdown_ends_an_idle_agent(house: House) -> None:
    agent = house.start()
    began = time.monotonic()
    house.shutdown()
    assert time.monotonic() - began < 2
    assert agent.ended.is_set()
    assert starter.current.running() is None
    assert house.log("info")[-1] == "fs_hepipe: has stopped\n"


def test_stop_of_a_busy_agent_takes_no_longer_than_a_drain(house: House, homer: Homer) -> None:
    house.configure(capture_server=homer.server)
    agent = house.start()
    switch.fire(*story("load_150_calls")[:1000])
    assert house.ask("stop") == "+OK stopped\n"
    bound = {name for name, _ in agent._bound}
    fired = [event for event in story("load_150_calls")[:1000] if event["Event-Name"] in bound]
    assert agent.counters.ledger().received == len(fired)
    assert_balanced(agent)


def test_stop_of_an_agent_that_is_never_idle_is_not_waited_for_for_ever(house: House) -> None:
    agent = house.start()
    events = [event for event in story("dtmf_hold_transfer") if event["Event-Name"] == "DTMF"]
    agent.stop()
    began = time.monotonic()
    while not agent.ended.is_set():
        switch.fire(*events * 20)
        assert time.monotonic() - began < 4


def test_what_still_waits_for_a_call_id_leaves_at_the_end(house: House, homer: Homer) -> None:
    """Or is counted as dropped: the outgoing leg had none yet, and no other leg has one either."""
    house.configure(capture_server=homer.server)
    agent = house.start()
    created = [event for event in story("bridged_answered") if event["Event-Name"] == "CHANNEL_CREATE"]
    outbound = next(event for event in created if event["Call-Direction"] == "outbound")
    inbound = next(event for event in created if event["Call-Direction"] == "inbound")
    house.fire([inbound, outbound, {**outbound, "Unique-ID": "alone", "Other-Leg-Unique-ID": "nobody"}])
    wait_for(lambda: agent.counters.waiting == 2)
    house.ask("stop")
    assert_balanced(agent)
    assert agent.counters.waiting == 0
    assert agent.counters.dropped == {"stopped": 1}
    assert {message.correlation_id for message in homer.messages(2)} == {inbound["variable_sip_call_id"]}
