"""The reports once more, slowly: visits to stages, pipeline, leads, metrics, funnel, what is blocked, bookings, accounts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from math import floor
from statistics import median
from typing import Any

from salesledger.domain.deal_events import (
    LeadAccepted,
    LeadCaptured,
    LeadContacted,
    LeadQualified,
    LeadTouched,
    MeetingHeld,
)
from salesledger.domain.process import ProcessDefined
from salesledger.domain.timeline import Recorded
from salesledger.readmodel.periods import Period
from support.answers import Row
from support.twins import Asked, by_id, converted, deals, happened, naive, sales, what_it_sets

ALL = ("all", datetime(1900, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001  # as SQL writes it
CLOSED = ("won", "lost", "disqualified")


def periods(asked: Asked) -> list[tuple[str, datetime, datetime]]:
    """Each period with its first instant and the first that is no longer in it."""

    def ends(period: Period) -> tuple[str, datetime, datetime]:
        return period.label, naive(period.begins_at(asked.zone)), naive(period.ends_at(asked.zone))

    return [ends(period) for period in asked.periods] or [ALL]


def rounded(exact: Decimal) -> Decimal:
    """To cents, half up."""
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def mean(days: list[int]) -> float | None:
    """Of calendar days."""
    return sum(days) / len(days) if days else None


def split(asked: Asked, deal: Row) -> Any:
    """What a deal counts under."""
    return deal[asked.by] if asked.by else None


def stage_visits(asked: Asked) -> list[Row]:
    """Twin of `stage_visits`: a stay begins where an open deal comes to a stage, and ends where it moves or closes."""
    rows: list[Row] = []
    for deal, records in by_id(happened(asked, "deal")).items():
        now: Row = {"status": None, "process": None, "stage": None}
        version = None
        stay: Row | None = None
        visits: list[Row] = []
        for record in records:
            after = now | {name: value for name, value in what_it_sets(record).items() if name in now}
            version = what_it_sets(record).get("process_version", version)
            if after == now:
                continue
            now, instant, day = after, naive(record.event.effective_at), asked.day(record.event.effective_at)
            if stay:
                went_to = now["stage"] if now["status"] == "open" else now["status"]
                stay |= {"left_at": instant, "left_on": day, "went_to": went_to}
                stay = None
            if now["status"] == "open" and now["stage"] is not None:
                place = {
                    "deal": deal,
                    "visit": len(visits) + 1,
                    "process": now["process"],
                    "process_version": version,
                    "stage": now["stage"],
                }
                stay = {
                    **place,
                    "entered_at": instant,
                    "entered_on": day,
                    "left_at": None,
                    "left_on": None,
                    "went_to": None,
                }
                visits.append(stay)
        for visit in visits:
            visit["days"] = ((visit["left_on"] or asked.day(asked.as_of)) - visit["entered_on"]).days
        rows += visits
    return rows


def pipeline(asked: Asked) -> list[Row]:
    """Twin of `pipeline`."""
    stages: dict[tuple[Any, ...], list[Row]] = {}
    for deal in deals(asked):
        if deal["status"] == "open":
            stages.setdefault((split(asked, deal), deal["process"], deal["stage"]), []).append(deal)
    rows = []
    for (group, process, stage), there in stages.items():
        weighted: list[Decimal] = []
        with localcontext(prec=60):
            for deal in there:
                known_stage = asked.stages.get((process, deal["process_version"], stage))
                if deal["value_converted"] is not None and known_stage:
                    weighted.append(deal["value_converted"] * known_stage[1])
            amounts = [deal["value_converted"] for deal in there if deal["value_converted"] is not None]
            rows.append(
                {
                    "group": group,
                    "process": process,
                    "stage": stage,
                    "deals": len(there),
                    "deals_without_amount": len(there) - len(amounts),
                    "amount": sum(amounts, Decimal(0)) if amounts else None,
                    "currency": asked.currency,
                    "weighted_amount": rounded(sum(weighted, Decimal(0))) if weighted else None,
                }
            )
    return rows


def board(asked: Asked) -> list[Row]:
    """Twin of `board`."""
    stages: dict[tuple[Any, Any], list[Row]] = {}
    for deal in deals(asked):
        if deal["status"] == "open":
            stages.setdefault((deal["process"], deal["stage"]), []).append(deal)
    rows = []
    for there in stages.values():
        there.sort(key=lambda d: (d["value_converted"] is None, -(d["value_converted"] or 0), d["deal"]))
        amounts = [deal["value_converted"] for deal in there if deal["value_converted"] is not None]
        told = {"stage_deals": len(there), "stage_amount": sum(amounts, Decimal(0)) if amounts else None}
        names = (
            "process",
            "stage",
            "deal",
            "company",
            "owner",
            "value",
            "currency",
            "value_converted",
            "expected_close",
        )
        rows += [{name: deal[name] for name in names} | told | {"stage_place": i} for i, deal in enumerate(there, 1)]
    return rows


def judged_by(records: Iterable[Recorded]) -> str | None:
    """Whose criteria the lead was judged by last."""
    judged = [r.event for r in records if isinstance(r.event, LeadCaptured) and r.event.judged is not None]
    return f"{judged[-1].process}/{judged[-1].process_version}" if judged else None


def leads(asked: Asked) -> list[Row]:
    """Twin of `leads`."""
    rows = []
    records = by_id(happened(asked, "deal"))
    copied = ("deal", "company", "source", "campaign", "owner", "status", "stage", "captured_on", "captured_at")
    for deal in sales(asked):
        of = records[deal["deal"]]
        touches, contacts, qualifications, acceptances, meetings = (
            [r for r in of if isinstance(r.event, kind)]
            for kind in (LeadTouched, LeadContacted, LeadQualified, LeadAccepted, MeetingHeld)
        )
        rows.append(
            {
                **{name: deal[name] for name in copied},
                "touches": len(touches),
                "first_touch_on": min((asked.day(r.event.effective_at) for r in touches), default=None),
                "contacts": len(contacts),
                "first_contact_on": min((asked.day(r.event.effective_at) for r in contacts), default=None),
                "qualified_on": max((asked.day(r.event.effective_at) for r in qualifications), default=None),
                "disqualified_on": deal["closed_on"] if deal["status"] == "disqualified" else None,
                "reason": deal["reason"],
                "handed_to": acceptances[-1].event.owner if acceptances else None,  # type: ignore[attr-defined]
                "meetings": len(meetings),
                **{name: deal[name] for name in ("referred_by", "value", "currency", "judged")},
                "judged_by": judged_by(of),
            }
        )
    return rows


def velocity(still_open: int, won: list[Row], lost: list[Row]) -> Decimal | None:
    """Open deals times the average size times the close ratio, divided by the average lifetime; exact, rounded once."""
    amounts = [d["value_converted"] for d in won if d["value_converted"] is not None]
    lived = sum((d["closed_on"] - d["captured_on"]).days for d in won)
    if not amounts or not lived:
        return None
    size = Fraction(sum(amounts, Decimal(0))) / len(amounts)
    exact = still_open * size * Fraction(len(won), len(won) + len(lost)) / Fraction(lived, len(won))
    return Decimal(floor(exact * 100 + Fraction(1, 2))) / 100


def pipeline_by_period(asked: Asked) -> list[Row]:
    """Twin of `pipeline_by_period`: the pipeline as of each period's last instant."""
    rows = []
    for label, begins, ends in periods(asked):
        last = min(ends.replace(tzinfo=UTC) - timedelta(microseconds=1), asked.as_of)
        if begins <= naive(asked.as_of):
            rows += [{"period": label, **row} for row in pipeline(replace(asked, as_of=last))]
    return rows


