"""The command that replays: what each model would have forecast at past dates, beside what came to be, and the scores."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.forecast import end_of, forecasting
from salesledger.cli.forecast_screen import as_rows
from salesledger.cli.options import emit, opened, printing, progress
from salesledger.cli.render import Rows, format_for
from salesledger.cli.reports import counted
from salesledger.errors import BadValue, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime
    from decimal import Decimal

    from salesledger.api import Ledger
    from salesledger.forecast.backtest import Plan
    from salesledger.forecast.rows import Told
    from salesledger.forecast.week import Week

STEPS = ("day", "week", "month", "quarter")
MOST_AHEAD = 12

ROW = (
    *("model", "origin", "period", "horizon_days", "actual", "mean", "lo-95", "lo-80", "median", "hi-80", "hi-95"),
    *("currency", "note"),
)
"""The keys of a row, in order."""

_COVERED = ("coverage_80", "coverage_95")


@click.command("backtest")
@click.option("-b", "--begin", metavar="DATE", help="Origins from this day on.  [default: the ledger's first]")
@click.option("-e", "--end", metavar="DATE", help="Origins before this day.  [default: tomorrow]")
@click.option("-p", "--period", metavar="PERIOD", help="Origins in it, such as 2025 or 2024Q1..2025Q1.")
@click.option("--model", "models", metavar="MODEL[,MODEL]...", help="The models.  [default: all]")
@click.option(
    "--step", type=click.Choice(STEPS), default="week", show_default=True, help="An origin at the end of each."
)
@forecasting
@click.option(
    "--horizons",
    metavar="N[,N]...",
    default="0,1",
    show_default=True,
    help="The periods: 0 is that of the day after the origin, 1 the next.",
)
@click.option(
    "--by", type=click.Choice(["model", "weeks"]), help="Scores, a row a model, or a row a model and weeks to the end."
)
@click.option("--known-at", metavar="DATE", help="Score by what was known by the end of this day.  [default: today]")
@printing
@click.pass_context
def backtest_command(ctx: click.Context, /, **values: Any) -> None:
    """What each model would have forecast, scored.

    At each origin the models see what was known at its end and nothing later; 'forecast --as-of' of that day says the same. A
    table has the scores of each model; the other formats have a row a model, origin and period, with --by the scores.
    """
    format_, output = values.pop("format_"), values.pop("output")
    by = values.pop("by")
    with opened(ctx) as ledger:
        at, _ = end_of(ledger, values.pop("known_at"))
        plan = _plan(ledger, at, values)
        told = _sorted(_told(ledger, plan), plan)
        booked = _actuals(ledger, told, at)
        chosen = format_for(format_, output)
        title = f"Backtest of {counted(len({each.origin for each in told}), 'origin')}, a {plan.step} apart"
        if by is None and chosen not in ("table", "md"):
            rows = as_rows([_row(each, booked, ledger.head.currency) for each in told], ROW)
        else:
            rows = _scores(told, booked, plan, by or "model")
        emit(rows, ledger, format_=chosen, output=output, title=title, notes=_notes(told, booked))


def _plan(ledger: "Ledger", at: "datetime", values: dict[str, Any]) -> "Plan":
    """What is to be done.

    Raises:
        BadPeriod, BadDate, BadValue: what it says.
        UsageError: there is no day to ask at, or it lies behind what is known.
    """
    from datetime import timedelta

    from salesledger.forecast.backtest import Plan
    from salesledger.forecast.registry import MODELS, build

    offsets = _offsets(values["horizons"])
    first, last = ledger.days(values["period"], values["begin"], values["end"])
    tomorrow = at.astimezone(ledger.zone).date() + timedelta(days=1)
    if last is not None and last > tomorrow:
        raise UsageError(
            f"Origins go up to {tomorrow - timedelta(days=1)}, the last day that is known; {last} is behind that."
        )
    known = _first_day(ledger)
    begin, end = first or known, last or tomorrow
    if max(begin, known) >= end:
        raise UsageError(f"There is no origin: the first lead was known on {known}, and origins end before {end}.")
    names = tuple(dict.fromkeys(name.strip() for name in (values["models"] or ",".join(MODELS)).split(",")))
    build(names)
    return Plan(names, max(begin, known), end, values["step"], values["interval"] or "quarter", offsets)


def _offsets(text: str) -> tuple[int, ...]:
    try:
        offsets = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        offsets = ()
    if not offsets or offsets[0] < 0 or offsets[-1] > MOST_AHEAD:
        raise BadValue(f"{text!r} are no horizons; write numbers from 0 to {MOST_AHEAD}, such as 0,1.")
    return offsets


def _first_day(ledger: "Ledger") -> "date":
    """The day on which the first deal was known.

    Raises:
        Refused: none is.
    """
    ((first,),) = ledger.engine.ask("SELECT min(known_at) FROM events WHERE type = 'lead-captured'").rows
    if first is None:
        raise Refused("There is nothing to replay: no lead was ever captured.")
    from datetime import UTC

    found: date = first.replace(tzinfo=UTC).astimezone(ledger.zone).date()
    return found


def _told(ledger: "Ledger", plan: "Plan") -> "list[Told]":
    """What was said at each origin."""
    from salesledger.forecast.backtest import backtest
    from salesledger.forecast.feed import Feed
    from salesledger.forecast.registry import build

    bar = progress("Replaying the past, origin by origin")
    total = len(plan.origins())

    def feed(last: "date") -> "Iterator[Week]":
        at = ledger.moment(last, end_of_day=True)
        assert at is not None
        found = Feed.open(ledger.engine, at)
        return iter(()) if found is None else found.weeks()

    told: list[Told] = []
    runs = backtest(plan, feed, lambda names: build(names, plan.interval, range(max(1, *plan.offsets) + 1)))
    for done, said in enumerate(runs, 1):
        told += said
        if bar:
            bar(done, total)
    return told


def _sorted(told: "list[Told]", plan: "Plan") -> "list[Told]":
    place = {name: i for i, name in enumerate(plan.models)}
    return sorted(told, key=lambda each: (each.origin, each.span.begin, place[each.model]))


def _actuals(ledger: "Ledger", told: "Sequence[Told]", at: "datetime") -> "Mapping[str, Decimal]":
    from salesledger.forecast.backtest import actuals

    return actuals(ledger.engine, [*{each.span.label: each.span for each in told}.values()], at)


def _row(told: "Told", booked: "Mapping[str, Decimal]", currency: str | None) -> dict[str, object]:
    return told.row() | {"actual": booked.get(told.span.label), "currency": currency}


def _scores(told: "Sequence[Told]", booked: "Mapping[str, Decimal]", plan: "Plan", by: str) -> Rows:
    """The scores, as shares."""
    from salesledger.forecast.summary import SCORES, SKILLS, by_model, by_weeks

    if by == "weeks":
        rows, columns = by_weeks(told, booked, plan.models), ["model", "weeks_left", *SCORES]
    else:
        rows, columns = by_model(told, booked, plan.models), ["model", "ahead", *SCORES, *SKILLS]
    whole = {"ahead", "weeks_left", "forecasts", "periods"}
    types = ["VARCHAR" if name == "model" else "BIGINT" if name in whole else "DOUBLE" for name in columns]
    return Rows(columns, types, [tuple(row[name] for name in columns) for row in rows])


def _notes(told: "Sequence[Told]", booked: "Mapping[str, Decimal]") -> tuple[str, ...]:
    over = {each.span.label for each in told if each.span.label in booked}
    return (
        (f"Scored: {len(over)} periods that are over, as known now.",)
        if over
        else ("No period is over yet: nothing is scored.",)
    )
