"""
What `fs-hepipe watch` costs: memory for 10,000 calls, and time for a message.

    .venv/bin/python bench/watch.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fs_hepipe.hep import ProtocolType, decode, encode
from fs_hepipe.tools.watch.look import call_as_seen
from fs_hepipe.tools.watch.store import Store
from tests.watching import story

CALLS = 10_000
STORY = "bridged_answered"


def resident() -> int:
    """Octets of this process in memory (Linux)."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


def main() -> None:
    store = Store(CALLS, 10**12)
    messages = [decode(datagram) for datagram in story(STORY)]
    ids = sorted({message.correlation_id or "" for message in messages})
    lines = [message.payload for message in messages if message.protocol_type == ProtocolType.LOG]
    legs = sorted({line.partition(b" leg=")[2][:36].decode() for line in lines})
    before, spent = resident(), 0.0
    for number in range(CALLS):
        new = []
        for message in messages:
            payload = message.payload
            for old in (*ids, *legs):
                payload = payload.replace(old.encode(), f"{number:08d}{old[8:]}".encode())
            new.append(encode(message._replace(
                payload=payload, correlation_id=f"{number:08d}{(message.correlation_id or '')[8:]}"
            )))  # fmt: skip
        began = time.process_time()
        for datagram in new:
            store.add(datagram)
        spent += time.process_time() - began
    used, count = resident() - before, CALLS * len(messages)
    print(f"{len(store)} calls, {count} messages: {used / 1e6:.0f} MB, counted as {store.octets / 1e6:.0f} MB")
    print(f"a message {spent / count * 1e6:.0f} µs")
    began = time.process_time()
    for _ in range(20):
        store.view("nothing")
    print(f"a search that finds nothing {(time.process_time() - began) / 20 * 1e3:.1f} ms")
    found = store.find(next(iter(store.view(limit=1).rows))["key"])
    if found is not None:
        began = time.process_time()
        call_as_seen(found)
        print(f"a call of {len(found.messages)} messages {(time.process_time() - began) * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
