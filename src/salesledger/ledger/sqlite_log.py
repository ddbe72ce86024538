"""A connection that reads a ledger's file, and what SQLite can say of the file itself."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from salesledger.ledger.log import ArrowSource, Rows
from salesledger.ledger.sqlite_schema import LOG_SCHEMA, SCHEMA, SEAL_SCHEMA

_BATCH = 2048
"""Rows in a batch of the stream: as many as DuckDB works on at once."""

# ADBC takes a column's type from its first rows: a key is marked, so that one that comes later isn't met as a number's column.
_RAW = (
    "SELECT entry, originator_id, originator_version, topic, CAST(state AS TEXT) AS state, recorded_at, "
    "coalesce('=' || key, '') AS marked_key FROM stored_events WHERE entry > {after} AND entry <= {upto} ORDER BY entry"
)


_LOG_STATEMENTS = {" ".join(statement.split()) for statement in LOG_SCHEMA}


class SQLiteLog(sqlite3.Connection):
    """A connection to a ledger's file, as `salesledger.ledger.log.Log` has it."""

    server = "SQLite"
    tool = "the sqlite3 program"
    mend: str | None = None
    itself = "stored_events NOT INDEXED"
    uri = ""

    def stream(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Run a statement; SQLite gives its rows one by one anyway."""
        return self.execute(statement, parameters)

    def begin(self) -> None:
        """See one moment from now on."""
        self.execute("BEGIN")

    def damage(self, most: int) -> list[str]:
        """What SQLite's own check of the file finds."""
        told = [_text(line) for (line,) in self.execute(f"PRAGMA integrity_check({most})")]
        return [line for line in told if line != "ok"]

    def altered(self) -> list[tuple[str, str, bool]]:
        """The tables and triggers that aren't as salesledger makes them."""
        return altered_in(self)

    def loosened(self) -> list[tuple[str, str, str]]:
        """A file has nothing that its tables and triggers don't say."""
        return []

    def missing_rights(self) -> list[tuple[str, str]]:
        """A file has no roles."""
        return []

    def foreign(self) -> list[tuple[str, str]]:
        """The tables, triggers, views and indexes that salesledger hasn't made."""
        return foreign_to(self)

    def last_given(self) -> int | None:
        """The number that SQLite has counted to."""
        row = self.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = 'stored_events'").fetchone()
        return row[0] if row and isinstance(row[0], int) else None

    def seal_tables(self) -> int:
        """How many of the two tables of seals are there; 1 where anything of them is."""
        (count,) = self.execute(
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('seal_blocks', 'seal_checkpoints')"
        ).fetchone()
        return int(count) or int(
            self.execute("SELECT 1 FROM sqlite_master WHERE name LIKE 'seal%'").fetchone() is not None
        )

    def arrow(self) -> ArrowSource:
        """Through SQLite's own driver."""
        return ArrowSource("adbc_driver_sqlite", self.uri, _RAW, {"adbc.sqlite.query.batch_rows": str(_BATCH)})


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
