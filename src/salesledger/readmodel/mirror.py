"""The columnar copy of the log: immutable Parquet segments beside the ledger, and the tail read straight from the log.

Segment k holds the entries (k * SEGMENT, (k + 1) * SEGMENT] and is written once the log has passed its end, under a temporary
name and then renamed. The range fixes the content, so processes that race to write it write the same, and need no lock. The
folder is a cache: it may be deleted at any time. Its name follows from what decodes the log, so a new decoding starts anew.
"""

import hashlib
import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import adbc_driver_manager
import adbc_driver_sqlite
import duckdb

from salesledger.errors import DamagedLedger, NewerLedger, StoreError
from salesledger.ledger.format import Head
from salesledger.readmodel.decode import UNKNOWN_TOPIC, columns, decoding

SEGMENT = 100_000
"""Entries in a segment."""

_RAW = "SELECT entry, originator_id, originator_version, topic, CAST(state AS TEXT) AS state, recorded_at, key"

Progress = Callable[[int, int], None]
"""Told how many segments are written, of how many."""


class _Stream:
    """A range of the log as an Arrow stream; every scan opens its own connection, since a reused one can serve stale rows."""

    def __init__(self, place: str, after: int, upto: int) -> None:
        self.place, self.after, self.upto = place, after, upto
        self._open: list[Any] = []

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        database = adbc_driver_manager.AdbcDatabase(driver=adbc_driver_sqlite._driver_path(), uri=self.place)
        connection = adbc_driver_manager.AdbcConnection(database)
        statement = adbc_driver_manager.AdbcStatement(connection)
        statement.set_options(**{"adbc.sqlite.query.batch_rows": "65536"})
        statement.set_sql_query(
            f"{_RAW} FROM stored_events WHERE entry > {self.after} AND entry <= {self.upto} ORDER BY entry"
        )
        handle, _ = statement.execute_query()
        self._open += [statement, connection, database]
        return handle.__arrow_c_stream__(requested_schema)

    def close(self) -> None:
        """Close what was opened, in order."""
        while self._open:
            self._open.pop(0).close()


@dataclass
class Mirror:
    """The log as a relation of typed rows.

    Args:
        path: the ledger's file.
        place: the URI under which it is read.
        head: what is known of it.
        log: a connection that reads it, for what the fast way can't decode.
        duck: the engine's connection.
    """

    path: Path
    place: str
    head: Head
    log: sqlite3.Connection
    duck: duckdb.DuckDBPyConnection

    @property
    def folder(self) -> Path:
        """Where the segments of this decoding lie."""
        told = json.dumps([self.head.ledger_id, SEGMENT, decoding("log", self.head.zone.key)])
        return self.path.with_name(f"{self.path.name}.mirror") / hashlib.sha256(told.encode()).hexdigest()[:16]

    def segments(self, progress: Progress | None = None) -> list[Path]:
        """Every full segment of the log, written now where it is missing; up to the first that can't be written."""
        folder = self.folder
        wanted = [folder / f"{k:06d}.parquet" for k in range(self.head.last_entry // SEGMENT)]
        missing = [k for k, file in enumerate(wanted) if not file.exists()]
        for done, k in enumerate(missing):
            if progress:
                progress(done, len(missing))
            if not self._write(k, wanted[k]):
                return wanted[:k]
        if progress and missing:
            progress(len(missing), len(missing))
        return wanted

    def _write(self, k: int, file: Path) -> bool:
        draft = file.with_name(f".{file.name}.{os.getpid()}.{uuid.uuid4().hex}")
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.touch(mode=0o600)
        except OSError:
            return False
        try:
            with self.decoded("mirror_rows", k * SEGMENT, (k + 1) * SEGMENT) as rows:
                target = str(draft).replace("'", "''")
                self.duck.execute(
                    f"COPY (SELECT * FROM {rows}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2)"
                )
            draft.replace(file)
        except (duckdb.IOException, OSError):
            return False
        finally:
            with suppress(OSError):
                draft.unlink()
        return True

    @contextmanager
    def decoded(self, name: str, after: int, upto: int) -> Iterator[str]:
        """The entries (after, upto] of the log as a table of `events`, held in memory.

        Raises:
            NewerLedger: an entry is of a type that this version doesn't know.
            DamagedLedger: an entry's bytes are not what its type promises.
        """
        stream = _Stream(self.place, after, upto)
        self.duck.register(f"{name}_raw", stream)
        zone = self.head.zone.key
        try:
            self.duck.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {decoding(f'{name}_raw', zone)}")
        except duckdb.Error as e:
            if UNKNOWN_TOPIC not in str(e):
                raise DamagedLedger(str(self.path), f"entries {after + 1} to {upto} can't be decoded ({e})") from e
            self._decode_old(name, after, upto)
        finally:
            self.duck.unregister(f"{name}_raw")
            stream.close()
        try:
            yield name
        finally:
            self.duck.execute(f"DROP TABLE IF EXISTS {name}")

    def _decode_old(self, name: str, after: int, upto: int) -> None:
        """The slow way, for ranges with events of old versions: these pass the upcasters first."""
        from salesledger.ledger.mapper import UPCASTERS, upcast
        from salesledger.readmodel.decode import TOPICS

        rows = []
        for entry, stream, version, topic, state, recorded_at, key in self.log.execute(
            f"{_RAW} FROM stored_events WHERE entry > ? AND entry <= ? ORDER BY entry", (after, upto)
        ):
            current, fields = upcast(str(self.path), entry, topic, state.encode(), UPCASTERS)
            if current not in TOPICS:
                raise NewerLedger(str(self.path), f"entry {entry} is of the unknown type {topic!r}")
            rows.append([entry, stream, version, current, fields.decode(), recorded_at, key])
        shape = '[["JSON"]]'
        self.duck.execute(
            f"CREATE OR REPLACE TEMP TABLE {name}_upcast AS SELECT "
            "CAST(r[1] AS BIGINT) AS entry, r[2] ->> '$' AS originator_id, CAST(r[3] AS INTEGER) AS originator_version, "
            "r[4] ->> '$' AS topic, r[5] ->> '$' AS state, CAST(r[6] AS BIGINT) AS recorded_at, r[7] ->> '$' AS key "
            f"FROM (SELECT unnest(from_json(?, '{shape}')) AS r)",
            [json.dumps(rows)],
        )
        self.duck.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {decoding(f'{name}_upcast', self.head.zone.key)}")
        self.duck.execute(f"DROP TABLE {name}_upcast")


def events_relation(segments: list[Path], tail: str | None) -> str:
    """The SQL of the whole log: the segments' rows and the tail's."""
    parts = []
    if segments:
        files = ", ".join("'" + str(file).replace("'", "''") + "'" for file in segments)
        parts.append(f"SELECT {', '.join(columns())} FROM read_parquet([{files}])")
    if tail:
        parts.append(f"SELECT {', '.join(columns())} FROM {tail}")
    if not parts:
        raise StoreError("The ledger's log is empty.")
    return " UNION ALL ".join(parts)
