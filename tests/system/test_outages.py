"""
Collectors over UDP behind a real network, in namespaces of their own: routes and addresses that change, hosts and
routers that answer with every kind of error, paths that take short packets only.
"""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

import pytest

from fs_hepipe.delivery import trial
from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.answers import FORBIDDEN, REFUSED, UNREACHABLE
from fs_hepipe.delivery.collectors import Collectors
from fs_hepipe.delivery.resolve import Resolver, addresses
from fs_hepipe.delivery.udp import UdpCollector
from tests.system.harness import wait_for
from tests.system.network import HOMER, HOMER6, OTHER, Network, Receiver, SlowLink

pytestmark = pytest.mark.namespaces


def receiver(network: Network, end: ExitStack, name: str = "homer", ip: str = "") -> Receiver:
    found = Receiver(network, name, ip)
    end.callback(found.close)
    return found


def collector(host: str, end: ExitStack) -> UdpCollector:
    found = UdpCollector(f"udp:{host}:9060", [Resolver(host, 9060)])
    end.callback(found.close)
    return found


def send(to: UdpCollector, count: int, size: int = 400, pause: float = 0.003, begin: int = 0) -> list[bytes]:
    """Sends messages of this size, numbered; a poll after each, as the agent does now and then."""
    sent = []
    for number in range(begin, begin + count):
        message = b"%06d" % number + b"x" * (size - 6)
        to.send(message, time.time())
        sent.append(message)
        time.sleep(pause)
        to.poll(time.monotonic(), time.time())
    return sent


# --- answers ---------------------------------------------------------------------------------------------------------

KINDS = [
    ("icmp-port-unreachable", REFUSED, "port unreachable"),
    ("icmp-proto-unreachable", UNREACHABLE, "protocol unreachable"),
    ("icmp-host-unreachable", UNREACHABLE, "host unreachable"),
    ("icmp-net-unreachable", UNREACHABLE, "network unreachable"),
    ("icmp-host-prohibited", FORBIDDEN, "host administratively prohibited"),
    ("icmp-net-prohibited", FORBIDDEN, "network administratively prohibited"),
    ("icmp-admin-prohibited", FORBIDDEN, "communication administratively prohibited"),
]
KINDS6 = [
    ("icmp6-port-unreachable", REFUSED, "port unreachable"),
    ("icmp6-addr-unreachable", UNREACHABLE, "address unreachable"),
    ("icmp6-no-route", UNREACHABLE, "no route"),
    ("icmp6-adm-prohibited", FORBIDDEN, "administratively prohibited"),
    ("icmp6-policy-fail", FORBIDDEN, "policy"),
    ("icmp6-reject-route", FORBIDDEN, "rejects"),
]


@pytest.mark.parametrize(("kind", "outcome", "words"), [*KINDS, *KINDS6])
def test_every_answer_is_told_and_charged_to_no_other_message(
    switch: Network, end: ExitStack, kind: str, outcome: str, words: str
) -> None:
    six = "icmp6" in kind
    to = collector(HOMER6 if six else HOMER, end)
    tables = "ip6tables" if six else "iptables"
    arrived = receiver(switch, end, ip="::" if six else "")
    rule = f"INPUT -p udp --dport 9060 -j REJECT --reject-with {kind}"
    switch.run("homer", f"{tables} -I {rule}")
    send(to, 1)
    switch.run("homer", f"{tables} -D {rule}")
    assert to.answers == {outcome: 1}
    assert to.hint is not None
    assert words in to.hint
    assert f"(says {HOMER6 if six else HOMER})" in to.hint
    innocent = send(to, 5, begin=1)
    wait_for(lambda: arrived.messages == innocent)
    assert to.outcomes == {"sent": 6}


@pytest.mark.parametrize(("kind", "outcome", "words"), [*KINDS, *KINDS6])
def test_test_tells_every_answer(switch: Network, end: ExitStack, kind: str, outcome: str, words: str) -> None:
    six = "icmp6" in kind
    tables = "ip6tables" if six else "iptables"
    rule = f"INPUT -p udp --dport 9060 -j REJECT --reject-with {kind}"
    switch.run("homer", f"{tables} -I {rule}")
    end.callback(switch.run, "homer", f"{tables} -D {rule}")
    worked, text = trial.trial(Address(HOMER6 if six else HOMER, 9060), b"x")
    assert not worked
    assert words in text


