"""Subscriptions and recurring revenue once more, slowly: what each subscription is, who came, who left, who is due."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from salesledger.domain.account import (
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from salesledger.domain.timeline import Recorded
from support.answers import Row
from support.twin_reports import periods
from support.twins import Asked, happened, naive

EVENTS = SubscriptionStarted | SubscriptionRenewed | SubscriptionChanged | SubscriptionCancelled
KINDS = ("new", "expansion", "contraction", "churn")
ZERO = Decimal("0.0000")

Key = tuple[str, str]
"""The account and the subscription."""

Part = tuple[str | None, str | None]
"""What a row of the walk is about: its group and its currency."""


def later(begin: date, months: int) -> date:
    """The same day so many months later, or the last of its month where that has none."""
    year, month = divmod(begin.year * 12 + begin.month - 1 + months, 12)
    return date(year, month + 1, min(begin.day, monthrange(year, month + 1)[1]))


def subscriptions_of(asked: Asked) -> dict[tuple[str, str], list[Recorded]]:
    """What happened to each subscription, in business order."""
    found: dict[tuple[str, str], list[Recorded]] = {}
    for record in happened(asked, "account"):
        if isinstance(record.event, EVENTS):
            found.setdefault((record.id, record.event.subscription), []).append(record)
    return found


def exact(amount: Decimal, months: int) -> Decimal:
    """An amount every so many months, by the month, half up to four decimals."""
    with localcontext(prec=60):
        return (amount / months).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def state(records: Sequence[Recorded], asked: Asked) -> Row:
    """What a subscription is after some events."""
    price = ("recurring_amount", "interval_months", "currency")
    others = ("status", "product", "deal", "started_on", "term_months", "term_began_on", "ended_on", "reason")
    now: Row = dict.fromkeys((*price, *others, "competitor"))
    for record in records:
        event, on = record.event, asked.day(record.event.effective_at)
        if isinstance(event, SubscriptionStarted):
            now |= {"status": "running", "product": event.product, "deal": event.deal, "started_on": on}
            now |= {"ended_on": None, "reason": None, "competitor": None}
        if isinstance(event, SubscriptionCancelled):
            now |= {"status": "ended", "ended_on": on, "reason": event.reason, "competitor": event.competitor}
            continue
        if isinstance(event, SubscriptionStarted | SubscriptionRenewed):
            now["term_began_on"] = on
            now["term_months"] = event.term_months or now["term_months"]
        assert isinstance(event, SubscriptionStarted | SubscriptionRenewed | SubscriptionChanged)
        if event.recurring_amount is not None:
            now |= {name: getattr(event, name) for name in price}
    runs = now["status"] == "running" and now["recurring_amount"] is not None
    now["mrr"] = exact(now["recurring_amount"], now["interval_months"]) if runs else ZERO
    now["arr"] = exact(now["recurring_amount"] * 12, now["interval_months"]) if runs else ZERO
    months = now["term_months"]
    now["term_ends_on"] = later(now["term_began_on"], months) if months and now["term_began_on"] else None
    return now


def subscriptions(asked: Asked) -> list[Row]:
    """Twin of `subscriptions`."""
    rows = []
    for (account, subscription), records in subscriptions_of(asked).items():
        now = state(records, asked)
        if now["started_on"] is None:
            continue
        now.pop("term_began_on")
        if now["status"] == "ended":
            now["term_ends_on"] = None
        begun = next(i for i, r in enumerate(records) if isinstance(r.event, SubscriptionStarted))
        renewals = sum(isinstance(r.event, SubscriptionRenewed) for r in records[begun:])
        rows.append({"account": account, "subscription": subscription, "renewals": renewals, **now})
    return rows


def renewals(asked: Asked) -> list[Row]:
    """Twin of `renewals`: each start and renewal begins a term; it is due where nothing ended or renewed it before its end."""
    rows = []
    for (account, subscription), records in subscriptions_of(asked).items():
        decisive = [i for i, r in enumerate(records) if not isinstance(r.event, SubscriptionChanged)]
        term = 0
        for place, i in enumerate(decisive):
            if isinstance(records[i].event, SubscriptionCancelled):
                continue
            term += 1
            begun = state(records[: i + 1], asked)
            after = decisive[place + 1] if place + 1 < len(decisive) else None
            decided = None if after is None else records[after]
            decided_on = None if decided is None else asked.day(decided.event.effective_at)
            due_on = begun["term_ends_on"]
            if begun["status"] != "running" or due_on is None or (decided_on is not None and decided_on < due_on):
                continue
            paid = [r for r in records[:after] if asked.day(r.event.effective_at) < due_on]
            at_end = state(paid, asked)
            outcome = "open"
            if decided is not None:
                outcome = "ended" if isinstance(decided.event, SubscriptionCancelled) else "renewed"
            told = {"account": account, "subscription": subscription, "product": begun["product"], "term": term}
            told |= {"due_on": due_on, "mrr": at_end["mrr"], "arr": at_end["arr"], "currency": begun["currency"]}
            told |= {"outcome": outcome, "decided_on": decided_on}
            rows += [{"period": label, **told} for label, first, end in days(asked) if first <= due_on < end]
    return rows


def days(asked: Asked) -> list[tuple[str, date, date]]:
    """The days of each period."""
    return [(p.label, p.begin, p.end) for p in asked.periods] or [("all", date(1900, 1, 1), date(2200, 1, 1))]


def movement(before: Decimal, after: Decimal) -> dict[str, Decimal]:
    """What became of what was paid: one of the kinds, or nothing."""
    if before == after:
        return {}
    if before == 0:
        return {"new": after}
    if after == 0:
        return {"churn": before}
    return {"expansion": after - before} if after > before else {"contraction": before - after}


def recurring(asked: Asked) -> list[Row]:
    """Twin of `recurring`; the closing is counted by itself, not walked to."""
    all_of = {key: rs for key, rs in subscriptions_of(asked).items() if state(rs, asked)["started_on"] is not None}
    parts: dict[Part, dict[Key, list[Recorded]]] = {}
    for key, records in all_of.items():
        now = state(records, asked)
        group = {"product": now["product"], "account": key[0]}.get(asked.by or "")
        parts.setdefault((group, now["currency"]), {})[key] = records
    due = renewals(asked)
    rows = []
    for label, begins, ends in periods(asked):
        told = [_walk(asked, part, mine, (label, begins, ends), due) for part, mine in parts.items()]
        lively = [row for row in told if any(row[name] for name in row if name not in ("period", "group", "currency"))]
        rows += lively or [_walk(asked, (None, asked.currency), {}, (label, begins, ends), [])]
    return rows


def _walk(
    asked: Asked,
    part: Part,
    mine: dict[Key, list[Recorded]],
    period: tuple[str, datetime, datetime],
    due: list[Row],
) -> Row:
    label, begins, ends = period
    row: Row = {"period": label, "group": part[0], "currency": part[1]}
    paid: dict[str, tuple[Decimal, Decimal]] = {}
    sums: dict[str, Decimal] = dict.fromkeys(
        (f"{m}_{kind}" for m in ("mrr", "arr") for kind in ("opening", *KINDS, "closing")), ZERO
    )
    for key, records in mine.items():
        before, after = (
            state([r for r in records if naive(r.event.effective_at) < end], asked) for end in (begins, ends)
        )
        for measure in ("mrr", "arr"):
            sums[f"{measure}_opening"] += before[measure]
            sums[f"{measure}_closing"] += after[measure]
            for kind, amount in movement(before[measure], after[measure]).items():
                sums[f"{measure}_{kind}"] += amount
        opening, closing = paid.get(key[0], (ZERO, ZERO))
        paid[key[0]] = (opening + before["mrr"], closing + after["mrr"])
    to_renew = [r for r in due if r["period"] == label and (r["account"], r["subscription"]) in mine]
    counts = {
        "accounts_opening": sum(a > 0 for a, _ in paid.values()),
        "accounts_new": sum(a == 0 < b for a, b in paid.values()),
        "accounts_churned": sum(b == 0 < a for a, b in paid.values()),
        "accounts_closing": sum(b > 0 for _, b in paid.values()),
        "renewals_due": len(to_renew),
        "renewals_due_mrr": sum((r["mrr"] for r in to_renew), ZERO),
    }
    return row | sums | counts | _ratios(sums, counts)


def _ratios(sums: dict[str, Decimal], counts: dict[str, Any]) -> Row:
    opening = float(sums["mrr_opening"])
    lost = sums["mrr_contraction"] + sums["mrr_churn"]
    return {
        "nrr": float(sums["mrr_opening"] + sums["mrr_expansion"] - lost) / opening if opening else None,
        "grr": float(sums["mrr_opening"] - lost) / opening if opening else None,
        "logo_churn": counts["accounts_churned"] / counts["accounts_opening"] if counts["accounts_opening"] else None,
    }
