"""The simple models: what a CRM shows, what people call, and what was booked before."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from forecast.weeks import Made, replayed, weeks
from salesledger.forecast.calendar import Calendar
from salesledger.forecast.distribution import Forecast, TooLittle
from salesledger.forecast.model import Model
from salesledger.forecast.models.calls import Calls, CallsCorrected
from salesledger.forecast.models.linearity import Linearity
from salesledger.forecast.models.run_rate import RunRate
from salesledger.forecast.models.seasonal_naive import SeasonalNaive
from salesledger.forecast.models.weighted import Weighted
from salesledger.forecast.models.weighted_history import WeightedHistory
from salesledger.forecast.week import Call

QUARTERS = Calendar("quarter")
FIRST = date(2025, 1, 5)


def said(model: Model, made: list[Made], last: date, calls: tuple[Call, ...] = ()) -> list[Forecast | TooLittle]:
    """What a model says of this and of the next quarter at the end of a day."""
    return replayed([model], weeks(made, FIRST, last, calls))[-1][2][model.name]


def mean(answer: Forecast | TooLittle) -> float:
    assert isinstance(answer, Forecast)
    return answer.mean


def won(day: date, value: float | None = 100.0, owner: int = 0, taking: int = 30) -> Made:
    return Made(day - timedelta(days=taking), day, value=value, codes={"owner": owner})


def steady(first: date, last: date, every: int = 7, value: float = 100.0) -> list[Made]:
    """A win of the same value every few days."""
    days = range(0, (last - first).days, every)
    return [won(first + timedelta(days=day), value) for day in days]


def test_weighted_adds_chance_times_value_to_what_is_won() -> None:
    """Deals count in the period of their expected close, overdue ones in a running period too, and others nowhere."""
    made = [
        won(date(2025, 1, 20), 1000.0),
        Made(date(2025, 1, 6), value=200.0, expected=date(2025, 3, 1)),
        Made(date(2025, 1, 6), value=400.0, moves=(date(2025, 1, 9),), expected=date(2025, 1, 31)),
        Made(date(2025, 1, 6), value=800.0, expected=date(2025, 4, 1)),
        Made(date(2025, 1, 6), value=5000.0, expected=date(2024, 12, 31)),
        Made(date(2025, 1, 6), value=7000.0),
    ]

    this, following = said(Weighted(), made, date(2025, 2, 9))

    assert mean(this) == pytest.approx(1000 + 0.1 * 200 + 0.3 * 400)
    assert mean(following) == pytest.approx(0.1 * 800)


def test_weighted_counts_a_deal_without_amount_as_the_mean_win_and_says_so() -> None:
    """Neither nothing nor a silent guess."""
    made = [
        won(date(2025, 1, 20), 1000.0),
        won(date(2025, 1, 21), 3000.0),
        Made(date(2025, 1, 6), value=None, expected=date(2025, 5, 1)),
    ]

    this, following = said(Weighted(), made, date(2025, 2, 9))

    assert mean(following) == pytest.approx(0.1 * 2000)
    assert isinstance(this, Forecast)
    assert isinstance(following, Forecast)
    assert (this.note, following.note) == ("", "1 open deal without an amount counts as the mean win of the last year")


def test_run_rate_is_the_mean_of_the_last_four_quarters_that_are_over() -> None:
    """The fifth before counts no more, the running one not yet; fewer than four are pointed out."""
    made = [won(date(2025, 2 + 3 * q, 10), 100.0 * (q + 1)) for q in range(4)] + [won(date(2026, 2, 10), 900.0)]

    assert [mean(a) for a in said(RunRate(QUARTERS), made, date(2026, 2, 15))] == [250.0, 250.0]
    assert mean(said(RunRate(QUARTERS), made, date(2026, 4, 5))[0]) == (200 + 300 + 400 + 900) / 4
    few = said(RunRate(QUARTERS), made, date(2025, 8, 10))[0]
    assert few == Forecast(150.0, note="only 2 of 4 quarters are over")
    assert isinstance(said(RunRate(QUARTERS), made, date(2025, 3, 16))[0], TooLittle)


def test_a_quarter_that_the_ledger_holds_in_part_is_no_poor_quarter() -> None:
    """A ledger that begins in the middle of a quarter has its first run rate from the quarter after."""
    made = [won(date(2025, 2, 10), taking=3), won(date(2025, 5, 10), 700.0), won(date(2025, 8, 10))]
    model = RunRate(QUARTERS)

    answers = replayed([model], weeks(made, date(2025, 2, 16), date(2025, 8, 10)))[-1][2][model.name]

    assert mean(answers[0]) == 700.0


def test_seasonal_naive_takes_the_same_quarter_a_year_before() -> None:
    """A quarter more than a year ahead takes the latest of its season that is over; without one nothing is said."""
    made = [won(date(2025, 2 + 3 * q, 10), 100.0 * (q + 1)) for q in range(4)]
    model = SeasonalNaive(QUARTERS)

    _, _, told = replayed([model], weeks(made, FIRST, date(2026, 1, 11)), spans_at=(0, 1, 4))[-1]

    assert [mean(a) for a in told[model.name]] == [100.0, 200.0, 100.0]
    assert isinstance(said(SeasonalNaive(QUARTERS), made, date(2025, 11, 9))[0], TooLittle)


def test_linearity_of_an_even_pace_is_right_all_along() -> None:
    """Where every week brings the same, the whole is forecast from any week; a later quarter is the run rate, noted."""
    made = steady(FIRST, date(2026, 12, 31), every=1)

    for last in (date(2026, 5, 3), date(2026, 6, 7), date(2026, 6, 21)):
        this, following = said(Linearity(QUARTERS), made, last)
        assert mean(this) == pytest.approx(9100, rel=0.03)
        assert isinstance(following, Forecast)
        assert "run rate" in following.note


def test_linearity_learns_that_the_end_of_a_quarter_brings_most() -> None:
    """Half of a quarter gone with a tenth of its bookings is on pace where that is usual."""
    made = [
        won(date(year, month, 10), value)
        for year in (2025, 2026)
        for q in range(4)
        for month, value in ((1 + 3 * q, 100.0), (3 + 3 * q, 900.0))
    ]

    assert mean(said(Linearity(QUARTERS), made, date(2026, 8, 16))[0]) == pytest.approx(1000, rel=0.1)


def calls(quarter: date, amounts: dict[str, float], category: str = "commit") -> tuple[Call, ...]:
    (span,) = QUARTERS.spans_at(quarter, [0])
    return tuple(Call(who, category, span.begin, span.end, amount) for who, amount in amounts.items())


def test_calls_are_never_counted_twice() -> None:
    """People's calls count; a team's only where no person called, the whole business's only where no team did."""
    people = {"owner:a": 10.0, "owner:b": 20.0}
    every = calls(date(2025, 2, 1), {**people, "team:north": 70.0, "all": 500.0})
    teams = calls(date(2025, 2, 1), {"team:north": 70.0, "all": 500.0})

    assert [mean(said(Calls(), [], date(2025, 2, 2), c)[0]) for c in (every, teams, teams[1:])] == [30.0, 70.0, 500.0]


