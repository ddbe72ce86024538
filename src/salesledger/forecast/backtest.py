"""A backtest: what models would have said at each of many origins, had they been asked then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from salesledger.errors import Refused, UsageError
from salesledger.forecast.calendar import Calendar
from salesledger.forecast.feed import Feed
from salesledger.forecast.model import Model
from salesledger.forecast.registry import build
from salesledger.forecast.replay import replay
from salesledger.forecast.rows import Told, told_in
from salesledger.forecast.week import Span, Week
from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.periods import Interval, Period
from salesledger.readmodel.periods import Span as Days


@dataclass(frozen=True)
class Plan:
    """What a backtest is to do.

    Attributes:
        models: the names of those that are read.
        begin: the first day that may be an origin.
        end: the day after the last one that may be.
        step: how far apart origins are: each is the last day of a day, week, month or quarter.
        interval: how long the periods are that are forecast.
        offsets: which of them: 0 for the one in which the day after an origin lies, 1 for the next, ...
    """

    models: tuple[str, ...]
    begin: date
    end: date
    step: Interval = "week"
    interval: Interval = "quarter"
    offsets: tuple[int, ...] = (0, 1)

    def origins(self) -> list[date]:
        """The days at whose end is asked, in order."""
        one_day = timedelta(days=1)
        calendar = Calendar(self.step)
        found: list[date] = []
        day = self.begin - one_day
        while True:
            (step,) = calendar.spans_at(day, [0])
            day = step.end - one_day
            if day >= self.end:
                return found
            found.append(day)

    @property
    def asked(self) -> range:
        """What models are asked about: every offset up to the last one, so that what they learn doesn't hang on what is read."""
        return range(max(1, *self.offsets) + 1)

    def spans_at(self, on: date) -> list[Span]:
        """The periods that models are asked about."""
        return Calendar(self.interval).spans_at(on, self.asked)


def replays(origins: Sequence[date]) -> list[list[date]]:
    """Origins by the weekday they are: each weekday is a replay of its own, for models go by whole weeks."""
    weekdays: dict[int, list[date]] = {}
    for origin in origins:
        weekdays.setdefault(origin.weekday(), []).append(origin)
    return list(weekdays.values())


def backtest(
    plan: Plan,
    weeks: Callable[[date], Iterator[Week]],
    make: Callable[[Sequence[str]], Sequence[Model]],
) -> Iterator[list[Told]]:
    """What was said at each origin, by model and period; the origins of one weekday after those of another.

    Args:
        plan: what to do.
        weeks: gives the weeks of a ledger up to the one that ends with a day.
        make: makes models from names, with those that they build on.
    """
    for origins in replays(plan.origins()):
        wanted = set(origins)
        for said in replay(weeks(origins[-1]), make(plan.models), plan.spans_at):
            if said.week.on in wanted:
                yield [told for told in told_in(said, plan.models) if told.span.offset in plan.offsets]


def run(engine: Engine, plan: Plan) -> Iterator[list[Told]]:
    """A backtest over a ledger; see `backtest`."""

    def weeks(last: date) -> Iterator[Week]:
        feed = feed_until(engine, last)
        return iter(()) if feed is None else feed.weeks()

    return backtest(plan, weeks, lambda names: build(names, plan.interval, plan.asked))


def feed_until(engine: Engine, last: date) -> Feed | None:
    """The weeks of a ledger up to the one that ends with a day; None where nothing was known by then."""
    at = Period("", last, last + timedelta(days=1)).ends_at(engine.head.zone) - timedelta(microseconds=1)
    return Feed.open(engine, at)


def plan_of(
    engine: Engine,
    at: datetime,
    models: Sequence[str],
    begin: date | None,
    end: date | None,
    step: Interval,
    interval: Interval,
    offsets: Sequence[int],
) -> Plan:
    """What is to be done, its open ends filled in: from the first lead on, up to the day that is known.

    Args:
        engine: the ledger's reader.
        at: the end of that day.
        models, begin, end, step, interval, offsets: see `Plan`.

    Raises:
        Refused: no lead was ever captured.
        UsageError: there is no origin.
    """
    zone = engine.head.zone
    ((first,),) = engine.ask("SELECT min(known_at) FROM events WHERE type = 'lead-captured'").rows
    if first is None:
        raise Refused("There is nothing to replay: no lead was ever captured.")
    known, last = first.replace(tzinfo=UTC).astimezone(zone).date(), at.astimezone(zone).date()
    if end is not None and end > last + timedelta(days=1):
        raise UsageError(f"Origins go up to {last}, the last day that is known; {end} is behind that.")
    end = end or last + timedelta(days=1)
    plan = Plan(tuple(models), max(begin or known, known), end, step, interval, tuple(offsets))
    if not plan.origins():
        raise UsageError(
            f"There is no origin from {plan.begin} up to, without, {end}: the first lead was known on {known}, and an origin is "
            f"the last day of a {step}."
        )
    return plan


def actuals(engine: Engine, spans: Sequence[Span], at: datetime) -> Mapping[str, Decimal]:
    """What was booked in each period that was over by an instant, as known then.

    Args:
        engine: the ledger's reader.
        spans: the periods.
        at: that instant, in UTC.
    """
    periods = [Period(span.label, span.begin, span.end) for span in spans]
    next_at = at + timedelta(microseconds=1)  # the end of a day is the last instant before the next one
    over = {period.label: period for period in periods if period.ends_at(engine.head.zone) <= next_at}
    if not over:
        return {}
    question = Question(at, at, periods=[*over.values()])
    answer = engine.ask("SELECT period, sum(bookings) FROM bookings GROUP BY period", question)
    booked = {str(label): amount for label, amount in answer.rows}
    return {label: booked.get(label) or Decimal(0) for label in over}


def span_of(days: Days, interval: Interval, on: date) -> Span | None:
    """The period of a kind that some days are, with its offset from an origin; None where they are no such period.

    Args:
        days: its first day, and the one after its last.
        interval: the kind.
        on: the origin.
    """
    if days.begin is None or days.end is None:
        return None
    calendar = Calendar(interval)
    (first,) = calendar.spans_at(on, [0])
    (found,) = calendar.spans_at(days.begin - timedelta(days=1), [0])
    if (found.begin, found.end) != (days.begin, days.end):
        return None
    offset, near = 0, first
    step = 1 if found.begin > first.begin else -1
    while near.begin != found.begin:
        offset, near = offset + step, calendar.shift(near, step)
    return Span(found.label, found.begin, found.end, offset)
