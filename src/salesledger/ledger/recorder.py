"""The log on SQLite: the eventsourcing library's recorder, made durable, ordered, keyed and append-only."""

import json
import sqlite3
import sys
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from eventsourcing.persistence import InterfaceError, Notification, StoredEvent
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteFactory,
    SQLiteTransaction,
)

from salesledger.domain.clocks import to_micros
from salesledger.ledger.format import SCHEMA, is_instant, is_log_ours, lock_seconds
from salesledger.ledger.mapper import LoggedEvent

_COLUMNS = "entry, originator_id, originator_version, topic, state, recorded_at, key"


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


class LedgerRecorder(SQLiteApplicationRecorder):
    """Appends to the log and reads it. The schema is in `salesledger.ledger.format`."""

    def __init__(self, datastore: SQLiteDatastore, events_table_name: str = "stored_events") -> None:
        super().__init__(datastore, events_table_name)
        self._own = threading.local()

    def construct_create_table_statements(self) -> list[str]:
        """The table and its triggers; they are run once, by `init`."""
        return list(SCHEMA)

    def _insert_events(self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        first, _recorded_at = self._append(c, stored_events)
        return range(first, first + len(stored_events))

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
            raise sqlite3.DatabaseError("database disk image is malformed: its last entry has no number or no time")
        recorded_at = max(to_micros(datetime.now(UTC)), last_at)
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
            c.execute(f"SELECT {_COLUMNS} FROM {self.events_table_name} WHERE entry > ? ORDER BY entry", (last_entry,))
            written = [tuple(row) for row in c.fetchall()]
            whole = written == [(entry, *row) for entry, row in enumerate(rows, last_entry + 1)]
        if not whole:
            raise sqlite3.DatabaseError(
                "database disk image is malformed: what was written did not come into the log as it is; "
                "'salesledger check' tells what in the file is not salesledger's"
            )

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[LoggedEvent]:
        """The events of one stream, in order."""
        statement = f"SELECT {_COLUMNS} FROM {self.events_table_name} WHERE originator_id = ?"
        parameters: list[Any] = [str(originator_id)]
        if gt is not None:
            statement += " AND originator_version > ?"
            parameters.append(gt)
        if lte is not None:
            statement += " AND originator_version <= ?"
            parameters.append(lte)
        statement += " ORDER BY originator_version" + (" DESC" if desc else "")
        if limit is not None:
            statement += " LIMIT ?"
            parameters.append(limit)
        return self._select(statement, parameters)

    def select_many(self, originator_ids: Sequence[str]) -> Sequence[LoggedEvent]:
        """The events of many streams, stream by stream in order."""
        return self._select(
            f"SELECT {_COLUMNS} FROM {self.events_table_name} WHERE originator_id IN (SELECT value FROM json_each(?)) "
            "ORDER BY originator_id, originator_version",
            [json.dumps(originator_ids)],
        )

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """The events of the whole log from an entry on."""
        conditions = ["entry >= ?" if inclusive_of_start else "entry > ?"]
        values: list[Any] = [start or 0]
        if stop is not None:
            conditions.append("entry <= ?")
            values.append(stop)
        if topics:
            conditions.append(f"topic IN ({', '.join('?' * len(topics))})")
            values.extend(topics)
        return self._select(
            f"SELECT {_COLUMNS} FROM {self.events_table_name} WHERE {' AND '.join(conditions)} ORDER BY entry LIMIT ?",
            [*values, limit],
        )

    def select_keyed(self, key: str) -> LoggedEvent | None:
        """The event that was recorded under a key."""
        found = self._select(f"SELECT {_COLUMNS} FROM {self.events_table_name} WHERE key = ?", [key])
        return found[0] if found else None

    def select_entry(self, entry: int) -> LoggedEvent | None:
        """One entry."""
        found = self._select(f"SELECT {_COLUMNS} FROM {self.events_table_name} WHERE entry = ?", [entry])
        return found[0] if found else None

    def select_living(self) -> set[str]:
        """The streams of the persons who were not forgotten."""
        with self.datastore.transaction(commit=False) as c:
            c.execute(
                f"SELECT DISTINCT originator_id FROM {self.events_table_name} "
                "WHERE originator_id >= 'person:' AND originator_id < 'person;' AND originator_id NOT IN "
                f"(SELECT originator_id FROM {self.events_table_name} WHERE topic = 'person-forgotten/1')"
            )
            return {row[0] for row in c.fetchall()}

    def select_streams(self, start: str, end: str) -> list[str]:
        """The names of the streams from `start` up to, but without, `end`."""
        with self.datastore.transaction(commit=False) as c:
            c.execute(
                f"SELECT originator_id FROM {self.events_table_name} "
                "WHERE originator_id >= ? AND originator_id < ? AND originator_version = 1 ORDER BY entry",
                (start, end),
            )
            return [row[0] for row in c.fetchall()]

    def select_holding(self, texts: Collection[str]) -> list[str]:
        """The names of the streams of which an entry holds one of some texts in quotes; it reads the whole log."""
        held = " OR ".join(["instr(state, ?) > 0"] * len(texts))
        with self.datastore.transaction(commit=False) as c:
            c.execute(
                f"SELECT DISTINCT originator_id FROM {self.events_table_name} WHERE {held or 'FALSE'}",
                [f'"{text}"'.encode() for text in texts],
            )
            return [row[0] for row in c.fetchall()]

    def select_named_by(self, kind: str, fields: Sequence[str]) -> list[tuple[str, str, str]]:
        """The streams of one kind whose entries have a value in some field: stream, field, value."""
        found: list[tuple[str, str, str]] = []
        with self.datastore.transaction(commit=False) as c:
            for field in fields:
                c.execute(
                    f"SELECT DISTINCT originator_id, CAST(json_extract(CAST(state AS TEXT), '$.{field}') AS TEXT) "
                    f"FROM {self.events_table_name} WHERE originator_id >= ? AND originator_id < ? AND instr(state, ?) > 0",
                    (f"{kind}:", f"{kind};", f'"{field}":'.encode()),
                )
                found += [(row[0], field, row[1]) for row in c.fetchall() if row[1] is not None]
        return found

    def select_states(self, kind: str, topic: str) -> list[tuple[str, bytes]]:
        """The events of one topic in the streams of a kind: each stream's name, and the event's bytes."""
        with self.datastore.transaction(commit=False) as c:
            c.execute(
                f"SELECT originator_id, state FROM {self.events_table_name} "
                "WHERE originator_id >= ? AND originator_id < ? AND topic = ?",
                (f"{kind}:", f"{kind};", topic),
            )
            return [(row[0], row[1]) for row in c.fetchall()]

    def _select(self, statement: str, parameters: Sequence[Any]) -> list[LoggedEvent]:
        with self.datastore.transaction(commit=False) as c:
            c.execute(statement, parameters)
            return [_logged(*row) for row in c.fetchall()]

    def _max_notification_id(self, c: SQLiteCursor) -> int:
        c.execute(f"SELECT max(entry) FROM {self.events_table_name}")
        return c.fetchone()[0] or 0


def _logged(
    entry: int, stream: str, version: int, topic: str, state: bytes, recorded_at: int, key: str | None
) -> LoggedEvent:
    """An event of the log; what comes out of a damaged file may be anything.

    Raises:
        sqlite3.DatabaseError: it is no event.
    """
    whole = isinstance(stream, str) and isinstance(version, int) and isinstance(topic, str) and isinstance(state, bytes)
    if not whole or not isinstance(entry, int) or not is_instant(recorded_at):
        raise sqlite3.DatabaseError(f"database disk image is malformed: entry {entry} is none")
    return LoggedEvent(stream, version, topic, state, entry, recorded_at, key)


class LedgerFactory(SQLiteFactory):
    """Builds the recorder; it never makes tables, which is what `init` is for."""

    application_recorder_class = LedgerRecorder

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.datastore.close()
        place = self.env.get(self.SQLITE_DBNAME)
        assert place
        self.datastore = _Datastore(place)


class _Datastore(SQLiteDatastore):
    def __init__(self, db_name: str) -> None:
        super().__init__(db_name, originator_id_type="text")
        self.pool.close()
        self.pool = _Pool(db_name=db_name, lock_timeout=max(1, round(lock_seconds())))
