"""Several addresses in one capture-server: which comes first, which call goes where, what a loss moves."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from typing import Any

import pytest

from fs_hepipe.delivery import link, routes, stream
from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.collectors import Collectors
from fs_hepipe.delivery.group import (
    MAX_MEMBERS,
    Group,
    Member,
    all_addresses,
    call_id,
    destination,
    members,
    ordering,
)
from fs_hepipe.delivery.settings import Delivery
from fs_hepipe.delivery.stream import StreamCollector
from fs_hepipe.hep import Message, ProtocolType, encode
from tests.stream_homer import StreamHomer, frame
from tests.system.harness import wait_for

A, B, C = (Address(host, 9060, "tcp") for host in "abc")


# --- what is written -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tcp:a:9060", A),
        ("tcp:a:9060 | tcp:b:9060", Group((Member((A, B)),))),
        ("tcp:a:9060|tcp:b:9060|tcp:c:9060", Group((Member((A, B, C)),))),
        ("by=call-id tcp:a:9060, tcp:b:9060", Group((Member((A,)), Member((B,))))),
        ("by=call-id tcp:a:9060,tcp:b:9060 | tcp:c:9060", Group((Member((A,)), Member((B, C))))),
        ("udp:a:1 | udp:b:1", Group((Member((Address("a", 1), Address("b", 1))),))),
        ("by=call-id udp:a:1, tcp:a:9060", Group((Member((Address("a", 1),)), Member((A,))))),
    ],
)
def test_group_is_read_and_shown_as_it_was_written(text: str, expected: object) -> None:
    found = destination(text)
    assert found == expected
    assert destination(str(found)) == found


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("tcp:a:9060 |", "is not udp:host:port"),
        ("| tcp:a:9060", "is not udp:host:port"),
        ("tcp:a:9060, tcp:b:9060", "is not udp:host:port"),
        ("by=call-id", "is not udp:host:port"),
        ("by=call-id tcp:a:9060", "is spread over one collector"),
        ("by=call-id tcp:a:9060,", "is not udp:host:port"),
        ("by=node tcp:a:9060, tcp:b:9060", "write by=call-id"),
        ("tcp:a:9060 | tcp:a:9060", "has an address twice"),
        ("by=call-id tcp:a:9060, tcp:b:9060 | tcp:a:9060", "has an address twice"),
        ("tls:a:9061 | udp:b:9060", "has udp: and a connection in one failover list"),
        (" | ".join(f"tcp:h{number}:1" for number in range(MAX_MEMBERS + 1)), "has 33 addresses, 32 are the most"),
    ],
)
def test_group_that_is_none_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint.replace("|", r"\|")):
        destination(text)


def test_every_address_is_found_once() -> None:
    both = [destination("by=call-id tcp:a:9060, tcp:b:9060 | tcp:c:9060"), A]
    assert all_addresses(both) == [A, B, C]
    assert members(A) == (Member((A,)),)


# --- spread ----------------------------------------------------------------------------------------------------------


def message(correlation_id: str, number: int = 1) -> bytes:
    return encode(
        Message(
            timestamp=number, payload=b"x", protocol_type=ProtocolType.LOG, src_ip="192.0.2.1", dst_ip="192.0.2.2",
            capture_id=1, correlation_id=correlation_id, node_name="node", auth_key="key",
        )
    )  # fmt: skip


def test_call_id_is_found_in_a_message() -> None:
    assert call_id(message("call-1@example.com")) == b"call-1@example.com"
    assert call_id(message("x" * 300)) == b"x" * 300


@pytest.mark.parametrize("octets", [b"", b"HEP3", b"HEP3\0\6", b"HEP3\0\x10" + bytes(10), message("x")[:40]])
def test_message_without_a_call_id_has_an_empty_one(octets: bytes) -> None:
    assert call_id(octets) == b""


def test_calls_are_spread_evenly_and_a_loss_moves_only_its_own() -> None:
    names = [f"tcp:homer{number}:9060" for number in range(4)]
    keys = [b"call-%d@example.com" % number for number in range(8000)]
    order, fewer = ordering(names), ordering(names[:-1])
    shares = Counter(order(key)[0] for key in keys)
    assert all(1800 < share < 2200 for share in shares.values())
    moved = [key for key in keys if order(key)[0] != fewer(key)[0]]
    assert {order(key)[0] for key in moved} == {3}
    assert all(order(key)[1] == fewer(key)[0] for key in moved), "each went to its second collector"


def test_order_is_the_same_everywhere() -> None:
    """Two switches, or one after a restart, agree: the figures may never change."""
    order = ordering(["tcp:a:9060", "tcp:b:9060", "tcp:c:9060"])
    assert [order(b"call-%d" % number) for number in range(4)] == [[0, 2, 1], [2, 0, 1], [2, 0, 1], [2, 1, 0]]


class Recorder:
    """What the collectors of a group were given."""

    def __init__(self, collectors: Collectors, monkeypatch: pytest.MonkeyPatch) -> None:
        self.got: list[tuple[str, bytes]] = []
        for each in collectors:
            monkeypatch.setattr(each, "send", self._sender(each))

    def _sender(self, collector: Any) -> Any:
        def send(octets: bytes, wall: float) -> None:
            collector.offered += 1
            collector.outcomes["sent"] += 1
            self.got.append((collector.name, octets))

        return send


def test_each_call_goes_to_one_collector_and_to_the_next_while_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    collectors = Collectors()
    group = destination("by=call-id udp:127.0.0.1:1, udp:127.0.0.2:1, udp:127.0.0.3:1")
    collectors.configure([group, Address("::1", 1)])
    recorder = Recorder(collectors, monkeypatch)
    calls = [f"call-{number}" for number in range(30)]

    def round_of() -> dict[str, str]:
        recorder.got.clear()
        collectors.send([message(call) for call in calls for _ in range(2)], 1.0)
        assert collectors.balances
        spread = [(name, call_id(octets).decode()) for name, octets in recorder.got if "::1" not in name]
        assert len(spread) == 60
        assert len(set(spread)) == 30, "the messages of a call stay together"
        return {call: name for name, call in spread}

    before = round_of()
    first = next(iter(collectors))
    monkeypatch.setattr(type(first), "is_lost", property(lambda each: each is first))
    during = round_of()
    assert first.name not in during.values()
    assert {call for call in calls if before[call] != during[call]} == {
        call for call in calls if before[call] == first.name
    }
    monkeypatch.setattr(type(first), "is_lost", property(lambda each: True))
    assert round_of() == before, "if all are lost, each keeps its own"
    collectors.close()


def test_ledger_balances_when_a_group_changes_over_a_reload(monkeypatch: pytest.MonkeyPatch) -> None:
    collectors = Collectors()
    collectors.configure([destination("by=call-id udp:127.0.0.1:1, udp:127.0.0.2:1")])
    kept = next(iter(collectors))
    collectors.send([message(f"call-{number}") for number in range(20)], 1.0)
    collectors.configure([destination("by=call-id udp:127.0.0.1:1, udp:127.0.0.3:1"), Address("127.0.0.4", 1)])
    assert next(iter(collectors)) is kept
    collectors.send([message(f"call-{number}") for number in range(20)], 1.0)
    states = [collectors.balances]
    kept.offered += 1
    states.append(collectors.balances)
    assert states == [True, False]
    collectors.close()


# --- failover --------------------------------------------------------------------------------------------------------


@pytest.fixture
def end(end: ExitStack, monkeypatch: pytest.MonkeyPatch) -> ExitStack:
    """What a test has to undo, with short waits."""
    monkeypatch.setattr(routes, "BACKOFF", (0.05, 0.2))
    monkeypatch.setattr(stream, "CONFIRM", 0.02)
    monkeypatch.setattr(routes, "BETTER", (0.2, 1.0))
    monkeypatch.setattr(routes, "HELD", 0.2)
    monkeypatch.setattr(link, "PROVING", 0.1)
    return end


def homers(end: ExitStack, count: int = 2) -> list[StreamHomer]:
    found = [StreamHomer() for _ in range(count)]
    for each in found:
        end.callback(each.close)
    return found


def failover(end: ExitStack, *addressees: StreamHomer) -> StreamCollector:
    found = StreamCollector("collector", [Address(each.ip, each.port, "tcp") for each in addressees], Delivery())
    end.callback(found.join)
    return found


def send(collector: StreamCollector, count: int, begin: int = 0) -> list[int]:
    for number in range(begin, begin + count):
        collector.send(frame(number), 0.0)
        assert collector.balances
    return list(range(begin, begin + count))


def test_first_that_works_gets_the_messages(end: ExitStack) -> None:
    first, second = homers(end)
    collector = failover(end, first, second)
    numbers = send(collector, 5)
    wait_for(lambda: first.numbers == numbers)
    first.close()
    more = send(collector, 5, begin=5)
    wait_for(lambda: set(second.numbers) >= set(more))
    assert collector.hint is None


def test_better_one_is_used_again_when_it_has_held_for_a_while_and_nothing_is_lost(end: ExitStack) -> None:
    first, second = homers(end)
    first.close()
    collector = failover(end, first, second)
    numbers = send(collector, 5)
    wait_for(lambda: second.numbers == numbers)
    first.listen()
    number = 5
    while not first.messages:
        numbers += send(collector, 1, begin=number)
        number += 1
        time.sleep(0.01)
        assert number < 1000
    wait_for(lambda: sorted(set(first.numbers) | set(second.numbers)) == numbers)
    assert len(first.numbers) + len(second.numbers) == len(numbers), "none came twice: the change was in good order"


def test_better_one_that_does_not_hold_is_not_used(end: ExitStack) -> None:
    first, second = homers(end)
    first.resets_after = 0.05
    collector = failover(end, first, second)
    for number in range(100):
        send(collector, 1, begin=number)
        time.sleep(0.01)
    wait_for(lambda: set(first.numbers) | set(second.numbers) == set(range(100)))
    assert len(second.numbers) > 50
    assert first.accepted > 1
    assert second.accepted <= 3


def test_one_that_does_not_read_is_left_for_the_next(end: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "SILENCE", 0.2)
    monkeypatch.setattr(stream, "SILENCE", 0.2)
    monkeypatch.setattr(routes, "BETTER", (60.0, 60.0))
    first, second = homers(end)
    first.reads = False
    collector = failover(end, first, second)
    for number in range(200):
        collector.send(frame(number, 60_000), 0.0)
    wait_for(lambda: bool(second.numbers) and second.numbers[-1] == 199, timeout=20)
    assert second.broken == []


def test_first_that_comes_back_after_both_were_lost_gets_what_waited(end: ExitStack) -> None:
    first, second = homers(end)
    for each in (first, second):
        each.close()
    collector = failover(end, first, second)
    numbers = send(collector, 50)
    wait_for(lambda: collector.hint is not None)
    second.listen()
    wait_for(lambda: second.numbers == numbers)


def test_failover_of_udp_uses_the_addresses_in_their_order() -> None:
    collectors = Collectors()
    collectors.configure([destination("udp:127.0.0.1:1 | udp:127.0.0.2:2")])
    (collector,) = collectors
    assert collector.state == "sends to 127.0.0.1:1, 1 more known"
    collectors.close()
