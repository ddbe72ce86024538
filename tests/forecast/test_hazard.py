"""The hazard model on firms whose true rates are known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.weeks import Made, weeks
from salesledger.forecast.calendar import Calendar
from salesledger.forecast.delays import Delays
from salesledger.forecast.distribution import Forecast, TooLittle
from salesledger.forecast.models.hazard import Hazard
from salesledger.forecast.season import Season, places
from salesledger.forecast.week import CLOSED_WON, Lags, Week

FIRST, LAST = date(2023, 1, 1), date(2024, 12, 29)
SPANS = Calendar("quarter").spans_at(LAST, (0, 1))


def firm(leads_a_week: int = 6, *, by_source: Sequence[float] = (0.06, 0.06), seed: int = 3) -> list[Made]:
    """Leads that are won, or lost, at rates that never change: a week's chance to win by source, and to lose 0.04."""
    random = np.random.default_rng(seed)
    made = []
    for day in range(0, (LAST - FIRST).days + 1, 7):
        for _ in range(leads_a_week):
            source = int(random.integers(len(by_source)))
            captured = FIRST + timedelta(days=day + int(random.integers(7)) - 7)
            closed, won = None, False
            for week in range(1, 200):
                draw = random.random()
                if draw < by_source[source] + 0.04:
                    closed, won = (
                        captured + timedelta(days=7 * week - int(random.integers(7))),
                        draw < by_source[source],
                    )
                    break
            value = float(random.integers(50, 150))
            gone = closed is None or closed > LAST + timedelta(days=400)
            made.append(Made(captured, None if gone else closed, won, value, codes={"source": source + 1, "owner": 1}))
    return made


def learned(made: Sequence[Made], model: Hazard | None = None) -> tuple[Hazard, Week]:
    """The model after all weeks, and the last one."""
    model = model or Hazard()
    for week in weeks(made, FIRST, LAST):
        model.learn(week)
    return model, week


def test_it_finds_the_rates_of_a_firm_that_never_changes() -> None:
    """What it expects of a quarter is what the true rates bring, within what so few deals can tell."""
    model, week = learned(firm(leads_a_week=20))
    for span, given in zip(SPANS, model.forecast(week, SPANS, {}), strict=True):
        assert isinstance(given, Forecast)
        assert given.quantiles is not None
        # In the long run 20 leads a week are won at 0.06 / 0.10, at 99.5 each.
        usual = 20 * (span.end - span.begin).days / 7 * 0.6 * 99.5
        assert given.mean == pytest.approx(usual, rel=0.1)
        assert np.all(np.diff(given.quantiles) >= 0)
        assert given.quantiles[0] < given.mean < given.quantiles[-1]


def test_what_makes_deals_quicker_is_learned() -> None:
    """Deals of a source that wins four times as often have a higher chance, and the reasons say so."""
    model, week = learned(firm(by_source=(0.02, 0.08)))
    carriers = model.carriers(week, SPANS[0])
    assert not isinstance(carriers, TooLittle)
    slow, quick = (float(np.mean(carriers.chance[carriers.deals.source == code])) for code in (1, 2))
    assert quick > 2 * slow
    deal = int(carriers.deals.deal[carriers.deals.source == 2][0])
    outlook = model.outlook(week, deal)
    assert not isinstance(outlook, TooLittle)
    source = next(reason for reason in outlook.reasons if reason.what == "source")
    assert source.times > 1


def test_the_parts_of_a_forecast_add_up_to_its_mean() -> None:
    """Won, open deals and leads to come; and these by each dimension."""
    model, week = learned(firm())
    for span, given in zip(SPANS, model.forecast(week, SPANS, {}), strict=True):
        carriers = model.carriers(week, span)
        assert not isinstance(carriers, TooLittle)
        assert isinstance(given, Forecast)
        assert carriers.won + float(np.sum(carriers.expected)) + carriers.new == pytest.approx(given.mean)
        for shares in carriers.new_by.values():
            assert float(np.sum(shares)) == pytest.approx(carriers.new)


def test_the_outlook_of_a_deal_only_grows_and_never_passes_one() -> None:
    """The chances to be won and to be lost by each week's end."""
    model, week = learned(firm())
    outlook = model.outlook(week, int(week.open.deal[0]))
    assert not isinstance(outlook, TooLittle)
    for chances in (outlook.won, outlook.lost):
        assert np.all(np.diff(chances) >= -1e-12)
    assert np.all(outlook.won + outlook.lost <= 1 + 1e-9)
    assert outlook.won[-1] > 0.4


def test_with_too_few_wins_it_says_so() -> None:
    """At first nothing can be told, of periods or of deals."""
    model = Hazard()
    week = next(iter(weeks(firm(), FIRST, LAST)))
    model.learn(week)
    assert all(isinstance(given, TooLittle) for given in model.forecast(week, SPANS, {}))
    assert isinstance(model.carriers(week, SPANS[0]), TooLittle)
    assert model.outlook(week, 0) == TooLittle("only 0 wins were seen to learn from")


def test_a_single_win_is_spoken_of_as_one() -> None:
    """In what it says of having seen too few."""
    model, week = learned([Made(FIRST, FIRST + timedelta(days=20), value=10.0), Made(FIRST)])
    assert model.forecast(week, SPANS, {})[0] == TooLittle("only 1 win was seen to learn from")


def test_what_is_recorded_late_is_counted_before_it_is_known() -> None:
    """Where half of the wins are recorded two weeks late, more is expected than the open deals alone would bring."""
    late = Delays()
    for _ in range(200):
        late.learn(Lags(np.array([CLOSED_WON] * 10), np.array([0, 14] * 5)))
    known = late.known()[CLOSED_WON]
    assert known[0] == pytest.approx(0.5, abs=0.02)
    assert known[13] == pytest.approx(known[0])
    assert known[14] == pytest.approx(1.0)
    made = firm()
    model, week = learned(made)
    (prompt,) = model.forecast(week, SPANS[:1], {})
    model.delays = late
    (thinned,) = model.forecast(week, SPANS[:1], {})
    assert isinstance(prompt, Forecast)
    assert isinstance(thinned, Forecast)
    assert thinned.mean != prompt.mean


def test_a_push_at_the_end_of_quarters_is_learned() -> None:
    """Three times as much in the last three days, after some years."""
    season, day = Season(), date(2020, 1, 6)
    while day < date(2025, 1, 1):
        flow = np.array([3.0 if places(day + timedelta(days=i))[0] == 0 else 1.0 for i in range(7)])
        season.learn(day, 5 * flow, 35.0, 1.0)
        day += timedelta(days=7)
    pushed, usual = season.days(date(2024, 12, 29))[0], season.days(date(2024, 11, 18))[0]
    assert pushed / usual == pytest.approx(3.0, rel=0.1)
