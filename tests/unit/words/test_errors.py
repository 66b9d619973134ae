"""Whoever catches HepipeError catches all of ours, and its text is for an operator."""

from __future__ import annotations

import pytest

from fs_hepipe.words.errors import ConfigError, HepError, HepipeError, MappingError, TransportError


@pytest.mark.parametrize("kind", [ConfigError, HepError, MappingError, TransportError])
def test_every_error_of_ours_is_a_hepipe_error(kind: type[Exception]) -> None:
    assert issubclass(kind, HepipeError)


def test_a_configuration_error_has_one_line_per_problem() -> None:
    error = ConfigError(["capture-id: 'x' is no number", "qos-type: 7 is not one of 32, 34, 35, 99"])
    assert len(error.problems) == 2
    assert str(error).splitlines() == error.problems


def test_a_mapping_error_has_the_word_it_is_counted_under() -> None:
    error = MappingError("not_a_number", "Source-Lost: 'x'")
    assert error.reason == "not_a_number"
    assert str(error) == "not_a_number: Source-Lost: 'x'"
