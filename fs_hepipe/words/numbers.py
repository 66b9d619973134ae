"""
Headers that are numbers -> numbers. A missing header is None.

A header that is not a number is a MappingError that names it, or absent and counted: see `Lenient`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import le
from typing import Optional

from fs_hepipe.words import names
from fs_hepipe.words.counters import Counts
from fs_hepipe.words.errors import MappingError
from fs_hepipe.words.event import Get

NOT_A_NUMBER = "not_a_number"
"""The reason why something was not mapped, or left out."""

MICROS = 1_000_000
"""Microseconds in a second: the times of events and messages are in them."""

MAX_INTEGER = 2**53
"""The largest integer that every JSON reader holds exactly (RFC 8259 §6); FreeSWITCH's counts stay far below."""

MAX_DIGITS = len(str(MAX_INTEGER))
"""A number with fewer digits is below `MAX_INTEGER`, one with more is above."""

MAX_PORT = 65_535
"""Of UDP and TCP."""

MAX_FRACTION = 330
"""Characters of a decimal fraction: C's `%f` of the largest number has 317."""

MAX_TOGETHER = 500
"""Digits of numbers that are read together; those of a report have up to 130."""

MAX_DIGITS_32 = 10
"""Of an unsigned 32-bit number: ports, SSRCs, clocks and payload types are no wider."""

_hexadecimal = re.compile("[0-9A-Fa-f]{1,8}").fullmatch  # 32 bits
_decimal_fraction = re.compile(r"-?[0-9]+(?:\.[0-9]+)?").fullmatch


def _not_a_number(header: str, text: str) -> MappingError:
    return MappingError(NOT_A_NUMBER, f"{header}: {text[:80]!r:.80}")


def unsigned(get: Get, header: str) -> Optional[int]:
    """A non-negative decimal number."""
    text = get(header)
    if text is None:
        return None
    number = _unsigned(text)
    if number is None:
        raise _not_a_number(header, text)
    return number


def _unsigned(text: str) -> Optional[int]:
    number = int(text) if is_number(text) else None
    return number if number is None or number <= MAX_INTEGER else None


def is_number(text: str) -> bool:
    """Whether it is a non-negative decimal number."""
    return len(text) <= MAX_DIGITS and text.isascii() and text.isdigit()


def integer(text: Optional[str]) -> Optional[int]:
    """A decimal number of 32 bits, None for anything else."""
    if not text or len(text) > MAX_DIGITS_32 or not (text.isascii() and text.isdigit()):
        return None
    number = int(text)
    return number if number <= 0xFFFFFFFF else None  # noqa: PLR2004


def numbers(get: Get, headers: tuple[str, ...], left_out: Counts[str]) -> list[Optional[int]]:
    """The non-negative decimal numbers of headers, in their order; None for one that is missing or not a number."""
    texts = [*map(get, headers)]
    try:
        digits = "".join(texts)  # type: ignore[arg-type]  # checked together: a fifth of the time
        if len(digits) <= MAX_TOGETHER and digits.encode().isdigit():
            found = [*map(int, texts)]  # type: ignore[arg-type]
            if max(found) <= MAX_INTEGER:
                return found  # type: ignore[return-value]
    except (TypeError, ValueError):
        pass  # one is missing, or empty, or no UTF-8
    lenient = Lenient(dict(zip(headers, texts)).get, left_out)
    return [*map(lenient.unsigned, headers)]


def signed24(number: int) -> int:
    """A signed 24-bit number that the switch prints as an unsigned 32-bit one: -1 arrives as 4294967295."""
    return ((number & 0xFFFFFF) ^ 0x800000) - 0x800000


def hexadecimal(text: Optional[str], left_out: Counts[str]) -> Optional[int]:
    """An SSRC, printed as eight hexadecimal digits; None if it is missing or not a number."""
    if text is None:
        return None
    if _hexadecimal(text):
        return int(text, 16)
    left_out[NOT_A_NUMBER] += 1
    return None


