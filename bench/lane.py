"""
The lanes that run in Python: `python -m bench.lane NAME …` measures one thing, a batch whenever a line comes on stdin.

A lane says first what it is (one JSON object), then answers each line with one JSON object: `us`, the CPU time of this
process per operation in µs, and where datagrams leave, `sent`: how many did, per operation.

Rules:
1. CPU time of the whole process, user and system: what `resource.getrusage` gives, to the ns.
2. Events go through `Agent.run`: the loop, the pipeline and the collectors as they are inside the switch. The clock is
   read where the agent asks for its next event.
3. Events are made a few at a time, the clock stopped meanwhile: as near to the CPU as an event that the switch has just
   handed over, and each string its own.
4. The garbage collector is on, as in the switch. What only the bench holds is frozen, so that it does not look at it.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import platform
import subprocess
import sys
import time
from collections.abc import Generator, Iterable, Iterator
from functools import partial
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Callable, Optional

import freeswitch

PLAIN = "--plain" in sys.argv
if PLAIN:
    sys.modules["orjson"] = None  # type: ignore[assignment]  # importing it fails, as where it is not installed

from bench import story  # noqa: E402  after orjson was kept out
from fs_hepipe.agent.config import Config, examine  # noqa: E402
from fs_hepipe.agent.loop import Agent  # noqa: E402
from fs_hepipe.calls.endpoint import Endpoint  # noqa: E402
from fs_hepipe.calls.leg import Leg  # noqa: E402
from fs_hepipe.calls.media import AUDIO, Medium  # noqa: E402
from fs_hepipe.calls.record import Record  # noqa: E402
from fs_hepipe.calls.waiting import MAX_PER_LEG, Waiting  # noqa: E402
from fs_hepipe.delivery.address import Address, Tls  # noqa: E402
from fs_hepipe.delivery.collectors import Collectors  # noqa: E402
from fs_hepipe.hep import Flow, Message, encode  # noqa: E402
from fs_hepipe.hep.encoder import chunks  # noqa: E402
from fs_hepipe.hep.schema import HEP3  # noqa: E402
from fs_hepipe.reports.bindings import bindings  # noqa: E402
from fs_hepipe.reports.log_line import LEVELS, LogLine, LogText, Wanted, match_head  # noqa: E402
from fs_hepipe.reports.periodic import periodic  # noqa: E402
from fs_hepipe.reports.pipeline import Pipeline  # noqa: E402
from fs_hepipe.switch import host  # noqa: E402
from fs_hepipe.tools.demo import LOGGED  # noqa: E402
from fs_hepipe.version import VERSION  # noqa: E402
from fs_hepipe.words import names  # noqa: E402
from fs_hepipe.words.counters import Counters  # noqa: E402
from fs_hepipe.words.event import Event, RecordedEvent  # noqa: E402
from fs_hepipe.words.settings import Settings  # noqa: E402

MICROS = 1_000_000

FEW = 20
"""Events made at a time; as many are fed at once in node."""

GROWTH_BATCH = 2_000
MOVING_BATCH = 500
TICKS = 10_000
LOG_TIMES = 100
LOG = LOGGED / "no_such_gateway.log.gz"
GRAVE = {b"CONSOLE", b"ALERT", b"CRIT", b"ERR", b"WARNING"}

Make = Callable[[story.Headers], Event]


def asked() -> bool:
    """Waits for a line; False at the end."""
    return bool(sys.stdin.readline())


def tell(**answer: object) -> None:
    print(json.dumps(answer), flush=True)


def introduce(**about: object) -> None:
    """What the lane is, and with what it was made."""
    versions = {"fs_hepipe": VERSION, "CPython": platform.python_version(), "construct": version("construct")}
    tell(versions=versions if PLAIN else {**versions, "orjson": version("orjson")}, **about)


def settle() -> None:
    """Rule 4."""
    gc.collect()
    gc.freeze()


# --- encode ----------------------------------------------------------------------------------------------------------


def message(args: argparse.Namespace) -> Message:
    """The message that every encoder makes."""
    fields = json.loads(args.message)
    return Message(args.timestamp, fields.pop("payload").encode(), **fields)


def encode_lane(args: argparse.Namespace) -> None:
    """A message of a known flow, a µs later each time."""
    first = message(args)
    timestamp, payload, flow = first.timestamp, first.payload, Flow(first)
    introduce(sample=flow.encode(timestamp, payload).hex())
    while asked():
        began = time.process_time()
        for later in range(args.count):
            flow.encode(timestamp + later, payload)
        tell(us=(time.process_time() - began) / args.count * MICROS)


def build_lane(args: argparse.Namespace) -> None:
    """The same by the schema itself: the chunks are at hand, HEP3.build makes the octets."""
    made = [{"vendor_id": 0, "type_id": type_id, "body": body} for type_id, body in chunks(message(args))]
    introduce(sample=HEP3.build(made).hex())
    while asked():
        began = time.process_time()
        for _ in range(args.count):
            HEP3.build(made)
        tell(us=(time.process_time() - began) / args.count * MICROS)


# --- events ----------------------------------------------------------------------------------------------------------


def read_at_once(headers: story.Headers) -> Event:
    """An event that knows its headers: what it costs to read them is left out."""
    return RecordedEvent(headers)


def searched(headers: story.Headers) -> Event:
    """The fake switch's event: getHeader searches from the first header on, as the real one's, at about its price."""
    event: Event = freeswitch.Event("json", json.dumps(headers))
    return event


class Fed:
    """An agent's inlet that gives what a generator yields. When that is over, the agent ends."""

    def __init__(self, events: Callable[[Agent], Iterator[Optional[Event]]]) -> None:
        self._events = events
        self._iterator: Iterator[Optional[Event]] = iter(())

    def run(
        self,
        args: argparse.Namespace,
        settings: Settings,
        living: Iterable[Event] = (),
        collectors: tuple[Address, ...] = (),
    ) -> Agent:
        """Runs an agent over what lives already, and then over the events."""
        config = Config(settings=settings, collectors=collectors) if collectors else configuration(args, settings)
        agent = Agent(config, lambda _length: self)
        self._iterator = self._events(agent)
        # They are asked about by themselves; later questions, by Unique-ID, have no answer.
        agent.run(lambda: living, lambda event: None if isinstance(event, str) else event)
        return agent

    def bind(self, name: str, subclass: str = "") -> bool:  # noqa: ARG002  it gives what it has
        return True

    def pop(self, wait_ms: int) -> Optional[Event]:  # noqa: ARG002  it never waits
        return next(self._iterator, None)

    def close(self) -> None:
        """Nothing to end."""


