"""
Messages -> collectors. Each `capture-server` gets every message; a group that is spread gives it to one of its members.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fs_hepipe.delivery.collector import Collector
from fs_hepipe.delivery.group import Destination, Member, call_id, members, ordering
from fs_hepipe.delivery.resolve import Resolver, Target
from fs_hepipe.delivery.settings import Delivery
from fs_hepipe.delivery.stream import StreamCollector
from fs_hepipe.delivery.udp import UdpCollector
from fs_hepipe.words.errors import TransportError

DEFAULTS = Delivery()


class Branch:
    """The collectors of one `capture-server`."""

    def __init__(self, collectors: Sequence[Collector], offered: int) -> None:
        self.collectors = collectors
        self._order = ordering([each.name for each in collectors])
        self._owed = offered - self.given
        """`Collectors.offered` when it began, less what its collectors had got before."""

    @property
    def given(self) -> int:
        """Messages that its collectors have got."""
        return sum(each.offered for each in self.collectors)

    def balances(self, offered: int) -> bool:
        """Whether each message was given to one of them, and each accounts for what it got."""
        return self.given == offered - self._owed and all(each.balances for each in self.collectors)

    def send(self, messages: list[bytes], wall: float) -> None:
        """Gives each message to the collector that its call belongs to; to the next one if that is lost."""
        only = self.collectors[0] if len(self.collectors) == 1 else None
        for message in messages:
            collector = self._chosen(message) if only is None else only
            try:
                collector.send(message, wall)
            except Exception as error:  # noqa: BLE001  the next message and the next collector have to get theirs
                collector.lose(error, wall)

    def _chosen(self, message: bytes) -> Collector:
        order = [self.collectors[index] for index in self._order(call_id(message))]
        return next((each for each in order if not each.is_lost), order[0])


class Collectors:
    """All collectors of an agent."""

    def __init__(self) -> None:
        self.offered = 0
        """Messages that were to be sent."""
        self._branches: list[Branch] = []
        self._members: dict[tuple[str, int], Collector] = {}
        """By name; the number tells those of the same name apart."""
        self._leaving: list[Collector] = []
        """Collectors that are no longer configured, and that may not have ended yet."""

    def __iter__(self) -> Iterator[Collector]:
        return iter(list(self._members.values()))

    def hear_of_trial(self, target: Target) -> None:
        """Tells them that a test datagram got to that address; a connection knows that better itself."""
        for collector in self:
            if isinstance(collector, UdpCollector):
                collector.hear_of_trial(target)

    def configure(self, destinations: Iterable[Destination], settings: Delivery = DEFAULTS) -> None:
        """
        Replaces the collectors by these. One that stays keeps its socket, its counters and what waits; its name is
        looked up again.
        """
        before = dict(self._members)
        found: dict[tuple[str, int], Collector] = {}
        branches = []
        for destination in destinations:
            collectors = []
            for member in members(destination):
                key = str(member), sum(name == str(member) for name, _ in found)
                if key in before:
                    found[key] = before.pop(key)
                    found[key].configure(settings)
                    found[key].look_up()
                else:
                    found[key] = _made(member, settings)
                collectors.append(found[key])
            branches.append(Branch(collectors, self.offered))
        self._members, self._branches = found, branches  # each in one step: other threads read them
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
        """Gives messages to the collectors; `wall` is the time, seconds since 1970."""
        self.offered += len(messages)
        for branch in self._branches:
            branch.send(messages, wall)

    @property
    def balances(self) -> bool:
        """Whether each capture-server has got each message since it was added, and accounts for each."""
        return all(branch.balances(self.offered) for branch in self._branches)

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


def _made(member: Member, settings: Delivery) -> Collector:
    if member.addresses[0].is_stream:
        return StreamCollector(str(member), member.addresses, settings)
    resolvers = [Resolver(each.host, each.port, settings.lookup_interval) for each in member.addresses]
    return UdpCollector(str(member), resolvers)
