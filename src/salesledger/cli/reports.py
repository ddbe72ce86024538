"""Commands that report: pipeline, deals, leads, metrics, funnel, blocked, bookings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.layout import chosen
from salesledger.cli.options import dated, emit, filtered, opened, periodic, printing, split_by
from salesledger.cli.render import Rows, format_for, money
from salesledger.errors import BadDate, BadFilter

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from salesledger.api import Ledger
    from salesledger.readmodel.engine import Answer, Question


@dataclass(frozen=True)
class Table:
    """What a report's table shows of the projection's columns; the other formats have them all.

    Attributes:
        columns: the columns, in order.
        expendable: those that go where the terminal is too narrow, the first first.
        unless_zero: those that are shown only where they aren't zero throughout.
        headers: shorter names for some of them.
        if_mixed: those that are shown only where the rows differ in them.
        order: the clause that sorts the rows, where the projection leaves that open.
    """

    columns: tuple[str, ...]
    expendable: tuple[str, ...] = ()
    unless_zero: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    if_mixed: tuple[str, ...] = ()
    order: str = ""


PIPELINE = Table(
    ("group", "process", "stage", "deals", "deals_without_amount", "amount", "currency", "weighted_amount"),
    expendable=("deals_without_amount", "weighted_amount"),
    unless_zero=("deals_without_amount",),
)
DEALS = Table(
    (
        "deal",
        "company",
        "process",
        "stage",
        "status",
        "owner",
        "source",
        "value",
        "currency",
        "category",
        "expected_close",
        "captured_on",
        "closed_on",
        "reason",
    ),
    expendable=("category", "source", "captured_on", "process", "reason", "company", "expected_close", "closed_on"),
    if_mixed=("process",),
    order=" ORDER BY captured_at, deal",
)
LEADS = Table(
    (
        "deal",
        "company",
        "source",
        "owner",
        "status",
        "stage",
        "captured_on",
        "touches",
        "contacts",
        "qualified_on",
        "meetings",
    ),
    expendable=("touches", "company", "meetings", "contacts", "qualified_on"),
)
METRICS = Table(
    (
        "period",
        "group",
        "leads",
        "won",
        "lost",
        "disqualified",
        "bookings",
        "average_deal_size",
        "won_without_amount",
        "currency",
        "close_ratio",
        "average_deal_lifetime_days",
        "average_days_to_loss",
    ),
    expendable=("average_days_to_loss", "won_without_amount", "disqualified", "lost", "won"),
    unless_zero=("disqualified", "won_without_amount"),
    headers=(
        ("average_deal_size", "deal_size"),
        ("average_deal_lifetime_days", "days_to_win"),
        ("average_days_to_loss", "days_to_loss"),
        ("won_without_amount", "no_amount"),
    ),
)
FUNNEL = Table(
    (
        "period",
        "group",
        "process",
        "stage",
        "entered",
        "advanced",
        "won",
        "lost",
        "disqualified",
        "open",
        "step_ratio",
        "win_ratio",
    ),
    expendable=("disqualified", "process"),
    unless_zero=("disqualified",),
)
BLOCKED = Table(
    (
        "deal",
        "company",
        "process",
        "stage",
        "owner",
        "amount",
        "currency",
        "entered_on",
        "days_in_stage",
        "usual_days",
        "times_usual",
        "expected_close",
    ),
    expendable=("times_usual", "expected_close", "process", "company", "entered_on", "owner"),
    if_mixed=("process",),
)
BOOKINGS = Table(
    (
        "period",
        "deal",
        "company",
        "won_on",
        "bookings",
        "amount",
        "recurring_amount",
        "term_months",
        "currency",
        "lifetime_days",
        "owner",
        "source",
        "process",
    ),
    expendable=(
        "process",
        "source",
        "term_months",
        "recurring_amount",
        "amount",
        "company",
        "owner",
        "lifetime_days",
    ),
    if_mixed=("process",),
)


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
) -> None:
    format_, output = values.pop("format_"), values.pop("output")
    if "period" in values:
        _refuse_periods_as_filters(values["filters"])
    with opened(ctx) as ledger:
        question = ledger.question(**values)
        order = "" if ledger.engine.projections[name].own else table.order
        answer = ledger.engine.ask(f'SELECT * FROM "{name}"{order}', question)
        rows, headers = to_rows(answer), {}
        # The user's own projection of that name may have other columns: it is then shown as it is.
        as_shipped = set(ledger.engine.shipped_columns(name)) <= set(answer.columns)
        if as_shipped and format_for(format_, output) in ("table", "md"):
            rows, headers = _for_people(rows, table, question), dict(table.headers)
        rows = chosen(rows, [column for column in rows.columns if column != "group" or question.by is not None])
        if question.by is not None:
            headers["group"] = question.by
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
@printing
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.pass_context
def deals_command(ctx: click.Context, /, everything: bool, **values: Any) -> None:
    """Every deal as it was at any date.

    Only open ones are listed, unless --all or a filter on the status is given.
    """
    filters = tuple(values["filters"])
    if everything or any("status:" in term for term in filters):
        _report(ctx, "deals", "Deals", values, DEALS)
        return
    values["filters"] = (*filters, "status:=open")
    table = replace(DEALS, columns=tuple(name for name in DEALS.columns if name != "status"))
    _report(ctx, "deals", "Open deals", values, table)


@click.command("leads")
@filtered
@dated
@printing
@click.pass_context
def leads_command(ctx: click.Context, /, **values: Any) -> None:
    """Every lead and what became of it."""
    _report(ctx, "leads", "Leads", values, LEADS)


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
@printing
@click.pass_context
def blocked_command(ctx: click.Context, /, **values: Any) -> None:
    """Deals that wait longer than usual."""
    _report(ctx, "blocked", "Deals waiting longer than usual", values, BLOCKED, _blocked_note)


@click.command("bookings")
@filtered
@periodic
@dated
@printing
@click.pass_context
def bookings_command(ctx: click.Context, /, **values: Any) -> None:
    """Won deals and what they are worth."""
    _report(ctx, "bookings", "Bookings", values, BOOKINGS, _bookings_note)
