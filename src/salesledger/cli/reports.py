"""Commands that report: pipeline, deals, leads, metrics, funnel, blocked, bookings, attainment, diff."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.drawing import draw
from salesledger.cli.notes import (
    attainment_note,
    blocked_note,
    bookings_note,
    conversion_note,
    metrics_note,
    pipeline_note,
    unheard_of,
    walk_note,
)
from salesledger.cli.options import Whole, dated, emit, filtered, opened, periodic, printing, split_by
from salesledger.cli.render import format_for, is_picture
from salesledger.errors import BadDate, BadFilter, NotFound, UsageError
from salesledger.readmodel.plain import in_utc
from salesledger.shown.reports import for_people, narrowed, to_rows, when
from salesledger.shown.tables import (
    ATTAINMENT,
    BLOCKED,
    BOOKINGS,
    DEALS,
    FUNNEL,
    LEADS,
    METRICS,
    MOVES,
    PIPELINE,
    PIPELINE_BY_PERIOD,
    WALK,
    Table,
)
from salesledger.shown.values import Rows, chosen

if TYPE_CHECKING:
    from datetime import datetime

    from salesledger.api import Ledger
    from salesledger.readmodel.engine import Answer, Question


_JUDGED = re.compile(r"(not:)*judged:", re.IGNORECASE)


def report(
    ctx: click.Context,
    name: str,
    title: str,
    values: dict[str, Any],
    table: Table,
    note: Callable[["Answer"], Sequence[str]] | None = None,
    relation: Callable[["Ledger"], tuple[str, dict[str, object]]] | None = None,
    *,
    narrow: tuple[str, ...] = (),
    reach: Sequence[str] | None = None,
    split: str | None = None,
    chart: str | None = None,
) -> None:
    """Answer a report and print it.

    Args:
        ctx: the command's context.
        name: the projection.
        title: what a table is headed.
        values: the command's options.
        table: what a table shows.
        note: gives lines below a table.
        relation: gives a query to be read in the projection's place, of the same columns, and its parameters.
        narrow: filters that choose among the projection's own rows; the others choose among deals.
        reach: the types of events that periods without an end reach over; those of deals where absent.
        split: any column of `deals` that the table's own SELECT is split by, in the place of --by.
        chart: the chart that is drawn where the file's ending asks for a picture; see `charts.kinds`.
    """
    format_, output = values.pop("format_"), values.pop("output")
    own_filters = (*narrow, *values.pop("filters")) if table.own_filters else narrow
    if "period" in values:
        refuse_periods_as_filters(values.get("filters", own_filters))
    with opened(ctx) as ledger:
        question = ledger.question(**values, reach=reach)
        order = "" if ledger.engine.projections[name].own else table.order
        by = split or question.by
        is_split = bool(by and table.grouped)
        source, parameters = relation(ledger) if relation else (f'"{name}"', {})
        grouped = table.grouped.format(group=f'd."{by}"', relation=source)
        sql, more = narrowed(ledger, grouped if is_split else f"SELECT * FROM {source}{order}", question, own_filters)
        answer = ledger.engine.ask(sql, question, parameters | more)
        title = f"{title} {when(ledger, question)}"
        if chart and is_picture(format_, output):
            draw(chart, answer.dicts(), title, str(output))
            return
        rows, headers = to_rows(answer), {}
        # The user's own projection of that name may have other columns: it is then shown as it is.
        as_shipped = set(ledger.engine.shipped_columns(name)) <= set(answer.columns)
        if is_split and not question.periods:
            rows = chosen(rows, [column for column in rows.columns if column != "period"])
        notes = list(note(answer)) if note and as_shipped else []
        if as_shipped and format_for(format_, output) in ("table", "md"):
            rows, headers = for_people(rows, table, question), dict(table.headers)
        if (as_shipped or is_split) and format_for(format_, output) in ("table", "md"):
            notes += conversion_note(ledger, table.converted, question, rates=table.rates)
        if not answer.rows:
            notes += unheard_of(ledger, "deals", question.filters, question)
            notes += unheard_of(ledger, source, own_filters, question, parameters)
        print_split(ledger, rows, table, by, headers, title=title, notes=notes, format_=format_, output=output)


def print_split(
    ledger: "Ledger",
    rows: Rows,
    table: Table,
    by: str | None,
    headers: dict[str, str],
    *,
    title: str,
    notes: Sequence[str],
    format_: str | None,
    output: str | None,
) -> None:
    """Print a report: what it is split by heads that column, which is left out where it isn't split."""
    if by is None:
        rows = chosen(rows, [column for column in rows.columns if column != "group"])
    else:
        headers = {**headers, "group": by}
    emit(
        Rows([headers.get(column, column) for column in rows.columns], rows.types, rows.rows),
        ledger,
        format_=format_,
        output=output,
        title=title,
        notes=tuple(notes),
        expendable=[headers.get(column, column) for column in table.expendable],
    )


