"""Kills: writers that are ended without warning at random moments, over and over, on one ledger."""

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from faults.common import Process, is_sound
from salesledger.ledger.store import Store
from support.happenings import captured, contacted
from support.ledgers import new_ledger, record, rows

WRITERS = 2
SIZES = (1, 1, 2, 3, 40)
"""Events in a command."""

LONGEST_SECONDS = 0.15
"""How long a writer lives at most after its first command."""


def writer(path: Path, name: str, seed: int) -> Callable[[Callable[[Any], None]], None]:
    """What a writer does: commands of several events, each told as soon as it is acknowledged."""

    def work(tell: Callable[[Any], None]) -> None:
        draw = random.Random(seed)
        with Store.open(path) as store:
            for number in range(1_000_000):
                size = draw.choice(SIZES)
                stream = f"deal:{name}-{number}-{size}"
                recorded = record(store, stream, captured(1), *[contacted(2)] * (size - 1))
                tell([stream, [r.entry for r in recorded]])

    return work


def run(count: int, seed: int = 1) -> dict[str, int]:
    """Start two writers and kill each at a moment of its own, so many times.

    Returns:
        runs; commands and entries that were acknowledged; how many of these entries were lost or are another's; commands of which
        only a part is there; runs after which the ledger was not sound or could not be recorded to.
    """
    figures = dict.fromkeys(("runs", "commands", "acknowledged", "lost", "torn", "unusable"), 0)
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = new_ledger(Path(folder) / "sales.ledger")
        last = len(rows(path))
        for number in range(count):
            told = _killed(path, number, draw)
            found = _behind(path, last)
            figures["runs"] += 1
            figures["commands"] += len(told)
            figures["acknowledged"] += sum(len(entries) for _, entries in told)
            figures["lost"] += sum(found.get(entry) != stream for stream, entries in told for entry in entries)
            streams = list(found.values())
            figures["torn"] += sum(streams.count(s) != int(s.rpartition("-")[2]) for s in dict.fromkeys(streams))
            with Store.open(path) as store:
                (after,) = record(store, f"deal:after-{number}", captured(1))
            figures["unusable"] += found.keys() != set(range(last + 1, after.entry))
            last = after.entry
        figures["unusable"] += not is_sound(path)
    return figures


def _killed(path: Path, number: int, draw: random.Random) -> list[tuple[str, list[int]]]:
    """What the writers were told to be on record before they were killed."""
    writers = [Process.start(writer(path, f"{number}-{i}", draw.getrandbits(32))) for i in range(WRITERS)]
    for one in writers:
        one.first_word()
    waits = sorted((draw.uniform(0, LONGEST_SECONDS), i) for i in range(WRITERS))
    begun = time.monotonic()
    for wait, i in waits:
        time.sleep(max(0.0, begun + wait - time.monotonic()))
        writers[i].kill()
    return [told for one in writers for told in one.told()]


def _behind(path: Path, last: int) -> dict[int, str]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT entry, originator_id FROM stored_events WHERE entry > ?", (last,)))
