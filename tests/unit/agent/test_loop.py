"""The loop between inlet, pipeline and collectors, on a clock of the test's own."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections import deque
from typing import Any, Optional, Union
from unittest import mock

import pytest

from fs_hepipe.agent import loop as agent_module
from fs_hepipe.agent.config import Config, parse
from fs_hepipe.agent.log import LOGGER
from fs_hepipe.agent.loop import (
    BUSIEST,
    MAX_ASKED,
    QUIET_MS,
    REST,
    SENT_TOGETHER,
    SHUTDOWN_GRACE,
    TICK,
    WAIT_MS,
    Agent,
    rest,
)
from fs_hepipe.agent.metrics import as_prometheus
from fs_hepipe.agent.status import as_text, status
from fs_hepipe.calls.leg import Leg
from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.udp import UdpCollector
from fs_hepipe.hep import decode
from fs_hepipe.reports.log_line import LogLine
from fs_hepipe.reports.order import LATEST
from fs_hepipe.tools.playback import Playback, play
from fs_hepipe.words import names
from fs_hepipe.words.event import Event, RecordedEvent
from fs_hepipe.words.settings import Settings
from tests.unit.synthetic import Counted, event

CREATE = RecordedEvent({
    "Event-Name": "CHANNEL_CREATE",
    "Event-Date-Timestamp": "1700000000000000",
    "Event-Sequence": "1",
    "FreeSWITCH-Switchname": "switch",
    "Unique-ID": "leg",
    "Call-Direction": "inbound",
    "Channel-Name": "sofia/internal/1000",
    "variable_sip_call_id": "call",
})  # fmt: skip
SLOW = RecordedEvent({**CREATE.headers, "Event-Name": "CHANNEL_ANSWER"})
RTCP = RecordedEvent({
    "Event-Name": "RECV_RTCP_MESSAGE", "SSRC": "0000000a", "NTP-Most-Significant-Word": "1",
    "NTP-Least-Significant-Word": "2", "Event-Date-Timestamp": "1700000000000000",
})  # fmt: skip
SHUTDOWN = RecordedEvent({"Event-Name": "SHUTDOWN"})

Step = Union[RecordedEvent, float]
"""An event, or seconds that pass without one; after the last step the agent is asked to stop."""


@pytest.fixture(autouse=True)
def _logger(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent's logger as pytest hears it, whatever other tests have attached to it."""
    logger = logging.getLogger(LOGGER)
    monkeypatch.setattr(logger, "propagate", True)
    monkeypatch.setattr(logger, "handlers", [])


def gaps(seconds: float, count: int) -> list[Step]:
    """So many events, so far apart."""
    return [step for _ in range(count) for step in (seconds, CREATE)]


class Inlet:
    """An inlet that plays steps. Time passes only where the agent waits or rests; what comes meanwhile waits in it."""

    def __init__(self, steps: list[Step], unknown: tuple[str, ...] = ()) -> None:
        self.arrivals: deque[tuple[float, RecordedEvent]] = deque()
        self.end = 0.0
        for step in steps:
            if isinstance(step, float):
                self.end += step
            else:
                self.arrivals.append((self.end, step))
        self.unknown = unknown
        self.bound: list[tuple[str, str]] = []
        self.waits: list[int] = []
        self.rests: list[float] = []
        self.delays: list[float] = []
        """How long each event waited until it was popped."""
        self.now = 0.0
        self.closed = 0
        self.agent: Optional[Agent] = None
        self.length = 0

    def open(self, length: int) -> Inlet:
        self.length = length
        return self

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.now += seconds

    def bind(self, name: str, subclass: str = "") -> bool:
        self.bound.append((name, subclass))
        return name not in self.unknown

    def pop(self, wait_ms: int) -> Optional[RecordedEvent]:
        self.waits.append(wait_ms)
        until = self.now + wait_ms / 1000
        if self.arrivals and self.arrivals[0][0] <= until:
            came, event = self.arrivals.popleft()
            self.now = max(self.now, came)
            self.delays.append(self.now - came)
            return event
        self.now = until
        if not self.arrivals and self.end <= until:
            assert self.agent is not None
            if self.agent._leaving_at is None:
                self.agent.stop()
        return None

    def close(self) -> None:
        self.closed += 1


