"""Spread learned from a model's own past errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.weeks import Made, replayed, weeks
from salesledger.forecast.calendar import Calendar
from salesledger.forecast.calibrate import Dressed, Recalibrated
from salesledger.forecast.distribution import LEVELS, MIDDLE, Forecast, TooLittle
from salesledger.forecast.settling import Past, effective
from salesledger.forecast.spread import NORMAL, student
from salesledger.forecast.week import Real, Span, Week
from support import examples

FIRST = date(2020, 1, 5)
QUARTERS = Calendar("quarter")


class Always:
    """A model that always says the same."""

    name = "always"

    def __init__(self, answer: Forecast | TooLittle) -> None:
        self.answer = answer

    def learn(self, week: Week) -> None:
        """Nothing."""

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """The same for every period."""
        return [self.answer for _ in spans]


def booked(amounts: Sequence[float], on_day: int = 45) -> list[Made]:
    """One win a quarter, from the first quarter of 2020 on."""
    quarters = [QUARTERS.shift(QUARTERS.spans_at(FIRST, [0])[0], n) for n in range(len(amounts))]
    return [Made(q.begin, q.begin + timedelta(days=on_day), value=v) for q, v in zip(quarters, amounts, strict=True)]


def told(model: Dressed | Recalibrated, made: list[Made], last: date) -> list[Forecast | TooLittle]:
    return replayed([model], weeks(made, FIRST, last))[-1][2]["always"]


def quantiles(answer: Forecast | TooLittle) -> Real:
    assert isinstance(answer, Forecast)
    assert answer.quantiles is not None
    return answer.quantiles


AMOUNTS = [90.0, 110.0, 100.0, 105.0, 95.0, 100.0, 92.0, 108.0, 101.0, 99.0, 103.0, 97.0]


def test_a_point_that_is_always_double_is_halved() -> None:
    """The bias of the past is taken out, and the spread covers what the past errors were."""
    answer = quantiles(told(Dressed(Always(Forecast(200.0))), booked(AMOUNTS), date(2023, 1, 8))[0])

    assert answer[MIDDLE] == pytest.approx(100, rel=0.05)
    assert answer[19] < 95
    assert answer[179] > 108
    assert answer[179] - answer[19] < 60


def test_few_settled_periods_make_the_spread_a_default_and_that_is_said() -> None:
    """Two quarters tell little about their spread: it is wider than twelve say, and noted."""
    early = told(Dressed(Always(Forecast(100.0))), booked(AMOUNTS), date(2020, 11, 15))[1]
    late = told(Dressed(Always(Forecast(100.0))), booked(AMOUNTS), date(2022, 11, 6))[1]

    assert quantiles(early)[179] - quantiles(early)[19] > 1.5 * (quantiles(late)[179] - quantiles(late)[19])
    assert isinstance(early, Forecast)
    assert isinstance(late, Forecast)
    assert early.note == "the spread is mostly a default: 2 settled periods tell its errors"
    assert late.note == ""
    first = told(Dressed(Always(Forecast(100.0))), booked(AMOUNTS), date(2020, 8, 9))[1]
    assert isinstance(first, Forecast)
    assert first.note == "the spread is mostly a default: 1 settled period tells its errors"


def test_a_quarter_that_ended_last_week_is_not_learned_from() -> None:
    """Until its late wins are recorded, nobody knows how wrong the forecast was: it must make no difference."""
    before = booked(AMOUNTS[:4])
    last = date(2021, 1, 24)

    one, other = (told(Dressed(Always(Forecast(100.0))), [*booked([*AMOUNTS[:3], v])], last)[1] for v in (10.0, 900.0))

    assert np.array_equal(quantiles(one), quantiles(other))
    assert len(before) == 4


def test_nothing_lies_below_what_is_won() -> None:
    """The lowest quantile is what is won in the period already."""
    answer = quantiles(told(Dressed(Always(Forecast(10.0))), booked(AMOUNTS), date(2022, 11, 20))[0])

    assert answer[0] == pytest.approx(97.0)


def test_a_model_that_says_nothing_stays_silent() -> None:
    """Dressing makes up no forecast."""
    nothing = TooLittle("there is nothing")

    assert told(Dressed(Always(nothing)), [], date(2020, 2, 2)) == [nothing, nothing]
    assert told(Recalibrated(Always(nothing)), [], date(2020, 2, 2)) == [nothing, nothing]


def test_nothing_expected_is_no_certain_nothing() -> None:
    """A point of zero before anything is settled is no forecast at all, rather than one that is sure of zero."""
    answer = told(Dressed(Always(Forecast(0.0))), [], date(2020, 2, 2))[1]

    assert answer == TooLittle("it expects nothing at all, and no settled period tells how wrong that may be")


@pytest.mark.parametrize(("width", "least", "most"), [(2.0, 1.5, 4.0), (30.0, 0.3, 0.7)])
def test_a_distribution_gets_the_width_that_it_should_have_had(width: float, least: float, most: float) -> None:
    """Too narrow ones are stretched, too wide ones narrowed; the mean stays."""
    raw = Forecast(100.0, 100.0 + width * NORMAL)

    answer = told(Recalibrated(Always(raw)), booked(AMOUNTS), date(2023, 1, 8))[1]

    assert least < (quantiles(answer)[179] - quantiles(answer)[19]) / (width * 2 * 1.2816) < most
    assert isinstance(answer, Forecast)
    assert answer.mean == 100.0


def test_a_slow_bias_is_taken_out_where_that_is_asked() -> None:
    """Twice what comes is said each time: the mean moves down, the less the more periods without bias are put against it."""
    raw = Forecast(200.0, 200.0 + 20 * NORMAL)
    means = []
    for unbiased in (None, 16.0, 2.0):
        answer = told(Recalibrated(Always(raw), unbiased=unbiased), booked(AMOUNTS), date(2023, 1, 8))[1]
        assert isinstance(answer, Forecast)
        means.append(answer.mean)

    assert means[0] == 200.0
    assert 200.0 > means[1] > 150.0 > means[2] > 100.0


def test_the_fewer_periods_are_settled_the_wider_a_distribution_is() -> None:
    """Without any, by a third of its variance, as nobody knows how wrong it is, and by the 30 % that a point may be wrong."""
    raw = Forecast(100.0, 100.0 + 10 * NORMAL)
    widths = []
    for last in (date(2020, 3, 1), date(2020, 11, 15), date(2022, 11, 6)):
        found = quantiles(told(Recalibrated(Always(raw)), booked([108.0, 92.0] * 6), last)[1])
        widths.append((found[179] - found[19]) / (2 * 10 * 1.2816))

    assert widths[0] == pytest.approx((4 / 3 * (1 + 3**2)) ** 0.5, rel=0.01)
    assert widths == sorted(widths, reverse=True)


def test_four_settled_periods_tell_all_of_the_width() -> None:
    """With fewer some of it is a default, and the forecast says so."""
    raw = Forecast(100.0, 100.0 + 10 * NORMAL)
    early, late = (
        told(Recalibrated(Always(raw)), booked([108.0, 92.0] * 6), last)[1]
        for last in (date(2020, 11, 15), date(2022, 11, 6))
    )

    assert isinstance(early, Forecast)
    assert "the spread is partly a default" in early.note
    assert isinstance(late, Forecast)
    assert late.note == ""


def test_each_period_counts_once_however_many_origins_it_has() -> None:
    """Errors within a quarter go together: thirteen of one quarter weigh as much as two of another."""
    past = Past(fading=1.0)
    past.add([(0, left, 1.0) for left in range(1, 14)])
    past.add([(0, 5, 3.0), (0, 6, 3.0), (1, 5, 99.0)])

    numbers, weights = past.near(0, 5, 2.0)

    assert numbers == pytest.approx([1.0, 3.0])
    assert effective(weights) == pytest.approx(2.0)


@settings(max_examples=examples(40), deadline=None)
@given(st.floats(3.0, 200.0))
def test_tails_are_heavier_the_less_is_known(freedom: float) -> None:
    """Student's quantiles are symmetric, rise, and lie outside the normal ones; with much known they are the normal ones."""
    found = student(freedom)

    assert np.allclose(found, -found[::-1])
    assert (np.diff(found) > 0).all()
    assert (abs(found) >= abs(NORMAL) - 1e-12).all()
    assert np.allclose(student(1e9), NORMAL)


def test_students_quantiles_are_those_of_the_tables() -> None:
    """97.5 % with 5, 10 and 30 degrees of freedom: 2.571, 2.228, 2.042."""
    at = int(np.searchsorted(LEVELS, 0.975))

    assert [round(float(student(n)[at]), 2) for n in (5, 10, 30)] == [2.57, 2.23, 2.04]
    assert NORMAL[at] == pytest.approx(NormalDist().inv_cdf(0.975))
