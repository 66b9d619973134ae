"""A recorded event answers as FreeSWITCH's own does."""

from __future__ import annotations

import json

import pytest

from fs_hepipe.words.event import RecordedEvent, header_text


def test_a_header_is_its_text_and_a_missing_one_is_none() -> None:
    event = RecordedEvent({"Event-Name": "CHANNEL_CREATE", "Empty": ""})
    assert event.getHeader("Event-Name") == "CHANNEL_CREATE"
    assert event.getHeader("Empty") == ""
    assert event.getHeader("Unique-ID") is None


@pytest.mark.parametrize(
    "recorded, text",
    [(["a", "b"], "ARRAY::a|:b"), (["a"], "a"), (7, "7"), (True, "true"), (None, "null"), ({"a": 1}, '{"a": 1}')],
)
def test_a_value_that_is_no_text_reads_as_the_switch_would_print_it(recorded: object, text: str) -> None:
    assert header_text(recorded) == text
    assert RecordedEvent({"header": recorded}).getHeader("header") == text


def test_a_header_with_no_values_is_no_header() -> None:
    assert RecordedEvent({"header": []}).getHeader("header") is None


def test_an_event_is_serialised_as_it_was_recorded() -> None:
    recorded: dict[str, object] = {"Event-Name": "CHANNEL_CREATE", "variable_DP_MATCH": ["1234", "234"], "name": "Zoë"}
    assert json.loads(RecordedEvent(recorded).serialize("json")) == recorded


def test_octets_that_are_no_utf8_stay_octets_in_the_serialised_event() -> None:
    """As a switch's own JSON has them: whoever sends it can see that they are not UTF-8."""
    assert RecordedEvent({"name": "caf\udce9"}).serialize() == '{"name": "caf\udce9"}'


@pytest.mark.parametrize(
    "timestamp, seconds",
    [("1795402159083526", 1795402159.083526), ("0", 0.0), ("x", 0.0), ("²", 0.0), ("", 0.0), ("9" * 5000, 0.0)],
)
def test_the_time_of_an_event_is_seconds_or_zero(timestamp: str, seconds: float) -> None:
    assert RecordedEvent({"Event-Date-Timestamp": timestamp}).time == seconds
    assert RecordedEvent({}).time == 0.0
