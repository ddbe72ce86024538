"""A small shop's CRM export, its rules, and a ledger that it is imported into under a clock that the test sets."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from salesledger.domain.decide import Command, fold
from salesledger.domain.events import Event
from salesledger.domain.timeline import Recorded, standing
from salesledger.exchange.csv_import import import_csv
from salesledger.exchange.report import Report
from salesledger.exchange.rules import Rules, check_rules
from salesledger.ledger.store import Store
from support.ledgers import clock, log_of, new_ledger, record

HEADER = "id,rep,client,item,phase,begun,ended,price"

RULES = """
source_system = "shop"
currency = "EUR"
date_formats = ["iso", "%d.%m.%Y", "%m/%d/%Y"]

[process]
id = "shop"
[[process.stages]]
name = "talking"
probability = 0.4
[[process.stages]]
name = "trying"
probability = 0.6

[columns]
deal = "id"
owner = "rep"
account = "client"
product = "item"

[values.product]
"Chair2" = "Chair 2"

[[events]]
type = "lead-captured"
when = { phase = ["Talking", "Sold", "Gone"] }
date = "begun"
stage = "talking"

[[events]]
type = "lead-captured"
when = { phase = "New" }
date = "begun"
stage = "trying"

[[events]]
type = "deal-won"
when = { phase = "Sold" }
date = "ended"
fields = { amount = "price" }

[[events]]
type = "deal-lost"
when = { phase = "Gone" }
date = "ended"
"""

SOLD = "a1,Kim Lee,Acme & Sons,Chair2,Sold,2026-01-05,2026-02-01,1250.50"
GONE = "b2,Max,Bolt,Desk,Gone,2026-01-06,2026-02-02,0"
OPEN = "c3,Max,,Desk,Talking,2026-01-07,,"
UNDATED = "d4,Max,Bolt,Desk,New,,,"
"""A row of each kind."""


def day(number: float) -> datetime:
    """The start of a day of 2026 in UTC: 1 is the first of January."""
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number - 1)


def iso(number: float) -> str:
    """The same day as a cell has it."""
    return day(number).date().isoformat()


def rules(text: str = RULES, **changes: Any) -> Rules:
    """Rules from TOML, some of their keys replaced; None takes one out."""
    told = tomllib.loads(text, parse_float=str) | changes
    return check_rules({key: value for key, value in told.items() if value is not None}, "rules.toml")


@dataclass
class Shop:
    """A ledger, and a folder for files."""

    folder: Path
    ledger: Path
    rules: Rules

    @classmethod
    def at(cls, folder: Path, *, currency: str | None = None, timezone: str = "UTC", **changes: Any) -> Shop:
        """A new ledger."""
        ledger = new_ledger(folder / "shop.ledger", timezone=timezone, currency=currency)
        return cls(folder, ledger, rules(**changes))

    @property
    def rejects(self) -> Path:
        """Where rejected rows go."""
        return self.folder / "rejects.csv"

    def write(self, *rows: str, header: str = HEADER) -> Path:
        """A file of rows."""
        file = self.folder / "shop.csv"
        file.write_bytes("\n".join([header, *rows, ""]).encode("utf-8", "surrogateescape"))
        return file

    def imports(self, *rows: str, header: str = HEADER, on: float = 300, **options: Any) -> Report:
        """Import rows on a day."""
        return self.imports_file(self.write(*rows, header=header), on=on, **options)

    def imports_file(self, file: Path, *, on: float = 300, **options: Any) -> Report:
        """Import a file on a day."""
        values: dict[str, Any] = {"actor": "robot", "rejects": self.rejects, **options}
        with clock(day(on)), Store.open(self.ledger) as store:
            report = import_csv(store, file, values.pop("rules", self.rules), **values)
        assert report.rows == report.imported + report.changed + report.unchanged + report.rejected
        assert sum(report.reasons.values()) == report.rejected
        return report

    def records(self, deal: str) -> list[Recorded]:
        """Everything that the deal's stream holds."""
        return [r for r in log_of(self.ledger) if r.stream == f"deal:{deal}"]

    def types(self, deal: str, after: int = 0) -> list[str]:
        """The types of a deal's events, in the log's order, without the first few."""
        return [r.event.type_name() for r in self.records(deal)][after:]

    def state(self, deal: str, *, as_of: datetime | None = None, known_at: datetime | None = None) -> Any:
        """What the deal is at a date, as known at a date."""
        return fold(f"deal:{deal}", standing(self.records(deal), as_of, known_at))

    def by_hand(self, deal: str, *wishes: Command | Event, on: float = 301) -> None:
        """Somebody records something in the ledger."""
        with clock(day(on)), Store.open(self.ledger) as store:
            record(store, f"deal:{deal}", *wishes)

    def rejected(self) -> list[list[str]]:
        """The rejected rows as they lie in the file, without its header."""
        import csv

        with self.rejects.open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))[1:]


def reasons(report: Report) -> list[tuple[int, str]]:
    """The rejected rows that the report names."""
    return [(reject.line, reject.reason) for reject in report.first_rejects]


def dates(events: Sequence[Recorded]) -> list[date]:
    """The days on which events happened."""
    return [r.event.effective_at.date() for r in events]
