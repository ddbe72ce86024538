"""Commands that report on clients that stay: subscriptions, recurring, renewals, repeat."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.options import by_one_of, dated, filtered, periodic, printing, split_by
from salesledger.cli.reports import report
from salesledger.errors import UsageError
from salesledger.shown.reports import counted
from salesledger.shown.tables import RECURRING, Table
from salesledger.shown.values import money

if TYPE_CHECKING:
    from salesledger.readmodel.engine import Answer

SUBSCRIPTIONS = Table(
    (
        "account",
        "subscription",
        "product",
        "status",
        "started_on",
        "term_ends_on",
        "ended_on",
        "recurring_amount",
        "interval_months",
        "mrr",
        "arr",
        "currency",
        "rate",
        "mrr_converted",
        "renewals",
        "deal",
        "reason",
        "competitor",
    ),
    expendable=(
        *("competitor", "deal", "renewals", "reason", "recurring_amount", "interval_months", "arr", "started_on"),
        *("product", "ended_on", "rate"),
    ),
    unless_zero=("renewals",),
    headers=(("interval_months", "months"), ("mrr_converted", "converted")),
    if_converted=("rate", "mrr_converted"),
)
RENEWALS = Table(
    (
        "period",
        "due_on",
        "account",
        "subscription",
        "product",
        "term",
        "mrr",
        "arr",
        "currency",
        "rate",
        "mrr_converted",
        "outcome",
        "decided_on",
    ),
    expendable=("term", "arr", "rate", "product", "decided_on", "period"),
    headers=(("mrr_converted", "converted"),),
    if_converted=("rate", "mrr_converted"),
)
REPEAT = Table(
    (
        "account",
        "company",
        "orders",
        "first_on",
        "last_on",
        "median_days_between",
        "days_since_last",
        "usual_within_days",
        "subscribed",
        "overdue",
        "bookings",
        "won_without_amount",
        "currency",
    ),
    expendable=("won_without_amount", "company", "first_on", "usual_within_days", "last_on"),
    unless_zero=("won_without_amount", "subscribed"),
    headers=(
        ("median_days_between", "usual_gap"),
        ("days_since_last", "days_since"),
        ("usual_within_days", "limit"),
        ("won_without_amount", "no_amount"),
    ),
)
REPEAT_SHARE = Table(
    (
        "period",
        "group",
        "won",
        "repeat_won",
        "repeat_won_share",
        "bookings",
        "new_bookings",
        "repeat_bookings",
        "won_without_amount",
        "currency",
        "repeat_share",
    ),
    expendable=("won_without_amount", "repeat_won_share", "new_bookings", "repeat_won"),
    unless_zero=("won_without_amount",),
    headers=(("won_without_amount", "no_amount"), ("repeat_won_share", "won_share")),
)

_SUBSCRIBED = ("subscription-%",)


def _sum(rows: Sequence[dict[str, Any]], column: str) -> str:
    """The sum of what is converted, such as '150.00 EUR'; a row that was not converted tells the ledger's currency."""
    first, *others = (row[f"{column}_converted"] for row in rows)
    currency = next((row["currency"] for row in rows if row["rate"] is None), "in the ledger's currency")
    return f"{money(sum(others, start=first), currency)} {currency}"


def _running_note(answer: "Answer") -> list[str]:
    running = [row for row in answer.dicts() if row["status"] == "running"]
    if not running:
        return []
    told = f"MRR {_sum(running, 'mrr')}, ARR {_sum(running, 'arr')}"
    return [f"Running: {counted(len(running), 'subscription')}, {told}."]


def _due_note(answer: "Answer") -> list[str]:
    rows = answer.dicts()
    if not rows:
        return []
    outcomes = [f"{sum(row['outcome'] == told for row in rows)} {told}" for told in ("renewed", "ended", "open")]
    return [f"Due: {counted(len(rows), 'term')}, MRR {_sum(rows, 'mrr')} ({', '.join(outcomes)})."]


def _overdue_note(answer: "Answer") -> list[str]:
    rows = answer.dicts()
    if not rows:
        return []
    again = sum(row["orders"] > 1 for row in rows)
    overdue = sum(row["overdue"] for row in rows)
    return [f"{counted(len(rows), 'account')}: {again} with more than one order, {overdue} overdue."]


@click.command("subscriptions")
@filtered
@dated
@printing
@click.option("--running/--all", "only_running", default=False, help="Only running ones, or all.  [default: all]")
@click.pass_context
def subscriptions_command(ctx: click.Context, /, only_running: bool, **values: Any) -> None:
    """Subscriptions as they were at any date.

    Filters choose by its own columns: account:acme product:pro mrr:'>100' term_ends_on:2026Q3.
    """
    title, table, narrow = "Subscriptions", SUBSCRIPTIONS, values.pop("filters")
    if only_running:
        narrow = (*narrow, "status:=running")
        title, table = "Running subscriptions", replace(table, columns=_without(table.columns, "status", "ended_on"))
    report(ctx, "subscriptions", title, values, table, _running_note, narrow=narrow)


def _without(columns: tuple[str, ...], *names: str) -> tuple[str, ...]:
    return tuple(column for column in columns if column not in names)


@click.command("recurring")
@periodic
@dated
@by_one_of(("product", "account"))
@printing
@click.pass_context
def recurring_command(ctx: click.Context, /, **values: Any) -> None:
    """Recurring revenue and what moved it.

    Each period goes from an opening MRR to a closing one: opening + new + expansion - contraction - churn + exchange, which
    is what moving exchange rates did.
    """
    report(ctx, "recurring", "Monthly recurring revenue (MRR)", values, RECURRING, reach=_SUBSCRIBED, chart="recurring")


@click.command("renewals")
@filtered
@periodic
@dated
@printing
@click.option("--open", "only_open", is_flag=True, help="Only those that nothing has become of yet.")
@click.pass_context
def renewals_command(ctx: click.Context, /, only_open: bool, **values: Any) -> None:
    """Terms that end, and what became of them.

    Filters choose by its own columns: account:acme outcome:ended mrr:'>100'.
    """
    title, narrow = "Renewals due", values.pop("filters")
    if only_open:
        narrow = (*narrow, "outcome:=open")
        title = "Open renewals"
    report(ctx, "renewals", title, values, RENEWALS, _due_note, narrow=narrow, reach=_SUBSCRIBED)


@click.command("repeat")
@filtered
@periodic
@dated
@split_by
@printing
@click.option("--overdue", is_flag=True, help="Only accounts that have been silent for longer than usual.")
@click.option(
    "--share", is_flag=True, help="How much of the bookings comes from clients that had bought before, by period."
)
@click.pass_context
def repeat_command(ctx: click.Context, /, overdue: bool, share: bool, **values: Any) -> None:
    """Clients that buy again, and those overdue."""
    if share and overdue:
        raise UsageError("--overdue lists accounts and --share adds up periods; ask for one of them.")
    if share:
        report(ctx, "repeat_share", "Repeat business", values, REPEAT_SHARE)
        return
    asked = [name for name in ("period", "begin", "end", "interval", "by") if values.pop(name)]
    if asked:
        raise UsageError("Periods and --by split the share of repeat business; add --share.")
    if overdue:
        table = replace(REPEAT, columns=_without(REPEAT.columns, "overdue"))
        report(ctx, "repeat", "Accounts that are overdue", values, table, _overdue_note, narrow=("overdue:=true",))
        return
    report(ctx, "repeat", "Repeat business", values, REPEAT, _overdue_note)
