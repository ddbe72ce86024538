"""A ledger that a program keeps open while it opens it again, and while others record."""

import subprocess
import sys
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from salesledger import Ledger
from salesledger.ledger import format
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


def test_a_program_with_many_ledgers_keeps_the_locks_of_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many headers stay open; the one that is closed takes locks with it, which are asked for anew."""
    monkeypatch.setattr(format, "_MOST_HELD", 1)
    monkeypatch.setattr(format, "_held", OrderedDict())
    path, other = new_ledger(tmp_path / "sales.ledger"), new_ledger(tmp_path / "other.ledger")
    with Ledger.open(path, actor="kim") as ours:
        for number in range(1, 4):
            ours.record("lead-captured", company=f"ours {number}", source="event")
            format.check_place(other)  # the header of the first is closed
            _recorded_elsewhere(path, f"theirs {number}")
            ours.record("deal-lost", deal=f"ours-{number}", reason="price")
            format.check_place(other)
    with Ledger.open(path) as ledger:
        assert len(ledger.engine.answer("deals").rows) == 6
        assert ledger.check() == []


@pytest.mark.parametrize("kind", ["engine", "resident"])
def test_what_is_recorded_beside_an_engine_is_never_lost(tmp_path: Path, kind: str) -> None:
    """An engine that is held while its program records, in turns with another program, costs neither of them an entry."""
    path = new_ledger(tmp_path / "sales.ledger")
    with Ledger.open(path, actor="kim") as ours, Ledger.open(path, actor="eva") as asked:
        engine = asked.resident() if kind == "resident" else asked.engine
        for number in range(1, 5):
            ours.record("lead-captured", company=f"ours {number}", source="event")
            assert len(engine.answer("deals").rows) == 2 * number - 1
            _recorded_elsewhere(path, f"theirs {number}")
            ours.record("deal-lost", deal=f"ours-{number}", reason="price")
            assert len(engine.answer("deals").rows) == 2 * number
        engine.close()

    with Ledger.open(path) as ledger:
        assert len(ledger.engine.answer("deals").rows) == 8
        assert ledger.check() == []


def test_threads_that_ask_and_record_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each with a ledger of its own, while another program comes and goes."""
    path = new_ledger(tmp_path / "sales.ledger")
    rounds = 8

    def record(name: str) -> None:
        with Ledger.open(path, actor="kim", seals=False) as ledger:
            for number in range(rounds):
                ledger.record("lead-captured", company=f"{name} {number}", source="event")

    def ask() -> None:
        with Ledger.open(path, actor="eva") as ledger:
            for _ in range(rounds):
                ledger.engine.answer("deals")

    def elsewhere() -> None:
        for number in range(rounds // 2):
            _recorded_elsewhere(path, f"theirs {number}")

    with ThreadPoolExecutor() as threads:
        for done in [
            threads.submit(record, "alpha"),
            threads.submit(ask),
            threads.submit(ask),
            threads.submit(elsewhere),
        ]:
            done.result()
    with Ledger.open(path) as ledger:
        assert len(ledger.engine.answer("deals").rows) == rounds + rounds // 2
        assert ledger.check() == []
