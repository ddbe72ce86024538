"""Subscriptions and recurring revenue once more, slowly: what each subscription is, who came, who left, who is due."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from salesledger.domain.account import (
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from salesledger.domain.deal_events import LeadCaptured
from salesledger.domain.timeline import Recorded
from support.answers import Row
from support.twin_reports import periods
from support.twins import Asked, converted, happened, naive, rate_on

EVENTS = SubscriptionStarted | SubscriptionRenewed | SubscriptionChanged | SubscriptionCancelled
KINDS = ("new", "expansion", "contraction", "churn")
GROWN = ("upsell", "cross-sell")
ZERO = Decimal("0.0000")
DAY = timedelta(days=1)

Key = tuple[str, str]
"""The account and the subscription."""


Anchor = tuple[int, int]
"""A month, counted from year 0, and a day of it that it may be too short for."""


def on_day(anchor: Anchor) -> date:
    """That day, or the last of its month where that has none."""
    year, month = divmod(anchor[0], 12)
    return date(year, month + 1, min(anchor[1], monthrange(year, month + 1)[1]))


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
    began: Anchor | None = None
    for record in records:
        event, on = record.event, asked.day(record.event.effective_at)
        if isinstance(event, SubscriptionStarted):
            now |= {"status": "running", "product": event.product, "deal": event.deal, "started_on": on}
            now |= {"ended_on": None, "reason": None, "competitor": None}
        if isinstance(event, SubscriptionCancelled):
            now |= {"status": "ended", "ended_on": on, "reason": event.reason, "competitor": event.competitor}
            continue
        if isinstance(event, SubscriptionStarted | SubscriptionRenewed):
            anchor = (on.year * 12 + on.month - 1, on.day)
            carried = isinstance(event, SubscriptionRenewed) and now["status"] == "running"
            if carried and began is not None and now["term_months"]:
                anchor = max(anchor, (began[0] + now["term_months"], began[1]))
            began = anchor
            now["term_months"] = event.term_months or now["term_months"]
        assert isinstance(event, SubscriptionStarted | SubscriptionRenewed | SubscriptionChanged)
        if event.recurring_amount is not None:
            now |= {name: getattr(event, name) for name in price}
    runs = now["status"] == "running" and now["recurring_amount"] is not None
    now["mrr"] = exact(now["recurring_amount"], now["interval_months"]) if runs else ZERO
    now["arr"] = exact(now["recurring_amount"] * 12, now["interval_months"]) if runs else ZERO
    months = now["term_months"]
    now["term_began_on"] = on_day(began) if began else None
    now["term_ends_on"] = on_day((began[0] + months, began[1])) if months and began else None
    return now


def rate_at(asked: Asked, currency: str | None, day: date) -> Decimal | None:
    """What a currency is converted at on a day; None for the ledger's own."""
    return None if currency in (None, asked.currency) else rate_on(asked, str(currency), day)


def worth_at(amount: Decimal, rate: Decimal | None) -> Decimal:
    """An amount in the ledger's currency."""
    return converted(amount, rate) or ZERO


def in_own(asked: Asked, told: Row, day: date) -> Row:
    """The revenue of a row in the ledger's currency, and the rate."""
    rate = rate_at(asked, told["currency"], day)
    return {f"{name}_converted": converted(told[name], rate) for name in ("mrr", "arr")} | {"rate": rate}


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
        rows[-1] |= in_own(asked, now, asked.day(asked.as_of))
    return rows


def renewals(asked: Asked) -> list[Row]:
    """Twin of `renewals`: each start and renewal begins a term; it is due where nothing ended it before its end."""
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
            if begun["status"] != "running" or due_on is None:
                continue
            is_renewed = decided is not None and isinstance(decided.event, SubscriptionRenewed)
            if decided_on is not None and decided_on < due_on and not is_renewed:
                continue
            paid = [r for r in records[:after] if asked.day(r.event.effective_at) < due_on]
            at_end = state(paid, asked)
            outcome = "open"
            if decided is not None:
                outcome = "ended" if isinstance(decided.event, SubscriptionCancelled) else "renewed"
            told = {"account": account, "subscription": subscription, "product": begun["product"], "term": term}
            told |= {"due_on": due_on, "mrr": at_end["mrr"], "arr": at_end["arr"], "currency": begun["currency"]}
            told |= {"outcome": outcome, "decided_on": decided_on, **in_own(asked, told, due_on)}
            rows += [{"period": label, **told} for label, first, end in days(asked) if first <= due_on < end]
    return rows


