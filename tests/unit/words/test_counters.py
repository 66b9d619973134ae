"""The ledger's equations."""

from __future__ import annotations

import pytest

from fs_hepipe.words.counters import Counters, Ledger

BALANCED = Ledger(received=6, mapped=3, ignored=2, failed=1, recorded=9, built=5, dropped=3, waiting=1)


def test_a_ledger_where_all_is_accounted_for_balances() -> None:
    assert BALANCED.balances


@pytest.mark.parametrize("total", Ledger._fields)
@pytest.mark.parametrize("error", [-1, 1])
def test_one_event_or_record_unaccounted_for_is_seen(total: str, error: int) -> None:
    assert not BALANCED._replace(**{total: getattr(BALANCED, total) + error}).balances


def test_the_ledger_adds_up_what_was_counted_by_reason() -> None:
    counters = Counters()
    counters.received.update({"CHANNEL_CREATE": 4, "DTMF": 2})
    counters.mapped["CHANNEL_CREATE"] += 3
    counters.ignored.update({"not_wanted": 1, "no_unique_id": 1})
    counters.failed["not_a_number"] += 1
    counters.recorded = 9
    counters.built.update({5: 2, 100: 3})
    counters.dropped.update({"no_call_id": 2, "too_long": 1})
    counters.waiting = 1
    assert counters.ledger() == BALANCED


def test_a_fresh_ledger_balances_at_zero() -> None:
    assert set(Counters().ledger()) == {0}
    assert Counters().ledger().balances
