"""The addresses of a collector: in their order, the ones that did not hold later, further and further apart."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.link import PATIENCE
from fs_hepipe.delivery.routes import BETTER, HELD, IMPATIENT, RESOLVING, Routes

FIRST, SECOND = Address("192.0.2.1", 1, "tcp"), Address("192.0.2.2", 2, "tcp")
NAME = Address("collector.invalid", 3, "tcp")


def taken(found: Routes, now: float, count: int) -> Sequence[Address]:
    ways = [found.take(now) for _ in range(count)]
    return [way.address for way in ways if way is not None]


def test_addresses_are_tried_in_their_order_again_and_again() -> None:
    assert taken(Routes([FIRST, SECOND], 60.0), 0.0, 4) == [FIRST, SECOND, FIRST, SECOND]


def test_the_last_address_of_a_round_has_more_time_for_its_answer() -> None:
    found = Routes([FIRST, SECOND], 60.0)
    patience = []
    for _ in range(2):
        found.take(0.0)
        patience.append(found.patience)
    assert patience == [IMPATIENT, PATIENCE]


def test_the_next_address_is_tried_at_once_and_the_first_of_a_new_round_later() -> None:
    found = Routes([FIRST, SECOND], 60.0)
    found.take(5.0)
    found.lost(FIRST, 5.0, None)
    assert found.next_at <= 5.0
    found.take(5.0)
    found.lost(SECOND, 5.0, None)
    assert found.next_at > 5.0


@pytest.mark.parametrize(
    "up_for, order", [(0.0, [SECOND, FIRST]), (HELD - 0.1, [SECOND, FIRST]), (HELD, [FIRST, SECOND])]
)
def test_an_address_that_did_not_hold_comes_after_the_others_for_a_while(up_for: float, order: list[Address]) -> None:
    found = Routes([FIRST, SECOND], 60.0)
    found.take(0.0)
    found.lost(FIRST, 100.0, up_for)
    assert found.next_at > 100.0
    assert taken(found, 101.0, 2) == order
    assert taken(found, 100.0 + BETTER[0], 2) == [FIRST, SECOND]


def test_of_an_address_that_is_used_again_it_does_not_count_that_it_did_not_hold() -> None:
    found = Routes([FIRST, SECOND], 60.0)
    found.lost(FIRST, 0.0, 0.0)
    found.avoid_none()
    assert taken(found, 1.0, 2) == [FIRST, SECOND]


def test_attempts_are_further_and_further_apart_and_not_all_at_once() -> None:
    told = []
    for found in (Routes([FIRST], 60.0), Routes([FIRST], 60.0)):
        pauses = []
        for _ in range(12):
            found.pause(0.0)
            pauses.append(found.next_at)
        assert all(0.5 * 2**number <= pause <= 2**number for number, pause in enumerate(pauses[:5]))
        assert all(15 <= pause <= 30 for pause in pauses[5:])
        told.append(pauses)
    assert told[0] != told[1]


def test_after_a_connection_that_held_the_first_attempt_is_a_quick_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    found = Routes([FIRST], 60.0)
    for up_for, pause in ((None, 1.0), (0.0, 2.0), (HELD - 0.1, 4.0), (HELD, 1.0), (None, 2.0)):
        found.take(50.0)
        found.lost(FIRST, 50.0, up_for)
        assert found.next_at == 50.0 + pause
    found.rest(50.0)
    assert found.next_at == 80.0


def test_a_name_without_an_address_is_looked_at_again_soon_and_the_others_are_tried() -> None:
    found = Routes([NAME], 60.0)
    assert found.take(7.0) is None
    assert found.next_at == 7.0 + RESOLVING
    found = Routes([NAME, SECOND], 60.0)
    assert found.best.address == SECOND
    assert taken(found, 0.0, 2) == [SECOND, SECOND]
    assert len(found) == 2
