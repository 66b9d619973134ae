"""
A UDP collector for the tests: it takes what an agent sends, decodes it, and waits for what is to come.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, Callable, Optional

from fs_hepipe.hep import Message, decode
from fs_hepipe.hep.registry import ProtocolType

BUFFER = 8 * 1024 * 1024
PATIENCE = 10.0


class Collector:
    """Listens on loopback from the moment it is made until `close`."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self.url = f"udp:127.0.0.1:{self.port}"
        self.datagrams: list[bytes] = []
        self._messages: list[Message] = []
        self._thread = threading.Thread(target=self._listen, name="collector", daemon=True)
        self._thread.start()

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def __iter__(self) -> Iterator[Message]:
        """Everything that has come so far, decoded."""
        while len(self._messages) < len(self.datagrams):
            self._messages.append(decode(self.datagrams[len(self._messages)]))
        return iter(list(self._messages))

    def of(self, call_id: str, protocol_type: Optional[int] = None) -> list[Message]:
        """What was filed under a Call-ID."""
        return [
            message
            for message in self
            if message.correlation_id == call_id and protocol_type in {None, message.protocol_type}
        ]

    def lines(self, call_id: Optional[str] = None) -> list[str]:
        """The log lines, of one Call-ID or of all."""
        return [
            message.payload.decode()
            for message in self
            if message.protocol_type == ProtocolType.LOG and call_id in {None, message.correlation_id}
        ]

    def hangups(self, call_id: str) -> list[str]:
        return [line for line in self.lines(call_id) if line.startswith("CHANNEL_HANGUP_COMPLETE")]

    def line(self, call_id: str, *words: str) -> str:
        """The first log line of a Call-ID that has all these words, once it has come."""
        return str(eventually(f"line {' '.join(words)} of {call_id}", self._line, call_id, words))

    def _line(self, call_id: str, words: tuple[str, ...]) -> Optional[str]:
        return next((line for line in self.lines(call_id) if all(word in line.split() for word in words)), None)

    def _listen(self) -> None:
        while datagram := self._socket.recv(65_535):
            self.datagrams.append(datagram)


def reports(messages: list[Message]) -> list[dict[str, Any]]:
    """The payloads that are JSON."""
    return [json.loads(message.payload) for message in messages]


def eventually(what: str, found: Callable[..., Any], *arguments: object, patience: float = PATIENCE) -> Any:
    """The answer of `found` as soon as it is true; a failed test when it never is."""
    deadline = time.monotonic() + patience
    while True:
        answer = found(*arguments)
        if answer:
            return answer
        assert time.monotonic() < deadline, f"in {patience} s there was no {what}"
        time.sleep(0.05)