def made(inlet: Inlet, config: Optional[Config] = None) -> Agent:
    """An agent whose time is the inlet's."""
    inlet.agent = Agent(
        config or Config(), inlet.open, clock=inlet.clock, wall=lambda: 1_700_000_000.0 + inlet.now, sleep=inlet.sleep
    )
    return inlet.agent


def run(steps: list[Step], config: Optional[Config] = None, **options: Any) -> tuple[Agent, Inlet]:
    inlet = Inlet(steps, **options)
    agent = made(inlet, config)
    agent.run()
    return agent, inlet


def test_loop_waits_when_there_is_nothing_and_drains_when_there_is() -> None:
    _, inlet = run([0.7, CREATE, CREATE, CREATE, 0.5])
    assert inlet.waits[:6] == [WAIT_MS, WAIT_MS, 0, 0, 0, WAIT_MS]


def test_loop_rests_when_a_row_is_over_and_then_takes_what_came_meanwhile_in_one_row() -> None:
    agent, inlet = run([CREATE, *gaps(0.002, 8), 1.0])
    assert inlet.rests == [REST, REST]
    assert inlet.waits[:12] == [WAIT_MS, 0, WAIT_MS, *[0] * 8, WAIT_MS]
    assert agent.watermark == 8


def test_loop_without_events_does_not_rest() -> None:
    _, inlet = run([1.7])
    assert inlet.rests == []


def test_event_after_a_silence_is_taken_at_once_and_any_other_after_a_rest_at_most() -> None:
    _, inlet = run([CREATE, *gaps(0.003, 1000)])
    assert inlet.delays[0] == 0.0
    assert max(inlet.delays) <= REST
    _, inlet = run([CREATE, REST, CREATE, 0.7, CREATE])
    assert inlet.delays == pytest.approx([0.0] * 3)


@pytest.mark.parametrize("length", [10, 100, 200, 300, 1000, Config().event_queue_length, 100_000])
def test_what_comes_in_a_rest_fills_no_queue(length: int) -> None:
    assert rest(length) * BUSIEST <= length
    assert rest(length) <= rest(length + 1) <= REST


def test_default_queue_allows_the_whole_rest_and_a_short_one_none() -> None:
    assert rest(Config().event_queue_length) == REST
    assert rest(10) == rest(99) == 0.0
    _, inlet = run([CREATE, 0.001, CREATE, 0.001, CREATE, 1.0], Config(event_queue_length=10))
    assert inlet.rests == []
    assert inlet.delays == pytest.approx([0.0] * 3)


def test_events_at_five_thousand_a_second_leave_nine_tenths_of_the_queue_free() -> None:
    agent, _ = run([CREATE, *gaps(0.0002, 5000)])
    assert agent.counters.received == {"CHANNEL_CREATE": 5001}
    assert agent.watermark < agent.queue_length / 10


def test_loop_that_is_to_leave_does_not_rest() -> None:
    _, inlet = run([SHUTDOWN, 0.25, CREATE, 0.25, CREATE])
    assert inlet.rests == []


def test_stop_while_the_loop_rests_ends_it_after_what_waits() -> None:
    class Stopped(Inlet):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            assert self.agent is not None
            self.agent.stop()

    inlet = Stopped([CREATE, 0.001, CREATE, 0.001, CREATE, 9.0])
    agent = made(inlet)
    agent.run()
    assert inlet.rests == [REST]
    assert inlet.now == pytest.approx(REST)
    assert agent.counters.received == {"CHANNEL_CREATE": 3}


def test_what_time_alone_changes_is_not_put_off_by_more_than_a_rest() -> None:
    inlet = Inlet(gaps(0.001, 3000))
    agent = made(inlet)
    ticks: list[float] = []
    agent.pipeline.tick = lambda now: ticks.append(now) or []  # type: ignore[method-assign,func-returns-value]
    agent.run()
    assert len(ticks) >= 6
    assert all(later - earlier <= TICK + REST + 1e-9 for earlier, later in zip(ticks, ticks[1:]))


def test_inlet_has_the_configured_length_and_is_closed_once() -> None:
    agent, inlet = run([CREATE], Config(event_queue_length=77))
    assert inlet.length == agent.queue_length == 77
    assert inlet.closed == 1
    assert agent.ended.is_set()


