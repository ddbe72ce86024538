"""Scores of forecasts and of chances: what a plain computation says, and what they mean at the ends."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesledger.forecast.distribution import LEVELS, Forecast
from salesledger.forecast.scores import Scored, score, score_deals, skill
from support import examples


def uniform(low: float, high: float) -> Forecast:
    """Every value between two is as likely."""
    return Forecast((low + high) / 2, low + LEVELS * (high - low))


def plain_crps(forecast: Forecast, actual: float) -> float:
    """Twice the mean pinball loss, level by level."""
    assert forecast.quantiles is not None
    losses = []
    for level, told in zip(LEVELS, forecast.quantiles, strict=True):
        losses.append(level * (actual - told) if actual >= told else (1 - level) * (told - actual))
    return 2 * float(sum(losses)) / len(losses)


def said(*forecasts: tuple[str, Forecast, float]) -> list[Scored]:
    """Forecasts with their periods and actuals."""
    return [Scored(*each) for each in forecasts]


cases = st.lists(
    st.tuples(
        st.sampled_from(["2025Q1", "2025Q2", "2025Q3"]),
        st.floats(0, 100),
        st.floats(1, 100),
        st.floats(1, 250),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=examples(40))
@given(cases)
def test_scores_are_what_a_plain_computation_says(given_cases: list[tuple[str, float, float, float]]) -> None:
    """Errors, CRPS and coverage, and their errors summed period by period."""
    rows = said(*((period, uniform(low, low + wide), actual) for period, low, wide, actual in given_cases))
    found = score(rows)
    assert found is not None
    total = sum(row.actual for row in rows)
    assert found.wape == pytest.approx(sum(abs(row.forecast.mean - row.actual) for row in rows) / total)
    assert found.bias == pytest.approx(sum(row.forecast.mean - row.actual for row in rows) / total)
    assert found.crps == pytest.approx(sum(plain_crps(row.forecast, row.actual) for row in rows) / total)
    held = [row.forecast.at(0.1) <= row.actual <= row.forecast.at(0.9) for row in rows]
    assert found.coverage_80 == pytest.approx(sum(held) / len(held))
    names = sorted({row.period for row in rows})
    assert (found.forecasts, found.periods) == (len(rows), len(names))
    if len(names) == 1:
        assert found.coverage_80_se is None
        return
    sums = [
        sum(inside - sum(held) / len(held) for inside, row in zip(held, rows, strict=True) if row.period == name)
        for name in names
    ]
    expected = sqrt(len(names) / (len(names) - 1) * sum(s**2 for s in sums)) / len(held)
    assert found.coverage_80_se == pytest.approx(expected, abs=1e-12)


def test_the_crps_of_a_uniform_forecast_is_its_known_formula() -> None:
    """A third of the width, less what the middle saves: for the middle itself a twelfth of the width."""
    found = score(said(("2026", uniform(0, 120), 60.0)))
    assert found is not None
    assert found.crps * 60 == pytest.approx(120 / 12, rel=1e-2)


def test_a_point_is_scored_by_its_absolute_error_and_covers_nothing() -> None:
    """It has no interval that could hold anything."""
    found = score(said(("2026", Forecast(80), 100.0), ("2026", Forecast(120), 100.0)))
    assert found is not None
    assert (found.crps, found.wape, found.bias) == (0.2, 0.2, 0.0)
    assert found.pinball == pytest.approx(0.1)
    assert (found.coverage_80, found.coverage_95, found.crps_se) == (None, None, None)


def test_nothing_is_scored_where_nothing_was_booked() -> None:
    """A share of nothing says nothing."""
    assert score([]) is None
    assert score(said(("2026", Forecast(5), 0.0))) is None


def test_skill_is_the_share_of_the_error_that_is_saved() -> None:
    """Half the error is half better; a reference without an error can't be beaten."""
    good, bad = (score(said(("2026", Forecast(100 + off), 100.0))) for off in (10, 20))
    assert skill(good, bad) == pytest.approx(0.5)
    assert skill(bad, good) == pytest.approx(-1)
    assert skill(good, score(said(("2026", Forecast(100), 100.0)))) is None
    assert skill(good, None) is None


chances = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40)


@settings(max_examples=examples(40))
@given(chances)
def test_chances_are_scored_as_a_plain_computation_says(told: list[tuple[float, bool]]) -> None:
    """Brier, log-loss, and how often a deal that was won had the higher chance."""
    found = score_deals(np.array([c for c, _ in told]), np.array([float(w) for _, w in told]))
    assert found is not None
    assert found.brier == pytest.approx(sum((c - w) ** 2 for c, w in told) / len(told))
    kept = [(min(max(c, 1e-6), 1 - 1e-6), w) for c, w in told]
    assert found.log_loss == pytest.approx(-sum(log(c if w else 1 - c) for c, w in kept) / len(kept))
    won, others = [c for c, w in kept if w], [c for c, w in kept if not w]
    if won and others:
        better = sum((a > b) + (a == b) / 2 for a in won for b in others)
        assert found.auc == pytest.approx(better / len(won) / len(others))
    else:
        assert (found.auc, found.slope) == (None, None)
    assert sum(line.deals for line in found.table) == len(told)
    for line in found.table:
        mine = [(c, w) for c, w in told if line.lowest <= c < line.highest or (c == 1 == line.highest)]
        assert line.expected == pytest.approx(sum(c for c, _ in mine) / line.deals)
        assert line.won == pytest.approx(sum(w for _, w in mine) / line.deals)


def test_the_slope_is_one_where_chances_are_right_and_less_where_they_are_too_extreme() -> None:
    """Of many deals that were won as often as was said."""
    random = np.random.default_rng(7)
    right = random.uniform(0.02, 0.98, 20_000)
    won = (random.uniform(size=20_000) < right).astype(float)
    found = score_deals(right, won)
    assert found is not None
    assert found.slope == pytest.approx(1, abs=0.05)
    odds = (right / (1 - right)) ** 2
    boasting = score_deals(odds / (1 + odds), won)
    assert boasting is not None
    assert boasting.slope == pytest.approx(0.5, abs=0.05)


def test_no_chances_have_no_scores() -> None:
    """Nothing was asked."""
    assert score_deals(np.array([]), np.array([])) is None
