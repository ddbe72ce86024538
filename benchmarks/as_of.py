"""The pipeline as of a past date on the mirror, against folding the same events in Python, which must give the same rows."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from benchmarks.measure import Line, race
from benchmarks.workspace import Workspace
from salesledger.domain.process import B2B
from salesledger.readmodel.engine import Engine, Question

AS_OF = datetime(2024, 6, 30, 22, tzinfo=UTC)
ROUNDS = 3

_PRICED = ("lead-captured/1", "deal-revised/1", "offer-made/1", "deal-won/1")
_MONEY = ("amount", "recurring_amount", "interval_months", "term_months", "currency")
_STATUS = {
    "lead-captured/1": "open",
    "deal-reopened/1": "open",
    "deal-won/1": "won",
    "deal-lost/1": "lost",
    "lead-disqualified/1": "disqualified",
}

Row = tuple[Any, ...]


def run(work: Workspace) -> Iterator[Line]:
    """The pipeline as of a date in the middle."""
    path = work.ledger()
    with Engine.open(path) as engine:
        spent, rows = race({"fold": lambda: fold(path), "mirror": lambda: pipeline(engine)}, ROUNDS)
    assert rows["fold"] == rows["mirror"], f"the fold says {rows['fold']}, the projection {rows['mirror']}"
    fast, slow = spent["mirror"], spent["fold"]
    yield Line(
        f"pipeline as of a date, {work.events:,} events", f"{fast * 1000:.0f} ms CPU", f"json.loads and a dict fold {slow:.1f} s",
        slow / fast, (15, True),
    )  # fmt: skip


def pipeline(engine: Engine) -> list[Row]:
    """What the projection answers."""
    return engine.answer("pipeline", Question(as_of=AS_OF)).rows


def fold(path: Path) -> list[Row]:
    """What a plain fold answers: the last value by place of each attribute, of what is not struck out."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    as_of = AS_OF.isoformat().replace("+00:00", "Z")
    voids: dict[int, bool] = {}
    changes: dict[str, list[tuple[str, int, int, str, dict[str, Any]]]] = defaultdict(list)
    for entry, stream, topic, state in connection.execute(
        "SELECT entry, originator_id, topic, state FROM stored_events ORDER BY entry"
    ):
        event = json.loads(state)
        if topic == "event-voided/1":
            voids[event["void_root"]] = event["strikes"]
        elif stream.startswith("deal:") and event["effective_at"] <= as_of:
            changes[stream].append((event["effective_at"], event.get("rank", entry), entry, topic, event))
    deals = (_state([c for c in timeline if not voids.get(c[2])]) for timeline in changes.values())
    return _by_stage([deal for deal in deals if deal.get("status") == "open"])


def _state(timeline: list[tuple[str, int, int, str, dict[str, Any]]]) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for _, _, _, topic, event in sorted(timeline, key=lambda change: change[:2]):
        if topic in _STATUS:
            state["status"] = _STATUS[topic]
        if "stage" in event:
            state["stage"] = event["stage"]
        if topic in _PRICED:
            state |= {name: event[name] for name in _MONEY if name in event}
    return state


def _by_stage(deals: list[dict[str, Any]]) -> list[Row]:
    rows: list[Row] = []
    for stage in B2B.stages:
        there = [deal for deal in deals if deal["stage"] == stage.name]
        values = [value for deal in there if (value := _value(deal)) is not None]
        amount = sum(values, Decimal(0)).quantize(Decimal("0.0001"))
        weighted = (amount * stage.probability).quantize(Decimal("0.01"), ROUND_HALF_UP)
        if there:
            rows.append((None, "b2b", stage.name, len(there), len(there) - len(values), amount, "EUR", weighted))
    return rows


def _value(deal: dict[str, Any]) -> Decimal | None:
    amount = Decimal(deal["amount"]) if "amount" in deal else None
    if "recurring_amount" not in deal:
        return amount
    terms: int = deal["term_months"] // deal["interval_months"]
    return (amount or Decimal(0)) + Decimal(deal["recurring_amount"]) * terms
