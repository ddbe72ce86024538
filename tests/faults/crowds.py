"""Crowds: two to eight processes that record at once, to one deal and to many, some of it under the same keys."""

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.common import Process, is_sound
from salesledger.ledger.store import Store
from support.happenings import captured, contacted
from support.ledgers import new_ledger, propose, record, rows

COMMANDS = 12
"""Commands of each kind that a process records."""


def _writer(path: Path, name: int) -> Callable[[Callable[[Any], None]], None]:
    def work(tell: Callable[[Any], None]) -> None:
        with Store.open(path) as store:
            for number in range(COMMANDS):
                own = record(store, f"deal:{name}-{number}", captured(1), contacted(2))
                shared = record(store, "deal:shared", contacted(2, outcome=f"{name}-{number}"))
                once = propose(store, "deal:shared", contacted(3, outcome=f"once {number}"), key=f"once-{number}")
                tell([[r.entry for r in own + shared], [r.entry for r in once.recorded], once.already])

    return work


def run(count: int) -> dict[str, int]:
    """Let two, three, ... eight, two, ... processes record at once, so many times.

    Returns:
        rounds; entries that were acknowledged; entries that are missing or doubled; keys that were recorded more or less than
        once; ledgers that were not sound in the end.
    """
    figures = dict.fromkeys(("rounds", "acknowledged", "lost", "doubled", "keys_not_once", "unusable"), 0)
    for number in range(count):
        with tempfile.TemporaryDirectory() as folder:
            path = new_ledger(Path(folder) / "sales.ledger")
            with Store.open(path) as store:
                record(store, "deal:shared", captured(1))
            before = len(rows(path))
            processes = [Process.start(_writer(path, name)) for name in range(2 + number % 7)]
            told = [line for process in processes for line in process.told()]
            here = {row[0] for row in rows(path)[before:]}
            own = [entry for entries, _, _ in told for entry in entries]
            keyed = Counter((tuple(entries), already) for _, entries, already in told)
            acknowledged = {*own, *(entry for entries, _ in keyed for entry in entries)}
            figures["rounds"] += 1
            figures["acknowledged"] += len(acknowledged)
            figures["lost"] += len(acknowledged - here)
            figures["doubled"] += len(own) - len(set(own)) + len(here - acknowledged)
            first = [entries for (entries, already), times in keyed.items() for _ in range(times) if not already]
            figures["keys_not_once"] += abs(len(first) - COMMANDS) + abs(len({e for e, _ in keyed}) - COMMANDS)
            figures["unusable"] += not is_sound(path)
    return figures
