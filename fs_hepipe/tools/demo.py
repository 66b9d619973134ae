"""
`demo`: recorded calls through the agent into a collector, and what Homer would store.

`--html FILE` writes them as one page for a browser: ladders, plots and every message.
"""

from __future__ import annotations

import argparse
import socket
import time
from collections import Counter
from pathlib import Path

from fs_hepipe.hep import Message, ProtocolType, decode
from fs_hepipe.hep.registry import protocol_name
from fs_hepipe.tools.collected import Collected
from fs_hepipe.tools.listen import opened
from fs_hepipe.tools.output import Piece, bad, bold, complain, dim, good, named, plain, say
from fs_hepipe.tools.recorded import Fault, events
from fs_hepipe.tools.recorded_log import RecordedLog
from fs_hepipe.tools.render import clock, describe, endpoint
from fs_hepipe.tools.report import MAX_CALLS, everything
from fs_hepipe.tools.watch import MAX_OCTETS
from fs_hepipe.tools.watch.single import single_file
from fs_hepipe.tools.watch.store import Store
from fs_hepipe.words.errors import HepError
from fs_hepipe.words.settings import Settings
from fs_hepipe.words.text import shown

RECORDINGS = Path(__file__).parent / "recordings"
LOGGED = Path(__file__).parent / "logs"
"""Recordings of which there is the switch's log too."""

# fmt: off
STORIES = {
    "bridged_answered":         "A calls, B answers, 16 s of audio both ways",
    "caller_hangup":            "the same, A hangs up",
    "busy_486":                 "B refuses: 486 Busy Here",
    "notfound_404":             "B refuses: 404 Not Found",
    "no_answer_timeout":        "B rings 6 s, the switch gives up",
    "unallocated_no_route":     "no route in the dialplan",
    "early_media_183":          "B sends 183 with audio, answers 2 s later",
    "failover_486_then_answer": "the first B answers 486, the second one answers the call",
    "dtmf_hold_transfer":       "digits, hold, unhold, A transferred to an echo",
    "srtp":                     "the B leg with SRTP",
    "loopback_leg":             "the bridge goes through a loopback pair",
    "ipv6_echo":                "one leg over IPv6",
    "lossy_media":              "8 % of all packets lost on the way, both directions",
    "register_unregister":      "a phone registers and unregisters",
    "gateway_states":           "one gateway registers, another is dead",
    "load_150_calls":           "150 calls, 10 a second",
}
LOGGED_STORIES = {
    "no_such_gateway":          "the gateway of the bridge is unknown: what the switch itself logged of it",
}
# fmt: on
KINDS: dict[int, str] = {ProtocolType.RTCP_JSON: "RTCP   ", ProtocolType.MOS_FULL_REPORT: "quality"}
"""The label before the numbers of a report; a log line needs none."""

LIVE = "bridged_answered"
"""What `watch --demo` plays last, as it went."""

SHOWN = ("bridged_answered", "busy_486", "lossy_media", "register_unregister", *LOGGED_STORIES)
"""The stories that are shown in full by default; the others take one line each."""


EVERY_STORY = {**STORIES, **LOGGED_STORIES}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("stories", nargs="*", type=story, metavar="STORY", help=f"play only: {', '.join(EVERY_STORY)}")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the calls as one page for a browser, too")
    parser.add_argument("--all", action="store_true", help="show every story in full")


def story(text: str) -> str:
    """The name of a story."""
    if text not in EVERY_STORY:
        raise argparse.ArgumentTypeError(f"there is no story {text!r}; there are {', '.join(EVERY_STORY)}")
    return text


