"""A ledger in a schema of a PostgreSQL database."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from salesledger.errors import LedgerExists, StoreError, UsageError
from salesledger.ledger.place import Place
from salesledger.ledger.postgres_url import PostgresUrl, own_schema

if TYPE_CHECKING:
    from eventsourcing.persistence import InfrastructureFactory

    from salesledger.ledger.log import Log
    from salesledger.ledger.postgres_connection import Connection
    from salesledger.ledger.postgres_log import PostgresLog


class PostgresPlace(Place):
    """A schema of a database.

    Args:
        url: where it is.
    """

    def __init__(self, url: PostgresUrl) -> None:
        self.url = url

    @classmethod
    def of(cls, text: str) -> Self:
        """The place that a URL names.

        Raises:
            UsageError: no ledger can be there, or what speaks to the server isn't installed.
        """
        if find_spec("psycopg") is None or find_spec("adbc_driver_postgresql") is None:
            raise UsageError(
                "A postgresql:// ledger needs the extra: pip install 'salesledger[postgres]'. Nothing was recorded."
            )
        return cls(PostgresUrl.of(text))

    def __str__(self) -> str:
        return self.url.shown

    @cached_property
    def mirror(self) -> Path:
        """In $SALESLEDGER_MIRROR, which machines may share, else in the user's cache; a folder for each log."""
        told = os.environ.get("SALESLEDGER_MIRROR")
        folder = Path(told) if told else _home("XDG_CACHE_HOME", ".cache") / "salesledger"
        log = self.connect_to_read()
        try:
            identity = sha256(log.identity().encode()).hexdigest()[:16]
        finally:
            log.close()
        return folder.absolute() / f"{self.url.schema}-{identity}.mirror"

    @property
    def shared(self) -> Path | None:
        """The folder that $SALESLEDGER_MIRROR names."""
        told = os.environ.get("SALESLEDGER_MIRROR")
        return Path(told).absolute() if told else None

    @property
    def schema(self) -> str:
        """The schema that the URL names."""
        return self.url.schema

    def may_record(self) -> bool:
        """Whether the login may call what appends; where that is missing, recording says so."""
        log = self.connect_to_read()
        try:
            (may,) = log.execute(
                "SELECT coalesce(bool_or(has_function_privilege(oid, 'EXECUTE')), true) FROM pg_proc "
                "WHERE pronamespace = to_regnamespace(?) AND proname = 'append_events'",
                (self.url.schema,),
            ).fetchone()
        finally:
            log.close()
        return bool(may)

    @property
    def projections(self) -> Path:
        """The folder that $SALESLEDGER_PROJECTIONS names, else 'projections' where the command is run."""
        return Path(os.environ.get("SALESLEDGER_PROJECTIONS") or "projections").absolute()

    def beside(self, ending: str) -> Path:
        """A file in the folder of the ledger's keys, on this machine: keys are never kept on the server."""
        told = os.environ.get("SALESLEDGER_KEYS")
        folder = Path(told) if told else _home("XDG_DATA_HOME", ".local/share") / "salesledger"
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder.absolute() / f"{self.url.name}{ending}"

    def connect_to_read(self) -> "PostgresLog":
        """Connect to the server."""
        from salesledger.ledger.postgres_log import PostgresLog

        return PostgresLog.open(self.url)

    @contextmanager
    def opening(self) -> Iterator["Log"]:
        """Look at the ledger's layout and what it says."""
        log = self.connect_to_read()
        try:
            yield log
        finally:
            log.close()

    def factory(self) -> "InfrastructureFactory[Any]":
        """What makes PostgreSQL's recorder."""
        from salesledger.ledger.postgres_recorder import PostgresFactory, PostgresRecorder

        return PostgresFactory(PostgresRecorder(self.url))

    def translate(self, message: str) -> Exception:
        """What the Arrow driver says; all else is translated where it happens."""
        return StoreError(f"{str(self)!r} can't be read: {message.splitlines()[0] if message else 'no reason given'}.")

    @contextmanager
    def making(self, remedy: str | None = None, *, roles: bool = False) -> Iterator["Draft"]:
        """Lay out the schema in a transaction, which is committed at the end."""
        from salesledger.ledger.postgres_connection import connected, translated
        from salesledger.ledger.postgres_roles import make_roles
        from salesledger.ledger.postgres_schema import layout

        self.check_free(remedy or "Name another schema with ?schema=NAME.")
        connection = connected(self.url, writes=True)
        try:
            with translated(self.url, "made"), connection.transaction():
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {self.url.schema}")
                for statement in layout(self.url.schema):
                    connection.execute(statement)
                if roles:
                    make_roles(connection, self.url)
                yield Draft(self.url, connection)
        finally:
            connection.close()

    def check_free(self, remedy: str) -> None:
        """The schema isn't there, or empty, and isn't the one that all programs share; and the database holds any text."""
        from salesledger.ledger.postgres_log import PostgresLog

        log = PostgresLog(self.url)
        try:
            if log.is_there():
                raise LedgerExists(str(self), remedy)
            if shared := own_schema(self.url.schema):
                raise UsageError(f"{str(self)!r} can't be made. {shared} No ledger was made.")
            if log.is_word(self.url.schema):
                raise UsageError(
                    f"{self.url.schema!r} can't be the schema of a ledger: it is a word of SQL. Name another with ?schema=NAME. "
                    "No ledger was made."
                )
            log.check_encoding()
            log.check_empty()
        finally:
            log.close()

    def forget_mirror(self) -> None:
        """Nothing is to be deleted: a ledger that is made has a mirror of its own."""

    def take(self, log: "Log") -> None:
        """Only what is being made takes a copy."""
        raise NotImplementedError

    def migrate(self, *, roles: bool) -> list[tuple[str, str]]:
        """Make what isn't as this version makes it: functions, triggers, and roles with their rights where they are asked for."""
        from salesledger.ledger.postgres_connection import connected, translated
        from salesledger.ledger.postgres_log import PostgresLog
        from salesledger.ledger.postgres_roles import make_roles
        from salesledger.ledger.postgres_schema import remade

        self.connect_to_read().close()
        connection = connected(self.url, writes=True)
        try:
            with translated(self.url, "changed"), connection.transaction():
                altered = [
                    (kind, name) for kind, name, _ in PostgresLog(self.url, connection).altered() if kind != "table"
                ]
                for statement in [statement for of in altered for statement in remade(self.url.schema, *of)]:
                    connection.execute(statement)
                return [*altered, *(make_roles(connection, self.url) if roles else ())]
        finally:
            connection.close()

    def keep_seal(self, size: int, note: str, blocks: Sequence[tuple[int, int, bytes]]) -> None:
        """Keep a seal through the owner's function."""
        from salesledger.ledger.postgres_connection import connected, translated

        connection = connected(self.url, writes=True)
        try:
            with translated(self.url):
                columns = [[block[i] for block in blocks] for i in range(3)]
                connection.execute(
                    "SELECT keep_seal(%s::bigint, %s::text, %s::integer[], %s::bigint[], %s::bytea[])",
                    (size, note, *columns),
                )
        finally:
            connection.close()

    def size(self) -> int:
        """Bytes of the tables and their indexes."""
        log = self.connect_to_read()
        try:
            return _bytes_of(log)
        finally:
            log.close()


