"""Whatever datagram comes: the viewers show one line of it or one complaint, and so does every way to read it."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout, suppress

from hypothesis import strategies as st

from fs_hepipe.hep import Framing, decode, read
from fs_hepipe.hep.encoder import pack_data
from fs_hepipe.tools import decode as decode_tool
from fs_hepipe.tools import listen
from fs_hepipe.tools.output import say
from fs_hepipe.tools.watch.look import call_as_seen, message_as_seen
from fs_hepipe.tools.watch.said import said
from fs_hepipe.tools.watch.store import Store
from fs_hepipe.words.errors import HepError
from tests.fuzz.engine import Fuzz
from tests.fuzz.mutants import WHOLE, mutants
from tests.unit.tools.hostile import harmless

BATCH = 20
"""Mutants of one number."""

SEEDS = st.integers(0, 2**64)

CHUNKS = st.builds(
    pack_data, st.sampled_from([0, 0, 0, 1, 2, 0xFFFF]), st.integers(0, 0x30) | st.integers(0, 0xFFFF),
    st.binary(max_size=40),
)  # fmt: skip

FRAMED = st.lists(CHUNKS, max_size=20).map(lambda some: framed(b"".join(some)))

OLD = st.tuples(st.sampled_from([b"\1", b"\2"]), st.binary(max_size=1), st.sampled_from([b"\2", b"\x0a"]), st.binary())


def framed(chunks: bytes) -> bytes:
    return b"HEP3" + (6 + len(chunks)).to_bytes(2, "big") + chunks


def test_every_datagram_is_one_line_or_one_complaint(fuzz: Fuzz) -> None:
    fuzz(st.binary(max_size=300) | FRAMED | OLD.map(b"".join), check)


def test_every_datagram_that_is_nearly_right_is_one_line_or_one_complaint(fuzz: Fuzz) -> None:
    def check_batch(number: int) -> None:
        for datagram in mutants(number, BATCH):
            try:
                check(datagram)
            except BaseException as error:
                raise AssertionError(f"datagram {datagram.hex()}") from error

    fuzz(SEEDS, check_batch, lambda _number: BATCH)


def drawn(datagram: bytes) -> bool:
    """Whether the page takes a datagram; everything that it shows of it is JSON, and harmless."""
    try:
        said(datagram)  # the store would count an error of ours
    except HepError:
        return False
    store = Store(1, 1_000_000)
    assert store.add(datagram) is None
    (row,) = store.view().rows
    call = store.find(row["key"])
    assert call is not None
    seen = json.dumps([call_as_seen(call), message_as_seen(call.messages[0])], allow_nan=False, ensure_ascii=False)
    assert harmless(seen)
    return True


def check(datagram: bytes) -> None:
    """The promises of everything that reads a datagram."""
    out = io.StringIO()
    with redirect_stdout(out):
        taken = shown(datagram, as_json=False)
        assert shown(datagram, as_json=True) == taken
    assert drawn(datagram) == taken
    lines = out.getvalue().splitlines(keepends=True)
    assert len(lines) == 2
    assert harmless(out.getvalue())
    if taken:
        assert json.loads(lines[1], parse_constant=str)["hep_version"] in {1, 2, 3}
        assert lines[1].isascii()
    with suppress(HepError):
        assert decode(datagram) == read(datagram).message
    out = io.StringIO()
    with redirect_stdout(out):
        try:
            for found in decode_tool.datagrams(io.BytesIO(datagram)):
                decode_tool.show(found)
        except HepError as error:
            say(f"error: {error}")
    assert harmless(out.getvalue())


def shown(datagram: bytes, *, as_json: bool) -> bool:
    """Whether `listen` takes it; it prints one line in any case."""
    try:
        listen.show(datagram, as_json=as_json)
    except HepError as error:
        say(f"garbage: {error}")
        return False
    return True


def test_every_stream_is_its_datagrams_wherever_it_is_cut(fuzz: Fuzz) -> None:
    whole = st.lists(st.sampled_from(WHOLE).filter(lambda each: each[:4] == b"HEP3"), max_size=5).map(b"".join)
    streams = st.tuples(whole, st.binary(max_size=20), whole, st.lists(st.integers(0, 4000), max_size=8))

    def check_stream(stream: tuple[bytes, bytes, bytes, list[int]]) -> None:
        octets = b"".join(stream[:3])
        cuts = sorted(min(cut, len(octets)) for cut in stream[3])
        found, rest, failed = taken_from([octets])
        assert taken_from([octets[a:b] for a, b in zip([0, *cuts], [*cuts, len(octets)])]) == (found, rest, failed)
        assert octets.startswith(b"".join(found) + rest)
        assert b"".join(found).startswith(stream[0])
        assert stream[1] or (b"".join(found), rest, failed) == (octets, b"", False)

    fuzz(streams, check_stream)


def taken_from(pieces: list[bytes]) -> tuple[list[bytes], bytes, bool]:
    """The datagrams of a stream, what is left, and whether something else than HEP3 ended it."""
    framing, found = Framing(), []
    try:
        for piece in pieces:
            for datagram in framing.feed(piece):
                found.append(datagram)  # noqa: PERF402  those before an error count
    except HepError:
        return found, b"", True
    return found, framing.rest, False
