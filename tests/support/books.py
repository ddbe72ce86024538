"""Rows in, rows out: a ledger of a few events, and a projection's rows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from salesledger.domain.decide import Command
from salesledger.domain.events import Event
from salesledger.ledger.store import Store
from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.periods import Period
from support.happenings import at
from support.ledgers import clock, new_ledger, record

END = at(300)


@dataclass(frozen=True)
class Books:
    """A ledger that a test fills and asks."""

    path: Path

    def record(self, stream: str, *wishes: Command | Event, now: datetime = END) -> Books:
        """Record what happened in a stream, one command after the other; 'acme' means the deal acme."""
        with clock(now), Store.open(self.path) as store:
            for wish in wishes:
                record(store, stream if ":" in stream else f"deal:{stream}", wish)
        return self

    def ask(
        self, name: str, *columns: str, as_of: datetime = END, known_at: datetime = END, **question: Any
    ) -> list[tuple[Any, ...]]:
        """The rows of a projection, in its order: the columns that are named, or a row's only one."""
        with Engine.open(self.path) as engine:
            rows = engine.answer(name, Question(as_of, known_at, **question)).dicts()
        return [tuple(row[column] for column in columns) for row in rows]

    def one(self, name: str, *columns: str, **question: Any) -> tuple[Any, ...]:
        """The only row."""
        (row,) = self.ask(name, *columns, **question)
        return row


def books(folder: Path, timezone: str = "UTC", currency: str | None = "EUR") -> Books:
    """An empty ledger."""
    return Books(new_ledger(folder / "sales.ledger", timezone, currency))


def days(*bounds: int) -> Sequence[Period]:
    """Periods between days of January 2026: (1, 5, 9) gives the days 1 to 4 and 5 to 8."""

    def day(n: int) -> date:
        return at(n).date()

    return [Period(f"{a}-{b}", day(a), day(b)) for a, b in pairwise(bounds)]


def utc(day: float) -> datetime:
    """The start of a day of January 2026 as SQL writes it: UTC, without an offset."""
    return at(day).replace(tzinfo=None)
