"""Thousands of events a commit, from event objects, against SQLite's own executemany into the same table."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

from benchmarks.measure import Line, race
from benchmarks.workspace import Workspace
from salesledger.domain.clocks import to_micros
from salesledger.ledger.application import LedgerApplication
from salesledger.ledger.mapper import Pending
from salesledger.ledger.store import Store

EVENTS = 20_000
BATCH = 5_000
ROUNDS = 4


def run(work: Workspace) -> Iterator[Line]:
    """Appends of 5,000 events each."""
    folder, turns = work.scratch("bulk"), count(1)
    source = LedgerApplication(work.ledger())
    logged = source.recorder.select_notifications(4, EVENTS)
    records = [source.to_recorded(one) for one in logged]  # type: ignore[arg-type]
    stored = [source.mapper.to_stored_event(Pending(r.stream, r.version, r.event, r.key)) for r in records]
    source.close()
    for name in ("ours", "raw"):
        Store.create(folder / name, timezone="UTC", currency="EUR", recorded_by="bench").close()
    ours = LedgerApplication(folder / "ours")
    raw = sqlite3.connect(folder / "raw", isolation_level=None)
    raw.execute("PRAGMA synchronous = FULL")
    now = to_micros(datetime.now(UTC))

    def append() -> None:
        turn = next(turns)
        for first in range(0, EVENTS, BATCH):
            ours.append(
                [
                    Pending(f"{r.stream}-{turn}", r.version, r.event, f"{turn}:{r.key}")
                    for r in records[first : first + BATCH]
                ]
            )

    def executemany() -> None:
        turn = next(turns)
        for first in range(0, EVENTS, BATCH):
            rows = [
                (f"{r.stream}-{turn}", r.version, s.topic, s.state, now, f"{turn}:{r.key}")
                for r, s in zip(records[first : first + BATCH], stored[first : first + BATCH], strict=True)
            ]
            raw.execute("BEGIN IMMEDIATE")
            raw.executemany(
                "INSERT INTO stored_events (originator_id, originator_version, topic, state, recorded_at, key) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )
            raw.execute("COMMIT")

    spent, _ = race({"ours": append, "raw": executemany}, ROUNDS)
    ours.close()
    raw.close()
    mine, theirs = (EVENTS / spent[name] for name in ("ours", "raw"))
    yield Line(
        f"bulk append, {BATCH:,} events a commit",
        f"{mine:,.0f}/s CPU",
        f"executemany {theirs:,.0f}/s",
        mine / theirs,
        (0.5, True),
    )
