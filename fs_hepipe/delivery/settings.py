"""
The part of the configuration that the delivery uses; each field is a parameter.
"""

from __future__ import annotations

from dataclasses import dataclass

from fs_hepipe.words.parameters import parameter, whole

DAY = 86_400


@dataclass(frozen=True)
class Delivery:
    """How messages get to the collectors."""

    lookup_interval: int = parameter(
        "60", whole(1, DAY), "seconds after which the name of a collector is looked up again"
    )
