"""Calls of real switches with sofia's own capture: what opening either leg gives in a real Homer 7."""

from __future__ import annotations

import json
import time

import pytest

from tests.live.lab import Lab

from .conftest import MAPPING, Homer
from .program import eventually

pytestmark = pytest.mark.homer

CALL_S = 12


def profile_counts(homer: Homer, call_id: str) -> dict[tuple[str, str], int]:
    """How many rows of each leg and table are opened with a Call-ID."""
    counts: dict[tuple[str, str], int] = {}
    for message in homer.app.transaction(call_id):
        key = message["sid"], message["profile"]
        counts[key] = counts.get(key, 0) + 1
    return counts


def ended(homer: Homer, lab: Lab, legs: int) -> list[str]:
    """The Call-IDs of so many legs, the inbound first, once all of their rows are stored."""

    def hangups() -> list[str]:
        rows = homer.database.rows("100_default")
        return [row["sid"] for row in rows if row["raw"].startswith("CHANNEL_HANGUP_COMPLETE")]

    eventually("hangups in the table", lambda: len(hangups()) >= legs)
    time.sleep(3)  # the last bulks of SIP
    return hangups()


def test_opening_either_leg_opens_both(homer: Homer, lab: Lab) -> None:
    call_id = lab.dial("bridge", seconds=CALL_S)
    outgoing = lab.legs(call_id)[1].call_id
    ended(homer, lab, 2)
    before = homer.app.mapping()["correlation_mapping"]
    assert homer.app.opened(call_id) == [call_id], "a fresh Homer opens A alone"
    try:
        homer.app.correlate(json.loads(MAPPING.read_text()))
        both = sorted([call_id, outgoing])
        first, second = (profile_counts(homer, each) for each in both)
        assert first == second
        assert {profile for _, profile in first} == {"1_call", "100_default", "5_default", "35_default"}
        for leg in both:
            assert homer.app.opened(leg) == both
            sip = [row for row in homer.database.rows("1_call") if row["sid"] == leg]
            assert first[leg, "1_call"] == len(sip) >= 5
            assert first[leg, "5_default"] >= 4
            assert first[leg, "35_default"] >= 2
            assert first[leg, "100_default"] >= 3
        rtcp, reports = homer.app.qos(*both)
        assert {row["sid"] for row in rtcp} == {row["sid"] for row in reports} == set(both)
        assert {row["sid"] for row in homer.app.logs(*both)} == set(both)
    finally:
        homer.app.correlate(before)


def test_a_refused_call_opens_with_its_other_leg(homer: Homer, lab: Lab) -> None:
    call_id = lab.dial("refused")
    legs = ended(homer, lab, 2)
    before = homer.app.mapping()["correlation_mapping"]
    try:
        homer.app.correlate(json.loads(MAPPING.read_text()))
        for leg in legs:
            assert homer.app.opened(leg) == sorted(legs)
        assert call_id in legs
    finally:
        homer.app.correlate(before)


def test_no_line_stands_before_the_sip_that_caused_it(homer: Homer, lab: Lab) -> None:
    call_id = lab.dial("bridge", seconds=3)
    ended(homer, lab, 2)
    messages = homer.app.transaction(call_id)
    of_call = [message for message in messages if message["sid"] == call_id]
    assert of_call[0]["method"] == "INVITE", [message["method"] for message in of_call]
