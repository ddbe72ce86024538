"""Commands that show how the process is really walked: map, and falling."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.options import dated, filtered, interval_flag, opened, periodic, printing, split_by
from salesledger.cli.render import format_for, is_picture, write
from salesledger.cli.reports import print_split, refuse_periods_as_filters
from salesledger.errors import BadPeriod, UsageError
from salesledger.shown.reports import counted, for_people, to_rows, when
from salesledger.shown.tables import MAP, Table

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.readmodel.engine import Answer, Question
    from salesledger.readmodel.periods import Period

FALLING = Table(
    (
        "period",
        "group",
        "process",
        "stage",
        "entered",
        "advanced",
        "step_ratio",
        "lowest_ratio",
        "highest_ratio",
        "past_periods",
        "followed_days",
    ),
    expendable=("followed_days", "past_periods", "highest_ratio", "process"),
    if_mixed=("process",),
)

DEVIATIONS = {"skip": "skipped", "back": "went back", "reopen": "reopened", "undefined": "undefined"}


@click.command("map")
@click.argument("words", nargs=-1, metavar="[PROCESS] [FILTER]...")
@periodic
@dated
@printing
@click.pass_context
def map_command(ctx: click.Context, /, words: tuple[str, ...], **values: Any) -> None:
    """The process as it is really walked.

    The steps between stages, how long each takes, what is lost by it, and how it differs from the defined order. With a period,
    of the leads captured in it. '-o map.svg' draws it.
    """
    format_, output = values.pop("format_"), values.pop("output")
    drawn = is_picture(format_, output)
    wanted, filters = _process_and_filters(words)
    with opened(ctx) as ledger:
        process = None if wanted is None else ledger.find("process", wanted)
        question = ledger.question(filters=filters, **values)
        sql = "SELECT * FROM process_map" + ("" if process is None else " WHERE $process IN (process, to_process)")
        answer = ledger.engine.ask(sql, question, {} if process is None else {"process": process})
        _check_columns(ledger, "process_map", answer)
        title = f"The process as walked, {when(ledger, question)}"
        if drawn:
            if len({row["period"] for row in answer.dicts()}) > 1:
                raise UsageError(
                    "A picture shows one period. Leave the interval out, or name a table's format with -O."
                )
            from salesledger.charts.process_map import draw_map

            write(draw_map(answer.dicts(), _defined(ledger), title, str(output), process), output)
            return
        _print(ledger, answer, question, MAP, title, _map_notes(ledger, answer), format_=format_, output=output)


def _check_columns(ledger: "Ledger", name: str, answer: "Answer") -> None:
    """Refuse a projection of the user's that has other columns than the shipped one.

    Raises:
        UsageError: it lacks one that is read here.
    """
    missing = [column for column in ledger.engine.shipped_columns(name) if column not in answer.columns]
    if missing:
        raise UsageError(
            f"Your own projection {name!r} lacks {', '.join(missing)}, which this report reads. Add that to it, or ask "
            f"'salesledger show {name}'."
        )


def _process_and_filters(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    named = words[:1] if words and ":" not in words[0] else ()
    filters = words[len(named) :]
    refuse_periods_as_filters(words)
    return (named[0] if named else None), filters


def _defined(ledger: "Ledger") -> dict[str, list[str]]:
    """The stages of the newest version of each process, in order."""
    newest: dict[str, tuple[int, list[str]]] = {}
    for process, version, stage, *_ in sorted(ledger.head.stages, key=lambda row: (row[0], row[1], row[3])):
        if process not in newest or newest[process][0] != version:
            newest[process] = (version, [])
        newest[process][1].append(stage)
    return {process: stages for process, (_, stages) in newest.items()}


def _map_notes(ledger: "Ledger", answer: "Answer") -> list[str]:
    rows = answer.dicts()
    defined = _defined(ledger)
    notes = [
        f"Defined order of {process}, in its newest version: {' > '.join(defined[process])}."
        for process in dict.fromkeys(row["process"] for row in rows)
        if process in defined
    ]
    times = {kind: sum(row["times"] for row in rows if row["kind"] == kind) for kind in DEVIATIONS}
    told = [f"{count} {DEVIATIONS[kind]}" for kind, count in times.items() if count]
    if early := _won_early(ledger, rows):
        told.append(f"{early} won before the last stage")
    if rows:
        notes.append(f"Steps off that order: {', '.join(told)}." if told else "No step was off that order.")
    return notes


def _won_early(ledger: "Ledger", rows: list[dict[str, Any]]) -> int:
    """How often a deal was won from a stage that is the last one in no version of its process."""
    last = {(process, version): stage for process, version, stage, *_ in ledger.head.stages}
    final = {(process, stage) for (process, _), stage in last.items()}
    return sum(
        row["times"]
        for row in rows
        if (row["kind"], row["to_stage"]) == ("close", "won") and (row["process"], row["from_stage"]) not in final
    )


@click.command("falling")
@filtered
@interval_flag("-M", "monthly", "month", "Compare months.")
@interval_flag("-Q", "quarterly", "quarter", "Compare quarters.  [default]")
@click.option(
    "-p", "--period", metavar="PERIOD", help="The quarter or month to look at.  [default: the last that is over]"
)
@dated
@split_by
@printing
@click.pass_context
def falling_command(
    ctx: click.Context, /, interval: str | None, period: str | None, filters: tuple[str, ...], **values: Any
) -> None:
    """Steps that fewer deals get past than in the past year.

    A step falls where the share of leads that get past a stage is lower than in every quarter (or month) of the year before, all
    followed equally long. Fewer than 20 leads say nothing, nor do fewer than three past periods.
    """
    format_, output = values.pop("format_"), values.pop("output")
    refuse_periods_as_filters(filters)
    with opened(ctx) as ledger:
        question = ledger.question(filters=filters, **values)
        compared = _compared(ledger, question, period, interval or "quarter")
        question = replace(question, periods=compared)
        every = ledger.engine.ask("SELECT * FROM step_ratios", question)
        _check_columns(ledger, "step_ratios", every)
        last = [row for row in every.dicts() if row["period"] == compared[-1].label]
        place = every.columns.index
        kept = [r for r in every.rows if r[place("period")] == compared[-1].label and r[place("falling")]]
        answer = replace(every, rows=kept)
        title = f"Steps that fell in {compared[-1].label}, {when(ledger, question)}"
        _print(ledger, answer, question, FALLING, title, [_judged(last)], format_=format_, output=output)


def _compared(ledger: "Ledger", question: "Question", period: str | None, interval: str) -> "list[Period]":
    """The period to look at, behind those of the year before it.

    Raises:
        BadPeriod: it is not one quarter (or month), or hasn't begun.
    """
    from datetime import timedelta

    from salesledger.readmodel.periods import Span, parse_period, split

    one_day, blink = timedelta(days=1), timedelta(microseconds=1)
    as_of = (question.as_of or ledger.head.now()).astimezone(ledger.zone)
    as_of_on = as_of.date()
    if period is None:
        after = (as_of + blink).date()  # the end of a quarter's last day is the end of the quarter
        (current,) = split(Span(after, after + one_day), interval)
        (last,) = split(Span(current.begin - one_day, current.begin), interval)
    else:
        span, every = parse_period(period, ledger.today)
        found = split(span, interval) if span.begin and span.end and every is None else []
        if len(found) != 1 or (found[0].begin, found[0].end) != (span.begin, span.end):
            raise BadPeriod(period, f"one {interval} is needed here")
        last = found[0]
    if last.begin > as_of_on:
        raise BadPeriod(last.label, f"it begins after {as_of_on}, the day asked about")
    return split(Span(last.begin.replace(year=last.begin.year - 1), last.end), interval)


def _judged(rows: list[dict[str, Any]]) -> str:
    """What the table leaves out: how many steps were looked at, and how many could not be judged."""
    fell = sum(row["falling"] for row in rows)
    judged = sum(row["entered"] >= 20 and row["past_periods"] >= 3 for row in rows)
    told = f"{counted(fell, 'step')} of {judged} fell." if fell else f"None of {counted(judged, 'step')} fell."
    few = "too few leads now or in the past year"
    if not judged:
        return f"No step can be judged: {few}."
    return told + (f" {counted(len(rows) - judged, 'step')} can't be judged: {few}." if len(rows) > judged else "")


def _print(
    ledger: "Ledger",
    answer: "Answer",
    question: "Question",
    table: Table,
    title: str,
    notes: list[str],
    *,
    format_: str | None,
    output: str | None,
) -> None:
    rows, headers = to_rows(answer), {}
    if format_for(format_, output) in ("table", "md"):
        rows, headers = for_people(rows, table, question), dict(table.headers)
    print_split(ledger, rows, table, question.by, headers, title=title, notes=notes, format_=format_, output=output)
