"""
What the agent runs on, and whether that was tested: FreeSWITCH, Python and the distribution.

README's line `Tested on` says the same; a test compares them.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import NamedTuple

FREESWITCH = ("1.10.12", "1.11.2")
"""Releases on which `make live` passes."""

PYTHON = ("3.9", "3.10", "3.11", "3.12", "3.13")
"""Versions on which `make test-all` passes; inside FreeSWITCH it was 3.11."""

DISTRIBUTIONS = ("Debian 12",)

OS_RELEASE = Path("/etc/os-release")

MAX_OS_RELEASE = 65_536
"""Octets read of it; it has a few hundred."""


class Platform(NamedTuple):
    """A field is empty if it is not known."""

    freeswitch: str
    """`1.10.12`"""
    python: str
    """`3.11.2`"""
    distribution: str
    """`Debian 12`, os-release(5)'s NAME, without `GNU/Linux`, and VERSION_ID."""

    @property
    def untested(self) -> list[str]:
        """What of it was not tested, one sentence each."""
        minor = ".".join(self.python.split(".")[:2])
        found = [
            ("FreeSWITCH", self.freeswitch, self.freeswitch, FREESWITCH),
            ("Python", self.python, minor, PYTHON),
            ("the distribution", self.distribution, self.distribution, DISTRIBUTIONS),
        ]
        return [
            f"{what} {version} was not tested with this version of fs_hepipe, {', '.join(tested)} was"
            for what, version, tried, tested in found
            if version and tried not in tested
        ]


def platform(freeswitch: str) -> Platform:
    """The platform of this process, with this version of FreeSWITCH."""
    return Platform(freeswitch, ".".join(map(str, sys.version_info[:3])), _distribution())


def _distribution() -> str:
    try:
        with OS_RELEASE.open(encoding="utf-8", errors="replace") as lines:
            text = lines.read(MAX_OS_RELEASE)
        words = dict(word.split("=", 1) for word in shlex.split(text, comments=True) if "=" in word)
    except (OSError, ValueError):
        return ""
    name = words.get("NAME", "").replace(" GNU/Linux", "")
    return f"{name} {words.get('VERSION_ID', '')}".strip()
