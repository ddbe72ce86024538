"""Does the imported Maven data say what its CSV file says? `python -m benchmarks.accept_maven FOLDER [--ledger PATH]`.

FOLDER holds sales_pipeline.csv and, in dirty_variants/, copies of it that were saved again; the data isn't part of this
project. Every file goes into a ledger of its own, and every answer is held against a plain reading of the CSV itself.
"""

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from salesledger.exchange.csv_import import import_csv
from salesledger.exchange.report import Report
from salesledger.exchange.rules import read_rules
from salesledger.ledger.store import Store
from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.periods import Span, parse_moment, split

RULES = Path(__file__).parent.parent / "examples" / "maven_crm.toml"
FILES = {
    "sales_pipeline.csv": "%Y-%m-%d",
    "dirty_variants/sales_pipeline_mdy_slash.csv": "%m/%d/%Y",
    "dirty_variants/sales_pipeline_dd-mm-yy_extra_cols.csv": "%d-%m-%y",
    "dirty_variants/sales_pipeline_plus_teste_2026.csv": "%Y-%m-%d",
}
FIRST, LAST = date(2016, 10, 19), date(2018, 1, 2)
UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Plain:
    """A row of the CSV, read without any of the project's code."""

    stage: str
    engaged: date | None
    closed: date | None
    value: Decimal | None


def read_plainly(file: Path, date_format: str) -> list[Plain]:
    """Every row of a file."""

    def day(text: str) -> date | None:
        return datetime.strptime(text, date_format).date() if text.strip() else None  # noqa: DTZ007

    with file.open(encoding="utf-8-sig", newline="") as opened:
        return [
            Plain(
                row["deal_stage"],
                day(row["engage_date"]),
                day(row["close_date"]),
                Decimal(row["close_value"]) if row["close_value"].strip() else None,
            )
            for row in csv.DictReader(opened)
        ]


def open_on(rows: list[Plain], day: date) -> int:
    """Deals engaged by the day and not closed by it."""
    return sum(r.engaged is not None and r.engaged <= day and (r.closed is None or r.closed > day) for r in rows)


def quarter_of(rows: list[Plain], begin: date, end: date) -> tuple[int, int, Decimal, Decimal | None]:
    """Won, lost, bookings and the average deal size of the days from `begin` up to, but without, `end`."""
    closed = [r for r in rows if r.closed is not None and begin <= r.closed < end]
    values = [r.value for r in closed if r.stage == "Won" and r.value is not None]
    average = (sum(values, Decimal()) / len(values)).quantize(Decimal("0.01"), ROUND_HALF_UP) if values else None
    return (
        len([r for r in closed if r.stage == "Won"]),
        len([r for r in closed if r.stage == "Lost"]),
        sum(values, Decimal()),
        average,
    )


def days() -> Iterator[date]:
    """Every day that is asked about."""
    for i in range((LAST - FIRST).days + 1):
        yield FIRST + timedelta(days=i)


def open_deals(engine: Engine, day: date, *, known_then: bool = False) -> int:
    """Open deals at the end of a day, as the ledger says."""
    end = parse_moment(day.isoformat(), day, UTC, end_of_day=True)
    answer = engine.answer("pipeline", Question(as_of=end, known_at=end if known_then else None))
    return sum(row["deals"] for row in answer.dicts())


class Check:
    """Counts what was held against the file, and what differed."""

    def __init__(self) -> None:
        self.done = 0
        self.wrong: list[str] = []

    def same(self, what: str, found: object, expected: object) -> None:
        """One comparison."""
        self.done += 1
        if found != expected:
            self.wrong.append(f"{what}: the ledger says {found}, the file {expected}")


def check_counts(check: Check, name: str, report: Report, rows: list[Plain]) -> None:
    """What the report counts, against the file."""
    dated = [r for r in rows if r.engaged is not None]
    check.same(f"{name}: rows", report.rows, len(rows))
    check.same(f"{name}: imported", report.imported, len(dated))
    check.same(f"{name}: rejected", dict(report.reasons), {"no date: engage_date is empty": len(rows) - len(dated)})
    check.same(f"{name}: sum", report.imported + report.changed + report.unchanged + report.rejected, report.rows)
    for kind, stage in (("deal-won", "Won"), ("deal-lost", "Lost")):
        check.same(f"{name}: {kind}", report.events.get(kind, 0), sum(r.stage == stage for r in rows))


