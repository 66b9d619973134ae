"""Whatever text comes: what is shown of it is one line that a terminal only prints."""

from __future__ import annotations

from hypothesis import strategies as st

from fs_hepipe.words.text import MAX_SHOWN, pairs, shown, shown_lines
from tests.fuzz.engine import Fuzz

ANY_TEXT = st.text(st.characters(codec=None, min_codepoint=0, max_codepoint=0x10FFFF, exclude_categories=())) | (
    st.binary().map(lambda octets: octets.decode("utf-8", "surrogateescape"))
)
"""Every character there is, surrogates too; and octets as an event brings them."""


def test_what_is_shown_is_one_printable_line(fuzz: Fuzz) -> None:
    def check(text: str) -> None:
        line = shown(text)
        assert line.isprintable()
        assert len(line.encode()) <= 10 * MAX_SHOWN
        assert shown(line, None) == line
        assert shown_lines(text).count("\n") == text.count("\n")
        assert shown_lines(text).replace("\n", "").isprintable()
        assert pairs({"caller": text}).isprintable()

    fuzz(ANY_TEXT, check)
