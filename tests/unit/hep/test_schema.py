"""The construct itself: corruption never passes for an end."""

from __future__ import annotations

import pytest

from fs_hepipe.hep.constructs import ConstructError
from fs_hepipe.hep.registry import ChunkType
from fs_hepipe.hep.schema import BODIES, CHUNK, HEP3
from tests.unit.messages import SPEC_OCTETS

WIDTHS = {1: 1, 2: 1, 3: 4, 4: 4, 5: 16, 6: 16, 7: 2, 8: 2, 9: 4, 10: 4, 11: 1, 12: 4, 0x20: 2}
"""Octets of a body where collectors insist on them (heplify-server's decoder), and of the MOS."""


def test_the_schema_parses_the_example_of_the_specification() -> None:
    chunks = HEP3.parse(SPEC_OCTETS)
    assert [chunk.type_id for chunk in chunks] == [1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 15]
    assert chunks[2].body == "212.202.0.1"
    assert HEP3.build(chunks) == SPEC_OCTETS


@pytest.mark.parametrize("damaged", [SPEC_OCTETS + b"\0", SPEC_OCTETS[:-1], SPEC_OCTETS.replace(b"\0\7\2", b"\0\5\2")])
def test_a_damaged_chunk_is_an_error_and_not_the_end_of_the_list(damaged: bytes) -> None:
    with pytest.raises(ConstructError):
        HEP3.parse(damaged)


@pytest.mark.parametrize("type_id, width", WIDTHS.items())
def test_a_body_has_the_width_that_collectors_insist_on(type_id: int, width: int) -> None:
    header = b"\0\0" + type_id.to_bytes(2, "big")
    assert CHUNK.parse(header + (6 + width).to_bytes(2, "big") + b"\0" * width).type_id == type_id
    for wrong in (width - 1, width + 1):
        with pytest.raises(ConstructError):
            CHUNK.parse(header + (6 + wrong).to_bytes(2, "big") + b"\0" * wrong)


def test_every_other_field_is_octets_of_any_length() -> None:
    assert set(BODIES) - {ChunkType(type_id) for type_id in WIDTHS} == {
        ChunkType.AUTH_KEY, ChunkType.PAYLOAD, ChunkType.CORRELATION_ID, ChunkType.NODE_NAME
    }  # fmt: skip
    for type_id in (14, 15, 17, 19, 0x80):
        assert CHUNK.parse(b"\0\0\0" + bytes([type_id]) + b"\0\6").type_id == type_id


def test_the_schema_is_the_same_for_a_vendor_except_for_the_meaning() -> None:
    assert CHUNK.parse(b"\0\1\0\3\0\x08ab").body == b"ab"
