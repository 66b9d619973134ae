"""Collectors that come and go, refuse, can't be found or are far too slow: calls and other collectors don't notice."""

from __future__ import annotations

import re
import socket
import threading
import time
from typing import Optional

import pytest

from freeswitch import switch
from fs_hepipe.agent.loop import Agent
from fs_hepipe.delivery import resolve
from fs_hepipe.delivery.resolve import Target
from fs_hepipe.delivery.udp import UdpCollector
from fs_hepipe.hep import decode
from fs_hepipe.words.errors import TransportError
from tests.system.harness import UNRESOLVABLE, Homer, System, assert_balanced, story, wait_for


def resolved(agent: Agent) -> bool:
    return all(each.targets for each in agent.collectors if isinstance(each, UdpCollector))


def sockets(agent: Agent) -> list[Optional[socket.socket]]:
    return [each._socket for each in agent.collectors if isinstance(each, UdpCollector)]


def test_collector_that_comes_back_gets_what_comes_then(system: System, homer: Homer, other_homer: Homer) -> None:
    system.configure(capture_server=[homer.server, other_homer.server])
    agent = system.start()
    system.fire(story("bridged_answered"))
    assert len(homer.messages(24)) == 24
    homer.close()
    system.fire(story("caller_hangup"))
    assert any("nobody listens there" in hint for hint in system.status()["hints"])
    homer.listen()
    homer.datagrams.clear()
    system.fire(story("busy_486"))
    system.shutdown()
    fickle, steady = agent.collectors
    assert len(homer.messages(4)) == 4, "the first datagram after a refusal is sent again"
    assert len(other_homer.messages(48)) == 48
    assert steady.outcomes == {"sent": 48}
    assert fickle.refusals > 0
    assert sum(fickle.outcomes.values()) == 48
    assert_balanced(agent)


def test_status_its_json_and_test_tell_the_same_of_a_collector_that_was_away(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server)
    system.start()
    homer.close()
    system.fire(story("busy_486"))
    wait_for(lambda: system.status()["collectors"][0]["refusals"])
    collector = system.status()["collectors"][0]
    assert collector["refusals"] == collector["answers"]["refused"]
    assert collector["up"] is False
    text = system.ask("status")  # more answers may have come by now
    told = re.search(r"sent (\d+), answered with refused (\d+)\n", text)
    assert told is not None
    assert int(told[1]) == collector["sent"]
    assert collector["refusals"] <= int(told[2]) <= collector["sent"]
    assert "errors none" not in text
    assert system.ask("test").startswith("-ERR")
    homer.listen()
    assert system.ask("test").startswith("+OK")
    assert (system.status()["hints"], system.status()["collectors"][0]["up"]) == ([], True)
    assert "nobody listens" not in system.ask("status")


def test_each_collector_gets_each_message(system: System, homer: Homer, other_homer: Homer) -> None:
    system.configure(capture_server=[homer.server, "udp:127.0.0.1:9", other_homer.server, f"udp:{UNRESOLVABLE}:9060"])
    agent = system.start()
    system.fire(story("bridged_answered"))
    system.shutdown()
    assert len(homer.messages(24)) == 24
    assert homer.datagrams == other_homer.datagrams
    assert [sum(each.outcomes.values()) for each in agent.collectors] == [24] * 4
    assert list(agent.collectors)[3].outcomes == {"unresolved": 24}
    assert_balanced(agent)


def test_collector_on_ipv6_gets_ipv4_calls_too(system: System, homer6: Homer) -> None:
    system.configure(capture_server=homer6.server)
    system.start()
    system.fire(story("bridged_answered") + story("ipv6_echo"))
    system.shutdown()
    assert len(homer6.messages(33)) == 33
    assert {message.ip_family for message in homer6.messages()} == {2, 10}


