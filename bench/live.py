"""
What the agent costs a real FreeSWITCH: `make bench-live`, one table per switch, and results-live.json beside it.

Recorded events are fired inside a switch that does nothing else (inside.py), a thousand a second, and the CPU time of
the whole process is read before and after. Each lane has the switch to itself, started anew:

    bare         nobody listens
    discard      events of the kinds that the agent asks for are popped and thrown away
    fs_hepipe    the agent, as scripts/install brings it
    hepipe.js    node behind mod_event_socket, subscribed as its own configuration does; its CPU counts too

In a round each lane has its turn. What a lane costs is its CPU time over that of the round's bare lane. A figure is the
median of the rounds, brackets hold the least and the most.

Events get the time at which they are due for the time they tell, and the kernel stamps each datagram that arrives: so
the difference is how long it took from the event to its datagram. That is told of RTCP, whose records never wait.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import platform
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from bench.bench import RECORDING, machine
from fs_hepipe.agent.config import Config
from fs_hepipe.hep import decode
from fs_hepipe.hep.registry import ProtocolType
from fs_hepipe.reports.bindings import bindings
from fs_hepipe.words import names
from fs_hepipe.words.settings import Settings
from tests.live.collector import eventually
from tests.live.configuration import PASSWORD, WITH_PYTHON, free_ports
from tests.live.conftest import install
from tests.live.switch import Installation, Switch

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results-live.json"

ROUNDS = 3
PER_SECOND = 1000
SETTLE = 1.5
"""Seconds after the last event: the agent and node are done by then."""

BEGIN_IN = 15.0
"""Seconds in which the events have to be made, and the lane to be ready."""

MOST_BY_OTHERS = 0.1
"""CPUs that others on this machine may keep busy while a lane is measured; else its turn is taken again."""

LOOK = 3.0
"""Seconds for which others are looked at before a turn."""

TRIES = 10
"""Turns of a lane in a round."""

PATIENCE = 1800.0
"""Seconds to wait until others leave the machine alone."""

CPUS = os.cpu_count() or 1

MEGA = 1_000_000
MICROS = 1_000_000

SO_TIMESTAMPNS = 35
"""linux/asm-generic/socket.h: the kernel tells when a datagram came."""

NO_AUTOSTART = '<configuration name="python.conf" description="bench"><settings/></configuration>\n'

NODE_CONFIG = """\
const config = require({example});
Object.assign(config.hep_config, {{ debug: false, HEP_SERVER: '127.0.0.1', HEP_PORT: {collector} }});
Object.assign(config.esl_config, {{ debug: false, ESL_SERVER: '127.0.0.1', ESL_PORT: {esl}, ESL_PASS: '{password}' }});
module.exports = config;
"""
"""hepipe.js' own example, with the addresses of here, and without a line on the console for each event."""


@dataclass(frozen=True)
class Lane:
    """Who listens while the events are fired."""

    name: str
    who: str
    """`nobody`, `discard`, `agent` or `node`."""
    rest: float = 0.0
    """Of `discard`: seconds between two rows of events."""
    change: str = ""
    """Of `agent`: Python that the switch runs before the agent starts."""


@dataclass
class Turn:
    """What one lane cost in one round."""

    switch_s: float
    """CPU seconds of the switch."""
    node_s: float
    resident: int
    """Octets in memory of the switch, and of node."""
    handled: int
    """Events that came through."""
    datagrams: int
    delays: list[float]
    """Seconds from an event to its datagram, RTCP's, sorted."""
    late: float
    """Seconds by which the latest event was fired too late."""
    others: float
    """CPUs that others kept busy meanwhile."""

    @property
    def total_s(self) -> float:
        return self.switch_s + self.node_s


@dataclass(frozen=True)
class Row:
    """One lane against another, and how far it shall be."""

    what: str
    ours: str
    theirs: str
    reach: float


ROWS = (
    Row("fs_hepipe / hepipe.js", "fs_hepipe", "hepipe.js", 0.10),
    Row("fs_hepipe / discard", "fs_hepipe", "discard", 2),
)


# --- what is fired ----------------------------------------------------------------------------------------------------