def accept(check: Check, folder: Path, name: str, path: Path) -> list[object]:
    """Import one file into a new ledger, and ask it everything."""
    rows, rules = read_plainly(folder / name, FILES[name]), read_rules(RULES)
    with Store.create(path, timezone="UTC", currency=None, recorded_by="accept") as store:
        rehearsed = import_csv(store, folder / name, rules, actor="accept", dry_run=True)
        began = time.perf_counter()
        report = import_csv(store, folder / name, rules, actor="accept")
        seconds = time.perf_counter() - began
        entries = store.app.recorder.max_notification_id()
        again = import_csv(store, folder / name, rules, actor="accept")
        check.same(f"{name}: entries after a second import", store.app.recorder.max_notification_id(), entries)
    check.same(f"{name}: a dry run's counts", (rehearsed.imported, rehearsed.events), (report.imported, report.events))
    check.same(
        f"{name}: unchanged rows of a second import",
        (again.unchanged, sum(again.events.values())),
        (report.imported, 0),
    )
    check_counts(check, name, report, rows)
    print(
        f"\n{name}: {report.imported} of {report.rows} rows imported as {sum(report.events.values())} events in {seconds:.1f} s"
    )
    print(f"  rejected: {dict(report.reasons)}; dates read as {report.date_format}")
    print(f"  imported again: {again.unchanged} unchanged, {sum(again.events.values())} events")
    return check_answers(check, name, path, rows)


def check_variants(check: Check, folder: Path, path: Path) -> None:
    """Into the ledger of the file itself, its copies bring nothing but their own rows."""
    rules, original = read_rules(RULES), set(_lines(folder, next(iter(FILES))))
    with Store.open(path) as store:
        for name in list(FILES)[1:]:
            if (folder / name).is_file():
                own = set(_lines(folder, name)) - original
                report = import_csv(store, folder / name, rules, actor="accept")
                print(f"  {name} into the same ledger: {report.imported} imported, {report.changed} changed")
                check.same(
                    f"{name}: imported into the same ledger", report.imported, sum(1 for _, r in own if r.engaged)
                )
                check.same(f"{name}: changed in the same ledger", report.changed, 0)


def _lines(folder: Path, name: str) -> Iterator[tuple[str, Plain]]:
    with (folder / name).open(encoding="utf-8-sig", newline="") as opened:
        ids = [row["opportunity_id"] for row in csv.DictReader(opened)]
    return zip(ids, read_plainly(folder / name, FILES[name]), strict=True)


def check_answers(check: Check, name: str, path: Path, rows: list[Plain]) -> list[object]:
    """Ask for every day and every quarter."""
    seen: list[object] = []
    with Engine.open(path) as engine:
        for day in days():
            found = open_deals(engine, day)
            seen.append(found)
            check.same(f"{name}: open deals on {day}", found, open_on(rows, day))
            if day.day == 1:
                check.same(
                    f"{name}: open deals on {day} as known then", open_deals(engine, day, known_then=True), found
                )
        peak = max(range(len(seen)), key=lambda i: open_on(rows, FIRST + timedelta(days=i)))
        print(
            f"  open deals on each of {len(seen)} days: most, {seen[peak]}, on {FIRST + timedelta(days=peak)}; {seen[-1]} on {LAST}"
        )
        quarters = split(Span(date(2017, 1, 1), date(2018, 1, 1)), "quarter")
        for period, row in zip(quarters, engine.answer("metrics", Question(periods=quarters)).dicts(), strict=True):
            found_quarter = (row["won"], row["lost"], row["bookings"], row["average_deal_size"])
            check.same(f"{name}: {period.label}", found_quarter, quarter_of(rows, period.begin, period.end))
            seen.append(found_quarter)
            print(
                f"  {period.label}: won {row['won']}, lost {row['lost']}, bookings {row['bookings']:.2f} {row['currency']}, "
                f"average deal size {row['average_deal_size']}"
            )
    return seen


def main() -> int:
    """Run it; 0 where everything agrees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where sales_pipeline.csv is")
    parser.add_argument("--ledger", type=Path, help="keep the ledger of sales_pipeline.csv at this place")
    given = parser.parse_args()
    if not (given.folder / "sales_pipeline.csv").is_file():
        print(f"Not run: there is no sales_pipeline.csv in {given.folder}. The Maven data is not part of this project.")
        return 0
    check = Check()
    answers: dict[str, list[object]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for i, name in enumerate(FILES):
            if not (given.folder / name).is_file():
                print(f"\n{name}: absent, not run")
                continue
            path = given.ledger if i == 0 and given.ledger else Path(temporary) / f"{i}.ledger"
            answers[name] = accept(check, given.folder, name, path)
            if i == 0:
                check_variants(check, given.folder, path)
    first, *others = answers
    for name in others:
        check.same(f"{name}: the same answers as {first}", answers[name] == answers[first], True)
    print(f"\n{check.done} comparisons, {len(check.wrong)} of them differ")
    for line in check.wrong[:20]:
        print(f"  {line}")
    return 1 if check.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