class Story:
    """One recording that was played, and what the collector received."""

    def __init__(self, name: str, listener: socket.socket) -> None:
        self.name = name
        self.messages: list[Message] = []
        self.garbage = 0
        """Datagrams of somebody else, that are no messages of ours."""
        has_log = name in LOGGED_STORIES
        recording = (LOGGED if has_log else RECORDINGS) / f"{name}.jsonl.gz"
        found = [each for each in events(str(recording)) if not isinstance(each, Fault)]
        self.read = len(found)
        self.switch_seconds = found[-1].time - found[0].time
        log = RecordedLog(str(LOGGED / f"{name}.log.gz")) if has_log else None
        settings = Settings(report_log_lines=has_log, log_lines_level="notice")
        played = Collected(log.heard(found) if log is not None else found, listener, settings, log)
        self.agent = played.agent
        self.datagrams = played.datagrams
        for datagram in self.datagrams:
            try:
                self.messages.append(decode(datagram))
            except HepError:
                self.garbage += 1

    @property
    def faults(self) -> list[str]:
        """What went wrong, one line each."""
        ledger = self.agent.counters.ledger()
        found = {
            "the ledger does not balance": not (ledger.balances and self.agent.collectors.balances),
            f"{len(self.messages)} of {ledger.built} messages arrived": len(self.messages) != ledger.built,
            f"{self.garbage} datagrams were not HEP3": self.garbage > 0,
            f"{ledger.failed} events failed": ledger.failed > 0,
            f"{len(self.agent.pipeline.legs)} legs are left": len(self.agent.pipeline.legs) > 0,
        }
        return [text for text, is_so in found.items() if is_so]

    def by_call_id(self) -> dict[str, list[Message]]:
        """The messages by Call-ID, each in the order of time."""
        found: dict[str, list[Message]] = {}
        for message in sorted(self.messages, key=lambda each: each[:2]):
            found.setdefault(message.correlation_id or "", []).append(message)
        return found


def run(args: argparse.Namespace) -> int:
    names = args.stories or list(EVERY_STORY)
    whole = names if args.all or args.stories else SHOWN
    began = time.monotonic()
    with opened((socket.AF_INET, ("127.0.0.1", 0))) as listener:
        listener.setblocking(False)
        say(f"a collector listens on udp:{endpoint(*listener.getsockname()[:2])}")
        say()
        stories = [_played(name, listener, show=name in whole) for name in names]
    say()
    say(bold("ledger"))
    for line in _ledger(stories):
        say(f"  {line}")
    say(f"  {time.monotonic() - began:.1f} s")
    if not args.stories and not args.all:
        say()
        say(f"show another call in full: demo STORY, one of {', '.join(n for n in names if n not in whole)}")
    written = _written(stories, args.html) if args.html is not None else _how_to_look()
    return 0 if written and not any(story.faults for story in stories) else 1


def _how_to_look() -> bool:
    say()
    say("see these calls in a browser: ", bold("make watch"), ", or fs-hepipe demo --html demo.html")
    return True


def _written(stories: list[Story], file: Path) -> bool:
    """Writes the page; whether it could."""
    store = Store(len(stories) * MAX_CALLS, MAX_OCTETS)
    for datagram in (each for story in stories for each in story.datagrams):
        store.add(datagram)
    try:
        file.write_bytes(single_file(everything(store)))
    except (OSError, ValueError) as error:
        complain(f"error: {named(file)}: {getattr(error, 'strerror', None) or error}")
        return False
    say()
    say(f"open {named(file.absolute())} in a browser")
    return True


def _played(name: str, listener: socket.socket, *, show: bool) -> Story:
    story = Story(name, listener)
    kinds = Counter(message.protocol_type for message in story.messages)
    counts = ", ".join(f"{count} x {kind} {protocol_name(kind)}" for kind, count in sorted(kinds.items()))
    verdict = bad("; ".join(story.faults)) if story.faults else good("all arrived")
    say(bold(f"{name:<24}"), f" {EVERY_STORY[name]}: ", verdict)
    say(dim(f"  {story.read} events in {story.switch_seconds:.0f} s of the switch -> {counts}"))
    if show:
        for call_id, messages in story.by_call_id().items():
            say()
            say("  Call-ID ", bold(shown(call_id)))
            for message in messages:
                flow = f"{endpoint(message.src_ip, message.src_port)} -> {endpoint(message.dst_ip, message.dst_port)}"
                say(f"    {clock(message.timestamp)}  {flow:<34}  ", *content(message))
        say()
    return story


def content(message: Message) -> list[Piece]:
    """What a message says, without the identifiers that are in the heading."""
    pieces = describe(message)
    kind = KINDS.get(message.protocol_type)
    if kind is not None:
        return [f"{kind} ", *pieces]
    return [plain(pieces).partition(" channel=")[0].partition(" leg=")[0]]


def _ledger(stories: list[Story]) -> list[str]:
    ledgers = [story.agent.counters.ledger() for story in stories]
    total = [sum(column) for column in zip(*ledgers)]
    received, mapped, ignored, failed, recorded, built, dropped, waiting = total
    arrived = sum(len(story.messages) for story in stories)
    return [
        f"events   {received} received = {mapped} mapped + {ignored} ignored + {failed} failed",
        f"records  {recorded} made = {built} built + {dropped} dropped + {waiting} waiting",
        f"messages {built} sent, {arrived} arrived",
    ]