def test_each_wanted_event_is_bound_once_and_shutdown_always() -> None:
    _, inlet = run([])
    assert len(inlet.bound) == len(set(inlet.bound))
    assert ("SHUTDOWN", "") in inlet.bound
    _, inlet = run([], parse(None, " ".join(f"report-{kind}-events=no" for kind in ("call", "rtcp", "qos", "custom"))))
    assert inlet.bound == [("SHUTDOWN", "")]


def test_event_that_can_not_be_bound_is_named_and_the_rest_is_bound() -> None:
    agent, inlet = run([CREATE], unknown=("CHANNEL_UUID", "CUSTOM"))
    assert len(inlet.bound) > 10
    assert "CHANNEL_UUID" in agent.unbound
    assert "CUSTOM sofia::register" in agent.unbound
    assert status(agent)["unbound_events"] == agent.unbound


def test_shutdown_shortens_the_wait_and_quiet_ends_it() -> None:
    agent, inlet = run([SHUTDOWN, 0.25, CREATE, 0.25, CREATE, 0.25, CREATE, 0.25, CREATE, 0.35, CREATE])
    assert agent.counters.received == {"SHUTDOWN": 1, "CHANNEL_CREATE": 4}
    assert set(inlet.waits) == {WAIT_MS, QUIET_MS, 0}
    assert inlet.now == pytest.approx(1.3)


def test_loop_leaves_after_the_last_words_whatever_comes() -> None:
    class Chatty(Inlet):
        """Time passes at every event, and there always is one."""

        def pop(self, wait_ms: int) -> Optional[RecordedEvent]:
            self.now += 0.1
            return SHUTDOWN if self.now < 0.2 else CREATE

    inlet = Chatty([])
    agent = made(inlet)
    agent.run()
    assert agent.ended.is_set()
    assert inlet.now == pytest.approx(0.1 + SHUTDOWN_GRACE, abs=0.2)


def test_what_time_alone_changes_is_looked_at_twice_a_second() -> None:
    agent, _ = run([])
    ticks: list[float] = []
    inlet = Inlet([0.25] * 20)
    agent = made(inlet)
    agent.pipeline.tick = lambda now: ticks.append(now) or []  # type: ignore[method-assign,func-returns-value]
    agent.run()
    assert ticks[0] == 0.0
    assert all(TICK <= later - earlier <= 2 * TICK for earlier, later in zip(ticks, ticks[1:]))


def test_ticks_go_on_in_an_endless_row() -> None:
    class Busy(Inlet):
        def pop(self, wait_ms: int) -> Optional[RecordedEvent]:
            self.now += 0.01
            assert self.agent is not None
            if self.now > 3:
                self.agent.stop()
                return None
            return CREATE

    inlet = Busy([])
    agent = made(inlet)
    ticks: list[float] = []
    agent.pipeline.tick = lambda now: ticks.append(now) or []  # type: ignore[method-assign,func-returns-value]
    agent.run()
    assert len(ticks) >= 5
    assert agent.watermark > 200


def test_watermark_is_the_longest_row_and_saturation_a_row_as_long_as_the_queue() -> None:
    config = Config(event_queue_length=10)
    agent, _ = run([*[CREATE] * 9, 0.1, *[CREATE] * 4], config)
    assert (agent.watermark, agent.saturated) == (9, 0)
    agent, _ = run([*[CREATE] * 10, 0.1, *[CREATE] * 25, 0.1, CREATE], config)
    assert (agent.watermark, agent.saturated) == (25, 2)


def test_event_that_took_longest_is_known() -> None:
    inlet = Inlet([SLOW, CREATE])
    agent = made(inlet)
    handle = agent.pipeline.handle

    def take_time(event: Event, now: float, name: Optional[str] = None) -> list[bytes]:
        inlet.now += 0.25 if event is SLOW else 0.125
        return handle(event, now, name)

    with mock.patch.object(agent.pipeline, "handle", take_time):
        agent.run()
    assert agent.busiest_event == ("CHANNEL_ANSWER", 0.25)


def sent_by(agent: Agent) -> list[int]:
    """The times of the messages that an agent sends, microseconds after 1,700,000,000 s."""
    found: list[int] = []

    def send(datagrams: list[bytes], _wall: float) -> None:
        found.extend(decode(datagram).timestamp - 1_700_000_000_000_000 for datagram in datagrams)

    with mock.patch.object(agent.collectors, "send", send):
        agent.run()
    return found


