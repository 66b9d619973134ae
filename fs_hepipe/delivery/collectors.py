"""
Datagrams -> collectors. Each collector gets every datagram and counts the outcome of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Optional

from fs_hepipe.delivery.resolve import Resolver
from fs_hepipe.delivery.udp import Collector, LastError


class Collectors:
    """All collectors of an agent."""

    def __init__(self) -> None:
        self.offered = 0
        """Datagrams that were to be sent."""
        self._members: dict[str, tuple[Collector, Resolver]] = {}

    def __iter__(self) -> Iterator[Collector]:
        return iter([collector for collector, _ in self._members.values()])

    def configure(self, addresses: Iterable[tuple[str, str, int]]) -> None:
        """Replaces the collectors by these (name, host, port); one that stays keeps its socket and its counters."""
        before = dict(self._members)
        members: dict[str, tuple[Collector, Resolver]] = {}
        for name, host, port in addresses:
            members[name] = before.pop(name) if name in before else self._added(name, host, port)
        self._members = members  # in one step: other threads read it
        for collector, _ in before.values():
            collector.close()

    def poll(self, now: float, wall: float) -> list[str]:
        """Looks up names that are not resolved yet, without waiting. Returns new errors, one line each."""
        errors = []
        for collector, resolver in self._members.values():
            if collector.target is None:
                failure = _poll(resolver, now)
                collector.target = resolver.found
                if failure is not None:
                    collector.last_error = LastError(failure, wall)
            if collector.last_error is not collector.reported_error:
                collector.reported_error = collector.last_error
                errors.append(f"{collector.name}: {collector.last_error and collector.last_error.text}")
        return errors

    def send(self, datagrams: list[bytes], wall: float, clock: Optional[float] = None) -> None:
        """Sends datagrams to each collector; `wall` is the time, seconds since 1970. `clock` is never set back."""
        self.offered += len(datagrams)
        for collector, resolver in self._members.values():
            if collector.target is None:
                collector.target = resolver.found
            for datagram in datagrams:
                collector.send(datagram, wall, clock)

    @property
    def balances(self) -> bool:
        """Whether each collector has counted an outcome for each datagram since it was added."""
        return all(sum(each.outcomes.values()) == self.offered - each.joined for each in self)

    def close(self) -> None:
        """Closes all sockets."""
        for collector, _ in self._members.values():
            collector.close()

    def _added(self, name: str, host: str, port: int) -> tuple[Collector, Resolver]:
        collector, resolver = Collector(name, joined=self.offered), Resolver(host, port)
        collector.target = resolver.found
        return collector, resolver


def _poll(resolver: Resolver, now: float) -> Optional[str]:
    """Why a look-up failed, once. An exception here does not keep the other collectors from being polled."""
    try:
        return resolver.poll(now)
    except Exception as error:  # noqa: BLE001  a RuntimeError if no thread can be started
        return f"no look-up: {error}"
