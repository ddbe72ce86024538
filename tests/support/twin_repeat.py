"""Repeat business once more, slowly: how regularly each account buys, and how much comes from clients that had bought before."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from statistics import median

from support.answers import Row
from support.twin_recurring import subscriptions
from support.twin_referrals import companies
from support.twin_reports import periods, split
from support.twins import Asked, client, deals, paid_before, sales

ZERO = Decimal("0.0000")


def won(asked: Asked) -> list[Row]:
    """The won deals that are no renewals."""
    return [deal for deal in sales(asked) if deal["status"] == "won"]


def gaps(orders: list[Row]) -> list[int]:
    """The calendar days from each day with an order to the next one."""
    return [(b - a).days for a, b in pairwise(sorted({deal["closed_on"] for deal in orders}))]


def ninetieth(values: list[int]) -> int | None:
    """The smallest value that at least nine in ten are not greater than."""
    for value in sorted(values):
        if sum(other <= value for other in values) * 10 >= len(values) * 9:
            return value
    return None


def repeat(asked: Asked) -> list[Row]:
    """Twin of `repeat`."""
    of: dict[str, list[Row]] = {}
    for deal in won(asked):
        if deal["account"] is not None:
            of.setdefault(deal["account"], []).append(deal)
    limit_of_all = ninetieth([days for orders in of.values() for days in gaps(orders)])
    named = companies(asked)
    paying = {row["account"] for row in subscriptions(asked) if row["status"] == "running"}
    rows = []
    for account, orders in of.items():
        between, on = gaps(orders), sorted({deal["closed_on"] for deal in orders})
        silent = (asked.day(asked.as_of) - on[-1]).days
        usual: float | None = 2 * median(between) if len(on) >= 3 else limit_of_all
        amounts = [deal["value_converted"] for deal in orders if deal["value_converted"] is not None]
        rows.append(
            {
                "account": account,
                "company": named.get(
                    account, max(orders, key=lambda deal: (deal["closed_at"], deal["deal"]))["company"]
                ),
                "orders": len(orders),
                "order_days": len(on),
                "first_on": on[0],
                "last_on": on[-1],
                "median_days_between": float(median(between)) if between else None,
                "days_since_last": silent,
                "usual_within_days": None if usual is None else float(usual),
                "subscribed": account in paying,
                "overdue": usual is not None and silent > usual and account not in paying,
                "bookings": sum(amounts, ZERO) if amounts else None,
                "won_without_amount": len(orders) - len(amounts),
                "currency": asked.currency,
            }
        )
    return rows


def repeat_share(asked: Asked) -> list[Row]:
    """Twin of `repeat_share`."""
    every, bought = won(asked), [deal for deal in deals(asked) if deal["status"] == "won"]
    rows = []
    for label, begins, ends in periods(asked):
        closed = [deal for deal in every if begins <= deal["closed_at"] < ends]
        for group in {split(asked, deal) for deal in closed} or {None}:
            mine = [deal for deal in closed if split(asked, deal) == group]
            again = [
                d
                for d in mine
                if any(client(o) == client(d) and o["closed_on"] < d["closed_on"] for o in bought)
                or paid_before(asked, d, d["closed_on"])
            ]
            total, repeated = (
                sum((d["value_converted"] for d in some if d["value_converted"]), ZERO) for some in (mine, again)
            )
            rows.append(
                {
                    "period": label,
                    "group": group,
                    "won": len(mine),
                    "repeat_won": len(again),
                    "bookings": total,
                    "repeat_bookings": repeated,
                    "new_bookings": total - repeated,
                    "won_without_amount": sum(deal["value_converted"] is None for deal in mine),
                    "currency": asked.currency,
                    "repeat_share": float(repeated) / float(total) if total else None,
                    "repeat_won_share": len(again) / len(mine) if mine else None,
                }
            )
    return rows
