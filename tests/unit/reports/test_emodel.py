"""
The E-model against published values: ITU-T G.107 (06/2015) with its defaults, G.113 Appendix I, what G.109 and G.114
say of delay, the approximation that Cole and Rosenbluth published of it, and another full implementation.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.reports.emodel import (
    G711_WITH_PLC,
    G711_WITHOUT_PLC,
    MAX_MOS,
    MIN_MOS,
    Codec,
    mos,
    rating,
)
from fs_hepipe.reports.opinion import CODECS

DELAYS = st.floats(0, 20_000)
SHARES = st.floats(0, 1)
CODECS_OF_ALL = st.builds(Codec, st.floats(0, 60), st.floats(1, 60))


def test_with_all_defaults_r_is_93_2() -> None:
    """G.107 §7.7."""
    assert round(rating(), 1) == 93.2
    assert round(mos(93.2), 2) == 4.41


@pytest.mark.parametrize("r, opinion", [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)])
def test_mos_of_r_is_that_of_the_table_of_annex_b(r: float, opinion: float) -> None:
    """Table B.1: the lower ends of G.109's categories of speech quality. It rounds up."""
    assert mos(r) == pytest.approx(opinion, abs=0.01)


@pytest.mark.parametrize("r", [-50, 0, 1, 3, 6.5])
def test_mos_is_not_below_1(r: float) -> None:
    """Annex B's polynomial is, between 0 and 6.5."""
    assert mos(r) == pytest.approx(MIN_MOS, abs=0.001)


def test_mos_ends_at_4_5() -> None:
    assert mos(100) == mos(150) == MAX_MOS


@pytest.mark.parametrize("delay, lowest, highest", [(100, 90, 92), (150, 89, 91), (250, 78, 81), (400, 61, 64)])
def test_delay_costs_what_g_114_draws(delay: float, lowest: float, highest: float) -> None:
    """Its figure 1: next to nothing up to 150 ms, below 80 at 250 ms, near 60 at 400 ms."""
    assert lowest < rating(delay) < highest


@pytest.mark.parametrize("delay, r", [
    (0, 93.206), (10, 92.848), (50, 91.756), (100, 90.664), (150, 89.539), (177.3, 88.052), (200, 85.805),
    (250, 79.177), (300, 72.666), (400, 62.247), (500, 54.803), (1000, 39.077),
])  # fmt: skip
def test_delay_costs_what_another_implementation_says(delay: float, r: float) -> None:
    """A public one of all terms in Python, by other hands, with the defaults; the Recommendation's text is the same."""
    assert rating(delay) == pytest.approx(r, abs=0.001)


@pytest.mark.parametrize("delay", range(0, 301, 10))
def test_delay_costs_what_cole_and_rosenbluth_approximated(delay: float) -> None:
    """Voice over IP performance monitoring, ACM CCR 31(2), 2001: Id = 0.024 d + 0.11 (d - 177.3) beyond 177.3 ms."""
    assert rating(delay) == pytest.approx(93.2 - 0.024 * delay - 0.11 * max(delay - 177.3, 0), abs=0.9)


@pytest.mark.parametrize("codec, loss, impairment", [
    (G711_WITH_PLC, 0.0, 0.0), (G711_WITH_PLC, 0.01, 95 / 26.1), (G711_WITH_PLC, 0.05, 475 / 30.1),
    (G711_WITHOUT_PLC, 0.01, 95 / 5.3), (CODECS["G729"], 0.0, 11.0), (CODECS["G729"], 0.02, 11 + 84 * 2 / 21),
    (CODECS["G723"], 0.0, 15.0),
])  # fmt: skip
def test_loss_costs_what_ie_and_bpl_say(codec: Codec, loss: float, impairment: float) -> None:
    """G.107 §7.5 with G.113's values."""
    assert rating(0, 0) - rating(0, loss, codec) == pytest.approx(impairment)


def test_an_advantage_of_access_is_added() -> None:
    """G.107 §7.6: 10 for mobile users."""
    assert rating(100, 0.02, advantage=10) == rating(100, 0.02) + 10


def test_loss_in_bursts_costs_more() -> None:
    assert rating(loss=0.05, burst_ratio=2) < rating(loss=0.05)


@given(DELAYS, DELAYS, SHARES, SHARES, CODECS_OF_ALL)
def test_more_delay_or_loss_is_never_better(delay: float, more: float, loss: float, lost: float, codec: Codec) -> None:
    assert rating(delay + more, loss, codec) <= rating(delay, loss, codec) + 1e-9
    assert rating(delay, max(loss, lost), codec) <= rating(delay, loss, codec) + 1e-9


@given(st.floats(-100, 200), st.floats(0, 100))
def test_a_better_r_is_never_a_worse_mos(r: float, more: float) -> None:
    assert MIN_MOS <= mos(r) <= mos(r + more) + 1e-9 <= MAX_MOS + 1e-9
