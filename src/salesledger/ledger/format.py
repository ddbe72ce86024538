"""The ledger's file: how it is recognised, how it is read without changing it, and what a reader must know of a ledger first.

Nothing here imports pydantic or eventsourcing: reports read the log through this module and start fast.
"""

import json
import os
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from salesledger.errors import (
    NOTHING_RECORDED,
    DamagedLedger,
    LockedLedger,
    NewerLedger,
    NoLedger,
    NotALedger,
    ReadOnlyLedger,
    UsageError,
)
from salesledger.ledger import sqlite_turns
from salesledger.ledger.log import Log
from salesledger.ledger.sqlite_log import SQLiteLog

APPLICATION_ID = 0x534C4544
"""What SQLite keeps in the file's header for us: 'SLED'."""

FORMAT = 1
"""The version of the schema, kept as the file's user_version."""

SETTINGS_STREAM = "settings:ledger"
LOCK_SECONDS = 30.0
_LONGEST_SECONDS = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MICROS = 253_402_128_000_000_000
"""The beginning of 9999-12-30, which is a day of the calendar in every time zone."""

UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged file may end with: a text in it, or one that SQLite's complaint quotes, may be none any more."""


def lock_seconds() -> float:
    """How long a program waits for another one that holds the ledger, in seconds.

    Raises:
        UsageError: the environment says something else than a number of seconds.
    """
    told = os.environ.get("SALESLEDGER_LOCK_SECONDS")
    if not told:
        return LOCK_SECONDS
    try:
        seconds = float(told)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_SECONDS:
        raise UsageError(
            f"$SALESLEDGER_LOCK_SECONDS is {told!r}. Set it to seconds from 0 to {_LONGEST_SECONDS}, or unset it for "
            f"{LOCK_SECONDS:g}. {NOTHING_RECORDED}"
        )
    return seconds


def is_instant(micros: object) -> bool:
    """Whether a stored stamp, in microseconds since 1970, is a time of the calendar: a damaged file may hold anything."""
    return isinstance(micros, int) and 0 <= micros < _LAST_MICROS


def uri(path: Path, parameters: str) -> str:
    """The file as SQLite's URI."""
    return f"file:{quote(str(path.absolute()))}?{parameters}"


@contextmanager
def translated(path: object) -> Iterator[None]:
    """Turn the database's errors into the ledger's own."""
    try:
        yield
    except UNREADABLE as e:
        raise translate(path, str(e)) from e


def translate(path: object, message: str) -> Exception:
    """The ledger's own error for a message of SQLite's."""
    lowered = message.lower()
    if "locked" in lowered or "busy" in lowered:
        return LockedLedger(str(path), lock_seconds())
    if "readonly" in lowered or "read-only" in lowered or "unable to open database file" in lowered:
        return ReadOnlyLedger(str(path))
    if "not a database" in lowered:
        return NotALedger(str(path), "it is no SQLite file")
    return DamagedLedger(str(path), message)


_MOST_HELD = 100
_held: "OrderedDict[tuple[int, int], tuple[int, Path]]" = OrderedDict()
_holding = Lock()


def _first_bytes(path: Path) -> bytes:
    """The file's header, read from a descriptor that stays open.

    To close one gives up all of the process's locks on the file (POSIX), those of the connections that are open among them; another
    program then takes itself for the last and removes the write-ahead log under them. Where too many
    are open, there is a turn for it.
    """
    told = path.stat()
    place = (told.st_dev, told.st_ino)
    with _holding:
        if place not in _held:
            _held[place] = (os.open(path, os.O_RDONLY), path)
        _held.move_to_end(place)
        header = os.pread(_held[place][0], 72, 0)
        given_up = [_held.popitem(last=False)[1]] if len(_held) > _MOST_HELD else []
    for descriptor, file in given_up:
        with sqlite_turns.letting_go(file):
            os.close(descriptor)
    return header


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
        header = _first_bytes(path)
    except OSError as e:
        raise NotALedger(str(path), f"it can't be read ({e.strerror})") from e
    if not header.startswith(b"SQLite format 3\x00"):
        raise NotALedger(str(path), "it is empty" if not header else "it is no SQLite file")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise NotALedger(str(path), "it is another program's SQLite file")


def connect_to_read(path: Path) -> SQLiteLog:
    """Open a ledger without the right to change it, also where the file and its folder can't be written.

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
                uri(path, "mode=rw") if writable else place,
                uri=True,
                timeout=lock_seconds(),
                isolation_level=None,
                check_same_thread=False,
                factory=SQLiteLog,
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
            connection.uri = place  # what another reader of the same file must use
            return connection
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


def read_head(connection: Log, path: object) -> Head:
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


def _read_head(connection: Log, path: object) -> Head:
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
        raise DamagedLedger(str(path), "its last entry has no number, or no time of the calendar")
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
