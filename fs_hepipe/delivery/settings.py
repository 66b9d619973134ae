"""
The part of the configuration that the delivery uses; each field is a parameter.
"""

from __future__ import annotations

from dataclasses import dataclass

from fs_hepipe.words.parameters import folder, one_of, parameter, size, whole

DAY = 86_400

DROPS = ("oldest", "newest")


@dataclass(frozen=True)
class Delivery:
    """How messages get to the collectors."""

    lookup_interval: int = parameter(
        "60", whole(1, DAY), "seconds after which the name of a collector is looked up again"
    )
    buffer_size: int = parameter(
        "16MB", size(64_000, 4_000_000_000),
        "memory for the messages that wait for one collector over TCP or TLS, `kB`, `MB` or `GB`; they are packed: "
        "16 MB hold 20 minutes of 100 messages a second",
    )
    buffer_drop: str = parameter(
        "oldest", one_of(DROPS),
        "which messages are dropped when that memory or the spool is full: `oldest` or `newest`",
    )
    spool_dir: str = parameter(
        "", folder,
        "a folder where messages that wait for a collector over TCP or TLS are written every second, so that they "
        "survive a restart and a crash; empty: nothing is written; changes at the next restart",
    )
    spool_size: int = parameter(
        "1GB", size(1_000_000, 1_000_000_000_000),
        "what the messages of one collector take in that folder at most, `kB`, `MB` or `GB`",
    )
