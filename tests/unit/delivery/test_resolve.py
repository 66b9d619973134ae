"""Names of collectors: looked up beside the event path, again and again, all addresses in their order."""

from __future__ import annotations

import errno
import socket
import threading
import time
from typing import Any, NoReturn, Optional

import pytest

from fs_hepipe.delivery import resolve
from fs_hepipe.delivery.resolve import HANGING, RETRY, SOON, Resolver, Target, addresses, lookup, no_route
from fs_hepipe.words.errors import TransportError

V4: Target = (socket.AF_INET, ("192.0.2.1", 9060))
OTHER_V4: Target = (socket.AF_INET, ("192.0.2.2", 9060))
V6: Target = (socket.AF_INET6, ("2001:db8::1", 9060, 0, 0))


def resolvers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "fs_hepipe resolver"]


@pytest.mark.parametrize(
    ("found", "reachable", "expected"),
    [
        ([V6, V4], {V4, V6}, [V4, V6]),
        ([V6, V4], {V6}, [V6, V4]),
        ([V4, V6], {V6}, [V6, V4]),
        ([V6, V4], set(), [V4, V6]),
        ([V4, OTHER_V4], {OTHER_V4}, [OTHER_V4, V4]),
        ([OTHER_V4, V4], {V4, OTHER_V4}, [OTHER_V4, V4]),
        ([V4, V4], {V4}, [V4]),
    ],
)
def test_addresses_that_can_be_reached_come_first_then_ipv4_then_as_the_resolver_says(
    monkeypatch: pytest.MonkeyPatch, found: list[Target], reachable: set[Target], expected: list[Target]
) -> None:
    rows = [(family, socket.SOCK_DGRAM, 17, "", address) for family, address in found]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    monkeypatch.setattr(resolve, "no_route", lambda each: None if each in reachable else OSError(101, "no"))
    assert addresses("homer.example", 9060) == expected
    assert lookup("homer.example", 9060) == expected[0]


def test_this_machine_can_be_reached_and_a_family_that_there_is_not_can_not() -> None:
    assert no_route((socket.AF_INET, ("127.0.0.1", 9))) is None
    error = no_route((socket.AF_INET, ("255.255.255.255", 9)))
    assert error is not None
    assert error.errno in {errno.EACCES, errno.ENETUNREACH}


@pytest.mark.parametrize("host", ["x" * 64, "", ".", "a..b", "caf\udce9"])
def test_name_that_is_none_is_a_transport_error(host: str) -> None:
    if host != "":  # which is this machine
        with pytest.raises(TransportError, match="does not resolve"):
            lookup(host, 9060)
    assert not Resolver(host, 9060).found or host == ""


def test_address_written_out_is_never_looked_up() -> None:
    for host, family in (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6)):
        resolver = Resolver(host, 9060)
        ((found, address),) = resolver.found
        assert (found, address[:2]) == (family, (host, 9060))
        resolver.look_up_soon(0.0)
        assert resolver.poll(1e9) is None
        assert resolver._thread is None


class Asked:
    """A resolver whose look-ups a test answers; each is waited for."""

    def __init__(self, **options: Any) -> None:
        self.times = 0
        self.answer: object = [V4]
        self.resolver = Resolver("homer.example", 9060, look_up=self._look_up, **options)

    def _look_up(self, host: str, port: int) -> list[Target]:
        self.times += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        assert isinstance(self.answer, list)
        return self.answer

    def poll(self, now: float) -> Optional[str]:
        said = self.resolver.poll(now)
        if self.resolver._thread is not None:
            self.resolver._thread.join(5)
            said = self.resolver.poll(now) or said
        return said


def test_name_is_looked_up_again_after_its_interval() -> None:
    asked = Asked(interval=60.0)
    times = []
    for now in (0.0, 1.0, 59.0, 60.0, 119.0, 120.0):
        asked.poll(now)
        times.append(asked.times)
    assert times == [1, 1, 1, 2, 2, 3]
    asked.answer = [OTHER_V4]
    asked.poll(180.0)
    assert asked.resolver.found == [OTHER_V4]


def test_name_is_looked_up_at_once_when_asked_and_soon_after_errors() -> None:
    asked = Asked(interval=60.0)
    asked.poll(0.0)
    asked.resolver.look_up_soon()
    asked.poll(SOON - 1)
    assert asked.times == 1, "errors come often"
    asked.poll(SOON)
    assert asked.times == 2
    asked.resolver.look_up_soon(0.0)
    asked.poll(SOON)
    assert asked.times == 3


def test_failed_look_up_is_told_once_and_tried_again_later_and_keeps_what_was_found() -> None:
    asked = Asked(interval=60.0)
    asked.poll(0.0)
    asked.answer = TransportError("homer.example does not resolve: try again")
    assert asked.poll(60.0) == "homer.example does not resolve: try again"
    assert asked.resolver.found == [V4]
    assert [asked.poll(now) for now in (61.0, 59.0 + RETRY)] == [None] * 2
    assert asked.times == 2
    assert asked.poll(60.0 + RETRY) is not None
    asked.answer = [OTHER_V4]
    assert asked.poll(60.0 + 2 * RETRY) is None
    assert asked.resolver.found == [OTHER_V4]


def test_look_up_goes_on_beside_and_ends() -> None:
    go_on = threading.Event()

    def slow(host: str, port: int) -> list[Target]:
        go_on.wait(5)
        return [V4]

    resolver = Resolver("homer.example", 9060, look_up=slow)
    began = time.monotonic()
    assert [resolver.poll(now) for now in (0.0, 1.0, 2.0)] == [None] * 3
    assert time.monotonic() - began < 1
    assert [resolver.hangs(now) for now in (HANGING - 1, HANGING)] == [False, True]
    (thread,) = resolvers()
    assert thread.daemon, "the switch does not wait for a name server when it ends"
    go_on.set()
    thread.join(5)
    assert resolver.found == [V4]
    assert resolver.poll(3.0) is None
    assert not resolver.hangs(100.0)
    assert resolvers() == []


def test_no_thread_is_an_error_of_the_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError):
        Resolver("homer.example", 9060).poll(0.0)
