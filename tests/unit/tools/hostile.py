"""Every character that does something to a terminal, or to the eye, instead of being seen; and a check for it."""

from __future__ import annotations

import sys
import unicodedata

UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\ufe00\ufe0f\U000e0100\U000e01ef"
"""Printable for Python, default ignorable for Unicode."""

OF_ALL = [
    chr(code)
    for code in range(sys.maxunicode + 1)
    if unicodedata.category(chr(code)) in {"Cc", "Cf", "Zl", "Zp"} or chr(code) in UNSEEN
]
SURROGATES = [chr(code) for code in (*range(0xDC80, 0xDD00), 0xD800, 0xDBFF, 0xDC00, 0xDFFF)]
"""Octets that are no UTF-8 (PEP 383), and the ends of both ranges."""

OTHERS = ["\ue000", "\U0010ffff", "\ufdd0", "\u0378"]
"""Private, no character, unassigned."""

CHARACTERS = [*OF_ALL, *SURROGATES, *OTHERS]

GROUP = 36
TEXTS = ["a".join(CHARACTERS[begin : begin + GROUP]) for begin in range(0, len(CHARACTERS), GROUP)]
"""All of them, a few in each text: some places show no more than 80 characters."""

SEQUENCES = ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\x1b[1A\rforged", "\n12:00:00.000000 100 log forged", "\x1bc"]
"""What such characters are used for."""


def harmless(printed: str) -> bool:
    """Whether lines consist of characters that are seen; a surrogate is none, so they can be written as UTF-8."""
    return all(line.isprintable() for line in printed.split("\n")) and not set(printed) & set(UNSEEN)
