"""
Messages -> one collector over TCP or TLS. The event path only puts them into a buffer; a thread of the collector's own
connects, sends, and connects again.

Rules:
1. `sent` means that the collector's host has acknowledged the message, see `link`. Until then it is kept: it counts as
   buffered, and after a new connection it is sent again, whole.
2. What waited is sent in its order, `PACE` octets a second and twice as fast as new messages come, so that a backlog
   costs the switch little.
3. Which address is connected to, and when, see `routes`.
4. The thread ends when asked to, `FLUSH` later at most. What could not be sent by then is counted as `stopped`.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Sequence
from typing import Callable, Optional

from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.backlog import Backlog
from fs_hepipe.delivery.collector import SENT, Collector, LastError, local_time
from fs_hepipe.delivery.link import CLOSED, SILENCE, UP, Link
from fs_hepipe.delivery.resolve import written
from fs_hepipe.delivery.routes import Better, Routes
from fs_hepipe.delivery.settings import Delivery

SLICE = 0.02
"""Seconds between two writes: what comes in between goes out together."""

ACTIVE = 0.5
"""Seconds after a message in which the thread looks for others every `SLICE`; later, the next one wakes it."""

PACE = 2_000_000
"""Octets a second of a backlog: 3,000 messages."""

HOUSEKEEPING = 1.0
"""Seconds between two looks at names, and at messages that can be packed."""

CONFIRM = 0.25
"""Seconds between two looks at what the collector's host has acknowledged."""

IDLE = 15.0
"""Seconds that the thread sleeps at most."""

FLUSH = 1.0
"""Seconds to send what waits, when the agent stops."""

JOIN = 1.0
"""Seconds to wait for the thread beyond that."""


