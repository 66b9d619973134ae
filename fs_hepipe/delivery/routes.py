"""
The addresses of a collector over TCP or TLS -> which one is connected to next, and when.

All addresses of its names are tried in turn, the first first; one that did not hold comes after the others for a while.
When none works, the next attempt is 1 to 30 s later, longer each time, until a connection has held for `HELD`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple, Optional

from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.link import CLOSED, PATIENCE, UP, Link
from fs_hepipe.delivery.resolve import Resolver, Target

BACKOFF = (1.0, 30.0)
"""Seconds between two attempts to connect: at first, and at most; half more or less of it, by chance."""

HELD = 10.0
"""Seconds after which a connection is a good one: after its end, the first attempt is a quick one."""

BETTER = (60.0, 1800.0)
"""Seconds until an address before the one in use is tried again: at first, and at most. Longer after each failure."""

RESOLVING = 0.1
"""Seconds between two looks at a name that is being looked up."""

IMPATIENT = 3.0
"""Seconds for a connect, and for a handshake, if there is another address."""


class Way(NamedTuple):
    """An address as it was configured, and one of the addresses of its name."""

    address: Address
    target: Target


class Routes:
    """The addresses of one collector."""

    def __init__(self, addresses: Sequence[Address], interval: float) -> None:
        self.next_at = 0.0
        """When the next attempt is due, seconds of a steady clock, as all `now` here."""
        self._resolvers = [(each, Resolver(each.host, each.port, interval)) for each in addresses]
        self._untried: list[Way] = []
        self._avoided: dict[Address, float] = {}
        """Addresses that did not hold, and until when others are preferred."""
        self._attempts = 0

    def __len__(self) -> int:
        return len(self._resolvers)

    def configure(self, interval: float) -> None:
        """Seconds after which a name is looked up again."""
        for _, resolver in self._resolvers:
            resolver.interval = interval

    def look_up(self) -> None:
        """Looks the names up at the next `poll`."""
        for _, resolver in self._resolvers:
            resolver.look_up_soon(0.0)

    def poll(self, now: float) -> list[str]:
        """Starts the look-ups that are due. Returns why others have failed since the last time."""
        failures = [resolver.poll(now) for _, resolver in self._resolvers]
        return [each for each in failures if each is not None]

    def hangs(self, now: float) -> bool:
        """Whether no name server answers for a name that has no address yet."""
        return any(resolver.hangs(now) and not resolver.found for _, resolver in self._resolvers)

    @property
    def best(self) -> Way:
        """The first one that has an address; there is one."""
        return next(Way(address, resolver.found[0]) for address, resolver in self._resolvers if resolver.found)

    @property
    def patience(self) -> float:
        """Seconds for a connect to the one taken last, and for a handshake."""
        return IMPATIENT if self._untried else PATIENCE

    def take(self, now: float) -> Optional[Way]:
        """The next one to try; None while the names are being looked up."""
        if not self._untried:
            ordered = sorted(self._resolvers, key=lambda each: self._avoided.get(each[0], 0.0) > now)
            self._untried = [Way(address, target) for address, resolver in ordered for target in resolver.found]
        if not self._untried:
            self.next_at = now + RESOLVING
            return None
        return self._untried.pop(0)

    def lost(self, address: Address, now: float, up_for: Optional[float]) -> None:
        """
        A connection has ended: says when the next is to begin.

        Args:
            up_for: seconds that it held; 0 where it was of no use, None where it did not come up.
        """
        for _, resolver in self._resolvers:
            resolver.look_up_soon()
        if up_for is None:
            if not self._untried:
                self.pause(now)
            return  # the next address at once
        if up_for >= HELD:
            self._attempts = 0
        else:
            self._avoided[address] = now + BETTER[0]
        self._untried = []
        self.pause(now)

    def pause(self, now: float) -> None:
        """The next attempt is a while later."""
        shortest, longest = BACKOFF
        pause = min(longest, shortest * 2.0**self._attempts)
        self._attempts = min(self._attempts + 1, 10)
        pause *= random.uniform(0.5, 1.0)  # noqa: S311  so that a thousand switches do not come at once
        self.next_at = now + pause

    def rest(self, now: float) -> None:
        """The next attempt is as late as it ever is."""
        self.next_at = now + BACKOFF[1]

    def avoid_none(self) -> None:
        """The first one is the best again."""
        self._avoided.clear()


class Better:
    """A connection to an address before the one in use, now and then: it has to hold before it is used."""

    def __init__(self) -> None:
        self.link: Optional[Link] = None
        self.next_at: Optional[float] = None
        """When the next attempt is due; None where it is not known yet."""
        self._pause = BETTER[0]

    def step(self, used: Link, best: Way, now: float) -> Optional[Link]:
        """Does what is due. Returns the better connection when it is to be used instead."""
        if used.address == best.address:
            self.next_at = None
            if now - used.up_at >= BETTER[0]:
                self._pause = BETTER[0]
        elif self.next_at is None:
            self.next_at = now + self._pause
        elif self.link is None and now >= self.next_at:
            self.link = Link(best.address, best.target, now, IMPATIENT)
        link = self.link
        if link is None:
            return None
        link.step(now)
        if link.state == CLOSED:
            self.drop()
        elif link.state == UP and now - link.up_at >= HELD and used.all_acknowledged:
            self.link = None
            self._later()
            return link
        return None

    def drop(self) -> None:
        """Ends the attempt; the next is later."""
        if self.link is not None:
            self.link.close()
            self.link = None
        self._later()

    def _later(self) -> None:
        self.next_at = None
        self._pause = min(2 * self._pause, BETTER[1])
