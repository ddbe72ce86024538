"""Clocks: the machine's jumps back and forth by seconds, days and years between commands."""

import random
import tempfile
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from salesledger.ledger.store import Store
from salesledger.readmodel.engine import Engine, Question
from support.happenings import at, captured, contacted
from support.ledgers import clock, new_ledger, record, rows

JUMPS = (timedelta(seconds=1), timedelta(hours=5), timedelta(days=40), timedelta(days=3000))
EARLIEST, LATEST = datetime(1971, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def run(count: int, seed: int = 1) -> dict[str, int]:
    """Record so many commands, the clock jumping before each; ask for the deals, as known then, after every tenth.

    Returns:
        commands; jumps back; entries with an earlier stamp than the one before; reports that did not
        show every deal on record.
    """
    figures = dict.fromkeys(("commands", "jumps_back", "stamps_decreased", "reports_wrong"), 0)
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = new_ledger(Path(folder) / "sales.ledger")
        with clock(at(365)) as told:
            for number in range(count):
                before = told.now
                told.now += draw.choice(JUMPS) * draw.choice((-1, 1))
                told.now = min(max(told.now, EARLIEST), LATEST)
                figures["jumps_back"] += told.now < before
                with Store.open(path) as store:
                    record(store, f"deal:{number}", captured(told.now), contacted(told.now))
                figures["commands"] += 1
                if number % 10 == 0:
                    with Engine.open(path) as engine:
                        deals = engine.answer("deals", Question(as_of=LATEST, known_at=LATEST)).rows
                    figures["reports_wrong"] += len(deals) != number + 1
        stamps = [row[5] for row in rows(path)]
        figures["stamps_decreased"] = sum(a > b for a, b in pairwise(stamps))  # type: ignore[operator]  # they are numbers
    return figures
