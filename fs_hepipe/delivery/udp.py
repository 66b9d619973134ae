"""
Datagrams -> one collector over UDP; the outcome of each is counted. Never blocks, never raises.

Rules:
1. `sent` means that the kernel accepted the datagram. HEP over UDP has no acknowledgement.
2. The socket is not connected, so that each datagram takes the route, and the source address, that is the right one
   now. Where answers (ICMP) are known of connected sockets only, it is connected, and renewed when the source changes.
3. An error that a send reports may be the answer to an earlier datagram. It is read and counted as that, and the
   datagram that was to be sent is sent once more. If the answer says which datagram was lost, and there is another
   address or a way to make it fit, that one is sent again too, once.
4. A collector may have several addresses. After an error the next one is used; after `RETURN` seconds the first again.
5. Until its name resolves, its messages wait, `MAX_WAITING` at most.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Optional

from fs_hepipe.delivery import answers, outq
from fs_hepipe.delivery.answers import FORBIDDEN, REFUSED, TOO_LONG, UNREACHABLE, Answer
from fs_hepipe.delivery.collector import ERROR, SENT, Collector, LastError, local_time
from fs_hepipe.delivery.resolve import Resolver, Target, written
from fs_hepipe.delivery.settings import Delivery

UNRESOLVED = "unresolved"

# fmt: off
OUTCOMES = {
    errno.ECONNREFUSED: REFUSED,
    errno.EAGAIN:       "buffer_full",
    errno.EWOULDBLOCK:  "buffer_full",
    errno.ENOBUFS:      "buffer_full",
    errno.EMSGSIZE:     TOO_LONG,
    errno.ENETUNREACH:  UNREACHABLE,
    errno.EHOSTUNREACH: UNREACHABLE,
    errno.ENETDOWN:     UNREACHABLE,
    errno.EADDRNOTAVAIL: UNREACHABLE,       # no source address for it
    errno.EPERM:        FORBIDDEN,          # a firewall on this machine
    errno.EACCES:       FORBIDDEN,          # a route that prohibits it
}
# fmt: on
"""Error of the kernel -> outcome; any other error is `error`."""

TROUBLED = 10.0
"""Seconds of sending without an error until we believe that it is over: hosts answer once a second at most."""

AVOIDED = 60.0
"""Seconds after an error in which calls that are spread go to another collector."""

A_WHILE = 1.0
"""Seconds in which an error that is the same again is not noted again."""

RETURN = 60.0
"""Seconds after which the first address is used again."""

MAX_WAITING = 4096
"""Messages that wait for a name: ten seconds of a busy switch."""

MAX_WAITING_OCTETS = 4_000_000

FLUSH = 100
"""Messages that waited and are sent in a row: a receiver's buffer holds about 160 small datagrams."""

RECENT = 64
"""Datagrams kept in case an answer says that one of them was lost."""

ANSWERED = 64
"""Times that answers are read in a row: more than a socket's queue holds."""

ARP = 4.0
"""Seconds after which Linux gives up asking for a neighbour's hardware address (arp(7)), and a bit."""


class Trouble(NamedTuple):
    """An error, and the address that it came from."""

    outcome: str
    text: str
    target: Optional[Target]
    time: float
    """Seconds, of the steady clock that `poll` is given."""