def rows_sent_by(agent: Agent, before_rest: list[int]) -> list[int]:
    """How many datagrams an agent sends together; `before_rest` gets how many had left at each rest."""
    rows: list[int] = []
    sleep = agent._sleep

    def rest_and_note(seconds: float) -> None:
        before_rest.append(sum(rows))
        sleep(seconds)

    agent._sleep = rest_and_note
    with mock.patch.object(agent.collectors, "send", lambda datagrams, _wall: rows.append(len(datagrams))):
        agent.run()
    return rows


def test_datagrams_of_a_row_leave_a_few_together_and_all_of_them_before_the_rest() -> None:
    before_rest: list[int] = []
    count = 2 * SENT_TOGETHER + 3
    rows = rows_sent_by(made(Inlet([*[CREATE] * count, 1.0, CREATE, 1.0])), before_rest)
    assert rows == [SENT_TOGETHER, SENT_TOGETHER, 3, 1]
    assert before_rest == [count, count + 1]


def test_what_is_asked_in_the_middle_of_a_row_finds_all_datagrams_sent() -> None:
    offered: list[int] = []

    class Asking(Inlet):
        def pop(self, wait_ms: int) -> Optional[RecordedEvent]:
            agent = self.agent
            assert agent is not None
            if self.arrivals:
                agent._requests.append((lambda: offered.append(agent.collectors.offered), threading.Event()))
            return super().pop(wait_ms)

    agent = made(Asking([CREATE, CREATE, CREATE]))
    agent.run()
    assert offered == [1, 2, 3]
    assert agent.watermark == 3


def test_datagrams_leave_before_a_question_that_may_take_its_time() -> None:
    inlet = Inlet([CREATE, gateway_state("carrier"), CREATE])
    agent = made(inlet)
    unsent: list[int] = []
    agent.run(sofia=lambda _words: unsent.append(agent.counters.ledger().built - agent.collectors.offered) or "")  # type: ignore[func-returns-value]
    assert unsent == [0, 0]
    assert agent.collectors.offered == 3


def test_what_the_channels_at_the_start_tell_is_sent_before_any_event_is_popped() -> None:
    inlet = Inlet([CREATE])
    agent = made(inlet)
    popped_before: list[int] = []

    def send(_datagrams: list[bytes], _wall: float) -> None:
        popped_before.append(len(inlet.delays))

    with mock.patch.object(agent.collectors, "send", send):
        agent.run(lambda: ["leg"] * 3, lambda _unique_id: CREATE)
    assert popped_before == [0, 0, 0, 1]


def test_datagrams_of_a_row_that_ignored_events_make_long_do_not_wait_for_its_end() -> None:
    ignored = RecordedEvent({**CREATE.headers, "Event-Name": "CHANNEL_DESTROY"})
    inlet = Inlet([CREATE, *[ignored] * 30])
    agent = made(inlet)
    popped_before: list[int] = []

    def send(_datagrams: list[bytes], _wall: float) -> None:
        popped_before.append(len(inlet.delays))

    with mock.patch.object(agent.collectors, "send", send):
        agent.run()
    assert popped_before == [SENT_TOGETHER]


def test_what_was_built_is_sent_whatever_happens_at_the_end() -> None:
    class Late(Inlet):
        def pop(self, wait_ms: int) -> Optional[RecordedEvent]:
            assert self.agent is not None
            self.agent._leaving_at = -1.0  # the grace is over in the middle of a row
            return super().pop(wait_ms)

    agent = made(Late([CREATE, CREATE]))
    with mock.patch.object(agent.pipeline, "finish", side_effect=RuntimeError("broken")), pytest.raises(RuntimeError):
        agent.run()
    assert agent.counters.ledger().built == agent.collectors.offered == 1


def test_a_fault_of_ours_in_sending_is_told_and_the_loop_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    agent = made(Inlet([CREATE, 1.0, CREATE]))
    with mock.patch.object(UdpCollector, "send", side_effect=RuntimeError("broken")):
        agent.run()
    assert [(each.outcomes, each.last_error and each.last_error.text) for each in agent.collectors] == [
        ({"error": 2}, "RuntimeError: broken")
    ]
    agent = made(Inlet([CREATE, 1.0, CREATE]))
    with mock.patch.object(agent.collectors, "send", side_effect=RuntimeError("all of it")):
        agent.run()
    assert agent.counters.mapped == {"CHANNEL_CREATE": 2}
    assert "sending failed: RuntimeError: all of it" in caplog.text


