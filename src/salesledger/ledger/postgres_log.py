"""A connection that reads a ledger on a PostgreSQL server, and what the server can say of how it is stored."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import count
from typing import Any, Self

import psycopg
from psycopg.adapt import Loader
from psycopg.pq import Format

from salesledger.errors import DamagedLedger, NewerLedger, NoLedger, NotALedger, StoreError
from salesledger.ledger.log import ArrowSource, Rows
from salesledger.ledger.postgres_connection import Connection, connected, conninfo_of, is_lost, translated
from salesledger.ledger.postgres_loosened import loosened
from salesledger.ledger.postgres_roles import missing_rights
from salesledger.ledger.postgres_schema import FORMAT, FUNCTIONS, INDEXES, TABLES, TRIGGERS, body, role
from salesledger.ledger.postgres_url import PostgresUrl, own_schema

_ROWS_AT_ONCE = 4096
_CURSORS = count()

_BATCH_BYTES = 512 * 1024
"""In a batch of the stream: about 2,048 rows, as many as DuckDB works on at once."""

_RAW = (
    "SELECT entry, originator_id, originator_version, topic, convert_from(state, 'UTF8') AS state, recorded_at, "
    "coalesce('=' || key, '') AS marked_key FROM {schema}.stored_events WHERE entry > {{after}} AND entry <= {{upto}} "
    "ORDER BY entry"
)


class _AsStored(Loader):
    """Text as its bytes, in either of the two ways in which the server sends it."""

    def load(self, data: Any) -> bytearray:
        return bytearray(data)


class _AsStoredBinary(_AsStored):
    format = Format.BINARY


@lru_cache(256)
def translate_parameters(statement: str) -> str:
    """A statement with `?` for its parameters, as psycopg has it."""
    return statement.replace("%", "%%").replace("?", "%s")


class PostgresLog:
    """A connection to a ledger, as `salesledger.ledger.log.Log` has it.

    Args:
        url: the ledger's.
        connection: where one is open already, which isn't closed then: what it sees is one moment's, too.
    """

    server = "PostgreSQL"
    tool = "psql"
    mend: str | None = (
        "Find out who changed it, and what else they did ('salesledger verify'); then put it right with 'salesledger migrate', as "
        "the owner of the ledger's schema."
    )
    itself = "stored_events"

    def __init__(self, url: PostgresUrl, connection: Connection | None = None) -> None:
        self.url = url
        self._borrowed = connection is not None
        self._connection = connection or connected(url, writes=False)
        self._text: Any = str
        self._streams: list[Any] = []
        self._in_moment = self._borrowed

    @classmethod
    def open(cls, url: PostgresUrl) -> Self:
        """Open a ledger, and make sure that this version can read it.

        Raises:
            NoLedger, NotALedger, NewerLedger, UnreachableLedger: as their names say.
        """
        log = cls(url)
        try:
            log.check_format()
        except BaseException:
            log.close()
            raise
        return log

    def check_format(self) -> None:
        """Make sure that there is a ledger of a layout that is known."""
        names = self._named("stored_events", "layout")
        (found,) = self.execute("SELECT to_regclass(?) IS NOT NULL AND to_regclass(?) IS NOT NULL", names).fetchone()
        if not found:
            self.check_empty()
            raise NoLedger(self.url.shown, own_schema(self.url.schema))
        found = self.execute("SELECT format FROM layout").fetchone()
        if found is None:
            raise DamagedLedger(
                self.url.shown,
                f"its table layout is empty, which says what it is. Its owner can put that back: INSERT INTO "
                f"{self.url.schema}.layout VALUES ({FORMAT}, gen_random_uuid())",
            )
        if found[0] > FORMAT:
            raise NewerLedger(self.url.shown, f"format {found[0]}; this one knows format {FORMAT}")

    def is_there(self) -> bool:
        """Whether there is a ledger, also for a login that may not use it."""
        return {("table", "stored_events"), ("table", "layout")} <= set(self._held())

    def is_word(self, name: str) -> bool:
        """Whether a name has a meaning in SQL, so that it would need quotes."""
        (quoted,) = self.execute("SELECT quote_ident(?)", (name,)).fetchone()
        return bool(quoted != name)

    def check_encoding(self) -> None:
        """Make sure that the database holds any text there is.

        Raises:
            StoreError: it doesn't.
        """
        (encoding,) = self.execute("SELECT current_setting('server_encoding')").fetchone()
        if encoding != "UTF8":
            raise StoreError(
                f"{self.url.shown!r} can't hold a ledger: its database's encoding is {encoding}, which doesn't hold every letter. "
                "Make one that does, CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0, and name it in the URL. No ledger "
                "was made."
            )

    def check_empty(self) -> None:
        """Make sure that another program has made nothing in the schema, where there is no ledger.

        Raises:
            NotALedger: it has.
        """
        held, foreign = self._held(), self.foreign()
        if not held:
            return
        why = "another program's tables, or what is left of a ledger"
        if foreign:
            kind, name = min(foreign, key=lambda one: one[0] != "table")
            why = f"what isn't salesledger's, such as the {kind} {name!r}"
        raise NotALedger(
            self.url.shown, f"its schema {self.url.schema!r} holds {why}", "Name another schema with ?schema=NAME."
        )

    def _named(self, *tables: str) -> list[str]:
        return [f"{self.url.schema}.{table}" for table in tables]

    @property
    def text_factory(self) -> Any:
        """What text comes as."""
        return self._text

    @text_factory.setter
    def text_factory(self, chosen: Any) -> None:
        self._text = chosen

    def _adapted(self, cursor: Any) -> Any:
        if self._text is bytearray:
            for loader in (_AsStored, _AsStoredBinary):
                for name in ("text", "name", "varchar"):
                    cursor.adapters.register_loader(name, loader)
        return cursor

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Run a statement; where the connection was lost, on a new one, unless what it saw was one moment's."""
        with translated(self.url, reads=True):
            try:
                return self._run(statement, parameters)
            except psycopg.Error as e:
                if self._in_moment or not is_lost(e, self._connection):
                    raise
        self._connection = connected(self.url, writes=False)
        with translated(self.url, reads=True):
            return self._run(statement, parameters)

    def _run(self, statement: str, parameters: Sequence[Any]) -> Rows:
        cursor = self._adapted(self._connection.cursor(binary=True))
        rows: Rows = cursor.execute(translate_parameters(statement), parameters)
        return rows

    def stream(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Run a statement whose rows the server holds until they are fetched."""
        with translated(self.url, reads=True):
            cursor = self._adapted(self._connection.cursor(f"rows_{next(_CURSORS)}", binary=True))
            self._streams.append(cursor)
            return _Stream(self.url, cursor.execute(translate_parameters(statement), parameters))

    def begin(self) -> None:
        """See one moment from now on."""
        if not self._in_moment:
            with translated(self.url, reads=True):
                self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                self._connection.execute("SELECT 1 FROM stored_events LIMIT 1")  # the moment begins with the first look
            self._in_moment = True

    def close(self) -> None:
        """Let go of the server."""
        for cursor in self._streams:
            with suppress(psycopg.Error):
                cursor.close()
        if not self._borrowed:
            self._connection.close()

    def damage(self, most: int) -> list[str]:
        """What a read of every page finds: the server compares each with its checksum."""
        del most
        self.execute("SELECT count(*) FROM stored_events WHERE octet_length(state) >= 0 AND octet_length(topic) >= 0")
        return []

    def altered(self) -> list[tuple[str, str, bool]]:
        """What isn't as `postgres_schema` makes it, in the schema."""
        return [*self._altered_functions(), *self._altered_triggers(), *self._altered_tables()]

    def _altered_functions(self) -> Iterator[tuple[str, str, bool]]:
        rows = self._strings(
            "SELECT proname, pg_get_function_arguments(oid), prosrc, prosecdef, coalesce(array_to_string(proconfig, ';'), '') "
            "FROM pg_proc WHERE pronamespace = CAST(? AS regnamespace)",
            (self.url.schema,),
        )
        held = {(name, parameters): tuple(made) for name, parameters, *made in rows}
        for name, (parameters, _, owner, _) in FUNCTIONS.items():
            wanted = (body(name), owner, f"search_path={self.url.schema}, pg_temp" if owner else "")
            if held.get((name, parameters)) != wanted:
                yield "function", name, (name, parameters) in held

    def _altered_triggers(self) -> Iterator[tuple[str, str, bool]]:
        rows = self._strings(
            "SELECT tgname, pg_get_triggerdef(t.oid), tgenabled::text FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid "
            "WHERE relnamespace = CAST(? AS regnamespace) AND NOT tgisinternal",
            (self.url.schema,),
        )
        held = {name: (definition, enabled) for name, definition, enabled in rows}
        for name, (_, when, function) in TRIGGERS.items():
            made = f"CREATE TRIGGER {name} {when.format(schema=self.url.schema)} EXECUTE FUNCTION {function}()"
            if held.get(name) != (made, "A"):
                yield "trigger", name, name in held

    def _altered_tables(self) -> Iterator[tuple[str, str, bool]]:
        rows = self._strings(
            "SELECT conrelid::regclass::text, count(*) FROM pg_constraint WHERE connamespace = CAST(? AS regnamespace) "
            "AND contype IN ('p', 'u', 'c') AND convalidated GROUP BY 1",
            (self.url.schema,),
        )
        held = {str(name).rpartition(".")[2]: count for name, count in rows}
        for name, constraints in (("stored_events", 6), ("seal_blocks", 3), ("seal_checkpoints", 2)):
            if held.get(name, 0) < constraints:
                yield "table", name, name in held

    def foreign(self) -> list[tuple[str, str]]:
        """Relations, functions, triggers and rules in the schema that salesledger hasn't made."""
        ours = {"table": TABLES, "index": INDEXES, "function": FUNCTIONS, "trigger": TRIGGERS}
        return [(kind, name) for kind, name in self._held() if name not in ours.get(kind, ())]

    def _held(self) -> list[tuple[str, str]]:
        """All that is in the schema, which may be missing."""
        return self._strings(
            "SELECT CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index' "
            "WHEN 'S' THEN 'sequence' ELSE 'table' END, relname::text FROM pg_class c "
            "WHERE relnamespace = to_regnamespace(?) AND relkind IN ('r', 'v', 'm', 'f', 'p', 'S', 'i') "
            "AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid) "
            "UNION ALL SELECT 'function', proname::text FROM pg_proc WHERE pronamespace = to_regnamespace(?) "
            "UNION ALL SELECT 'trigger', tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid "
            "WHERE relnamespace = to_regnamespace(?) AND NOT tgisinternal "
            "UNION ALL SELECT 'rule', rulename::text FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class "
            "WHERE relnamespace = to_regnamespace(?) AND relkind <> 'v' AND relkind <> 'm' ORDER BY 1, 2",
            (self.url.schema,) * 4,
        )

    def loosened(self) -> list[tuple[str, str, str]]:
        """See `postgres_loosened`."""
        return list(loosened(self._strings, self.url.schema))

    def missing_rights(self) -> list[tuple[str, str]]:
        """What the roles of `postgres_schema` may no longer."""
        with translated(self.url, reads=True):
            found = missing_rights(self._connection, self.url)
        return [(role(self.url.schema, what), f"{right} on {on or self.url.schema}") for what, right, on in found]

    def _strings(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        """Rows whose text is text, whatever the log's own comes as."""
        text, self._text = self._text, str
        try:
            return list(self.execute(statement, parameters).fetchall())
        finally:
            self._text = text

    def last_given(self) -> int | None:
        """The server keeps no count besides the entries themselves."""
        return None

    def seal_tables(self) -> int:
        """How many of the two tables of seals are there."""
        names = self._named("seal_blocks", "seal_checkpoints")
        row = self.execute("SELECT to_regclass(?) IS NOT NULL, to_regclass(?) IS NOT NULL", names).fetchone()
        return sum(row)

    def arrow(self) -> ArrowSource:
        """Through PostgreSQL's own driver, which copies rows as they are stored."""
        options = {"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)}
        return ArrowSource(
            "adbc_driver_postgresql", conninfo_of(self.url), _RAW.format(schema=self.url.schema), options
        )

    def identity(self) -> str:
        """What tells this ledger's log from any other, also from a copy of it that has gone another way since."""
        row = self.execute(
            "SELECT incarnation::text, (SELECT oid::text FROM pg_database WHERE datname = current_database()), "
            "'stored_events'::regclass::oid::text, (pg_control_checkpoint()).timeline_id FROM layout"
        ).fetchone()
        return repr(tuple(row))


class _Stream:
    """Rows that the server holds, its errors in the ledger's own words."""

    def __init__(self, url: PostgresUrl, cursor: Any) -> None:
        self._url, self._cursor = url, cursor

    def fetchone(self) -> Any:
        return next(iter(self.fetchmany(1)), None)

    def fetchmany(self, size: int, /) -> Sequence[Any]:
        if self._cursor.closed:
            return []
        with translated(self._url, reads=True):
            rows: list[Any] = self._cursor.fetchmany(size)
            if not rows:
                self._cursor.close()
        return rows

    def fetchall(self) -> Sequence[Any]:
        return list(self)

    def __iter__(self) -> Iterator[Any]:
        while rows := self.fetchmany(_ROWS_AT_ONCE):
            yield from rows