def test_calls_of_another_category_or_period_are_left_alone() -> None:
    """Somebody's best case is no commit; nobody having called is said, not guessed."""
    hoped = calls(date(2025, 2, 1), {"owner:a": 10.0}, "best-case")

    this, following = said(Calls(), [], date(2025, 2, 2), hoped)

    assert this == TooLittle("nobody has called 2025Q1 (commit)")
    assert isinstance(following, TooLittle)
    assert mean(said(Calls(category="best-case"), [], date(2025, 2, 2), hoped)[0]) == 10.0


def test_corrected_calls_take_each_persons_bias_out() -> None:
    """Who books half of what is called is halved, who books twice as much doubled."""
    made = [won(date(2025 + q // 4, 2 + 3 * (q % 4), 10), v, o) for q in range(8) for o, v in ((1, 100.0), (2, 100.0))]
    said_so = tuple(
        call
        for q in range(9)
        for call in calls(date(2025 + q // 4, 2 + 3 * (q % 4), 1), {"owner:owner-1": 200.0, "owner:owner-2": 50.0})
    )

    this = said(CallsCorrected(), made, date(2027, 2, 7), said_so)[0]
    at_first = said(CallsCorrected(), made, date(2025, 2, 9), said_so)[0]

    assert mean(this) == pytest.approx(200.0, rel=0.15)
    assert isinstance(at_first, Forecast)
    assert (at_first.mean, bool(at_first.note)) == (250.0, True)


def test_weighted_history_learns_what_stages_and_new_deals_bring() -> None:
    """Half of the deals in the second stage are won, none of the others: rate × value, and deals that come and close later."""
    made = []
    for q in range(12):
        begin = date(2025 + q // 4, 1 + 3 * (q % 4), 1)
        for n in range(20):
            moves = (begin + timedelta(days=3),)
            made.append(Made(begin, begin + timedelta(days=70), won=n % 2 == 0, moves=moves))
        made += [Made(begin, begin + timedelta(days=70), won=False) for _ in range(20)]
        made += [Made(begin + timedelta(days=50), begin + timedelta(days=60), value=500.0)]

    early = said(WeightedHistory(QUARTERS, (0, 1)), made, date(2027, 10, 31))[0]
    late = said(WeightedHistory(QUARTERS, (0, 1)), made, date(2027, 12, 5))[0]

    assert mean(early) == pytest.approx(10 * 100 + 500, rel=0.15)
    assert mean(late) == pytest.approx(10 * 100 + 500, rel=0.15)


def test_weighted_history_says_nothing_before_a_quarter_is_settled() -> None:
    """No rate is made up."""
    made = steady(FIRST, date(2025, 12, 31))

    model = WeightedHistory(QUARTERS, (0, 1))
    for last, left in ((date(2025, 3, 16), "3 weeks"), (date(2025, 3, 30), "1 week")):
        assert said(model, made, last)[0] == TooLittle(f"no settled period is known {left} before its end")
    assert isinstance(said(WeightedHistory(QUARTERS, (0, 1)), made, date(2025, 4, 20))[0], TooLittle)
