"""
Random input for a check, by hypothesis: one short round in every run of the tests, rounds for a time in `make fuzz`.

A round is `EXAMPLES` inputs from one seed. What fails is shown in its smallest form, with the seed that repeats it.
"""

from __future__ import annotations

import time
from itertools import count
from typing import Callable, Optional, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

EXAMPLES = 500
SHORT = 50
"""Examples of the round that every run of the tests has."""


def _one(_value: object) -> int:
    return 1


class Fuzz:
    """Gives a check inputs until one fails or the time is over."""

    def __init__(self, name: str, seconds: Optional[float], first_seed: int) -> None:
        self.name = name
        self.seconds = seconds
        """None: one short round."""
        self.first_seed = first_seed
        self.inputs = 0

    def __call__(
        self, inputs: SearchStrategy[T], check: Callable[[T], object], size: Callable[[T], int] = _one
    ) -> None:
        """
        Args:
            inputs: what an input is made of.
            check: raises if an input breaks a promise.
            size: how many inputs one of them counts as: a list of datagrams is several.
        """
        started = time.monotonic()
        number = self.first_seed
        for number in count(self.first_seed):
            self._round(number, inputs, check, size)
            if self.seconds is None or time.monotonic() - started >= self.seconds:
                break
        took, seeds = time.monotonic() - started, f"seeds {self.first_seed} to {number}"
        print(f"\n{self.name}: {self.inputs} inputs in {took:.0f} s, {seeds}: nothing found")

    def _round(
        self, number: int, inputs: SearchStrategy[T], check: Callable[[T], object], size: Callable[[T], int]
    ) -> None:
        @seed(number)
        @settings(
            max_examples=SHORT if self.seconds is None else EXAMPLES,
            database=None,  # a seed says it all
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(inputs)
        def one(value: T) -> None:
            self.inputs += size(value)
            check(value)

        try:
            one()
        except BaseException:
            print(f"\n{self.name}: found with SEED={number}, after {self.inputs} inputs")
            raise
