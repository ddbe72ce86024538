"""Several models together, and the choice of the best of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.weeks import Made, replayed, weeks
from salesledger.errors import BadValue
from salesledger.forecast.best import Best
from salesledger.forecast.calendar import Calendar
from salesledger.forecast.calibrate import Recalibrated
from salesledger.forecast.distribution import Forecast, TooLittle, averaged, missed
from salesledger.forecast.model import Model
from salesledger.forecast.models.ensemble import Ensemble
from salesledger.forecast.registry import MODELS, build
from salesledger.forecast.spread import NORMAL
from salesledger.forecast.week import Span, Week
from support import examples

FIRST = date(2020, 1, 5)
QUARTERS = Calendar("quarter")


class Normal:
    """A model that says the same bell curve for every period, from some day on."""

    def __init__(self, name: str, mean: float, sd: float = 5.0, begins: date = FIRST) -> None:
        self.name = name
        self.answer = Forecast(mean, mean + sd * NORMAL)
        self.begins = begins

    def learn(self, week: Week) -> None:
        """Nothing."""

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """The same for every period."""
        return [self.answer if week.on >= self.begins else TooLittle(f"{self.name} has not begun") for _ in spans]


class Silent(Normal):
    """A model that can never tell."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name, 0.0)
        self.why = why

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """Why not."""
        return [TooLittle(self.why) for _ in spans]


def booked(quarters: int, amount: float = 100.0) -> list[Made]:
    """One win a quarter."""
    first = QUARTERS.spans_at(FIRST, [0])[0]
    begins = [QUARTERS.shift(first, n).begin for n in range(quarters)]
    return [
        Made(begin, begin + timedelta(days=45 + 3 * (n % 4)), value=amount + n % 3) for n, begin in enumerate(begins)
    ]


def told(models: Sequence[Model], last_one: Ensemble | Best, last: date) -> Forecast | TooLittle:
    """What it says of the next quarter."""
    return replayed([*models, last_one], weeks(booked(20), FIRST, last))[-1][2][last_one.name][1]


def test_members_count_the_same_until_something_is_settled() -> None:
    """The quantiles lie halfway between those of two members."""
    answer = told([Normal("a", 50.0), Normal("b", 150.0, 15.0)], Ensemble({"a": 1.0, "b": 1.0}), date(2020, 2, 9))

    assert isinstance(answer, Forecast)
    assert answer.quantiles == pytest.approx(100.0 + 10.0 * NORMAL)


def test_a_member_may_count_more_from_the_start() -> None:
    """Three times as much where that is said; what is settled moves it from there, as much as it moves equals."""
    members = [Normal("a", 51.0), Normal("b", 151.0)]
    before, after = (
        told(members, Ensemble({"a": 3.0, "b": 1.0}), last) for last in (date(2020, 2, 9), date(2023, 2, 5))
    )

    assert isinstance(before, Forecast)
    assert isinstance(after, Forecast)
    assert before.mean == pytest.approx(76.0)
    assert after.mean == pytest.approx(76.0, abs=0.5)  # one is 50 below what comes, the other 50 above


def test_who_was_right_counts_more_the_longer_it_was_so() -> None:
    """The mean moves from the middle towards the member that scored better, step by step."""
    means = []
    for last in (date(2020, 2, 9), date(2021, 2, 7), date(2022, 2, 6), date(2023, 2, 5)):
        answer = told([Normal("a", 104.0), Normal("b", 150.0)], Ensemble({"a": 1.0, "b": 1.0}), last)
        assert isinstance(answer, Forecast)
        means.append(answer.mean)

    assert means[0] == pytest.approx(127.0)
    assert means == sorted(means, reverse=True)
    assert 104 < means[-1] < 118


def test_an_absent_member_is_noted_and_all_absent_say_why() -> None:
    """Nothing is made up for a member that can't tell."""
    late = [Normal("a", 100.0), Normal("b", 150.0, begins=date(2030, 1, 1))]

    answer = told(late, Ensemble({"a": 1.0, "b": 1.0}), date(2020, 2, 9))
    nobody = told(late[1:], Ensemble({"b": 1.0}), date(2020, 2, 9))

    assert isinstance(answer, Forecast)
    assert (answer.mean, answer.note) == (100.0, "without b, which can't tell yet")
    assert nobody == TooLittle("b can't tell: b has not begun")


def test_where_nobody_can_tell_each_reason_is_given_once() -> None:
    """With the models that give it; those of the ensemble are not told again."""
    hazard, linearity = Silent("hazard", "no wins"), Silent("linearity", "no quarter is over")
    others: list[Model] = [
        hazard,
        linearity,
        Silent("run_rate", "no quarter is over"),
        Silent("pace", "no quarter is over"),
        Ensemble({"hazard": 1.0, "linearity": 1.0}),
    ]

    answer = told(others, Best(["ensemble", "hazard", "run_rate", "pace"]), date(2020, 2, 9))

    assert answer == TooLittle(
        "hazard can't tell: no wins; linearity, run_rate and pace can't tell: no quarter is over"
    )


