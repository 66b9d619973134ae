"""
What an event costs, side by side with other ways of doing it: `make bench`, one table, and results.json beside it.

Each lane is a process that measures one thing (bench/lane.py, bench/peers/lane.js). In a round each of them does one
batch, one after the other, so that whatever else the machine does falls upon all alike. A figure is the median of its
lane's batches; a ratio is the median of the rounds' ratios; what stands in brackets are the quartiles.

What is measured is CPU time of the process, never the time of day. Datagrams go to a socket that nobody reads: the
kernel takes and drops them, the same for all. What the switch itself does for an event is in nobody's figure, neither
getHeader's search here nor the event as JSON on the event socket there; the lines "headers searched" add the first.

npm's peers are skipped where they are not installed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = HERE / "peers"
RESULTS = HERE / "results.json"
RECORDING = ROOT / "fs_hepipe/tools/recordings/load_150_calls.jsonl.gz"

INSTALL = "npm ci --ignore-scripts --no-audit --no-fund"

MIN_ROUNDS, MAX_ROUNDS = 5, 41
WARM_UP = {"node": 12, "python": 2}
"""Batches before the first round: V8 compiles for a while, CPython not at all."""

MEGA = 1_000_000

TIMESTAMP = 1_795_402_536_143_508
MESSAGE = {
    "payload": json.dumps({"report": "x" * 585}),
    "protocol_type": 5,
    "src_ip": "192.0.2.10",
    "dst_ip": "192.0.2.2",
    "src_port": 30_001,
    "dst_port": 20_001,
    "ip_protocol": 17,
    "capture_id": 2001,
    "correlation_id": "306a585e-618c-1240-d1b8-96a756392f48",
    "node_name": "fsa",
    "auth_key": "secret",
}
"""A message with every chunk that both encoders know; its payload has 600 octets."""

BEGIN = ["CHANNEL_CREATE", "CHANNEL_ANSWER", "CHANNEL_BRIDGE"]
RTCP = ["RECV_RTCP_MESSAGE", "SEND_RTCP_MESSAGE"]
LOGGED = ["CHANNEL_CREATE", "CHANNEL_ANSWER", "CHANNEL_BRIDGE", "CHANNEL_UNBRIDGE", "CHANNEL_HANGUP_COMPLETE"]


@dataclass(frozen=True)
class Row:
    """One line of the table: our lane against another one, and how far it shall be."""

    what: str
    ours: str
    theirs: Optional[str] = None
    reach: Optional[float] = None
    """The ratio that ours shall not exceed; None: only told."""
    times_faster: bool = False
    """The ratio is theirs to ours, and shall not be less."""
    absolute: bool = False
    """Our own figure shall not exceed it."""
    unit: str = "µs"


# fmt: off
ROWS = (
    Row("encode, known flow, 600 octets / construct's own build",   "encode", "build", 50, times_faster=True),
    Row("encode, known flow, 600 octets / hep-js",                  "encode", "node encode", 0.7),
    Row("RTCP event, orjson / node",                                "rtcp", "node rtcp", 0.5),
    Row("RTCP event, stdlib json / node",                           "rtcp plain", "node rtcp", 0.8),
    Row("CHANNEL event, text / node, whole event",                  "channel", "node channel", 0.2),
    Row("RTCP event, orjson, headers searched / node",              "rtcp searched", "node rtcp"),
    Row("CHANNEL event, text, headers searched / node",             "channel searched", "node channel"),
    Row("load_150_calls, orjson / headers read and thrown away",    "story", "floor", 3),
    Row("load_150_calls, stdlib json / the same",                   "story plain", "floor", 3),
    Row("GIL held by one event, p99.9 of load_150_calls",           "hold", None, 300, absolute=True),
    Row("RTCP event, 1,000 legs / 10",                              "1,000 legs", "10 legs", 1.3),
    Row("RTCP event, 20,000 legs / 10",                             "20,000 legs", "10 legs", 1.3),
    Row("RTCP event, 20,000 legs / 1,000",                          "20,000 legs", "1,000 legs", 1.3),
    Row("memory, imported and 1,000 legs, orjson",                  "memory", None, 20, absolute=True, unit="MB"),
    Row("memory, imported and 1,000 legs, stdlib json",             "memory plain", None, 20, absolute=True, unit="MB"),
    Row("memory per leg, of 20,000",                                "memory per leg", None, 2000, absolute=True, unit="B"),
)
# fmt: on


@dataclass
class Lane:
    """A process that measures one thing."""

    command: list[str]
    kind: str = "python"
    about: dict[str, Any] = field(default_factory=dict)
    """What it said of itself."""
    batches: list[dict[str, Any]] = field(default_factory=list)
    """Its answers, one per round."""
    process: Optional[subprocess.Popen[str]] = None

    @property
    def figures(self) -> list[float]:
        return [batch["us"] for batch in self.batches]

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests/fakes"), "PYTHONHASHSEED": "0"}
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def answer(self) -> dict[str, Any]:
        """Its next line."""
        assert self.process is not None and self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(self.command[:4])} ended with {self.process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found

    def batch(self) -> dict[str, Any]:
        """Lets it measure once."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.answer()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()


