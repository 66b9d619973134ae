"""SHUTDOWN with calls in progress: their last messages arrive, and the agent ends by itself."""

from __future__ import annotations

import time

from freeswitch import switch
from fs_hepipe.switch import starter
from tests.system.harness import Homer, Record, System, assert_balanced, story, wait_for


def calls_and_hangups(name: str) -> tuple[list[Record], list[Record]]:
    """A story without its end, and its end."""
    events = story(name)
    first = next(index for index, event in enumerate(events) if event["Event-Name"] == "CHANNEL_HANGUP")
    return events[:first], events[first:]


def test_hangups_and_quality_that_come_after_shutdown_arrive(homer: Homer) -> None:
    system = System()  # with the real waits: 300 ms without an event
    system.configure(capture_server=homer.server)
    agent = system.start()
    calls, hangups = calls_and_hangups("bridged_answered")
    system.fire(calls)
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


def test_agent_ends_two_seconds_after_shutdown_even_if_events_still_come(homer: Homer) -> None:
    system = System()
    system.configure(capture_server=homer.server, call_events="DTMF")
    agent = system.start()
    events = [event for event in story("dtmf_hold_transfer") if event["Event-Name"] == "DTMF"]
    began = time.monotonic()
    switch.fire({"Event-Name": "SHUTDOWN"})
    while not agent.ended.is_set():
        switch.fire(*events)
        time.sleep(0.005)
        assert time.monotonic() - began < 4  # more than 2 s, for a busy machine
    assert time.monotonic() - began > 1.9
    switch.join()
    assert_balanced(agent)


def test_shutdown_ends_an_idle_agent(system: System) -> None:
    agent = system.start()
    began = time.monotonic()
    system.shutdown()
    assert time.monotonic() - began < 2
    assert agent.ended.is_set()
    assert starter.current.running() is None
    assert system.log("info")[-1] == "fs_hepipe: has stopped\n"


def test_stop_of_a_busy_agent_takes_no_longer_than_a_drain(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server)
    agent = system.start()
    switch.fire(*story("load_150_calls")[:1000])
    assert system.ask("stop") == "+OK stopped\n"
    bound = {name for name, _ in agent._bound}
    fired = [event for event in story("load_150_calls")[:1000] if event["Event-Name"] in bound]
    assert agent.counters.ledger().received == len(fired)
    assert_balanced(agent)


def test_stop_ends_an_agent_that_is_never_idle(system: System) -> None:
    system.configure(call_events="DTMF")
    agent = system.start()
    events = [event for event in story("dtmf_hold_transfer") if event["Event-Name"] == "DTMF"]
    agent.stop()
    began = time.monotonic()
    while not agent.ended.is_set():
        switch.fire(*events * 20)
        assert time.monotonic() - began < 4


def test_records_that_still_wait_for_a_call_id_are_sent_at_the_end(system: System, homer: Homer) -> None:
    """Or are counted as dropped: the outgoing leg has no Call-ID yet, and no other leg has one either."""
    system.configure(capture_server=homer.server)
    agent = system.start()
    created = [event for event in story("bridged_answered") if event["Event-Name"] == "CHANNEL_CREATE"]
    outbound = next(event for event in created if event["Call-Direction"] == "outbound")
    inbound = next(event for event in created if event["Call-Direction"] == "inbound")
    system.fire([inbound, outbound, {**outbound, "Unique-ID": "alone", "Other-Leg-Unique-ID": "nobody"}])
    wait_for(lambda: agent.counters.waiting == 2)
    system.ask("stop")
    assert_balanced(agent)
    assert agent.counters.waiting == 0
    assert agent.counters.dropped == {"stopped": 1}
    assert {message.correlation_id for message in homer.messages(2)} == {inbound["variable_sip_call_id"]}
