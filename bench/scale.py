"""
A large site, worked out: `python -m bench.scale` prints the tables of docs/scale.md.

Rules:
1. What a call sends is counted from recorded calls that the agent maps here and now; how long calls take, how many
   there are and how often RTCP comes are given below.
2. Which collector gets which call is decided by the code that decides it in the switch (`delivery.group`), and when a
   switch connects again by the same pauses (`delivery.routes`).
3. Chance is seeded: the figures are the same each time.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

from fs_hepipe.agent.config import Config
from fs_hepipe.delivery.backlog import UNPACKED
from fs_hepipe.delivery.buffer import BLOCK, Block
from fs_hepipe.delivery.collectors import Collectors
from fs_hepipe.delivery.group import ordering
from fs_hepipe.delivery.routes import BACKOFF
from fs_hepipe.delivery.settings import Delivery
from fs_hepipe.delivery.stream import PACE
from fs_hepipe.hep import decode
from fs_hepipe.tools.playback import Playback, play
from fs_hepipe.tools.recorded import events
from fs_hepipe.words.event import RecordedEvent
from fs_hepipe.words.settings import Settings

RECORDING = "fs_hepipe/tools/recordings/load_150_calls.jsonl.gz"
LONGER = "fs_hepipe/tools/recordings/lossy_media.jsonl.gz"
"""Whose calls are long enough for a periodic report."""
RECORDED_CALLS = 150

SWITCHES = 1_000
CALLS = 500
"""Calls at once on each switch, each of two legs."""
DURATION = 180.0
"""Seconds of a call."""
RTCP_INTERVAL = 5.0
"""Seconds between two reports, of each leg and direction."""
RTCP_A_CALL = 4
"""Two legs, two directions."""

RTCP = 5
SEED = 1

KEYS = 200_000
OUTAGE = 600.0
"""Seconds."""


def recorded(recording: str = RECORDING) -> list[bytes]:
    """The messages of the recorded calls."""
    found: list[bytes] = []
    send = Collectors.send

    def keep(collectors: Collectors, messages: list[bytes], wall: float) -> None:  # noqa: ARG001  as it is called
        found.extend(messages)

    Collectors.send = keep  # type: ignore[method-assign, assignment]
    try:
        play(Config(), Playback(each for each in events(recording) if isinstance(each, RecordedEvent)))
    finally:
        Collectors.send = send  # type: ignore[method-assign]
    return found


def table(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" + "---:|" * (len(head) - 1)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def figure(number: float) -> str:
    """Three digits that matter."""
    if number >= 100:  # noqa: PLR2004
        digits = len(str(int(number))) - 3
        return f"{round(number, -digits):,.0f}"
    return f"{number:.3g}"


class Load:
    """What a switch sends."""

    def __init__(self, messages: list[bytes]) -> None:
        reports = [each for each in messages if decode(each).protocol_type == RTCP]
        others = [each for each in messages if decode(each).protocol_type != RTCP]
        periodic = [each for each in recorded(LONGER) if b'"TYPE":"PERIODIC"' in each]
        self.per_second = {
            "RTCP": CALLS * RTCP_A_CALL / RTCP_INTERVAL,
            "quality in mid-call": CALLS * RTCP_A_CALL / Settings().qos_interval,
            "call lines, quality": CALLS / DURATION * len(others) / RECORDED_CALLS,
        }
        self.octets = {
            "RTCP": sum(map(len, reports)) / len(reports),
            "quality in mid-call": sum(map(len, periodic)) / len(periodic),
            "call lines, quality": sum(map(len, others)) / len(others),
        }
        self.messages = sum(self.per_second.values())
        self.rate = sum(count * self.octets[kind] for kind, count in self.per_second.items())
        self.packing = self._packing(messages)

    @staticmethod
    def _packing(messages: list[bytes]) -> float:
        """How much smaller messages are in the buffer."""
        block: list[bytes] = []
        plain = packed = 0
        for message in messages:
            block.append(message)
            if sum(map(len, block)) >= BLOCK:
                plain += sum(map(len, block))
                packed += len(Block.of(block).data)
                block = []
        return plain / packed

    def rows(self) -> list[list[str]]:
        found = []
        for kind, count in [*self.per_second.items(), ("together", self.messages)]:
            size = self.octets.get(kind, self.rate / self.messages)
            everywhere = count * SWITCHES
            found.append(
                [kind, figure(count), figure(size), figure(everywhere), figure(everywhere * size * 8 / 1e6)]
            )
        return found


def hashing(count: int) -> list[str]:
    """One of so many collectors is lost: what moves, and how full the others get."""
    names = [f"tcp:homer{number}.example.com:9060" for number in range(1, count + 1)]
    before, after = ordering(names), ordering(names[1:])
    chance = random.Random(SEED)
    shares: Counter[int] = Counter()
    moved = wrongly = 0
    later: Counter[int] = Counter()
    for _ in range(KEYS):
        key = b"%032x@switch" % chance.getrandbits(128)
        first, then = before(key)[0], after(key)[0] + 1
        shares[first] += 1
        later[then] += 1
        moved += first != then
        wrongly += first not in {0, then}
    mean = KEYS / count
    return [
        str(count),
        f"{max(shares.values()) / mean:.3f}",
        f"{moved / KEYS:.1%}",
        str(wrongly),
        f"{max(later.values()) / mean:.3f}",
    ]


def returning(seconds: float) -> tuple[int, int]:
    """A collector comes back after an outage: connects in its busiest second, and seconds until all are there."""
    chance = random.Random(SEED)
    arrivals: Counter[int] = Counter()
    shortest, longest = BACKOFF
    for _ in range(SWITCHES):
        now, attempts = 0.0, 0
        while now < seconds:
            now += min(longest, shortest * 2**attempts) * chance.uniform(0.5, 1.0)
            attempts += 1
        arrivals[int(now - seconds)] += 1
    return max(arrivals.values()), max(arrivals) + 1


def report() -> Iterator[str]:
    """The lines of docs/scale.md that are figures."""
    load = Load(recorded())
    head = ["messages", "per switch and second", "octets", f"{SWITCHES:,} switches, per second", "Mbit/s"]
    yield from table(head, load.rows())
    yield ""
    collectors = [2, 4, 8, 16]
    head = ["collectors", "each gets, messages/s", "Mbit/s", "connections to each", "connections of a switch"]
    total = load.messages * SWITCHES
    rows = [
        [str(each), figure(total / each), figure(load.rate * SWITCHES * 8 / 1e6 / each), f"{SWITCHES:,}", str(each)]
        for each in collectors
    ]
    yield from table(head, rows)
    yield ""
    head = ["collectors", "fullest, of the mean", "calls that move", "calls of others that move", "fullest then"]
    yield from table(head, [hashing(each) for each in collectors])
    yield ""
    waiting = load.messages * OUTAGE
    limit = Delivery().buffer_size
    plain = limit / UNPACKED
    packed = plain + max(0.0, load.rate * OUTAGE - plain) / load.packing
    held = plain + (limit - plain) * load.packing
    busiest, last = returning(OUTAGE)
    yield from table(
        ["an outage of ten minutes of all collectors", "figure"],
        [
            ["messages that wait in a switch", figure(waiting)],
            ["memory for them, MB", figure(packed / 1e6)],
            ["minutes that the default buffer holds", figure(held / load.rate / 60)],
            ["connects to a collector in the busiest second", str(busiest)],
            ["seconds until all switches are back", str(last)],
            ["seconds to send what waited, at the pace of a switch", figure(load.rate * OUTAGE / PACE)],
            ["Mbit/s of all switches meanwhile, if the collectors take it", figure(PACE * SWITCHES * 8 / 1e6)],
        ],
    )


if __name__ == "__main__":
    for line in report():
        print(line)
