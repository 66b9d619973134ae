"""Datagrams to collectors: each has an outcome, none blocks, none raises."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterator
from typing import NoReturn, Optional

import pytest

from fs_hepipe.delivery.collectors import Collectors
from fs_hepipe.delivery.resolve import RETRY, Resolver, lookup
from fs_hepipe.delivery.udp import REFUSING, Collector, LastError
from fs_hepipe.words.errors import TransportError

UNRESOLVABLE = "x" * 64


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(2)
        yield opened


def port_of(opened: socket.socket) -> int:
    port: int = opened.getsockname()[1]
    return port


def dead_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return port_of(probe)


def collector_at(port: int, host: str = "127.0.0.1") -> Collector:
    collector = Collector(f"udp:{host}:{port}")
    collector.target = lookup(host, port)
    return collector


class FakeSocket:
    """A socket that answers every send with an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.closed = False

    def send(self, _: bytes) -> NoReturn:
        raise self.error

    def close(self) -> None:
        self.closed = True
        raise OSError(errno.EBADF, "closed by somebody else")


def with_socket(error: Exception) -> tuple[Collector, FakeSocket]:
    collector, broken = Collector("udp:x:1"), FakeSocket(error)
    collector.target = socket.AF_INET, ("127.0.0.1", 1)
    collector._socket = broken  # type: ignore[assignment]
    return collector, broken


# --- one collector ---------------------------------------------------------------------------------------------------


def test_datagram_arrives_as_it_is(receiver: socket.socket) -> None:
    collector = collector_at(port_of(receiver))
    assert collector.send(b"HEP3", 1.0) == "sent"
    assert receiver.recv(100) == b"HEP3"
    assert (collector.outcomes, collector.octets, collector.last_error) == ({"sent": 1}, 4, None)
    collector.close()


def test_one_socket_serves_all_datagrams(receiver: socket.socket) -> None:
    collector = collector_at(port_of(receiver))
    sources = set()
    for _ in range(5):
        collector.send(b"x", 1.0)
        sources.add(receiver.recvfrom(100)[1])
    assert len(sources) == 1
    collector.close()
    collector.close()
    assert collector.send(b"after a close", 1.0) == "sent"
    collector.close()


def test_refusal_of_the_one_before_does_not_cost_this_one() -> None:
    port = dead_port()
    collector = collector_at(port)
    assert collector.send(b"lost", 1.0) == "sent"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", port))
        receiver.settimeout(2)
        assert collector.send(b"arrives", 2.0) == "sent"
        assert receiver.recv(100) == b"arrives"
    assert collector.outcomes == {"sent": 2}
    assert collector.refusals == 1
    assert collector.last_error is not None
    assert collector.last_error.time == 2.0
    assert "refused" in collector.last_error.text
    collector.close()


def test_every_datagram_to_nobody_is_counted() -> None:
    collector = collector_at(dead_port())
    for _ in range(10):
        collector.send(b"x", 1.0)
    assert sum(collector.outcomes.values()) == 10
    assert set(collector.outcomes) <= {"sent", "refused"}
    assert collector.refusals >= 9
    collector.close()


def test_second_refusal_is_the_outcome() -> None:
    collector, _ = with_socket(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))
    assert collector.send(b"x", 1.0) == "refused"
    assert collector.refusals == 2
    assert collector.octets == 0


def test_too_long_a_datagram_is_counted_and_the_next_one_goes(receiver: socket.socket) -> None:
    collector = collector_at(port_of(receiver))
    assert collector.send(b"x" * 66_000, 1.0) == "too_long"
    assert collector.send(b"short", 1.0) == "sent"
    assert receiver.recv(100) == b"short"
    collector.close()


@pytest.mark.parametrize(
    ("number", "outcome", "is_replaced"),
    [
        (errno.EAGAIN, "buffer_full", False),
        (errno.ENOBUFS, "buffer_full", False),
        (errno.EMSGSIZE, "too_long", False),
        (errno.EPERM, "forbidden", False),
        (errno.EACCES, "forbidden", False),
        (errno.ENETUNREACH, "unreachable", True),
        (errno.EHOSTUNREACH, "unreachable", True),
        (errno.ENETDOWN, "unreachable", True),
        (errno.EBADF, "error", True),
        (errno.EINVAL, "error", True),
        (0, "error", True),
    ],
)
def test_every_error_of_the_kernel_has_its_word(number: int, outcome: str, *, is_replaced: bool) -> None:
    collector, broken = with_socket(OSError(number, "why"))
    assert collector.send(b"x", 3.0) == outcome
    assert collector.outcomes == {outcome: 1}
    assert collector.last_error is not None
    assert collector.last_error.time == 3.0
    assert "why" in collector.last_error.text
    assert broken.closed == is_replaced
    assert (collector._socket is None) == is_replaced


