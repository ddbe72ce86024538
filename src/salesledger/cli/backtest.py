"""The command that replays: what each model would have forecast at past dates, beside what came to be, and the scores."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.forecast import end_of, forecasting
from salesledger.cli.forecast_screen import as_rows
from salesledger.cli.options import by_one_of, emit, opened, printing, progress
from salesledger.cli.render import format_for, is_picture, write
from salesledger.errors import BadValue
from salesledger.shown.reports import counted
from salesledger.shown.values import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from salesledger.api import Ledger
    from salesledger.forecast.backtest import Plan
    from salesledger.forecast.resume import Done
    from salesledger.forecast.rows import Told

STEPS = ("day", "week", "month", "quarter")
MOST_AHEAD = 12
PICTURES = ("fan", "error", "coverage", "calibration")

ROW = (
    *("model", "origin", "period", "horizon_days", "actual", "mean", "lo-95", "lo-80", "median", "hi-80", "hi-95"),
    *("currency", "note"),
)
"""The keys of a row, in order."""

_WHOLE = ("ahead", "weeks_left", "forecasts", "periods", "deals", "won_deals")
_THREE_DIGITS = ("brier", "log_loss", "auc", "slope")
_EXPENDABLE = (
    "pinball",
    "coverage_95_se",
    "coverage_80_se",
    "periods",
    "seasonal_naive_skill",
    "wape",
    "coverage_95",
    "forecasts",
)


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
@by_one_of(
    ("model", "weeks", "deals", "chances"),
    "Scores by model, or by weeks to the end too; scores of the chances of deals, or those by tenths.",
)
@click.option(
    "--picture", type=click.Choice(PICTURES), help="With -o FILE.svg, .png or .html: only this one.  [default: all]"
)
@click.option("--known-at", metavar="DATE", help="Score by what was known by the end of this day.  [default: today]")
@printing
@click.pass_context
def backtest_command(ctx: click.Context, /, **values: Any) -> None:
    """What each model would have forecast, scored.

    At each origin the models see what was known at its end and nothing later; 'forecast --as-of' of that day says the same. A
    table has the scores of each model; the other formats have a row a model, origin and period, with --by the scores. Stopped with
    Ctrl-C it tells what is done, and goes on there when it is run again.
    """
    format_, output, by = values["format_"], values["output"], values["by"]
    drawn = is_picture(format_, output)
    chosen = "table" if drawn else format_for(format_, output)
    with opened(ctx) as ledger:
        at, _ = end_of(ledger, values["known_at"])
        plan = _plan(ledger, at, values)
        done, is_whole = _replayed(ledger, plan, deals=drawn or by in ("deals", "chances"))
        told = _sorted(done.told, plan)
        booked = _actuals(ledger, told, at)
        title = f"Backtest of {counted(len({each.origin for each in told}), 'origin')}, a {plan.step} apart"
        if drawn:
            write(_picture(ledger, done, told, booked, plan, at, title, values["picture"], str(output)), output)
        else:
            shown = chosen in ("table", "md")
            rows = _rows(ledger, done, told, booked, plan, at, by or ("model" if shown else None))
            rows = _rounded(rows) if shown else rows
            notes = _notes(told, booked, plan, chosen)
            if not is_whole:
                notes = (*notes, "Stopped before the last origin; the same command goes on from here.")
            emit(rows, ledger, format_=chosen, output=output, title=title, notes=notes, expendable=_EXPENDABLE)
    if not is_whole:
        raise KeyboardInterrupt


def _plan(ledger: "Ledger", at: "datetime", values: dict[str, Any]) -> "Plan":
    """What is to be done.

    Raises:
        BadPeriod, BadDate, BadValue: what it says.
        UsageError: there is no day to ask at, or it lies behind what is known.
        Refused: no lead was ever captured.
    """
    from salesledger.forecast.backtest import plan_of
    from salesledger.forecast.registry import MODELS, build

    offsets = _offsets(values["horizons"])
    begin, end = ledger.days(values["period"], values["begin"], values["end"])
    names = tuple(dict.fromkeys(name.strip() for name in (values["models"] or ",".join(MODELS)).split(",")))
    build(names)
    return plan_of(ledger.engine, at, names, begin, end, values["step"], values["interval"] or "quarter", offsets)


def _offsets(text: str) -> tuple[int, ...]:
    try:
        offsets = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        offsets = ()
    if not offsets or offsets[0] < 0 or offsets[-1] > MOST_AHEAD:
        raise BadValue(f"{text!r} are no horizons; write numbers from 0 to {MOST_AHEAD}, such as 0,1.")
    return offsets


def _replayed(ledger: "Ledger", plan: "Plan", *, deals: bool) -> "tuple[Done, bool]":
    """What was said at each origin, and whether at all of them: Ctrl-C stops it after the next one."""
    from salesledger.forecast.resume import Shelf, resumed

    bar = progress("Replaying the past, week by week")
    shelf = Shelf.of(ledger.path, ledger.head, (plan, deals))
    with _stoppable() as is_stopped:
        return resumed(ledger.engine, plan, shelf, deals=deals, progress=bar, is_stopped=is_stopped)


@contextmanager
def _stoppable() -> "Iterator[Callable[[], bool]]":
    """Have the first Ctrl-C only be noted; the second ends the program as ever."""
    import signal

    stopped = False

    def noted(_signal: int, _frame: object) -> None:
        nonlocal stopped
        stopped = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, noted)
    try:
        yield lambda: stopped
    finally:
        signal.signal(signal.SIGINT, before)


def _sorted(told: "list[Told]", plan: "Plan") -> "list[Told]":
    place = {name: i for i, name in enumerate(plan.models)}
    return sorted(told, key=lambda each: (each.origin, each.span.begin, place[each.model]))


def _actuals(ledger: "Ledger", told: "Sequence[Told]", at: "datetime") -> "Mapping[str, Decimal]":
    from salesledger.forecast.backtest import actuals

    return actuals(ledger.engine, [*{each.span.label: each.span for each in told}.values()], at)


def _row(told: "Told", booked: "Mapping[str, Decimal]", currency: str | None) -> dict[str, object]:
    return told.row() | {"actual": booked.get(told.span.label), "currency": currency}


def _rows(
    ledger: "Ledger",
    done: "Done",
    told: "Sequence[Told]",
    booked: "Mapping[str, Decimal]",
    plan: "Plan",
    at: "datetime",
    by: str | None,
) -> Rows:
    """What is asked for: rows as they were said, or scores."""
    from salesledger.forecast.summary import SCORES, SKILLS, by_model, by_weeks

    match by:
        case None:
            return as_rows([_row(each, booked, ledger.head.currency) for each in told], ROW)
        case "weeks":
            return _scored(by_weeks(told, booked, plan.models), ("model", "weeks_left", *SCORES))
        case "model":
            return _scored(by_model(told, booked, plan.models), ("model", "ahead", *SCORES, *SKILLS))
        case _:
            deals, tenths = _chances(ledger, done, told, at)
            if by == "deals":
                return _scored(deals, ("model", "deals", "won_deals", "brier", "log_loss", "auc", "slope"))
            return _scored(tenths, ("model", "lowest_chance", "highest_chance", "deals", "expected_share", "won_share"))


def _scored(rows: "Sequence[Mapping[str, object]]", columns: Sequence[str]) -> Rows:
    types = ["VARCHAR" if name == "model" else "BIGINT" if name in _WHOLE else "DOUBLE" for name in columns]
    return Rows(list(columns), types, [tuple(row[name] for name in columns) for row in rows])


def _rounded(rows: Rows) -> Rows:
    """Scores that are no shares with three digits."""
    from decimal import Decimal

    places = [place for place, name in enumerate(rows.columns) if name in _THREE_DIGITS]
    types = ["DECIMAL(9, 3)" if place in places else kind for place, kind in enumerate(rows.types)]
    cells = [
        tuple(
            Decimal(f"{cell:.3f}") if place in places and cell is not None else cell for place, cell in enumerate(row)
        )
        for row in rows.rows
    ]
    return Rows(rows.columns, types, cells)


def _chances(
    ledger: "Ledger", done: "Done", told: "Sequence[Told]", at: "datetime"
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """The scores of deals' chances, and what became of them by tenths; a row a model, and a row a model and tenth."""
    from salesledger.forecast.chances import score_chances, won_deals

    spans = {each.span.label: each.span for each in told}
    scores = score_chances(done.chances, won_deals(ledger.engine, spans.values(), at))
    deals: list[dict[str, object]] = [
        {
            "model": model,
            "deals": found.deals,
            "won_deals": found.won,
            "brier": found.brier,
            "log_loss": found.log_loss,
            "auc": found.auc,
            "slope": found.slope,
        }
        for model, found in scores.items()
    ]
    tenths: list[dict[str, object]] = [
        {
            "model": model,
            "lowest_chance": line.lowest,
            "highest_chance": line.highest,
            "deals": line.deals,
            "expected_share": line.expected,
            "won_share": line.won,
        }
        for model, found in scores.items()
        for line in found.table
    ]
    return deals, tenths


