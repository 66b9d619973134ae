"""Messages that wait: in their order, bounded, packed, each accounted for."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.delivery.buffer import BLOCK, Block, Buffer


def messages(count: int, size: int = 100, begin: int = 0) -> list[bytes]:
    return [b"%08d" % number + b"x" * (size - 8) for number in range(begin, begin + count)]


def packed(buffer: Buffer, least: int = BLOCK) -> int:
    """Packs all that can be packed; returns how many blocks that gave."""
    blocks = 0
    while found := buffer.unpacked(least):
        buffer.add_block(Block.of(found))
        blocks += 1
    return blocks


def drained(buffer: Buffer, octets: int = 1000) -> list[bytes]:
    found = []
    while taken := buffer.take(octets):
        found += taken
    return found


@given(st.lists(st.binary(max_size=300), max_size=50))
def test_block_gives_back_what_it_was_made_of(several: list[bytes]) -> None:
    assert Block.of(several).messages() == several


@pytest.mark.parametrize("data", [b"", b"no zlib", Block.of([b"1", b"2"]).data[:-3], Block.of([b"1"]).data])
def test_block_that_is_damaged_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        Block(2, data).messages()


def test_messages_come_out_in_their_order_packed_or_not() -> None:
    buffer, several = Buffer(10_000_000), messages(3000)
    for message in several[:2000]:
        buffer.add(message)
    assert packed(buffer) == 3
    for message in several[2000:]:
        buffer.add(message)
    first = buffer.take(250)
    assert first == several[:2]
    buffer.put_back(first)
    assert buffer.count == 3000
    assert drained(buffer) == several
    assert (buffer.count, buffer.octets) == (0, 0)


def test_at_least_one_message_is_taken_however_large_it_is() -> None:
    buffer = Buffer(1_000_000)
    buffer.add(b"x" * 5000)
    buffer.add(b"y")
    assert buffer.take(10) == [b"x" * 5000]
    assert buffer.take(10) == [b"y"]
    assert buffer.take(10) == []


def test_few_messages_are_packed_only_if_asked_for() -> None:
    buffer = Buffer(1_000_000)
    buffer.add(b"x")
    assert buffer.unpacked() == []
    assert buffer.unpacked(1) == [b"x"]
    assert (buffer.count, buffer.octets) == (0, 0)


def test_packed_messages_take_a_part_of_the_room() -> None:
    buffer = Buffer(10_000_000)
    for message in messages(3000):
        buffer.add(message)
    before = buffer.octets
    packed(buffer)
    assert buffer.octets < before / 4
    assert buffer.count == 3000


@pytest.mark.parametrize("packing", [False, True], ids=["as they are", "packed"])
def test_full_buffer_drops_the_oldest(packing: bool) -> None:
    noise = random.Random(1)
    buffer, several = Buffer(200_000), [message + noise.randbytes(40) for message in messages(8000, 60)]
    dropped = 0
    for message in several:
        dropped += buffer.add(message)
        assert buffer.octets <= 200_000
        if packing:
            packed(buffer)
    left = drained(buffer)
    assert left == several[dropped:]
    assert 1900 < len(left) < 8000


def test_full_buffer_drops_the_newest_if_told_to() -> None:
    buffer, several = Buffer(200_000, keep_newest=False), messages(3000)
    dropped = sum(buffer.add(message) for message in several)
    assert drained(buffer) == several[: 3000 - dropped]
    assert dropped == 1000


def test_what_is_put_back_and_a_smaller_limit_are_trimmed() -> None:
    buffer, several = Buffer(200_000), messages(2000)
    for message in several:
        buffer.add(message)
    taken = buffer.take(100_000)
    for message in messages(1000, begin=2000):
        buffer.add(message)
    buffer.put_back(taken)
    assert buffer.trim() == 1000
    assert drained(buffer) == messages(2000, begin=1000)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.integers(1, 3000)),
            st.tuples(st.just("take"), st.integers(1, 5000)),
            st.tuples(st.just("pack"), st.integers(1, BLOCK)),
            st.tuples(st.just("back"), st.just(0)),
        ),
        max_size=60,
    ),
    st.booleans(),
)
def test_every_message_is_in_it_or_taken_or_dropped(steps: list[tuple[str, int]], keep_newest: bool) -> None:
    buffer = Buffer(20_000, keep_newest)
    added = dropped = taken = 0
    last: list[bytes] = []
    for step, size in steps:
        if step == "add":
            dropped += buffer.add(b"%08d" % added + b"x" * size)
            added += 1
        elif step == "take":
            last = buffer.take(size)
            taken += len(last)
        elif step == "pack":
            packed(buffer, size)
        else:
            buffer.put_back(last)
            taken -= len(last)
            last = []
            dropped += buffer.trim()
        assert added == buffer.count + taken + dropped
        assert buffer.octets <= 20_000 or buffer.count == 0
    numbers = [int(message[:8]) for message in drained(buffer)]
    assert numbers == sorted(numbers)
    assert (buffer.count, buffer.octets) == (0, 0)