@pytest.mark.parametrize("error", [MemoryError(), ValueError("x"), RecursionError("x")])
def test_error_that_is_none_of_the_kernels_is_an_outcome_too(error: Exception) -> None:
    collector, _ = with_socket(error)
    assert collector.send(b"x", 3.0) == "error"
    assert collector.last_error == (type(error).__name__, 3.0)


def test_socket_that_broke_is_replaced(receiver: socket.socket) -> None:
    collector = collector_at(port_of(receiver))
    collector.send(b"one", 1.0)
    assert collector._socket is not None
    collector._socket.close()
    assert collector.send(b"two", 1.0) == "error"
    assert collector.send(b"three", 1.0) == "sent"
    assert [receiver.recv(100) for _ in range(2)] == [b"one", b"three"]
    collector.close()


def test_address_that_can_not_be_connected_to_is_tried_at_each_datagram() -> None:
    collector = collector_at(9060, "255.255.255.255")  # broadcasting needs a permission that we don't ask for
    assert collector.send(b"x", 1.0) == collector.send(b"x", 1.0) == "forbidden"
    assert collector._socket is None


def test_collector_without_an_address_takes_nothing() -> None:
    collector = Collector("udp:nowhere:9060")
    assert collector.send(b"x", 1.0) == "unresolved"
    assert collector.outcomes == {"unresolved": 1}


def test_sending_never_blocks_however_full_the_buffer_is(receiver: socket.socket) -> None:
    collector = collector_at(port_of(receiver))
    collector.send(b"x", 1.0)
    assert collector._socket is not None
    assert collector._socket.getblocking() is False
    began = time.monotonic()
    for _ in range(1999):
        collector.send(b"x" * 60_000, 1.0)
    assert time.monotonic() - began < 5
    assert sum(collector.outcomes.values()) == 2000
    collector.close()


def test_collector_refuses_until_nothing_was_refused_for_a_while() -> None:
    collector, _ = with_socket(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))
    states = [collector.refuses]
    collector.send(b"x", 1000.0)
    states.append(collector.refuses)
    for seconds in (REFUSING - 1, REFUSING):  # a host tells it once a second at most
        collector.sent_at = 1000.0 + seconds
        states.append(collector.refuses)
    assert states == [False, True, True, False]


def test_a_wall_clock_that_is_set_back_does_not_keep_a_collector_refusing(receiver: socket.socket) -> None:
    collector, _ = with_socket(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))
    collector.send(b"x", 7200.0, 10.0)
    assert collector.refuses
    assert collector.last_error is not None
    assert collector.last_error.time == 7200.0
    collector.close()
    collector.target = socket.AF_INET, ("127.0.0.1", port_of(receiver))
    for clock, refuses in ((11.0, True), (10.0 + REFUSING - 0.1, True), (10.0 + REFUSING, False)):
        assert collector.send(b"x", 3600.0 + clock, clock) == "sent"
        assert collector.refuses is refuses
    collector.close()



# --- names -----------------------------------------------------------------------------------------------------------


def test_address_written_out_needs_no_thread() -> None:
    for host, family in (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6)):
        resolver = Resolver(host, 9060)
        assert resolver.found is not None
        assert resolver.found[0] == family
        assert resolver.found[1][:2] == (host, 9060)
        assert resolver.poll(0.0) is None
        assert resolver._thread is None


def test_name_with_both_families_gives_its_ipv4_address(monkeypatch: pytest.MonkeyPatch) -> None:
    v6 = (socket.AF_INET6, socket.SOCK_DGRAM, 17, "", ("::1", 9060, 0, 0))
    v4 = (socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("127.0.0.1", 9060))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [v6, v4])
    assert lookup("localhost", 9060) == (socket.AF_INET, ("127.0.0.1", 9060))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [v6])
    assert lookup("localhost", 9060) == (socket.AF_INET6, ("::1", 9060, 0, 0))


@pytest.mark.parametrize("host", [UNRESOLVABLE, "", ".", "a..b", "caf\udce9"])
def test_name_that_is_none_is_a_transport_error(host: str) -> None:
    if host != "":  # which is this machine
        with pytest.raises(TransportError, match="does not resolve"):
            lookup(host, 9060)
    assert Resolver(host, 9060).found is None or host == ""


def test_look_up_goes_on_beside_and_ends() -> None:
    go_on = threading.Event()

    def slow(host: str, port: int) -> tuple[int, tuple[object, ...]]:
        go_on.wait(5)
        return socket.AF_INET, (host, port)

    resolver = Resolver("name", 9060, slow)
    began = time.monotonic()
    assert [resolver.poll(now) for now in (0.0, 1.0, 2.0)] == [None] * 3
    assert time.monotonic() - began < 1
    (thread,) = resolvers()
    assert thread.daemon, "the switch does not wait for a name server when it ends"
    go_on.set()
    thread.join(5)
    assert resolver.found == (socket.AF_INET, ("name", 9060))
    assert [resolver.poll(now) for now in (3.0, 3.0 + RETRY)] == [None] * 2
    assert resolvers() == [], "what has resolved is not asked again"


