"""Foreign text fit to be shown, and JSON that every reader accepts, with orjson and without."""

from __future__ import annotations

import json
import math
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.words.text import MAX_SHOWN, pairs, quoted, shown, shown_lines
from tests.unit.synthetic import ENCODERS

each_encoder = pytest.mark.parametrize("encoder", sorted(ENCODERS))

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@pytest.mark.parametrize(
    "text, line",
    [
        ("Alice", "Alice"),
        ("Zoë 😀", "Zoë 😀"),
        ("a\nb", r"a\nb"),
        ("a\r\0\x1b[31m", r"a\r\x00\x1b[31m"),
        ("caf\udce9", r"caf\xe9"),
        ("\udcff", r"\xff"),
        ("\ud800", r"\ud800"),
        ("\udd00", r"\udd00"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2028", r"\u2028"),
        ("\u00a0", r"\xa0"),
        ("", ""),
    ],
)
def test_what_is_not_printable_is_escaped(text: str, line: str) -> None:
    assert shown(text) == line


def test_what_is_too_long_is_cut_and_says_so() -> None:
    assert shown("x" * MAX_SHOWN) == "x" * MAX_SHOWN
    assert shown("x" * 60_000) == "x" * (MAX_SHOWN - 1) + "…"
    assert shown("abcdef", 4) == "abc…"


UNSEEN = [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x3164, 0xFFA0,
          *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]  # fmt: skip


def test_every_character_that_has_no_glyph_of_its_own_is_escaped() -> None:
    others = [
        code
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    ]
    assert len(others) > 800_000
    left = [hex(code) for code in [*others, *UNSEEN] if not shown(f"a{chr(code)}b").isascii()]
    assert not left
    assert shown("\x7f\x85\u061c\u200b\u2066\u3164\ufe0f\ufeff") == r"\x7f\x85\u061c\u200b\u2066\u3164\ufe0f\ufeff"


def test_every_character_with_a_glyph_stays() -> None:
    seen = "".join(
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code))[0] in "LMNPS" and code not in UNSEEN
    )
    assert shown(seen, None) == seen


def test_lines_of_ours_stay_lines() -> None:
    assert shown_lines("one\ntwo\r\x1b[2J\u2028three\n") == "one\ntwo\\r\\x1b[2J\\u2028three\n"
    assert shown_lines("x" * 10 * MAX_SHOWN) == "x" * 10 * MAX_SHOWN


@given(st.text(st.characters()) | st.binary().map(lambda octets: octets.decode("utf-8", "surrogateescape")))
def test_any_text_is_one_line_of_utf8(text: str) -> None:
    line = shown(text)
    assert line.isprintable()
    assert len(line.encode()) <= 10 * MAX_SHOWN
    assert shown(line[:10]) == line[:10]


@pytest.mark.parametrize(
    "value, word",
    [
        ("1001", "1001"),
        ("", '""'),
        ("Alice Smith", '"Alice Smith"'),
        ("a=b", '"a=b"'),
        ('say "hi"', r'"say \"hi\""'),
        ("back\\slash", r'"back\\slash"'),
        (7, "7"),
        (None, "None"),
    ],
)
def test_a_value_is_one_word(value: object, word: str) -> None:
    assert quoted(value) == word


@each_encoder
@given(anything)
def test_json_says_what_it_was_given(encoder: str, value: object) -> None:
    assert json.loads(ENCODERS[encoder](value)) == value


@given(anything)
def test_json_means_the_same_with_orjson_and_without(value: object) -> None:
    assert json.loads(ENCODERS["orjson"](value)) == json.loads(ENCODERS["stdlib"](value))


@each_encoder
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_comes_back_as_it_was(encoder: str, number: float) -> None:
    assert math.copysign(1, json.loads(ENCODERS[encoder](number))) == math.copysign(1, number)
    assert json.loads(ENCODERS[encoder](number)) == number


@each_encoder
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_json_never_has_a_nan_or_an_infinity(encoder: str, number: float) -> None:
    try:
        octets = ENCODERS[encoder]({"MOS": number})
    except ValueError:
        return
    assert json.loads(octets, parse_constant=pytest.fail) == {"MOS": None}


@each_encoder
def test_json_is_compact(encoder: str) -> None:
    assert ENCODERS[encoder]({"a": [1, 2.5], "b": "c"}) == b'{"a":[1,2.5],"b":"c"}'


def test_json_without_orjson_is_ascii() -> None:
    assert ENCODERS["stdlib"]("Zoë") == b'"Zo\\u00eb"'


@given(st.dictionaries(st.sampled_from(["caller", "leg", "cause"]), st.text(min_size=1) | st.just("x" * 600)))
def test_pairs_looked_at_together_are_those_looked_at_one_by_one(fields: dict[str, str]) -> None:
    one_by_one = " ".join(f"{key}={quoted(shown(value))}" for key, value in fields.items())
    assert pairs(fields) == one_by_one


@pytest.mark.parametrize("code", range(0x20, 0x7F))
def test_every_printable_character_is_quoted_where_it_has_to_be(code: int) -> None:
    value = f"a{chr(code)}b"
    assert pairs({"k": value}) == f"k={quoted(value)}"
