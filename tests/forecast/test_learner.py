"""Gradient boosting on the deals of past origins."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.weeks import Made, weeks
from salesledger.forecast.calendar import Calendar
from salesledger.forecast.distribution import LEVELS, Forecast, TooLittle
from salesledger.forecast.models.learner import Learner
from salesledger.forecast.models.learner_rows import CATEGORICAL, features
from salesledger.forecast.snapshots import Pace
from salesledger.forecast.spread import shifted_gamma
from salesledger.forecast.week import Real, Span, Week
from support import examples

QUARTERS = Calendar("quarter")
FIRST = date(2024, 1, 7)


@cache
def shown(until: date = date(2025, 8, 10)) -> list[Week]:
    """Ten leads a week: those of source 1 are won after eight weeks, those of source 2 lost after ten."""
    made = []
    for number in range((until - FIRST).days // 7):
        day = FIRST + timedelta(days=7 * number)
        for which in range(10):
            won = which % 2 == 0
            taking = 56 if won else 70
            value = 1000.0 + 10 * which
            codes = {"source": 1 if won else 2}
            made.append(Made(day, day + timedelta(days=taking), won=won, value=value, codes=codes))
    return weeks(made, FIRST, until)


def learned(until: date) -> tuple[Learner, Week]:
    model = Learner(QUARTERS, (0, 1))
    for week in shown():
        if week.on <= until:
            model.learn(week)
            last = week
    return model, last


def test_it_tells_deals_apart_by_what_became_of_their_like() -> None:
    """Deals of the source that is won have a much greater chance than those of the other, and the sum is about right."""
    model, week = learned(date(2025, 8, 10))
    (span,) = QUARTERS.spans_at(week.on, [0])

    chances = model.chances(week, [span])
    answer = model.forecast(week, [span], {})[0]

    assert chances is not None
    (chance,) = chances
    due = (week.on.toordinal() - date(1970, 1, 1).toordinal()) - week.open.captured + 50 > 56
    good = week.open.source == 1
    assert chance[good & due].mean() > 0.8
    assert chance[~good].mean() < 0.05
    assert isinstance(answer, Forecast)
    assert answer.mean == pytest.approx(13 * 5 * 1040, rel=0.1)


def test_the_same_weeks_give_the_same_bits() -> None:
    """Fitted twice, it says exactly the same."""
    answers = []
    for _ in range(2):
        model, week = learned(date(2025, 4, 6))
        answers.append(model.forecast(week, QUARTERS.spans_at(week.on, [0, 1]), {}))

    for one, other in zip(*answers, strict=True):
        assert isinstance(one, Forecast)
        assert isinstance(other, Forecast)
        assert one.quantiles is not None
        assert other.quantiles is not None
        assert one.mean == other.mean
        assert (one.quantiles == other.quantiles).all()


def test_before_enough_is_settled_it_says_what_is_missing() -> None:
    """In the first quarters there is nothing to learn from."""
    model, week = learned(date(2024, 3, 31))

    answer = model.forecast(week, QUARTERS.spans_at(week.on, [0]), {})[0]

    assert answer == TooLittle("it learns from 60 settled wins on, and there are 0")
    assert model.chances(week, QUARTERS.spans_at(week.on, [0])) is None


def test_a_row_holds_what_was_told_of_a_deal_and_nan_where_nothing_was() -> None:
    """No amount and no expected close are no zeros."""
    told = Made(date(2025, 1, 1), value=100.0, expected=date(2025, 4, 1), codes={"owner": 3})
    silent = Made(date(2025, 1, 1), value=None)
    (week,) = weeks([told, silent], date(2025, 1, 5), date(2025, 1, 5))

    one, other = features(week.open, week.on, Span("2025Q2", date(2025, 4, 1), date(2025, 7, 1), 1))

    assert len(one) == len(CATEGORICAL)
    assert one[10] == pytest.approx(np.log(100))
    assert (one[3], one[13], one[16]) == (3.0, 0.0, 1.0)
    assert np.isnan(other[[10, 11, 12, 13]]).all()
    assert not np.isnan(one).any()


def test_the_pace_of_leads_follows_what_came_in_lately() -> None:
    """Ten a week, seen from four weeks after them."""
    pace = Pace()
    assert np.isnan(pace.now)
    for week in shown()[:20]:
        pace.learn(week)

    assert pace.now == pytest.approx(10.0)


@settings(max_examples=examples(40))
@given(st.floats(-100, 1000), st.floats(0.1, 100), st.floats(0, 1.5))
def test_a_shifted_gamma_has_the_moments_that_it_was_given(mean: float, sd: float, skewness: float) -> None:
    """Its quantiles rise, and their mean and standard deviation are those asked for."""
    found: Real = shifted_gamma(mean, sd**2, skewness * sd**3)

    assert (np.diff(found) >= 0).all()
    assert found.mean() == pytest.approx(mean, abs=0.02 * sd)
    assert found.std() == pytest.approx(sd, rel=0.06)


def test_a_shifted_gamma_is_that_of_the_tables() -> None:
    """Chi-squared with 8 degrees of freedom is a gamma distribution: 95 % lie below 15.507, 5 % below 2.733."""
    found = shifted_gamma(8.0, 16.0, 64.0)

    assert np.interp([0.05, 0.95], LEVELS, found) == pytest.approx([2.733, 15.507], abs=0.03)
    assert (shifted_gamma(5.0, 0.0, 0.0) == 5.0).all()
