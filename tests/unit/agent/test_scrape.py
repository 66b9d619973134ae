"""What a scraper, and whoever else connects to `metrics-listen`, gets."""

from __future__ import annotations

import errno
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.request import Request, urlopen

import pytest

from fs_hepipe.agent import scrape
from fs_hepipe.agent.scrape import OPENMETRICS, TEXT, Listening, Scrape, listening


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_open(address: Listening) -> None:
    deadline = time.monotonic() + 5
    while True:
        try:
            socket.create_connection(address, 1).close()
        except OSError:
            assert time.monotonic() < deadline, "nobody listens"
            time.sleep(0.01)
        else:
            return


@pytest.fixture
def address() -> Iterator[Listening]:
    address = Listening("127.0.0.1", free_port())
    with closing(Scrape(lambda is_open: "open" if is_open else "text")) as served:
        served.listen(address)
        wait_until_open(address)
        yield address


def said(address: Listening, request: bytes) -> str:
    with socket.create_connection(address, 10) as client:
        client.sendall(request)
        with client.makefile("rb") as answer:
            return answer.read().decode()


@pytest.mark.parametrize(("accept", "kind", "body"), [
    ("*/*", TEXT, "text"),
    ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2", OPENMETRICS, "open"),
])  # fmt: skip
def test_a_scraper_gets_the_format_that_it_takes(address: Listening, accept: str, kind: str, body: str) -> None:
    with urlopen(Request(f"http://{address}/metrics?x=1", headers={"Accept": accept}), timeout=5) as answer:
        assert (answer.status, answer.headers["Content-Type"], answer.read().decode()) == (200, kind, body)


@pytest.mark.parametrize(("request_", "status"), [
    (b"GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
    (b"GET /metricsx HTTP/1.1\r\n\r\n", "404 Not Found"),
    (b"POST /metrics HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd", "405 Method Not Allowed"),
    (b"HEAD /metrics HTTP/1.0\n\n", "405 Method Not Allowed"),
    (b"GET /metrics HTTP/2.0\r\n\r\n", "400 Bad Request"),
    (b"\x16\x03\x01\x02\x00\r\n\r\n", "400 Bad Request"),
    (b"GET /metrics HTTP/1.1\r\nx: " + 9000 * b"x", "400 Bad Request"),
])  # fmt: skip
def test_nothing_else_is_answered(address: Listening, request_: bytes, status: str) -> None:
    answer = said(address, request_)
    assert answer.startswith(f"HTTP/1.1 {status}\r\n")
    assert "xxxx" not in answer


def test_a_client_that_says_nothing_holds_the_next_one_up_for_a_moment_only(
    address: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape, "PATIENCE", 0.3)
    with socket.create_connection(address), socket.create_connection(address) as second:
        second.sendall(b"GET /met")
        assert said(address, b"GET /metrics HTTP/1.1\r\n\r\n").endswith("text")


def test_a_client_that_reads_nothing_does_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "PATIENCE", 0.3)
    address = Listening("127.0.0.1", free_port())
    with closing(Scrape(lambda is_open: "x" if is_open else 20_000_000 * "x")) as served:
        served.listen(address)
        wait_until_open(address)
        with socket.create_connection(address) as deaf:
            deaf.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            openly = b"GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\n\r\n"
            assert said(address, openly).endswith("\r\n\r\nx")


def test_it_moves_stops_and_begins_again(address: Listening) -> None:
    other = Listening("127.0.0.1", free_port())
    with closing(Scrape(lambda _: "moved")) as served:
        for here, gone in ((other, None), (Listening("127.0.0.1", free_port()), other), (other, None)):
            served.listen(here)
            wait_until_open(here)
            assert said(here, b"GET /metrics HTTP/1.1\r\n\r\n").endswith("moved")
            if gone is not None:
                with pytest.raises(OSError, match="refused"):
                    socket.create_connection(gone, 1)
        served.listen(None)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            time.sleep(0.02)
            try:
                socket.create_connection(other, 1).close()
            except ConnectionRefusedError:
                return
            except TimeoutError:  # the queue of what it has not taken was full
                continue
        pytest.fail("it still listens")


def test_a_port_that_is_taken_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scrape, "AGAIN", 0.05)
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(logging.getLogger("fs_hepipe"), "propagate", True)
    with socket.socket() as taken, closing(Scrape(lambda _: "late")) as served:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = Listening("127.0.0.1", taken.getsockname()[1])
        served.listen(address)
        time.sleep(0.3)
        taken.close()
        wait_until_open(address)
        assert said(address, b"GET /metrics HTTP/1.1\r\n\r\n").endswith("late")
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [f"metrics-listen: {address}: Address already in use"]


def test_without_file_descriptors_it_waits_and_then_answers(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    address = Listening("127.0.0.1", free_port())
    failed: list[float] = []

    class Full(socket.socket):
        def accept(self) -> Any:
            if len(failed) < 3:
                failed.append(time.monotonic())
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    monkeypatch.setattr(scrape, "AGAIN_ACCEPT", 0.1)
    monkeypatch.setattr(socket, "socket", Full)
    found = Scrape(lambda _: "x 1\n")
    with closing(found):
        found.listen(address)
        wait_until_open(address)
        assert said(address, b"GET /metrics HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 200")
    assert all(later - earlier >= 0.1 for earlier, later in zip(failed, failed[1:]))
    assert len(failed) == 3


def test_a_fault_of_ours_costs_one_answer() -> None:
    address, faults = Listening("127.0.0.1", free_port()), [ValueError("a"), None]

    def metrics(_: bool) -> str:
        fault = faults.pop(0)
        if fault is not None:
            raise fault
        return "again"

    with closing(Scrape(metrics)) as served:
        served.listen(address)
        wait_until_open(address)
        assert said(address, b"GET /metrics HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 500 ")
        assert said(address, b"GET /metrics HTTP/1.1\r\n\r\n").endswith("again")


@pytest.mark.parametrize("text", ["127.0.0.1:9064", "[::1]:9064", "0.0.0.0:1", "[::]:65535"])
def test_an_address_is_what_was_written(text: str) -> None:
    assert str(listening(text)) == text


def test_no_address_is_none() -> None:
    assert listening("") is None


BAD = """
    9064 :9064 localhost:9064 127.0.0.1 127.0.0.1:0 127.0.0.1:65536 127.0.0:9064 ::1:9064 [127.0.0.1]:9064
    http://127.0.0.1:9064 1.2.3.999:1
"""


@pytest.mark.parametrize("text", BAD.split())
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an IP address and a port"):
        listening(text)
