"""Attainment and issued forecasts once more, slowly: the last word on each, and what was booked beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from salesledger.domain.target import ForecastCalled, ForecastIssued, Promise, TargetSet
from salesledger.domain.timeline import Recorded
from salesledger.readmodel.periods import Span
from support.answers import Row
from support.twins import Asked, by_id, happened, naive, sales, what_it_sets

CALLS = {"commit": "commit", "best-case": "best_case", "pipeline": "pipeline"}
Whom = tuple[str, str | None]
Days = tuple[date, date]


def whom(event: Promise) -> Whom:
    """A person, a team, or the whole business."""
    if event.owner is not None:
        return "owner", event.owner
    return ("team", event.team) if event.team is not None else ("all", None)


def last_words(asked: Asked) -> dict[tuple[Whom, str, Days], TargetSet | ForecastCalled]:
    """The last target and the last call of each kind, for each period that one was made for."""
    said: dict[tuple[Whom, str, Days], TargetSet | ForecastCalled] = {}
    for record in happened(asked, "target"):
        event = record.event
        if isinstance(event, ForecastIssued):
            continue
        assert isinstance(event, TargetSet | ForecastCalled)
        word = "quota" if isinstance(event, TargetSet) else event.call
        said[whom(event), word, (event.begins_on, event.ends_on)] = event
    return said


def length(days: Days) -> int:
    """How many days."""
    return (days[1] - days[0]).days


def counted_parts(inside: Sequence[Days]) -> list[Days]:
    """Those that no longer part overlaps, nor one as long that begins earlier."""

    def beaten(part: Days) -> bool:
        return any(
            other != part
            and other[0] < part[1]
            and other[1] > part[0]
            and (length(other) > length(part) or (length(other) == length(part) and other[0] < part[0]))
            for other in inside
        )

    return [part for part in inside if not beaten(part)]


def sold(asked: Asked) -> list[tuple[Row, Row]]:
    """Each won deal that is no renewal, and what it was when it was won."""
    records = by_id(happened(asked, "deal"))
    return [(deal, _when_won(records[deal["deal"]])) for deal in sales(asked) if deal["status"] == "won"]


def _when_won(records: Sequence[Recorded]) -> Row:
    turned = [i for i, record in enumerate(records) if "status" in what_it_sets(record)][-1]
    state: Row = {"owner": None, "team": None}
    for record in records[: turned + 1]:
        state |= {name: value for name, value in what_it_sets(record).items() if name in state}
    return state


def attainment(asked: Asked) -> list[Row]:
    """Twin of `attainment`."""
    said = last_words(asked)
    every = sold(asked)
    rows = []
    for label, days, target in _rows(asked, said):
        inside = [d for (w, word, d) in said if (w, word) == (target, "quota") and days[0] <= d[0] and d[1] <= days[1]]
        parts = counted_parts(inside)
        covered = sum(map(length, parts))
        won = [
            deal
            for deal, then in every
            if days[0] <= deal["closed_on"] < days[1] and (target[0] == "all" or then[target[0]] == target[1])
        ]
        calls: dict[str, Any] = {column: said.get((target, word, days)) for word, column in CALLS.items()}
        with localcontext(prec=60):
            quota = sum((said[target, "quota", part].amount for part in parts), Decimal(0)) if parts else None
            amounts = [deal["value_converted"] for deal in won if deal["value_converted"] is not None]
            booked = sum(amounts, Decimal(0))
            whole = quota is not None and covered == length(days)
            rows.append(
                {
                    "period": label,
                    "begins_on": days[0],
                    "ends_on": days[1],
                    "scope": target[0],
                    "who": target[1],
                    "quota": quota,
                    "currency": asked.currency,
                    "uncovered_days": length(days) - covered,
                    "won": len(won),
                    "bookings": booked,
                    "won_without_amount": len(won) - len(amounts),
                    "attainment": float(booked) / float(quota) if whole and quota else None,
                    "gap": quota - booked if whole and quota is not None else None,
                    **{column: call.amount if call else None for column, call in calls.items()},
                }
            )
    return rows


def _rows(asked: Asked, said: dict[tuple[Whom, str, Days], Any]) -> set[tuple[str, Days, Whom]]:
    if not asked.periods:
        return {(Span(*days).label, days, target) for target, _, days in said}
    return {
        (period.label, (period.begin, period.end), target)
        for period in asked.periods
        for target, word, days in said
        if days == (period.begin, period.end) or (word == "quota" and period.begin <= days[0] and days[1] <= period.end)
    }


def issued_forecasts(asked: Asked) -> list[Row]:
    """Twin of `issued_forecasts`."""
    rows = []
    for record in happened(asked, "target"):
        event = record.event
        if isinstance(event, ForecastIssued):
            shown = ("model", "begins_on", "ends_on", "origin", "upto", "mean", *ENDS, "currency")
            row: Row = {"entry": record.entry, "issued_at": naive(event.effective_at)}
            row |= {"period": Span(event.begins_on, event.ends_on).label}
            row |= {name: getattr(event, name) for name in shown}
            rows.append(row | _outcome(asked, event))
    return rows


ENDS = {"lo_95": "0.025", "lo_80": "0.1", "median": "0.5", "hi_80": "0.9", "hi_95": "0.975"}


def _outcome(asked: Asked, event: ForecastIssued) -> Row:
    """What was booked, and how far off the forecast was."""
    if asked.day(asked.as_of) < event.ends_on:
        return dict.fromkeys(("actual", "error", "pinball", "within_80", "within_95"))
    with localcontext(prec=60):
        booked = Decimal(0)
        for deal in sales(asked):
            if deal["status"] == "won" and event.begins_on <= deal["closed_on"] < event.ends_on:
                booked += deal["value_converted"] or 0
        losses = []
        for name, level in ENDS.items():
            told = getattr(event, name)
            off = booked - (event.mean if told is None else told)
            losses.append(Decimal(level) * off if off >= 0 else (Decimal(level) - 1) * off)
        pinball = (sum(losses, Decimal(0)) / 5).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        row: Row = {"actual": booked, "error": event.mean - booked, "pinball": pinball}
    for share in ("80", "95"):
        low, high = getattr(event, f"lo_{share}"), getattr(event, f"hi_{share}")
        row[f"within_{share}"] = None if low is None else low <= booked <= high
    return row
