"""The switch's queue for us: what does not fit is dropped inside the switch, and status never claims otherwise."""

from __future__ import annotations

import threading

import pytest

from freeswitch import switch
from fs_hepipe.agent.loop import Agent
from fs_hepipe.reports.pipeline import Pipeline
from fs_hepipe.words.event import Event
from tests.system.harness import Homer, House, assert_balanced, story


@pytest.fixture
def stalled(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """An agent whose first event takes until this is set."""
    go_on = threading.Event()
    handle = Pipeline.handle

    def slow(self: Pipeline, event: Event, now: float, name: str) -> list[bytes]:
        go_on.wait(5)
        return handle(self, event, now, name)

    monkeypatch.setattr(Pipeline, "handle", slow)
    return go_on


def overflow(house: House, stalled: threading.Event, count: int) -> Agent:
    agent = house.start()
    switch.fire(*story("load_150_calls")[:count])
    stalled.set()
    house.drained()
    house.ask("stop")
    return agent


def test_queue_that_overflowed_is_told(house: House, homer: Homer, stalled: threading.Event) -> None:
    house.configure(capture_server=homer.server, event_queue_length="50", call_events="CHANNEL_CREATE")
    agent = overflow(house, stalled, 400)
    assert any("event queue full" in line for line in house.log("err"))
    assert agent.saturated == 1
    assert agent.watermark >= 50
    assert [line for line in house.log("warning") if "as many as the queue holds" in line]
    assert_balanced(agent)


def test_hint_tells_what_to_raise(house: House, homer: Homer, stalled: threading.Event) -> None:
    house.configure(capture_server=homer.server, event_queue_length="50")
    house.start()
    switch.fire(*story("load_150_calls")[:400])
    stalled.set()
    house.drained()
    report = house.status()
    assert report["queue"]["times_full"] == 1
    assert any("raise event-queue-length" in hint for hint in report["hints"])
    assert "1 times full" in house.ask("status")
    assert "fs_hepipe_queue_full_total 1\n" in house.ask("metrics")


def test_queue_that_was_never_full_is_not_complained_of(house: House, homer: Homer, stalled: threading.Event) -> None:
    house.configure(capture_server=homer.server)
    agent = overflow(house, stalled, 400)
    assert agent.saturated == 0
    assert 0 < agent.watermark < 400
    assert house.log("warning") == house.log("err") == []


def test_rows_that_are_told_are_the_longest(house: House, homer: Homer) -> None:
    house.configure(capture_server=homer.server)
    agent = house.start()
    for _ in range(3):
        switch.fire(*story("busy_486"))
        house.drained()
    assert agent.watermark >= 4
    assert house.status()["queue"]["longest_row"] == agent.watermark
