"""The page while 5,000 messages a second come for 20 seconds: `make slow`."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from fs_hepipe.hep import decode, encode
from tests.watching import Watch, story

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RATE, SECONDS, BATCH = 5_000, 20, 0.01


def calls() -> Iterator[bytes]:
    """Calls without end, of 300 that are up at once: the recorded one, under other names."""
    messages = [decode(datagram) for datagram in story("lossy_media")]
    ids = {message.correlation_id or "" for message in messages}
    known = {message.payload.partition(b" leg=")[2][:36] for message in messages if message.protocol_type == 100}
    generation = 0
    while True:
        for message in messages:
            for number in range(300):
                name = f"{generation:04d}{number:04d}"
                payload = message.payload
                for old in (*(each.encode() for each in ids), *known):
                    payload = payload.replace(old, name.encode() + old[8:])
                call_id = name + (message.correlation_id or "")[8:]
                yield encode(message._replace(payload=payload, correlation_id=call_id))
        generation += 1


def send(watch: Watch, datagrams: list[bytes]) -> float:
    """Sends them evenly; how many seconds it took."""
    host, _, port = watch.hep.rpartition(":")
    began = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for at, datagram in enumerate(datagrams):
            sender.sendto(datagram, (host, int(port)))
            if at % int(RATE * BATCH) == 0:
                time.sleep(max(0.0, began + at / RATE - time.monotonic()))
    return time.monotonic() - began


def test_the_page_stays_usable(page: Page, watch: Watch) -> None:
    source = calls()
    datagrams = [next(source) for _ in range(RATE * SECONDS)]
    watch.send(story("busy_486"))
    page.evaluate("""() => {
        window.frames_ = [];
        let last = performance.now();
        const frame = (now) => { window.frames_.push(now - last); last = now; requestAnimationFrame(frame); };
        requestAnimationFrame(frame);
    }""")
    took: list[float] = []
    sender = threading.Thread(target=lambda: took.append(send(watch, datagrams)))
    sender.start()
    time.sleep(3)
    clicks = []
    for _ in range(5):
        began = time.monotonic()
        page.locator("#rows button").first.click()
        expect(page.locator(".step").first).to_be_visible(timeout=15_000)
        clicks.append(time.monotonic() - began)
        page.keyboard.press("Escape")
        page.mouse.move(900, 500)
        page.wait_for_timeout(1_000)
    page.fill("#words", "486")
    expect(page.locator("#rows li")).to_have_count(1, timeout=15_000)
    page.fill("#words", "")
    sender.join()
    frames = page.evaluate("window.frames_")
    sent = len(datagrams) + 4
    deadline = time.monotonic() + 10
    totals = {"messages": 0, "lost": 0}
    while totals["messages"] + totals["lost"] < sent and time.monotonic() < deadline:
        time.sleep(0.2)
        totals = watch.json("/api/calls")["totals"]
    frames.sort()
    print(
        f"{len(datagrams)} messages in {took[0]:.1f} s, {totals['messages']} arrived, {totals['calls']} calls; "
        f"{len(frames)} frames: median {statistics.median(frames):.0f} ms, "
        f"99 % {frames[int(len(frames) * 0.99)]:.0f} ms, longest {frames[-1]:.0f} ms; "
        f"a call opens in {max(clicks):.2f} s at most"
    )
    assert totals["messages"] + totals["lost"] == sent
    assert totals["messages"] > sent / 2
    assert statistics.median(frames) < 50
    assert frames[int(len(frames) * 0.99)] < 500
    assert max(clicks) < 3