def recorded(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def dated(events: list[dict[str, Any]], at: float, per_second: float) -> list[str]:
    """The events as JSON, as if they happened when they are fired. No header changes its place."""
    lines = []
    for number, event in enumerate(events):
        due = str(int((at + number / per_second) * MICROS))
        told = {**event, names.EVENT_DATE_TIMESTAMP: due}
        if names.CAPTURE_TIME in event:
            told[names.CAPTURE_TIME] = due
        lines.append(json.dumps(told))
    return lines


def wanted(events: list[dict[str, Any]]) -> int:
    """How many of the events the agent asks for."""
    bound = {name for name, _ in bindings(Settings())}
    return sum(event[names.EVENT_NAME] in bound for event in events)


# --- who takes the datagrams ------------------------------------------------------------------------------------------


class Sink:
    """A collector that notes when each datagram came, by the kernel's clock."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024 * 1024)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self.taken: list[tuple[float, bytes]] = []
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends it, after all that has come."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def delays(self) -> list[float]:
        """Seconds from an event to its datagram, of RTCP that tells its event's time, sorted."""
        found = []
        for came, datagram in self.taken:
            message = decode(datagram)
            if message.protocol_type == ProtocolType.RTCP_JSON:
                found.append(came - message.timestamp / MICROS)
        return sorted(found)

    def _take(self) -> None:
        while True:
            datagram, ancillary, _, _ = self._socket.recvmsg(65_535, 64)
            if not datagram:
                return
            seconds, nanos = struct.unpack("qq", ancillary[0][2])
            self.taken.append((seconds + nanos / 1e9, datagram))


# --- one turn ---------------------------------------------------------------------------------------------------------


@dataclass
class Bench:
    """One switch's installation, and what is fired into it."""

    home: Installation
    events: list[dict[str, Any]]
    per_second: float
    hepipe_js: Optional[Path]
    queue_length: int
    turns: dict[str, list[Turn]] = field(default_factory=dict)
    version: str = ""

    def take_turn(self, lane: Lane) -> Turn:
        """A lane's turn, taken again where others kept the machine busy."""
        for _ in range(TRIES):
            wait_until_quiet()
            turn = self._take_turn(lane)
            if turn.others <= MOST_BY_OTHERS:
                return turn
            print(f"{lane.name}: others kept {turn.others:.2f} CPUs busy, once more", file=sys.stderr)
        raise SystemExit(f"{lane.name}: the machine is too busy")

    def _take_turn(self, lane: Lane) -> Turn:
        """A lane with a switch of its own."""
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-live-")))
            ports, neighbour = stack.enter_context(free_ports()), stack.enter_context(free_ports())
            switch = Switch(self.home, folder / "bench", ports, neighbour, modules=WITH_PYTHON)
            shutil.copy(HERE / "inside.py", switch.scripts)
            if lane.who == "agent":
                install(switch)
            (switch.conf / "autoload_configs/python.conf.xml").write_text(NO_AUTOSTART, encoding="utf-8")
            stack.callback(switch.stop)
            switch.launch()
            stack.callback(kill, switch)
            switch.wait_until_up()
            self.version = switch.api("version").split("~")[0].strip()
            sink = stack.enter_context(contextlib.closing(Sink()))
            return self._measure(lane, switch, sink, folder)

    def _measure(self, lane: Lane, switch: Switch, sink: Sink, folder: Path) -> Turn:
        begin = time.time() + BEGIN_IN
        lines = dated(self.events, begin, self.per_second)
        told = {"fire": lines, "per_second": self.per_second, "at": begin, "settle": SETTLE}
        fired = start(switch, "fire", told)
        node = self._enter(lane, switch, sink, folder)
        switch.hang_up()
        if time.time() > begin:
            raise SystemExit(f"{lane.name} was not ready in {BEGIN_IN:g} s")
        time.sleep(begin - time.time())
        pids = [switch.pid, *([node.pid] if node else [])]
        began, others_began = list(map(cpu_s, pids)), others_s(*pids)
        eventually("end of the events", fired.exists, patience=len(lines) / self.per_second * 2 + 30)
        used = [cpu_s(pid) - before for pid, before in zip(pids, began)]
        others, took = others_s(*pids) - others_began, time.time() - begin
        resident = sum(map(resident_octets, pids))
        answer = json.loads(fired.read_text(encoding="utf-8"))
        handled = self._leave(lane, switch, node)
        return Turn(
            answer["cpu"],
            sum(used[1:]),
            resident,
            handled,
            len(sink.taken),
            sink.delays() if lane.who == "agent" else [],
            answer["late"],
            others / took,
        )

    def _enter(self, lane: Lane, switch: Switch, sink: Sink, folder: Path) -> Optional[subprocess.Popen[bytes]]:
        """Whoever listens comes, after the events were made."""
        if lane.who == "discard":
            bound = [*bindings(Settings()), (names.SHUTDOWN, "")]
            told = {"discard": bound, "length": self.queue_length, "rest": lane.rest}
            start(switch, "discard", {**told, "end": str(switch.folder / "end")})
        elif lane.who == "agent":
            switch.configure(capture_server=f"udp:127.0.0.1:{sink.port}", event_queue_length=self.queue_length)
            switch.api("reloadxml")
            if lane.change:
                change = switch.folder / "change.py"
                change.write_text(lane.change, encoding="utf-8")
                assert switch.api(f"python inside {change}") == "+OK\n", lane.change
            assert switch.hepipe("start") == "+OK started\n"
        elif lane.who == "node":
            return self._start_node(switch, sink, folder / "hepipe.js")
        return None

    def _start_node(self, switch: Switch, sink: Sink, folder: Path) -> subprocess.Popen[bytes]:
        """hepipe.js from a folder of its own, so that nothing is written into the checkout."""
        assert self.hepipe_js is not None
        folder.mkdir()
        for script in self.hepipe_js.glob("*.js"):
            shutil.copy(script, folder)
        (folder / "node_modules").symlink_to(self.hepipe_js / "node_modules")
        example = json.dumps(str(self.hepipe_js / "examples/esl-config.js"))
        config = NODE_CONFIG.format(example=example, collector=sink.port, esl=switch.ports.esl, password=PASSWORD)
        (folder / "config.js").write_text(config, encoding="utf-8")
        output = folder / "output"
        command = ["setpriv", "--pdeathsig", "KILL", "node", "--no-deprecation", "hepipe.js"]
        with output.open("wb") as written:
            node = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=written, stderr=written)
        eventually("subscription of hepipe.js", lambda: "subscribed" in output.read_text(encoding="utf-8"))
        return node

    def _leave(self, lane: Lane, switch: Switch, node: Optional[subprocess.Popen[bytes]]) -> int:
        """Whoever listened goes; how many events it had. That it did what it is measured for is looked at here."""
        if lane.who == "discard":
            (switch.folder / "end").touch()
            answer = switch.folder / "discard.answer"
            eventually("end of discard", answer.exists)
            return int(json.loads(answer.read_text(encoding="utf-8"))["popped"])
        if lane.who == "agent":
            report = switch.status()
            if not report["ledger"]["balances"] or report["events"]["failed"] or report["dropped"]:
                raise SystemExit(f"{lane.name}: {report['ledger']}, {report['events']['failed']}, {report['dropped']}")
            return sum(report["events"]["received"].values())
        if node is not None:
            if node.poll() is not None:
                raise SystemExit(f"{lane.name} ended with {node.returncode}")
            node.kill()
            node.wait()
            return len(self.events)
        return 0


