"""
What of the bench runs inside the switch, under mod_python3: it fires recorded events, and throws events away.

It is copied into the switch's script folder, alone. `pyrun inside JOB.json` does what the file says:

    {"fire": [LINE, …], "per_second": N, "at": T, "settle": S, "ready": FILE, "answer": FILE}
        makes the events (JSON each), and fires them evenly from T on, in seconds since 1970; then waits S seconds.
        The answer: CPU seconds of the whole switch from T to the end, and how late the latest event was.
    {"discard": [[EVENT, SUBCLASS], …], "length": N, "rest": S, "ready": FILE, "end": FILE, "answer": FILE}
        pops such events as the agent's loop does, and does nothing with them, until there is a file END. The answer:
        how many there were.

`python inside FILE` runs the Python in a file.
"""

from __future__ import annotations

import gc
import json
import os
import time
from pathlib import Path
from typing import Any

import freeswitch

WAIT_MS = 500


def runtime(args: str) -> None:
    """Does a job, in the thread that `pyrun` makes."""
    job = json.loads(Path(args).read_text(encoding="utf-8"))
    write(job["answer"], fire(job) if "fire" in job else discard(job))


def fsapi(_session: Any, stream: Any, _env: Any, args: str) -> None:
    """Runs the Python in a file."""
    exec(Path(args).read_text(encoding="utf-8"), {})
    stream.write("+OK\n")


def fire(job: dict[str, Any]) -> dict[str, float]:
    """
    Fires events. Each is made before the time begins and kept until it is over: making one costs more than all that is
    measured, and freeing one would give its memory to whoever is measured.
    """
    events = [freeswitch.Event("json", line) for line in job["fire"]]
    gc.collect()
    gc.freeze()  # what only the bench holds is not looked at by the garbage collections of whoever is measured
    write(job["ready"], {})
    begin, interval = job["at"], 1 / job["per_second"]
    if time.time() >= begin:
        return {"late": time.time() - begin, "cpu": 0.0}
    time.sleep(begin - time.time())
    cpu, late = time.process_time(), 0.0
    for number, event in enumerate(events):
        early = begin + number * interval - time.time()
        if early > 0:
            time.sleep(early)
        elif early < -late:
            late = -early
        event.fire()
    time.sleep(job["settle"])
    return {"late": late, "cpu": time.process_time() - cpu}


def discard(job: dict[str, Any]) -> dict[str, float]:
    """Pops until told to end."""
    consumer = freeswitch.EventConsumer(None, "", job["length"])
    for name, subclass in job["discard"]:
        consumer.bind(name, subclass)
    write(job["ready"], {})
    pop, rest = consumer.pop, job["rest"]
    popped = 0
    while not os.path.exists(job["end"]):  # noqa: PTH110  twice a second, or after the measurement
        event = pop(1, WAIT_MS)
        while event is not None:
            row = 0
            while event is not None:
                row += 1
                event = pop(0)
            popped += row
            if rest:
                time.sleep(rest)
            event = pop(1, WAIT_MS)
    consumer.cleanup()
    return {"popped": popped}


def write(path: str, answer: dict[str, float]) -> None:
    """An answer, all of it at once."""
    part = Path(f"{path}.part")
    part.write_text(json.dumps(answer), encoding="utf-8")
    part.rename(path)
