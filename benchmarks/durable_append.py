"""One event a commit: what durability costs us against the bare library."""

import sqlite3
import time
from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from uuid import uuid4

from benchmarks.measure import Line, race
from benchmarks.stock import Collected, happened, open_stock
from benchmarks.workspace import Workspace
from salesledger.domain.deal_events import LeadCaptured
from salesledger.domain.decide import Record
from salesledger.ledger.batch import Proposal
from salesledger.ledger.mapper import Pending
from salesledger.ledger.store import Store

APPENDS = 400
ROUNDS = 5


def run(work: Workspace) -> Iterator[Line]:
    """Appends of one event each."""
    folder, numbers, now = work.scratch("durable"), count(1), datetime.now(UTC)
    event = LeadCaptured(
        effective_at=now, recorded_by="kim", company="ACME GmbH", source="referral", owner="kim", amount=Decimal("12500.50"),
        currency="EUR", process="b2b", stage="lead", process_version=1,
    )  # fmt: skip
    stock, said = open_stock(folder / "stock.db"), happened("deal:a", 1, event)
    with Store.create(folder / "ours.ledger", timezone="UTC", currency="EUR", recorded_by="bench") as store:

        def append() -> None:
            for _ in range(APPENDS):
                store.app.append([Pending(f"deal:a{next(numbers)}", 1, event)])

        def save() -> None:
            for _ in range(APPENDS):
                one = copy(said)
                one.originator_id = uuid4()
                stock.save(Collected(one.originator_id, [one]))  # type: ignore[arg-type]

        def record() -> None:
            for _ in range(APPENDS):
                store.record([[Proposal(f"deal:a{next(numbers)}", Record(event))]])

        ways = {"ours": append, "stock": save, "record": record}
        spent, _ = race(ways, ROUNDS)
        clock, _ = race(ways, ROUNDS, time.perf_counter)
    stock.close()
    (level,) = sqlite3.connect(folder / "stock.db").execute("PRAGMA synchronous").fetchone()
    assert level == 2, "the yardstick must be as durable as we are"
    ours, theirs, whole = (spent[name] / APPENDS * 1e6 for name in ("ours", "stock", "record"))
    yield Line(
        "durable append, one event a commit",
        f"{ours:.0f} us CPU",
        f"app.save {theirs:.0f} us",
        theirs / ours,
        (0.9, True),
    )
    per_second = {name: APPENDS / seconds for name, seconds in clock.items()}
    yield Line(
        "  the same on the clock", f"{per_second['ours']:,.0f}/s", f"{per_second['stock']:,.0f}/s",
        per_second["ours"] / per_second["stock"],
    )  # fmt: skip
    yield Line("  a whole Store.record of one proposal", f"{whole:.0f} us CPU, {per_second['record']:,.0f}/s")
