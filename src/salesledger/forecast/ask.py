"""A forecast of one day: the replay of a ledger's past, stopped there; and the exact figures that stand beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from salesledger.forecast.backtest import Plan
from salesledger.forecast.calibrate import Recalibrated
from salesledger.forecast.feed import Feed
from salesledger.forecast.model import Model
from salesledger.forecast.models.hazard import Hazard
from salesledger.forecast.registry import build
from salesledger.forecast.replay import Said, replay
from salesledger.forecast.week import Span, Week
from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.periods import Interval, Period

Progress = Callable[[int, int], None]
"""Told how many weeks are replayed, of how many."""


@dataclass(frozen=True)
class Asked:
    """What models said at a day's end.

    Attributes:
        said: by each, of every period up to the last one asked about.
        hazard: the hazard model, which alone can say what carries a forecast; it has learned all that was known.
    """

    said: Said
    hazard: Hazard


@dataclass(frozen=True)
class Facts:
    """What is on record of a period, to the cent, as known at the origin.

    Attributes:
        won: bookings, renewals left out.
        won_deals: of so many deals.
        quota: the target of the whole business, where targets cover the period.
        renewals_due: the yearly revenue of subscriptions whose terms end in the period, and which nobody has renewed or ended.
        renewal_share: how much of what came to its end in the year before was renewed, by revenue; None where nothing did.
    """

    won: Decimal
    won_deals: int
    quota: Decimal | None
    renewals_due: Decimal
    renewal_share: float | None


def ask(
    engine: Engine,
    at: datetime,
    names: Sequence[str],
    interval: Interval = "quarter",
    furthest: int = 1,
    *,
    upto: int | None = None,
    progress: Progress | None = None,
) -> Asked | None:
    """What models say at an instant.

    Args:
        engine: the ledger's reader.
        at: the instant, the end of a day in the ledger's zone; nothing that was known later is looked at.
        names: the models.
        interval: the kind of period.
        furthest: the last period that is asked about: 0 is the one in which the next day lies.
        upto: nothing behind this entry of the log is looked at.
        progress: told how far it is.

    Returns:
        None where no deal was known by then.

    Raises:
        BadValue: there is no such model.
    """
    plan = Plan(tuple(names), date.min, date.max, interval=interval, offsets=tuple(range(max(1, furthest) + 1)))
    models = build(names, interval, plan.offsets)
    feed = Feed.open(engine, at, upto)
    if feed is None:
        return None
    hazard, weeks = _hazard_of(models), feed.weeks()
    if hazard is None:
        hazard = Hazard()
        weeks = _taught(hazard, weeks)
    last: Said | None = None
    for said in replay(weeks, models, plan.spans_at):
        last = said
        if progress:
            progress(said.week.number + 1, len(feed.days))
    return None if last is None else Asked(last, hazard)


def _hazard_of(models: Sequence[Model]) -> Hazard | None:
    """The hazard model among others."""
    for model in models:
        inner = model.inner if isinstance(model, Recalibrated) else model
        if isinstance(inner, Hazard):
            return inner
    return None


def _taught(hazard: Hazard, weeks: Iterable[Week]) -> Iterator[Week]:
    """The weeks, each shown to a model that isn't asked."""
    for week in weeks:
        hazard.learn(week)
        yield week


def facts(engine: Engine, at: datetime, spans: Sequence[Span], upto: int | None = None) -> dict[str, Facts]:
    """The exact figures of periods, by their labels."""
    periods = [Period(span.label, span.begin, span.end) for span in spans]
    question = Question(at, at, upto, periods)
    won = {
        label: (Decimal(amount or 0), count)
        for label, amount, count in engine.ask(
            "SELECT period, sum(bookings), count(*) FROM bookings GROUP BY period", question
        ).rows
    }
    quotas = dict(
        engine.ask(
            "SELECT period, quota FROM attainment WHERE scope = 'all' AND uncovered_days = 0 AND quota IS NOT NULL",
            question,
        ).rows
    )
    due = dict(
        engine.ask(
            "SELECT period, sum(arr_converted) FROM renewals WHERE outcome = 'open' GROUP BY period", question
        ).rows
    )
    share = _renewal_share(engine, question, at.astimezone(engine.head.zone).date())
    return {
        label: Facts(*won.get(label, (Decimal(0), 0)), quotas.get(label), Decimal(due.get(label) or 0), share)
        for label in (period.label for period in periods)
    }


def _renewal_share(engine: Engine, question: Question, on: date) -> float | None:
    """How much of the yearly revenue whose terms ended in the year before a day was renewed."""
    year = Period("past year", on - timedelta(days=364), on + timedelta(days=1))
    ((renewed, ended),) = engine.ask(
        "SELECT sum(arr_converted) FILTER (WHERE outcome = 'renewed'), sum(arr_converted) FILTER (WHERE outcome = 'ended') "
        "FROM renewals",
        replace(question, periods=[year]),
    ).rows
    total = (renewed or 0) + (ended or 0)
    return float(renewed or 0) / float(total) if total else None


def won_by(
    engine: Engine, at: datetime, spans: Sequence[Span], by: str, upto: int | None = None
) -> dict[str, dict[str | None, Decimal]]:
    """What is booked in each period, by a column of `bookings`."""
    question = Question(at, at, upto, [Period(span.label, span.begin, span.end) for span in spans])
    found: dict[str, dict[str | None, Decimal]] = {}
    sql = f'SELECT period, "{by}", sum(bookings) FROM bookings GROUP BY ALL HAVING sum(bookings) IS NOT NULL'
    for label, name, amount in engine.ask(sql, question).rows:
        found.setdefault(label, {})[name] = amount
    return found
