"""
The times of FreeSWITCH's log lines, which are local (switch_log.c:switch_log_meta_vprintf) -> UTC.
"""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from typing import Optional


def to_utc(local: int, near: float) -> int:
    """
    Local time, of the time zone of this process, to UTC; both in microseconds since 1970.

    Args:
        local: as if it were UTC.
        near: seconds since 1970: of an hour that there is twice, the time that is nearer is meant.
    """
    minute, rest = divmod(local, 60_000_000)
    return min((found * 1_000_000 + rest for found in _minutes(minute)), key=lambda each: abs(each - near * 1e6))


@lru_cache(maxsize=256)
def _minutes(minute: int) -> tuple[int, ...]:
    """When a minute of local time begins, seconds since 1970: twice if the clock was set back by an hour (PEP 495)."""
    wall = datetime.fromtimestamp(minute * 60, timezone.utc).replace(tzinfo=None)
    return tuple({int(wall.replace(fold=fold).timestamp()) for fold in (0, 1)})


def local_time(minute: bytes, seconds: bytes, micros: bytes) -> Optional[int]:
    """The time of a line as if it were UTC, microseconds since 1970; None if there is no such time."""
    begin = _begin(minute)
    whole = int(seconds)
    return None if begin is None or whole > 60 else (begin + whole) * 1_000_000 + int(micros)  # noqa: PLR2004  a leap second


@lru_cache(maxsize=256)
def _begin(minute: bytes) -> Optional[int]:
    try:
        found = datetime.fromisoformat(minute.decode()).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return int(found.timestamp()) if 1970 < found.year < 9999 else None  # noqa: PLR2004  what all time zones can tell
