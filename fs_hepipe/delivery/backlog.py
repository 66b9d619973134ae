"""
The messages of one collector that are not sent yet: in memory, on disk, or on their way. Each is counted once.

    spool (disk) -> memory -> on their way          what waits, the oldest first

Rules:
1. The event path only calls `add`. All else is the collector's thread's, disk included.
2. Whatever is counted is changed under one lock, so that the ledger balances whenever it is looked at.
3. Without a spool, what waits is packed when there is much of it. With one, it is written to it once a second, unless
   it flows. While the spool has messages, all that come go behind them.
4. A spool that can't be used is an error, counted and told; messages then wait in memory as if there were none.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from fs_hepipe.delivery.buffer import Block, Buffer
from fs_hepipe.delivery.settings import Delivery
from fs_hepipe.delivery.spool import Segment, Spool
from fs_hepipe.words.counters import Counts

UNPACKED = 4
"""The part of the memory that is used before anything is packed: one of so many."""

FULL = "buffer_full"
SPOOL_FULL = "spool_full"
SPOOL_DAMAGED = "spool_damaged"
STOPPED = "stopped"


class Backlog:
    """What waits for one collector."""

    def __init__(self, name: str, settings: Delivery, outcomes: Counts[str]) -> None:
        self.lock = threading.Lock()
        self.came = 0
        """Octets that came since the last `take`."""
        self.recovered = 0
        """Messages found on disk that an earlier run has left."""
        self.spooled = 0
        """Messages on disk."""
        self.spool_errors = 0
        """How often the spool could not be used."""
        self.spool_error = ""
        """Why, the last time; empty if it can be used."""
        self._outcomes = outcomes
        self._buffer = Buffer(settings.buffer_size, settings.buffer_drop == "oldest")
        self._taken = 0
        """Messages that are in no buffer: given to the connection, or being packed or written."""
        self._spool = Spool(settings.spool_dir, name, settings.spool_size) if settings.spool_dir else None
        self._is_open = False
        self._loaded: deque[list[int]] = deque()
        """Messages of each segment that was read, in memory or on their way."""
        self._read: deque[Segment] = deque()
        """Those segments; their files are still there."""
        self._done: deque[Segment] = deque()
        """Segments whose files can be removed, by the thread."""

    @property
    def buffered(self) -> int:
        """Messages in memory or on their way."""
        return self._buffer.count + self._taken

    def configure(self, settings: Delivery) -> None:
        """Uses other limits. A spool is begun or left at the next start only."""
        with self.lock:
            self._buffer.limit, self._buffer.keep_newest = settings.buffer_size, settings.buffer_drop == "oldest"
            self._count_dropped(self._buffer.trim())
        if self._spool is not None:
            self._spool.limit = settings.spool_size

    # --- the event path ---

    def add(self, message: bytes) -> None:
        """Takes a message; the caller holds the lock."""
        self.came += len(message)
        self._count_dropped(self._buffer.add(message))

    # --- the collector's thread ---

    def open(self) -> None:
        """Opens the spool, if there is one: what an earlier run has left there waits as if it had been spooled now."""
        if self._spool is None or self._is_open:
            return
        try:
            lost = self._spool.open()
        except OSError as error:
            self._fail(error)
            return
        self._is_open, self.spool_error = True, ""
        with self.lock:
            self.spooled += self._spool.count
            self.recovered += self._spool.count + lost
            self._count(SPOOL_DAMAGED, lost)

    def has_some(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._buffer.count or self.spooled)

    def take(self, octets: int) -> list[bytes]:
        """Takes the oldest messages out, to be sent; they are on their way then."""
        if self.spooled and not self._buffer.put_back_count:
            self._load()
        with self.lock:
            self.came = 0
            messages = self._buffer.take(octets, put_back_only=self.spooled > 0)
            self._taken += len(messages)
        return messages

    def sent(self, messages: Sequence[bytes]) -> int:
        """Messages that were on their way are sent; the caller holds the lock. Returns their octets."""
        self._taken -= len(messages)
        self._settle(len(messages))
        return sum(map(len, messages))

    def put_back(self, messages: Sequence[bytes]) -> None:
        """Messages that were on their way wait again, before all others."""
        with self.lock:
            self._taken -= len(messages)
            self._buffer.put_back(messages)
            self._count_dropped(self._buffer.trim())

    def keep(self, *, flows: bool) -> None:
        """Packs what waits, or writes it to the spool; `flows` if there is a connection that takes messages."""
        self._remove_done()
        if self._spool is not None and self._is_open and not (flows and not self.spooled and not self._read):
            self._spool_all(put_back_too=not flows)
        else:
            self._pack()

    def end(self) -> None:
        """Writes all that waits to the spool, or counts it as lost."""
        if self._spool is not None and self._is_open:
            loaded = sum(left for (left,) in self._loaded)
            with self.lock:
                messages = self._taken_out(loaded)
            if not messages or self._write(Block.of(messages), first=True):
                self._done += self._read
                self._read.clear()
                self._loaded.clear()
            else:
                self.put_back(messages)
            self._spool_all(put_back_too=True)
            self._remove_done()
        with self.lock:
            self._count(STOPPED, self._buffer.count)
            self._buffer = Buffer(self._buffer.limit)

    # --- packing ---

    def _pack(self) -> None:
        """Packs the oldest messages, until what is not packed leaves room enough: a short outage costs no packing."""
        while self._buffer.octets > self._buffer.limit // UNPACKED:
            with self.lock:
                messages = self._buffer.unpacked()
                self._taken += len(messages)
            if not messages:
                return
            block = Block.of(messages)
            with self.lock:
                self._taken -= len(messages)
                self._buffer.add_block(block)

    # --- the spool ---

    def _spool_all(self, *, put_back_too: bool) -> None:
        """Writes all that waits, but what was read from the spool: that is still there."""
        if put_back_too:
            with self.lock:
                loaded = self._taken_out(sum(left for (left,) in self._loaded))
                messages = self._taken_out(self._buffer.put_back_count)
            written = not messages or self._write(Block.of(messages))
            with self.lock:
                rest = loaded if written else loaded + messages
                self._taken -= len(rest)
                self._buffer.put_back(rest)
            if not written:
                return
        while True:
            with self.lock:
                block = self._buffer.take_block()
                messages = [] if block is not None else self._buffer.unpacked(1)
                self._taken += block.size if block is not None else len(messages)
            if block is None and not messages:
                return
            block = block or Block.of(messages)
            if not self._write(block):
                with self.lock:
                    self._taken -= block.size
                    self._buffer.put_block_back(block)
                self._pack()
                return

    def _taken_out(self, count: int) -> list[bytes]:
        """The oldest messages of those that were put back; the lock is held."""
        found: list[bytes] = []
        while len(found) < count and (one := self._buffer.take(1, put_back_only=True)):
            found += one
        self._taken += len(found)
        return found

    def _write(self, block: Block, *, first: bool = False) -> bool:
        """Writes messages that were taken out. False if that failed: they are the caller's again."""
        spool = self._spool
        if spool is None:
            return False
        while spool.octets + len(block.data) > spool.limit and self._buffer.keep_newest and spool.count:
            dropped = spool.drop_oldest()
            with self.lock:
                self.spooled -= dropped
                self._count(SPOOL_FULL, dropped)
        if spool.octets + len(block.data) > spool.limit:
            with self.lock:
                self._taken -= block.size
                self._count(SPOOL_FULL, block.size)
            return True
        try:
            (spool.prepend if first else spool.append)(block)
        except OSError as error:
            self._fail(error)
            return False
        self.spool_error = ""
        with self.lock:
            self._taken -= block.size
            self.spooled += block.size
        return True

    def _load(self) -> None:
        """Reads the oldest segment into memory, before all that is there."""
        if self._spool is None:
            return
        segment, messages = self._spool.take()
        with self.lock:
            self.spooled -= segment.size
            if messages is None:
                self._count(SPOOL_DAMAGED, segment.size)
            else:
                self._buffer.put_back(messages)
                self._loaded.append([segment.size])
                self._read.append(segment)
        if messages is None:
            self._spool.remove(segment)

    def _settle(self, count: int) -> None:
        """The oldest messages are sent or dropped: files that held nothing else are done with. The lock is held."""
        while count and self._loaded:
            part = min(count, self._loaded[0][0])
            self._loaded[0][0] -= part
            count -= part
            if not self._loaded[0][0]:
                self._loaded.popleft()
                self._done.append(self._read.popleft())

    def _remove_done(self) -> None:
        while self._spool is not None and self._done:
            self._spool.remove(self._done.popleft())

    # --- counting; the lock is held ---

    def _fail(self, error: OSError) -> None:
        self.spool_errors += 1
        self.spool_error = f"{error.filename or 'spool-dir'}: {error.strerror or error}"

    def _count_dropped(self, count: int) -> None:
        self._count(FULL, count)
        if self._buffer.keep_newest:
            self._settle(count)

    def _count(self, reason: str, count: int) -> None:
        if count:
            self._outcomes[reason] += count