def test_a_message_has_the_time_when_its_event_was_popped_unless_that_is_too_late() -> None:
    late = RecordedEvent({**SLOW.headers, "Event-Name": "CHANNEL_HOLD"})
    assert sent_by(made(Inlet([0.006, CREATE, 0.001, SLOW, 0.3, late]))) == [8_000, LATEST, LATEST + 1]


def test_a_message_of_a_recorded_event_has_its_time_whatever_the_clock_on_the_wall_shows() -> None:
    inlet = Inlet([0.006, CREATE])
    inlet.agent = Agent(
        Config(), inlet.open, clock=inlet.clock, wall=lambda: 1_700_000_000.0, sleep=inlet.sleep, replays=True
    )
    assert sent_by(inlet.agent) == [0]


def test_a_recording_of_just_now_is_replayed_with_its_own_times() -> None:
    stamp = round(time.time() * 1e6) - 5_000
    just_now = RecordedEvent({**CREATE.headers, "Event-Date-Timestamp": str(stamp)})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(5)
        play(Config(collectors=(Address("127.0.0.1", collector.getsockname()[1]),)), Playback([just_now]))
        assert decode(collector.recv(65_535)).timestamp == stamp


def test_an_event_is_asked_for_its_name_once() -> None:
    counted = Counted(CREATE)
    run([counted])  # type: ignore[list-item]  # an event is what answers for its headers
    assert counted.asked.count("Event-Name") == 1


class Unreadable:
    """An event that can't be asked for anything."""

    def getHeader(self, _: str) -> Optional[str]:
        raise MemoryError

    def serialize(self, _: str) -> str:
        raise MemoryError


def test_event_that_can_not_even_be_read_is_one_failed_event() -> None:
    agent, _ = run([Unreadable(), CREATE])  # type: ignore[list-item]  # that is the point
    assert agent.counters.failed == {"MemoryError": 1}
    assert agent.counters.mapped == {"CHANNEL_CREATE": 1}


def test_channels_are_learned_before_the_first_pop() -> None:
    inlet = Inlet([])
    agent = made(inlet)

    def living() -> list[str]:
        assert inlet.bound
        assert inlet.waits == []
        assert not agent.running.is_set()
        return ["broken", "gone", "leg"]

    def describe(unique_id: str) -> Optional[Event]:
        if unique_id == "broken":
            raise MemoryError
        return RecordedEvent({**CREATE.headers, "Event-Name": "CHANNEL_DATA"}) if unique_id == "leg" else None

    agent.run(living, describe)
    leg = agent.pipeline.legs.find("leg")
    assert leg is not None
    assert leg.call_id == "call"
    assert agent.running.is_set()


def test_switch_that_does_not_tell_its_channels_is_served_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    inlet = Inlet([CREATE])
    agent = inlet.agent = Agent(Config(), inlet.open, clock=inlet.clock)
    agent.run(mock.Mock(side_effect=RuntimeError("no")))
    assert agent.counters.mapped == {"CHANNEL_CREATE": 1}
    assert "the question for the channels failed: RuntimeError: no" in caplog.messages


def rtcp_of(unique_id: str) -> RecordedEvent:
    return RecordedEvent({**RTCP.headers, "Unique-ID": unique_id})


def test_each_leg_is_asked_about_whatever_comes_of_the_others() -> None:
    inlet = Inlet([rtcp_of("broken"), rtcp_of("leg")])
    agent = inlet.agent = Agent(Config(), inlet.open, clock=inlet.clock)
    asked = []

    def describe(unique_id: str) -> Optional[Event]:
        asked.append(unique_id)
        if unique_id == "broken":
            raise TypeError("in method 'API_executeString', argument 2 of type 'char const *'")
        return RecordedEvent({**CREATE.headers, "Event-Name": "CHANNEL_DATA"})

    agent.run(list, describe)
    assert asked == ["broken", "leg"]
    assert agent.pipeline.legs.find("leg").call_id == "call"  # type: ignore[union-attr]