def test_averaged_is_what_members_said_before_their_width_was_mended() -> None:
    """A member whose spread is mostly a default yet counts with its own: the average's width is mended once, not twice."""
    narrow = Recalibrated(Normal("a", 100.0))
    answer = told([narrow, Normal("b", 100.0)], Ensemble({"a": 1.0, "b": 1.0}), date(2020, 2, 9))

    assert isinstance(answer, Forecast)
    assert answer.quantiles == pytest.approx(100.0 + 5.0 * NORMAL)


def test_a_member_that_has_stepped_back_is_left_out() -> None:
    """What a simpler model said in its place is no second opinion; where all have stepped back, each says why."""
    late = Recalibrated(Normal("b", 150.0, begins=date(2030, 1, 1)), instead="c")
    others: list[Model] = [Normal("c", 70.0), Normal("a", 100.0), late]

    answer = told(others, Ensemble({"a": 1.0, "b": 1.0}), date(2020, 2, 9))
    nobody = told(others, Ensemble({"b": 1.0}), date(2020, 2, 9))

    assert isinstance(answer, Forecast)
    assert (answer.mean, answer.note) == (100.0, "without b, which can't tell yet")
    assert nobody == TooLittle("b can't tell: b has not begun")


def test_the_best_is_the_first_until_another_was_better_by_more_than_luck() -> None:
    """And it says why, with the scores."""
    models = [Normal("a", 130.0), Normal("b", 101.0)]

    early = told(models, Best(["a", "b"]), date(2020, 8, 9))
    late = told(models, Best(["a", "b"]), date(2022, 8, 7))

    assert isinstance(early, Forecast)
    assert isinstance(late, Forecast)
    assert (early.mean, late.mean) == (130.0, 101.0)
    assert early.why.startswith("a: CRPS 0.2")
    assert late.why.startswith("b: CRPS 0.0")
    assert "settled origins; next best a 0.2" in late.why


def test_a_lead_of_less_than_5_percent_changes_nothing() -> None:
    """The better of two that are about as good is left where it is, and that is said."""
    answer = told([Normal("a", 120.0), Normal("b", 119.8)], Best(["a", "b"]), date(2022, 8, 7))

    assert isinstance(answer, Forecast)
    assert answer.mean == 120.0
    assert "no clear lead of b" in answer.why


def test_at_first_the_best_is_the_first_that_can_tell() -> None:
    """Nothing is settled in the first quarter; the first candidate can't tell yet."""
    models = [Normal("a", 120.0, begins=date(2030, 1, 1)), Normal("b", 90.0)]

    answer = told(models, Best(["a", "b"]), date(2020, 2, 9))

    assert isinstance(answer, Forecast)
    assert answer.mean == 90.0
    assert answer.why == "b: the first that can tell; nothing is settled yet that it could be scored by"


def test_a_model_brings_those_that_it_builds_on() -> None:
    """They come before it; a name that is none is refused with the names that are."""
    names = [model.name for model in build(["best"])]

    assert names[-1] == "best"
    assert names.index("ensemble") < names.index("best")
    assert [model.name for model in build(["run_rate"])] == ["weighted", "run_rate"]
    with pytest.raises(BadValue, match=r"no model 'magic'. Choose from .*weighted"):
        build(["magic"])


def test_with_too_little_history_every_model_steps_back_and_says_so() -> None:
    """In the first weeks of a ledger all forecast, by the simplest that can, and none passes that off as its own."""
    made = [Made(FIRST + timedelta(days=n), value=100.0, expected=date(2020, 3, 1)) for n in range(10)]
    _, _, told = replayed(build([n for n in MODELS if "calls" not in n]), weeks(made, FIRST, date(2020, 2, 9)))[-1]

    notes = {name: answers[0].note if isinstance(answers[0], Forecast) else None for name, answers in told.items()}
    assert notes["run_rate"] == (
        "no whole quarter of the ledger is over yet: weighted instead; "
        "the spread is mostly a default: 0 settled periods tell its errors"
    )
    assert {name for name, note in notes.items() if not (note and "instead" in note)} == {
        "weighted_plain",
        "weighted",
        "calls_corrected",
    }


def test_every_model_goes_by_its_name_in_the_registry() -> None:
    """What is asked for by a name answers to it."""
    assert [model.name for model in build([*MODELS])] == [*MODELS]


@settings(max_examples=examples(50))
@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 100), st.floats(0.01, 1)), min_size=1, max_size=5))
def test_an_average_of_distributions_lies_between_them(members: list[tuple[float, float, float]]) -> None:
    """Level by level, and its mean between their means."""
    forecasts = [Forecast(mean, mean + sd * NORMAL) for mean, sd, _ in members]
    found = averaged(forecasts, [weight for _, _, weight in members])
    spread = np.array([mean + sd * NORMAL for mean, sd, _ in members])

    assert found.quantiles is not None
    assert (found.quantiles >= spread.min(axis=0) - 1e-6).all()
    assert (found.quantiles <= spread.max(axis=0) + 1e-6).all()


def test_what_was_missed_is_the_crps_of_the_normal_distribution() -> None:
    """In closed form (Gneiting and Raftery 2007): 0.2337 standard deviations at the mean, 0.6024 one away."""
    assert missed(NORMAL, 0.0) == pytest.approx(0.2337, abs=0.004)
    assert missed(NORMAL, 1.0) == pytest.approx(0.6024, abs=0.006)
