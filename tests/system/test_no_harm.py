"""An exception raised anywhere leaves no entry point, the loop goes on, and the console is not flooded."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any, Callable, NoReturn

import pytest

import freeswitch
import fs_hepipe
from freeswitch import Session, Stream, switch
from fs_hepipe.agent import status
from fs_hepipe.agent.loop import Agent
from fs_hepipe.calls.legs import Legs
from fs_hepipe.delivery.udp import UdpCollector
from fs_hepipe.hep import Flow
from fs_hepipe.reports import pipeline, rtcp
from fs_hepipe.reports.flows import Flows
from fs_hepipe.reports.order import Order
from fs_hepipe.switch import commands, host, starter
from tests.system.harness import Homer, System, assert_balanced, story, wait_for

MAX_LOGGED = 2048
"""Octets of a line."""


class BrokenError(Exception):
    """An exception that has no text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


ERRORS: list[BaseException] = [
    ValueError("x" * 100_000),
    ValueError("\x00\u202e\U000e0001\udce9" * 25_000),
    RecursionError("maximum recursion depth exceeded"),
    MemoryError(),
    BrokenError(),
]
ENDS: list[BaseException] = [KeyboardInterrupt(), SystemExit(1)]


class RaisingCounter(Counter[str]):
    """Counters that raise."""

    error: BaseException

    def __setitem__(self, key: str, value: int) -> None:
        raise self.error


class BrokenSocket:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def sendto(self, _: bytes, address: object) -> NoReturn:
        raise self.error

    def recvmsg(self, *_: int) -> NoReturn:
        raise BlockingIOError

    def close(self) -> None:
        """As a socket does."""


def raiser(error: BaseException) -> Callable[..., Any]:
    def raise_it(*_: object, **__: object) -> NoReturn:
        raise error

    return raise_it


def name_of(error: BaseException) -> str:
    return type(error).__name__


def break_mapper(patch: pytest.MonkeyPatch, agent: Agent, error: BaseException) -> None:
    patch.setattr(pipeline, "call_log", raiser(error))


def break_rtcp_mapper(patch: pytest.MonkeyPatch, agent: Agent, error: BaseException) -> None:
    patch.setattr(rtcp, "received", raiser(error))


def break_legs(patch: pytest.MonkeyPatch, agent: Agent, error: BaseException) -> None:
    patch.setattr(Legs, "observe", raiser(error))


def break_encoder(patch: pytest.MonkeyPatch, agent: Agent, error: BaseException) -> None:
    patch.setattr(Flow, "encode", raiser(error))


def break_flows(patch: pytest.MonkeyPatch, agent: Agent, error: BaseException) -> None:
    patch.setattr(Flows, "of", raiser(error))


def break_order(patch: pytest.MonkeyPatch, agent: Agent, error: BaseException) -> None:
    patch.setattr(Order, "time", raiser(error))


def break_socket(patch: pytest.MonkeyPatch, agent: Agent, error: BaseException) -> None:
    for collector in agent.collectors:
        patch.setattr(collector, "_socket", BrokenSocket(error))


def break_housekeeping(patch: pytest.MonkeyPatch, agent: Agent, error: BaseException) -> None:
    patch.setattr(agent.collectors, "poll", raiser(error))


def break_counters(patch: pytest.MonkeyPatch, agent: Agent, error: BaseException) -> None:
    broken = RaisingCounter()
    broken.error = error
    patch.setattr(agent.counters, "received", broken)
    patch.setattr(agent.counters, "failed", broken)


PARTS = [
    break_mapper,
    break_rtcp_mapper,
    break_legs,
    break_encoder,
    break_flows,
    break_order,
    break_socket,
    break_housekeeping,
    break_counters,
]


@pytest.fixture
def running(system: System, homer: Homer) -> Iterator[Agent]:
    system.configure(capture_server=homer.server)
    yield system.start()
    assert switch.faults == []


def assert_quiet(system: System, at_most: int) -> None:
    lines = system.log("err") + system.log("warning")
    assert len(lines) <= at_most, lines
    for line in system.log():
        assert len(line.encode()) <= MAX_LOGGED
        assert line[:-1].isprintable()
        assert line.endswith("\n")


