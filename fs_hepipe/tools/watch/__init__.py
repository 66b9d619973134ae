"""
`watch`: a live web page of the calls whose messages arrive.

It is a collector like `listen`: send HEP to it, from this switch or from any sender, and open the page. Nothing is
written to disk, and no request leaves the machine. The page shows what is in the messages: who can read it can read the
calls, so it is bound to loopback unless a token is given. From elsewhere, `ssh -L 9063:127.0.0.1:9063` is enough.
"""

from __future__ import annotations

import argparse
import re
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Union

from fs_hepipe.agent.config import Config
from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.resolve import Target
from fs_hepipe.tools import streams
from fs_hepipe.tools.listen import Datagrams, bind_address, opened
from fs_hepipe.tools.moved import moved
from fs_hepipe.tools.needs import needs
from fs_hepipe.tools.output import complain, named
from fs_hepipe.tools.playback import Playback, play
from fs_hepipe.tools.recorded import events
from fs_hepipe.tools.render import endpoint
from fs_hepipe.tools.streams import Broken
from fs_hepipe.tools.watch.guard import Guard, is_loopback
from fs_hepipe.tools.watch.store import Store
from fs_hepipe.words.event import RecordedEvent

MIN_TOKEN = 16
"""Characters of a token: fewer can be tried one after the other."""

MAX_OCTETS = 1_000_000_000
"""Memory for the calls of a file that is read once."""

SIZES = {"MB": 1_000_000, "GB": 1_000_000_000}

SWITCH = 0.0005
"""Seconds after which a thread that is busy with the page lets the one that receives go on (5 ms by default)."""

DEMO_SPEED = 600.0
"""Seconds of a recording in one: as many events as a page is opened for."""

Source = Union[Datagrams, streams.StreamServer]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bind", type=bind_address, default="127.0.0.1:9060", metavar="HOST:PORT",
        help="where to listen for HEP over UDP, [v6]:port for IPv6 (default: %(default)s)",
    )  # fmt: skip
    streams.add_arguments(parser, beside_udp=True)
    parser.add_argument(
        "--web", type=bind_address, default="127.0.0.1:9063", metavar="HOST:PORT",
        help="where the page is (default: %(default)s); elsewhere than on loopback it needs --token",
    )  # fmt: skip
    parser.add_argument(
        "--token", type=token, metavar="TOKEN|@FILE", help="what a browser has to bring: open /?token=TOKEN once"
    )
    parser.add_argument(
        "--name", action="append", default=[], metavar="HOST",
        help="a name of this machine under which the page is opened; may be given again",
    )  # fmt: skip
    parser.add_argument("--demo", action="store_true", help="plays the recorded calls into it, the last one as it went")
    parser.add_argument(
        "--keep-calls", type=calls, default=10_000, metavar="N", help="calls that are kept (default: %(default)s)"
    )
    parser.add_argument(
        "--keep-memory", type=memory, default="512MB", metavar="SIZE",
        help="memory for them, MB or GB; those that were silent for longest go first (default: %(default)s)",
    )  # fmt: skip


def token(text: str) -> str:
    """A token, or the one in the file `@FILE`; its text is in no error."""
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            raise argparse.ArgumentTypeError(f"the token can't be read from {named(text[1:])}") from None
    if not re.fullmatch(r"[A-Za-z0-9._~-]+", text) or len(text) < MIN_TOKEN:
        raise argparse.ArgumentTypeError(f"a token is {MIN_TOKEN} or more of A-Z a-z 0-9 . _ ~ -: openssl rand -hex 16")
    return text


def calls(text: str) -> int:
    """A number of calls."""
    if not re.fullmatch(r"[1-9][0-9]{0,6}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of calls")
    return int(text)


def memory(text: str) -> int:
    """Octets, of `512MB` or `2GB`."""
    found = re.fullmatch(r"([1-9][0-9]{0,3})(MB|GB)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size in MB or GB")
    return int(found[1]) * SIZES[found[2]]


def run(args: argparse.Namespace) -> int:
    missing = needs("starlette", "uvicorn")
    if missing is not None:
        complain(missing)
        return 1
    host = str(args.web[1][0])
    if not is_loopback(host) and args.token is None:
        complain(f"error: {endpoint(*args.web[1][:2])} can be reached from elsewhere: give a --token")
        return 2
    page = None
    try:
        page = _listener(args.web)
        collector = Datagrams(opened(args.bind))
        sources: list[Source] = [collector]
        if args.tcp is not None or args.tls is not None:
            sources.append(streams.opened(args))
    except (OSError, ValueError) as error:
        if page is not None:
            page.close()
        complain(f"error: can't listen: {getattr(error, 'strerror', None) or error}")
        return 1
    store = Store(args.keep_calls, args.keep_memory)
    store.count_lost = lambda: collector.lost
    for source in sources:
        threading.Thread(target=receive, args=[source, store], daemon=True).start()
    if args.demo:
        threading.Thread(target=play_demo, args=[collector], daemon=True).start()
    heard = ", ".join(address for source in sources for address in source.addresses)
    complain(f"listening on {heard}")
    ask = "?token=..." if args.token else ""
    complain(f"the page is at http://{endpoint(*page.getsockname()[:2])}/{ask}, Ctrl-C ends")
    _serve(args, store, page, only_loopback=is_loopback(host))
    totals = store.totals()
    lost = f", {totals['lost']} lost, because they came too fast" if totals["lost"] else ""
    complain(f"{totals.get('messages', 0)} messages, {totals.get('garbage', 0)} that were not HEP{lost}")
    return 0


def _listener(target: Target) -> socket.socket:
    family, address = target
    found = socket.create_server(address[:2], family=family, backlog=128)
    found.set_inheritable(False)
    return found


def receive(source: Source, store: Store) -> None:
    """Keeps what arrives, until the source is closed."""
    with suppress(OSError):
        for found in source.messages():
            if isinstance(found, Broken):
                store.refuse(found.text)
            else:
                store.add(found.octets)


def play_demo(collector: Datagrams) -> None:
    """Plays the recorded calls as if they had just ended, and one more as if it began now."""
    from fs_hepipe.tools.demo import LIVE, RECORDINGS, STORIES  # noqa: PLC0415  only now: most have their own calls

    config = Config(collectors=(Address(*collector.place),))
    for name in [*(each for each in STORIES if each != LIVE), LIVE]:
        found = [each for each in events(str(RECORDINGS / f"{name}.jsonl.gz")) if isinstance(each, RecordedEvent)]
        ago = 0.0 if name == LIVE else found[-1].time - found[0].time + 1
        play(config, Playback(moved(found, now=lambda: time.time() - ago), 1.0 if name == LIVE else DEMO_SPEED))  # noqa: B023


def _serve(args: argparse.Namespace, store: Store, page: socket.socket, *, only_loopback: bool) -> None:
    from fs_hepipe.tools.watch.server import Pages, serve  # noqa: PLC0415  only now: it needs the extra

    sys.setswitchinterval(SWITCH)
    pages = Pages(store)
    serve(Guard(pages.app(), token=args.token, names=args.name, only_loopback=only_loopback), page, pages)