def test_fault_with_one_leg_or_part_of_housekeeping_costs_no_other_its_turn(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_that_one(leg: Leg) -> None:
        if leg.unique_id == "first":
            raise KeyError("first")

    inlet = Inlet([rtcp_of("first"), rtcp_of("second"), 11.0])
    agent = inlet.agent = Agent(Config(), inlet.open, clock=inlet.clock)
    monkeypatch.setattr(agent.pipeline.legs, "drop", not_that_one)
    polled = mock.Mock(return_value=["a complaint"])
    monkeypatch.setattr(agent.collectors, "poll", polled)
    agent.run()
    assert agent.counters.dropped == {"waited_too_long": 2}
    assert "housekeeping of a leg failed: KeyError: 'first'" in caplog.messages
    assert polled.call_count > 20
    assert "a complaint" in caplog.messages


def test_collectors_are_let_go_and_the_end_is_known_whatever_happens() -> None:
    class Failing(Inlet):
        def pop(self, wait_ms: int) -> Optional[RecordedEvent]:
            raise KeyboardInterrupt

        def close(self) -> None:
            super().close()
            raise OSError("already gone")

    inlet = Failing([])
    agent = Agent(Config(), inlet.open)
    with pytest.raises(OSError, match="already gone"):
        agent.run()
    assert inlet.closed == 1
    assert agent.ended.is_set()
    (collector,) = agent.collectors
    assert isinstance(collector, UdpCollector)
    assert collector._socket is None


def test_request_of_an_agent_that_has_ended_is_not_waited_for() -> None:
    agent, _ = run([])
    assert not agent.reconfigure(Config(collectors=(Address("192.0.2.1", 1),)))
    assert agent.config == Config()
    assert not agent._requests


def test_request_that_is_not_done_in_time_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_module, "REQUEST_TIMEOUT", 0.01)
    inlet = Inlet([])
    agent = made(inlet)
    assert not agent.reconfigure(Config(event_queue_length=10))
    agent.run()
    assert agent.config == Config()


def test_requests_are_done_in_their_order_between_two_events() -> None:
    done: list[Union[int, str]] = []
    callers: list[threading.Thread] = []

    def fail() -> None:
        done.append("failed")
        raise ValueError("x")

    class Asked(Inlet):
        """While the loop is in its first pop, three callers come."""

        def pop(self, wait_ms: int) -> Optional[RecordedEvent]:
            assert self.agent is not None
            for act in [] if callers else [lambda: done.append(1), fail, lambda: done.append(2)]:
                callers.append(threading.Thread(target=self.agent.run_between_events, args=[act]))
                callers[-1].start()
                deadline = time.monotonic() + 5
                while len(self.agent._requests) < len(callers) and time.monotonic() < deadline:
                    time.sleep(0.001)
                assert done == []
            return super().pop(wait_ms)

    inlet = Asked([CREATE])
    agent = made(inlet)
    agent.run()
    for caller in callers:
        caller.join(5)
        assert not caller.is_alive()
    assert done == [1, "failed", 2]
    assert agent.counters.mapped == {"CHANNEL_CREATE": 1}


def test_reload_that_needs_no_new_event_binds_none() -> None:
    agent, inlet = run([])
    bound = len(inlet.bound)
    agent._bind(Config(settings=Settings(capture_id=7)))
    assert len(inlet.bound) == bound
    agent._bind(Config(settings=Settings(call_events=(*Settings().call_events, names.CHANNEL_STATE))))
    assert inlet.bound[bound:] == [("CHANNEL_STATE", "")]


# --- questions about SIP profiles -------------------------------------------------------------------------------------


def gateway_state(name: str) -> RecordedEvent:
    return event("CUSTOM", {"Event-Subclass": "sofia::gateway_state", "Gateway": name, "State": "TRYING"})


def test_profiles_are_asked_about_at_the_start_and_what_is_new_at_once() -> None:
    inlet = Inlet([1.0, *[gateway_state("carrier")] * 5, gateway_state("two words"), 3.0])
    agent = made(inlet)
    asked: list[tuple[float, str]] = []

    def sofia(words: str) -> str:
        asked.append((inlet.now, words))
        return ""

    agent.run(sofia=sofia)
    assert [words for _, words in asked] == ["", "gateway carrier"]
    assert asked[1][0] - 1.0 <= REST
    assert agent.counters.built == {100: 6}
    assert agent.counters.waiting == 0