def test_name_is_resolved_and_then_used(system: System, homer: Homer) -> None:
    system.configure(capture_server=f"udp:localhost:{homer.port}")
    agent = system.start()
    wait_for(lambda: resolved(agent))
    system.fire(story("bridged_answered"))
    assert len(homer.messages(24)) == 24
    wait_for(lambda: not [thread for thread in threading.enumerate() if thread.name == "fs_hepipe resolver"])


def test_name_that_takes_for_ever_to_resolve_keeps_nobody_waiting(
    system: System, homer: Homer, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = threading.Event()
    asked: list[str] = []

    def getaddrinfo(host: str, *arguments: object, **options: int) -> object:
        if options.get("flags") == socket.AI_NUMERICHOST:
            return real(host, *arguments, **options)  # type: ignore[arg-type]
        asked.append(host)
        slow.wait(10)
        return real("127.0.0.1", *arguments, **options)  # type: ignore[arg-type]

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    system.configure(capture_server=[f"udp:slow.example:{homer.port}", homer.server])
    agent = system.start()
    began = time.monotonic()
    system.fire(story("bridged_answered"))
    assert len(homer.messages(24)) == 24
    assert time.monotonic() - began < 5
    waits = system.status()["collectors"][0]
    assert (waits["errors"], waits["buffered"], waits["state"]) == ({}, 24, "waits for its name to resolve")
    slow.set()
    wait_for(lambda: resolved(agent))
    system.fire(story("busy_486"))
    assert len(homer.messages(56)) == 56, "what waited for the name is not lost"
    assert asked == ["slow.example"]
    assert_balanced(agent)


def test_name_that_does_not_resolve_is_tried_again_and_complained_of_once(
    system: System, homer: Homer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def look_up(host: str, port: int) -> list[Target]:
        asked.append(time.monotonic())
        if len(asked) < 4:
            raise TransportError(f"{host} does not resolve: not yet")
        return [(socket.AF_INET, ("127.0.0.1", homer.port))]

    monkeypatch.setattr(resolve.Resolver.__init__, "__defaults__", (60.0, look_up))
    monkeypatch.setattr(resolve, "RETRY", 0.05)
    system.configure(capture_server="udp:late.example:9060")
    agent = system.start()
    wait_for(lambda: len(asked) == 4)
    wait_for(lambda: resolved(agent))
    complaints = system.log("warning")
    assert complaints == ["fs_hepipe: udp:late.example:9060: late.example does not resolve: not yet\n"]
    system.fire(story("busy_486"))
    assert len(homer.messages(4)) == 4
    assert system.status()["hints"] == []


def test_descriptors_of_a_collector_that_refuses_do_not_grow(system: System) -> None:
    system.configure(capture_server="udp:127.0.0.1:9")
    agent = system.start()
    system.fire(story("bridged_answered"))
    before = sockets(agent)
    system.fire(story("caller_hangup"))
    assert sockets(agent) == before
    system.ask("stop")
    assert sockets(agent) == [None]


def test_message_larger_than_a_datagram_is_counted_not_cut(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server, call_log_format="full")
    agent = system.start()
    create = next(event for event in story("busy_486") if event["Event-Name"] == "CHANNEL_CREATE")
    system.fire([{**create, "variable_huge": "x" * 70_000}, {**create, "variable_large": "x" * 50_000}])
    (message,) = homer.messages(1)
    assert len(message.payload) > 50_000
    assert b"x" * 50_000 in message.payload
    assert sum(agent.counters.dropped.values()) == 1
    assert_balanced(agent)


def test_password_travels_in_its_own_chunk(system: System, homer: Homer) -> None:
    system.configure(capture_server=homer.server, capture_password="pass word", node_name="node 1")
    system.start()
    system.fire(story("busy_486"))
    homer.messages(4)
    assert {decode(datagram).auth_key for datagram in homer.datagrams} == {"pass word"}
    assert {decode(datagram).node_name for datagram in homer.datagrams} == {"node 1"}
    assert switch.faults == []