def configuration(args: argparse.Namespace, settings: Settings) -> Config:
    return Config(settings=settings, collectors=(Address("127.0.0.1", args.port),))


def clocked(events: Iterator[Event]) -> Generator[Optional[Event], None, tuple[float, int]]:
    """Gives events to the agent a few at a time (rule 3); CPU seconds that it had them, and how many there were."""
    took, count = 0.0, 0
    while few := list(islice(events, FEW)):
        began = time.process_time()
        yield from few
        took += time.process_time() - began
        count += len(few)
    yield None  # so that the agent sees an end of the row
    return took, count


def answer(agent: Agent, events: Iterator[Event]) -> Generator[Optional[Event], None, None]:
    """One batch, and what it cost."""
    gc.collect()
    before = agent.collectors.offered
    took, count = yield from clocked(events)
    tell(us=took / count * MICROS, sent=(agent.collectors.offered - before) / count)


def rtcp_lane(args: argparse.Namespace, make: Make) -> None:
    """The recording's RTCP events, over and over, while its 300 legs live."""
    begin, reports = story.recorded(story.BEGIN), story.recorded(story.RTCP)

    def feed(agent: Agent) -> Iterator[Optional[Event]]:
        introduce(events=len(reports))
        while asked():
            yield from answer(agent, map(make, fresh(reports)))
        agent.stop()

    settle()
    Fed(feed).run(args, Settings(), map(make, begin))


def fresh(events: Iterable[story.Headers]) -> Iterator[story.Headers]:
    """The same events, each value a string of its own."""
    return (json.loads(json.dumps(event)) for event in events)


