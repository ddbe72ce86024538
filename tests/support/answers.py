"""What the SQL projections answer, asked many times over one ledger.

A projection's statement is run over tables that hold what it needs, one projection at a time: the same SQL as the engine's, but
planned once a projection and not once a chain of them, which is some ten times faster. `tests/projections` holds the two against
each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from salesledger.domain.clocks import LATEST
from salesledger.readmodel import catalogue
from salesledger.readmodel.bases import process_criteria, told_criteria
from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.periods import Period

Row = dict[str, Any]
JSON_COLUMNS = ("attributes",)


@dataclass
class Tables:
    """One ledger's answers.

    Attributes:
        engine: what reads the ledger.
        periods: the periods of the reports.
        tables: the parameters that each table was last made with.
    """

    engine: Engine
    periods: Sequence[Period] = ()
    tables: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.engine.duck.execute("SET threads = 1")
        for base in catalogue.BASES:
            rows = self.engine.query(f"SELECT * FROM {base}", Question(periods=self.periods)).to_arrow_table()
            self.engine.duck.register(f"{base}_rows", rows)
            self.engine.duck.execute(f"CREATE TEMP TABLE {base} AS SELECT * FROM {base}_rows")

    def ask(
        self,
        name: str,
        as_of: datetime = LATEST,
        known_at: datetime = LATEST,
        by: str | None = None,
        since: datetime | None = None,
        late_days: int = 0,
    ) -> list[Row]:
        """The rows of a projection, in its own order, instants without an offset and JSON as what it says."""
        duck, zone = self.engine.duck, self.engine.head.zone
        values = {
            "as_of": as_of.astimezone(UTC).replace(tzinfo=None),
            "as_of_on": as_of.astimezone(zone).date(),
            "since": (since or as_of).astimezone(UTC).replace(tzinfo=None),
            "since_on": (since or as_of).astimezone(zone).date(),
            "known_at": known_at.astimezone(UTC).replace(tzinfo=None),
            "late_days": late_days,
            "by": by,
            "currency": self.engine.head.currency,
        }
        wanted = catalogue.in_order(self.engine.projections, [name])
        if any("process_criteria" in projection.needs for projection in wanted):
            known = process_criteria(told_criteria(self.engine.head, known_at, None))
            duck.execute(f"CREATE OR REPLACE TEMP TABLE process_criteria AS {known}")
        for projection in wanted:
            reads = {n for p in catalogue.in_order(self.engine.projections, [projection.name]) for n in p.parameters}
            made_with = tuple(values[n] for n in sorted(reads))
            if self.tables.get(projection.name) != made_with:
                given = {n: values[n] for n in catalogue.parameters_of(projection.sql)}
                duck.execute(f'CREATE OR REPLACE TEMP TABLE "{projection.name}" AS {projection.sql}', given)
                self.tables[projection.name] = made_with
        result = duck.execute(f'SELECT * FROM "{name}"')
        columns = [column[0] for column in result.description]
        return [plain(dict(zip(columns, row, strict=True))) for row in result.fetchall()]


@contextmanager
def tables(path: Path, periods: Iterable[Period] = ()) -> Iterator[Tables]:
    """Ask one ledger."""
    with Engine.open(path) as engine:
        yield Tables(engine, tuple(periods))


def plain(row: Row) -> Row:
    """A row whose JSON is read."""
    return {name: json.loads(v) if name in JSON_COLUMNS and v is not None else v for name, v in row.items()}


def ordered(rows: Iterable[Row]) -> list[Row]:
    """Rows in an order that follows from what they say."""
    return sorted(rows, key=lambda row: repr(sorted((k, str(v)) for k, v in row.items())))


def merged(rows: Iterable[Row], subject: str = "deal") -> list[Row]:
    """A history without seams: neighbouring spans that say the same are one."""
    told: list[Row] = []
    for row in sorted(rows, key=lambda row: (row[subject], row["valid_from"])):
        same = told and all(told[-1][k] == row[k] for k in row if k not in ("valid_from", "valid_to"))
        if same and told[-1]["valid_to"] == row["valid_from"]:
            told[-1]["valid_to"] = row["valid_to"]
        else:
            told.append(dict(row))
    return told
