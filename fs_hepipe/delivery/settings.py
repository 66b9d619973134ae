"""
The part of the configuration that the delivery uses; each field is a parameter.
"""

from __future__ import annotations

from dataclasses import dataclass

from fs_hepipe.words.parameters import one_of, parameter, size, whole

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
        "16 MB hold half an hour of 100 messages a second",
    )
    buffer_drop: str = parameter(
        "oldest", one_of(DROPS), "which messages are dropped when that memory is full, `oldest` or `newest`"
    )
