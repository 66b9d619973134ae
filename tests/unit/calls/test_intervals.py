"""What is kept of a stream's intervals, and that it says again what went in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.calls.intervals import Interval, State, Totals, closed, lasts, measured, running, totals
from fs_hepipe.calls.stream import Stream

COUNT = st.integers(0, 2**31)
SHARE = st.floats(0, 100)


def after(*reports: tuple[int, tuple[object, object], object, object], state: State = None) -> State:
    for report in reports:
        state = measured(state, *report)  # type: ignore[arg-type]
    return state


def test_before_a_second_report_nothing_is_known_but_a_time() -> None:
    assert after((1_000, (5, None), 16, None)) == 1_000
    for state in (None, 1_000):
        assert (running(state), lasts(state), totals(state)) == (None, 0, Totals())


def test_an_interval_begins_with_the_first_report_and_has_what_came_since() -> None:
    state = after(
        (1_000, (5, None), 900, 0.9), (3_000, (2, 100), 16, None), (6_000, (-1, 150), 32, 0.04),
        (8_000, (0, 0), None, 0.06),
    )  # fmt: skip
    interval = running(state)
    assert interval == Interval(1_000, 8_000, 3, 250, 1, 2, 48.0, 32.0, 2, 0.1)
    assert lasts(state) == 7_000


def test_counts_that_begin_anew_before_anything_was_measured_begin_the_interval_anew() -> None:
    assert after((1_000, (5, None), None, None), (2_000, (7, None), 8, None)) == 2_000


def test_counts_that_begin_anew_later_are_left_out_and_the_interval_goes_on() -> None:
    state = after((1_000, (0, None), 8, None), (2_000, (1, 50), 8, None), (3_000, (0, None), 8, None))
    assert running(state) == Interval(1_000, 3_000, 1, 50, 1, 2, 16.0, 8.0)


def test_a_report_without_jitter_or_round_trip_leaves_them_unknown() -> None:
    interval = running(after((1_000, (0, None), None, None), (2_000, (0, 50), None, None)))
    assert interval is not None
    assert (interval.jitters, interval.rtts) == (0, 0)


def test_a_clock_that_was_set_back_begins_the_interval_anew() -> None:
    assert lasts(after((9_000, (0, None), 8, None), (9_500, (0, 9), 8, None), (2_000, (0, 9), 8, None))) == 0


def test_a_closed_interval_is_followed_by_one_that_begins_where_it_ended() -> None:
    interval, sums = Interval(1_000, 9_000, 2, 100, 1), Totals(1, 100, 1)
    state = closed(interval, sums)
    assert (running(state), totals(state), lasts(state)) == (None, sums, 0)
    state = measured(state, 12_000, (3, 100), 8, None)
    assert (running(state), totals(state)) == (Interval(9_000, 12_000, 1, 100, 3, 1, 8.0, 8.0), sums)
    assert lasts(state) == 3_000


SUMS = [*[COUNT] * 4, SHARE, SHARE, COUNT, SHARE, COUNT, SHARE, SHARE, COUNT, SHARE, SHARE, *[COUNT] * 4, SHARE]


@given(st.builds(Totals, *SUMS))
def test_the_sums_are_kept_as_they_are(sums: Totals) -> None:
    assert totals(closed(Interval(0, 0), sums)) == sums


def test_more_packets_lost_than_expected_is_contradicted_and_not_taken() -> None:
    stream = Stream()
    assert stream.measure(1_000, (0, None), 8, None)
    assert stream.measure(2_000, (5, 50), 8, None)
    assert not stream.measure(3_000, (51, 50), 8, None)
    assert stream.interval == Interval(1_000, 3_000, 1, 50, 5, 3 - 1, 16.0, 8.0)


def test_an_older_report_takes_back_what_the_next_one_counts_again() -> None:
    stream = Stream()
    for captured, lost, highest_seq in ((1, 0, 1_000), (2, 5, 1_500), (3, 4, 1_250), (4, 6, 1_750)):
        assert stream.measure(captured, stream.add(1, lost, highest_seq), None, None)
    assert stream.interval is not None
    assert (stream.interval.expected, stream.interval.lost) == (750, 6)
