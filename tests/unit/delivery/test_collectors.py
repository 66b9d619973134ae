"""All collectors: each gets each message, the ledger balances, a reload keeps what stays."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.collector import LastError
from fs_hepipe.delivery.collectors import Collectors
from fs_hepipe.delivery.group import Group, Member
from fs_hepipe.delivery.resolve import Resolver, Target
from fs_hepipe.delivery.udp import UdpCollector
from tests.udp import dead_port, port_of

UNRESOLVABLE = "x" * 64


def test_each_collector_gets_each_message_and_the_ledger_balances(receiver: socket.socket) -> None:
    collectors = Collectors()
    ports = port_of(receiver), dead_port()
    collectors.configure([Address("127.0.0.1", ports[0]), Address("127.0.0.1", ports[1]), Address(UNRESOLVABLE, 1)])
    for number in range(5):
        collectors.send([bytes([number])], 1.0)
        assert collectors.balances
    assert [receiver.recv(10) for _ in range(5)] == [bytes([number]) for number in range(5)]
    assert [sum(each.outcomes.values()) + each.buffered for each in collectors] == [5, 5, 5]
    assert (collectors.offered, collectors.balances) == (5, True)
    first = next(iter(collectors))
    first.outcomes["sent"] -= 1
    assert not collectors.balances
    first.offered -= 1
    assert not collectors.balances, "it balances by itself, but was given four of five"
    collectors.close()


@pytest.mark.parametrize("spread", [False, True])
def test_a_fault_of_ours_in_sending_costs_one_message_and_is_counted(
    receiver: socket.socket, monkeypatch: pytest.MonkeyPatch, *, spread: bool
) -> None:
    collectors = Collectors()
    addresses = [Address("127.0.0.1", dead_port()), Address("127.0.0.1", port_of(receiver))]
    collectors.configure([Group(tuple(Member((each,)) for each in addresses))] if spread else addresses)
    send = UdpCollector.send

    def break_at_two(self: UdpCollector, message: bytes, wall: float) -> None:
        send(self, message, wall)
        if message == b"2":
            self.outcomes["sent"] -= 1
            raise RuntimeError("broken")

    monkeypatch.setattr(UdpCollector, "send", break_at_two)
    collectors.send([b"1", b"2", b"3"], 7.0)
    first, second = collectors
    lost = sum(each.outcomes["error"] for each in collectors)
    assert lost == (1 if spread else 2)
    assert first.offered + second.offered == (3 if spread else 6)
    assert LastError("RuntimeError: broken", 7.0) in (first.last_error, second.last_error)
    assert collectors.balances
    collectors.close()


def test_collector_that_stays_keeps_its_socket_and_one_that_joins_owes_nothing(receiver: socket.socket) -> None:
    port, other, third_port = port_of(receiver), dead_port(), dead_port()
    collectors = Collectors()
    collectors.configure([Address("127.0.0.1", port), Address("127.0.0.1", other)])
    collectors.send([b"x"], 1.0)
    first, second = collectors
    collectors.configure([Address("127.0.0.1", third_port), Address("127.0.0.1", port)])
    third, kept = collectors
    assert kept is first
    assert isinstance(kept, UdpCollector)
    assert isinstance(second, UdpCollector)
    assert isinstance(third, UdpCollector)
    assert kept._socket is not None
    assert second._socket is None
    collectors.send([b"y"], 1.0)
    assert (kept.outcomes["sent"], third.outcomes["sent"], third.offered) == (2, 1, 1)
    assert collectors.balances
    collectors.close()
    assert third._socket is None


def look_ups(monkeypatch: pytest.MonkeyPatch, found: dict[str, Target], asked: list[str]) -> None:
    def look_up(host: str, port: int) -> list[Target]:
        asked.append(host)
        return [found[host]]

    monkeypatch.setattr(Resolver.__init__, "__defaults__", (60.0, look_up))


def settle(collectors: Collectors, now: float) -> None:
    """Polls until all look-ups that are due have ended and are used."""
    collectors.poll(now, now)
    for thread in threading.enumerate():
        if thread.name == "fs_hepipe resolver":
            thread.join(5)
    collectors.poll(now, now)


def test_reload_looks_the_names_up_again(receiver: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    here: Target = (socket.AF_INET, ("127.0.0.1", port_of(receiver)))
    found: dict[str, Target] = {"homer.example": (socket.AF_INET, ("127.0.0.1", dead_port()))}
    asked: list[str] = []
    look_ups(monkeypatch, found, asked)
    collectors = Collectors()
    collectors.configure([Address("homer.example", 9060)])
    settle(collectors, 0.0)
    collectors.send([b"before"], 1.0)
    found["homer.example"] = here
    collectors.configure([Address("homer.example", 9060)])
    settle(collectors, 1.0)
    collectors.send([b"after"], 2.0)
    assert receiver.recv(100) == b"after"
    assert asked == ["homer.example"] * 2
    collectors.close()


def test_name_that_does_not_resolve_is_complained_of_once_a_look_up() -> None:
    collectors = Collectors()
    collectors.configure([Address(UNRESOLVABLE, 9060)])
    complaints: list[str] = []
    deadline = time.monotonic() + 5
    while not complaints and time.monotonic() < deadline:
        complaints += collectors.poll(0.0, 7.0)
    assert len(complaints) == 1
    assert complaints[0].startswith(f"udp:{UNRESOLVABLE}:9060: {UNRESOLVABLE} does not resolve: ")
    assert [collectors.poll(now, 8.0) for now in (0.0, 1.0)] == [[], []]
    (collector,) = collectors
    assert collector.last_error is not None
    assert collector.last_error.time == 7.0
    assert collector.hint == "the name does not resolve, nothing is sent there"
    collectors.close()


def test_an_error_of_a_collector_is_complained_of_once() -> None:
    collectors = Collectors()
    collectors.configure([Address("127.0.0.1", 9)])
    collectors.poll(0.0, 0.0)
    (collector,) = collectors
    collector.last_error = LastError("Connection refused", 1.0)
    assert collectors.poll(1.0, 1.0) == ["udp:127.0.0.1:9: Connection refused"]
    assert collectors.poll(2.0, 2.0) == []
    collectors.close()