def channel_lane(args: argparse.Namespace, make: Make) -> None:
    """The recording's events that are lines of the call log; new calls each time, as every call is new to a switch."""
    logged, ends = story.recorded(story.LOGGED), story.recorded(frozenset({names.CHANNEL_DESTROY}))

    def feed(agent: Agent) -> Iterator[Optional[Event]]:
        introduce(events=len(logged))
        number = 0
        while asked():
            number += 1
            yield from answer(agent, map(make, fresh(story.retold(logged, number))))
            yield from map(make, story.retold(ends, number))
        agent.stop()

    settle()
    Fed(feed).run(args, Settings(report_rtcp_events=False, report_qos_events=False))


def growth_lane(args: argparse.Namespace) -> None:
    """RTCP events round robin over so many living legs, each of which has reported both ways before."""
    call = story.Call.first()

    def reports(first: int, last: int) -> Iterator[Event]:
        return (RecordedEvent(call.report(number % args.legs, number // args.legs)) for number in range(first, last))

    def living() -> Iterator[Event]:
        for number in range(args.legs // 2):
            yield from map(RecordedEvent, call.events(number))
        yield from reports(0, 2 * args.legs)

    def feed(agent: Agent) -> Iterator[Optional[Event]]:
        introduce(legs=len(agent.pipeline.legs))
        number = 2 * args.legs
        while asked():
            yield from answer(agent, reports(number, number + GROWTH_BATCH))
            number += GROWTH_BATCH
        agent.stop()

    settle()
    Fed(feed).run(args, Settings(), living())


def moving_lane(args: argparse.Namespace) -> None:
    """New legs while so many live, and each says another address of the switch than the one before."""
    call = story.Call.first()
    creation = next(event for event in call.events(0) if event[names.EVENT_NAME] == names.CHANNEL_CREATE)

    def legs(first: int, name: str) -> Iterator[Event]:
        for number in range(first, first + MOVING_BATCH):
            own = {names.UNIQUE_ID: f"new-{number}", names.SWITCH_IPV4: f"192.0.2.{number % 2}"}
            yield RecordedEvent({**creation, names.EVENT_NAME: name, **own})

    def living() -> Iterator[Event]:
        for number in range(args.legs // 2):
            yield from map(RecordedEvent, call.events(number))

    def feed(agent: Agent) -> Iterator[Optional[Event]]:
        introduce(legs=len(agent.pipeline.legs))
        number = 0
        while asked():
            yield from answer(agent, legs(number, names.CHANNEL_CREATE))
            yield from legs(number, names.CHANNEL_DESTROY)
            number += MOVING_BATCH
        agent.stop()

    settle()
    Fed(feed).run(args, Settings(report_qos_events=False), living())


def waiting_lane(args: argparse.Namespace) -> None:
    """What a tick looks at: so many records that wait, none of which is due."""
    room = Waiting(Counters())
    for number in range(args.count):
        if number % MAX_PER_LEG == 0:
            leg = Leg(str(number))
        room.add(leg, Record(0, 100, b"", received=False), 0.0)
    introduce(waiting=args.count)
    settle()
    while asked():
        began = time.process_time()
        for _ in range(TICKS):
            if room.due(1.0):
                raise SystemExit("one is due")
        tell(us=(time.process_time() - began) / TICKS * MICROS)


def periodic_lane(args: argparse.Namespace) -> None:
    """The end of an interval: two RTCP reports are taken into it, and its report is written; CPU time of all three."""
    leg, medium = Leg("603b8523-618b-1240-f581-96a756392f48"), Medium(AUDIO)
    leg.audio = medium
    leg.call_id = call_id = "306a585e-618c-1240-d1b8-96a756392f48"
    medium.set_local(Endpoint("192.0.2.2", 20_000), 20_001)
    medium.set_remote(Endpoint("192.0.2.10", 30_000), Endpoint("192.0.2.10", 30_001))
    medium.sent.ssrc, medium.clock, medium.codec, medium.payload_type, medium.ptime = 1, 8000, "PCMU", 0, 20
    medium.sent.measure(0, (0, None), 80, 0.04)
    introduce()
    settle()
    at, types = 0, Settings().qos_type
    while asked():
        began = time.process_time()
        for _ in range(args.count):
            for _ in range(2):
                at += 5 * MICROS
                medium.sent.measure(at, (1, 250), 80, 0.04)
            if not periodic(leg, medium, 10, call_id, types, is_received=False, conceals=True):
                raise SystemExit("no report")
        tell(us=(time.process_time() - began) / args.count * MICROS)


def log_lane(args: argparse.Namespace) -> None:
    """A line of a log of debug messages, none of which is wanted: as the agent reads it, or each by a match."""
    lines = gzip.decompress(LOG.read_bytes()).splitlines(keepends=True)
    debug = b"".join(line for line in lines if b" [DEBUG] " in line) * LOG_TIMES
    count = debug.count(b"\n")
    introduce(lines=count)
    settle()
    while asked():
        text = LogText(Wanted(LEVELS["WARNING"]), lambda local: local)
        began = time.process_time()
        if args.plain:
            found = [line for line in debug.split(b"\n") if (head := match_head(line)) and head["level"] in GRAVE]
        else:
            found = [line for at in range(0, len(debug), 65_536) for line in text.feed(debug[at : at + 65_536])]
        spent = time.process_time() - began
        if found:
            raise SystemExit(f"one was wanted: {found[0]!r}")
        tell(us=spent / count * MICROS)


def log_sent_lane(args: argparse.Namespace) -> None:
    """A line of the log, from its message to the datagram of its call."""
    settings = Settings(report_log_lines=True, log_lines_per_call=10**9)
    pipeline = Pipeline(settings, Counters())
    create = next(event for event in story.recorded(frozenset({names.CHANNEL_CREATE})) if event.get(names.SIP_CALL_ID))
    pipeline.handle(RecordedEvent(dict(create)), 0.0)
    unique_id = str(create[names.UNIQUE_ID])
    lines = [
        LogLine(unique_id, MICROS + number, "ERR", "mod_sofia.c:4794", f"Invalid Gateway number {number}")
        for number in range(args.count)
    ]
    introduce(lines=len(lines))
    settle()
    while asked():
        began = time.process_time()
        sent = len(pipeline.log(lines, 0.0))
        tell(us=(time.process_time() - began) / len(lines) * MICROS, sent=sent / len(lines))


def refusing_lane(args: argparse.Namespace) -> None:
    """A configuration of so many collectors, most of them one too many; CPU time per parameter."""
    lines = "".join(f'<param name="capture-server" value="udp:h{number}:9060"/>' for number in range(args.count))
    xml = f'<configuration name="fs_hepipe.conf"><settings>{lines}</settings></configuration>'
    introduce(parameters=args.count)
    settle()
    while asked():
        began = time.process_time()
        _, problems = examine(xml)
        tell(us=(time.process_time() - began) / args.count * MICROS)
        if not problems:
            raise SystemExit("it was not refused")


# --- the whole story on the fake switch ------------------------------------------------------------------------------


class Stopwatch(host.Inlet):
    """The fake switch's inlet: its events wait in it when the time begins, and it ends when the inlet is closed."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.took = 0.0
        self._began = 0.0

    def fire(self, telling: Iterable[story.Headers]) -> None:
        """The switch fires; the time runs from here on."""
        freeswitch.switch.fire(*telling)
        settle()
        self._began = time.process_time()

    def close(self) -> None:
        """The time ends."""
        self.took = time.process_time() - self._began
        gc.unfreeze()
        super().close()


def bound(settings: Settings) -> list[story.Headers]:
    """The recording's events that the agent asks for."""
    return story.recorded(frozenset(name for name, _ in bindings(settings)))


def play(args: argparse.Namespace, events: list[story.Headers], number: int) -> tuple[float, int]:
    """A new agent handles a telling from its first event to its last: CPU seconds, and datagrams sent."""
    inlet = Stopwatch(len(events))

    def begin() -> Iterator[Event]:
        agent.stop()  # that is, as soon as the inlet is empty
        inlet.fire(story.retold(events, number))
        return iter(())

    def slow() -> float:
        """The agent's clock: on a busy machine too there is time to empty the inlet after `stop`."""
        return time.monotonic() / 1000

    agent = Agent(configuration(args, Settings()), lambda _length: inlet, clock=slow)
    agent.run(begin)
    ledger = agent.counters.ledger()
    if ledger.received != len(events) or not ledger.balances:
        raise SystemExit(f"the agent did not handle all of {len(events)} events: {ledger}")
    return inlet.took, agent.collectors.offered


def story_lane(args: argparse.Namespace) -> None:
    """The whole recording, from the fake switch's queue to the socket."""
    events = bound(Settings())
    introduce(events=len(events))
    number = 0
    while asked():
        number += 1
        took, sent = play(args, events, number)
        tell(us=took / len(events) * MICROS, sent=sent / len(events))


class Overheard:
    """An event that notes which headers are asked for."""

    def __init__(self, headers: story.Headers) -> None:
        self._event = RecordedEvent(headers)
        self.asked: list[str] = []

    def getHeader(self, name: str, /) -> Optional[str]:  # noqa: N802  FreeSWITCH's name
        self.asked.append(name)
        return self._event.getHeader(name)

    def serialize(self, format: str, /) -> str:  # noqa: A002
        return self._event.serialize(format)


def overheard(args: argparse.Namespace, events: list[story.Headers]) -> list[list[str]]:
    """Which headers an agent asks each of the events for."""
    listeners = [Overheard(headers) for headers in events]

    def feed(agent: Agent) -> Iterator[Optional[Event]]:
        yield from listeners
        agent.stop()

    Fed(feed).run(args, Settings())
    return [listener.asked for listener in listeners]


def floor_lane(args: argparse.Namespace) -> None:
    """The same events popped, the headers that the agent needs read, once each, and nothing done with them."""
    events = bound(Settings())
    asked_for = overheard(args, events)
    needed = [tuple(dict.fromkeys(headers)) for headers in asked_for]
    introduce(
        events=len(events),
        headers=sum(map(len, needed)) / len(events),
        calls=sum(map(len, asked_for)) / len(events),
        most_calls=max(map(len, asked_for)),
    )
    number = 0
    while asked():
        number += 1
        inlet = Stopwatch(len(events))
        for name, subclass in bindings(Settings()):
            inlet.bind(name, subclass)
        inlet.fire(story.retold(events, number))
        for headers in needed:
            event = inlet.pop(0)
            if event is None:
                raise SystemExit("the fake switch lost an event")
            get = event.getHeader
            for header in headers:
                get(header)
        inlet.close()
        tell(us=inlet.took / len(events) * MICROS)


def hold_lane(args: argparse.Namespace) -> None:
    """
    The whole recording: how long each event keeps the GIL, from the moment the agent has it to the moment it asks for
    the next one. The 99.9th percentile of a telling.

    CPU time of the thread: while another process has the CPU the GIL is held too, but that is not our doing. `wall` is
    the same by the clock on the wall.
    """
    events = bound(Settings())
    introduce(events=len(events))
    number = 0
    while asked():
        number += 1
        queue = Stopwatch(len(events))
        for name, subclass in bindings(Settings()):
            queue.bind(name, subclass)
        queue.fire(story.retold(events, number))
        told = list(iter(partial(queue.pop, 0), None))
        held: list[int] = []
        wall: list[int] = []

        settle()
        Fed(partial(timed, told, held, wall)).run(args, Settings())
        queue.close()
        held.sort()
        wall.sort()
        rank = len(held) * 999 // 1000
        tell(us=held[rank] / 1000, wall=wall[rank] / 1000, median=held[len(held) // 2] / 1000, most=held[-1] / 1000)


def timed(told: list[Event], held: list[int], wall: list[int], agent: Agent) -> Iterator[Optional[Event]]:
    """Gives events to the agent, and notes how long it had each, ns: of the thread's CPU time and on the wall."""
    for event in told:
        began_wall, began = time.perf_counter_ns(), time.thread_time_ns()
        yield event
        held.append(time.thread_time_ns() - began)
        wall.append(time.perf_counter_ns() - began_wall)
    agent.stop()


SINK = """
import os, socket, ssl, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
context = None
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    if context is not None:
        connection = context.wrap_socket(connection, server_side=True)
    while connection.recv(1 << 20):
        pass
"""
"""A collector over TCP or TLS that reads and throws away, in a process of its own. It ends when its lane has ended."""

CERTIFICATE = Path(__file__).resolve().parents[1] / "tests/data/tls/homer.pem"

DEAD = (Address("127.0.0.1", 1, "tcp"), Address("192.0.2.1", 9060, "tcp"))
"""One refuses, the other does not answer."""

A_SECOND = 1000
"""Messages of a batch, which takes a second: what waits meanwhile, in other threads too, is part of the cost."""


def delivered_to(args: argparse.Namespace) -> list[Address]:
    """The collectors of a lane, and the process that one over a connection needs."""
    if args.to == "udp":
        found = [Address("127.0.0.1", args.port)]
    else:
        options = [str(CERTIFICATE)] if args.to == "tls" else []
        pipe = subprocess.PIPE
        sink = subprocess.Popen([sys.executable, "-c", SINK, *options], stdin=pipe, stdout=pipe, text=True)
        assert sink.stdout is not None
        found = [Address("127.0.0.1", int(sink.stdout.readline()), args.to, Tls(verify=False) if options else Tls())]
    return [*found, *DEAD[: args.dead]]


def deliver_lane(args: argparse.Namespace) -> None:
    """1,000 messages of 600 octets in a second, 20 at once as the agent gives them: CPU of all threads, a message."""
    message = encode(Message(timestamp=1, payload=b"x" * 600, protocol_type=5, src_ip="192.0.2.1", dst_ip="192.0.2.2"))
    collectors = Collectors()
    collectors.configure(delivered_to(args))
    introduce()
    while asked():
        gc.collect()
        began = time.process_time()
        for _ in range(A_SECOND // FEW):
            collectors.send([message] * FEW, time.time())
            time.sleep(FEW / A_SECOND)
        collectors.poll(time.monotonic(), time.time())
        tell(us=(time.process_time() - began) / A_SECOND * MICROS)


def paced_lane(args: argparse.Namespace) -> None:
    """1,000 RTCP events in a second, from their headers to the collectors: CPU of all threads, an event."""
    begin, reports = story.recorded(story.BEGIN), story.recorded(story.RTCP)
    collectors = tuple(delivered_to(args))

    def feed(agent: Agent) -> Iterator[Optional[Event]]:
        introduce(events=A_SECOND)
        while asked():
            gc.collect()
            events = islice(cycle(map(read_at_once, fresh(reports))), A_SECOND)
            few = [list(islice(events, FEW)) for _ in range(A_SECOND // FEW)]
            began = time.process_time()
            for some in few:
                yield from some
                yield None  # the agent rests
            tell(us=(time.process_time() - began) / A_SECOND * MICROS)
        agent.stop()

    settle()
    Fed(feed).run(args, Settings(), map(read_at_once, begin), collectors)


LANES: dict[str, Callable[[argparse.Namespace], Any]] = {
    "encode": encode_lane,
    "build": build_lane,
    "rtcp": lambda args: rtcp_lane(args, read_at_once),
    "rtcp-searched": lambda args: rtcp_lane(args, searched),
    "channel": lambda args: channel_lane(args, read_at_once),
    "channel-searched": lambda args: channel_lane(args, searched),
    "growth": growth_lane,
    "moving": moving_lane,
    "waiting": waiting_lane,
    "periodic": periodic_lane,
    "refusing": refusing_lane,
    "log": log_lane,
    "log-sent": log_sent_lane,
    "floor": floor_lane,
    "story": story_lane,
    "hold": hold_lane,
    "deliver": deliver_lane,
    "paced": paced_lane,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("lane", choices=LANES)
    parser.add_argument("--port", type=int, default=9, help="where datagrams go, on this machine")
    parser.add_argument("--plain", action="store_true", help="without orjson")
    parser.add_argument("--to", choices=("udp", "tcp", "tls"), default="udp", help="how messages are delivered")
    parser.add_argument("--dead", type=int, default=0, help="how many more collectors there are that do not work")
    parser.add_argument("--legs", type=int, default=10)
    parser.add_argument("--message", default="{}", help="the fields of a Message as JSON")
    parser.add_argument("--timestamp", type=int, default=0, help="µs since 1970")
    parser.add_argument("--count", type=int, default=1000, help="messages of a batch")
    args = parser.parse_args()
    LANES[args.lane](args)


if __name__ == "__main__":
    main()
