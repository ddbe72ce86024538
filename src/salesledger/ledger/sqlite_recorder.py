"""The log on SQLite: the eventsourcing library's recorder, made durable, ordered, keyed and append-only."""

import sqlite3
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eventsourcing.persistence import InterfaceError, StoredEvent
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteFactory,
    SQLiteTransaction,
)

from salesledger.ledger import sqlite_turns
from salesledger.ledger.format import is_instant, lock_seconds
from salesledger.ledger.mapper import LoggedEvent
from salesledger.ledger.raw import COLUMNS
from salesledger.ledger.recorder import LedgerRecorder
from salesledger.ledger.sqlite_log import is_log_ours
from salesledger.ledger.sqlite_schema import SCHEMA

LEDGER_FILE = "LEDGER_FILE"
"""The setting that names the ledger's file, of which the other one is the address."""


class _WriteFirst(SQLiteTransaction):
    """A transaction that takes the write lock when it begins: what it reads can't be overtaken before it writes."""

    def __enter__(self) -> SQLiteCursor:
        cursor = self.connection.cursor()
        cursor.execute("BEGIN IMMEDIATE" if self.commit else "BEGIN")
        return cursor


class _Connection(SQLiteConnection):
    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        with _WriteFirst(self, commit=commit) as cursor, cursor:
            yield cursor


class _Pool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        # The library's own connection remembers a single statement, so that every append would compile all of its anew.
        try:
            raw = sqlite3.connect(
                self.db_name, uri=True, check_same_thread=False, isolation_level=None, timeout=lock_seconds()
            )
        except sqlite3.Error as e:
            raise InterfaceError(e) from e
        raw.row_factory = sqlite3.Row
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = FULL")
        if sys.platform == "darwin":
            raw.execute("PRAGMA fullfsync = ON")
        return _Connection(sqlite_conn=raw, max_age=self.max_age)


class SQLiteRecorder(LedgerRecorder, SQLiteApplicationRecorder):
    """Appends to a ledger's file and reads it."""

    LISTED = "SELECT value FROM json_each(?)"
    HOLDS = "instr(state, ?) > 0"
    FIELD = "CAST(json_extract(CAST(state AS TEXT), '$.{field}') AS TEXT)"

    def __init__(self, datastore: SQLiteDatastore, events_table_name: str = "stored_events") -> None:
        super().__init__(datastore, events_table_name)
        self._own = threading.local()

    def construct_create_table_statements(self) -> list[str]:
        """The table and its triggers; they are run once, by `init`."""
        return list(SCHEMA)

    def append(self, stored_events: Sequence[StoredEvent]) -> tuple[int, int]:
        """Append events in one transaction.

        Returns:
            The entry of the first (the others follow without a gap), and when they were recorded, in microseconds since 1970.

        Raises:
            IntegrityError: somebody else has written that version of a stream, or used that key.
            OperationalError: locked for too long, read-only, or the disk refused.
        """
        held: SQLiteCursor | None = getattr(self._own, "cursor", None)
        if held is not None:
            return self._append(held, stored_events)
        with self.datastore.transaction(commit=True) as c:
            return self._append(c, stored_events)

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Hold the write lock: what this thread reads until its append can't be overtaken. The end commits."""
        with self.datastore.transaction(commit=True) as c:
            self._own.cursor = c
            try:
                yield
            finally:
                self._own.cursor = None

    def _append(self, c: SQLiteCursor, stored_events: Sequence[StoredEvent]) -> tuple[int, int]:
        c.execute(f"SELECT entry, recorded_at FROM {self.events_table_name} ORDER BY entry DESC LIMIT 1")
        last = c.fetchone()
        last_entry, last_at = (last[0], last[1]) if last else (0, 0)
        if not isinstance(last_entry, int) or not is_instant(last_at):
            raise sqlite3.DatabaseError(
                "database disk image is malformed: its last entry has no number, or no time of the calendar"
            )
        recorded_at = max(self.now(), last_at)
        rows = [
            (s.originator_id, s.originator_version, s.topic, s.state, recorded_at, getattr(s, "key", None))
            for s in stored_events
        ]
        try:
            c.executemany(
                f"INSERT INTO {self.events_table_name} "
                "(originator_id, originator_version, topic, state, recorded_at, key) VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )
        except UnicodeDecodeError as e:  # the database quotes in its complaint what is no text any more
            raise sqlite3.DatabaseError("database disk image is malformed: its list of tables is damaged") from e
        self._make_sure(c, last_entry, rows)
        return last_entry + 1, recorded_at

    def _make_sure(self, c: SQLiteCursor, last_entry: int, rows: Sequence[tuple[Any, ...]]) -> None:
        """Make sure that the log ends with what was just written: a trigger that isn't ours may have kept it out.

        Where the table and its triggers are ours, the number of rows tells; else all of them are read back and compared.

        Raises:
            sqlite3.DatabaseError: it doesn't.
        """
        if is_log_ours(c):
            c.execute(f"SELECT count(*) FROM {self.events_table_name} WHERE entry > ?", (last_entry,))
            whole = c.fetchone()[0] == len(rows)
        else:
            c.execute(f"SELECT {COLUMNS} FROM {self.events_table_name} WHERE entry > ? ORDER BY entry", (last_entry,))
            written = [tuple(row) for row in c.fetchall()]
            whole = written == [(entry, *row) for entry, row in enumerate(rows, last_entry + 1)]
        if not whole:
            raise sqlite3.DatabaseError(
                "database disk image is malformed: what was written did not come into the log as it is; "
                "'salesledger check' tells what in the file is not salesledger's"
            )

    def _rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        with self.datastore.transaction(commit=False) as c:
            c.execute(statement, parameters)
            rows: list[Any] = c.fetchall()
            return rows

    @staticmethod
    def _logged(
        entry: int, stream: str, version: int, topic: str, state: bytes, recorded_at: int, key: str | None
    ) -> LoggedEvent:
        """An event of the log; what comes out of a damaged file may be anything.

        Raises:
            sqlite3.DatabaseError: it is no event.
        """
        whole = (
            isinstance(stream, str) and isinstance(version, int) and isinstance(topic, str) and isinstance(state, bytes)
        )
        if not whole or not isinstance(entry, int) or not is_instant(recorded_at):
            raise sqlite3.DatabaseError(f"database disk image is malformed: entry {entry} is none")
        return LoggedEvent(stream, version, topic, state, entry, recorded_at, key)


class SQLiteLedgerFactory(SQLiteFactory):
    """Builds the recorder; it never makes tables, which is what `init` is for."""

    application_recorder_class = SQLiteRecorder

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.datastore.close()
        place, file = self.env.get(self.SQLITE_DBNAME), self.env.get(LEDGER_FILE)
        assert place
        assert file
        self.datastore = _Datastore(place, Path(file))


class _Datastore(SQLiteDatastore):
    def __init__(self, db_name: str, file: Path) -> None:
        super().__init__(db_name, originator_id_type="text")
        self._file = file
        self.let_go()
        sqlite_turns.holds(file, self)

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        with sqlite_turns.using(self._file), super().transaction(commit=commit) as c:
            yield c

    def let_go(self) -> None:
        """Close the connections that wait for their next use."""
        is_closed = self.pool.closed
        self.pool.close()
        if not is_closed:
            self.pool = _Pool(db_name=self.pool.db_name, lock_timeout=max(1, round(lock_seconds())))
