"""The command that forecasts: what will be booked, what it is made of, and how sure it is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.escape import safe_text
from salesledger.cli.layout import fitted
from salesledger.cli.main import Answering
from salesledger.cli.options import INTERVALS, Whole, opened, printing, progress, terminal_width
from salesledger.cli.render import Rows, format_for, render, write
from salesledger.cli.target import call_command
from salesledger.errors import BadPeriod, Refused, UsageError

if TYPE_CHECKING:
    from datetime import date, datetime

    from salesledger.api import Ledger
    from salesledger.forecast.ask import Asked
    from salesledger.forecast.week import Span
    from salesledger.readmodel.periods import Interval

FURTHEST = 12
"""How many periods ahead may be asked about."""

_TYPES = {"horizon_days": "BIGINT", "won_deals": "BIGINT", "open_deals": "BIGINT", "origin": "DATE"}
_TEXTS = ("period", "model", "currency", "note", "group")
_SHARES = ("noise_floor", "quota_chance")
_UNSHOWN = ("model", "origin", "note", "renewals_due", "renewals_expected")
_EXPENDABLE = ("lo-95", "hi-95", "one_off", "recurring", "noise_floor", "median", "horizon_days", "new", "open", "gap")


def forecasting(command: Any) -> Any:
    """Add the options of what is forecast: the model, the kind of period, the date."""
    for flag, interval in reversed(INTERVALS.items()):
        if interval != "day":
            name = {"week": "weeks", "month": "months", "quarter": "quarters", "year": "years"}[interval]
            told = "  [default]" if interval == "quarter" else ""
            command = click.option(
                flag, f"--{name}", "interval", flag_value=interval, default=None, help=f"Forecast {name}.{told}"
            )(command)
    return command


@click.command("forecast")
@click.option(
    "-p", "--period", metavar="PERIOD", help="Such as 2026Q3 or 'next month'.  [default: this one and the next]"
)
@forecasting
@click.option("--as-of", metavar="DATE", help="As it would have been at the end of this day.  [default: today]")
@click.option("--upto", type=Whole(min=1), metavar="ENTRY", help="Look at nothing behind this entry.")
@click.option("--known-at", metavar="DATE", hidden=True, help="Refused: what is known later is never looked at.")
@click.option("--model", metavar="MODEL", help="The model.  [default: what has scored best on this ledger]")
@printing
@click.pass_context
def own_command(ctx: click.Context, /, known_at: str | None, **values: Any) -> None:
    """What will be booked, and how sure that is.

    A distribution of the bookings of this and the next quarter, or of any later period, made of what was known at the day.
    'forecast call' records what somebody says instead.
    """
    if known_at is not None:
        raise UsageError("A forecast knows what was known at its own day, and nothing later: give --as-of alone.")
    format_, output = values.pop("format_"), values.pop("output")
    with opened(ctx) as ledger:
        at, on = end_of(ledger, values["as_of"])
        interval, furthest, wanted = _periods(ledger, values["period"], values["interval"], on)
        asked, model = _ask(ledger, at, values["model"], interval, furthest, values["upto"])
        spans = [span for span in asked.said.spans if span.offset in wanted]
        rows = _rows(ledger, asked, model, spans, at, values["upto"])
        _print(ledger, rows, format_for(format_, output), output, f"Forecast as of the end of {on}, by {model}")


forecast_command = Answering(own_command)
forecast_command.add_command(call_command)


def end_of(ledger: "Ledger", as_of: str | None) -> "tuple[datetime, date]":
    """The end of the day that a person means, today where none, and that day.

    Raises:
        BadDate: it is no day.
    """
    on = ledger.today if as_of is None else ledger.day(as_of)
    at = ledger.moment(on, end_of_day=True)
    assert at is not None
    return at, on


def _periods(
    ledger: "Ledger", period: str | None, interval: "Interval | None", on: "date"
) -> "tuple[Interval, int, range]":
    """The kind of period, the last that is asked about, and which are shown, counted from the day's own.

    Raises:
        BadPeriod: it is no period of that kind.
        UsageError: it is over, or too far ahead.
    """
    from salesledger.forecast.backtest import span_of
    from salesledger.readmodel.periods import parse_period

    if period is None:
        return interval or "quarter", 1, range(2)
    days, every = parse_period(period, ledger.today)
    kinds: tuple[Interval, ...] = ("quarter", "month", "year", "week")
    for kind in (interval,) if interval else kinds:
        span = None if every else span_of(days, kind, on)
        if span is not None and span.offset < 0:
            raise UsageError(f"{span.label} was over on {on}. Ask for it as of an earlier day, with --as-of.")
        if span is not None and span.offset > FURTHEST:
            raise UsageError(f"{span.label} is more than {FURTHEST} {kind}s ahead of {on}. Ask for a nearer one.")
        if span is not None:
            return kind, span.offset, range(span.offset, span.offset + 1)
    raise BadPeriod(period, f"one {interval or 'week, month, quarter or year'} is needed here")


def _ask(
    ledger: "Ledger", at: "datetime", model: str | None, interval: "Interval", furthest: int, upto: int | None
) -> "tuple[Asked, str]":
    """What the model said.

    Raises:
        Refused: nothing was known by then.
        BadValue: there is no such model.
    """
    from salesledger.forecast.ask import ask
    from salesledger.forecast.registry import DEFAULT

    name = model or DEFAULT
    asked = ask(
        ledger.engine, at, [name], interval, furthest, upto=upto, progress=progress("Replaying the past, week by week")
    )
    if asked is None:
        raise Refused(
            "There is nothing to forecast from: no lead was known by then. Record leads, or ask for a later day."
        )
    return asked, name


def _rows(
    ledger: "Ledger", asked: "Asked", model: str, spans: "Sequence[Span]", at: "datetime", upto: int | None
) -> list[dict[str, object]]:
    from salesledger.forecast.ask import facts
    from salesledger.forecast.figures import row_of
    from salesledger.forecast.rows import told_in

    known = facts(ledger.engine, at, spans, upto)
    told = [told for told in told_in(asked.said, [model]) if told.span in spans]
    return [row_of(each, known[each.span.label], asked, ledger.head.currency) for each in told]


def as_rows(rows: Sequence[dict[str, object]], columns: Sequence[str]) -> Rows:
    """Rows by key as rows to print."""
    types = [
        _TYPES.get(name) or ("VARCHAR" if name in _TEXTS else "DOUBLE" if name in _SHARES else "DECIMAL(38, 2)")
        for name in columns
    ]
    return Rows(list(columns), types, [tuple(row.get(name) for name in columns) for row in rows])


def _print(ledger: "Ledger", rows: list[dict[str, object]], format_: str, output: str | None, title: str) -> None:
    from salesledger.forecast.figures import COLUMNS

    if format_ not in ("table", "md"):
        write(render(as_rows(rows, COLUMNS), format_, zone=ledger.zone), output)
        return
    shown = as_rows(
        rows, [name for name in COLUMNS if name not in ("model", "origin", "note", "renewals_due", "renewals_expected")]
    )
    width = terminal_width(output)
    left_out: list[str] = []
    if width is not None and format_ == "table":
        shown, left_out = fitted(shown, width, _EXPENDABLE, zone=ledger.zone)
    notes = list(dict.fromkeys(f"{row['period']}: {row['note']}." for row in rows if row["note"]))
    if left_out:
        notes.append(f"Left out for want of room: {', '.join(left_out)} (-O json has everything).")
    text = render(shown, format_, zone=ledger.zone, title=safe_text(title), notes=notes, width=width)
    write(text, output)
