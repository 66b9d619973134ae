"""
A dictionary that is bounded: what was set last is in it.
"""

from __future__ import annotations

from typing import Generic, Optional, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """
    The entries that were set last: `kept` at least, twice as many at most. What is only read gets no younger.

    The half that is full becomes the old one, and the old one before is dropped as a whole: no entry has to know when
    it was used.
    """

    __slots__ = ("_kept", "_new", "_old")

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._new: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}

    def __len__(self) -> int:
        """How many entries take memory; one that was set again may count twice."""
        return len(self._new) + len(self._old)

    def __setitem__(self, key: Key, value: Value) -> None:
        if len(self._new) >= self._kept and key not in self._new:
            self._old, self._new = self._new, {}
        self._new[key] = value

    def get(self, key: Key) -> Optional[Value]:
        """The value that was set last, None if there is none any more."""
        value = self._new.get(key)
        return self._old.get(key) if value is None else value
