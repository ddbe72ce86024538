"""Customer service once more, slowly: what clients value, what that suggests, their cases, how satisfied they are."""

from __future__ import annotations

from decimal import Decimal

from salesledger.domain.account import LEANS, AccountNoted, CaseOpened, CaseResolved, SatisfactionNoted
from support.answers import Row
from support.twin_reports import periods, rounded
from support.twins import Asked, by_id, happened, naive


def profile(asked: Asked) -> list[Row]:
    """Twin of `profile`: the last note of each preference."""
    last: dict[tuple[str, str], Row] = {}
    for record in happened(asked, "account"):
        event = record.event
        if isinstance(event, AccountNoted):
            last[record.id, event.preference] = {
                "account": record.id,
                "preference": event.preference,
                "weight": event.weight,
                "leans": LEANS.get(event.preference),
                "evidence": event.evidence,
                "noted_on": asked.day(event.effective_at),
                "noted_at": naive(event.effective_at),
                "note": event.note,
            }
    return list(last.values())


def suggestions(asked: Asked) -> list[Row]:
    """Twin of `suggestions`."""
    rows = []
    for account in {row["account"] for row in profile(asked)}:
        told = [row for row in profile(asked) if row["account"] == account and row["leans"] and row["weight"]]
        told.sort(key=lambda row: (-row["weight"], row["preference"]))
        repair, replace = (sum(row["weight"] for row in told if row["leans"] == lean) for lean in ("repair", "replace"))
        why = ", ".join(f"{row['preference']} {row['weight']} ({row['leans']})" for row in told)
        if told:
            rows.append(
                {
                    "account": account,
                    "repair": repair,
                    "replace": replace,
                    "suggestion": None if repair == replace else "repair" if repair > replace else "replace",
                    "suggestion_why": None if repair == replace else why,
                }
            )
    return rows


def cases(asked: Asked) -> list[Row]:
    """Twin of `cases`: the last opening and the last resolution of each."""
    rows = []
    for account, records in by_id(happened(asked, "account")).items():
        opened = {r.event.case_id: r.event for r in records if isinstance(r.event, CaseOpened)}
        resolved = {r.event.case_id: r.event for r in records if isinstance(r.event, CaseResolved)}
        for case_id, case in opened.items():
            done = resolved.get(case_id)
            begun, ended = asked.day(case.effective_at), asked.day(done.effective_at if done else asked.as_of)
            rows.append(
                {
                    "account": account,
                    **{name: getattr(case, name) for name in ("case_id", "kind", "subject", "product")},
                    "status": "resolved" if done else "open",
                    "opened_on": begun,
                    "opened_at": naive(case.effective_at),
                    "resolved_on": ended if done else None,
                    "resolved_at": naive(done.effective_at) if done else None,
                    "days": (ended - begun).days,
                    "suggestion": case.suggestion,
                    "suggestion_why": case.suggestion_why,
                    "resolution": done.resolution if done else None,
                    "followed": done.followed if done else None,
                }
            )
    return rows


def satisfaction(asked: Asked) -> list[Row]:
    """Twin of `satisfaction`."""
    rows = []
    for label, begins, ends in periods(asked):
        for account, records in by_id(happened(asked, "account")).items():
            answers = [r.event for r in records if isinstance(r.event, SatisfactionNoted)]
            answers = [answer for answer in answers if begins <= naive(answer.effective_at) < ends]
            scores = [answer.score for answer in answers]
            if not scores:
                continue
            promoters, detractors = sum(score > 8 for score in scores), sum(score < 7 for score in scores)
            rows.append(
                {
                    "period": label,
                    "account": account,
                    "answers": len(scores),
                    "points": sum(scores),
                    "mean": rounded(Decimal(sum(scores)) / len(scores)),
                    "promoters": promoters,
                    "passives": len(scores) - promoters - detractors,
                    "detractors": detractors,
                    "nps": 100 * (promoters - detractors) / len(scores),
                    "last_on": asked.day(answers[-1].effective_at),
                    "last_score": scores[-1],
                }
            )
    return rows
