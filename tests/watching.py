"""`fs-hepipe watch` as a process, what is sent to it, and what it answers."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Callable, Optional
from urllib.parse import urlencode

from fs_hepipe.tools.collected import collected
from fs_hepipe.tools.demo import RECORDINGS
from fs_hepipe.tools.recorded import events
from fs_hepipe.words.event import RecordedEvent


@cache
def story(name: str) -> list[bytes]:
    """The datagrams of a recorded story."""
    return collected(each for each in events(str(RECORDINGS / f"{name}.jsonl.gz")) if isinstance(each, RecordedEvent))


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What a condition gives when it is true; AssertionError if it takes too long."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.02)
    return found


class Watch:
    """A running `watch`."""

    def __init__(self, *arguments: str, bind: str = "127.0.0.1:0", web: str = "127.0.0.1:0") -> None:
        command = [sys.executable, "-m", "fs_hepipe", "watch", "--bind", bind, "--web", web, *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.said = [self.process.stderr.readline(), self.process.stderr.readline()]
        self.addresses = re.findall(r"((?:tcp|tls|):?127\.0\.0\.1:\d+)", self.said[0])
        self.hep = self.addresses[0]
        found = re.search(r"http://([^/]+)/", self.said[1])
        assert found is not None, self.said
        self.web = found[1]
        self.url = f"http://{self.web}/"

    def send(self, datagrams: Iterable[bytes]) -> int:
        """Sends them, not faster than they are taken; how many there were."""
        host, _, port = self.hep.rpartition(":")
        count = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for count, datagram in enumerate(datagrams, 1):
                sender.sendto(datagram, (host, int(port)))
                if count % 100 == 0:
                    time.sleep(0.02)
        return count

    def get(
        self, path: str, headers: Optional[dict[str, str]] = None, method: str = "GET"
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in small letters, and body."""
        connection = http.client.HTTPConnection(self.web, timeout=20)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def json(self, path: str, **query: str) -> Any:
        """The JSON there."""
        status, _, body = self.get(f"{path}?{urlencode(query)}")
        assert status == 200, (status, body)
        return json.loads(body)

    def has(self, messages: int) -> bool:
        """Whether so many messages have come."""
        return bool(self.json("/api/calls")["totals"].get("messages", 0) >= messages)

    def stop(self) -> tuple[int, str]:
        """Ends it as Ctrl-C does: its status, and what else it said."""
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said


@contextmanager
def watching(*arguments: str, **places: str) -> Iterator[Watch]:
    watch = Watch(*arguments, **places)
    try:
        yield watch
    finally:
        if watch.process.poll() is None:
            watch.process.kill()
            watch.process.communicate()
