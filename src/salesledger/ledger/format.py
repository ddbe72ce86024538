"""The ledger's file: what it looks like on disk, how it is recognised, and how it is read without changing it.

Nothing here imports pydantic or eventsourcing: reports read the log through this module and start fast.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from salesledger.errors import (
    DamagedLedger,
    LockedLedger,
    NewerLedger,
    NoLedger,
    NotALedger,
    ReadOnlyLedger,
)

APPLICATION_ID = 0x534C4544
"""What SQLite keeps in the file's header for us: 'SLED'."""

FORMAT = 1
"""The version of the schema below, kept as the file's user_version."""

LOG_SCHEMA = (
    """
    CREATE TABLE stored_events (
        entry INTEGER PRIMARY KEY AUTOINCREMENT CHECK (entry > 0),
        originator_id TEXT NOT NULL,
        originator_version INTEGER NOT NULL CHECK (originator_version > 0),
        topic TEXT NOT NULL,
        state BLOB NOT NULL,
        recorded_at INTEGER NOT NULL,
        key TEXT UNIQUE,
        UNIQUE (originator_id, originator_version)
    ) STRICT
    """,
    """
    CREATE TRIGGER stored_events_no_update BEFORE UPDATE ON stored_events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: an entry is never changed'); END
    """,
    """
    CREATE TRIGGER stored_events_no_delete BEFORE DELETE ON stored_events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: an entry is never deleted'); END
    """,
    # INSERT OR REPLACE removes the row in its way without firing the DELETE trigger, so it is stopped before it starts.
    """
    CREATE TRIGGER stored_events_no_replace BEFORE INSERT ON stored_events
    WHEN EXISTS (SELECT 1 FROM stored_events WHERE entry = NEW.entry)
      OR EXISTS (SELECT 1 FROM stored_events
                 WHERE originator_id = NEW.originator_id AND originator_version = NEW.originator_version)
      OR (NEW.key IS NOT NULL AND EXISTS (SELECT 1 FROM stored_events WHERE key = NEW.key))
    BEGIN SELECT RAISE(ABORT, 'conflict: the ledger holds that entry, version or key already'); END
    """,
    """
    CREATE TRIGGER stored_events_in_order AFTER INSERT ON stored_events
    WHEN NEW.entry < (SELECT max(entry) FROM stored_events)
      OR NEW.recorded_at < (SELECT recorded_at FROM stored_events WHERE entry < NEW.entry ORDER BY entry DESC LIMIT 1)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: an entry comes after all others'); END
    """,
)

_LOG_STATEMENTS = {" ".join(statement.split()) for statement in LOG_SCHEMA}


def _append_only(table: str, same: str) -> tuple[str, ...]:
    """The triggers that let rows be added to a table and nothing else."""
    return tuple(
        f"CREATE TRIGGER {table}_no_{what} BEFORE {when} ON {table} "
        f"{condition}BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: a seal is never {said}'); END"
        for what, when, condition, said in (
            ("update", "UPDATE", "", "changed"),
            ("delete", "DELETE", "", "deleted"),
            ("replace", "INSERT", f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) ", "replaced"),
        )
    )


SEAL_SCHEMA = (
    """
    CREATE TABLE seal_blocks (
        level INTEGER NOT NULL CHECK (level > 0),
        number INTEGER NOT NULL CHECK (number >= 0),
        hash BLOB NOT NULL,
        PRIMARY KEY (level, number)
    ) STRICT, WITHOUT ROWID
    """,
    *_append_only("seal_blocks", "level = NEW.level AND number = NEW.number"),
    "CREATE TABLE seal_checkpoints (size INTEGER PRIMARY KEY CHECK (size > 0), note TEXT NOT NULL) STRICT",
    *_append_only("seal_checkpoints", "size = NEW.size"),
)
"""Where seals are kept; a ledger that was made before there were any gets it at its first seal."""

INDEXES = ("CREATE INDEX stored_events_forgotten ON stored_events (originator_id) WHERE topic = 'person-forgotten/1'",)
"""What makes looking for who was forgotten quick, and costs nothing else."""

SCHEMA = (*LOG_SCHEMA, *INDEXES, *SEAL_SCHEMA)

SETTINGS_STREAM = "settings:ledger"
LOCK_SECONDS = 30.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MICROS = 253_402_300_790_000_000
"""Some seconds before the end of the year 9999."""

UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged file may end with: a text in it, or one that SQLite's complaint quotes, may be none any more."""


def lock_seconds() -> float:
    """How long a program waits for another one that holds the ledger, in seconds."""
    try:
        return float(os.environ.get("SALESLEDGER_LOCK_SECONDS", LOCK_SECONDS))
    except ValueError:
        return LOCK_SECONDS


