"""
Collectors over TCP behind a real network, in namespaces of their own: whatever happens to the way happens while
messages are sent, and every message arrives, in its order.
"""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

import pytest

from fs_hepipe.delivery import link, routes, stream
from fs_hepipe.delivery.address import Address, Tls
from fs_hepipe.delivery.settings import Delivery
from fs_hepipe.delivery.stream import StreamCollector
from tests.stream_homer import CA, StreamHomer, frame, server_context
from tests.system.harness import wait_for
from tests.system.network import HOMER, HOMER6, OTHER, Network, SlowLink

pytestmark = pytest.mark.namespaces


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that takes seconds takes a tenth of them."""
    monkeypatch.setattr(routes, "BACKOFF", (0.1, 0.5))
    monkeypatch.setattr(stream, "CONFIRM", 0.05)
    monkeypatch.setattr(routes, "PATIENCE", 1.0)
    monkeypatch.setattr(routes, "IMPATIENT", 0.5)
    monkeypatch.setattr(stream, "SILENCE", 1.0)
    monkeypatch.setattr(link, "SILENCE", 1.0)
    monkeypatch.setattr(link, "UNANSWERED", 2)
    monkeypatch.setattr(link, "PROVING", 0.2)


def homer_in(
    network: Network, end: ExitStack, name: str = "homer", ip: str = HOMER, *, tls: bool = False
) -> StreamHomer:
    def opened(family: int, kind: int) -> socket.socket:
        with network.inside(name):
            return socket.socket(family, kind)

    found = StreamHomer(ip, 9060, server_context() if tls else None, opened)
    end.callback(found.close)
    return found


class Traffic:
    """Messages, sent steadily."""

    def __init__(self, end: ExitStack, *addresses: Address) -> None:
        self.collector = StreamCollector("it", addresses, Delivery())
        end.callback(self.collector.join)
        self.sent = 0

    def send(self, count: int, pause: float = 0.004, size: int = 400) -> None:
        for _ in range(count):
            self.collector.send(frame(self.sent, size), 0.0)
            assert self.collector.balances
            self.sent += 1
            time.sleep(pause)

    def all_arrived(self, *homers: StreamHomer, timeout: float = 15.0) -> None:
        wait_for(lambda: {each for homer in homers for each in homer.numbers} == set(range(self.sent)), timeout)
        for homer in homers:
            assert homer.broken == []
            numbers = list(dict.fromkeys(homer.numbers))
            assert numbers == sorted(numbers)
        wait_for(lambda: self.collector.outcomes == {"sent": self.sent})
        assert self.collector.balances


def drop(network: Network, end: ExitStack, rule: str, name: str = "homer") -> ExitStack:
    """A firewall rule, until the stack that is returned is closed."""
    network.run(name, f"iptables -I {rule}")
    stack = end.enter_context(ExitStack())
    stack.callback(network.run, name, f"iptables -D {rule}")
    return stack


TCP = Address(HOMER, 9060, "tcp")


def test_route_that_is_removed_and_comes_back(switch: Network, end: ExitStack) -> None:
    homer, traffic = homer_in(switch, end), Traffic(end, TCP)
    traffic.send(50)
    switch.ip("switch", "route del default")
    traffic.send(300)
    assert traffic.collector.hint is not None
    switch.ip("switch", "route add default via 10.1.0.2")
    traffic.send(50)
    traffic.all_arrived(homer)


def test_black_hole_is_found_out_and_the_connection_replaced(switch: Network, end: ExitStack) -> None:
    homer, traffic = homer_in(switch, end), Traffic(end, TCP)
    traffic.send(50)
    hole = drop(switch, end, "INPUT -p tcp --dport 9060 -j DROP")
    traffic.send(500, pause=0.006)
    wait_for(lambda: traffic.collector.last_error is not None)
    assert traffic.collector.last_error is not None
    hole.close()
    traffic.send(50)
    traffic.all_arrived(homer)
    assert homer.accepted >= 2


def test_proxy_that_has_dropped_the_connection_silently(switch: Network, end: ExitStack) -> None:
    """A firewall on the way that knows the connection no more drops its packets, and lets new connections pass."""
    homer, traffic = homer_in(switch, end), Traffic(end, TCP)
    traffic.send(20)
    wait_for(lambda: len(homer.messages) == 20)
    link_of = traffic.collector._link
    assert link_of is not None
    port = link_of._socket.getsockname()[1]
    drop(switch, end, f"FORWARD -p tcp --sport {port} -j DROP", "router")
    drop(switch, end, f"FORWARD -p tcp --dport {port} -j DROP", "router")
    traffic.send(100)
    traffic.all_arrived(homer)


def test_reset_by_the_network(switch: Network, end: ExitStack) -> None:
    homer, traffic = homer_in(switch, end), Traffic(end, TCP)
    traffic.send(50)
    rejected = drop(switch, end, "INPUT -p tcp --dport 9060 -j REJECT --reject-with tcp-reset")
    traffic.send(100)
    rejected.close()
    traffic.send(50)
    traffic.all_arrived(homer)


def test_address_of_the_switch_that_changes(switch: Network, end: ExitStack) -> None:
    homer, traffic = homer_in(switch, end), Traffic(end, TCP)
    traffic.send(50)
    switch.ip("switch", "addr del 10.1.0.1/24 dev n1", "addr add 10.1.0.77/24 dev n1", "route add default via 10.1.0.2")
    traffic.send(100)
    traffic.all_arrived(homer)
    switch.ip("switch", "addr del 10.1.0.77/24 dev n1", "addr add 10.1.0.1/24 dev n1", "route add default via 10.1.0.2")
    traffic.send(50)
    traffic.all_arrived(homer)


def test_interface_that_goes_down_and_up(switch: Network, end: ExitStack) -> None:
    homer, traffic = homer_in(switch, end), Traffic(end, TCP)
    traffic.send(50)
    switch.ip("switch", "link set n1 down")
    traffic.send(200)
    switch.ip(
        "switch",
        "link set n1 up",
        "route add default via 10.1.0.2",
        "addr add fd01::1/64 dev n1 nodad",
        "route add ::/0 via fd01::2",
    )
    traffic.all_arrived(homer)


@pytest.mark.parametrize("host", [HOMER, HOMER6])
def test_messages_longer_than_the_path_takes(switch: Network, end: ExitStack, host: str) -> None:
    switch.ip("router", "link set r8 mtu 1280")
    switch.ip("homer", "link set n8 mtu 1280")
    end.callback(switch.ip, "router", "link set r8 mtu 1500")
    end.callback(switch.ip, "homer", "link set n8 mtu 1500")
    homer, traffic = homer_in(switch, end, ip=host), Traffic(end, Address(host, 9060, "tcp"))
    for size in (400, 1400, 9000, 60_000, 400):
        traffic.send(3, size=size)
    traffic.all_arrived(homer)


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_slow_way_that_loses_a_third(switch: Network, end: ExitStack, *, tls: bool) -> None:
    slow = SlowLink(switch, delay=0.1, loss=0.0)
    end.callback(slow.close)
    homer = homer_in(switch, end, ip="10.7.0.2", tls=tls)
    traffic = Traffic(end, Address("10.7.0.2", 9060, "tls" if tls else "tcp", Tls(ca=str(CA))))
    wait_for(lambda: traffic.collector.is_up)
    slow.loss = 0.3
    traffic.send(100)
    slow.loss = 0.0
    traffic.all_arrived(homer)


def test_handshake_that_stalls_on_the_way(switch: Network, end: ExitStack) -> None:
    """TCP connects, and what TLS says then is lost."""
    rule = drop(switch, end, "INPUT -p tcp --dport 9060 -m length --length 100:1500 -j DROP")
    homer, traffic = homer_in(switch, end, tls=True), Traffic(end, Address(HOMER, 9060, "tls", Tls(ca=str(CA))))
    traffic.send(50)
    wait_for(lambda: traffic.collector.last_error is not None)
    assert traffic.collector.last_error is not None
    assert "in the TLS handshake" in traffic.collector.last_error.text
    rule.close()
    traffic.all_arrived(homer)


def test_failover_over_a_black_hole_and_back(switch: Network, end: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "BETTER", (1.0, 1.0))
    monkeypatch.setattr(routes, "HELD", 0.5)
    first, second = homer_in(switch, end), homer_in(switch, end, "other", OTHER)
    traffic = Traffic(end, TCP, Address(OTHER, 9060, "tcp"))
    traffic.send(50)
    wait_for(lambda: len(first.messages) == 50)
    hole = drop(switch, end, "INPUT -p tcp --dport 9060 -j DROP")
    traffic.send(500, pause=0.006)
    wait_for(lambda: len(second.messages) > 0)
    hole.close()
    before = len(first.messages)
    for _ in range(500):
        traffic.send(1, pause=0.01)
        if len(first.messages) > before:
            break
    traffic.all_arrived(first, second)
    assert len(first.messages) > before, "the better one is used again"
