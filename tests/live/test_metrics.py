"""`metrics-listen` in a real switch: scraped while calls come, and troubled by whoever else connects."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from urllib.request import Request, urlopen

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from .collector import eventually
from .lab import Lab

pytestmark = pytest.mark.live

OPEN = "application/openmetrics-text"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def scrape(port: int, accept: str = "text/plain") -> str:
    with urlopen(Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept}), timeout=10) as answer:
        return str(answer.read().decode())


def is_open(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def test_it_is_scraped_while_calls_come_and_clients_hang(another: Lab) -> None:
    lab, port = another, free_port()
    lab.a.configure(capture_server=lab.collector.url, metrics_listen=f"127.0.0.1:{port}")
    lab.a.api("reloadxml")
    assert lab.a.hepipe("reload").endswith("+OK reloaded\n")
    eventually("metrics", is_open, port)
    ends, times, texts = threading.Event(), [], []

    def scrape_often() -> None:
        while not ends.is_set():
            began = time.monotonic()
            texts.append(scrape(port, OPEN))
            times.append(time.monotonic() - began)

    scraper = threading.Thread(target=scrape_often)
    scraper.start()
    call_ids = lab.dial_steadily(100, 20.0, "refused")
    for call_id in call_ids:
        lab.collector.line(call_id, "CHANNEL_HANGUP_COMPLETE")
    ends.set()
    scraper.join()
    assert {len(lab.collector.hangups(call_id)) for call_id in call_ids} == {1}
    for text in (texts[0], texts[-1]):
        assert list(openmetrics.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    families = list(text_string_to_metric_families(scrape(port)))
    found = {sample.name: sample.value for family in families for sample in family.samples}
    assert found["fs_hepipe_ledger_balances"] == 1
    assert found["fs_hepipe_queue_full_total"] == 0
    times.sort()
    busiest = found["fs_hepipe_busiest_event_seconds"]
    median, longest = times[len(times) // 2], times[-1]
    print(f"\n{len(times)} scrapes, median {median:.4f} s, longest {longest:.4f} s; longest event {busiest} s")
    hanging = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    lab.refused()
    lab.a.api("fsctl shutdown")
    lab.a.hang_up()
    assert lab.a.wait_until_gone(20.0) == 0
    for each in hanging:
        each.close()