def test_test_tells_a_neighbour_that_is_not_there(switch: Network, end: ExitStack) -> None:
    worked, text = trial.trial(Address("10.1.0.99", 9060), b"x")
    assert not worked
    assert "host unreachable" in text


def test_test_says_what_it_can_not_know(switch: Network, end: ExitStack) -> None:
    switch.run("homer", "iptables -I INPUT -p udp -j DROP")
    end.callback(switch.run, "homer", "iptables -D INPUT -p udp -j DROP")
    worked, text = trial.trial(Address(HOMER, 9060), b"x")
    assert worked
    assert "whether they arrived is not known" in text


@pytest.mark.parametrize("route", ["unreachable", "prohibit", "blackhole", "throw"])
def test_route_that_leads_nowhere_is_told_and_over_when_it_is_removed(
    switch: Network, end: ExitStack, route: str
) -> None:
    arrived = receiver(switch, end)
    to = collector(HOMER, end)
    if route == "throw":
        switch.ip("switch", "route del default")
    else:
        switch.ip("switch", f"route add {route} {HOMER}")
    send(to, 3)
    assert to.outcomes["sent"] == 0
    assert to.hint is not None
    switch.ip("switch", "route add default via 10.1.0.2" if route == "throw" else f"route del {route} {HOMER}")
    rest = send(to, 3, begin=3)
    wait_for(lambda: arrived.messages == rest)
    assert to.balances


# --- long messages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [HOMER, HOMER6])
def test_messages_longer_than_the_path_takes_arrive_and_cost_no_other(
    switch: Network, end: ExitStack, host: str
) -> None:
    switch.ip("router", "link set r8 mtu 1280")
    switch.ip("homer", "link set n8 mtu 1280")
    end.callback(switch.ip, "router", "link set r8 mtu 1500")
    end.callback(switch.ip, "homer", "link set n8 mtu 1500")
    arrived = receiver(switch, end, ip="::" if ":" in host else "")
    to = collector(host, end)
    sent = []
    for number, size in enumerate([400, 1400, 400, 9000, 400, 60_000, 400]):
        sent += send(to, 1, size, begin=number)
    wait_for(lambda: arrived.messages == sent)
    assert to.outcomes == {"sent": len(sent)}
    assert to.hint is None


# --- routes and addresses --------------------------------------------------------------------------------------------


def test_better_route_by_another_interface_loses_nothing(switch: Network, end: ExitStack) -> None:
    arrived = receiver(switch, end)
    to = collector(HOMER, end)
    sent = send(to, 10)
    switch.ip("switch", f"route add {HOMER}/32 via 10.2.0.2")
    end.callback(switch.ip, "switch", f"route del {HOMER}/32 via 10.2.0.2")
    switch.run("router", "iptables -I FORWARD -s 10.1.0.1 -j DROP")  # the old source is useless now
    end.callback(switch.run, "router", "iptables -D FORWARD -s 10.1.0.1 -j DROP")
    sent += send(to, 100, begin=10)
    wait_for(lambda: len(arrived.messages) == 110)
    assert arrived.messages == sent
    assert arrived.sources == ["10.1.0.1"] * 10 + ["10.2.0.1"] * 100


def test_address_of_the_switch_that_changes_loses_nothing(switch: Network, end: ExitStack) -> None:
    arrived = receiver(switch, end)
    to = collector(HOMER, end)
    send(to, 5)
    switch.ip("switch", "addr del 10.1.0.1/24 dev n1", "addr add 10.1.0.77/24 dev n1", "route add default via 10.1.0.2")
    send(to, 5, begin=5)
    switch.ip("switch", "addr del 10.1.0.77/24 dev n1", "addr add 10.1.0.1/24 dev n1", "route add default via 10.1.0.2")
    wait_for(lambda: len(arrived.messages) == 10)
    assert arrived.sources == ["10.1.0.1"] * 5 + ["10.1.0.77"] * 5


