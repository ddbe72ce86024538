"""The walked process once more, slowly: the steps between stages, and how each step's ratio compares with its past."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal, localcontext
from statistics import median
from typing import Any

from support.answers import Row
from support.twin_reports import CLOSED, periods, split, stage_visits
from support.twins import Asked, deals, naive, sales

ENOUGH, PAST = 20, 3


def steps_of(visits: list[Row]) -> list[Row]:
    """The steps of one deal, in order: into its first stage, from stage to stage, out, and back in where it was reopened."""
    first = visits[0]
    found: list[Row] = [_step(first["process"], "start", first["process"], first["stage"], "start", None)]
    found[0]["version"] = first["process_version"]
    for i, visit in enumerate(visits):
        if visit["left_at"] is None:
            continue
        here, after = visit["process"], visits[i + 1] if i + 1 < len(visits) else None
        if visit["went_to"] in CLOSED:
            found.append(
                _step(here, visit["stage"], here, visit["went_to"], "close", visit["days"], last=after is None)
            )
            if after is not None:
                days = (after["entered_on"] - visit["left_on"]).days
                found.append(
                    _step(after["process"], visit["went_to"], after["process"], after["stage"], "reopen", days)
                )
        else:
            there = after["process"] if after is not None else here
            how = "step" if there == here else "move"
            found.append(_step(here, visit["stage"], there, visit["went_to"], how, visit["days"]))
            found[-1]["version"] = (after or visit)["process_version"]
    return found


def _step(process: str, left: str, to_process: str, to: str, how: str, days: int | None, *, last: bool = False) -> Row:
    return {
        "process": process,
        "from": left,
        "to_process": to_process,
        "to": to,
        "how": how,
        "days": days,
        "last": last,
    }


def kind_of(asked: Asked, step: Row) -> str:
    """What the order that was followed when the step was taken says of it."""
    if step["how"] in ("close", "move", "reopen"):
        return str(step["how"])
    version = step["version"]
    to = asked.stages.get((step["process"], version, step["to"]))
    came_from = (-1, None) if step["how"] == "start" else asked.stages.get((step["process"], version, step["from"]))
    if to is None or came_from is None:
        return "undefined"
    if to[0] <= came_from[0]:
        return "back"
    return "forward" if to[0] == came_from[0] + 1 else "skip"


def process_map(asked: Asked) -> list[Row]:
    """Twin of `process_map`."""
    visits: dict[str, list[Row]] = {}
    for visit in stage_visits(asked):
        visits.setdefault(visit["deal"], []).append(visit)
    taken: dict[tuple[Any, ...], list[tuple[Row, Row]]] = {}
    leaving: Counter[tuple[Any, ...]] = Counter()
    for deal in deals(asked):
        for label, begins, ends in periods(asked):
            if deal["deal"] not in visits or not begins <= deal["captured_at"] < ends:
                continue
            for step in steps_of(visits[deal["deal"]]):
                kind = kind_of(asked, step)
                key = (label, step["process"], step["from"], step["to"], step["to_process"], kind)
                taken.setdefault(key, []).append((deal, step))
                leaving[key[:3]] += 1
    rows = []
    for key, pairs in taken.items():
        days = [step["days"] for _, step in pairs if step["days"] is not None]
        lost = [d for d, step in pairs if step["last"] and step["to"] == d["status"] != "won"]
        amounts = [deal["value_converted"] for deal in lost if deal["value_converted"] is not None]
        with localcontext(prec=60):
            rows.append(
                {
                    **dict(
                        zip(("period", "process", "from_stage", "to_stage", "to_process", "kind"), key, strict=True)
                    ),
                    "deals": len({deal["deal"] for deal, _ in pairs}),
                    "times": len(pairs),
                    "share": len(pairs) / leaving[key[:3]],
                    "median_days": float(median(days)) if days else None,
                    "amount_lost": sum(amounts, Decimal(0)) if amounts else None,
                    "lost_without_amount": len(lost) - len(amounts),
                    "currency": asked.currency,
                }
            )
    return rows


def step_ratios(asked: Asked) -> list[Row]:
    """Twin of `step_ratios`."""
    begun = [p for p in periods(asked) if p[1] <= naive(asked.as_of)]
    if not begun:
        return []
    followed = naive(asked.as_of) - max(begins for _, begins, _ in begun)
    cells: dict[tuple[Any, ...], list[bool]] = {}
    first_days = dict(zip([p.label for p in asked.periods], [p.begin for p in asked.periods], strict=True))
    every = {deal["deal"]: deal for deal in sales(asked)}
    for label, begins, ends in begun:
        until = begins + followed
        been: dict[tuple[str, str], dict[str, int]] = {}
        for visit in stage_visits(asked):
            deal = every.get(visit["deal"])
            if deal and begins <= deal["captured_at"] < ends and deal["captured_at"] <= until >= visit["entered_at"]:
                key = visit["deal"], visit["process"]
                place = asked.stages.get((visit["process"], visit["process_version"], visit["stage"]))
                been.setdefault(key, {}).setdefault(visit["stage"], place[0] if place else -1)
        for (name, process), stages in been.items():
            won = every[name]["status"] == "won" and every[name]["closed_at"] <= until
            for stage, position in stages.items():
                cells.setdefault((label, split(asked, every[name]), process, stage), []).append(
                    won or max(stages.values()) > position
                )
    rows = []
    for (label, group, process, stage), reached in cells.items():
        ratio = sum(reached) / len(reached)
        began = first_days.get(label, date(1900, 1, 1))
        past = [
            sum(other) / len(other)
            for (then, g, p, s), other in cells.items()
            if (g, p, s) == (group, process, stage)
            and len(other) >= ENOUGH
            and began - timedelta(days=366) <= first_days.get(then, began) < began
        ]
        rows.append(
            {
                "period": label,
                "group": group,
                "process": process,
                "stage": stage,
                "followed_days": followed // timedelta(days=1),
                "entered": len(reached),
                "advanced": sum(reached),
                "step_ratio": ratio,
                "past_periods": len(past),
                "lowest_ratio": min(past, default=None),
                "highest_ratio": max(past, default=None),
                "falling": len(reached) >= ENOUGH and len(past) >= PAST and ratio < min(past),
            }
        )
    return rows