# --- in the loop -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ERRORS, ids=name_of)
@pytest.mark.parametrize("break_part", PARTS, ids=lambda part: part.__name__)
def test_loop_goes_on_whichever_part_raises(
    system: System,
    homer: Homer,
    running: Agent,
    break_part: Callable[[pytest.MonkeyPatch, Agent, BaseException], None],
    error: BaseException,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        break_part(patch, running, error)
        for _ in range(3):
            system.fire(story("bridged_answered"))
        wait_for(lambda: system.log("err") or break_part is break_socket)
    assert starter.current.running() is running
    assert_quiet(system, at_most=1)
    if break_part is not break_socket:
        assert type(error).__name__ in system.log("err")[0]
    system.fire(story("busy_486"))
    wait_for(lambda: b"seq=2471" in b"".join(homer.datagrams))
    report = system.status()
    if break_part is not break_counters:  # then nothing can count
        assert_balanced(running)
        assert report["ledger"]["balances"]
    if break_part is break_socket:
        assert next(iter(running.collectors)).outcomes["error"] >= 24
    assert len(system.ask("status")) < 10_000
    assert report["events"]["received"]["CHANNEL_CREATE"] >= 2


@pytest.mark.parametrize("end", ENDS, ids=name_of)
@pytest.mark.parametrize("break_part", PARTS, ids=lambda part: part.__name__)
def test_interrupt_ends_the_loop_and_it_can_be_started_again(
    system: System,
    homer: Homer,
    running: Agent,
    break_part: Callable[[pytest.MonkeyPatch, Agent, BaseException], None],
    end: BaseException,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        break_part(patch, running, end)
        switch.fire(*story("bridged_answered"))
        wait_for(running.ended.is_set)
    assert starter.current.running() is None
    assert not [consumer for consumer in switch._consumers if consumer._ready]
    assert_quiet(system, at_most=0)
    assert system.ask("start") == "+OK started\n"
    system.fire(story("busy_486"))
    wait_for(lambda: b"seq=2471" in b"".join(homer.datagrams))


@pytest.mark.parametrize("error", ERRORS, ids=name_of)
def test_console_that_breaks_is_a_silent_one(
    system: System, homer: Homer, running: Agent, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(freeswitch, "consoleLog", raiser(error))
        patch.setattr(pipeline, "call_log", raiser(ValueError("something to say")))
        system.fire(story("busy_486"))
        assert system.ask("nonsense").startswith("-ERR")
        fs_hepipe.handler(Session("u1"), "nonsense")
        assert system.ask("restart") == "+OK started\n"
    system.fire(story("busy_486"))
    assert len(homer.messages(4)) == 4


def test_hostile_events_are_only_events(system: System, homer: Homer, running: Agent) -> None:
    event = story("bridged_answered")[0]
    for text in ("\udce9" * 60_000, "\x00\x1b[2J", "x" * 60_000, "%s%s%n", '"\\', "-1", "1e400", "nan", "ARRAY::a|:b"):
        for header in event:
            if header not in {"Event-Name", "Event-Subclass"}:
                switch.fire({**event, header: text})
        system.drained()
    assert starter.current.running() is running
    assert_balanced(running)
    assert_quiet(system, at_most=0)


# --- in the entry points --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ERRORS + ENDS, ids=name_of)
@pytest.mark.parametrize(
    ("owner", "attribute", "commands"),
    [
        (starter, "parse", ("start", "reload", "restart")),
        (commands, "as_text", ("", "status")),
        (commands, "as_prometheus", ("metrics",)),
        (commands, "encode", ("test",)),
        (starter, "Agent", ("restart",)),
        (host, "ask", ("test", "version", "restart")),
        (status, "hints", ("", "status", "status json", "metrics")),
        (Agent, "stop", ("stop", "restart")),
        (UdpCollector, "send", ("test",)),
    ],
)
def test_command_that_fails_is_answered(
    system: System, running: Agent, owner: object, attribute: str, commands: tuple[str, ...], error: BaseException
) -> None:
    for command in commands:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, attribute, raiser(error))
            patch.setattr(starter, "REQUEST_TIMEOUT", 0.2)
            answer = system.ask(command)
        if isinstance(error, Exception):
            assert answer.startswith("-ERR")
        assert len(answer.encode()) <= 10_000
        assert all(line.isprintable() for line in answer.splitlines())
        system.ask("start")
    assert_quiet(system, at_most=len(commands))
    assert system.ask("status").startswith("fs_hepipe ")


@pytest.mark.parametrize("error", ERRORS + ENDS, ids=name_of)
@pytest.mark.parametrize("attribute", ["parse", "Agent", "attach"])
def test_startup_script_that_fails_is_told_and_no_more(system: System, attribute: str, error: BaseException) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(starter, attribute, raiser(error))
        switch.startup_script("fs_hepipe").join(5)
    assert_quiet(system, at_most=1)
    if isinstance(error, Exception) and attribute != "attach":
        assert system.log("err")[0].startswith(f"fs_hepipe: ended: {type(error).__name__}")
    assert system.ask("start") == "+OK started\n"


@pytest.mark.parametrize("error", ERRORS + ENDS, ids=name_of)
def test_dialplan_that_fails_is_told_once(system: System, error: BaseException) -> None:
    session = Session("u1")
    session.get_uuid = raiser(error)  # type: ignore[method-assign]
    for _ in range(50):
        fs_hepipe.handler(session, "log hello")
    assert_quiet(system, at_most=1)
    assert len(system.log("err")) == isinstance(error, Exception)


@pytest.mark.parametrize("error", ERRORS, ids=name_of)
def test_answer_that_nobody_takes_is_let_go(system: System, error: BaseException) -> None:
    stream = Stream()
    stream.write = raiser(error)  # type: ignore[method-assign]
    for command in ("help", "nonsense", "status"):
        fs_hepipe.fsapi("na", stream, None, command)
    assert_quiet(system, at_most=1)


def test_what_is_everyones_stays_as_it_was(system: System, homer: Homer) -> None:
    before = everyones()
    system.configure(capture_server=homer.server)
    system.start()
    system.fire(story("busy_486"))
    system.shutdown()
    assert everyones() == before


def everyones() -> list[object]:
    """What all scripts of the switch share."""
    return [
        sys.getrecursionlimit(),
        sys.getswitchinterval(),
        threading.stack_size(),
        socket.getdefaulttimeout(),
        logging.getLogger().handlers[:],
        logging.getLogger().level,
        signal.getsignal(signal.SIGINT),
        sys.excepthook,
        threading.excepthook,
    ]


def test_every_problem_of_a_configuration_is_cut_to_a_line(system: System) -> None:
    system.configure(capture_id="\u202e" * 60_000, **{"x" * 60_000: "1"})
    switch.startup_script("fs_hepipe").join(5)
    assert_quiet(system, at_most=3)
    assert len(system.log("err")) == 3
    answer = system.ask("start")
    assert len(answer.encode()) < 8000
