"""
Messages -> collectors. Each collector gets every message and counts the outcome of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.collector import Collector
from fs_hepipe.delivery.resolve import Resolver
from fs_hepipe.delivery.settings import Delivery
from fs_hepipe.delivery.stream import StreamCollector
from fs_hepipe.delivery.udp import UdpCollector
from fs_hepipe.words.errors import TransportError

DEFAULTS = Delivery()


class Collectors:
    """All collectors of an agent."""

    def __init__(self) -> None:
        self.offered = 0
        """Messages that were to be sent."""
        self._members: dict[str, Collector] = {}
        self._joined: dict[str, int] = {}
        """`offered` at the time when a collector was added."""
        self._leaving: list[Collector] = []
        """Collectors that are no longer configured, and that may not have ended yet."""

    def __iter__(self) -> Iterator[Collector]:
        return iter(list(self._members.values()))

    def configure(self, addresses: Iterable[Address], settings: Delivery = DEFAULTS) -> None:
        """
        Replaces the collectors by those at these addresses. One that stays keeps its socket, its counters and what
        waits; its name is looked up again.
        """
        before = dict(self._members)
        members: dict[str, Collector] = {}
        for address in addresses:
            name = str(address)
            if name in before:
                members[name] = before.pop(name)
                members[name].configure(settings)
                members[name].look_up()
            else:
                members[name] = _made(name, address, settings)
                self._joined[name] = self.offered
        self._members = members  # in one step: other threads read it
        for collector in before.values():
            collector.close()
        self._leaving = [each for each in self._leaving if not each.has_ended] + list(before.values())

    def poll(self, now: float, wall: float) -> list[str]:
        """Does what depends on time alone, without waiting. Returns new errors, one line each."""
        errors = []
        for collector in self:
            collector.poll(now, wall)
            error = collector.take_error()
            if error is not None:
                errors.append(f"{collector.name}: {error}")
        return errors

    def send(self, messages: list[bytes], wall: float) -> None:
        """Gives messages to each collector; `wall` is the time, seconds since 1970."""
        self.offered += len(messages)
        for collector in self._members.values():
            send = collector.send
            for message in messages:
                send(message, wall)

    @property
    def balances(self) -> bool:
        """Whether each collector has got each message since it was added, and accounts for each."""
        return all(each.balances and each.offered == self.offered - self._joined[each.name] for each in self)

    def close(self) -> None:
        """
        Ends all collectors, and waits for them, two seconds at most for all together.

        Raises:
            TransportError: a thread has not ended.
        """
        leaving = [*self, *self._leaving]
        for collector in leaving:
            collector.close()
        stuck = [collector.name for collector in leaving if not collector.join()]
        if stuck:
            raise TransportError(f"the threads of {', '.join(stuck)} have not ended: the disk may hang")


def _made(name: str, address: Address, settings: Delivery) -> Collector:
    if address.is_stream:
        return StreamCollector(name, [address], settings)
    return UdpCollector(name, [Resolver(address.host, address.port, settings.lookup_interval)])
