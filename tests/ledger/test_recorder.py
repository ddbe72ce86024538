"""The SQLite log keeps the contract, and what only SQLite could break."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from eventsourcing.persistence import IntegrityError

from ledger.contract import FIRST, Backend, RecorderContract, stored
from ledger.sqlite_backend import SQLiteBackend
from salesledger.ledger.files import make_private
from salesledger.ledger.recorder import LedgerRecorder
from salesledger.ledger.sqlite_recorder import SQLiteRecorder
from salesledger.ledger.store import Store


class TestSQLiteRecorder(RecorderContract):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        """A fresh file."""
        return SQLiteBackend(tmp_path)

    @pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE", "INSERT OR ROLLBACK"])
    @pytest.mark.parametrize(
        "row",
        [
            "(4, 'deal:x', 1, 't', x'00', 9000000000000000, NULL)",
            "(99, 'deal:a', 1, 't', x'00', 9000000000000000, NULL)",
            "(99, 'deal:x', 1, 't', x'00', 9000000000000000, 'k-1')",
            "(NULL, 'deal:a', 1, 't', x'00', 9000000000000000, NULL)",
        ],
    )
    def test_no_kind_of_insert_replaces_an_entry(
        self, backend: Backend, recorder: LedgerRecorder, verb: str, row: str
    ) -> None:
        """INSERT OR REPLACE takes the row in its way without firing a trigger on DELETE."""
        recorder.append([stored("deal:a", 1, key="k-1")])
        before = backend.log()
        with pytest.raises(Exception, match="the ledger holds that entry, version or key already"):
            backend.execute(f"{verb} INTO stored_events VALUES {row}")
        assert backend.log() == before

    @pytest.mark.parametrize(
        "trigger",
        [
            "BEFORE INSERT ON stored_events WHEN NEW.originator_version = 2 BEGIN SELECT RAISE(IGNORE); END",
            "BEFORE INSERT ON stored_events BEGIN INSERT INTO stored_events VALUES (NULL, 'deal:x', "
            "NEW.originator_version, 't', x'00', NEW.recorded_at, NULL); SELECT RAISE(IGNORE); END",
        ],
    )
    def test_what_a_foreign_trigger_changes_is_not_acknowledged(
        self, backend: Backend, recorder: LedgerRecorder, trigger: str
    ) -> None:
        """An entry that was kept out of the log, or has another in its place, is an error; nothing of it was recorded."""
        before = backend.log()
        backend.execute(f"CREATE TRIGGER foreign_one {trigger}")
        with pytest.raises(Exception, match="did not come into the log as it is"):
            recorder.append([stored("deal:a", version) for version in (1, 2, 3)])
        assert backend.log() == before

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE OR REPLACE stored_events SET entry = 1 WHERE entry = 4",
            "UPDATE OR IGNORE stored_events SET state = x'00'",
            "INSERT INTO stored_events VALUES (4, 'deal:a', 1, 't', x'00', 9, NULL) ON CONFLICT DO UPDATE SET state = x'00'",
            "INSERT INTO stored_events (originator_id, originator_version, topic, state, recorded_at) "
            "VALUES ('deal:a', 1, 't', x'00', 9) ON CONFLICT DO UPDATE SET state = x'00'",
        ],
    )
    def test_no_kind_of_update_changes_an_entry(
        self, backend: Backend, recorder: LedgerRecorder, statement: str
    ) -> None:
        """Upserts neither."""
        recorder.append([stored("deal:a", 1)])
        before = backend.log()
        with pytest.raises(Exception, match=r"append-only|conflict"):
            backend.execute(statement)
        assert backend.log() == before

    def test_an_append_that_fails_leaves_no_gap(self, backend: Backend, recorder: LedgerRecorder) -> None:
        """Entries are counted without holes."""
        recorder.append([stored("deal:a", 1)])
        with pytest.raises(IntegrityError):
            recorder.append([stored("deal:b", 1), stored("deal:a", 1)])
        assert recorder.append([stored("deal:b", 1)])[0] == FIRST + 1

    def test_entries_survive_vacuum(self, backend: Backend, recorder: LedgerRecorder) -> None:
        """They are declared, not implied."""
        recorder.append([stored("deal:a", 1)])
        before = backend.log()
        backend.execute("VACUUM")
        assert backend.log() == before

    @pytest.mark.parametrize("writer", [True, False])
    def test_every_commit_reaches_the_disk(self, recorder: LedgerRecorder, writer: bool) -> None:
        """Synchronous FULL on each connection, in WAL mode."""
        assert isinstance(recorder, SQLiteRecorder)
        with recorder.datastore.transaction(commit=writer) as c:
            c.execute("PRAGMA synchronous")
            assert c.fetchone()[0] == 2
            c.execute("PRAGMA journal_mode")
            assert c.fetchone()[0] == "wal"

    def test_a_write_takes_its_lock_at_once(self, backend: Backend, recorder: LedgerRecorder) -> None:
        """What it reads before it writes can't be overtaken."""
        assert isinstance(recorder, SQLiteRecorder)
        with recorder.datastore.transaction(commit=True), pytest.raises(Exception, match="locked"):
            backend.execute("BEGIN IMMEDIATE")


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """0600, and so are what SQLite puts beside it, whatever the umask says."""
    script = (
        "import os, pathlib, sys; os.umask(0)\n"
        "from salesledger.ledger.store import Store\n"
        "store = Store.create(pathlib.Path(sys.argv[1]), timezone='UTC', currency=None, recorded_by='kim')\n"
        "store.app.recorder.append([])\n"
        "print(*sorted(f'{f.name} {f.stat().st_mode & 0o777:o}' for f in pathlib.Path(sys.argv[1]).parent.iterdir()))\n"
    )
    path = tmp_path / "sales.ledger"
    shown = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["sales.ledger", "600", "sales.ledger-shm", "600", "sales.ledger-wal", "600"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_empty_private_file_is_never_made_over_another(tmp_path: Path) -> None:
    """It is the first step of making a ledger."""
    make_private(tmp_path / "a")
    with pytest.raises(FileExistsError):
        make_private(tmp_path / "a")


def test_tables_are_made_only_with_the_ledger(tmp_path: Path) -> None:
    """Opening a ledger changes nothing in it."""
    backend = SQLiteBackend(tmp_path)
    before = backend.path.read_bytes()
    Store.open(backend.path).close()
    assert backend.path.read_bytes() == before
