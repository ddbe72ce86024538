"""The replay over origins: which there are, what each is asked about, and what came to be."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from forecast.weeks import Made, weeks
from salesledger.forecast.backtest import Plan, actuals, backtest, replays, span_of
from salesledger.forecast.distribution import Forecast, TooLittle
from salesledger.forecast.model import Model
from salesledger.forecast.models.run_rate import RunRate
from salesledger.forecast.replay import replay
from salesledger.forecast.rows import Told, cents
from salesledger.forecast.week import Span, Week
from salesledger.readmodel.engine import Engine
from salesledger.readmodel.periods import Span as Days
from support.books import books
from support.happenings import at, captured, reopened, won

WON = [Made(date(2025, 1, 6), date(2025, 2, 3) + timedelta(weeks=n), value=100.0 + n) for n in range(60)]
FIRST = date(2025, 1, 5)


class Listening:
    """A model that remembers what it was shown and asked."""

    name = "listening"

    def __init__(self) -> None:
        self.heard: list[tuple[str, date, tuple[str, ...]]] = []

    def learn(self, week: Week) -> None:
        """Note the day."""
        self.heard.append(("learn", week.on, ()))

    def forecast(self, week: Week, spans: Sequence[Span], told: object) -> list[Forecast | TooLittle]:
        """Note the day and the periods."""
        self.heard.append(("forecast", week.on, tuple(span.label for span in spans)))
        return [TooLittle("it only listens") for _ in spans]


def plan(**changes: object) -> Plan:
    """Origins of the second quarter of 2025."""
    given = {"models": ("listening",), "begin": date(2025, 4, 1), "end": date(2025, 7, 1), **changes}
    return Plan(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("step", "first", "last", "count"),
    [
        ("day", date(2025, 4, 1), date(2025, 6, 30), 91),
        ("week", date(2025, 4, 6), date(2025, 6, 29), 13),
        ("month", date(2025, 4, 30), date(2025, 6, 30), 3),
        ("quarter", date(2025, 6, 30), date(2025, 6, 30), 1),
    ],
)
def test_origins_are_the_last_days_of_each_step(step: str, first: date, last: date, count: int) -> None:
    """Within the span, its end exclusive."""
    origins = plan(step=step).origins()
    assert (origins[0], origins[-1], len(origins)) == (first, last, count)
    assert sorted(day for group in replays(origins) for day in group) == origins
    assert all(len({day.weekday() for day in group}) == 1 for group in replays(origins))


def test_every_week_is_shown_once_and_asked_about_though_only_some_are_read() -> None:
    """From the first one on: a model may learn from what it said before."""
    model = Listening()

    def feed(last: date) -> Iterator[Week]:
        return iter(weeks(WON, last - (last - FIRST) // timedelta(weeks=1) * timedelta(weeks=1), last))

    told = list(backtest(plan(offsets=(1,)), feed, lambda _: [model]))
    assert [said[0].origin for said in told] == plan().origins()
    assert [said[0].span.label for said in told][:2] == ["2025Q3", "2025Q3"]
    assert [what for what, _, _ in model.heard[:4]] == ["learn", "forecast", "learn", "forecast"]
    assert model.heard[1] == ("forecast", FIRST, ("2025Q1", "2025Q2"))
    assert len(model.heard) == 2 * len(weeks(WON, FIRST, date(2025, 6, 29)))


def test_models_hear_what_those_before_them_said() -> None:
    """At the same origin."""
    heard = []

    class Echo(Listening):
        name = "echo"

        def forecast(self, week: Week, spans: Sequence[Span], told: object) -> list[Forecast | TooLittle]:
            heard.append(list(told))  # type: ignore[call-overload]
            return super().forecast(week, spans, told)

    models: list[Model] = [Listening(), Echo()]
    said = list(replay(weeks(WON, FIRST, FIRST), models, plan().spans_at))
    assert heard == [["listening"]]
    assert list(said[0].answers) == ["listening", "echo"]


def test_a_row_says_what_was_said_rounded_once() -> None:
    """A point has no quantiles; who can't tell says why."""
    span = Span("2025Q2", date(2025, 4, 1), date(2025, 7, 1))
    row = Told("weighted", date(2025, 4, 6), span, Forecast(12.345)).row()
    assert (row["mean"], row["median"], row["horizon_days"], row["note"]) == (cents(12.345), None, 85, None)
    row = Told("run_rate", date(2025, 4, 6), span, TooLittle("nothing is over yet")).row()
    assert (row["mean"], row["note"]) == (None, "can't tell, because nothing is over yet")


def test_what_came_to_be_is_told_of_periods_that_are_over(tmp_path: Path) -> None:
    """To the cent, as known by the instant that is asked about; nothing won is nothing, not unknown."""
    ledger = (
        books(tmp_path).record("a", captured(1, amount="0.10"), won(5)).record("b", captured(1, amount="7"), won(40))
    )
    ledger.record("b", reopened(70))
    months = [Span("2026-01", date(2026, 1, 1), date(2026, 2, 1)), Span("2026-02", date(2026, 2, 1), date(2026, 3, 1))]
    dry = Span("2025-12", date(2025, 12, 1), date(2026, 1, 1))
    day = timedelta(days=1)
    with Engine.open(ledger.path) as engine:
        known = {
            on: {label: str(amount) for label, amount in actuals(engine, [dry, *months], moment).items()}
            for on, moment in (
                ("January's last day", at(32) - timedelta(microseconds=1)),
                ("the day before", at(31)),
                ("March", datetime(2026, 3, 1, tzinfo=UTC) - timedelta(microseconds=1)),
                ("later", at(300) + 10 * day),
            )
        }
    assert known["the day before"].keys() == {"2025-12"}
    assert known["January's last day"].keys() == {"2025-12", "2026-01"}
    assert known["later"] == {"2025-12": "0", "2026-01": "0.1000", "2026-02": "0"}


@pytest.mark.parametrize(
    ("days", "kind", "offset"),
    [
        ((date(2025, 4, 1), date(2025, 7, 1)), "quarter", 0),
        ((date(2026, 1, 1), date(2026, 4, 1)), "quarter", 3),
        ((date(2025, 1, 1), date(2025, 4, 1)), "quarter", -1),
        ((date(2025, 4, 1), date(2025, 7, 1)), "month", None),
        ((date(2025, 6, 2), date(2025, 6, 9)), "week", 1),
        ((date(2025, 6, 3), date(2025, 6, 10)), "week", None),
    ],
)
def test_a_period_is_counted_from_the_origins_next_day(days: tuple[date, date], kind: str, offset: int | None) -> None:
    """2025-05-31 ends May, so June and the second quarter are this period."""
    found = span_of(Days(*days), kind, date(2025, 5, 31))  # type: ignore[arg-type]
    assert (found.offset if found else None) == offset


def test_a_real_models_backtest_is_its_replay(tmp_path: Path) -> None:
    """Read at some origins or at all of them, it says the same."""
    from salesledger.forecast.calendar import Calendar

    def feed(last: date) -> Iterator[Week]:
        return iter(weeks(WON, FIRST, last))

    asked = plan(models=("run_rate",), begin=date(2025, 1, 1), end=date(2026, 1, 1))
    told = [t for said in backtest(asked, feed, lambda _: [RunRate(Calendar())]) for t in said]
    (few,) = backtest(
        plan(models=("run_rate",), begin=date(2025, 12, 1), end=date(2025, 12, 8)),
        feed,
        lambda _: [RunRate(Calendar())],
    )
    assert few == [each for each in told if each.origin == date(2025, 12, 7)]
    assert any(isinstance(each.answer, Forecast) for each in few)
