"""
`metrics-listen`: a scraper's HTTP request -> the metrics, in a thread of its own.

Rules:
1. Nothing of it runs in the event thread, and nothing of it waits for that.
2. One client at a time, `PATIENCE` seconds for all of it; a second one waits in the kernel, a few more are refused.
3. Only `GET /metrics`. A request has `MAX_REQUEST` octets at most, and nothing of it is repeated in an answer.
4. A port that is taken is told once and tried again.
"""

from __future__ import annotations

import logging
import re
import select
import socket
import threading
import time
from contextlib import closing, suppress
from ipaddress import ip_address
from typing import Callable, NamedTuple, Optional

from fs_hepipe.agent.log import LOGGER
from fs_hepipe.delivery.address import endpoint
from fs_hepipe.words.numbers import MAX_PORT

PATIENCE = 5.0
"""Seconds from a connection to its end."""

AGAIN = 10.0
"""Seconds until a port that was taken is tried again."""

AGAIN_ACCEPT = 1.0
"""Seconds until a connection that could not be taken is tried again."""

WAITING = 4
"""Connections that the kernel keeps meanwhile."""

MAX_REQUEST = 8192
"""Octets of a request with its headers; Prometheus sends 300."""

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_REQUEST_LINE = re.compile(rb"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/1\.[0-9]")
_WANTS_OPENMETRICS = re.compile(rb"^accept:.*application/openmetrics-text", re.IGNORECASE | re.MULTILINE)

log = logging.getLogger(LOGGER)


class Listening(NamedTuple):
    """Where metrics are asked for."""

    ip: str
    port: int

    def __str__(self) -> str:
        return endpoint(*self)


def listening(text: str) -> Optional[Listening]:
    """`127.0.0.1:9064`, `[::1]:9064`, or nothing."""
    if not text:
        return None
    found = re.fullmatch(r"\[([0-9a-fA-F:.]+)\]:([0-9]{1,5})|([0-9.]+):([0-9]{1,5})", text)
    if found is None:
        raise ValueError("is not an IP address and a port, as 127.0.0.1:9064 or [::1]:9064")
    ip, port = found[1] or found[3], int(found[2] or found[4])
    try:
        good = ip_address(ip).version == (6 if found[1] else 4) and 0 < port <= MAX_PORT
    except ValueError:
        good = False
    if not good:
        raise ValueError("is not an IP address and a port from 1 to 65535")
    return Listening(ip, port)


class Scrape:
    """Answers scrapers as long as it has an address."""

    def __init__(self, metrics: Callable[[bool], str]) -> None:
        """
        Args:
            metrics: makes the text; in OpenMetrics if True.
        """
        self._metrics = metrics
        self._address: Optional[Listening] = None
        self._waker, self._woken = socket.socketpair()
        for each in (self._waker, self._woken):
            each.setblocking(False)
        self._ends = False
        self._thread: Optional[threading.Thread] = None

    def listen(self, address: Optional[Listening]) -> None:
        """Listens there from now on; None: nowhere."""
        if address == self._address:
            return
        self._address = address
        self._wake()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="fs_hepipe metrics", daemon=True)
            try:
                self._thread.start()
            except RuntimeError as error:
                self._thread, self._address = None, None
                log.warning("metrics-listen: no thread for it: %s", error)

    def close(self) -> None:
        """Ends it; a client that is being answered is left to its thread."""
        self._ends = True
        self._wake()
        if self._thread is not None:
            self._thread.join(1.0)
        else:
            self._waker.close()
            self._woken.close()

    def _wake(self) -> None:
        with suppress(OSError):
            self._waker.send(b"w")

    def _run(self) -> None:
        told = ""
        while not self._ends:
            address = self._address
            try:
                if address is None:
                    self._wait(None)
                    continue
                with closing(_bound(address)) as server:
                    told = ""
                    log.info("metrics are at http://%s/metrics", address)
                    self._serve(server, address)
            except OSError as error:
                problem = f"metrics-listen: {address}: {error.strerror or error}"
                if problem != told:
                    log.warning(problem)  # not as an argument: each problem is a message of its own
                told = problem
                self._wait(AGAIN)
        for each in (self._waker, self._woken):
            each.close()

    def _wait(self, seconds: Optional[float], *others: socket.socket) -> None:
        """Until it is woken, another socket can be read, or so long has passed."""
        poll = select.poll()
        for each in (self._woken, *others):
            poll.register(each, select.POLLIN)
        poll.poll(None if seconds is None else seconds * 1000)
        with suppress(BlockingIOError):
            while self._woken.recv(64):
                pass

    def _serve(self, server: socket.socket, address: Listening) -> None:
        while not self._ends and self._address == address:
            self._wait(None, server)
            try:
                client, _ = server.accept()
            except (BlockingIOError, ConnectionAbortedError):  # nobody, or gone again
                continue
            except OSError:  # no file descriptor is left: it can be read on, and would be asked again and again
                time.sleep(AGAIN_ACCEPT)
                continue
            with closing(client), suppress(OSError):
                self._answer(client, time.monotonic() + PATIENCE)

    def _answer(self, client: socket.socket, deadline: float) -> None:
        """
        Reads one request and answers it.

        Raises:
            OSError: the client is gone, or takes too long.
        """
        request = b""
        while b"\r\n\r\n" not in request and b"\n\n" not in request:
            client.settimeout(max(0.001, deadline - time.monotonic()))
            more = client.recv(4096)
            if not more:
                return
            request += more
            if len(request) > MAX_REQUEST:
                request = b""
                break
        status, kind, body = self._response(request)
        head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close"]
        head += ["Allow: GET"] if status.startswith("405") else []
        client.settimeout(max(0.001, deadline - time.monotonic()))
        client.sendall("\r\n".join([*head, "", ""]).encode() + body)
        client.shutdown(socket.SHUT_WR)
        with suppress(OSError):  # what it still sends would make the kernel reset what it has not read
            client.settimeout(0.1)
            client.recv(MAX_REQUEST)

    def _response(self, request: bytes) -> tuple[str, str, bytes]:
        """Status, Content-Type and body."""
        line, _, headers = request.partition(b"\n")
        asked = _REQUEST_LINE.fullmatch(line.rstrip(b"\r"))
        if asked is None:
            return "400 Bad Request", TEXT, b"this is no HTTP request\n"
        if asked["path"].partition(b"?")[0] != b"/metrics":
            return "404 Not Found", TEXT, b"only /metrics is here\n"
        if asked["method"] != b"GET":
            return "405 Method Not Allowed", TEXT, b"only GET\n"
        is_open = _WANTS_OPENMETRICS.search(headers) is not None
        try:
            body = self._metrics(is_open).encode("utf-8", "backslashreplace")
        except Exception as error:  # noqa: BLE001  a fault of ours costs this answer and not the thread
            log.error("metrics failed with %s", type(error).__name__)  # noqa: TRY400  one line is shown
            return "500 Internal Server Error", TEXT, b"see the log of the switch\n"
        return "200 OK", OPENMETRICS if is_open else TEXT, body


def _bound(address: Listening) -> socket.socket:
    server = socket.socket(socket.AF_INET6 if ":" in address.ip else socket.AF_INET)
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address.ip, address.port))
        server.listen(WAITING)
        server.setblocking(False)
    except BaseException:
        server.close()
        raise
    return server
