"""Headers that are numbers, or a fault that names the header."""

from __future__ import annotations

from typing import Callable, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.words.counters import Counts
from fs_hepipe.words.errors import MappingError
from fs_hepipe.words.numbers import (
    MAX_INTEGER,
    Lenient,
    Together,
    decimal,
    event_time,
    hexadecimal,
    milliseconds,
    numbers,
    signed24,
    unsigned,
)

Read = Callable[..., Optional[float]]


def read(reader: Read, text: str) -> Optional[float]:
    return reader({"header": text}.get, "header")


@pytest.mark.parametrize("reader", [unsigned, decimal])
def test_a_missing_header_is_none(reader: Read) -> None:
    assert reader(dict[str, str]().get, "header") is None


@pytest.mark.parametrize(
    "reader, text",
    [
        (unsigned, ""), (unsigned, "-1"), (unsigned, "1.0"), (unsigned, "x"), (unsigned, "٣"), (unsigned, "²"),
        (unsigned, " 1"), (unsigned, "1\n"), (unsigned, "1_0"), (unsigned, str(2**53 + 1)), (unsigned, "9" * 5000),
        (decimal, ""), (decimal, "x"), (decimal, "nan"), (decimal, "-nan"), (decimal, "inf"), (decimal, "1e308"),
        (decimal, "1."), (decimal, "1_0"), (decimal, " 1"), (decimal, "٣"), (decimal, "9" * 400), (decimal, "1.5\n"),
    ],
)  # fmt: skip
def test_text_that_is_no_number_is_a_fault_that_names_its_header(reader: Read, text: str) -> None:
    with pytest.raises(MappingError, match=r"^not_a_number: header: ") as caught:
        read(reader, text)
    assert caught.value.reason == "not_a_number"
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text, number", [("0", 0), ("4294967295", 4294967295), (str(2**53), 2**53)])
def test_an_unsigned_number_is_itself(text: str, number: int) -> None:
    assert read(unsigned, text) == number


@pytest.mark.parametrize(
    "printed, number",
    [
        (0, 0),
        (1, 1),
        (8388607, 2**23 - 1),
        (4294967295, -1),
        (4294967290, -6),
        (4286578688, -(2**23)),
        (16777215, -1),
    ],
)
def test_a_signed_24_bit_number_is_printed_unsigned(printed: int, number: int) -> None:
    assert signed24(printed) == number


HEADERS = ("A", "B", "C")


def test_numbers_read_together_are_those_read_one_by_one() -> None:
    assert numbers({"A": "0", "B": "7", "C": "8"}.get, HEADERS, Counts()) == [0, 7, 8]
    assert numbers({"A": "0", "B": "7", "C": str(2**53)}.get, HEADERS, Counts()) == [0, 7, 2**53]
    assert numbers({"A": "0", "C": str(2**53)}.get, HEADERS, Counts()) == [0, None, 2**53]
    assert numbers(dict[str, str]().get, HEADERS, Counts()) == [None, None, None]


@pytest.mark.parametrize("text", ["", "-1", "1.0", "x", "٣", " 1", "1_0", str(2**53 + 1), "9" * 5000])
def test_one_of_many_that_is_no_number_is_absent_and_counted(text: str) -> None:
    left_out = Counts[str]()
    assert numbers({"A": "1", "B": text, "C": "3"}.get, HEADERS, left_out) == [1, None, 3]
    assert left_out == {"not_a_number": 1}


STATISTICS = Together(("A", "B"), {"C": (-MAX_INTEGER, MAX_INTEGER), "D": (0.0, 100.0), "E": (1.0, 5.0)})
TEXTS = st.sampled_from([
    None, "", "0", "7", "-1", "-0", "0.0", "100.00", "100.01", "0.99", "5.00", "1.", ".5", "x", "nan", "-nan", "inf",
    "1e3", " 1", "1 ", "1 2", "1\n", "1_0", "٣", "²", "\udce9", "9" * 15, str(2**53), str(2**53 + 1), "9" * 400,
    "9" * 5000, "0." + "3" * 9, "0." + "3" * 10,
])  # fmt: skip


@pytest.mark.parametrize("text, mos", [("4.41", 4.41), ("-nan", None)])
def test_each_statistic_is_asked_for_once(text: str, mos: Optional[float]) -> None:
    asked: list[str] = []

    def get(header: str) -> str:
        asked.append(header)
        return {"A": "7", "B": "0", "C": "-2.50", "D": "100.00", "E": text}[header]

    assert Lenient(get, Counts()).each(STATISTICS) == ([7, 0], [-2.5, 100.0, mos])
    assert asked == ["A", "B", "C", "D", "E"]


@given(st.fixed_dictionaries({header: TEXTS | st.just("3") for header in STATISTICS.headers}))
def test_statistics_read_together_are_those_read_one_by_one(texts: dict[str, Optional[str]]) -> None:
    left_out, counted = Counts[str](), Counts[str]()
    together, one_by_one = Lenient(texts.get, left_out), Lenient(texts.get, counted)
    whole = [one_by_one.unsigned(header) for header in ("A", "B")]
    fractions = [
        one_by_one.decimal("C"), one_by_one.decimal("D", 0.0, 100.0), one_by_one.decimal("E", 1.0, 5.0)
    ]  # fmt: skip
    assert together.each(STATISTICS) == (whole, fractions)
    assert [*map(together.is_broken, texts)] == [*map(one_by_one.is_broken, texts)]
    assert left_out == counted


@pytest.mark.parametrize("text, number", [("00000000", 0), ("7f082297", 0x7F082297), ("FFFFFFFF", 2**32 - 1)])
def test_an_ssrc_is_hexadecimal(text: str, number: int) -> None:
    assert hexadecimal(text, Counts()) == number


@pytest.mark.parametrize("text", ["", "x", "0x1", "-1", "123456789", "٣", " 1", "1_0", "\udce9"])
def test_text_that_is_no_ssrc_is_absent_and_counted(text: str) -> None:
    left_out = Counts[str]()
    assert hexadecimal(text, left_out) is None
    assert left_out == {"not_a_number": 1}
    assert hexadecimal(None, left_out) is None
    assert left_out == {"not_a_number": 1}


@pytest.mark.parametrize("text, number", [("4.50", 4.5), ("0.000137", 0.000137), ("-1.5", -1.5), ("20", 20.0)])
def test_a_decimal_fraction_is_itself(text: str, number: float) -> None:
    assert read(decimal, text) == number


def test_an_event_has_a_time_or_can_not_be_told() -> None:
    assert event_time({"Event-Date-Timestamp": "1795402163146092"}.get) == 1_795_402_163_146_092
    with pytest.raises(MappingError) as caught:
        event_time(dict[str, str]().get)
    assert caught.value.reason == "no_time"


@pytest.mark.parametrize(
    "jitter, clock, ms",
    [(80, 8000, 10.0), (1, 8000, 0.125), (480, 48_000, 10.0), (900, 90_000, 10.0), (0, 8000, 0.0), (1, 3000, 0.333),
     (80, None, None), (80, 0, None), (None, 8000, None)],
)  # fmt: skip
def test_jitter_in_milliseconds_needs_a_clock(jitter: Optional[int], clock: Optional[int], ms: Optional[float]) -> None:
    assert milliseconds(jitter, clock) == ms