# --- the lanes --------------------------------------------------------------------------------------------------------


def python_lanes(port: int) -> dict[str, Lane]:
    def lane(name: str, *more: str) -> Lane:
        return Lane([sys.executable, "-m", "bench.lane", name, "--port", str(port), *more])

    spec = ["--message", json.dumps(MESSAGE), "--timestamp", str(TIMESTAMP)]
    return {
        "encode": lane("encode", *spec, "--count", "20000"),
        "build": lane("build", *spec, "--count", "400"),
        "rtcp": lane("rtcp"),
        "rtcp plain": lane("rtcp", "--plain"),
        "rtcp searched": lane("rtcp-searched"),
        "channel": lane("channel"),
        "channel searched": lane("channel-searched"),
        "floor": lane("floor"),
        "story": lane("story"),
        "story plain": lane("story", "--plain"),
        "hold": lane("hold"),
        "10 legs": lane("growth", "--legs", "10"),
        "1,000 legs": lane("growth", "--legs", "1000"),
        "20,000 legs": lane("growth", "--legs", "20000"),
    }


def node_lanes(port: int) -> dict[str, Lane]:
    """None where node or its modules are missing."""
    node = shutil.which("node")
    if node is None:
        print("skipped: node is not installed")
        return {}
    missing = [name for name in ("hep-js", "modesl") if not (PEERS / "node_modules" / name).is_dir()]
    if missing:
        print(f"skipped: {' and '.join(missing)}, to be installed by: cd bench/peers && {INSTALL}")
        return {}

    def lane(name: str, **options: object) -> Lane:
        options = {"recording": str(RECORDING), "port": port, **options}
        return Lane([node, "--no-deprecation", str(PEERS / "lane.js"), name, json.dumps(options)], "node")

    return {
        "node encode": lane("encode", message=MESSAGE, timestamp=TIMESTAMP, count=10_000),
        "node rtcp": lane("event", begin=BEGIN, events=RTCP),
        "node channel": lane("event", begin=[], events=LOGGED),
    }


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """The port of a socket that nobody reads."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unread:
        unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        unread.bind(("127.0.0.1", 0))
        yield unread.getsockname()[1]


# --- measuring --------------------------------------------------------------------------------------------------------


def measure(lanes: dict[str, Lane], seconds: float) -> None:
    """Rounds over all lanes for so long."""
    began = time.monotonic()
    try:
        for lane in lanes.values():
            lane.start()
        for lane in lanes.values():
            lane.about = lane.answer()
        check_samples(lanes)
        for lane in lanes.values():
            for _ in range(WARM_UP[lane.kind]):
                lane.batch()
        while len(next(iter(lanes.values())).batches) < MAX_ROUNDS:
            for lane in lanes.values():
                lane.batch()
                lane.batches.append(lane.batch())
            rounds = len(next(iter(lanes.values())).batches)
            if rounds >= MIN_ROUNDS and time.monotonic() - began > seconds:
                break
    finally:
        for lane in lanes.values():
            lane.stop()
    for name, lane in lanes.items():
        if any(batch.get("sent", 1) != 1 for batch in lane.batches):
            raise SystemExit(f"{name}: {lane.batches[-1]['sent']} datagrams per event: the lanes don't do the same")


def check_samples(lanes: dict[str, Lane]) -> None:
    """All encoders have to make the same chunks; each has its own order."""
    samples = {name: sorted_chunks(lane.about["sample"]) for name, lane in lanes.items() if "sample" in lane.about}
    if any(sample != samples["encode"] for sample in samples.values()):
        raise SystemExit(f"the encoders disagree: {samples}")


def sorted_chunks(sample: str) -> list[bytes]:
    datagram = bytes.fromhex(sample)
    found, at = [datagram[:6]], 6
    while at < len(datagram):
        length = int.from_bytes(datagram[at + 4 : at + 6], "big")
        found.append(datagram[at : at + length])
        at += length
    return sorted(found)


def memory(port: int) -> dict[str, list[float]]:
    """The figures of the memory rows; sizes are those of one process each, and hardly vary."""

    def run(*command: str, text: str = "") -> str:
        return subprocess.run(
            [sys.executable, *command], cwd=ROOT, input=text, capture_output=True, text=True, check=True
        ).stdout

    bare = int(run("-c", "import os; print(int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE'))"))
    call = run("-m", "bench.story")
    fast = json.loads(run("-m", "bench.memory", str(port), text=call))
    plain = json.loads(run("-m", "bench.memory", str(port), "--plain", text=call))
    return {
        "memory": [(fast["few"] - bare) / MEGA],
        "memory plain": [(plain["few"] - bare) / MEGA],
        "memory per leg": [fast["per_leg"], plain["per_leg"]],
    }


# --- the table --------------------------------------------------------------------------------------------------------


@dataclass
class Figure:
    """A median and its quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Figure:
        if len(values) < 2:  # noqa: PLR2004
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)

    def text(self, digits: int, unit: str = "") -> str:
        return f"{self.median:.{digits}f}{unit} ({self.low:.{digits}f}–{self.high:.{digits}f})"


