"""Locks: another process holds the ledger for longer than anybody waits."""

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.common import Process, is_sound
from salesledger.errors import NOTHING_RECORDED, LockedLedger
from salesledger.ledger.store import Store
from support.happenings import captured
from support.ledgers import new_ledger, record, rows

PATIENCE_SECONDS = 0.2


def _holder(path: Path, mode: str) -> Callable[[Callable[[Any], None]], None]:
    def work(tell: Callable[[Any], None]) -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute(f"BEGIN {mode}")
        tell("held")
        time.sleep(600)

    return work


def run(count: int) -> dict[str, int]:
    """Try to record while another process holds the ledger, and again when it has been killed, so many times.

    Returns:
        runs; commands that were recorded all the same, refused without the right words or before their time; ledgers that could not
        be recorded to afterwards.
    """
    figures = dict.fromkeys(("runs", "wrong", "unusable"), 0)
    os.environ["SALESLEDGER_LOCK_SECONDS"] = str(PATIENCE_SECONDS)
    for number in range(count):
        with tempfile.TemporaryDirectory() as folder:
            path = new_ledger(Path(folder) / "sales.ledger")
            before = rows(path)
            holder = Process.start(_holder(path, ("IMMEDIATE", "EXCLUSIVE")[number % 2]))
            holder.first_word()
            figures["wrong"] += not _refused(path) or rows(path) != before
            holder.kill()
            holder.told()
            with Store.open(path) as store:
                record(store, "deal:after", captured(1))
            figures["runs"] += 1
            figures["unusable"] += not is_sound(path) or len(rows(path)) != len(before) + 1
    return figures


def _refused(path: Path) -> bool:
    begun = time.monotonic()
    try:
        with Store.open(path) as store:
            record(store, "deal:a", captured(1))
    except LockedLedger as e:
        return str(e).endswith(NOTHING_RECORDED) and time.monotonic() - begun >= PATIENCE_SECONDS
    return False
