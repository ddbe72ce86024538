"""Commands that report: pipeline, deals, leads, metrics, funnel, blocked, bookings."""

from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.options import dated, emit, filtered, opened, periodic, printing, split_by
from salesledger.cli.render import Rows, format_for, money

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.readmodel.engine import Answer, Question


def to_rows(answer: "Answer", *, without: tuple[str, ...] = ()) -> Rows:
    """An answer as rows to print, some columns left out."""
    kept = [i for i, name in enumerate(answer.columns) if name not in without]
    return Rows(
        [answer.columns[i] for i in kept],
        [answer.types[i] for i in kept],
        [tuple(row[i] for i in kept) for row in answer.rows],
    )


def when(ledger: "Ledger", question: "Question") -> str:
    """The dates of a question, for a title."""
    told = (
        "as of now" if question.as_of is None else f"as of the end of {question.as_of.astimezone(ledger.zone):%Y-%m-%d}"
    )
    if question.as_of is not None and question.as_of.astimezone(ledger.zone).strftime("%H:%M:%S") != "23:59:59":
        told = f"as of {question.as_of.astimezone(ledger.zone):%Y-%m-%d %H:%M}"
    if question.known_at is not None:
        told += f", as known at {question.known_at.astimezone(ledger.zone):%Y-%m-%d %H:%M}"
    return told + (f", up to entry {question.upto}" if question.upto else "")


def _report(
    ctx: click.Context,
    name: str,
    title: str,
    values: dict[str, Any],
    *,
    columns_dropped: tuple[str, ...] = (),
    note: Any = None,
) -> None:
    format_, output = values.pop("format_"), values.pop("output")
    with opened(ctx) as ledger:
        question = ledger.question(**values)
        answer = ledger.engine.answer(name, question)
        dropped = columns_dropped + (("group",) if question.by is None else ())
        rows = to_rows(answer, without=dropped)
        if question.by is not None:
            rows = Rows([question.by if c == "group" else c for c in rows.columns], rows.types, rows.rows)
        emit(
            rows,
            ledger,
            format_=format_,
            output=output,
            title=f"{title} {when(ledger, question)}",
            notes=tuple(note(answer)) if note else (),
        )


def _total(answer: "Answer", column: str) -> str:
    rows = [row for row in answer.dicts() if row[column] is not None]
    currency = next((row["currency"] for row in rows if row["currency"]), "")
    return (
        f"{money(sum((row[column] for row in rows), start=0 * rows[0][column]))} {currency}".strip()
        if rows
        else "no amounts"
    )


def _pipeline_note(answer: "Answer") -> list[str]:
    rows = answer.dicts()
    if not rows:
        return []
    without = sum(row["deals_without_amount"] for row in rows)
    counted = f"Total: {sum(row['deals'] for row in rows)} open deals, {_total(answer, 'amount')}"
    return [counted + (f"; {without} of them without an amount, which count as nothing." if without else ".")]


def _blocked_note(answer: "Answer") -> list[str]:
    stages: dict[str, int] = {}
    for row in answer.dicts():
        stages[row["stage"]] = stages.get(row["stage"], 0) + 1
    if not stages:
        return []
    told = ", ".join(f"{count} in {stage}" for stage, count in stages.items())
    return [f"Waiting: {len(answer.rows)} deals, {_total(answer, 'amount')} ({told})."]


@click.command("pipeline")
@filtered
@dated
@split_by
@printing
@click.pass_context
def pipeline_command(ctx: click.Context, /, **values: Any) -> None:
    """Open deals by stage, at any date."""
    _report(ctx, "pipeline", "Pipeline", values, note=_pipeline_note)


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
    if not everything and not any("status:" in term for term in filters):
        values["filters"] = (*filters, "status:=open")
    dropped = (
        ("process_version", "captured_at", "closed_at", "changed_at")
        if format_for(values["format_"], values["output"]) == "table"
        else ()
    )
    _report(ctx, "deals", "Deals", values, columns_dropped=dropped)


@click.command("leads")
@filtered
@dated
@printing
@click.pass_context
def leads_command(ctx: click.Context, /, **values: Any) -> None:
    """Every lead and what became of it."""
    dropped = ("captured_at",) if format_for(values["format_"], values["output"]) == "table" else ()
    _report(ctx, "leads", "Leads", values, columns_dropped=dropped)


@click.command("metrics")
@filtered
@periodic
@dated
@split_by
@printing
@click.pass_context
def metrics_command(ctx: click.Context, /, **values: Any) -> None:
    """Leads, bookings, deal size, close ratio, lifetime."""
    _report(ctx, "metrics", "Metrics", values)


@click.command("funnel")
@filtered
@periodic
@dated
@split_by
@printing
@click.pass_context
def funnel_command(ctx: click.Context, /, **values: Any) -> None:
    """How far the leads of a period have come."""
    _report(ctx, "funnel", "Funnel of the leads captured in each period,", values)


@click.command("blocked")
@filtered
@dated
@printing
@click.pass_context
def blocked_command(ctx: click.Context, /, **values: Any) -> None:
    """Deals that wait longer than usual."""
    _report(ctx, "blocked", "Deals waiting longer than usual", values, note=_blocked_note)


@click.command("bookings")
@filtered
@periodic
@dated
@printing
@click.pass_context
def bookings_command(ctx: click.Context, /, **values: Any) -> None:
    """Won deals and what they are worth."""
    _report(ctx, "bookings", "Bookings", values, note=lambda answer: [f"Total: {_total(answer, 'bookings')}."])
