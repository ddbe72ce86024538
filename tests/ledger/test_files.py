"""The ledger's file: made whole or not at all, recognised, and left as it is by whoever can't use it."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from salesledger.errors import (
    DamagedLedger,
    LedgerExists,
    LockedLedger,
    NewerLedger,
    NoLedger,
    NotALedger,
    ReadOnlyLedger,
    SalesledgerError,
    StoreError,
    UsageError,
)
from salesledger.ledger.format import APPLICATION_ID, FORMAT, connect_to_read, read_head
from salesledger.ledger.store import Store
from salesledger.readmodel.engine import Engine, Question
from support.happenings import at, captured, contacted
from support.ledgers import new_ledger, record, rows, without_privileges


def create(path: Path) -> Store:
    return Store.create(path, timezone="Europe/Berlin", currency="EUR", recorded_by="kim")


def open_to_write(path: Path) -> None:
    Store.open(path).close()


def open_to_read(path: Path) -> None:
    connection = connect_to_read(path)
    try:
        read_head(connection, path)
    finally:
        connection.close()


def execute(path: Path, *statements: str) -> Path:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()
    return path


class TestMaking:
    def test_a_new_ledger_holds_its_beginning(self, tmp_path: Path) -> None:
        """Its identity and zone, the B2B process, its currency; nothing lies beside it."""
        with create(tmp_path / "sales.ledger") as store:
            settings = store.settings()
            assert (settings.timezone, settings.currency) == ("Europe/Berlin", "EUR")
            assert store.processes().names() == ["b2b"]
            entries = [store.entry(n) for n in (1, 2, 3)]
        assert [e.event.type_name() for e in entries] == ["ledger-opened", "process-defined", "currency-set"]
        assert {e.recorded_at for e in entries} == {entries[0].recorded_at}
        assert [file.name for file in tmp_path.iterdir()] == ["sales.ledger"]

    def test_two_ledgers_are_never_the_same(self, tmp_path: Path) -> None:
        """Each has a random id."""
        with create(tmp_path / "a") as a, create(tmp_path / "b") as b:
            assert a.settings().ledger_id != b.settings().ledger_id

    @pytest.mark.parametrize("content", [b"", b"precious"])
    def test_never_overwrites(self, tmp_path: Path, content: bytes) -> None:
        """Whatever lies there stays."""
        path = tmp_path / "sales.ledger"
        path.write_bytes(content)
        with pytest.raises(LedgerExists, match="exists already; it was left as it is"):
            create(path)
        assert path.read_bytes() == content
        assert len(list(tmp_path.iterdir())) == 1

    def test_never_overwrites_what_appeared_meanwhile(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two who make one at once: one of them has it."""
        path = tmp_path / "sales.ledger"
        link = Path.hardlink_to

        def late(self: Path, target: Path) -> None:
            if not path.exists():
                path.write_text("precious")
            link(self, target)

        monkeypatch.setattr(Path, "hardlink_to", late)
        with pytest.raises(LedgerExists):
            create(path)
        assert path.read_text() == "precious"
        assert len(list(tmp_path.iterdir())) == 1

    def test_never_follows_a_link_that_leads_nowhere(self, tmp_path: Path) -> None:
        """It is something, too."""
        path = tmp_path / "sales.ledger"
        path.symlink_to(tmp_path / "gone")
        with pytest.raises(LedgerExists):
            create(path)
        assert not (tmp_path / "gone").exists()

    def test_leaves_nothing_where_it_fails_half_way(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A ledger is there whole or not at all."""

        def full(self: Store, *_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Store, "_begin", full)
        with pytest.raises(StoreError, match="can't be made: No space left on device"):
            create(tmp_path / "sales.ledger")
        assert list(tmp_path.iterdir()) == []

    def test_says_where_it_cannot_be_made(self, tmp_path: Path) -> None:
        """A folder that isn't there, or may not be written to."""
        with pytest.raises(StoreError, match="can't be made: No such file or directory"):
            create(tmp_path / "nowhere" / "sales.ledger")
        locked = tmp_path / "locked"
        locked.mkdir(0o555)
        with without_privileges(tmp_path), pytest.raises(StoreError, match="can't be made: Permission denied"):
            create(locked / "sales.ledger")


NOT_LEDGERS: dict[str, tuple[Callable[[Path], object], type[SalesledgerError], str]] = {
    "nothing": (lambda path: path.exists(), NoLedger, "There is no ledger at"),
    "a folder": (lambda path: path.mkdir(), NotALedger, "it is a folder"),
    "an empty file": (lambda path: path.touch(), NotALedger, "it is empty"),
    "text": (lambda path: path.write_text("deal,stage\n" * 100), NotALedger, "it is no SQLite file"),
    "the beginning of a header": (lambda path: path.write_bytes(b"SQLite f"), NotALedger, "it is no SQLite file"),
    "a header alone": (lambda path: path.write_bytes(b"SQLite format 3\x00"), NotALedger, "another program's SQLite"),
    "somebody else's SQLite file": (lambda path: execute(path, "CREATE TABLE t (x)"), NotALedger, "another program's"),
    "our mark without a log": (
        lambda path: execute(path, f"PRAGMA application_id = {APPLICATION_ID}", "CREATE TABLE t (x)"),
        NotALedger,
        "it has no table of events",
    ),
    "a later format": (
        lambda path: execute(new_ledger(path), f"PRAGMA user_version = {FORMAT + 1}"),
        NewerLedger,
        f"format {FORMAT + 1}; this one knows format {FORMAT}",
    ),
    "a pipe": (os.mkfifo, NotALedger, "it is no file"),
}


@pytest.mark.parametrize("opening", [open_to_write, open_to_read])
@pytest.mark.parametrize(("make", "error", "why"), NOT_LEDGERS.values(), ids=NOT_LEDGERS)
def test_what_is_no_ledger_is_left_as_it_is(
    tmp_path: Path,
    opening: Callable[[Path], None],
    make: Callable[[Path], object],
    error: type[SalesledgerError],
    why: str,
) -> None:
    """With what it is instead."""
    path = tmp_path / "sales.ledger"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(error) as refusal:
        opening(path)
    assert refusal.type is error
    assert why in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert (path.read_bytes() if path.is_file() else None) == before
    # a reader of a file in WAL mode leaves the index behind
    assert {file.name for file in tmp_path.iterdir()} <= {"sales.ledger", "sales.ledger-wal", "sales.ledger-shm"}


def test_a_log_without_a_beginning_is_no_ledger(tmp_path: Path) -> None:
    """Tables alone say nothing."""
    path = execute(new_ledger(tmp_path / "a"), "DROP TRIGGER stored_events_no_delete", "DELETE FROM stored_events")
    with pytest.raises(NotALedger, match="its log has no beginning"):
        open_to_read(path)


class TestUnknownTopic:
    """An entry that a later version wrote."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """A ledger with one in a deal's stream."""
        path = new_ledger(tmp_path / "sales.ledger")
        with Store.open(path) as store:
            record(store, "deal:a", captured(1))
        newer = "INSERT INTO stored_events SELECT 5, 'deal:a', 2, {}, state, recorded_at, NULL FROM stored_events WHERE entry = 4"
        return execute(path, newer.format("'deal-gifted/1'"))

    def test_stops_recording_to_that_stream_only(self, path: Path) -> None:
        """It may mean anything."""
        with Store.open(path) as store:
            with pytest.raises(
                NewerLedger, match=r"entry 5 is of the unknown type 'deal-gifted/1'.*Upgrade salesledger"
            ):
                record(store, "deal:a", contacted(2))
            record(store, "deal:b", captured(1))
        assert len(rows(path)) == 6

    def test_stops_reports(self, path: Path) -> None:
        """They can't know what it means."""
        with (
            Engine.open(path) as engine,
            pytest.raises(NewerLedger, match="entry 5 is of the unknown type 'deal-gifted/1'"),
        ):
            engine.answer("deals")

    def test_is_never_imported(self, path: Path) -> None:
        """A topic is looked up in our table and nowhere else, even if it names a module."""
        forged = "INSERT INTO stored_events SELECT 6, 'deal:c', 1, {}, state, recorded_at, NULL FROM stored_events WHERE entry = 5"
        execute(path, forged.format("'os:system'"))
        with Store.open(path) as store, pytest.raises(NewerLedger, match="unknown type 'os:system'"):
            store.records("deal:c")


class TestDamage:
    def test_bytes_that_are_no_event_are_reported(self, tmp_path: Path) -> None:
        """With the entry and what is wrong with it."""
        path = new_ledger(tmp_path / "sales.ledger")
        bad = "INSERT INTO stored_events SELECT 4, 'deal:a', 1, {}, x'7b7d', recorded_at, NULL FROM stored_events WHERE entry = 1"
        execute(path, bad.format("'lead-captured/1'"))
        with (
            Store.open(path) as store,
            pytest.raises(DamagedLedger, match="entry 4 is no lead-captured/1: Field required"),
        ):
            store.records("deal:a")

    def test_a_file_cut_short_is_reported(self, tmp_path: Path) -> None:
        """By whoever opens it."""
        path = new_ledger(tmp_path / "sales.ledger")
        path.write_bytes(path.read_bytes()[:5000])
        with pytest.raises(DamagedLedger), Store.open(path) as store:
            record(store, "deal:a", captured(1))


@contextmanager
def held(path: Path, *statements: str) -> Iterator[None]:
    """Another program that holds the file."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    try:
        yield
    finally:
        connection.close()


class TestLocked:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SALESLEDGER_LOCK_SECONDS", "0.2")

    def test_recording_waits_a_while_and_then_says_so(self, tmp_path: Path) -> None:
        """Nothing was recorded; afterwards it works."""
        path = new_ledger(tmp_path / "sales.ledger")
        before = rows(path)
        with Store.open(path) as store:
            with (
                held(path, "BEGIN IMMEDIATE"),
                pytest.raises(LockedLedger, match=r"held it for 0.2 s.*Nothing was recorded"),
            ):
                record(store, "deal:a", captured(1))
            assert rows(path) == before
            record(store, "deal:a", captured(1))

    def test_reports_go_on_while_somebody_writes(self, tmp_path: Path) -> None:
        """They see what was committed."""
        path = new_ledger(tmp_path / "sales.ledger")
        with held(path, "BEGIN IMMEDIATE"):
            open_to_read(path)
            open_to_write(path)

    def test_a_file_held_for_one_program_alone_cannot_even_be_opened(self, tmp_path: Path) -> None:
        """It says who is in the way."""
        path = new_ledger(tmp_path / "sales.ledger")
        with held(path, "PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE"):
            for opening in (open_to_read, open_to_write):
                with pytest.raises(LockedLedger, match=r"held it for 0.2 s"):
                    opening(path)

    def test_the_variable_says_how_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Half a minute where it is empty."""
        from salesledger.ledger.format import lock_seconds

        assert lock_seconds() == 0.2
        monkeypatch.setenv("SALESLEDGER_LOCK_SECONDS", "")
        assert lock_seconds() == 30

    @pytest.mark.parametrize("nonsense", ["soon", "-1", "1e9", "nan"])
    def test_nonsense_in_the_variable_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nonsense: str
    ) -> None:
        """With what it may be, before anything is read or recorded."""
        path = new_ledger(tmp_path / "sales.ledger")
        monkeypatch.setenv("SALESLEDGER_LOCK_SECONDS", nonsense)
        with pytest.raises(UsageError, match=rf"LOCK_SECONDS is '{nonsense}'. Set it to seconds from 0 to 86400"):
            Store.open(path)


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o444, 0o777), (0o444, 0o555), (0o666, 0o555)])
def test_a_read_only_ledger_is_read_and_not_written(tmp_path: Path, file_mode: int, folder_mode: int) -> None:
    """Whether the file, its folder or both can't be written: reports work, recording says why not."""
    folder = tmp_path / "shared"
    folder.mkdir()
    path = new_ledger(folder / "sales.ledger")
    with Store.open(path) as store:
        record(store, "deal:a", captured(1))
    before = path.read_bytes()
    path.chmod(file_mode)
    folder.chmod(folder_mode)
    try:
        with without_privileges(folder):
            with pytest.raises(ReadOnlyLedger, match=r"reports work, recording doesn't.*Nothing was recorded"):  # noqa: SIM117
                with Store.open(path) as store:
                    record(store, "deal:a", contacted(2))
            with Engine.open(path) as engine:
                answer = engine.answer("deals", Question(as_of=at(60)))
        assert [row["deal"] for row in answer.dicts()] == ["a"]
        assert path.read_bytes() == before
    finally:
        folder.chmod(0o755)