class StreamCollector(Collector):
    """One collector over TCP or TLS, by the name it was configured with."""

    def __init__(
        self,
        name: str,
        addresses: Sequence[Address],
        settings: Delivery,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(name)
        self._routes = Routes(addresses, settings.lookup_interval)
        self._better = Better()
        self._clock, self._wall = clock, wall
        self.backlog = Backlog(name, settings, self.outcomes)
        """What waits."""
        self._asleep = False
        self._waker, self._woken = socket.socketpair()
        for each in (self._waker, self._woken):
            each.setblocking(False)
        self._link: Optional[Link] = None
        self._write_at = 0.0
        self._active_until = 0.0
        self._keep_house_at = 0.0
        self._down_since: Optional[float] = wall()
        self._up_since = 0.0
        self._hangs = False
        self._failure = ""
        self._silent = False
        self._ends_at: Optional[float] = None
        self._thread: Optional[threading.Thread] = None
        self._start()

    # --- the event path ---

    def send(self, message: bytes, wall: float) -> None:
        with self.backlog.lock:
            self.offered += 1
            self.backlog.add(message)
        if self._asleep:
            self._wake()

    def poll(self, now: float, wall: float) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._start()

    def look_up(self) -> None:
        self._routes.look_up()

    def configure(self, settings: Delivery) -> None:
        self.backlog.configure(settings)
        self._routes.configure(settings.lookup_interval)

    def close(self) -> None:
        if self._ends_at is None:
            self._ends_at = self._clock() + FLUSH
            self._wake()

    def join(self) -> bool:
        self.close()
        if self._thread is not None:
            self._thread.join(FLUSH + JOIN)
            if self._thread.is_alive():
                return False
        self._give_up()
        for each in (self._waker, self._woken):
            each.close()
        return True

    # --- what it tells ---

    @property
    def has_ended(self) -> bool:
        return self._thread is None or not self._thread.is_alive()

    @property
    def buffered(self) -> int:
        return self.backlog.buffered

    @property
    def spooled(self) -> int:
        return self.backlog.spooled

    @property
    def recovered(self) -> int:
        return self.backlog.recovered

    @property
    def balances(self) -> bool:
        with self.backlog.lock:
            return super().balances

    @property
    def is_up(self) -> bool:
        link = self._link
        return link is not None and link.state == UP and not self._silent

    @property
    def is_lost(self) -> bool:
        return self._silent or (bool(self._failure) and not self.is_up)

    @property
    def state(self) -> str:
        link, down = self._link, self._down_since
        if link is not None and link.state == UP:
            reads = "" if not self._silent else ", but does not read what is sent"
            return f"up since {local_time(self._up_since)}: {written(link.target)}{reads}"
        since = f", down since {local_time(down)}" if down is not None else ""
        return f"connects to {written(link.target)}{since}" if link is not None else f"waits to connect{since}"

    @property
    def hint(self) -> Optional[str]:
        link = self._link
        if self.backlog.spool_error:
            return f"the spool can't be used, messages wait in memory alone: {self.backlog.spool_error}"
        if link is not None and link.state == UP:
            return f"{written(link.target)} accepts, but does not read: messages wait" if self._silent else None
        if self._hangs:
            return f"no name server answers: {self.buffered} messages wait until the name resolves"
        if self._failure:
            return f"there is no connection, {self.buffered + self.spooled} messages wait: {self._failure}"
        return None

    # --- the thread ---

    def _start(self) -> None:
        if self._ends_at is not None:
            return
        self._thread = threading.Thread(target=self._run, name=f"fs_hepipe {self.name}", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # tried again by the next poll
            self._thread = None
            self._fail(f"no thread: {error}")

    def _run(self) -> None:
        while True:
            try:
                self._advance(self._clock())
                if self._is_done(self._clock()):
                    self._give_up()
                    return
                self._wait(self._clock())
            except Exception as error:  # noqa: BLE001  what is sent to the other collectors does not depend on it
                self._fail(type(error).__name__)
                self._drop_link()
                self._routes.rest(self._clock())
                time.sleep(SLICE)

    def _advance(self, now: float) -> None:
        """Does all that can be done now, without waiting."""
        if now >= self._keep_house_at:
            self._keep_house_at = now + HOUSEKEEPING
            self._keep_house(now)
        if self._link is None:
            self._connect(now)
        if self._link is not None:
            self._link.step(now)
            if self._link.state == UP:
                self._use(self._link, now)
            if self._link.state == CLOSED:
                self._lose(self._link, now)

    def _use(self, link: Link, now: float) -> None:
        """What is done on a connection that is up."""
        if self._down_since is not None:
            self._down_since, self._up_since, self._failure = None, self._wall(), ""
        self._count(link.confirmed(now))
        self._write(link, now)
        self._silent = link.silent(now) >= SILENCE
        if len(self._routes) > 1 and self._ends_at is None:
            if self._silent:
                link.give_up("accepts, but does not read")
            else:
                better = self._better.step(link, self._routes.best, now)
                if better is not None:
                    self._drop_link()
                    self._link, self._down_since, self._up_since = better, None, self._wall()
                    self._routes.avoid_none()

    def _write(self, link: Link, now: float) -> None:
        if now < self._write_at and self._ends_at is None:
            return
        most = PACE * SLICE + 2 * self.backlog.came if self._ends_at is None else link.room
        messages = self.backlog.take(min(int(most), link.room)) if link.room else []
        self._write_at = now + SLICE
        if not messages:
            return
        self._active_until = now + ACTIVE
        before = link.unconfirmed
        try:
            link.send(messages, now)
        except Exception:
            self.backlog.put_back(messages[link.unconfirmed - before :])
            raise

    def _count(self, confirmed: list[bytes]) -> None:
        if confirmed:
            with self.backlog.lock:
                self.outcomes[SENT] += len(confirmed)
                self.octets += self.backlog.sent(confirmed)

    def _keep_house(self, now: float) -> None:
        """Looks at the names, and at what has waited."""
        for failure in self._routes.poll(now):
            self._fail(failure)
        self._hangs = self._routes.hangs(now)
        if self._ends_at is None:
            self.backlog.open()
            self.backlog.keep(flows=self._link is not None and self._link.room > 0)
            if self.backlog.spool_error:
                self.last_error = LastError(f"spool: {self.backlog.spool_error}", self._wall())

    # --- connecting ---

    def _connect(self, now: float) -> None:
        """Begins a connection to the next address, if it is time to."""
        if now < self._routes.next_at or (self._ends_at is not None and self._failure):
            return
        way = self._routes.take(now)
        if way is None:  # the names are being looked up
            self._keep_house_at = self._routes.next_at
            return
        try:
            self._link = Link(way.address, way.target, now, self._routes.patience)
        except OSError as error:
            self._fail(f"{written(way.target)} no socket: {error.strerror}")
            self._routes.pause(now)

    def _lose(self, link: Link, now: float) -> None:
        """Ends a connection that is closed, and says when the next is to begin."""
        self._fail(f"{written(link.target)} {link.error}")
        up_for = None
        if link.up_at:
            up_for = now - link.up_at if not self._silent else 0.0
        self._drop_link()
        self._routes.lost(link.address, now, up_for)

    def _drop_link(self) -> None:
        """Ends the connection; what it has not confirmed is put back."""
        if self._link is None:
            return
        confirmed, rest = self._link.close()
        self._link, self._silent = None, False
        self._down_since = self._down_since or self._wall()
        self._count(confirmed)
        self.backlog.put_back(rest)

    def _fail(self, text: str) -> None:
        self._failure = text
        self.last_error = LastError(text, self._wall())

    # --- ending ---

    def _is_done(self, now: float) -> bool:
        if self._ends_at is None:
            return False
        if now >= self._ends_at or not (self.buffered or self.spooled):
            return True
        if self._link is None:
            return bool(self._failure) or self._hangs  # otherwise the first connection has not begun
        return self._link.state == UP and not self.backlog.has_some() and self._link.all_acknowledged

    def _give_up(self) -> None:
        """Ends the connection; what could not be sent is written to the spool, or counted as lost."""
        self._drop_link()
        self._better.drop()
        self.backlog.end()

    # --- waiting ---

    def _wait(self, now: float) -> None:
        """Waits until there is something to do. A message that comes wakes it, if it can be sent at once."""
        link = self._link
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        for each in (link, self._better.link):
            if each is not None:
                poll.register(each, each.waits_for)
        is_idle = now >= self._active_until
        self._asleep = link is not None and link.state == UP and is_idle  # before the buffer is looked at
        poll.poll(max(0.0, self._next(now) - now) * 1000)
        self._asleep = False
        with contextlib.suppress(BlockingIOError):
            while self._woken.recv(4096):
                pass

    def _next(self, now: float) -> float:
        """When there is something to do, if nothing comes."""
        link = self._link
        if self._ends_at is not None:
            return now + SLICE
        if link is None:
            return min(self._routes.next_at, self._keep_house_at)
        if link.state != UP:
            return self._keep_house_at
        if now < self._active_until or (self.backlog.has_some() and link.room):
            return max(self._write_at, now + 0.001)
        if link.unconfirmed or self.backlog.has_some() or self._better.link is not None:
            return now + CONFIRM
        return min(now + IDLE, self._better.next_at or now + IDLE)

    def _wake(self) -> None:
        self._asleep = False
        with contextlib.suppress(OSError):  # it has been woken already, or it has ended
            self._waker.send(b"w")
