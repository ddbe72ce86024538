"""A ledger in an SQLite file."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesledger.errors import LedgerExists, StoreError, UsageError
from salesledger.ledger import sqlite_turns
from salesledger.ledger.files import appearing
from salesledger.ledger.format import (
    APPLICATION_ID,
    FORMAT,
    check_format,
    check_place,
    connect_to_read,
    lock_seconds,
    translate,
    translated,
    uri,
)
from salesledger.ledger.log import Log
from salesledger.ledger.place import Place
from salesledger.ledger.raw import COLUMNS, raw_entries
from salesledger.ledger.sqlite_log import SQLiteLog
from salesledger.ledger.sqlite_schema import SCHEMA, SEAL_SCHEMA

if TYPE_CHECKING:
    from eventsourcing.persistence import InfrastructureFactory

_NO_ROLES = "Only a ledger on a PostgreSQL server has roles; who may use a file, its permissions say."

_BLOCKS = (
    "INSERT INTO seal_blocks SELECT ?1, ?2, ?3 WHERE ?2 > "
    "(SELECT coalesce(max(number), -1) FROM seal_blocks WHERE level = ?1)"
)
_CHECKPOINTS = "INSERT INTO seal_checkpoints (size, note) VALUES (?, ?)"


class FilePlace(Place):
    """A file.

    Args:
        path: where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def mirror(self) -> Path:
        """Beside the file."""
        return self.beside(".mirror")

    @property
    def projections(self) -> Path:
        """In the file's folder."""
        return self.path.absolute().parent / "projections"

    def beside(self, ending: str) -> Path:
        """The file's name with an ending."""
        return Path(f"{self.path}{ending}")

    def connect_to_read(self) -> SQLiteLog:
        """Open the file; see `format.connect_to_read`."""
        return connect_to_read(self.path)

    def holds(self, holder: sqlite_turns.Holder) -> None:
        """See `sqlite_turns`."""
        sqlite_turns.holds(self.path, holder)

    def using(self) -> AbstractContextManager[object]:
        """See `sqlite_turns`."""
        return sqlite_turns.using(self.path)

    def letting_go(self) -> AbstractContextManager[object]:
        """See `sqlite_turns`."""
        return sqlite_turns.letting_go(self.path)

    @contextmanager
    def opening(self) -> Iterator[SQLiteLog]:
        """Look at the file's format and what it says."""
        check_place(self.path)
        with translated(self.path):
            connection = sqlite3.connect(uri(self.path, "mode=ro"), uri=True, timeout=lock_seconds(), factory=SQLiteLog)
            try:
                check_format(connection, self.path)
                yield connection
            finally:
                connection.close()

    def factory(self) -> "InfrastructureFactory[Any]":
        """What makes SQLite's recorder."""
        from eventsourcing.utils import Environment

        from salesledger.ledger.sqlite_recorder import LEDGER_FILE, SQLiteLedgerFactory

        settings = {"SQLITE_DBNAME": uri(self.path, "mode=rw"), LEDGER_FILE: str(self.path), "CREATE_TABLE": "n"}
        return SQLiteLedgerFactory(Environment("salesledger", settings))

    def translate(self, message: str) -> Exception:
        """By what SQLite's messages say."""
        return translate(self.path, message)

    @contextmanager
    def making(self, remedy: str | None = None, *, roles: bool = False) -> Iterator["FilePlace"]:
        """A draft beside the file, which takes its name at the end."""
        if roles:
            raise UsageError(f"{_NO_ROLES} No ledger was made.")
        if self.path.exists():
            raise LedgerExists(str(self), remedy or "Name another file with -f.")
        try:
            with appearing(self.path) as draft:
                _lay_out(draft)
                yield FilePlace(draft)
        except FileExistsError:
            raise LedgerExists(str(self), remedy or "Name another file with -f.") from None
        except (OSError, sqlite3.Error) as e:
            why = e.strerror if isinstance(e, OSError) else e
            raise StoreError(f"{str(self)!r} can't be made: {why}. {remedy or 'Choose another place with -f.'}") from e

    def check_free(self, remedy: str) -> None:
        """A write-ahead log that was left behind would be taken for the new ledger's."""
        for file in (self.path, self.beside("-wal"), self.beside("-journal")):
            if file.exists() or file.is_symlink():
                raise LedgerExists(str(file), remedy)

    def forget_mirror(self) -> None:
        """Delete the segments; folders and other files stay."""
        try:
            for segment in self.mirror.glob("*/*.parquet"):
                segment.unlink()
        except OSError as e:
            raise StoreError(
                f"{str(e.filename)!r}, of the ledger that was here, can't be deleted: {e.strerror}."
            ) from e

    def take(self, log: Log) -> None:
        """Page by page from another file, else row by row in one transaction."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            if isinstance(log, sqlite3.Connection):
                log.backup(connection)
                return
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                f"INSERT INTO stored_events ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", raw_entries(log)
            )
            connection.executemany(
                _BLOCKS, log.stream("SELECT level, number, hash FROM seal_blocks ORDER BY level, number")
            )
            connection.executemany(_CHECKPOINTS, log.stream("SELECT size, note FROM seal_checkpoints ORDER BY size"))
            connection.execute("COMMIT")

    def migrate(self, *, roles: bool) -> list[tuple[str, str]]:
        """There was one layout only, so far."""
        if roles:
            raise UsageError(f"{_NO_ROLES} Nothing was changed.")
        with self.opening():
            return []

    def keep_seal(self, size: int, note: str, blocks: Sequence[tuple[int, int, bytes]]) -> None:
        """Keep a seal in the file."""
        check_place(self.path)
        with translated(self.path):
            connection = sqlite3.connect(
                uri(self.path, "mode=rw"), uri=True, timeout=lock_seconds(), isolation_level=None, factory=SQLiteLog
            )
            with closing(connection):
                # It doesn't wait for the disk: a seal that a power failure takes is made again by the next one.
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("BEGIN IMMEDIATE")
                if connection.seal_tables() < 2:
                    for statement in SEAL_SCHEMA:
                        connection.execute(statement)
                (last,) = connection.execute("SELECT max(size) FROM seal_checkpoints").fetchone()
                if last is None or last < size:  # else another program was faster
                    connection.executemany(_BLOCKS, blocks)
                    connection.execute(_CHECKPOINTS, (size, note))
                connection.execute("COMMIT")

    def size(self) -> int:
        """Bytes of the file."""
        return self.path.stat().st_size


def _lay_out(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("PRAGMA journal_mode = WAL")
        for statement in SCHEMA:
            connection.execute(statement)
