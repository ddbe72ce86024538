"""Commands that report: pipeline, deals, leads, metrics, funnel, blocked, bookings."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.layout import chosen
from salesledger.cli.options import dated, emit, filtered, opened, periodic, printing, split_by
from salesledger.cli.render import Rows, format_for, money
from salesledger.cli.tables import BLOCKED, BOOKINGS, DEALS, FUNNEL, LEADS, METRICS, PIPELINE, Table
from salesledger.errors import BadDate, BadFilter, NotFound, UsageError

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from salesledger.api import Ledger
    from salesledger.readmodel.engine import Answer, Question


_JUDGED = re.compile(r"(not:)*judged:", re.IGNORECASE)


def to_rows(answer: "Answer") -> Rows:
    """An answer as rows to print."""
    return Rows(answer.columns, answer.types, answer.rows)


def when(ledger: "Ledger", question: "Question") -> str:
    """The dates of a question, for a title."""

    def told(instant: "datetime") -> str:
        local = instant.astimezone(ledger.zone)
        if local.strftime("%H:%M:%S") == "23:59:59":
            return f"the end of {local:%Y-%m-%d}"
        return f"{local:%Y-%m-%d %H:%M}"

    as_of = "now" if question.as_of is None else told(question.as_of)
    known_at = "" if question.known_at is None else f", as known at {told(question.known_at)}"
    return f"as of {as_of}{known_at}" + (f", up to entry {question.upto}" if question.upto else "")


def counted(number: int, one: str, many: str | None = None) -> str:
    """'1 open deal', '2 open deals'."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def _report(
    ctx: click.Context,
    name: str,
    title: str,
    values: dict[str, Any],
    table: Table,
    note: Callable[["Answer"], Sequence[str]] | None = None,
    relation: Callable[["Ledger"], tuple[str, dict[str, object]]] | None = None,
    split: str | None = None,
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
        split: any column of `deals` that the table's own SELECT is split by, in the place of --by.
    """
    format_, output = values.pop("format_"), values.pop("output")
    if "period" in values:
        _refuse_periods_as_filters(values["filters"])
    with opened(ctx) as ledger:
        question = ledger.question(**values)
        order = "" if ledger.engine.projections[name].own else table.order
        by = split or question.by
        is_split = bool(by and table.grouped)
        source, parameters = relation(ledger) if relation else (f'"{name}"', {})
        grouped = table.grouped.format(group=f'd."{by}"', relation=source)
        answer = ledger.engine.ask(grouped if is_split else f"SELECT * FROM {source}{order}", question, parameters)
        rows, headers = to_rows(answer), {}
        # The user's own projection of that name may have other columns: it is then shown as it is.
        as_shipped = set(ledger.engine.shipped_columns(name)) <= set(answer.columns)
        if is_split and not question.periods:
            rows = chosen(rows, [column for column in rows.columns if column != "period"])
        if as_shipped and format_for(format_, output) in ("table", "md"):
            rows, headers = _for_people(rows, table, question), dict(table.headers)
        rows = chosen(rows, [column for column in rows.columns if column != "group" or by is not None])
        if by is not None:
            headers["group"] = by
        emit(
            Rows([headers.get(column, column) for column in rows.columns], rows.types, rows.rows),
            ledger,
            format_=format_,
            output=output,
            title=f"{title} {when(ledger, question)}",
            notes=tuple(note(answer)) if note and as_shipped else (),
            expendable=[headers.get(column, column) for column in table.expendable],
        )


def _for_people(rows: Rows, table: Table, question: "Question") -> Rows:
    needless: set[str] = set()
    if not question.periods:
        needless.add("period")
    needless |= {name for name in table.if_mixed if len(set(chosen(rows, [name]).rows)) < 2}
    return chosen(rows, [name for name in table.columns if name not in needless], unless_zero=table.unless_zero)


def _refuse_periods_as_filters(filters: Sequence[str]) -> None:
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


def _total(answer: "Answer", column: str) -> str:
    amounts: list[Decimal] = [row[column] for row in answer.dicts() if row[column] is not None]
    currency = next((row["currency"] for row in answer.dicts() if row["currency"]), "")
    return f"{money(sum(amounts[1:], start=amounts[0]))} {currency}".strip() if amounts else "no amount known"


def _pipeline_note(answer: "Answer") -> list[str]:
    rows = answer.dicts()
    if not rows:
        return []
    deals, without = sum(row["deals"] for row in rows), sum(row["deals_without_amount"] for row in rows)
    told = f"Total: {counted(deals, 'open deal')}, {_total(answer, 'amount')}"
    return [told + (f"; {without} of them without an amount, which count as nothing." if 0 < without < deals else ".")]


def _blocked_note(answer: "Answer") -> list[str]:
    stages: dict[str, int] = {}
    for row in answer.dicts():
        stages[row["stage"]] = stages.get(row["stage"], 0) + 1
    if not stages:
        return []
    told = ", ".join(f"{count} in {stage}" for stage, count in stages.items())
    return [f"Waiting: {counted(len(answer.rows), 'deal')}, {_total(answer, 'amount')} ({told})."]


def _bookings_note(answer: "Answer") -> list[str]:
    return [f"Total: {_total(answer, 'bookings')}."] if answer.rows else []


def _metrics_note(answer: "Answer") -> list[str]:
    without = sum(row["won_without_amount"] for row in answer.dicts())
    if not without:
        return []
    deals = "1 won deal has" if without == 1 else f"{without} won deals have"
    return [f"{deals} no amount: left out of bookings and of the average size."]


@click.command("pipeline")
@filtered
@dated
@split_by
@printing
@click.pass_context
def pipeline_command(ctx: click.Context, /, **values: Any) -> None:
    """Open deals by stage, at any date."""
    _report(ctx, "pipeline", "Pipeline", values, PIPELINE, _pipeline_note)


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
        _report(ctx, "deals", "Deals", values, DEALS)
        return
    values["filters"] = (*values["filters"], "status:=open")
    table = replace(DEALS, columns=tuple(name for name in DEALS.columns if name != "status"))
    _report(ctx, "deals", "Open deals", values, table)


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
@dated
@split_by
@printing
@click.pass_context
def leads_command(ctx: click.Context, /, criteria: str | None, **values: Any) -> None:
    """Every lead and what became of it."""
    if criteria is None:
        _report(ctx, "leads", "Leads", values, LEADS)
        return
    given: tuple[str, ...] = values["filters"]
    verdicts = tuple(term for term in given if _JUDGED.match(term))
    values["filters"] = tuple(term for term in given if term not in verdicts)

    def rejudged(ledger: "Ledger") -> tuple[str, dict[str, object]]:
        from salesledger.readmodel.filters import compile_filters

        process, version = _criteria(ledger, criteria)
        parameters: dict[str, object] = {"criteria_process": process, "criteria_version": version}
        condition, chosen_by = compile_filters(verdicts, {"judged": "VARCHAR"}, zone=ledger.zone)
        if not condition:
            return _REJUDGED, parameters
        # The filters on deals number their parameters too.
        own = {name.replace("filter_", "verdict_"): value for name, value in chosen_by.items()}
        return f"(SELECT * FROM {_REJUDGED} WHERE {condition.replace('$filter_', '$verdict_')})", parameters | own

    table = replace(LEADS, order=" ORDER BY captured_at, deal")
    _report(ctx, "leads", f"Leads judged by {criteria}", values, table, relation=rejudged)


def _criteria(ledger: "Ledger", text: str) -> tuple[str | None, int]:
    """The process, if one is named, and the version of '2' or 'b2b/2'.

    Raises:
        UsageError: it is neither.
        NotFound: there is no such version, or it has no criteria.
    """
    name, slash, number = text.rpartition("/")
    if not re.fullmatch(r"[0-9]{1,9}", number) or (slash and not name):
        raise UsageError(f"{text!r} names no version; write its number, such as 2, or PROCESS/VERSION, such as b2b/2.")
    process, version = ledger.find("process", name) if slash else None, int(number)
    having = [(c.process, c.process_version) for c in ledger.head.criteria]
    if any(v == version and process in (None, p) for p, v in having):
        return process, version
    known = ", ".join(dict.fromkeys(f"{p}/{v}" for p, v in having)) or "none yet"
    of = f"of the process {process!r}" if process else "of any process"
    raise NotFound(f"No version {version} {of} has criteria. Those that have: {known}.")


@click.command("metrics")
@filtered
@periodic
@dated
@split_by
@printing
@click.pass_context
def metrics_command(ctx: click.Context, /, **values: Any) -> None:
    """Leads, bookings, deal size, close ratio, lifetime."""
    _report(ctx, "metrics", "Metrics", values, METRICS, _metrics_note)


@click.command("funnel")
@filtered
@periodic
@dated
@split_by
@printing
@click.pass_context
def funnel_command(ctx: click.Context, /, **values: Any) -> None:
    """How far the leads of a period have come."""
    _report(ctx, "funnel", "Funnel of the leads captured in each period,", values, FUNNEL)


@click.command("blocked")
@filtered
@dated
@split_by
@printing
@click.pass_context
def blocked_command(ctx: click.Context, /, **values: Any) -> None:
    """Deals that wait longer than usual."""
    _report(ctx, "blocked", "Deals waiting longer than usual", values, BLOCKED, _blocked_note)


@click.command("bookings")
@filtered
@periodic
@dated
@split_by
@printing
@click.pass_context
def bookings_command(ctx: click.Context, /, **values: Any) -> None:
    """Won deals and what they are worth."""
    _report(ctx, "bookings", "Bookings", values, BOOKINGS, _bookings_note)
