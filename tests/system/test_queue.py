"""The switch's queue for us: what does not fit is dropped inside the switch, and status never claims otherwise."""

from __future__ import annotations

import threading

import pytest

from freeswitch import switch
from fs_hepipe.agent.loop import Agent
from fs_hepipe.reports.pipeline import Pipeline
from fs_hepipe.words.event import Event
from tests.system.harness import Homer, System, assert_balanced, story


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


def overflow(system: System, stalled: threading.Event, count: int) -> Agent:
    agent = system.start()
    switch.fire(*story("load_150_calls")[:count])
    stalled.set()
    system.drained()
    system.ask("stop")
    return agent


def test_queue_that_overflowed_is_told(system: System, homer: Homer, stalled: threading.Event) -> None:
    system.configure(capture_server=homer.server, event_queue_length="50", call_events="CHANNEL_CREATE")
    agent = overflow(system, stalled, 400)
    assert any("event queue full" in line for line in system.log("err"))
    assert agent.saturated == 1
    assert agent.watermark >= 50
    assert [line for line in system.log("warning") if "as many as the queue holds" in line]
    assert_balanced(agent)


def test_hint_tells_what_to_raise(system: System, homer: Homer, stalled: threading.Event) -> None:
    system.configure(capture_server=homer.server, event_queue_length="50")
    system.start()
    switch.fire(*story("load_150_calls")[:400])
    stalled.set()
    system.drained()
    report = system.status()
    assert report["queue"]["times_full"] == 1
    assert any("raise event-queue-length" in hint for hint in report["hints"])
    assert "1 times full" in system.ask("status")
    assert "fs_hepipe_queue_full_total 1\n" in system.ask("metrics")


def test_queue_that_was_never_full_is_not_complained_of(system: System, homer: Homer, stalled: threading.Event) -> None:
    system.configure(capture_server=homer.server)
    agent = overflow(system, stalled, 400)
    assert agent.saturated == 0
    assert 0 < agent.watermark < 400
    assert system.log("warning") == system.log("err") == []


def test_rows_that_are_told_are_the_longest(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server)
    agent = system.start()
    for _ in range(3):
        switch.fire(*story("busy_486"))
        system.drained()
    assert agent.watermark >= 4
    assert system.status()["queue"]["longest_row"] == agent.watermark