def days(asked: Asked) -> list[tuple[str, date, date]]:
    """The days of each period."""
    return [(p.label, p.begin, p.end) for p in asked.periods] or [("all", date(1900, 1, 1), date(2200, 1, 1))]


def movement(before: Decimal, after: Decimal, *, grown: bool) -> str | None:
    """What became of what was paid: one of the kinds, or nothing."""
    if before == after:
        return None
    if before == 0:
        return "expansion" if grown else "new"
    if after == 0:
        return "churn"
    return "expansion" if after > before else "contraction"


def growths(asked: Asked) -> set[str]:
    """The deals that an upsell or a cross-sell are."""
    captures = [r for r in happened(asked, "deal") if isinstance(r.event, LeadCaptured)]
    return {r.id for r in captures if isinstance(r.event, LeadCaptured) and r.event.growth in GROWN}


def recurring(asked: Asked) -> list[Row]:
    """Twin of `recurring`; the closing is counted by itself, not walked to."""
    all_of = {key: rs for key, rs in subscriptions_of(asked).items() if state(rs, asked)["started_on"] is not None}
    parts: dict[str | None, dict[Key, list[Recorded]]] = {}
    for key, records in all_of.items():
        now = state(records, asked)
        group = {"product": now["product"], "account": key[0]}.get(asked.by or "")
        parts.setdefault(group, {})[key] = records
    due, grown = renewals(asked), growths(asked)
    rows = []
    for period in zip(periods(asked), days(asked), strict=True):
        clients = {key[0] for key, rs in all_of.items() if state(_before(rs, period[0][1]), asked)["mrr"] > 0}
        told = [_walk(asked, part, mine, period, (due, grown, clients)) for part, mine in parts.items()]
        lively = [row for row in told if any(row[name] for name in row if name not in ("period", "group", "currency"))]
        rows += lively or [_walk(asked, None, {}, period, ([], grown, clients))]
    return rows


def _before(records: Sequence[Recorded], instant: datetime) -> list[Recorded]:
    return [r for r in records if naive(r.event.effective_at) < instant]


def _walk(
    asked: Asked,
    group: str | None,
    mine: dict[Key, list[Recorded]],
    period: tuple[tuple[str, datetime, datetime], tuple[str, date, date]],
    around: tuple[list[Row], set[str], set[str]],
) -> Row:
    (label, begins, ends), (_, first, end) = period
    due, grown, clients = around
    row: Row = {"period": label, "group": group, "currency": asked.currency}
    paid: dict[str, tuple[Decimal, Decimal]] = {}
    sums: dict[str, Decimal] = dict.fromkeys(
        (f"{m}_{kind}" for m in ("mrr", "arr") for kind in ("opening", *KINDS, "exchange", "closing")), ZERO
    )
    for key, records in mine.items():
        before, after = (state(_before(records, instant), asked) for instant in (begins, ends))
        now = state(records, asked)
        steps = [r for r in _before(records, ends) if r not in _before(records, begins)]
        on = asked.day(steps[-1].event.effective_at) if steps else first
        is_grown = before["arr"] == 0 and now["deal"] in grown and key[0] in clients
        rates = [rate_at(asked, now["currency"], day) for day in (first - DAY, on, end - DAY)]
        for measure in ("mrr", "arr"):
            opening, closing = worth_at(before[measure], rates[0]), worth_at(after[measure], rates[2])
            then, since = (worth_at(told[measure], rates[1]) for told in (before, after))
            sums[f"{measure}_opening"] += opening
            sums[f"{measure}_closing"] += closing
            if kind := movement(before[measure], after[measure], grown=is_grown):
                sums[f"{measure}_{kind}"] += abs(since - then)
            sums[f"{measure}_exchange"] += closing - opening - ((since - then) if steps else 0)
        held, holds = paid.get(key[0], (ZERO, ZERO))
        paid[key[0]] = (held + before["mrr"], holds + after["mrr"])
    to_renew = [r for r in due if r["period"] == label and (r["account"], r["subscription"]) in mine]
    counts = {
        "accounts_opening": sum(a > 0 for a, _ in paid.values()),
        "accounts_new": sum(a == 0 < b for a, b in paid.values()),
        "accounts_churned": sum(b == 0 < a for a, b in paid.values()),
        "accounts_closing": sum(b > 0 for _, b in paid.values()),
        "renewals_due": len(to_renew),
        "renewals_due_mrr": sum((r["mrr_converted"] for r in to_renew), ZERO),
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
