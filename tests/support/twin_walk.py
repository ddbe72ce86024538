"""Exchange rates and the walk of the pipeline once more, slowly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from salesledger.domain.rate import RateSet
from support.answers import Row
from support.twins import Asked, converted, deals, happened, naive, rate_on

LINES = (
    *("opening", "created", "reopened", "pulled_in", "raised", "lowered", "exchange", "pushed_out"),
    *("won", "lost", "disqualified", "closing"),
)


def rate_history(asked: Asked) -> list[Row]:
    """Twin of `rate_history`, without its column `place`."""
    rows: list[Row] = []
    for record in happened(asked, "rate"):
        event = record.event
        assert isinstance(event, RateSet)
        day = asked.day(event.effective_at)
        for earlier in rows:
            if earlier["currency"] == event.currency and earlier["valid_to"] is None:
                earlier["valid_to"] = day
        rows.append(
            {
                "currency": event.currency,
                "rate": event.rate,
                "valid_from": day,
                "valid_to": None,
                "set_at": naive(event.effective_at),
                "known_at": naive(record.known_at),
                "recorded_by": event.recorded_by,
                "entry": record.entry,
            }
        )
    return rows


def rates(asked: Asked) -> list[Row]:
    """Twin of `rates`."""
    return [{k: v for k, v in row.items() if k != "valid_to"} for row in rate_history(asked) if row["valid_to"] is None]


def rate_days(asked: Asked) -> list[Row]:
    """Twin of `rate_days`: what was in force at the end of each day before that of the last rate."""
    rows = []
    for last in rates(asked):
        currency = last["currency"]
        day = min(row["valid_from"] for row in rate_history(asked) if row["currency"] == currency)
        while day < last["valid_from"]:
            rows.append({"currency": currency, "day": day, "rate": rate_on(asked, currency, day)})
            day += timedelta(days=1)
    return rows


def moves(asked: Asked, since: datetime) -> list[Row]:
    """Twin of `pipeline_moves`: the lines that each deal is in, from what it is at the two dates."""
    before = {deal["deal"]: deal for deal in deals(replace(asked, as_of=since))}
    rows = []
    for after in deals(asked):
        earlier = before.get(after["deal"])
        for line, amount in _lines(asked, earlier, after):
            rows.append(
                {
                    "position": LINES.index(line) + 1,
                    "line": line,
                    "group": after[asked.by] if asked.by else None,
                    "deal": after["deal"],
                    "company": after["company"],
                    "amount": amount,
                    "currency": asked.currency,
                    "status": after["status"],
                    "expected_close_before": earlier["expected_close"] if earlier else None,
                    "expected_close": after["expected_close"],
                }
            )
    return rows


def _is_due(asked: Asked, day: date | None) -> bool:
    """Whether a day lies in the period asked about; every day does, and no day too, where there is none."""
    if not asked.periods:
        return True
    return day is not None and min(p.begin for p in asked.periods) <= day < max(p.end for p in asked.periods)


def _lines(asked: Asked, before: Row | None, after: Row) -> Iterable[tuple[str, Decimal]]:
    worth = after["value_converted"] or Decimal(0)
    due = _is_due(asked, after["expected_close"])
    was_open = before is not None and before["status"] == "open"
    if before is not None and was_open and _is_due(asked, before["expected_close"]):
        opening = before["value_converted"] or Decimal(0)
        at_later_rate = _revalued(asked, before, after)
        yield "opening", opening
        if at_later_rate != opening:
            yield "exchange", at_later_rate - opening
        if worth != at_later_rate:
            yield ("raised" if worth > at_later_rate else "lowered"), worth - at_later_rate
        if after["status"] == "open" and not due:
            yield "pushed_out", -worth
        elif after["status"] == "open" and not asked.periods:
            yield from _shifted(before["expected_close"], after["expected_close"])
    elif not due or (before is not None and not was_open and before["closed_at"] == after["closed_at"]):
        return
    else:
        yield ("created" if before is None else "pulled_in" if was_open else "reopened"), worth
    if after["status"] != "open":
        yield after["status"], -worth
    elif due:
        yield "closing", worth


def _revalued(asked: Asked, before: Row, after: Row) -> Decimal:
    """What the deal was worth before, at the rate that its value is converted at now."""
    if before["value"] is None or before["currency"] == asked.currency:
        return before["value"] or Decimal(0)
    return converted(before["value"], rate_on(asked, before["currency"], after["closed_on"] or asked.day(asked.as_of)))  # type: ignore[return-value]


def _shifted(before: date | None, after: date | None) -> Iterable[tuple[str, Decimal]]:
    if before and after and before != after:
        yield ("pulled_in" if after < before else "pushed_out"), Decimal(0)


def walk(asked: Asked, since: datetime) -> list[Row]:
    """Twin of `pipeline_walk`."""
    every = moves(asked, since)
    groups: set[Any] = {row["group"] for row in every} or {None}
    rows = []
    for group in groups:
        for line in LINES:
            there = [row for row in every if (row["group"], row["line"]) == (group, line)]
            rows.append(
                {
                    "group": group,
                    "line": line,
                    "deals": len(there),
                    "amount": sum((row["amount"] for row in there), Decimal(0)),
                    "currency": asked.currency,
                    "ids": sorted(row["deal"] for row in there),
                }
            )
    return rows
