"""The command that forecasts: what will be booked, what it is made of, how sure it is; and what will become of one deal."""

from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.main import Answering
from salesledger.cli.options import INTERVALS, Whole, by_one_of, completing, interval_flag, opened, printing, progress
from salesledger.cli.render import format_for, is_picture
from salesledger.cli.target import call_command
from salesledger.errors import NOTHING_RECORDED, BadPeriod, Refused, SalesledgerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from salesledger.api import Ledger
    from salesledger.forecast.ask import Asked
    from salesledger.forecast.rows import Told
    from salesledger.readmodel.periods import Interval

FURTHEST = 12
"""How many periods ahead may be asked about."""

DIMENSIONS = ("owner", "team", "source", "product", "segment", "deal")


def forecasting(command: Any) -> Any:
    """Add the options that say which kind of period is forecast."""
    for flag, interval in reversed(INTERVALS.items()):
        if interval != "day":
            told = "  [default]" if interval == "quarter" else ""
            command = interval_flag(flag, f"{interval}s", interval, f"Forecast {interval}s.{told}")(command)
    return command


@click.command("forecast")
@click.argument("deal", required=False, shell_complete=completing("deal"))
@click.option(
    "-p", "--period", metavar="PERIOD", help="Such as 2026Q3 or 'next month'.  [default: this one and the next]"
)
@forecasting
@click.option("--as-of", metavar="DATE", help="As it would have been at the end of this day.  [default: today]")
@click.option("--upto", type=Whole(min=1), metavar="ENTRY", help="Look at nothing behind this entry.")
@click.option("--known-at", metavar="DATE", hidden=True, help="Refused: what is known later is never looked at.")
@click.option("--model", metavar="MODEL", help="The model.  [default: best, which has scored best on this ledger]")
@by_one_of(DIMENSIONS, "Divide it by this.")
@click.option("--issue", is_flag=True, help="Put it on record, so that it is scored once its period is over.")
@click.option("--actor", metavar="WHO", help="Who issues it.  [default: $SALESLEDGER_ACTOR, else your login name]")
@printing
@click.pass_context
def own_command(ctx: click.Context, /, **values: Any) -> None:
    """What will be booked, and how sure that is.

    A distribution of the bookings of this and the next quarter, or of any later period, made of what was known at the day; with
    DEAL, the chance that this deal is won. 'forecast call' records what somebody says instead.
    """
    _check(values)
    _check_picture(values)
    output = values["output"]
    drawn = is_picture(values["format_"], output)
    format_ = "table" if drawn else format_for(values["format_"], output)
    try:
        with opened(ctx, values["actor"]) as ledger:
            at, on = end_of(ledger, values["as_of"])
            if values["deal"] is not None:
                from salesledger.cli.outlook import show_outlook

                deal = ledger.find("deal", values["deal"])
                asked = ask_models(ledger, at, (), "week", 0, values["upto"])
                show_outlook(ledger, asked, deal, on, format_, output)
                return
            interval, furthest, wanted = _periods(ledger, values["period"], values["interval"], on)
            model = values["model"] or "best"
            if drawn:
                from salesledger.cli.fan import draw_fan

                draw_fan(ledger, model, interval, wanted.start, at, on, str(output))
                return
            asked = ask_models(ledger, at, [model], interval, furthest, values["upto"])
            told = _told(asked, model, wanted)
            entries = _issue(ledger, told, on) if values["issue"] else []
            from salesledger.cli.forecast_screen import show_forecast

            show_forecast(
                ledger,
                asked,
                told,
                at,
                values["upto"],
                by=values["by"],
                entries=entries,
                format_=format_,
                output=output,
            )
    except SalesledgerError as e:
        raise (e.also(NOTHING_RECORDED) if values["issue"] else e) from None


forecast_command = Answering(own_command)
forecast_command.add_command(call_command)


def _check(values: dict[str, Any]) -> None:
    """Refuse what doesn't go together.

    Raises:
        UsageError: with what to leave out.
    """
    if values["known_at"] is not None:
        raise UsageError("A forecast knows what was known at its own day, and nothing later: give --as-of alone.")
    if values["deal"] is not None:
        for name, option in (("period", "-p"), ("interval", "-W, -M, -Q and -Y"), ("by", "--by"), ("model", "--model")):
            if values[name] is not None:
                raise UsageError(
                    f"The chance of one deal is told week by week, by the model 'hazard': leave out {option}."
                )
        if values["issue"]:
            raise UsageError(f"What is issued is of the whole business: leave out the deal. {NOTHING_RECORDED}")
    if values["issue"] and (values["as_of"] is not None or values["upto"] is not None):
        raise UsageError(
            f"Only what is forecast now, of all that is known, can be issued: leave out --as-of and --upto. {NOTHING_RECORDED}"
        )


def _check_picture(values: dict[str, Any]) -> None:
    """Refuse what a picture can't show.

    Raises:
        UsageError: with what to leave out.
    """
    if not is_picture(values["format_"], values["output"]):
        return
    for name, option in (("deal", "the deal"), ("by", "--by"), ("issue", "--issue"), ("upto", "--upto")):
        if values[name]:
            raise UsageError(
                f"A picture shows what was forecast week by week: leave out {option}, or end the file in .csv or .json."
            )


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


def ask_models(
    ledger: "Ledger", at: "datetime", names: "Sequence[str]", interval: "Interval", furthest: int, upto: int | None
) -> "Asked":
    """What models say at an instant, with a progress bar.

    Raises:
        Refused: nothing was known by then.
        BadValue: there is no such model.
    """
    from salesledger.forecast.ask import ask

    bar = progress("Replaying the past, week by week")
    asked = ask(ledger.engine, at, list(dict.fromkeys(names)), interval, furthest, upto=upto, progress=bar)
    if asked is None:
        raise Refused(
            "There is nothing to forecast from: no lead was known by then. Record leads, or ask for a later day."
        )
    return asked


def _told(asked: "Asked", model: str, wanted: range) -> "list[Told]":
    from salesledger.forecast.rows import told_in

    return [told for told in told_in(asked.said, [model]) if told.span.offset in wanted]


def _issue(ledger: "Ledger", told: "Sequence[Told]", on: "date") -> list[int]:
    """Put forecasts on record, all of them or none.

    Returns:
        The entries.

    Raises:
        Refused: a model can't tell.
    """
    upto, proposals = ledger.head.last_entry, []
    for each in told:
        row = each.row()
        if row["mean"] is None:
            raise Refused(f"{each.span.label} can't be issued: {each.model} {row['note']}.")
        amounts: dict[str, Any] = {
            name.replace("-", "_"): row[name] for name in ("mean", "lo-95", "lo-80", "median", "hi-80", "hi-95")
        }
        proposals.append(
            ledger.proposal(
                "forecast-issued",
                model=each.model,
                begins_on=each.span.begin,
                ends_on=each.span.end,
                origin=on,
                upto=upto,
                currency=ledger.head.currency,
                **amounts,
            )
        )
    return [outcome.recorded[0].entry for outcome in ledger.record_all([proposals])[0]]