def wait_until_quiet() -> None:
    deadline, busy = time.monotonic() + PATIENCE, 1.0
    while busy > MOST_BY_OTHERS:
        if time.monotonic() > deadline:
            raise SystemExit(f"others keep {busy:.2f} CPUs busy, for {PATIENCE:g} s now")
        before = others_s()
        time.sleep(LOOK)
        busy = (others_s() - before) / LOOK


def start(switch: Switch, name: str, job: dict[str, Any]) -> Path:
    """Has the switch do a job, and waits until that is ready; the file that will have the answer."""
    ready, answer = switch.folder / f"{name}.ready", switch.folder / f"{name}.answer"
    path = switch.folder / f"{name}.json"
    path.write_text(json.dumps({**job, "ready": str(ready), "answer": str(answer)}), encoding="utf-8")
    switch.api(f"pyrun inside {path}")
    eventually(f"job {name}, see the log", ready.exists, patience=BEGIN_IN)
    return answer


def kill(switch: Switch) -> None:
    """Ends a switch at once: what it would do at a shutdown is not asked for here."""
    with contextlib.suppress(OSError):
        switch.api("fsctl shutdown now")
    switch.hang_up()


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, to the ns (clock_getcpuclockid(3), as the kernel makes that number)."""
    return time.clock_gettime((~pid << 3) | 2)


def others_s(*ours: int) -> float:
    """
    CPU seconds of this machine that are neither ours, nor this process', nor idle. What is idle the kernel knows to the
    µs (fs/proc/stat.c:get_idle_time); what is busy it samples, and events that come in step with that mislead it.
    """
    idle, waiting = map(int, Path("/proc/stat").read_text(encoding="ascii").split()[4:6])
    busy = time.monotonic() * CPUS - (idle + waiting) / os.sysconf("SC_CLK_TCK")
    return busy - sum(map(cpu_s, ours)) - time.process_time()


def resident_octets(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


# --- the table --------------------------------------------------------------------------------------------------------


def spread(values: list[float], digits: int) -> str:
    """A median, the least and the most."""
    low, middle, high = (f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values)))
    return middle if low == high else f"{middle} ({low}–{high})"


def over_bare(bench: Bench, name: str) -> list[float]:
    """CPU seconds of a lane over the bare one, by rounds."""
    return [turn.total_s - bare.total_s for turn, bare in zip(bench.turns[name], bench.turns["bare"])]


def ratios(bench: Bench, row: Row) -> list[float]:
    return [a / b for a, b in zip(over_bare(bench, row.ours), over_bare(bench, row.theirs))]


def figures(bench: Bench) -> Iterator[dict[str, Any]]:
    """A lane's figures, by rounds."""
    events = wanted(bench.events)
    for name, turns in bench.turns.items():
        over = over_bare(bench, name)
        bare = bench.turns["bare"]
        told: dict[str, Any] = {"lane": name, "cpu_s": [turn.total_s for turn in turns]}
        told["handled"] = [turn.handled for turn in turns]
        told["datagrams"] = [turn.datagrams for turn in turns]
        told["late_ms"] = [turn.late * 1e3 for turn in turns]
        told["others_cpus"] = [turn.others for turn in turns]
        if name != "bare":
            told["over_bare_s"] = over
            told["node_s"] = [turn.node_s for turn in turns]
            told["us_per_event"] = [seconds / events * MICROS for seconds in over]
            told["resident_mb"] = [(turn.resident - one.resident) / MEGA for turn, one in zip(turns, bare)]
        delays = [turn.delays for turn in turns if turn.delays]
        for label, share in (("p50", 0.50), ("p99", 0.99), ("most", 1.0)):
            if delays:
                told[f"delay_{label}_ms"] = [of[min(len(of) - 1, int(len(of) * share))] * 1e3 for of in delays]
        yield told


