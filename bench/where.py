"""
Where an event's time goes: `bench/bench.py --where`, over load_150_calls on the fake switch, as a table.

Every other telling a timer of the process's CPU time interrupts the agent's loop, and the innermost function on the
stack that belongs to a stage gets the sample. So nothing is wrapped and no stage costs more for being looked at; a
stage's µs are its share of what an event costs in the tellings between.
"""

from __future__ import annotations

import argparse
import platform
import signal
import statistics
import sys
import time
from collections import Counter
from types import FrameType
from typing import Optional

from bench import lane
from fs_hepipe.agent import loop as agent
from fs_hepipe.words.settings import Settings

INTERVAL = 0.001
"""Seconds of CPU time between two samples; the kernel may make it 4 ms."""

SECONDS = 60.0

# fmt: off
# What is innermost comes first: a part of the file's path, the functions that are meant (none: all), the stage.
STAGES: tuple[tuple[str, frozenset[str], str], ...] = (
    ("fakes/freeswitch.py", frozenset({"getHeader", "_text", "_value"}), "getHeader (the fake's search)"),
    ("fakes/freeswitch.py", frozenset(),                                 "pop (the fake's queue)"),
    ("/threading.py",       frozenset(),                                 "pop (the fake's queue)"),
    ("switch/host.py",      frozenset(),                                 "pop (the fake's queue)"),
    ("words/text.py",       frozenset({"to_json"}),                      "JSON"),
    ("/json/",              frozenset(),                                 "JSON"),
    ("hep/",                frozenset(),                                 "encode"),
    ("delivery/",           frozenset(),                                 "send"),
    ("reports/pipeline.py", frozenset(),                                 "bookkeeping: correlate, address, count"),
    ("reports/datagrams.py", frozenset(),                                "bookkeeping: correlate, address, count"),
    ("reports/flows.py",    frozenset(),                                 "bookkeeping: correlate, address, count"),
    ("calls/waiting.py",    frozenset(),                                 "bookkeeping: correlate, address, count"),
    ("reports/",            frozenset(),                                 "map: numbers, reports, lines"),
    ("calls/",              frozenset(),                                 "observe: legs, SIP, media"),
    ("agent/loop.py",       frozenset({"_loop"}),                        "loop, and freeing the event (the fake's)"),
    ("agent/loop.py",       frozenset(),                                 "bookkeeping: correlate, address, count"),
)
# fmt: on


def stage(frame: Optional[FrameType]) -> Optional[str]:
    """The stage that a stack is in; None outside the agent's loop."""
    found: Optional[str] = None
    while frame is not None:
        path, function = frame.f_code.co_filename, frame.f_code.co_name
        if found is None:
            found = next((name for part, of, name in STAGES if part in path and (not of or function in of)), None)
        if path == agent.__file__ and function == "_loop":
            return found
        frame = frame.f_back
    return None


def main() -> None:
    args = argparse.Namespace(port=int(sys.argv[1]))
    samples: Counter[str] = Counter()

    def sample(_signal: int, frame: Optional[FrameType]) -> None:
        found = stage(frame)
        if found is not None:
            samples[found] += 1

    signal.signal(signal.SIGPROF, sample)
    events = lane.bound(Settings())
    headers = sum(map(len, lane.overheard(args, events))) / len(events)
    costs: list[float] = []
    began = time.monotonic()
    while time.monotonic() - began < SECONDS:
        telling = 2 * len(costs)
        took, _ = lane.play(args, events, telling)
        costs.append(took / len(events) * lane.MICROS)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
        lane.play(args, events, telling + 1)
        signal.setitimer(signal.ITIMER_PROF, 0)
    cost, total = statistics.median(costs), sum(samples.values())
    print(f"CPython {platform.python_version()}, {'stdlib json' if lane.PLAIN else 'orjson'}: {cost:.1f} µs per event")
    print(f"{len(costs)} times {len(events)} events, {headers:.1f} getHeader each, {total} samples\n")
    print("| stage | µs per event | share |\n|---|---:|---:|")
    for name in dict.fromkeys(name for _, _, name in STAGES):
        share = samples[name] / total
        print(f"| {name} | {cost * share:.1f} | {share:.0%} |")


if __name__ == "__main__":
    main()
