"""A new fake switch for every test, with the package in it, nothing started yet."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from freeswitch import switch
from fs_hepipe.agent import log
from fs_hepipe.agent import loop as agent
from fs_hepipe.delivery import trial
from fs_hepipe.switch import starter
from fs_hepipe.switch.platform import Platform
from tests.system.harness import Homer, System
from tests.system.network import Network, why_not


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    logger = logging.getLogger(log.LOGGER)
    monkeypatch.setattr(logger, "handlers", [])  # a new handler has no lines held back
    monkeypatch.setattr(starter, "current", starter.Current())
    tested = Platform("1.10.12", "3.11.2", "Debian 12")  # whatever the tests run on
    monkeypatch.setattr(starter, "platform", lambda freeswitch: tested._replace(freeswitch=freeswitch))
    switch.reset()
    yield
    running = starter.current.running()
    if running is not None:
        running.stop()
    switch.reset()


@pytest.fixture
def swift(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits for the agent; the fake's hangups come 15 ms after SHUTDOWN."""
    monkeypatch.setattr(agent, "WAIT_MS", 20)
    monkeypatch.setattr(agent, "QUIET_MS", 60)
    monkeypatch.setattr(agent, "TICK", 0.05)
    monkeypatch.setattr(trial, "ANSWER_WAIT", 0.02)


@pytest.fixture
def system(swift: None) -> System:
    return System()


@pytest.fixture
def homer() -> Iterator[Homer]:
    collector = Homer()
    yield collector
    collector.close()


@pytest.fixture
def other_homer() -> Iterator[Homer]:
    collector = Homer()
    yield collector
    collector.close()


@pytest.fixture
def homer6() -> Iterator[Homer]:
    """A collector on IPv6."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no ::1")
    collector = Homer("::1")
    yield collector
    collector.close()


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """Namespaces of a switch, of routers and of collectors."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    found = Network()
    try:
        found.set_up()
        yield found
    finally:
        found.close()


@pytest.fixture(name="switch")
def inside_switch(network: Network, end: ExitStack) -> Network:
    """The network, and this thread is the switch's."""
    end.enter_context(network.inside("switch"))
    return network
