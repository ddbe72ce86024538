"""Backups: made while two processes write, some of them killed half way; and what `cp` would have made instead."""

import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.common import Process, is_sound
from faults.kills import WRITERS, writer
from salesledger.errors import SalesledgerError
from salesledger.ledger.backup import back_up, restore
from support.ledgers import new_ledger, rows

LONGEST_SECONDS = 0.1
"""How long a backup runs at most before it is killed."""

CP_BYTES_A_SECOND = 50_000_000
"""How fast `cp` reads here: as from a disk, for a small ledger that lies in memory would be copied in no time."""

_PART = 65_536


def run(count: int, seed: int = 1) -> dict[str, int]:
    """Back up so many times, and kill a second backup each time; copy the files with `cp sales.ledger*` as well.

    Returns:
        backups that were made, and killed before they were; those that lack entries that were on record when they began, that
        hold others, or can't be restored; files that a killed one left under the backup's name, unsound; copies by `cp` that
        lack such entries or are unsound.
    """
    figures = dict.fromkeys(("backups", "killed", "wrong", "left_half", "cp_wrong"), 0)
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ledger = new_ledger(folder / "sales.ledger")
        writers = [Process.start(writer(ledger, f"w{i}", seed + i)) for i in range(WRITERS)]
        for number in range(count):
            there, place = len(rows(ledger)), folder / f"{number}.ledger"
            copied = back_up(ledger, place)
            figures["backups"] += 1
            figures["wrong"] += copied.entries < there or not _good(place, ledger, folder / "restored.ledger")
            other = folder / f"{number}-killed.ledger"
            figures["killed"] += not _killed(ledger, other, draw)
            figures["left_half"] += other.exists() and not _good(other, ledger, folder / "restored.ledger")
            there = len(rows(ledger))
            figures["cp_wrong"] += not _copied(ledger, folder / "cp", there)
            for made in (place, other):
                made.unlink(missing_ok=True)
        for one in writers:
            one.kill()
            one.told()
    return figures


def _good(backup: Path, ledger: Path, restored: Path) -> bool:
    """Whether a backup can be restored, and holds the ledger's first entries and nothing else."""
    try:
        restore(backup, restored)
        found = rows(restored)
        return is_sound(restored) and found == rows(ledger)[: len(found)]
    except (SalesledgerError, sqlite3.Error):
        return False
    finally:
        restored.unlink(missing_ok=True)


def _killed(ledger: Path, place: Path, draw: random.Random) -> bool:
    """Start a backup and kill it at a random moment; whether it had been made by then."""

    def work(tell: Callable[[Any], None]) -> None:
        tell("begun")
        back_up(ledger, place)

    process = Process.start(work)
    process.first_word()
    time.sleep(draw.uniform(0, LONGEST_SECONDS))
    process.kill()
    process.told()
    return place.exists()


def _copied(ledger: Path, folder: Path, there: int) -> bool:
    folder.mkdir()
    try:
        for file in sorted(ledger.parent.glob("sales.ledger*")):
            with file.open("rb") as source, (folder / file.name).open("wb") as target:
                while part := source.read(_PART):
                    target.write(part)
                    time.sleep(_PART / CP_BYTES_A_SECOND)
        return is_sound(folder / ledger.name) and len(rows(folder / ledger.name)) >= there
    except (sqlite3.Error, OSError):
        return False
    finally:
        shutil.rmtree(folder)
