"""A recording through the agent into a collector of this process, which is a socket and is read after every event."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Optional

from fs_hepipe.agent.config import Config
from fs_hepipe.agent.loop import Log
from fs_hepipe.delivery.address import Address
from fs_hepipe.tools.listen import MAX_DATAGRAM
from fs_hepipe.tools.playback import Playback, play
from fs_hepipe.words.event import RecordedEvent
from fs_hepipe.words.settings import Settings


class Collected:
    """A recording that was played, and what the collector received."""

    def __init__(
        self,
        recording: Iterable[RecordedEvent],
        listener: socket.socket,
        settings: Optional[Settings] = None,
        log: Optional[Log] = None,
    ) -> None:
        self.datagrams: list[bytes] = []
        self._listener = listener
        host, port = listener.getsockname()[:2]
        config = Config(collectors=(Address(host, port),), settings=settings or Settings())
        self.agent = play(config, Playback(recording, before_pop=self._collect), log)
        self._collect()

    def _collect(self) -> None:
        while True:
            try:
                self.datagrams.append(self._listener.recv(MAX_DATAGRAM))
            except BlockingIOError:
                return


def collected(recording: Iterable[RecordedEvent]) -> list[bytes]:
    """The datagrams that the agent makes of a recording."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        return Collected(recording, listener).datagrams
