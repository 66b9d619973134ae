"""
Datagrams -> collectors. Each collector gets every datagram and counts what became of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fs_hepipe.transport.resolve import Resolver, lookup
from fs_hepipe.transport.udp import REFUSED, SENT, UNRESOLVED, Collector, LastError, Target


class Collectors:
    """All collectors of an agent."""

    def __init__(self) -> None:
        self.offered = 0
        """Datagrams that there were to send."""
        self._members: dict[str, tuple[Collector, Resolver]] = {}

    def __iter__(self) -> Iterator[Collector]:
        return iter([collector for collector, _ in self._members.values()])

    def configure(self, addresses: Iterable[tuple[str, str, int]]) -> None:
        """The collectors as (name, host, port) from now on; one that stays keeps its socket and its counters."""
        before, self._members = self._members, {}
        for name, host, port in addresses:
            kept = before.pop(name, None)
            self._members[name] = kept or (Collector(name, joined=self.offered), Resolver(host, port))
        for collector, _ in before.values():
            collector.close()

    def poll(self, now: float, wall: float) -> list[str]:
        """Sees to names that don't resolve yet, without waiting; what there is to complain about, one line each."""
        complaints = []
        for collector, resolver in self._members.values():
            if collector.target is not None:
                continue
            collector.target = resolver.poll(now)
            if collector.target is None and resolver.error is not None:
                collector.last_error = LastError(resolver.error, wall)
                complaints.append(f"{collector.name}: {resolver.error}")
        return complaints

    def send(self, datagram: bytes, wall: float) -> None:
        """One datagram to each; `wall` is the time, seconds since 1970."""
        self.offered += 1
        for collector, _ in self._members.values():
            collector.send(datagram, wall)

    @property
    def balances(self) -> bool:
        """Whether each collector has counted an outcome for each datagram since it joined."""
        return all(sum(each.outcomes.values()) == self.offered - each.joined for each in self)

    def close(self) -> None:
        """Lets all sockets go."""
        for collector, _ in self._members.values():
            collector.close()


__all__ = ["REFUSED", "SENT", "UNRESOLVED", "Collector", "Collectors", "LastError", "Resolver", "Target", "lookup"]
