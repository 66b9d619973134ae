"""
Datagrams -> one collector over UDP; the outcome of each is counted. Never blocks, never raises.

Rules:
1. One connected, non-blocking socket; its address is resolved once, by the resolver.
2. A connected socket reports ECONNREFUSED for the previous datagram, and the call that reports it sends nothing
   (measured). So the datagram is sent once more.
3. `sent` means that the kernel accepted it. HEP over UDP has no acknowledgement.
4. A socket that may be useless after an error is replaced: a connected socket keeps its local address even if the
   machine gets another one.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from typing import NamedTuple, Optional

from fs_hepipe.words.counters import Counts
from fs_hepipe.words.errors import TransportError

SENT = "sent"
REFUSED = "refused"
UNRESOLVED = "unresolved"
UNREACHABLE = "unreachable"
ERROR = "error"

# fmt: off
OUTCOMES = {
    errno.ECONNREFUSED: REFUSED,
    errno.EAGAIN:       "buffer_full",
    errno.EWOULDBLOCK:  "buffer_full",
    errno.ENOBUFS:      "buffer_full",
    errno.EMSGSIZE:     "too_long",
    errno.ENETUNREACH:  UNREACHABLE,
    errno.EHOSTUNREACH: UNREACHABLE,
    errno.ENETDOWN:     UNREACHABLE,
    errno.EPERM:        "forbidden",        # a firewall on this machine
    errno.EACCES:       "forbidden",
}
# fmt: on
"""Error of the kernel -> outcome; any other error is `error`."""

REFUSING = 60.0
"""Seconds of sending without a refusal until we believe that somebody listens: hosts answer once a second at most."""

Target = tuple[int, tuple[object, ...]]
"""An address family and a socket address of it."""


class LastError(NamedTuple):
    """The error that came last."""

    text: str
    time: float
    """Seconds, of the agent's wall clock."""


class Collector:
    """One collector, by the name it was configured with."""

    def __init__(self, name: str, joined: int = 0) -> None:
        self.name = name
        self.joined = joined
        """`Collectors.offered` at the time when this one was added."""
        self.outcomes: Counts[str] = Counts()
        """Datagrams by outcome, `sent` among them."""
        self.octets = 0
        """Octets sent."""
        self.refusals = 0
        """How often the host answered that nobody listens; that datagram has been counted as sent."""
        self.refused_at: Optional[float] = None
        """When the last refusal came, and when the last datagram was sent; by a clock that is never set back."""
        self.sent_at = 0.0
        self.target: Optional[Target] = None
        """Its address; None until its name is resolved."""
        self.last_error: Optional[LastError] = None
        self.reported_error: Optional[LastError] = None
        """The error that was logged last."""
        self._clock: Optional[float] = None
        self._socket: Optional[socket.socket] = None

    def send(self, datagram: bytes, now: float, clock: Optional[float] = None) -> str:
        """
        Sends a datagram and returns its outcome.

        Args:
            datagram: what to send.
            now: the wall clock, for `last_error`.
            clock: a clock that is never set back, for `refuses`; else `now` has to be one.
        """
        self._clock = clock
        try:
            (self._socket or self._connected()).send(datagram)
        except Exception as error:  # noqa: BLE001  the next collector has to get its datagram
            outcome = self._not_sent(error, datagram, now)
            if outcome != SENT:
                self.outcomes[outcome] += 1
                return outcome
        self.octets += len(datagram)
        self.sent_at = now if clock is None else clock
        self.outcomes[SENT] += 1
        return SENT

    @property
    def refuses(self) -> bool:
        """Whether the last refusal is so recent that nobody is likely to listen."""
        return self.refused_at is not None and self.sent_at - self.refused_at < REFUSING

    def await_refusal(self, seconds: float, now: float) -> None:
        """Waits up to `seconds` for the answer that nobody listens: for a test message, not for the event path."""
        if self._socket is None:
            return
        self._socket.settimeout(seconds)
        try:
            self._socket.recv(1)
        except ConnectionRefusedError as error:
            self._refused(error, now)
        except OSError:
            pass  # no refusal in that time
        finally:
            self._socket.setblocking(False)

    def close(self) -> None:
        """Closes the socket; the next datagram opens another."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None

    def _not_sent(self, error: Exception, datagram: bytes, now: float) -> str:
        """The outcome of a datagram after an error. After a refusal of the previous datagram, it is sent again."""
        if isinstance(error, ConnectionRefusedError):
            self._refused(error, now)
            try:
                (self._socket or self._connected()).send(datagram)
            except ConnectionRefusedError as again:
                self._refused(again, now)
                return REFUSED
            except Exception as other:  # noqa: BLE001  as in `send`
                error = other
            else:
                return SENT
        if isinstance(error, TransportError):
            return UNRESOLVED
        if not isinstance(error, OSError):
            self.last_error = LastError(type(error).__name__, now)
            return ERROR
        self.last_error = LastError(str(error), now)
        outcome = OUTCOMES.get(error.errno or 0, ERROR)
        if outcome in {UNREACHABLE, ERROR}:
            self.close()
        return outcome

    def _connected(self) -> socket.socket:
        if self.target is None:
            raise TransportError("its name has not resolved")
        family, address = self.target
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect(address)
        except OSError:
            self.close()
            raise
        return self._socket

    def _refused(self, error: OSError, now: float) -> None:
        self.refusals += 1
        self.refused_at = now if self._clock is None else self._clock
        self.last_error = LastError(str(error), now)