def metrics(asked: Asked) -> list[Row]:
    """Twin of `metrics`."""
    rows = []
    every = sales(asked)
    contacts = {
        deal: [naive(r.event.effective_at) for r in records if isinstance(r.event, LeadContacted)]
        for deal, records in by_id(happened(asked, "deal")).items()
    }
    for label, begins, ends in periods(asked):
        captured = [d for d in every if begins <= d["captured_at"] < ends]
        closed = [d for d in every if d["closed_at"] is not None and begins <= d["closed_at"] < ends]
        groups = {split(asked, d) for d in captured + closed} or {None}
        for group in groups:
            won, lost, disqualified = (
                [d for d in closed if d["status"] == status and split(asked, d) == group] for status in CLOSED
            )
            amounts = [d["value_converted"] for d in won if d["value_converted"] is not None]
            still_open = [
                d
                for d in every
                if split(asked, d) == group
                and d["captured_at"] < ends
                and (d["closed_at"] is None or d["closed_at"] >= ends)
            ]
            waits = [
                max(min(contacts[d["deal"]]) - d["captured_at"], timedelta(0)) / timedelta(microseconds=1)
                for d in captured
                if split(asked, d) == group and contacts[d["deal"]]
            ]
            with localcontext(prec=60):
                total = sum(amounts, Decimal(0))
                average = rounded(total / len(amounts)) if amounts else None
            rows.append(
                {
                    "period": label,
                    "group": group,
                    "leads": sum(split(asked, d) == group for d in captured),
                    "won": len(won),
                    "lost": len(lost),
                    "disqualified": len(disqualified),
                    "bookings": total,
                    "average_deal_size": average,
                    "won_without_amount": len(won) - len(amounts),
                    "currency": asked.currency,
                    "close_ratio": len(won) / (len(won) + len(lost)) if won or lost else None,
                    "average_deal_lifetime_days": mean([(d["closed_on"] - d["captured_on"]).days for d in won]),
                    "average_days_to_loss": mean([(d["closed_on"] - d["captured_on"]).days for d in lost]),
                    "sales_velocity": velocity(len(still_open), won, lost),
                    "contacted": len(waits),
                    "median_hours_to_first_contact": median(waits) / 3_600_000_000 if waits else None,
                }
            )
    return rows


