"""
Foreign text -> text that can be shown: no control character, no broken UTF-8, no caller name of 60 kB.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Optional

MAX_SHOWN = 512
"""Characters of one foreign value in a line; a longer name is an attack or an error."""

_FIRST_ESCAPED_BYTE = 0xDC00
"""PEP 383: an octet that is not UTF-8 is the surrogate U+DC00 plus the octet."""

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False, allow_nan=False).encode

try:  # the extra `fast`: the same JSON in a fifth of the time
    import orjson
except ImportError:

    def to_json(value: Any) -> bytes:
        """Compact JSON in ASCII. Never NaN or Infinity: those raise ValueError."""
        return _encode(value).encode("ascii")

else:

    def to_json(value: Any) -> bytes:
        """Compact JSON in UTF-8."""
        return orjson.dumps(value)


def shown(text: str, limit: Optional[int] = MAX_SHOWN) -> str:
    r"""
    The text on one line, the one way in which foreign text reaches a person: a character that is not printable, or that
    nobody sees, becomes `\n`, `\x1b`, `\u202e`, an octet that was not UTF-8 `\xe9`. Text longer than `limit` is cut and
    ends in `…`; None does not cut.
    """
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable() and (text.isascii() or not _unseen(text)):
        return text
    return "".join(char if char.isprintable() and not _unseen(char) else _escaped(char) for char in text)


def shown_lines(text: str) -> str:
    r"""
    The text as `shown` escapes it, but for the `\n` that ends a line of ours: for what is printed as a whole. What is
    foreign in a line has to pass `shown` before, or it could make lines of its own.
    """
    return "\n".join(shown(line, None) for line in text.split("\n"))


def describe_error(error: BaseException) -> str:
    """Type and text of an exception, for one line."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  str() itself may raise
        text = "(no text)"
    return shown(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def for_c(text: str) -> str:
    r"""The text as valid UTF-8 without NUL: only those characters are escaped, as in `shown`."""
    return _not_for_c(lambda found: _escaped(found[0]), text)


def _escaped(char: str) -> str:
    code = ord(char)
    if _FIRST_ESCAPED_BYTE <= code <= _FIRST_ESCAPED_BYTE + 0xFF:
        return f"\\x{code - _FIRST_ESCAPED_BYTE:02x}"
    return char.encode("unicode_escape").decode("ascii")


# What Unicode calls default ignorable (DerivedCoreProperties.txt) and Python calls printable: variation selectors,
# fillers and joiners without a glyph. The others are of categories that `isprintable` knows.
_unseen = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
).search
_not_for_c = re.compile("[\0\ud800-\udfff]").sub
_needs_quotes = re.compile(r'[ "=\\]').search


_plain = re.compile(r"[!#-<>-\[\]-~]*").fullmatch  # ASCII that needs no escape and no quotes


def pairs(fields: Mapping[str, str]) -> str:
    """`key=value` of each: the values are foreign, escaped, and quoted if necessary."""
    values = "".join(fields.values())
    if len(values) <= MAX_SHOWN and _plain(values):  # checked together: nearly all are plain
        return " ".join(map("=".join, fields.items()))
    return " ".join([pair(key, value) for key, value in fields.items()])


def pair(key: str, value: str) -> str:
    """`key=value`, the same of one."""
    is_plain = len(value) <= MAX_SHOWN and value and _plain(value)
    return f"{key}={value if is_plain else quoted(shown(value))}"


def quoted(text: Optional[object]) -> str:
    """A value for `key=value`: in double quotes if it could be read as more than one word."""
    value = str(text)
    if value and _needs_quotes(value) is None:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