def decimal(get: Get, header: str) -> Optional[float]:
    """A decimal fraction; `nan` and `inf`, which C prints too, are errors."""
    text = get(header)
    if text is None:
        return None
    number = _decimal(text)
    if number is None:
        raise _not_a_number(header, text)
    return number


def _decimal(text: str) -> Optional[float]:
    number = float(text) if len(text) <= MAX_FRACTION and _decimal_fraction(text) else None
    return number if number is None or -MAX_INTEGER <= number <= MAX_INTEGER else None


class Together:
    """Headers that are numbers and that are nearly always all there, read together: see `Lenient.each`."""

    def __init__(self, whole: tuple[str, ...], fractions: dict[str, tuple[float, float]]) -> None:
        """
        Args:
            whole: those that are non-negative decimal numbers.
            fractions: those that are decimal fractions, with the least and the most that each can be.
        """
        self.whole = whole
        self.fractions = tuple(fractions)
        self.headers = (*whole, *fractions)
        self.least = tuple([least for least, _ in fractions.values()])
        self.most = tuple([most for _, most in fractions.values()])
        # each of them below MAX_INTEGER
        shape = ["[0-9]{1,15}"] * len(whole) + [r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?"] * len(fractions)
        self.are_plain = re.compile(" ".join(shape)).fullmatch


class Lenient:
    """Headers that are numbers, where one that is not a number is absent and counted, and costs no other one."""

    def __init__(self, get: Get, left_out: Counts[str]) -> None:
        self._get = get
        self._left_out = left_out
        self._broken: set[str] = set()

    def unsigned(self, header: str) -> Optional[int]:
        """A non-negative decimal number."""
        text = self._get(header)
        if text is None:
            return None
        number = _unsigned(text)
        if number is None:
            self._is_no_number(header)
        return number

    def each(self, of: Together) -> tuple[Sequence[Optional[int]], Sequence[Optional[float]]]:
        """The whole numbers and the decimal fractions, each as by itself, in their order."""
        texts = [*map(self._get, of.headers)]
        if None not in texts and of.are_plain(" ".join(texts)):  # type: ignore[arg-type]  # together: half of the time
            rest = len(of.whole)
            fractions = [*map(float, texts[rest:])]  # type: ignore[arg-type]
            if all(map(le, of.least, fractions)) and all(map(le, fractions, of.most)):
                return [*map(int, texts[:rest])], fractions  # type: ignore[arg-type]
        read = Lenient(dict(zip(of.headers, texts)).get, self._left_out)
        found = [*map(read.unsigned, of.whole)], [*map(read.decimal, of.fractions, of.least, of.most)]
        self._broken |= read._broken
        return found

    def decimal(self, header: str, least: float = -MAX_INTEGER, most: float = MAX_INTEGER) -> Optional[float]:
        """A decimal fraction on a scale."""
        text = self._get(header)
        if text is None:
            return None
        number = _decimal(text)
        if number is None:
            self._is_no_number(header)
        elif not least <= number <= most:
            self.leave_out("off_scale")
            return None
        return number

    def is_broken(self, header: str) -> bool:
        """Whether this header, which was read, is there and not a number."""
        return header in self._broken

    def leave_out(self, reason: str) -> None:
        """Counts a number that is not reported."""
        self._left_out[reason] += 1

    def _is_no_number(self, header: str) -> None:
        self._broken.add(header)
        self.leave_out(NOT_A_NUMBER)


def event_time(get: Get) -> int:
    """When the event happened: microseconds since 1970-01-01 UTC (switch_event.c, Event-Date-Timestamp)."""
    timestamp = unsigned(get, names.EVENT_DATE_TIMESTAMP)
    if timestamp is None:
        raise MappingError("no_time", f"no {names.EVENT_DATE_TIMESTAMP}")
    return timestamp


def milliseconds(jitter: Optional[float], clock: Optional[int]) -> Optional[float]:
    """Interarrival jitter from timestamp units (RFC 3550 §6.4.1) to ms; None without a clock."""
    return None if jitter is None or not clock else round(jitter * 1000 / clock, 3)
