"""
One connection to a collector, TCP or TLS, non-blocking: from connect to close.

Rules:
1. Messages are written one after the other, each whole. HEP3 says its own length, so nothing stands between them.
2. A message is confirmed when the collector's host has acknowledged all its octets (see `outq`; where that is not told,
   when the kernel has accepted them), and the connection still stands `PROVING` later. A collector that dies has not
   read what its host acknowledged last; a balancer accepts a connection before it has found a collector behind it, and
   a TLS 1.3 server before it has looked at our certificate.
3. What is not confirmed when the connection ends is the caller's, to be sent again. A peer that closes the connection
   in good order has read what was acknowledged: otherwise its host resets the connection (RFC 1122, 4.2.2.13).
4. A peer that ends its side has ended the connection. One that acknowledges nothing is taken for dead after `SILENCE`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import ssl
import struct
from collections import deque
from typing import Optional

from fs_hepipe.delivery import outq, tls
from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.resolve import Target

CONNECTING, HANDSHAKE, UP, CLOSED = "connecting", "in the TLS handshake", "up", "closed"

PATIENCE = 10.0
"""Seconds that a connect and a handshake may take, each."""

PROVING = 1.0
"""Seconds that a connection has to stand after an acknowledgement until it counts."""

SILENCE = 20.0
"""Seconds without any progress after which a peer is taken for dead, or for one that does not read."""

ROOM = 262_144
"""Octets that wait for the kernel at most: more are not taken."""

UNANSWERED = 4
"""Retransmissions, or probes of a closed window, in a row without an answer: the peer is not there."""

_READ = 65_536

_TCP_INFO = struct.Struct("=BBBB")  # linux/tcp.h:tcp_info: state, ca_state, retransmits, probes

# fmt: off
_OPTIONS = (    # found dead when idle, after 15 + 4 * 5 s
    ("TCP_NODELAY",  1),
    ("TCP_KEEPIDLE", 15), ("TCP_KEEPALIVE", 15),   # Linux, macOS
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT",  4),
)
# fmt: on


class Link:
    """
    One connection. `step` moves it on; nothing waits, nothing raises but the first socket call.

    Raises:
        OSError: there is no socket to be had.
    """

    def __init__(self, address: Address, target: Target, now: float, patience: float = PATIENCE) -> None:
        self.address = address
        self.target = target
        self.state = CONNECTING
        self.error = ""
        """Why it ended."""
        self.up_at = 0.0
        self.security = ""
        """The version of TLS and whose certificate it was, for an operator; empty without TLS."""
        self._patience = patience
        self._deadline = now + patience
        self._tls: Optional[ssl.SSLObject] = None
        self._from_peer, self._to_peer = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._outgoing = bytearray()
        self._written = 0
        self._produced = 0
        self._acknowledged = 0
        self._acknowledgements: deque[tuple[float, int]] = deque()
        self._confirmed = 0
        self._progress_at = now
        self._unconfirmed: deque[tuple[int, bytes]] = deque()
        self._socket = socket.socket(target[0], socket.SOCK_STREAM)
        self._begin()

    # --- what its owner asks ---

    def fileno(self) -> int:
        """For a poll."""
        return self._socket.fileno()

    @property
    def waits_for(self) -> int:
        """What a poll should tell: that there is something to read, and if need be, that the kernel takes more."""
        return select.POLLIN | (select.POLLOUT if self.state == CONNECTING or self._outgoing else 0)

    @property
    def room(self) -> int:
        """Octets that may be given to `send` now."""
        return max(0, ROOM - len(self._outgoing)) if self.state == UP else 0

    @property
    def unconfirmed(self) -> int:
        """Messages that were given to it and are not confirmed."""
        return len(self._unconfirmed)

    def silent(self, now: float) -> float:
        """Seconds without progress, though something is to be acknowledged."""
        return now - self._progress_at if self._unconfirmed or self._outgoing else 0.0

    def send(self, messages: list[bytes], now: float) -> None:
        """Takes messages, which are to be sent."""
        if not self._unconfirmed:
            self._progress_at = now
        for message in messages:
            try:
                self._produce(message)
            except ssl.SSLError as error:
                self._end(tls.meaning(error))
            self._unconfirmed.append((self._produced, message))
        self._write()

    def step(self, now: float) -> None:
        """Reads and writes what there is, and looks at the time."""
        try:
            if self.state == CONNECTING:
                self._finish_connect(now)
            if self.state in {HANDSHAKE, UP}:
                self._read(now)
            if self.state in {HANDSHAKE, UP}:
                self._write()
            if self.state in {CONNECTING, HANDSHAKE} and now >= self._deadline:
                self._end(f"gave no answer in {self._patience:.0f} s while {self.state}")
        except ssl.SSLError as error:
            self._end(tls.meaning(error))
        except OSError as error:
            self._end(error.strerror or str(error))

    def confirmed(self, now: float) -> list[bytes]:
        """The messages that are confirmed since the last call."""
        if self.state != UP:
            return []
        acknowledged = self._written - outq.held(self._socket)
        if acknowledged > self._acknowledged:
            self._acknowledged, self._progress_at = acknowledged, now
            self._acknowledgements.append((now, acknowledged))
        elif self.silent(now) >= SILENCE and self._is_gone():
            self._end("acknowledges nothing of what is sent")
        while self._acknowledgements and now - self._acknowledgements[0][0] >= PROVING:
            _, self._confirmed = self._acknowledgements.popleft()
        return self._take_confirmed()

    @property
    def all_acknowledged(self) -> bool:
        """Whether the collector's host has got all that was given to `send`."""
        return not self._outgoing and outq.held(self._socket) == 0

    def _take_confirmed(self) -> list[bytes]:
        found: list[bytes] = []
        while self._unconfirmed and self._unconfirmed[0][0] <= self._confirmed:
            found.append(self._unconfirmed.popleft()[1])
        return found

    def give_up(self, reason: str) -> None:
        """Ends it for a reason of the caller's."""
        self._end(reason)

    def close(self) -> tuple[list[bytes], list[bytes]]:
        """Ends it in good order, if it stands. Returns the messages that are confirmed now, and those that are not."""
        if self.state == UP and self._tls is not None and not self._outgoing:
            with contextlib.suppress(OSError):  # says goodbye; the peer's answer is not waited for
                self._tls.unwrap()
            self._outgoing += self._to_peer.read()
            self._write()
        if self.state == UP:
            self._confirmed = self._written - outq.held(self._socket)
        self._end(self.error)
        confirmed, rest = self._take_confirmed(), [message for _, message in self._unconfirmed]
        self._unconfirmed.clear()
        return confirmed, rest

    # --- from connect to up ---

    def _begin(self) -> None:
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _OPTIONS:
                if hasattr(socket, name):
                    self._socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
            number = self._socket.connect_ex(self.target[1])
            if number not in {0, errno.EINPROGRESS}:
                self._end(os.strerror(number))
        except OSError as error:
            self._end(error.strerror or str(error))

    def _finish_connect(self, now: float) -> None:
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self._end(os.strerror(number))
            return
        try:
            if self._socket.getpeername() == self._socket.getsockname():  # TCP's simultaneous open, with itself
                self._end("nobody listens there")
                return
        except OSError:
            return  # not yet
        if self.address.transport != "tls":
            self._come_up(now)
            return
        name = self.address.tls.name or self.address.host.partition("%")[0]
        session = tls.context(self.address).wrap_bio(self._from_peer, self._to_peer, server_hostname=name)
        self.state, self._deadline, self._tls = HANDSHAKE, now + self._patience, session
        self._shake_hands(session, now)

    def _shake_hands(self, session: ssl.SSLObject, now: float) -> None:
        try:
            session.do_handshake()
        except ssl.SSLWantReadError:
            pass
        else:
            self.security = f"{session.version()} with {tls.described(session.getpeercert())}"
            self._come_up(now)
        finally:
            self._outgoing += self._to_peer.read()
            self._produced = self._written + len(self._outgoing)

    def _come_up(self, now: float) -> None:
        self.state, self.up_at, self._progress_at = UP, now, now

    # --- reading and writing ---

    def _read(self, now: float) -> None:
        for _ in range(16):  # a peer that talks all the time is not listened to all the time
            try:
                octets = self._socket.recv(_READ)
            except (BlockingIOError, InterruptedError):
                return
            if not octets:
                self._end_by_peer(now)
                return
            if self._tls is None:
                continue  # a collector has nothing to say
            self._from_peer.write(octets)
            if self.state == HANDSHAKE:
                self._shake_hands(self._tls, now)
            if self.state == UP:
                self._hear(self._tls, now)

    def _hear(self, session: ssl.SSLObject, now: float) -> None:
        """Takes what TLS brought: tickets, alerts; a collector has nothing else to say."""
        try:
            while session.read(_READ):
                pass
            self._end_by_peer(now)  # close_notify
        except ssl.SSLWantReadError:
            self._outgoing += self._to_peer.read()  # an answer of TLS itself, as to a key update
            self._produced = self._written + len(self._outgoing)

    def _produce(self, message: bytes) -> None:
        if self._tls is None:
            self._outgoing += message
        else:
            self._tls.write(message)
            self._outgoing += self._to_peer.read()
        self._produced = self._written + len(self._outgoing)

    def _write(self) -> None:
        try:
            while self._outgoing and self.state != CLOSED:
                taken = self._socket.send(self._outgoing)
                self._written += taken
                del self._outgoing[:taken]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            self._end(error.strerror or str(error))

    def _is_gone(self) -> bool:
        """
        Whether nobody answers, as seen by the kernel's retransmissions and probes. A peer that does not read answers,
        and is waited for: what it has not read is not lost.
        """
        if not hasattr(socket, "TCP_INFO"):
            return True
        with contextlib.suppress(OSError, struct.error):
            info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
            _, _, retransmits, probes = _TCP_INFO.unpack(info)
            return bool(max(retransmits, probes) >= UNANSWERED)
        return True

    def _end_by_peer(self, now: float) -> None:
        """The peer has ended its side. It has read all that was acknowledged, if it was more than a balancer."""
        if self.state == UP and now - self.up_at >= PROVING:
            self._confirmed = self._written - outq.held(self._socket)
        was = " during the TLS handshake" if self.state == HANDSHAKE else ""
        self._end(f"closed the connection{was}")

    def _end(self, reason: str) -> None:
        self.error = self.error or reason
        self.state = CLOSED
        with contextlib.suppress(OSError):
            self._socket.close()