def test_interface_that_goes_down_and_up_is_told_and_then_used(switch: Network, end: ExitStack) -> None:
    arrived = receiver(switch, end)
    to = collector(HOMER, end)
    before = send(to, 3)
    switch.ip("switch", "link set n1 down")
    send(to, 3, begin=3)
    assert to.outcomes == {"sent": 3, "unreachable": 3}
    assert to.hint is not None
    assert to.hint.startswith("it can't be reached")
    switch.ip(
        "switch",
        "link set n1 up",
        "route add default via 10.1.0.2",
        "addr add fd01::1/64 dev n1 nodad",
        "route add ::/0 via fd01::2",
    )
    after = send(to, 3, begin=6, pause=0.05)
    wait_for(lambda: arrived.messages == before + after)


def test_host_without_an_ipv4_route_uses_the_ipv6_address_of_a_name(
    switch: Network, end: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch.ip("switch", "route del default")
    end.callback(switch.ip, "switch", "route add default via 10.1.0.2")
    _names(monkeypatch, {"homer.example": [(HOMER, 9060), (HOMER6, 9060, 0, 0)]})
    arrived = receiver(switch, end, ip="::")
    assert [host for _, (host, *_) in addresses("homer.example", 9060)] == [HOMER6, HOMER]
    to = collector("homer.example", end)
    sent = send(to, 20, pause=0.005)
    wait_for(lambda: arrived.messages == sent)


# --- names -----------------------------------------------------------------------------------------------------------


def _names(monkeypatch: pytest.MonkeyPatch, found: dict[str, list[tuple[object, ...]]]) -> None:
    """Name -> socket addresses, for this test; addresses that are written out are left to the system."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *arguments: object, **options: int) -> object:
        if host not in found or options.get("flags"):
            return real(host, port, *arguments, **options)  # type: ignore[arg-type]
        families = [(socket.AF_INET6 if len(each) == 4 else socket.AF_INET, each) for each in found[host]]
        return [(family, socket.SOCK_DGRAM, 17, "", each) for family, each in families]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_first_of_two_addresses_refuses_and_the_second_gets_every_message(
    switch: Network, end: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    _names(monkeypatch, {"homer.example": [(HOMER, 9060), (OTHER, 9060)]})
    arrived = receiver(switch, end, "other")
    to = collector("homer.example", end)
    sent = send(to, 51)
    wait_for(lambda: sorted(arrived.messages) == sent)
    assert to.hint is not None
    assert f"{OTHER}:9060 is used now" in to.hint
    worked, text = trial.trial(Address("homer.example", 9060), b"x")
    assert worked
    assert f"{HOMER}:9060 Connection refused: port unreachable" in text


def test_collector_that_moves_is_found(switch: Network, end: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, list[tuple[object, ...]]] = {"homer.example": [(HOMER, 9060)]}
    _names(monkeypatch, found)
    first, second = receiver(switch, end, "homer"), receiver(switch, end, "other")
    collectors = Collectors()
    end.callback(collectors.close)
    collectors.configure([Address("homer.example", 9060)])

    def send_some(count: int, begin: int) -> list[bytes]:
        messages = [b"%d" % number for number in range(begin, begin + count)]
        for message in messages:
            collectors.send([message], time.time())
            collectors.poll(time.monotonic(), time.time())
            time.sleep(0.005)
        return messages

    early = send_some(10, 0)
    wait_for(lambda: first.messages == early)
    found["homer.example"] = [(OTHER, 9060)]
    collectors.configure([Address("homer.example", 9060)])  # a reload; without one it is found after a minute
    time.sleep(0.1)
    collectors.poll(time.monotonic(), time.time())
    late = send_some(10, 100)
    time.sleep(0.05)
    assert set(late) - set(second.messages) - set(first.messages) == set()
    wait_for(lambda: late[-1] in second.messages)


def test_slow_and_lossy_way_has_no_errors(switch: Network, end: ExitStack) -> None:
    link = SlowLink(switch, delay=0.2, loss=0.3)
    end.callback(link.close)
    arrived = receiver(switch, end)
    to = collector("10.7.0.2", end)
    began = time.monotonic()
    for number in range(200):
        to.send(b"%d" % number, time.time())
    assert time.monotonic() - began < 0.2, "a send waits for nothing"
    wait_for(lambda: len(arrived.messages) > 100)
    assert to.outcomes == {"sent": 200}
