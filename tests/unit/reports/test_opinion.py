"""What is supposed beside the E-model: the de-jitter buffer, the delay, which codec is rated."""

from __future__ import annotations

from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.reports.emodel import G711_WITH_PLC, mos, rating
from fs_hepipe.reports.opinion import (
    CONCEALING,
    DEEPEST,
    NOT_CONCEALING,
    SHALLOWEST,
    band,
    buffered,
    opinion,
    told,
)

RATED = st.sampled_from(["PCMU", "PCMA", "G729", "G723"])
SHARES = st.floats(0, 1)
JITTERS = st.floats(0, 5_000)
TRIPS = st.floats(0, 5_000)


def mos_of(codec: Optional[str] = "PCMU", loss: float = 0.0, jitter: float = 0.0, rtt: Optional[float] = None) -> float:
    found: float = told(opinion(codec, loss, jitter, rtt, 20))["MOS"]
    return found


@given(RATED, SHARES, SHARES, JITTERS, JITTERS, TRIPS, TRIPS, st.booleans())
def test_more_loss_jitter_or_delay_is_never_better(
    codec: str, loss: float, more_loss: float, jitter: float, more_jitter: float, rtt: float, more_rtt: float, plc: bool
) -> None:
    def both(loss: float, jitter: float, rtt: float) -> tuple[float, float]:
        found = opinion(codec, loss, jitter, rtt, 20, conceals=plc)
        assert found is not None
        assert found.conversational is not None
        return found.listening, found.conversational

    good = both(loss, jitter, rtt)
    for worse in (
        both(max(loss, more_loss), jitter, rtt),
        both(loss, jitter + more_jitter, rtt),
        both(loss, jitter, rtt + more_rtt),
    ):
        assert worse[0] <= good[0] + 1e-9
        assert worse[1] <= good[1] + 1e-9
    assert good[1] <= good[0]


@given(RATED, SHARES, JITTERS, TRIPS, st.booleans())
def test_an_estimate_is_what_the_e_model_says_with_and_without_the_delay(
    codec: str, loss: float, jitter: float, rtt: float, plc: bool
) -> None:
    found = opinion(codec, loss, jitter, rtt, 20, conceals=plc)
    assert found is not None
    depth, late = buffered(jitter)
    damaged, of_codec = loss + (1 - loss) * late, (CONCEALING if plc else NOT_CONCEALING)[codec]
    r = rating(rtt / 2 + 20 + depth, damaged, of_codec)
    assert found == (r, mos(rating(0, damaged, of_codec)), mos(r), late)


def test_without_a_round_trip_only_listening_is_estimated() -> None:
    assert told(opinion("PCMU", 0.0, None, None, 20)) == {
        "RFACTOR": 93.2, "MOS": 4.41, "MOS_SOURCE": "G.107", "MOS_KIND": "LQ", "MOS_LQ": 4.41,
    }  # fmt: skip


def test_with_one_it_is_half_of_it_a_packet_and_the_buffer() -> None:
    found = told(opinion("PCMU", 0.0, 0.0, 300.0, 20))
    assert found == {
        "RFACTOR": round(rating(150 + 20 + SHALLOWEST), 1), "MOS": round(mos(rating(150 + 20 + SHALLOWEST)), 2),
        "MOS_SOURCE": "G.107", "MOS_KIND": "CQ", "MOS_LQ": 4.41,
    }  # fmt: skip
    assert opinion("PCMU", 0.0, 0.0, 300.0, None) == opinion("PCMU", 0.0, 0.0, 300.0, 0)


@pytest.mark.parametrize("jitter, depth, late", [
    (0.0, SHALLOWEST, 0.0), (1.0, SHALLOWEST, 0.0), (5.0, 20.0, 0.00124), (10.0, 40.0, 0.00124),
    (20.0, DEEPEST, 0.00124), (40.0, DEEPEST, 0.0249), (100.0, DEEPEST, 0.1506),
])  # fmt: skip
def test_the_buffer_holds_four_jitters_from_20_to_80_ms(jitter: float, depth: float, late: float) -> None:
    held, dropped = buffered(jitter)
    assert held == depth
    assert dropped == pytest.approx(late, abs=0.00005)


def test_what_comes_too_late_is_as_lost_as_what_never_comes() -> None:
    _, late = buffered(50.0)
    found = opinion("PCMU", 0.1, 50.0, None, 20)
    assert found is not None
    assert (found.r, found.late) == (rating(0, 0.1 + 0.9 * late, G711_WITH_PLC), late)
    assert found.listening == mos(found.r)


def test_a_round_trip_and_a_jitter_that_are_far_off_end_at_the_worst() -> None:
    assert mos_of(jitter=1e300) >= 1.0
    assert mos_of(rtt=1e300) == 1.0 or mos_of(rtt=1e300) < 1.5
    assert mos_of(loss=2.0) == mos_of(loss=1.0) < 1.5


def test_without_concealment_loss_costs_more() -> None:
    assert mos_of(loss=0.02) == 4.24
    without = told(opinion("PCMA", 0.02, None, None, 20, conceals=False))
    assert without["MOS"] == 3.26
    assert opinion("G729", 0.02, None, None, 20, conceals=False) == opinion("G729", 0.02, None, None, 20)


def test_r_is_not_below_its_scale() -> None:
    assert told(opinion("G723", 1.0, 100.0, 5_000.0, 30))["RFACTOR"] == 0.0


def test_names_of_codecs_are_of_any_case() -> None:
    assert mos_of("pcmu") == mos_of("PCMU") == mos_of("PCMA") == 4.41
    assert mos_of("G729") == 4.1
    assert mos_of("G723") == 3.95


@pytest.mark.parametrize("codec, band_of_it", [
    ("G722", "wide"), ("opus", "full"), ("AMR-WB", "wide"), ("GSM", "narrow"), ("L16", None), ("", None), (None, None),
])  # fmt: skip
def test_a_codec_that_g_113_does_not_rate_for_g_107_has_no_estimate(
    codec: Optional[str], band_of_it: Optional[str]
) -> None:
    assert opinion(codec, 0.0, 0.0, 40.0, 20) is None
    assert told(None) == {}
    assert band(codec) == band_of_it