def test_what_the_process_was_started_with_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stray variables of the eventsourcing library can't send events elsewhere, hide or re-encode them."""
    plain = new_ledger(tmp_path / "plain")
    with Store.open(plain) as store:
        record(store, "deal:a", captured(1))
    strays = {
        "PERSISTENCE_MODULE": "eventsourcing.popo",
        "SQLITE_DBNAME": ":memory:",
        "SQLITE_LOCK_TIMEOUT": "0",
        "CREATE_TABLE": "y",
        "IS_SNAPSHOTTING_ENABLED": "y",
        "COMPRESSOR_TOPIC": "zlib",
        "CIPHER_TOPIC": "eventsourcing.cipher:AESCipher",
        "CIPHER_KEY": "AAAA",
        "MAPPER_TOPIC": "eventsourcing.persistence:Mapper",
        "TRANSCODER_TOPIC": "eventsourcing.persistence:JSONTranscoder",
        "ORIGINATOR_ID_TYPE": "uuid",
        "AGGREGATE_CACHE_MAXSIZE": "1",
    }
    for name, value in strays.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(f"SALESLEDGER_{name}", value)
    path = tmp_path / "sales.ledger"
    with create(path) as store:
        record(store, "deal:a", captured(1))
    assert [row[1:5] for row in rows(path)[3:]] == [row[1:5] for row in rows(plain)[3:]]
    assert [row[0] for row in execute_and_fetch(path, "SELECT name FROM sqlite_master WHERE type = 'table'")] == [
        "stored_events",
        "sqlite_sequence",
        "seal_blocks",
        "seal_checkpoints",
    ]


def execute_and_fetch(path: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()