def resolvers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "fs_hepipe resolver"]


def test_failed_look_up_is_told_once_and_tried_again_later() -> None:
    asked: list[int] = []

    def refuse(host: str, port: int) -> NoReturn:
        asked.append(port)
        raise TransportError(f"{host} does not resolve: try {len(asked)}")

    resolver = Resolver("name", 9060, refuse)

    def poll(now: float) -> Optional[str]:
        said = resolver.poll(now)
        if resolver._thread is not None:
            resolver._thread.join(5)
        return said

    assert poll(0.0) is None
    assert poll(0.5) == "name does not resolve: try 1"
    assert [poll(now) for now in (1.0, 2.0, 0.4 + RETRY)] == [None] * 3
    assert len(asked) == 1
    assert poll(0.5 + RETRY) is None
    assert len(asked) == 2
    assert poll(1.0 + RETRY) == "name does not resolve: try 2"
    assert resolver.found is None


# --- all of them -----------------------------------------------------------------------------------------------------


def test_each_collector_gets_each_datagram_and_the_ledger_balances(receiver: socket.socket) -> None:
    collectors = Collectors()
    ports = port_of(receiver), dead_port()
    collectors.configure([("a", "127.0.0.1", ports[0]), ("b", "127.0.0.1", ports[1]), ("c", UNRESOLVABLE, 1)])
    for number in range(5):
        collectors.send([bytes([number])], 1.0)
    assert [receiver.recv(10) for _ in range(5)] == [bytes([number]) for number in range(5)]
    assert [sum(each.outcomes.values()) for each in collectors] == [5, 5, 5]
    assert (collectors.offered, collectors.balances) == (5, True)
    next(iter(collectors)).outcomes["sent"] -= 1
    assert (collectors.offered, collectors.balances) == (5, False)
    collectors.close()


def test_collector_that_stays_keeps_its_socket_and_one_that_joins_owes_nothing(receiver: socket.socket) -> None:
    collectors = Collectors()
    collectors.configure([("a", "127.0.0.1", port_of(receiver)), ("b", "127.0.0.1", port_of(receiver))])
    collectors.send([b"x"], 1.0)
    first, second = collectors
    collectors.configure([("c", "127.0.0.1", port_of(receiver)), ("a", "127.0.0.1", port_of(receiver))])
    third, kept = collectors
    assert kept is first
    assert kept._socket is not None
    assert second._socket is None
    collectors.send([b"y"], 1.0)
    assert (kept.outcomes["sent"], third.outcomes["sent"], third.joined) == (2, 1, 1)
    assert collectors.balances
    collectors.close()
    assert third._socket is None


def test_name_that_resolves_is_used_from_the_next_datagram_on(
    receiver: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()

    def look_up(host: str, port: int) -> tuple[int, tuple[object, ...]]:
        answer.wait(5)
        return socket.AF_INET, ("127.0.0.1", port_of(receiver))

    monkeypatch.setattr(Resolver.__init__, "__defaults__", (look_up,))
    collectors = Collectors()
    collectors.configure([("a", "homer.example", 9060)])
    collectors.send([b"too early"], 1.0)
    assert collectors.poll(0.0, 1.0) == []
    (thread,) = resolvers()
    answer.set()
    thread.join(5)
    collectors.send([b"in time"], 1.0)
    assert receiver.recv(100) == b"in time"
    (collector,) = collectors
    assert collector.outcomes == {"unresolved": 1, "sent": 1}
    collectors.close()


def test_name_that_does_not_resolve_is_complained_of_once_a_look_up() -> None:
    collectors = Collectors()
    collectors.configure([("a", UNRESOLVABLE, 9060)])
    complaints: list[str] = []
    deadline = time.monotonic() + 5
    while not complaints and time.monotonic() < deadline:
        complaints += collectors.poll(0.0, 7.0)
    assert len(complaints) == 1
    assert complaints[0].startswith(f"a: {UNRESOLVABLE} does not resolve: ")
    assert [collectors.poll(now, 8.0) for now in (0.0, 1.0)] == [[], []]
    (collector,) = collectors
    assert collector.last_error is not None
    assert collector.last_error.time == 7.0
    collectors.close()


def test_an_error_of_a_collector_is_complained_of_once() -> None:
    collectors = Collectors()
    collectors.configure([("udp:127.0.0.1:9", "127.0.0.1", 9)])
    collectors.poll(0.0, 0.0)
    (collector,) = collectors
    collector.last_error = LastError("Connection refused", 1.0)
    assert collectors.poll(1.0, 1.0) == ["udp:127.0.0.1:9: Connection refused"]
    assert collectors.poll(2.0, 2.0) == []
    collectors.close()
