"""
The calls that are kept, bounded in number and in octets: what has been silent for the longest time goes first.

Messages belong to one call when they share a Call-ID or Unique-ID, or when one names the other leg of another: our
lines do (`other-leg`, `other-call-id`), and SIP with X-CID (docs/homer.md).
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from typing import Any, Callable, NamedTuple, Optional

from fs_hepipe.tools.watch.call import MAX_NAMES, Call, Kept
from fs_hepipe.tools.watch.said import Said, said
from fs_hepipe.words.errors import HepError
from fs_hepipe.words.text import describe_error

MAX_ROWS = 500
"""Rows of a view."""

UNFILED = "(no Call-ID)"
"""Where messages without any name are shown."""


class View(NamedTuple):
    """The newest calls that match."""

    rows: list[dict[str, Any]]
    matched: int
    revision: int


class Store:
    """The calls. Every method may be called from any thread."""

    def __init__(self, keep_calls: int, keep_octets: int) -> None:
        """
        Args:
            keep_calls: calls at most.
            keep_octets: octets of datagrams at most, of all calls together.
        """
        self.keep_calls = keep_calls
        self.keep_octets = keep_octets
        self.revision = 0
        """Grows with every message."""
        self.octets = 0
        self.counts: Counter[str] = Counter()
        """`messages`, `garbage` and `evicted`, and the messages by kind."""
        self.count_lost: Callable[[], int] = lambda: 0
        """How many never came here, as far as the kernel counts them."""
        self._lock = threading.Lock()
        self._calls: dict[int, Call] = {}
        self._recent: OrderedDict[int, None] = OrderedDict()
        self._by_name: dict[str, Call] = {}
        self._next = 0

    def add(self, datagram: bytes) -> Optional[str]:
        """Keeps a datagram. Why it was not kept, None if it was."""
        try:
            found = said(datagram)
        except HepError as error:
            return self.refuse(str(error))
        except Exception as error:  # noqa: BLE001  a bug of ours costs one message
            return self.refuse(describe_error(error))
        with self._lock:
            self._add(datagram, found)
        return None

    def refuse(self, problem: str) -> str:
        """Counts what came and was no message."""
        with self._lock:
            self.counts["garbage"] += 1
            self.revision += 1
        return problem

    def _add(self, datagram: bytes, found: Said) -> None:
        self.revision += 1
        self.counts["messages"] += 1
        self.counts[found.kind] += 1
        call = self._call(found.names or [UNFILED])
        call.add(Kept(self._next, datagram), found)
        self._next += 1
        call.revision = self.revision
        self.octets += call.octets
        self._recent.move_to_end(call.number)
        while len(self._calls) > self.keep_calls or (self.octets > self.keep_octets and len(self._calls) > 1):
            self._evict(self._calls[next(iter(self._recent))])

    def _call(self, names: list[str]) -> Call:
        """
        The one call that has these names: those that had some of them become one. Its octets are no longer counted.
        """
        known = {id(call): call for call in map(self._by_name.get, names) if call is not None}
        found = sorted(known.values(), key=lambda each: each.number)
        if found:
            call = found[0]
            self.octets -= call.octets
        else:
            call = self._new()
        for other in found[1:]:
            if len(call.names) + len(other.names) <= MAX_NAMES:
                self._remove(other)
                call.absorb(other)
                self._by_name.update(dict.fromkeys(other.names, call))
        for name in names:
            if name not in self._by_name and len(call.names) < MAX_NAMES:
                call.name(name)
                self._by_name[name] = call
        return call

    def _new(self) -> Call:
        call = Call(self._next)
        self._calls[call.number] = call
        self._recent[call.number] = None
        return call

    def _evict(self, call: Call) -> None:
        self.counts["evicted"] += 1
        for name in call.names:
            if self._by_name.get(name) is call:
                del self._by_name[name]
        self._remove(call)

    def _remove(self, call: Call) -> None:
        del self._calls[call.number], self._recent[call.number]
        self.octets -= call.octets

    def __len__(self) -> int:
        return len(self._calls)

    def view(self, words: str = "", quality: str = "", limit: int = MAX_ROWS) -> View:
        """
        The newest calls.

        Args:
            words: each has to be in a number, name, Call-ID, Unique-ID, cause or status of the call.
            quality: `bad`: only bad ones; `fair`: those that are not good.
            limit: rows at most.
        """
        sought = words.lower().split()
        wanted = {"bad": {"bad"}, "fair": {"bad", "fair"}}.get(quality)
        rows: list[dict[str, Any]] = []
        matched = 0
        with self._lock:
            if not sought and wanted is None:
                newest = zip(range(limit), reversed(self._calls.values()))
                return View([_row(call) for _, call in newest], len(self._calls), self.revision)
            for call in reversed(self._calls.values()):
                if (wanted is None or call.quality in wanted) and all(each in call.text for each in sought):
                    matched += 1
                    if matched <= limit:
                        rows.append(_row(call))
            return View(rows, matched, self.revision)

    def find(self, name: str) -> Optional[Found]:
        """The call that has this Call-ID or Unique-ID, as it is now."""
        with self._lock:
            call = self._by_name.get(name)
            return None if call is None else Found(_row(call), list(call.names), list(call.messages), call.dropped)

    def revision_of(self, name: str) -> int:
        """Which message of all was the last one of this call; -1 if it is not kept."""
        with self._lock:
            call = self._by_name.get(name)
            return -1 if call is None else call.revision

    def totals(self) -> dict[str, int]:
        """What the foot of the page shows."""
        with self._lock:
            counts = {**self.counts, "calls": len(self._calls), "octets": self.octets}
        return {**counts, "lost": self.count_lost(), "keep_calls": self.keep_calls}


class Found(NamedTuple):
    """A copy of a call, to be looked at without the lock."""

    row: dict[str, Any]
    names: list[str]
    messages: list[Kept]
    dropped: int


def _row(call: Call) -> dict[str, Any]:
    return {**call.row, "revision": call.revision}
