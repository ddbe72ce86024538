"""The reports on the steps of the process once more, slowly: criteria, hand-overs, meetings, pain points, losses, discounts."""

from __future__ import annotations

from decimal import Decimal
from statistics import median
from typing import Any

from salesledger.domain.deal_events import (
    DealWon,
    LeadAccepted,
    LeadCaptured,
    LeadHandedOver,
    LeadRejected,
    MeetingHeld,
)
from salesledger.domain.process import ProcessDefined
from support.answers import Row
from support.twin_reports import periods, split
from support.twins import Asked, by_id, converted, deals, happened, naive, sales


def judgements(asked: Asked) -> list[Row]:
    """Twin of `judgements`: each criterion asked by the domain, one after the other."""
    known = [r for r in asked.log if r.known_at <= asked.known_at]
    versions = [(r.id, r.event) for r in known if isinstance(r.event, ProcessDefined) and r.event.criteria]
    rows = []
    for deal, records in by_id(happened(asked, "deal")).items():
        captures = [r.event for r in records if isinstance(r.event, LeadCaptured)]
        told = [event.attributes for event in captures if event.attributes is not None]
        facts = told[-1] if told else {}
        for process, version in versions if captures else ():
            verdicts = [criterion.judge(facts) for criterion in version.criteria or ()]
            rows.append(
                {
                    "deal": deal,
                    "process": process,
                    "process_version": version.process_version,
                    "verdict": version.definition().judge(facts),
                    "criteria": len(verdicts),
                    "unmet": verdicts.count("unmet"),
                    "unknown": verdicts.count("unknown"),
                }
            )
    return rows


def ratio(part: int, other: int) -> float | None:
    """One of two counts, as a share of both."""
    return part / (part + other) if part + other else None


def hand_over_offers(asked: Asked) -> list[Row]:
    """Twin of `hand_over_offers`: an offer is answered by the next step of its kind, unless that is another offer."""
    rows = []
    every = {deal["deal"]: deal for deal in deals(asked)}
    for deal, records in by_id(happened(asked, "deal")).items():
        steps = [r for r in records if isinstance(r.event, LeadHandedOver | LeadAccepted | LeadRejected)]
        for here, behind in zip(steps, [*steps[1:], None], strict=False):
            offer, answer = here.event, behind.event if behind else None
            if deal not in every or not isinstance(offer, LeadHandedOver):
                continue
            answered = answer if isinstance(answer, LeadAccepted | LeadRejected) else None
            offered_on = asked.day(offer.effective_at)
            answered_on = asked.day(answered.effective_at) if answered else None
            rows.append(
                {
                    "deal": deal,
                    "entry": here.entry,
                    "company": every[deal]["company"],
                    "handed_by": offer.handed_by,
                    "handed_to": offer.handed_to,
                    "offered_at": naive(offer.effective_at),
                    "offered_on": offered_on,
                    "answer": {LeadAccepted: "accepted", LeadRejected: "rejected"}.get(type(answered)),  # type: ignore[arg-type]
                    "answered_on": answered_on,
                    "days": (answered_on - offered_on).days if answered_on else None,
                    "reason": answered.reason if isinstance(answered, LeadRejected) else None,
                    "status": every[deal]["status"],
                }
            )
    return rows


def grouped(rows: list[tuple[tuple[Any, ...], Row]]) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by their keys."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for key, row in rows:
        groups.setdefault(key, []).append(row)
    return groups


def hand_overs(asked: Asked) -> list[Row]:
    """Twin of `hand_overs`."""
    every = {deal["deal"]: deal for deal in sales(asked)}
    told = [
        ((label, split(asked, every[o["deal"]]), *((None, None) if asked.by else (o["handed_by"], o["handed_to"]))), o)
        for label, begins, ends in periods(asked)
        for o in hand_over_offers(asked)
        if o["deal"] in every and begins <= o["offered_at"] < ends
    ]
    rows = []
    for (label, group, by, to), offers in grouped(told).items():
        accepted = [o for o in offers if o["answer"] == "accepted"]
        reasons = [o["reason"] for o in offers if o["answer"] == "rejected"]
        won, lost = (len({o["deal"] for o in accepted if o["status"] == status}) for status in ("won", "lost"))
        often = sorted(set(reasons), key=lambda reason: (-reasons.count(reason), reason))
        rows.append(
            {
                "period": label,
                "group": group,
                "handed_by": by,
                "handed_to": to,
                "offered": len(offers),
                "accepted": len(accepted),
                "rejected": len(reasons),
                "open": len(offers) - len(accepted) - len(reasons),
                "acceptance_rate": ratio(len(accepted), len(reasons)),
                "median_days_to_accept": float(median(o["days"] for o in accepted)) if accepted else None,
                "won": won,
                "lost": lost,
                "win_ratio": ratio(won, lost),
                "reject_reasons": "; ".join(f"{r} ({reasons.count(r)})" for r in often) or None,
            }
        )
    return rows


