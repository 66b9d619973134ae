"""
What an event costs, side by side with other ways of doing it: `make bench`, one table, and results.json beside it.

Each lane is a process that measures one thing (lane.py, peers/lane.js). In a round each of them does one batch, one
after the other, so that whatever else the machine does falls upon all alike. A figure is the median of a lane's
batches, a ratio the median of the rounds' ratios; brackets hold the quartiles.

What is measured is CPU time of the process, never the time of day. Datagrams go to a socket that nobody reads: the
kernel takes and drops them, the same for all. What the switch does for an event is in nobody's figure, neither
getHeader's search here nor the JSON on the event socket there; lines with "headers searched" have the first, as the
fake switch does it.

Peers from npm are skipped where they are not installed.
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

MIN_ROUNDS, MAX_ROUNDS = 5, 31
SECONDS = 100.0
"""How long lanes are started and rounds go on; the least number of rounds may take longer."""

MEGA = 1_000_000

TIMESTAMP = 1_795_402_536_143_508
MESSAGE = {
    "payload": json.dumps({"report": "x" * 586}),
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
"""A message with every chunk that all encoders know; its payload has 600 octets."""

BEGIN = ["CHANNEL_CREATE", "CHANNEL_ANSWER", "CHANNEL_BRIDGE", "CALL_UPDATE"]
RTCP = ["RECV_RTCP_MESSAGE", "SEND_RTCP_MESSAGE"]
LOGGED = ["CHANNEL_CREATE", "CHANNEL_ANSWER", "CHANNEL_BRIDGE", "CHANNEL_UNBRIDGE", "CHANNEL_HANGUP_COMPLETE"]
"""As in story.py."""


@dataclass(frozen=True)
class Row:
    """One line of the table: one lane against another, or by itself, and how far it shall be."""

    what: str
    ours: str
    theirs: Optional[str] = None
    reach: Optional[float] = None
    """What the ratio, or without `theirs` our own figure, shall not exceed; None: it is only told."""
    faster: bool = False
    """The ratio is theirs to ours, and shall not be less than its reach."""
    unit: str = "µs"


# fmt: off
ROWS = (
    Row("encode, known flow, 600 octets / construct's own build",  "encode", "build", 50, faster=True),
    Row("encode, known flow, 600 octets / hep-js",                 "encode", "node encode", 0.7),
    Row("RTCP event, orjson / node",                               "rtcp", "node rtcp", 0.5),
    Row("RTCP event, stdlib json / node",                          "rtcp plain", "node rtcp", 0.8),
    Row("RTCP event, orjson, headers searched / node",             "rtcp searched", "node rtcp"),
    Row("CHANNEL event as a line / node, the whole event",         "channel", "node channel", 0.2),
    Row("CHANNEL event as a line, headers searched / node",        "channel searched", "node channel"),
    Row("load_150_calls, orjson / headers read, thrown away",      "story", "floor", 3),
    Row("load_150_calls, stdlib json / headers read, thrown away", "story plain", "floor", 3),
    Row("GIL held by one event, p99.9 of load_150_calls",          "hold", None, 300),
    Row("RTCP event, 1,000 legs / 10 legs",                        "1,000 legs", "10 legs", 1.3),
    Row("RTCP event, 20,000 legs / 10 legs",                       "20,000 legs", "10 legs", 1.3),
    Row("new leg and switch address, 20,000 legs / 10 legs",       "20,000 moving", "10 moving", 1.5),
    Row("a tick's look at 4,096 waiting records / at none",        "4,096 waiting", "none waiting", 1.5),
    Row("a periodic quality report and its two RTCP reports",      "periodic", None, 150),
    Row("a parameter refused, of 9,000 / of 900 collectors",       "9,000 refused", "900 refused", 1.5),
    Row("a debug line of the log, skipped / each line matched",     "log", "log matched", 0.5),
    Row("a line of the log to its datagram / a CHANNEL event to its", "log sent", "channel", 0.5),
    Row("a message over TCP / over UDP, 1,000 a second",           "tcp", "udp"),
    Row("a message over TLS / over UDP, 1,000 a second",           "tls", "udp"),
    Row("RTCP event to a collector over TCP and two dead / to one", "two dead", "none dead", 1.2),
    Row("memory over bare python, 1,000 legs, orjson",             "memory", None, 20, unit="MB"),
    Row("memory over bare python, 1,000 legs, stdlib json",        "memory plain", None, 20, unit="MB"),
    Row("memory per leg, 1,000 to 20,000 legs",                    "memory per leg", None, 2000, unit="B"),
)
# fmt: on


@dataclass
class Lane:
    """A process that measures one thing."""

    command: list[str]
    warm_up: int = 1
    """Batches before the first round: V8 compiles for a while, CPython does not."""
    brief: bool = True
    """Each batch is done twice and the first one not counted, since all the others have emptied the CPU's caches."""
    about: dict[str, Any] = field(default_factory=dict)
    """What it said of itself."""
    batches: list[dict[str, Any]] = field(default_factory=list)
    """Its answers, one per round."""
    process: Optional[subprocess.Popen[str]] = None

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests/fakes"), "PYTHONHASHSEED": "0"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(self.command, cwd=ROOT, env=environment, text=True, stdin=pipe, stdout=pipe)

    def answer(self) -> dict[str, Any]:
        """Its next line."""
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(self.command[:4])} ended with {self.process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found

    def batch(self) -> dict[str, Any]:
        """Lets it measure once."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.answer()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()


# --- the lanes --------------------------------------------------------------------------------------------------------


def python_lanes(port: int) -> dict[str, Lane]:
    def lane(name: str, *more: str, brief: bool = True) -> Lane:
        return Lane([sys.executable, "-m", "bench.lane", name, "--port", str(port), *more], brief=brief)

    message = ["--message", json.dumps(MESSAGE), "--timestamp", str(TIMESTAMP)]
    return {
        "encode": lane("encode", *message, "--count", "20000"),
        "build": lane("build", *message, "--count", "400"),
        "rtcp": lane("rtcp"),
        "rtcp plain": lane("rtcp", "--plain"),
        "rtcp searched": lane("rtcp-searched"),
        "channel": lane("channel"),
        "channel searched": lane("channel-searched", brief=False),
        "floor": lane("floor", brief=False),
        "story": lane("story", brief=False),
        "story plain": lane("story", "--plain", brief=False),
        "hold": lane("hold", brief=False),
        "10 legs": lane("growth", "--legs", "10"),
        "1,000 legs": lane("growth", "--legs", "1000"),
        "20,000 legs": lane("growth", "--legs", "20000"),
        "10 moving": lane("moving", "--legs", "10"),
        "20,000 moving": lane("moving", "--legs", "20000"),
        "none waiting": lane("waiting", "--count", "0"),
        "4,096 waiting": lane("waiting", "--count", "4096"),
        "periodic": lane("periodic"),
        "900 refused": lane("refusing", "--count", "900"),
        "9,000 refused": lane("refusing", "--count", "9000"),
        "log": lane("log"),
        "log matched": lane("log", "--plain"),
        "log sent": lane("log-sent"),
        "udp": lane("deliver", brief=False),
        "tcp": lane("deliver", "--to", "tcp", brief=False),
        "tls": lane("deliver", "--to", "tls", brief=False),
        "none dead": lane("paced", "--to", "tcp", brief=False),
        "two dead": lane("paced", "--to", "tcp", "--dead", "2", brief=False),
    }


def node_lanes(port: int) -> dict[str, Lane]:
    """None, and a line that says why, where node or one of its modules is missing."""
    node = shutil.which("node")
    if node is None:
        print("skipped: the lines about node, which is not installed")
        return {}
    missing = [name for name in ("hep-js", "modesl") if not (PEERS / "node_modules" / name).is_dir()]
    if missing:
        print(f"skipped: the lines about node; {' and '.join(missing)} come by: cd bench/peers && {INSTALL}")
        return {}

    def lane(name: str, **options: object) -> Lane:
        options = {"recording": str(RECORDING), "port": port, **options}
        return Lane([node, "--no-deprecation", str(PEERS / "lane.js"), name, json.dumps(options)], warm_up=12)

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


def measure(lanes: dict[str, Lane], seconds: float) -> int:
    """Rounds over all lanes until so much time has passed since the first one was started; how many there were."""
    began, rounds = time.monotonic(), 0
    try:
        for lane in lanes.values():
            lane.start()
        for lane in lanes.values():
            lane.about = lane.answer()
        check_samples(lanes)
        for lane in lanes.values():
            for _ in range(lane.warm_up):
                lane.batch()
        while rounds < MIN_ROUNDS or (rounds < MAX_ROUNDS and time.monotonic() - began < seconds):
            for lane in lanes.values():
                if lane.brief:
                    lane.batch()
                lane.batches.append(lane.batch())
            rounds += 1
    finally:
        for lane in lanes.values():
            lane.stop()
    for name, lane in lanes.items():
        if any(batch.get("sent", 1) != 1 for batch in lane.batches):
            raise SystemExit(f"{name}: {lane.batches[-1]['sent']} datagrams per event: the lanes don't do the same")
    return rounds


def check_samples(lanes: dict[str, Lane]) -> None:
    """All encoders have to make the same chunks; hep-js has another order of them."""
    samples = [bytes.fromhex(lane.about["sample"]) for lane in lanes.values() if "sample" in lane.about]
    if any(chunks(sample) != chunks(samples[0]) for sample in samples):
        raise SystemExit(f"the encoders disagree: {samples}")


def chunks(datagram: bytes) -> list[bytes]:
    """A datagram's header and its chunks, sorted."""
    found, at = [datagram[:6]], 6
    while at < len(datagram):
        length = int.from_bytes(datagram[at + 4 : at + 6], "big")
        found.append(datagram[at : at + length])
        at += length
    return sorted(found)


def memory(port: int) -> dict[str, list[float]]:
    """The figures of the memory rows: MB, and octets per leg. Each is one process's."""

    def run(*command: str, text: str = "") -> Any:
        return json.loads(subprocess.check_output([sys.executable, *command], cwd=ROOT, input=text, text=True))

    bare = run("-c", "import os; print(int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE'))")
    call = json.dumps(run("-m", "bench.story"))
    fast = run("-m", "bench.memory", str(port), text=call)
    plain = run("-m", "bench.memory", str(port), "--plain", "--few", text=call)
    return {
        "memory": [(fast["few"] - bare) / MEGA],
        "memory plain": [(plain["few"] - bare) / MEGA],
        "memory per leg": [fast["per_leg"]],
    }


# --- the table --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure:
    """A median and its quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Figure:
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)

    def text(self, unit: str = "") -> str:
        digits = 2 if self.median < 10 else 1 if self.median < 100 else 0  # noqa: PLR2004  three digits that count
        spread = f" ({self.low:.{digits}f}–{self.high:.{digits}f})" if self.low < self.high else ""
        return f"{self.median:.{digits}f}{unit and f' {unit}'}{spread}"


@dataclass(frozen=True)
class Result:
    """A row that was measured."""

    row: Row
    ours: Figure
    theirs: Optional[Figure]
    ratio: Optional[Figure]

    @property
    def reach(self) -> str:
        return "" if self.row.reach is None else f"{'≥' if self.row.faster else '≤'} {self.row.reach:g}"

    @property
    def verdict(self) -> str:
        if self.row.reach is None:
            return ""
        measured = (self.ratio or self.ours).median
        return "ok" if (measured >= self.row.reach if self.row.faster else measured <= self.row.reach) else "missed"

    def as_json(self) -> dict[str, Any]:
        figures = {"ours": self.ours, "theirs": self.theirs, "ratio": self.ratio}
        told = {name: figure and vars(figure) for name, figure in figures.items()}
        return {"what": self.row.what, "unit": self.row.unit, **told, "reach": self.reach, "verdict": self.verdict}


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
            ratios = [b / a if row.faster else a / b for a, b in zip(ours, theirs)]
            found.append(Result(row, Figure.of(ours), Figure.of(theirs), Figure.of(ratios)))
    return found


def table(measured: list[Result]) -> list[str]:
    cells = [("", "ours", "theirs", "ratio", "reach", "")]
    cells += [
        (
            each.row.what,
            each.ours.text(each.row.unit),
            each.theirs.text(each.row.unit) if each.theirs else "",
            each.ratio.text() if each.ratio else "",
            each.reach,
            each.verdict,
        )
        for each in measured
    ]
    widths = [max(map(len, column)) for column in zip(*cells)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]


def machine(lanes: dict[str, Lane], load: float) -> dict[str, Any]:
    """Where and with what it was measured; `load` is that of the machine before."""
    model = platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    versions = {name: number for lane in lanes.values() for name, number in lane.about["versions"].items()}
    return {"CPU": model, "CPUs": os.cpu_count(), "kernel": platform.release(), "load before": load, **versions}


def asides(lanes: dict[str, Lane]) -> Iterator[str]:
    """What the table has no column for."""
    if "hold" in lanes:
        batches = lanes["hold"].batches
        wall, middle = (Figure.of([batch[key] for batch in batches]).text("µs") for key in ("wall", "median"))
        yield f"GIL held by one event: the same by the clock on the wall {wall}; the event in the middle {middle}"
    if "floor" in lanes:
        about = lanes["floor"].about
        yield (
            f"headers that an event of load_150_calls needs: {about['headers']:.1f} on average; getHeader is called"
            f" {about['calls']:.1f} times, {about['most_calls']} at most"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of rounds (default: %(default)g)")
    parser.add_argument("--only", default="", metavar="WORD", help="only lanes whose names have it; no results.json")
    parser.add_argument("--where", action="store_true", help="where an event's time goes, instead")
    parser.add_argument("--plain", action="store_true", help="with --where: without orjson")
    args = parser.parse_args()
    load = round(os.getloadavg()[0], 2)
    with sink() as port:
        if args.where:
            where = [sys.executable, "-m", "bench.where", str(port), *(["--plain"] if args.plain else [])]
            environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests/fakes")}
            raise SystemExit(subprocess.run(where, cwd=ROOT, env=environment, check=False).returncode)
        lanes = {**python_lanes(port), **node_lanes(port)}
        lanes = {name: lane for name, lane in lanes.items() if args.only in name}
        rounds = measure(lanes, args.seconds)
        figures = {name: [batch["us"] for batch in lane.batches] for name, lane in lanes.items()}
        if args.only in "memory":
            figures.update(memory(port))
    measured, about = results(figures), machine(lanes, load)
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    print(f"{rounds} rounds; per operation, median (quartiles) of CPU time\n")
    print("\n".join([*table(measured), "", *asides(lanes)]))
    if not args.only:
        told = {"about": about, "rounds": rounds, "rows": [each.as_json() for each in measured]}
        RESULTS.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