def table(bench: Bench) -> list[str]:
    heads = "CPU s|over bare, s|of it in node, s|µs per event|memory, MB|event to datagram, p50, p99, most, ms|events"
    cells = [("", *heads.split("|"))]
    for told in figures(bench):
        delays = [spread(told[key], 1) for key in ("delay_p50_ms", "delay_p99_ms", "delay_most_ms") if key in told]
        cells.append(
            (
                told["lane"],
                spread(told["cpu_s"], 2),
                spread(told["over_bare_s"], 3) if "over_bare_s" in told else "",
                spread(told["node_s"], 2) if any(told.get("node_s", [])) else "",
                spread(told["us_per_event"], 1) if "us_per_event" in told else "",
                spread(told["resident_mb"], 1) if "resident_mb" in told else "",
                ", ".join(delays),
                spread(told["handled"], 0),
            )
        )
    widths = [max(map(len, column)) for column in zip(*cells)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]


def verdicts(bench: Bench) -> Iterator[dict[str, Any]]:
    """The rows of which both sides were measured."""
    for row in ROWS:
        if row.ours in bench.turns and row.theirs in bench.turns:
            found = ratios(bench, row)
            verdict = "ok" if statistics.median(found) <= row.reach else "missed"
            yield {"what": row.what, "ratio": found, "reach": row.reach, "verdict": verdict}


