"""
What the agent occupies: `python -m bench.story | python -m bench.memory PORT [--plain] [--few]`, and one JSON object.

Resident octets of this process: with 1,000 legs, and per leg of 19,000 more (0 with --few: there are none). All that
the switch loads is imported, each leg comes to life by the events that make it, logs its lines and reports RTCP both
ways, and every string of every event is made anew, as SWIG makes them. Nothing is imported here that the agent does
not import itself.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import types
from collections.abc import Iterator

PLAIN = "--plain" in sys.argv
if PLAIN:
    sys.modules["orjson"] = None  # type: ignore[assignment]  # importing it fails, as where it is not installed
sys.modules["freeswitch"] = types.ModuleType("freeswitch")  # what the switch gives is not ours

from bench import story  # noqa: E402  after orjson was kept out
from fs_hepipe.agent.config import Config  # noqa: E402
from fs_hepipe.agent.loop import Agent  # noqa: E402
from fs_hepipe.delivery.address import Address  # noqa: E402
from fs_hepipe.switch import entry_points  # noqa: E402, F401  all that the switch loads
from fs_hepipe.words.event import Event, RecordedEvent  # noqa: E402

FEW = 1_000
MANY = FEW if "--few" in sys.argv else 20_000


def resident() -> int:
    """Octets of this process that are in memory."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as numbers:  # noqa: PTH123  pathlib is not needed otherwise
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Silence:
    """An inlet without events."""

    def bind(self, name: str, subclass: str = "") -> bool:  # noqa: ARG002
        return True

    def pop(self, wait_ms: int) -> None:  # noqa: ARG002
        return None

    def close(self) -> None:
        """Nothing to end."""


def main() -> None:
    call = story.Call(*json.load(sys.stdin))
    steps = {0: resident()}

    def living() -> Iterator[Event]:
        for number in range(MANY // 2):
            yield from map(RecordedEvent, call.events(number))
            for leg in (2 * number, 2 * number + 1):
                yield from (RecordedEvent(call.report(leg, turn)) for turn in range(2))
            if 2 * number + 2 in {FEW, MANY}:
                steps[2 * number + 2] = resident()
        agent.stop()

    agent = Agent(Config(collectors=(Address("127.0.0.1", int(sys.argv[1])),)), lambda _length: Silence())
    # Each is asked about one by one; later questions, by Unique-ID, have no answer.
    agent.run(living, lambda event: None if isinstance(event, str) else event)
    if len(agent.pipeline.legs) != MANY or not agent.counters.ledger().balances:
        raise SystemExit(f"not all legs live: {agent.counters.ledger()}")
    per_leg = (steps[MANY] - steps[FEW]) / max(1, MANY - FEW)
    print(json.dumps({"imported": steps[0], "few": steps[FEW], "per_leg": per_leg}))


if __name__ == "__main__":
    main()