def refuse_periods_as_filters(filters: Sequence[str]) -> None:
    """A bare word is looked for in ids and names, so a period among the filters would silently give nothing."""
    from salesledger.readmodel.periods import parse_calendar

    for term in filters:
        try:
            parse_calendar(term)
        except BadDate:
            continue
        raise BadFilter(
            f"{term!r} is a period, not a filter: write '-p {term}', or 'company:{term}' for names that hold it."
        )


@click.command("pipeline")
@filtered
@periodic
@dated
@split_by
@printing
@click.pass_context
def pipeline_command(ctx: click.Context, /, **values: Any) -> None:
    """Open deals by stage, at any date, or at the end of each period."""
    if not any(values[name] for name in ("interval", "period", "begin", "end")):
        report(ctx, "pipeline", "Pipeline", values, PIPELINE, pipeline_note, chart="pipeline")
        return
    if values["filters"]:
        raise UsageError(
            f"The pipeline by period is that of all deals, and {values['filters'][0]!r} would choose among them; "
            "split it with --by, or ask for one date with --as-of."
        )
    report(ctx, "pipeline_by_period", "Pipeline at the end of each period", values, PIPELINE_BY_PERIOD)


@click.command("deals")
@filtered
@dated
@split_by
@printing
@click.option("--open/--all", "only_open", default=False, help="Only open ones, or all.  [default: all]")
@click.pass_context
def deals_command(ctx: click.Context, /, only_open: bool, **values: Any) -> None:
    """Every deal as it was at any date."""
    if not only_open:
        report(ctx, "deals", "Deals", values, DEALS)
        return
    values["filters"] = (*values["filters"], "status:=open")
    table = replace(DEALS, columns=tuple(name for name in DEALS.columns if name != "status"))
    report(ctx, "deals", "Open deals", values, table)


# Every lead judged anew by one version's criteria, in place of the version that was in force when it was captured.
_REJUDGED = """(
    SELECT l.* REPLACE (j.verdict AS judged, j.process || '/' || j.process_version AS judged_by)
    FROM leads l
    JOIN deals d ON d.deal = l.deal
    LEFT JOIN judgements j
        ON j.deal = l.deal AND j.process_version = $criteria_version AND j.process = coalesce($criteria_process, d.process)
)"""


@click.command("leads")
@filtered
@click.option(
    "--criteria",
    metavar="VERSION",
    help="Judge every lead by this version of its process, or by PROCESS/VERSION.  [default: as it was judged]",
)
@click.option("-b", "--begin", metavar="DATE", help="Captured from this day on.")
@click.option("-e", "--end", metavar="DATE", help="Captured before this day.")
@click.option("-p", "--period", metavar="PERIOD", help="Captured in it, such as 2026Q1 or 'last month'.")
@dated
@split_by
@printing
@click.pass_context
def leads_command(ctx: click.Context, /, criteria: str | None, **values: Any) -> None:
    """Every lead and what became of it."""
    refuse_periods_as_filters(values["filters"])
    span = [values.pop(name) for name in ("period", "begin", "end")]
    title = "Leads" + "".join(
        f" {how} {text}" for how, text in zip(("captured in", "from", "before"), span, strict=True) if text
    )
    table = replace(LEADS, order=" ORDER BY captured_at, deal") if criteria or any(span) else LEADS

    def captured(ledger: "Ledger", relation: str) -> str:
        first, last = ledger.instants(*span)
        within = [f"captured_at {sign} {_literal(at)}" for sign, at in ((">=", first), ("<", last)) if at is not None]
        return f"(SELECT * FROM {relation} WHERE {' AND '.join(within)})" if within else relation

    if criteria is None:
        report(ctx, "leads", title, values, table, relation=lambda ledger: (captured(ledger, "leads"), {}))
        return
    given: tuple[str, ...] = values["filters"]
    verdicts = tuple(term for term in given if _JUDGED.match(term))
    values["filters"] = tuple(term for term in given if term not in verdicts)

    def rejudged(ledger: "Ledger") -> tuple[str, dict[str, object]]:
        from salesledger.readmodel.filters import compile_filters

        asked = ledger.question(known_at=values["known_at"], upto=values["upto"])
        process, version = _criteria(ledger, criteria, asked)
        parameters: dict[str, object] = {"criteria_process": process, "criteria_version": version}
        condition, chosen_by = compile_filters(verdicts, {"judged": "VARCHAR"}, zone=ledger.zone)
        relation = captured(ledger, _REJUDGED)
        if not condition:
            return relation, parameters
        # The filters on deals number their parameters too.
        own = {name.replace("filter_", "verdict_"): value for name, value in chosen_by.items()}
        return f"(SELECT * FROM {relation} WHERE {condition.replace('$filter_', '$verdict_')})", parameters | own

    report(ctx, "leads", f"{title} judged by {criteria}", values, table, relation=rejudged)