class UdpCollector(Collector):
    """One collector over UDP, by the name it was configured with."""

    def __init__(self, name: str, resolvers: Sequence[Resolver]) -> None:
        super().__init__(name)
        self.targets: Sequence[Target] = ()
        """Its addresses, the best first; none until its name is resolved."""
        self.resent = 0
        """Datagrams sent a second time, because an answer said that they were lost."""
        self.trouble: Optional[Trouble] = None
        self.sent_at = 0.0
        """When the last datagram was sent, as of the last poll."""
        self._resolvers = resolvers
        self._hangs = False
        self._now = self._wall = 0.0
        """When the last poll was, by the steady clock and by the wall clock."""
        self._at = 0
        self._return_at: Optional[float] = None
        self._socket: Optional[socket.socket] = None
        self._waiting: deque[bytes] = deque()
        self._waiting_octets = 0
        self._recent: deque[bytes] = deque(maxlen=RECENT)
        self._adopt()

    @property
    def target(self) -> Optional[Target]:
        """The address in use."""
        return self.targets[self._at] if self.targets else None

    @property
    def buffered(self) -> int:
        return len(self._waiting)

    @property
    def state(self) -> str:
        if self.target is None:
            return "waits for its name to resolve"
        others = f", {len(self.targets) - 1} more known" if len(self.targets) > 1 else ""
        return f"sends to {written(self.target)}{others}"

    @property
    def is_up(self) -> bool:
        return bool(self.targets) and not self.in_trouble

    @property
    def is_lost(self) -> bool:
        if not self.targets:
            return self.last_error is not None
        return self.trouble is not None and self._now - self.trouble.time < AVOIDED

    @property
    def in_trouble(self) -> bool:
        """Whether the last error is so recent that what is sent is likely to be lost."""
        return self.trouble is not None and self.sent_at - self.trouble.time < TROUBLED

    @property
    def hint(self) -> Optional[str]:
        if not self.targets:
            if self._hangs:
                return f"no name server answers: {len(self._waiting)} messages wait until the name resolves"
            return "the name does not resolve, nothing is sent there" if self.last_error is not None else None
        if self.trouble is None or not self.in_trouble:
            return None
        known_now = ""
        if self.trouble.target is not None and self.trouble.target != self.target:
            known_now = f"; {written(self.target)} is used now"
        elif self._now - self.sent_at > A_WHILE >= self.sent_at - self.trouble.time and self.last_error is not None:
            known_now = f" (at {local_time(self.last_error.time)}; nothing was sent since, `test` would tell)"
        found = HINTS.get(self.trouble.outcome, "sending fails")
        return f"{found}: {written(self.trouble.target)} {self.trouble.text}{known_now}"

    def send(self, message: bytes, wall: float) -> None:
        self.offered += 1
        if self._waiting or not self.targets:
            self._wait(message)
            if self.targets:
                self._flush(FLUSH, wall)
        else:
            self._deliver(message, wall)

    def poll(self, now: float, wall: float) -> None:
        self._now, self._wall = now, wall
        for resolver in self._resolvers:
            failure = _poll(resolver, now)
            if failure is not None:
                self.last_error = LastError(failure, wall)
        self._adopt()
        self._hangs = any(resolver.hangs(now) for resolver in self._resolvers)
        if self._socket is not None:
            self._hear(answers.taken(self._socket), wall)
            self._renew()
        if self._at == 0:
            self._return_at = None
        elif self._return_at is None:
            self._return_at = now + RETURN
        elif now >= self._return_at:
            self._use(0)
        if self.targets:
            self._flush(FLUSH, wall)

    def look_up(self) -> None:
        for resolver in self._resolvers:
            resolver.look_up_soon(0.0)

    def hear_of_trial(self, target: Target) -> None:
        """Ends the trouble of that address: a test datagram got there, as far as that can be known."""
        for _ in range(ANSWERED):  # what was answered before the test is told no later than its result
            found = answers.taken(self._socket) if self._socket is not None else []
            if not found:
                break
            self._hear(found, self._wall)
        if self.trouble is not None and self.trouble.target == target:
            self.trouble = None

    def configure(self, settings: Delivery) -> None:
        for resolver in self._resolvers:
            resolver.interval = settings.lookup_interval

    def join(self) -> bool:
        self.close()
        return True

    def close(self) -> None:
        if self.targets:
            self._flush(len(self._waiting), self._wall)
        elif self._waiting:
            self.outcomes[UNRESOLVED] += len(self._waiting)
            self._waiting.clear()
            self._waiting_octets = 0
        self._disconnect()

    def await_answers(self, seconds: float, wall: float) -> None:
        """
        Waits up to `seconds` for answers to what was sent; longer, if the kernel is still asking for the hardware
        address of a neighbour: for a test message, not for the event path.
        """
        if self._socket is None:
            return
        poll = select.poll()
        poll.register(self._socket, select.POLLIN if not answers.IS_READ else 0)  # an error is always reported
        began = time.monotonic()
        if not poll.poll(seconds * 1000):
            while outq.held(self._socket) and time.monotonic() - began < ARP:
                if poll.poll(100):
                    break
        if answers.IS_READ:
            self._hear(answers.taken(self._socket), wall)
            return
        try:
            self._socket.recv(1)
        except ConnectionRefusedError as error:
            self._hear([_unread(error)], wall)
        except OSError:
            pass  # no answer in that time

    # --- addresses ---

    def _adopt(self) -> None:
        """Uses the addresses that the resolvers have now; the one in use stays in use if it is still there."""
        targets = list(dict.fromkeys(target for resolver in self._resolvers for target in resolver.found))
        if targets == self.targets:
            return
        used = self.target
        self.targets = targets
        if used in targets:
            self._at = targets.index(used)
        else:
            self._at = 0
            self._disconnect()

    def _use(self, at: int) -> None:
        before, self._at = self.targets[self._at], at
        if self.targets[at][0] != before[0] or not answers.IS_READ:
            self._disconnect()

    def _move(self) -> bool:
        """Uses the next address; False if there is none."""
        before = self.target
        self._use((self._at + 1) % len(self.targets))
        return self.target != before

    # --- sending ---

    def _deliver(self, message: bytes, wall: float) -> None:
        try:
            self._transmit(message)
        except Exception as error:  # noqa: BLE001  the next collector has to get its message
            outcome = self._not_sent(error, message, wall)
            if outcome != SENT:
                self.outcomes[outcome] += 1
                return
        self._recent.append(message)
        self.octets += len(message)
        self.sent_at = self._now
        self.outcomes[SENT] += 1

    def _transmit(self, message: bytes) -> None:
        family, address = self.targets[self._at]
        if self._socket is None:
            self._socket = self._opened(family, address)
        if answers.IS_READ:
            self._socket.sendto(message, address)
        else:
            self._socket.send(message)

    def _opened(self, family: int, address: tuple[object, ...]) -> socket.socket:
        opened = answers.opened(family)
        if not answers.IS_READ:
            try:
                opened.connect(address)
            except OSError:
                opened.close()
                raise
        return opened

    def _not_sent(self, error: Exception, message: bytes, wall: float) -> str:
        """The outcome of a message after an error: it is sent again if the error was not its own, or elsewhere."""
        outcome, others = ERROR, len(self.targets) - 1
        for _ in range(len(self.targets) + 1):  # each address, and once more after an answer
            if not isinstance(error, OSError):
                self.last_error = LastError(type(error).__name__, wall)
                return ERROR
            outcome = OUTCOMES.get(error.errno or 0, ERROR)
            if not self._is_answer(error, wall):
                self._note(outcome, str(error), wall)
                if outcome in {UNREACHABLE, ERROR}:
                    self._disconnect()
                if outcome not in {UNREACHABLE, FORBIDDEN, ERROR} or others <= 0 or not self._move():
                    return outcome
                others -= 1
            try:
                self._transmit(message)
            except Exception as again:  # noqa: BLE001  as in `_deliver`
                error = again
            else:
                return SENT
        return outcome

    def _is_answer(self, error: OSError, wall: float) -> bool:
        """Whether an error of a send is the answer to earlier datagrams; then it is dealt with."""
        found: list[Answer] = []
        if self._socket is not None and answers.IS_READ:
            with contextlib.suppress(OSError):
                found = answers.taken(self._socket)
        elif isinstance(error, ConnectionRefusedError):
            found = [_unread(error)]
        self._hear(found, wall)
        return bool(found)

    def _hear(self, found: list[Answer], wall: float) -> None:
        """Counts answers, uses another address if they are about this one, and sends again what they say was lost."""
        before, lost = self.target, []
        for answer in found:
            self.answers[answer.outcome] += 1
            self.refusals += answer.outcome == REFUSED
            concerned, shown = self._concerned(answer), self._shown_by(answer)
            if answer.outcome != TOO_LONG or not shown:  # it is sent again in pieces that fit
                self._note(answer.outcome, answer.text, wall, concerned)
            lost += [(each, answer.outcome, concerned) for each in shown]
            if answer.outcome != TOO_LONG and concerned == self.target == before:
                self._move()
        for message, outcome, concerned in lost:
            if message in self._recent and (outcome == TOO_LONG or concerned != self.target):
                self._recent.remove(message)
                with contextlib.suppress(OSError):  # it has been counted; this was a second chance
                    self._transmit(message)
                    self.resent += 1

    def _shown_by(self, answer: Answer) -> list[bytes]:
        """The datagrams that an answer shows, of those sent last, if it makes sense to send them again."""
        if not answer.begin or (answer.outcome != TOO_LONG and len(self.targets) == 1):
            return []
        return [each for each in self._recent if each.startswith(answer.begin)]

    def _concerned(self, answer: Answer) -> Optional[Target]:
        """The address that an answer is about."""
        if answer.address is None:
            return self.target
        return next((each for each in self.targets if each[1][:2] == answer.address[:2]), None)

    def _note(self, outcome: str, text: str, wall: float, target: Optional[Target] = None) -> None:
        target = target or self.target
        known = self.trouble
        if known is not None and known[:3] == (outcome, text, target) and self._now - known.time < A_WHILE:
            return
        self.trouble = Trouble(outcome, text, target, self._now)
        self.last_error = LastError(f"{written(target)} {text}", wall)
        for resolver in self._resolvers:
            resolver.look_up_soon()

    def _disconnect(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None

    def _renew(self) -> None:
        """Closes a connected socket whose source address is no longer the one that a new socket would have."""
        if answers.IS_READ or self._socket is None or self.target is None:
            return
        family, address = self.target
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(address)
            if probe.getsockname()[0] != self._socket.getsockname()[0]:
                self._disconnect()

    # --- waiting ---

    def _wait(self, message: bytes) -> None:
        self._waiting.append(message)
        self._waiting_octets += len(message)
        while len(self._waiting) > MAX_WAITING or self._waiting_octets > MAX_WAITING_OCTETS:
            self._waiting_octets -= len(self._waiting.popleft())
            self.outcomes[UNRESOLVED] += 1

    def _flush(self, most: int, wall: float) -> None:
        for _ in range(min(most, len(self._waiting))):
            message = self._waiting.popleft()
            self._waiting_octets -= len(message)
            self._deliver(message, wall)


HINTS = {
    REFUSED: "nobody listens there, it refuses what is sent",
    UNREACHABLE: "it can't be reached",
    FORBIDDEN: "a firewall or a route forbids what is sent there",
    TOO_LONG: "messages are too long for the way there",
    "buffer_full": "this machine can't send as fast as messages come",
}


def _poll(resolver: Resolver, now: float) -> Optional[str]:
    """Why a look-up failed, once. An exception here does not keep the other collectors from being polled."""
    try:
        return resolver.poll(now)
    except Exception as error:  # noqa: BLE001  a RuntimeError if no thread can be started
        return f"no look-up: {error}"


def _unread(error: OSError) -> Answer:
    """An answer of which only the error is known."""
    return Answer(REFUSED, str(error), None, b"")