class Draft(PostgresPlace):
    """A ledger that is being made, seen through the transaction that makes it.

    Args:
        url: where it is to be.
        connection: in the transaction.
    """

    def __init__(self, url: PostgresUrl, connection: "Connection") -> None:
        super().__init__(url)
        self._connection = connection

    def connect_to_read(self) -> "PostgresLog":
        """Through the same connection."""
        from salesledger.ledger.postgres_log import PostgresLog

        return PostgresLog(self.url, self._connection)

    def factory(self) -> "InfrastructureFactory[Any]":
        """A recorder that writes in the same transaction."""
        from salesledger.ledger.postgres_recorder import PostgresFactory, PostgresRecorder

        return PostgresFactory(PostgresRecorder(self.url, self._connection))

    def take(self, log: "Log") -> None:
        """Row by row, as COPY takes them."""
        from salesledger.ledger.postgres_connection import translated
        from salesledger.ledger.raw import COLUMNS, raw_entries

        with translated(self.url), self._connection.cursor() as cursor:
            with cursor.copy(f"COPY stored_events ({COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["int8", "text", "int8", "text", "bytea", "int8", "text"])
                for row in raw_entries(log):
                    copy.write_row(row)
            if log.seal_tables() < 2:
                return
            for table, columns, types in (
                ("seal_blocks", "level, number, hash", ["int4", "int8", "bytea"]),
                ("seal_checkpoints", "size, note", ["int8", "text"]),
            ):
                with cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types(types)
                    for row in log.stream(f"SELECT {columns} FROM {table}"):
                        copy.write_row(row)


def _home(variable: str, folder: str) -> Path:
    told = os.environ.get(variable)
    return Path(told) if told else Path.home() / folder


def _bytes_of(log: "Log") -> int:
    (size,) = log.execute(
        "SELECT pg_total_relation_size('stored_events') + pg_total_relation_size('seal_blocks') "
        "+ pg_total_relation_size('seal_checkpoints')"
    ).fetchone()
    return int(size)
