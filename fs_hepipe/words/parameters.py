"""
A parameter of the configuration, written once: as the field of a dataclass.

    capture_id: int = parameter("2001", whole(0, MAX_UINT32), "this agent's number in Homer")

is the parameter `capture-id`, the type and default of the field, and its line in fs_hepipe.conf.xml and README
(`make parameters` writes both). `agent.config` reads the values.
"""

from __future__ import annotations

import re
from dataclasses import field, fields, is_dataclass
from typing import Any, Callable, NamedTuple, Optional, TypeVar

T = TypeVar("T")

MAX_TEXT = 255
"""Characters of node name and password."""

MAX_EVENTS = 94
"""Events of a list: an EventConsumer accepts no more bindings (switch_cpp.h)."""

_KEY = "fs_hepipe"


class Parameter(NamedTuple):
    """One parameter of the configuration."""

    name: str
    attribute: str
    """The field it goes to."""
    parse: Callable[[str], Any]
    """Text -> value, or a ValueError whose text continues `capture-id: 'x' `. It must not repeat the text."""
    default: str
    """As it would be written in the XML."""
    meaning: str
    """One sentence; possible values are in backticks."""
    most: int
    """How often it may be given."""
    secret: bool
    """Whether its value is never shown."""


def parameter(default: str, parse: Callable[[str], T], meaning: str, *, name: str = "", secret: bool = False) -> T:
    """A field that is a parameter; its name is that of the field unless given."""
    metadata = {_KEY: (name, parse, default, meaning, 1, secret)}
    return field(default=parse(default), repr=not secret, metadata=metadata)


def repeated(default: str, parse: Callable[[str], T], meaning: str, *, name: str, most: int) -> tuple[T, ...]:
    """A field that is a parameter which may be given several times; the field has all values."""
    return field(default=(parse(default),), metadata={_KEY: (name, parse, default, meaning, most, False)})


def parameters(kind: Any) -> list[Parameter]:
    """The parameters of a dataclass, and of dataclasses that are its fields, in the order of the fields."""
    found: list[Parameter] = []
    for each in fields(kind):
        inner: Any = each.default_factory
        if _KEY in each.metadata:
            name, *rest = each.metadata[_KEY]
            found.append(Parameter(name or each.name.replace("_", "-"), each.name, *rest))
        elif is_dataclass(inner):
            found += parameters(inner)
    return found


# --- one parser per kind of value ---


def switch(text: str) -> bool:
    """FreeSWITCH's words for true (switch_utils.h:switch_true) and their opposites; others are an error."""
    word = text.strip().lower()
    if word in {"yes", "on", "true", "t", "enabled", "active", "allow", "1"}:
        return True
    if word in {"no", "off", "false", "f", "disabled", "inactive", "deny", "0"}:
        return False
    raise ValueError("is neither yes nor no")


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """Whole numbers of this range."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"is not a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def none_or(lowest: int, highest: int) -> Callable[[str], int]:
    """0, or a whole number of this range."""
    in_range = whole(lowest, highest)

    def parse(text: str) -> int:
        try:
            return 0 if text == "0" else in_range(text)
        except ValueError:
            raise ValueError(f"is neither 0 nor a whole number from {lowest} to {highest}") from None

    return parse


def size(lowest: int, highest: int) -> Callable[[str], int]:
    """Octets, with or without `kB`, `MB`, `GB` (thousands, millions, ...)."""
    units = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}

    def parse(text: str) -> int:
        found = re.fullmatch(r"([0-9]{1,12}) ?([kmg]?)b?", text.lower())
        octets = int(found[1]) * units[found[2]] if found is not None else -1
        if not lowest <= octets <= highest:
            raise ValueError(f"is not a size from {lowest // 1000} kB to {highest // 1_000_000} MB")
        return octets

    return parse


def folder(text: str) -> str:
    """The full path of a folder, or nothing."""
    return _full_path(text, "a folder")


def file(text: str) -> str:
    """The full path of a file, or nothing."""
    return _full_path(text, "a file")


def _full_path(text: str, of: str) -> str:
    if text and (not text.startswith("/") or not text.isprintable()):
        raise ValueError(f"is not the full path of {of}, which begins with a /")
    return text


def one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    """One word of these."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"is none of {', '.join(choices)}")
        return text

    return parse


def some_of(choices: tuple[int, ...]) -> Callable[[str], tuple[int, ...]]:
    """One number of these, or several."""
    allowed = {str(number): number for number in choices}

    def parse(text: str) -> tuple[int, ...]:
        words = _words(text)
        if not words or any(word not in allowed for word in words):
            raise ValueError(f"is not a list of {', '.join(allowed)}")
        return tuple(allowed[word] for word in words)

    return parse


def plain(text: str) -> Optional[str]:
    """Text that collectors write into JSON without escaping it (heplify-server database/header.go); empty is none."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"has {len(text)} characters, {MAX_TEXT} are the most")
    if any(char in '"\\' or not char.isprintable() for char in text):
        raise ValueError('has a ", a \\ or a control character in it, which would break the rows of a collector')
    return text or None


def events(text: str) -> tuple[str, ...]:
    """Words between commas or blanks, each once, in their order."""
    words = _words(text)
    if not all(word.isprintable() for word in words):
        raise ValueError("has a control character or invalid UTF-8 in it")
    if len(words) > MAX_EVENTS:
        raise ValueError(f"names {len(words)} events, {MAX_EVENTS} are the most")
    return words


def subclasses(text: str) -> tuple[str, ...]:
    """As `events`, but no patterns: FreeSWITCH compares subclasses as they are (switch_event.c:switch_events_match)."""
    words = events(text)
    if any(char in word for word in words for char in "*?"):
        raise ValueError("has a * or ? in it, but FreeSWITCH knows no patterns of subclasses: name each")
    return words


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in re.split(r"[,\s]+", text) if word))