def funnel(asked: Asked) -> list[Row]:
    """Twin of `funnel`."""
    every = {deal["deal"]: deal for deal in sales(asked)}
    visits = [visit for visit in stage_visits(asked) if visit["deal"] in every]
    visited: dict[tuple[str, str], dict[str, int]] = {}
    for visit in visits:  # in order: a stage stands where it stood when the deal came there first
        key = visit["deal"], visit["process"]
        place = asked.stages.get((visit["process"], visit["process_version"], visit["stage"]))
        visited.setdefault(key, {}).setdefault(visit["stage"], place[0] if place else -1)
    cells: dict[tuple[Any, ...], list[tuple[Row, bool]]] = {}
    for label, begins, ends in periods(asked):
        for (name, process), stages in visited.items():
            deal = every[name]
            if begins <= deal["captured_at"] < ends:
                for stage, position in stages.items():
                    further = deal["status"] == "won" or max(stages.values()) > position
                    cells.setdefault((label, split(asked, deal), process, stage), []).append((deal, further))
    rows = []
    for (label, group, process, stage), there in cells.items():
        statuses = [deal["status"] for deal, _ in there]
        advanced = sum(further for _, further in there)
        rows.append(
            {
                "period": label,
                "group": group,
                "process": process,
                "stage": stage,
                "entered": len(there),
                "advanced": advanced,
                "won": statuses.count("won"),
                "lost": statuses.count("lost") + statuses.count("disqualified"),
                "disqualified": statuses.count("disqualified"),
                "open": statuses.count("open"),
                "step_ratio": advanced / len(there),
                "win_ratio": statuses.count("won") / len(there),
            }
        )
    return rows


def rot_days(asked: Asked, deal: Row) -> int | None:
    """What the deal's version of its process allows in its stage."""
    for record in asked.log:
        event = record.event
        if isinstance(event, ProcessDefined) and (record.id, event.process_version) == (
            deal["process"],
            deal["process_version"],
        ):
            return next((stage.rot_days for stage in event.stages if stage.name == deal["stage"]), None)
    return None


def blocked(asked: Asked) -> list[Row]:
    """Twin of `blocked`."""
    visits = stage_visits(asked)
    rows = []
    for deal in deals(asked):
        here = [v for v in visits if v["deal"] == deal["deal"] and v["left_at"] is None]
        if deal["status"] != "open" or not here:
            continue
        (visit,) = here
        earlier = [
            v["days"]
            for v in visits
            if v["left_at"] is not None and (v["process"], v["stage"]) == (visit["process"], visit["stage"])
        ]
        usual = float(median(earlier)) if earlier else None
        allowed = rot_days(asked, deal)
        limit = usual if allowed is None else allowed
        if limit is not None and visit["days"] > limit:
            rows.append(
                {
                    **{name: deal[name] for name in ("deal", "company", "process", "stage", "owner", "expected_close")},
                    "amount": deal["value_converted"],
                    "currency": asked.currency if deal["currency"] else None,
                    "entered_on": visit["entered_on"],
                    "days_in_stage": visit["days"],
                    "usual_days": usual,
                    "times_usual": visit["days"] / usual if usual else None,
                    "rot_days": allowed,
                }
            )
    return rows


def bookings(asked: Asked) -> list[Row]:
    """Twin of `bookings`."""
    copied = (
        *("deal", "company", "account", "interval_months", "term_months"),
        *("owner", "team", "product", "segment", "source", "process"),
    )
    return [
        {
            "period": label,
            **{name: deal[name] for name in copied},
            "won_on": deal["closed_on"],
            "won_at": deal["closed_at"],
            "bookings": deal["value_converted"],
            **{name: converted(deal[name], deal["rate"]) for name in ("amount", "recurring_amount")},
            "currency": asked.currency if deal["currency"] else None,
            "lifetime_days": (deal["closed_on"] - deal["captured_on"]).days,
        }
        for label, begins, ends in periods(asked)
        for deal in sales(asked)
        if deal["status"] == "won" and begins <= deal["closed_at"] < ends
    ]
