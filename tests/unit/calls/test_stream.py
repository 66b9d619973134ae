"""What was lost of a stream, out of what its receiver reported about each of its SSRCs."""

from __future__ import annotations

from typing import Optional

import pytest

from fs_hepipe.calls.stream import MAX_SOURCES, Reception, Stream


def stream(*reports: tuple[int, int, int], by_us: bool = False) -> Stream:
    """A stream of which SSRC, packets lost and highest sequence number were reported."""
    made = Stream()
    for ssrc, lost, highest_seq in reports:
        made.add(*Reception(ssrc, lost, highest_seq), by_us=by_us)
    return made


@pytest.mark.parametrize(
    "reports, lost",
    [
        ([], None),
        ([(1, 3, 1000), (1, 5, 1250)], 5),
        ([(1, 5, 1000), (2, 0, 200), (2, 2, 450)], 7),  # the SSRC changed
        ([(1, 300, 40_000), (1, 0, 900), (1, 2, 1150)], 302),  # a restart, from a lower sequence number
        ([(1, 300, 1000), (1, 0, 9000)], 300),  # and from a much higher one
        ([(1, 300, 1000), (1, 0, 1250)], 300),  # and in the middle of a sequence: no 300 duplicates of 250 packets
        ([(1, 300, 100_000), (1, 400, 1200)], 700),
        ([(1, 3, 100_000), (1, 2, 99_750), (1, 3, 100_250)], 3),  # a late report
        ([(1, 5, 1000), (1, 3, 1250)], 3),  # duplicates
        ([(1, 300, 1000), (1, 299, 9000)], 299),  # many packets in one interval, one of them twice
        ([(1, 2, 0xFFF0), (1, 2, 0x10010)], 2),  # sequence numbers went round
        ([(1, -2, 1000), (1, -3, 1250)], -3),
    ],
)
def test_losses_add_up_when_counts_start_anew(reports: list[tuple[int, int, int]], lost: Optional[int]) -> None:
    assert stream(*reports).lost == lost


@pytest.mark.parametrize(
    "reports, lost",
    [
        ([(1, 3, 1000), (1, 5, 1250)], 5),
        ([(1, 300, 1000), (1, 299, 1250)], 599),
        ([(1, 300, 1000), (1, 200, 50_000)], 500),
        ([(1, 300, 100_000), (1, 400, 99_000)], 700),
        ([(1, 300, 1000), (1, 0, 50_000), (1, 20, 50_200), (1, 0, 200)], 320),
    ],
)
def test_freeswitch_itself_never_counts_a_loss_back(reports: list[tuple[int, int, int]], lost: int) -> None:
    assert stream(*reports, by_us=True).lost == lost


def test_a_report_without_a_sequence_number_is_taken_as_it_is() -> None:
    made = stream((1, 300, 1000))
    made.add(*Reception(1, 0))
    assert made.lost == 0


def test_ssrcs_remembered_are_bounded() -> None:
    assert len(stream(*[(ssrc, 1, 1000) for ssrc in range(50)]).reports) == MAX_SOURCES
