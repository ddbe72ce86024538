"""Commands that report on the steps of the process: hand-overs, meetings, pain points, losses, discounts."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.options import DIMENSIONS, by_one_of, dated, filtered, periodic, printing, split_by
from salesledger.cli.reports import report
from salesledger.shown.reports import counted
from salesledger.shown.tables import Table
from salesledger.shown.values import money

if TYPE_CHECKING:
    from salesledger.readmodel.engine import Answer

HAND_OVERS = Table(
    (
        "period",
        "group",
        "handed_by",
        "handed_to",
        "offered",
        "accepted",
        "rejected",
        "open",
        "acceptance_rate",
        "median_days_to_accept",
        "won",
        "lost",
        "win_ratio",
        "reject_reasons",
    ),
    expendable=("lost", "won", "open", "median_days_to_accept", "reject_reasons"),
    headers=(("acceptance_rate", "accept_rate"), ("median_days_to_accept", "days_to_accept")),
)
MEETINGS = Table(
    (
        "period",
        "group",
        "kind",
        "held",
        "deals",
        "renewals",
        "won_deals",
        "lost_deals",
        "open_deals",
        "win_ratio",
        "meetings_per_won_deal",
    ),
    expendable=("open_deals", "lost_deals", "renewals"),
    unless_zero=("renewals",),
    headers=(("meetings_per_won_deal", "per_won_deal"),),
)
PAIN_POINTS = Table(
    (
        "period",
        "group",
        "pain_point",
        "deals",
        "renewals",
        "won",
        "lost",
        "disqualified",
        "open",
        "win_ratio",
        "bookings",
        "won_without_amount",
        "currency",
    ),
    expendable=("won_without_amount", "disqualified", "open", "lost", "renewals"),
    unless_zero=("disqualified", "won_without_amount", "renewals"),
    headers=(("won_without_amount", "no_amount"),),
)
_LOST = """
    SELECT
        p.period,
        {group} AS "group",
        count(*) AS deals,
        count(*) FILTER (
            WHERE d.growth IS NOT DISTINCT FROM 'renewal' OR EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal)
        ) AS renewals,
        count(*) - count(d.value_converted) AS deals_without_amount,
        CAST(sum(d.value_converted) AS DECIMAL(38, 4)) AS amount,
        $currency AS currency
    FROM deals d
    JOIN periods p ON d.closed_at >= p.begins_at AND d.closed_at < p.ends_at
    WHERE d.status = 'lost'
    GROUP BY p.period, p.begins_at, 2
    ORDER BY p.begins_at, deals DESC, amount DESC NULLS LAST, 2
"""
LOSSES = Table(
    (
        "period",
        "group",
        "reason",
        "process",
        "stage",
        "source",
        "competitor",
        "deals",
        "renewals",
        "deals_without_amount",
        "amount",
        "currency",
    ),
    expendable=("deals_without_amount", "renewals", "source", "process"),
    unless_zero=("deals_without_amount", "renewals"),
    if_mixed=("process",),
    grouped=_LOST,
)
DISCOUNTS = Table(
    (
        "period",
        "deal",
        "is_renewal",
        "company",
        "won_on",
        "list_amount",
        "value",
        "discount_amount",
        "discount_share",
        "currency",
        "terms",
        "owner",
        "product",
        "process",
    ),
    expendable=("process", "product", "company", "terms", "owner", "won_on", "is_renewal"),
    unless_zero=("is_renewal",),
    headers=(
        ("is_renewal", "renewal"),
        ("list_amount", "list"),
        ("discount_amount", "discount"),
        ("discount_share", "share"),
    ),
    if_mixed=("process",),
    grouped="""
        SELECT
            x.period,
            {group} AS "group",
            count(*) AS deals,
            CAST(sum(x.list_amount) AS DECIMAL(38, 4)) AS list_amount,
            CAST(sum(x.value) AS DECIMAL(38, 4)) AS value,
            CAST(sum(x.discount_amount) AS DECIMAL(38, 4)) AS discount_amount,
            CASE
                WHEN sum(x.list_amount) > 0
                    THEN CAST(sum(x.discount_amount) AS DOUBLE) / CAST(sum(x.list_amount) AS DOUBLE)
            END AS discount_share,
            max(x.currency) AS currency
        FROM discounts x
        JOIN periods p ON p.period = x.period
        JOIN deals d ON d.deal = x.deal
        GROUP BY x.period, p.begins_at, 2
        ORDER BY p.begins_at, 2 NULLS LAST
    """,
)


def _losses_note(answer: "Answer") -> list[str]:
    rows = answer.dicts()
    amounts = [row["amount"] for row in rows if row["amount"] is not None]
    if not amounts:
        return []
    currency = next((row["currency"] for row in rows if row["currency"]), "")
    deals = counted(sum(row["deals"] for row in rows), "deal")
    return [f"Lost: {deals}, {money(sum(amounts, Decimal(0)), currency)} {currency}.".replace(" .", ".")]


def _discounts_note(answer: "Answer") -> list[str]:
    rows = answer.dicts()
    if not rows:
        return []
    listed, off = (sum((row[name] for row in rows), Decimal(0)) for name in ("list_amount", "discount_amount"))
    share = f", {off / listed * 100:.1f}% of the list" if listed else ""
    currency = rows[0]["currency"]
    return [f"Total: {money(off, currency)} off {money(listed, currency)} {currency}{share}."]


@click.command("handovers")
@filtered
@periodic
@dated
@split_by
@printing
@click.pass_context
def handovers_command(ctx: click.Context, /, **values: Any) -> None:
    """Leads offered, by whom to whom, and what became of them.

    A row for each pair of people; with --by a row for each of that instead.
    """
    report(ctx, "hand_overs", "Leads handed over,", values, HAND_OVERS)


@click.command("meetings")
@filtered
@periodic
@dated
@split_by
@printing
@click.pass_context
def meetings_command(ctx: click.Context, /, **values: Any) -> None:
    """Meetings held by kind, and what their deals came to."""
    report(ctx, "meetings", "Meetings", values, MEETINGS)


@click.command("pains")
@filtered
@periodic
@dated
@split_by
@printing
@click.pass_context
def pains_command(ctx: click.Context, /, **values: Any) -> None:
    """What hurts clients, and which pains we win with."""
    report(ctx, "pain_points", "Pain points named in meetings,", values, PAIN_POINTS)


@click.command("losses")
@filtered
@periodic
@dated
@by_one_of(("reason", "stage", "competitor", *DIMENSIONS))
@printing
@click.pass_context
def losses_command(ctx: click.Context, /, by: str | None, **values: Any) -> None:
    """Why, where and to whom deals were lost."""
    report(ctx, "losses", "Lost deals", values, LOSSES, _losses_note, split=by)


@click.command("discounts")
@filtered
@periodic
@dated
@split_by
@printing
@click.pass_context
def discounts_command(ctx: click.Context, /, **values: Any) -> None:
    """What was taken off the list price of won deals."""
    report(ctx, "discounts", "Discounts on won deals", values, DISCOUNTS, _discounts_note)
