"""What reads a body is derived from its construct, and takes and refuses what the construct takes and refuses."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.hep.bodies import MISFITS, READERS, reader
from fs_hepipe.hep.constructs import Array, Int8ub
from fs_hepipe.hep.schema import FILLED


def outcome(read: Callable[[bytes], Any], octets: bytes) -> Any:
    """The value and its type, or that there is none."""
    try:
        value = read(octets)
    except MISFITS:
        return None
    return type(value), value


def test_every_body_has_its_reader() -> None:
    assert READERS.keys() == FILLED.keys()


@pytest.mark.parametrize("type_id", FILLED)
@given(octets=st.one_of(st.binary(max_size=20), st.sampled_from([bytes(4), bytes(16), b"\xff" * 16, b"\xe9"])))
def test_a_reader_gives_what_its_construct_gives(type_id: int, octets: bytes) -> None:
    assert outcome(READERS[type_id], octets) == outcome(FILLED[type_id].parse, octets)


def test_a_body_of_another_kind_is_read_by_construct_and_has_to_be_filled() -> None:
    read = reader(Array(2, Int8ub))
    assert list(read(b"\1\2")) == [1, 2]
    for octets in (b"\1", b"\1\2\3"):
        with pytest.raises(MISFITS):
            read(octets)