def _schema_of(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The statements whose tables and triggers a ledger must have: those of seals where any of their tables is there."""
    has_seals = connection.execute("SELECT 1 FROM sqlite_master WHERE tbl_name LIKE 'seal%' LIMIT 1").fetchone()
    return (*LOG_SCHEMA, *SEAL_SCHEMA) if has_seals else LOG_SCHEMA


def altered_in(connection: sqlite3.Connection) -> list[tuple[str, str, bool]]:
    """The tables and triggers that aren't as salesledger makes them: what each is, its name, and whether one is there at all.

    It works on connections that are `reading`, too.
    """
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql <> ''").fetchall()
    held = {(_text(kind), _text(name)): _words(_text(sql)) for kind, name, sql in rows}
    wanted = {(s.split()[1].lower(), s.split()[2]): _words(s) for s in _schema_of(connection)}
    return [(*of, of in held) for of, statement in wanted.items() if held.get(of) != statement]


def is_log_ours(cursor: Any) -> bool:
    """Whether the log's table and all of its triggers are those that salesledger makes."""
    cursor.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'stored_events' AND type IN ('table', 'trigger')")
    return {_words(row[0]) for row in cursor.fetchall()} == _LOG_STATEMENTS


def _words(sql: str) -> str:
    return " ".join(sql.split())


def foreign_to(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """The tables, triggers, views and indexes of a file that salesledger hasn't made: what each is, and its name.

    SQLite's own are left out. It works on connections that are `reading`, too.
    """
    made = json.dumps([" ".join(statement.split()[1:3]).casefold() for statement in SCHEMA])
    found = connection.execute(
        "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "AND lower(type || ' ' || name) NOT IN (SELECT value FROM json_each(?)) ORDER BY type, name",
        (made,),
    )
    return [(_text(kind), _text(name)) for kind, name in found.fetchall()]


def _text(value: str | bytes | bytearray) -> str:
    return value if isinstance(value, str) else bytes(value).decode("utf-8", "replace")


def is_instant(micros: object) -> bool:
    """Whether a stored stamp, in microseconds since 1970, is a time of the calendar: a damaged file may hold anything."""
    return isinstance(micros, int) and 0 <= micros < _LAST_MICROS


def uri(path: Path, parameters: str) -> str:
    """The file as SQLite's URI."""
    return f"file:{quote(str(path.absolute()))}?{parameters}"


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the database's errors into the ledger's own."""
    try:
        yield
    except UNREADABLE as e:
        raise translate(path, str(e)) from e


def translate(path: Path, message: str) -> Exception:
    """The ledger's own error for a message of SQLite's."""
    lowered = message.lower()
    if "locked" in lowered or "busy" in lowered:
        return LockedLedger(str(path), lock_seconds())
    if "readonly" in lowered or "read-only" in lowered or "unable to open database file" in lowered:
        return ReadOnlyLedger(str(path))
    if "not a database" in lowered:
        return NotALedger(str(path), "it is no SQLite file")
    return DamagedLedger(str(path), message)


def mirror_of(path: Path) -> Path:
    """The folder of the ledger's mirror."""
    return path.with_name(f"{path.name}.mirror")


def check_place(path: Path) -> None:
    """Make sure that there is a file that may be a ledger.

    Raises:
        NoLedger: there is none.
        NotALedger: it is a folder, or some other kind of file.
    """
    if not path.exists():
        raise NoLedger(str(path))
    if path.is_dir():
        raise NotALedger(str(path), "it is a folder")
    if not path.is_file():
        raise NotALedger(str(path), "it is no file")
    try:
        with path.open("rb") as file:
            header = file.read(72)
    except OSError as e:
        raise NotALedger(str(path), f"it can't be read ({e.strerror})") from e
    if not header.startswith(b"SQLite format 3\x00"):
        raise NotALedger(str(path), "it is empty" if not header else "it is no SQLite file")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise NotALedger(str(path), "it is another program's SQLite file")


def connect_to_read(path: Path) -> tuple[sqlite3.Connection, str]:
    """Open a ledger without the right to change it, also where the file and its folder can't be written.

    Returns:
        The connection, and the URI that another reader of the same file must use.

    Raises:
        NoLedger, NotALedger, NewerLedger, LockedLedger, DamagedLedger: as their names say.
    """
    check_place(path)
    last: sqlite3.Error | None = None
    for parameters in ("mode=ro", "mode=ro&immutable=1"):
        place = uri(path, parameters)
        # Where the file may be written, the reader may fold the WAL into it when it is the last to close, and remove it:
        # what lies beside the ledger is then never needed. The connection itself still refuses every change.
        writable = (
            "immutable" not in parameters and os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)
        )
        try:
            connection = sqlite3.connect(
                uri(path, "mode=rw") if writable else place, uri=True, timeout=lock_seconds(), isolation_level=None
            )
            connection.execute("PRAGMA query_only = ON")
            check_format(connection, path)
        except sqlite3.OperationalError as e:
            last = e
            wal = path.with_name(path.name + "-wal")
            # A reader of a WAL file needs its index, which a read-only folder can't take; without a WAL the file alone is all.
            if "immutable" in parameters or (wal.exists() and wal.stat().st_size) or "locked" in str(e):
                break
        except UNREADABLE as e:
            raise translate(path, str(e)) from e
        else:
            return connection, place
    raise translate(path, str(last)) from last


def check_format(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that a later salesledger has laid out.

    Raises:
        NewerLedger: its format is above ours.
        NotALedger: the table of events is not there.
        DamagedLedger: what the file says of its tables is no text.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > FORMAT:
        raise NewerLedger(str(path), f"format {version}; this one knows format {FORMAT}")
    statement = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'stored_events'"
    try:
        found = connection.execute(statement).fetchone()
    except UnicodeDecodeError as e:  # the database quotes it in its complaint
        raise DamagedLedger(str(path), "its list of tables is damaged") from e
    if not found:
        raise NotALedger(str(path), "it has no table of events")


@dataclass(frozen=True)
class Criterion:
    """A condition of one version of a process, as the log holds it.

    Attributes:
        entry: the entry that defined the version.
        known_at: when that was known.
    """

    process: str
    process_version: int
    position: int
    attribute: str
    at_least: str | None
    at_most: str | None
    one_of: tuple[str, ...]
    none_of: tuple[str, ...]
    entry: int
    known_at: datetime


@dataclass(frozen=True)
class Head:
    """What a reader must know of a ledger before it asks anything.

    Attributes:
        last_entry: the last entry of the log, as of when this was read.
        last_recorded_at: when that was recorded, in microseconds since 1970.
        stages: (process, version, stage, position, probability, rot_days, entry that defined it) of every version of every
            process, in order.
        criteria: every condition that a version of a process sets on its leads, in order.
        rated: whether an exchange rate was ever set.
    """

    ledger_id: str
    zone: ZoneInfo
    currency: str | None
    last_entry: int
    last_recorded_at: int
    stages: tuple[tuple[str, int, str, int, str, int | None, int], ...]
    criteria: tuple[Criterion, ...] = ()
    rated: bool = False

    def now(self) -> datetime:
        """The ledger's clock: the machine's, but never before the last entry."""
        return max(datetime.now(UTC), datetime.fromtimestamp(self.last_recorded_at // 1_000_000 + 1, UTC))


def read_head(connection: sqlite3.Connection, path: Path) -> Head:
    """Read what a reader must know first.

    Raises:
        NotALedger: the log has no beginning.
        LockedLedger, DamagedLedger: as their names say.
    """
    with translated(path):
        try:
            return _read_head(connection, path)
        except (ValueError, KeyError, TypeError, AttributeError, ZoneInfoNotFoundError) as e:
            raise DamagedLedger(str(path), f"an entry of its settings or processes is broken ({e})") from e


def _read_head(connection: sqlite3.Connection, path: Path) -> Head:
    settings: dict[str, Any] = {}
    for (state,) in connection.execute(
        "SELECT state FROM stored_events WHERE originator_id = ? ORDER BY originator_version", (SETTINGS_STREAM,)
    ):
        settings |= json.loads(state)
    if "ledger_id" not in settings:
        raise NotALedger(str(path), "its log has no beginning")
    entry, recorded_at = connection.execute(
        "SELECT entry, recorded_at FROM stored_events ORDER BY entry DESC LIMIT 1"
    ).fetchone()
    if not isinstance(entry, int) or not is_instant(recorded_at):
        raise DamagedLedger(str(path), "its last entry has no number or no time")
    stages, criteria = [], []
    for stream, state, defined_by, defined_at in connection.execute(
        "SELECT originator_id, state, entry, recorded_at FROM stored_events "
        "WHERE originator_id >= 'process:' AND originator_id < 'process;' ORDER BY originator_id, originator_version"
    ):
        event = json.loads(state)
        process, version = stream.partition(":")[2], int(event["process_version"])
        for position, stage in enumerate(event.get("stages", ())):
            rot_days = stage.get("rot_days")
            chance = str(stage["probability"])
            stages.append((process, version, stage["name"], position, chance, rot_days, defined_by))
        told = event.get("known_at")
        known_at = datetime.fromisoformat(told) if told else _EPOCH + timedelta(microseconds=defined_at)
        for position, criterion in enumerate(event.get("criteria") or ()):
            criteria.append(_criterion((process, version, position), criterion, (defined_by, known_at)))
    rate = connection.execute(
        "SELECT 1 FROM stored_events WHERE originator_id >= 'rate:' AND originator_id < 'rate;' LIMIT 1"
    ).fetchone()
    return Head(
        ledger_id=settings["ledger_id"],
        zone=ZoneInfo(settings["timezone"]),
        currency=settings.get("currency"),
        last_entry=entry,
        last_recorded_at=recorded_at,
        stages=tuple(stages),
        criteria=tuple(criteria),
        rated=rate is not None,
    )


def _criterion(place: tuple[str, int, int], told: dict[str, Any], defined: tuple[int, datetime]) -> Criterion:
    bounds = [None if told.get(name) is None else str(told[name]) for name in ("at_least", "at_most")]
    words = [tuple(told.get(name) or ()) for name in ("one_of", "none_of")]
    return Criterion(*place, told["attribute"], bounds[0], bounds[1], words[0], words[1], *defined)