@dataclass
class Result:
    """A row that was measured."""

    row: Row
    ours: Figure
    theirs: Optional[Figure]
    ratio: Optional[Figure]

    @property
    def measured(self) -> float:
        return self.ours.median if self.ratio is None else self.ratio.median

    @property
    def verdict(self) -> str:
        if self.row.reach is None:
            return ""
        reached = self.measured >= self.row.reach if self.row.times_faster else self.measured <= self.row.reach
        return "ok" if reached else "missed"

    @property
    def reach(self) -> str:
        if self.row.reach is None:
            return ""
        return f"{'≥' if self.row.times_faster else '≤'} {self.row.reach:g}"


def results(figures: dict[str, list[float]]) -> list[Result]:
    """The rows of which both sides were measured."""
    found = []
    for row in ROWS:
        ours, theirs = figures.get(row.ours), figures.get(row.theirs or row.ours)
        if ours is None or theirs is None:
            continue
        if row.theirs is None:
            found.append(Result(row, Figure.of(ours), None, None))
        else:
            ratios = [(b / a if row.times_faster else a / b) for a, b in zip(ours, theirs)]
            found.append(Result(row, Figure.of(ours), Figure.of(theirs), Figure.of(ratios)))
    return found


def table(measured: list[Result]) -> list[str]:
    """The results, one line each."""
    cells = [("", "ours", "theirs", "ratio", "reach", "")]
    for each in measured:
        digits = 2 if each.ours.median < 10 else 1 if each.ours.median < 1000 else 0  # noqa: PLR2004
        cells.append((
            each.row.what,
            each.ours.text(digits, f" {each.row.unit}"),
            "" if each.theirs is None else each.theirs.text(2 if each.theirs.median < 10 else 1, " µs"),  # noqa: PLR2004
            "" if each.ratio is None else each.ratio.text(1 if each.ratio.median > 10 else 2),  # noqa: PLR2004
            each.reach,
            each.verdict,
        ))
    widths = [max(map(len, column)) for column in zip(*cells)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]


def machine(lanes: dict[str, Lane]) -> dict[str, Any]:
    """Where and with what it was measured."""
    versions: dict[str, str] = {}
    for lane in lanes.values():
        versions.update(lane.about.get("versions", {}))
    model = "unknown"
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), model)
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()[0], **versions}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--seconds", type=float, default=110, help="how long the rounds go on (default: %(default)s)")
    parser.add_argument("--where", action="store_true", help="where an event's time goes, instead")
    parser.add_argument("--plain", action="store_true", help="with --where: without orjson")
    parser.add_argument("--only", default="", help="only lanes named so")
    args = parser.parse_args()
    if args.where:
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests/fakes")}
        with sink() as port:
            command = [sys.executable, "-m", "bench.where", str(port), *(["--plain"] if args.plain else [])]
            raise SystemExit(subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode)
    with sink() as port:
        lanes = {**python_lanes(port), **node_lanes(port)}
        lanes = {n: l for n, l in lanes.items() if args.only in n}
        measure(lanes, args.seconds)
        figures = {name: lane.figures for name, lane in lanes.items()}
        if not args.only: figures.update(memory(port))
    measured, about = results(figures), machine(lanes)
    rounds = len(next(iter(lanes.values())).batches)
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    print(f"{rounds} rounds; median (quartiles) of CPU time per operation\n")
    print("\n".join(table(measured)))
    if args.only: return
    held = Figure.of([batch["wall"] for batch in lanes["hold"].batches])
    floor = lanes["floor"].about
    print(
        f"\nGIL held by the clock on the wall: {held.text(0, ' µs')}, the median event"
        f" {statistics.median(batch['median'] for batch in lanes['hold'].batches):.0f} µs"
        f"\nheaders that an event of load_150_calls needs: {floor['headers']} on average, {floor['most']} at most;"
        f" getHeader is called {floor['calls']} times"
    )
    RESULTS.write_text(
        json.dumps({"about": about, "rounds": rounds, "rows": [as_json(each) for each in measured]}, indent=1),
        encoding="utf-8",
    )


def as_json(each: Result) -> dict[str, Any]:
    return {
        "what": each.row.what,
        "unit": each.row.unit,
        "ours": vars(each.ours),
        "theirs": each.theirs and vars(each.theirs),
        "ratio": each.ratio and vars(each.ratio),
        "reach": each.reach,
        "verdict": each.verdict,
    }


if __name__ == "__main__":
    main()