def meetings_held(asked: Asked) -> list[tuple[str, Row, MeetingHeld]]:
    """Every meeting with the period that it lies in and its deal."""
    every = {deal["deal"]: deal for deal in deals(asked)}
    return [
        (label, every[r.id], r.event)
        for label, begins, ends in periods(asked)
        for r in happened(asked, "deal")
        if isinstance(r.event, MeetingHeld) and r.id in every and begins <= naive(r.event.effective_at) < ends
    ]


def meetings(asked: Asked) -> list[Row]:
    """Twin of `meetings`."""
    told = [((label, split(asked, deal), held.kind), deal) for label, deal, held in meetings_held(asked)]
    new = {deal["deal"] for deal in sales(asked)}
    rows = []
    for (label, group, kind), held in grouped(told).items():
        of = {s: {d["deal"] for d in held if d["status"] == s and d["deal"] in new} for s in ("won", "lost", "open")}
        won = len(of["won"])
        rows.append(
            {
                "period": label,
                "group": group,
                "kind": kind,
                "held": len(held),
                "deals": len({deal["deal"] for deal in held}),
                "renewals": len({deal["deal"] for deal in held} - new),
                "won_deals": won,
                "lost_deals": len(of["lost"]),
                "open_deals": len(of["open"]),
                "win_ratio": ratio(won, len(of["lost"])),
                "meetings_per_won_deal": sum(d["deal"] in of["won"] for d in held) / won if won else None,
            }
        )
    return rows


def pain_points(asked: Asked) -> list[Row]:
    """Twin of `pain_points`."""
    first: dict[str, str] = {}
    for record in happened(asked, "deal"):
        if isinstance(record.event, MeetingHeld):
            for pain in record.event.pain_points or ():
                first.setdefault(pain.lower(), pain)
    told = [
        ((label, split(asked, deal), first[pain.lower()]), deal)
        for label, deal, held in meetings_held(asked)
        for pain in held.pain_points or ()
    ]
    rows = []
    new = {deal["deal"] for deal in sales(asked)}
    for (label, group, pain), named in grouped(told).items():
        every = {deal["deal"]: deal for deal in named}
        where = [deal for name, deal in every.items() if name in new]
        statuses = [deal["status"] for deal in where]
        won = [deal["value_converted"] for deal in where if deal["status"] == "won"]
        rows.append(
            {
                "period": label,
                "group": group,
                "pain_point": pain,
                "deals": len(every),
                "renewals": len(every) - len(where),
                **{status: statuses.count(status) for status in ("won", "lost", "disqualified", "open")},
                "win_ratio": ratio(len(won), statuses.count("lost")),
                "bookings": sum((value for value in won if value is not None), Decimal(0)),
                "won_without_amount": won.count(None),
                "currency": asked.currency,
            }
        )
    return rows


def losses(asked: Asked) -> list[Row]:
    """Twin of `losses`."""
    columns = ("reason", "process", "stage", "source", "competitor")
    told = [
        ((label, *(deal[name] for name in columns)), deal)
        for label, begins, ends in periods(asked)
        for deal in deals(asked)
        if deal["status"] == "lost" and begins <= deal["closed_at"] < ends
    ]
    rows = []
    new = {deal["deal"] for deal in sales(asked)}
    for (label, *cells), lost in grouped(told).items():
        amounts = [deal["value_converted"] for deal in lost if deal["value_converted"] is not None]
        rows.append(
            {
                "period": label,
                **dict(zip(columns, cells, strict=True)),
                "deals": len(lost),
                "renewals": sum(deal["deal"] not in new for deal in lost),
                "deals_without_amount": len(lost) - len(amounts),
                "amount": sum(amounts, Decimal(0)) if amounts else None,
                "currency": asked.currency,
            }
        )
    return rows


def discounts(asked: Asked) -> list[Row]:
    """Twin of `discounts`."""
    wins = {r.id: r.event for r in happened(asked, "deal") if isinstance(r.event, DealWon)}  # the last one of each
    new = {deal["deal"] for deal in sales(asked)}
    rows = []
    for label, begins, ends in periods(asked):
        for deal in deals(asked):
            if deal["status"] != "won" or not begins <= deal["closed_at"] < ends or deal["value"] is None:
                continue
            listed = wins[deal["deal"]].list_amount
            if listed is None:
                continue
            listed = converted(listed, deal["rate"])
            assert listed is not None
            off = listed - deal["value_converted"]
            rows.append(
                {
                    "period": label,
                    **{name: deal[name] for name in ("deal", "company", "owner", "product", "process")},
                    "is_renewal": deal["deal"] not in new,
                    "value": deal["value_converted"],
                    "currency": asked.currency,
                    "won_on": deal["closed_on"],
                    "list_amount": listed,
                    "discount_amount": off,
                    "discount_share": float(off) / float(listed) if listed else None,
                    "terms": wins[deal["deal"]].terms,
                }
            )
    return rows