# --- all of it --------------------------------------------------------------------------------------------------------


def lanes(hepipe_js: Optional[Path], changes: list[str], only: str) -> list[Lane]:
    found = [Lane("bare", "nobody"), Lane("discard", "discard"), Lane("fs_hepipe", "agent")]
    for change in changes:
        name, _, text = change.partition(":")
        found.append(Lane(name, "agent", change=text))
    if hepipe_js is not None:
        found.append(Lane("hepipe.js", "node"))
    return [lane for lane in found if lane.name == "bare" or only in lane.name]


def switches() -> list[Installation]:
    """Those of $FREESWITCH."""
    named = [path for path in os.environ.get("FREESWITCH", "").split(":") if path]
    if not named:
        raise SystemExit("no FreeSWITCH: FREESWITCH=/path/of/the/binary names one, several are separated by :")
    found = [Installation(Path(path).resolve()) for path in named]
    for home in found:
        if home.lacking:
            raise SystemExit(f"no FreeSWITCH: {home.lacking}")
    return found


def checkout() -> Optional[Path]:
    """hepipe.js, with all that it needs; None, and a line that says why, where something is missing."""
    named = os.environ.get("HEPIPE_JS")
    path = Path(named).resolve() if named else None
    lacking = None
    if path is None:
        lacking = "HEPIPE_JS=/path/of/hepipe.js, a checkout of github.com/sipcapture/hepipe.js, does not name one"
    elif not (path / "esl-client.js").exists():
        lacking = f"{path} has no esl-client.js"
    elif not (path / "node_modules/modesl").is_dir():
        lacking = f"{path} has no node_modules/modesl: npm install --ignore-scripts there"
    elif shutil.which("node") is None:
        lacking = "node is not installed"
    if lacking:
        print(f"skipped: the lane of hepipe.js; {lacking}")
        return None
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="(default: %(default)s)")
    parser.add_argument("--per-second", type=float, default=PER_SECOND, help="events (default: %(default)s)")
    parser.add_argument("--queue-length", type=int, default=Config().event_queue_length, help="(default: %(default)s)")
    parser.add_argument("--recording", type=Path, default=RECORDING, help="what is fired (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="WORD", help="only lanes whose names have it; no results file")
    parser.add_argument(
        "--change", action="append", default=[], metavar="NAME:PYTHON",
        help="one more lane with the agent, after the switch has run this Python; no results file",
    )  # fmt: skip
    args = parser.parse_args()
    found, hepipe_js, events = switches(), checkout(), recorded(args.recording)
    told = []
    for home in found:
        load = round(os.getloadavg()[0], 2)
        bench = Bench(home, events, args.per_second, hepipe_js, args.queue_length)
        for number in range(args.rounds):
            for lane in lanes(hepipe_js, args.change, args.only):
                turn = bench.take_turn(lane)
                bench.turns.setdefault(lane.name, []).append(turn)
                print(f"round {number + 1}: {lane.name} {turn.total_s:.3f} s", file=sys.stderr)
        about = {**machine({}, load), "CPython": platform.python_version(), "FreeSWITCH": bench.version}
        print("\n" + ", ".join(f"{name} {value}" for name, value in about.items()))
        print(
            f"{args.rounds} rounds; {len(events)} events, {args.per_second:g} a second, the agent asks for "
            f"{wanted(events)}; median (least–most)\n"
        )
        print("\n".join(table(bench)) + "\n")
        for each in verdicts(bench):
            print(f"{each['what']}: {spread(each['ratio'], 3)}, at most {each['reach']:g}: {each['verdict']}")
        told.append({"about": about, "lanes": list(figures(bench)), "rows": list(verdicts(bench))})
    if not args.only and not args.change:
        RESULTS.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
