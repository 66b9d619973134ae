"""
`report`: calls as one HTML file, to be mailed: ladder, plots and every message, without anything from elsewhere.

Of a recording of events (.jsonl, .jsonl.gz), of a file of HEP datagrams as `decode` takes it, or of a call that a
running `watch` has, by its Call-ID or Unique-ID. The file has no password in it: neither chunk 0x000e nor keys and
credentials in SIP and SDP. It does have numbers, names and addresses: look at it before you mail it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Optional, Union
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

from fs_hepipe.tools.collected import collected
from fs_hepipe.tools.decode import datagrams
from fs_hepipe.tools.output import complain, named, say
from fs_hepipe.tools.recorded import Fault, events
from fs_hepipe.tools.watch import MAX_OCTETS, token
from fs_hepipe.tools.watch.single import single_file
from fs_hepipe.tools.watch.store import Found, Store
from fs_hepipe.words.errors import HepError
from fs_hepipe.words.event import RecordedEvent

MAX_CALLS = 1_000
"""Calls of a file: a browser has to hold all of them."""

MAX_REPORT = 500_000_000
"""Octets of a report that are taken from a server."""

PATIENCE = 30.0
"""Seconds to wait for a server."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("of", metavar="CALL-ID|FILE", help="a call that `watch` has, or a file with calls")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.html", help="what is written")
    parser.add_argument("--call", metavar="CALL-ID", help="only this call of the file")
    parser.add_argument(
        "--watch", default="http://127.0.0.1:9063", metavar="URL", help="where `watch` is (default: %(default)s)"
    )
    parser.add_argument("--token", type=token, metavar="TOKEN|@FILE", help="what `watch` was given")


def run(args: argparse.Namespace) -> int:
    try:
        is_file = args.of == "-" or Path(args.of).exists()
    except (OSError, ValueError):  # a Call-ID that no file can be called
        is_file = False
    try:
        report = of_file(args.of, args.call) if is_file else of_watch(args.of, args.watch, args.token)
        if isinstance(report, str):
            complain(f"error: {report}")
            return 1
        args.output.write_bytes(report)
    except (OSError, ValueError) as error:
        what = named(args.output) if getattr(error, "filename", None) == str(args.output) else named(args.of)
        complain(f"error: {what}: {getattr(error, 'strerror', None) or error}")
        return 1
    say(f"{named(args.output)}: {len(report)} octets")
    return 0


def of_file(name: str, call: Optional[str]) -> Union[bytes, str]:
    """
    The report of a file's calls, of one or of all; or why there is none.

    Raises:
        OSError: the file can't be read.
    """
    store = Store(MAX_CALLS, MAX_OCTETS)
    if name.endswith((".jsonl", ".jsonl.gz")):
        found: Iterable[bytes] = collected(_recorded(name))
    else:
        found = _of_hep(name)
    for datagram in found:
        store.add(datagram)
    totals = store.totals()
    if totals.get("garbage"):
        complain(f"{totals['garbage']} that were no HEP are left out")
    if totals.get("evicted"):
        complain(f"{totals['evicted']} calls are left out: a report has {MAX_CALLS}")
    if call is not None:
        only = store.find(call)
        return single_file([only]) if only is not None else f"{named(name)} has no call {call}"
    calls = everything(store)
    return single_file(calls) if calls else f"{named(name)} has no calls"


def _recorded(name: str) -> Iterator[RecordedEvent]:
    faults = 0
    for each in events(name):
        if isinstance(each, Fault):
            faults += 1
        else:
            yield each
    if faults:
        complain(f"{faults} lines that are no events are left out")


def _of_hep(name: str) -> Iterable[bytes]:
    with Path("/dev/stdin" if name == "-" else name).open("rb") as file:
        try:
            yield from datagrams(file)
        except HepError as error:
            complain(f"the rest of the file is left out: {error}")


def everything(store: Store) -> list[Found]:
    """All calls of a store, newest first."""
    found = [store.find(row["key"]) for row in store.view(limit=MAX_CALLS).rows]
    return [each for each in found if each is not None]


def of_watch(call: str, url: str, secret: Optional[str]) -> Union[bytes, str]:
    """
    The report of a call that a running `watch` has; or why there is none.

    Raises:
        OSError: it can't be reached.
    """
    if not url.startswith(("http://", "https://")):
        return f"{named(url)} is no http://HOST:PORT"
    request = Request(f"{url.rstrip('/')}/report?id={quote(call.encode('utf-8', 'surrogateescape'))}")  # noqa: S310
    if secret is not None:
        request.add_header("Authorization", f"Bearer {secret}")
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=PATIENCE) as answer:
            found: bytes = answer.read(MAX_REPORT)
            return found
    except HTTPError as error:
        return f"there is no file {call}, and watch has no such call" if error.code == 404 else (  # noqa: PLR2004
            f"watch answers {error.code}: {error.read(500).decode('utf-8', 'replace').strip()}"
        )  # fmt: skip
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        return f"there is no file {call}, and watch can't be asked at {named(url)}: {reason}"