def _picture(
    ledger: "Ledger",
    done: "Done",
    told: "Sequence[Told]",
    booked: "Mapping[str, Decimal]",
    plan: "Plan",
    at: "datetime",
    title: str,
    picture: str | None,
    file: str,
) -> bytes:
    from salesledger.charts.backtest import draw_backtest
    from salesledger.forecast.registry import DEFAULT
    from salesledger.forecast.summary import by_weeks

    fanned = DEFAULT if DEFAULT in plan.models else plan.models[-1]
    fans = [_row(each, booked, ledger.head.currency) for each in told if each.model == fanned and each.span.offset == 0]
    weeks = by_weeks(told, booked, plan.models)
    return draw_backtest(file, title, picture, fans=fans, by_weeks=weeks, chances=_chances(ledger, done, told, at)[1])


def _notes(told: "Sequence[Told]", booked: "Mapping[str, Decimal]", plan: "Plan", format_: str) -> tuple[str, ...]:
    """How much was scored, and each model's error by weeks to the end as a line of bars."""
    over = {each.span.label for each in told if each.span.label in booked}
    if not over:
        return ("No period is over yet: nothing is scored.",)
    notes = [f"Scored: {counted(len(over), 'period')} that {'is' if len(over) == 1 else 'are'} over."]
    if format_ == "table":
        from salesledger.forecast.summary import by_weeks

        notes += _sparklines(by_weeks(told, booked, plan.models))
    return tuple(notes)


def _sparklines(rows: "Sequence[Mapping[str, Any]]") -> list[str]:
    """A line a model: its CRPS from far away to the end; a full bar is the largest of those that give intervals."""
    spread = [row["crps"] for row in rows if row["crps"] is not None and row["coverage_80"] is not None]
    weeks = sorted({row["weeks_left"] for row in rows}, reverse=True)
    if not any(spread) or len(weeks) < 2:
        return []
    top, names = sorted(spread)[int(0.9 * (len(spread) - 1))], list(dict.fromkeys(row["model"] for row in rows))
    told = {(row["model"], row["weeks_left"]): row["crps"] for row in rows}
    wide = max(map(len, names))
    lines = [f"CRPS from {weeks[0]} weeks before the end to {weeks[-1]}; a full bar is {top:.0%} or more:"]
    for name in names:
        found = [told.get((name, left)) for left in weeks]
        lines.append(f"{name:<{wide}}  {''.join(_bar(crps, top) for crps in found)}")
    return lines


def _bar(value: float | None, top: float) -> str:
    return " " if value is None else "▁▂▃▄▅▆▇█"[min(int(8 * value / top), 7)]
