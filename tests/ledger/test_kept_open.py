"""A ledger that a program keeps open while it opens it again, and while others record."""

import subprocess
import sys
from pathlib import Path

from salesledger import Ledger
from salesledger.ledger.place import connect_to_read
from support.ledgers import new_ledger

RECORD = (
    "import sys; from salesledger import Ledger\n"
    "with Ledger.open(sys.argv[1], actor='ann') as ledger:\n"
    "    ledger.record('lead-captured', company=sys.argv[2], source='event')\n"
)


def _recorded_elsewhere(path: Path, company: str) -> None:
    subprocess.run([sys.executable, "-c", RECORD, str(path), company], check=True)


def test_opening_it_again_leaves_the_locks_of_the_one_that_stays_open(tmp_path: Path) -> None:
    """Another program that closes it doesn't take itself for the last one, and leaves the write-ahead log where it is."""
    path = new_ledger(tmp_path / "sales.ledger")
    kept = connect_to_read(path)
    kept.execute("SELECT count(*) FROM stored_events").fetchone()
    connect_to_read(path).close()
    _recorded_elsewhere(path, "Alpha AG")
    assert (tmp_path / "sales.ledger-shm").exists()
    kept.close()


def test_an_engine_that_rests_sees_what_was_recorded_meanwhile(tmp_path: Path) -> None:
    """Question after question, whoever records."""
    path = new_ledger(tmp_path / "sales.ledger")
    with Ledger.open(path, actor="kim") as kept:
        for number, name in enumerate(("alpha", "beta", "gamma"), start=1):
            assert len(kept.engine.answer("deals").rows) == 2 * number - 2
            kept.rest()
            with Ledger.open(path, actor="kim") as other:
                other.record("lead-captured", company=f"{name} here", source="event")
            _recorded_elsewhere(path, f"{name} there")
        assert len(kept.engine.answer("deals").rows) == 6