def test_no_more_is_asked_in_a_tick_than_there_is_time_for() -> None:
    inlet = Inlet([1.1, *[gateway_state(f"gw{number}") for number in range(120)], 0.1, 3.0])
    agent = made(inlet)
    asked: list[float] = []

    def sofia(_: str) -> str:
        asked.append(inlet.now)
        return ""

    agent.run(sofia=sofia)
    assert len(asked) == 121
    assert max(asked.count(at) for at in {*asked}) <= MAX_ASKED
    assert agent.counters.built == {100: 120}


def test_a_switch_that_fails_to_answer_about_a_profile_costs_nothing_else() -> None:
    inlet = Inlet([1.0, gateway_state("carrier"), 3.0])
    agent = made(inlet)

    def sofia(words: str) -> str:
        raise RuntimeError(words)

    agent.run(sofia=sofia)
    assert agent.counters.built == {100: 1}
    assert agent.counters.ledger().balances


def test_without_anybody_to_ask_nothing_waits() -> None:
    agent, _ = run([gateway_state("carrier")])
    assert agent.counters.built == {100: 1}
    assert agent.pipeline.legs.profiles.take_questions(9) == []


def test_an_agent_that_leaves_empties_its_inlet_and_does_not_close_it() -> None:
    inlet = Inlet([0.006, CREATE])
    agent = made(inlet)
    left: list[object] = []
    inlet.arrivals.append((0.5, SLOW))
    agent.run(channels=list, sofia=lambda _words: left.append(agent.leave()) or "")  # type: ignore[func-returns-value]
    assert left == [None]  # it has not begun: there is nothing to leave
    assert inlet.closed == 1
    inlet = Inlet([0.006, CREATE])
    agent = made(inlet)
    agent._requests.append((lambda: left.append(agent.leave()), threading.Event()))
    agent.run()
    assert left == [None, inlet]
    assert inlet.closed == 0
    assert agent.ended.is_set()


class Log:
    """A log whose lines the test gives."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.happened: list[str] = []
        self.problem = ""

    def configure(self, settings: Settings) -> None:
        self.happened.append(f"configure {settings.log_lines_level}")
        if settings.log_lines_level == "crit":
            raise RuntimeError("ours")

    def take(self) -> list[LogLine]:
        taken, self.lines = self.lines, []
        return taken

    def ask_for_more(self, unique_id: str, level: Optional[int]) -> None:
        self.happened.append(f"{unique_id} {level}")

    def report(self) -> dict[str, Any]:
        return {"file": "/x", "problem": self.problem, "counts": {"wanted": 1}}

    def close(self) -> None:
        self.happened.append("close")
        raise RuntimeError("ours")


def test_lines_of_the_log_are_taken_between_events_and_at_the_end() -> None:
    log = Log()
    recording = [CREATE, RecordedEvent({**CREATE.headers, "Event-Name": "CHANNEL_DESTROY"})]
    playback = Playback(recording, before_pop=lambda: log.lines.append(LogLine("leg", 1, "ERR", "a.c:1", "text")))
    settings = Settings(report_log_lines=True, log_lines_level="crit")
    agent = Agent(
        Config(settings=settings), lambda _length: playback, clock=playback.clock, log_lines=log, replays=True
    )
    playback.on_end = agent.stop
    agent.run()
    assert log.happened == ["configure crit", "leg None", "close"]
    assert agent.counters.log_lines["reported"] >= 1
    assert log.lines == []
    assert agent.ended.is_set()


def test_status_tells_what_became_of_the_lines_and_what_is_wrong() -> None:
    log = Log()
    agent = Agent(Config(settings=Settings(report_log_lines=True)), lambda _length: Playback([]), log_lines=log)
    agent.counters.log_lines["per_call"] = 2
    log.problem = "no such file"
    report = status(agent)
    assert report["log_lines"]["counts"] == {"wanted": 1, "per_call": 2}
    assert "log lines: no such file" in report["hints"]
    assert "log lines /x: wanted 1, per_call 2" in as_text(report)
    assert 'fs_hepipe_log_lines_total{outcome="per_call"} 2' in as_prometheus(report)
    assert "fs_hepipe_log_file_readable 0" in as_prometheus(report)
    agent.config = Config()
    report = status(agent)
    assert report["log_lines"] is None
    assert "log lines" not in as_text(report)
    assert "log_" not in as_prometheus(report)