def _literal(instant: "datetime") -> str:
    return f"TIMESTAMP '{in_utc(instant):%Y-%m-%d %H:%M:%S.%f}'"


def _criteria(ledger: "Ledger", text: str, question: "Question") -> tuple[str | None, int]:
    """The process, if one is named, and the version of '2' or 'b2b/2', of those that the question's clock lets it see.

    Raises:
        UsageError: it is neither.
        NotFound: there is no such version, or it has no criteria.
    """
    from salesledger.readmodel.bases import told_criteria

    name, slash, number = text.rpartition("/")
    if not re.fullmatch(r"[0-9]{1,9}", number) or (slash and not name):
        raise UsageError(f"{text!r} names no version; write its number, such as 2, or PROCESS/VERSION, such as b2b/2.")
    process, version = ledger.find("process", name) if slash else None, int(number)
    told = told_criteria(ledger.head, question.known_at, question.upto)
    having = [(c.process, c.process_version) for c in told]
    if any(v == version and process in (None, p) for p, v in having):
        return process, version
    known = ", ".join(dict.fromkeys(f"{p}/{v}" for p, v in having)) or "none yet"
    of = f"of the process {process!r}" if process else "of any process"
    asked = f" {when(ledger, question)}" if question.known_at or question.upto else ""
    raise NotFound(f"No version {version} {of} has criteria{asked}. Those that have: {known}.")


@click.command("metrics")
@filtered
@periodic
@dated
@split_by
@printing
@click.pass_context
def metrics_command(ctx: click.Context, /, **values: Any) -> None:
    """Leads, bookings, deal size, close ratio, lifetime."""
    report(ctx, "metrics", "Metrics", values, METRICS, metrics_note, chart="metrics")


@click.command("funnel")
@filtered
@periodic
@dated
@split_by
@printing
@click.pass_context
def funnel_command(ctx: click.Context, /, **values: Any) -> None:
    """How far the leads of a period have come."""
    report(ctx, "funnel", "Funnel of the leads captured in each period,", values, FUNNEL, chart="funnel")


@click.command("blocked")
@filtered
@dated
@split_by
@printing
@click.pass_context
def blocked_command(ctx: click.Context, /, **values: Any) -> None:
    """Deals that wait longer than usual."""
    report(ctx, "blocked", "Deals waiting longer than usual", values, BLOCKED, blocked_note)


@click.command("bookings")
@filtered
@periodic
@dated
@split_by
@printing
@click.pass_context
def bookings_command(ctx: click.Context, /, **values: Any) -> None:
    """Won deals and what they are worth."""
    report(ctx, "bookings", "Bookings", values, BOOKINGS, bookings_note)


@click.command("attainment")
@filtered
@periodic
@dated
@printing
@click.pass_context
def attainment_command(ctx: click.Context, /, **values: Any) -> None:
    """Targets and calls beside what was booked.

    Filters choose by its own columns: who:kim, scope:team, attainment:'<0.5'.
    """
    report(ctx, "attainment", "Attainment", values, ATTAINMENT, attainment_note, chart="attainment")


@click.command("diff")
@click.argument("since", metavar="A")
@click.argument("as_of", metavar="B")
@filtered
@click.option(
    "-p", "--period", metavar="PERIOD", help="Only what is expected to close in it, such as 2026Q1 or 'next month'."
)
@click.option("--known-at", metavar="DATE", help="Both with what was known by the end of this day.  [default: now]")
@click.option("--upto", type=Whole(min=1), metavar="ENTRY", help="Look at nothing behind this entry.")
@click.option("--deals/--lines", "each_deal", default=False, help="A row a deal, or a row a line.  [default: lines]")
@split_by
@printing
@click.pass_context
def diff_command(ctx: click.Context, /, each_deal: bool, **values: Any) -> None:
    """What moved the pipeline between two dates.

    The lines add up: the opening pipeline, at the end of day A, and all that came, changed and went make the closing one, at the
    end of day B.
    """
    within = f" of what is expected to close in {values['period']}," if values["period"] else ""
    if each_deal:
        report(ctx, "pipeline_moves", f"Pipeline deal by deal{within}", values, MOVES)
    else:
        report(ctx, "pipeline_walk", f"Pipeline{within}", values, WALK, walk_note, chart="walk")
