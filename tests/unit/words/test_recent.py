"""What was set last is known, however much was set before."""

from __future__ import annotations

import pytest

from fs_hepipe.words.recent import Recent


@pytest.mark.parametrize("kept", [1, 2, 7, 100])
def test_what_was_set_last_is_known_and_no_more_than_twice_as_much(kept: int) -> None:
    recent: Recent[int, str] = Recent(kept)
    for number in range(5 * kept):
        recent[number] = str(number)
        assert len(recent) <= 2 * kept
        newest = range(max(0, number + 1 - kept), number + 1)
        assert [recent.get(each) for each in newest] == [str(each) for each in newest]
    assert recent.get(2 * kept) is None
    assert recent.get(-1) is None


def test_the_newest_value_of_a_key_is_the_one_that_counts() -> None:
    recent: Recent[str, int] = Recent(2)
    for number, key in enumerate("abca"):
        recent[key] = number
    assert [recent.get(key) for key in "abc"] == [3, 1, 2]


def test_what_is_set_again_and_again_pushes_nothing_out() -> None:
    recent: Recent[str, int] = Recent(2)
    recent["a"] = recent["b"] = 0
    for number in range(100):
        recent["b"] = number
    assert [recent.get("a"), recent.get("b"), len(recent)] == [0, 99, 2]


def test_a_value_that_is_false_is_a_value() -> None:
    recent: Recent[str, int] = Recent(1)
    recent["a"] = 1
    recent["b"] = 2
    recent["a"] = 0
    assert recent.get("a") == 0
