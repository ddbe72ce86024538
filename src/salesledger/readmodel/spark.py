"""Spark as the engine that answers: the same projections, over the mirror's Parquet and the tail.

DuckDB composes each statement, says which columns and types its answer has, and writes the mirror; Spark runs it. An answer whose
columns or types differ from those that DuckDB would give is refused, so that it is the same or none.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import duckdb

from salesledger.errors import BadQuery, SalesledgerError, StoreError
from salesledger.ledger.place import Where
from salesledger.readmodel import spark_log
from salesledger.readmodel.catalogue import BASES
from salesledger.readmodel.decode import decoding
from salesledger.readmodel.decode import unfolding as decoded_by_duckdb
from salesledger.readmodel.duck import connected
from salesledger.readmodel.engine import INLINED, PARQUET, Answer, Engine, Question
from salesledger.readmodel.mirror import Mirror, Progress, ranges
from salesledger.readmodel.refusal import refused
from salesledger.readmodel.spark_session import session
from salesledger.readmodel.spark_sql import NOT_THE_SAME, Translated, translated

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession
    from pyspark.sql.types import DataType

_CHUNK = 10_000
_LOG = "decoded_log"
MIRROR = "SALESLEDGER_SPARK_MIRROR"

Convert = Callable[[Any], Any]


@dataclass(eq=False)
class SparkEngine(Engine):
    """A reader of one ledger that has Spark answer.

    Attributes:
        mirror: where segments of the mirror lie besides, as Spark writes it, such as 's3a://bucket/ledger.mirror/0123abcd';
            $SALESLEDGER_SPARK_MIRROR where nothing is said.
    """

    mirror: str | None = None
    spark: "SparkSession" = field(init=False)
    _read: tuple[str, ...] = ()
    _views: dict[str, str] = field(default_factory=dict)
    _sql: str = ""
    _known: dict[str, int] = field(default_factory=dict)
    _left: set[str] = field(default_factory=set)
    _about_persons: set[str] = field(default_factory=set)
    _answers: int = 0

    @classmethod
    def open(
        cls, path: Where, *, progress: Progress | None = None, memory: str | None = None, mirror: str | None = None
    ) -> Self:
        """Open a ledger for asking; Spark is started where it doesn't run yet.

        Args:
            path: the ledger.
            progress: told how the mirror grows, where it must.
            memory: what Java may use, such as '4GB'.
            mirror: see the class.

        Raises:
            NoEngine: Spark can't be started.
            NoLedger, NotALedger, NewerLedger, LockedLedger, DamagedLedger, BadFile: as `Engine.open`.
        """
        engine = super().open(path, progress=progress)
        try:
            engine.mirror = mirror or os.environ.get(MIRROR)
            engine.spark = session(memory)
            engine._connect()
        except BaseException:
            Engine.close(engine)
            raise
        return engine

    def close(self) -> None:
        """Let go of the files and of the memory; Spark itself runs until the program ends."""
        self._forget(self._known)
        super().close()

    def _connect(self, also: Sequence[Path] = ()) -> None:
        self.duck.close()
        self.duck, self._tail = (
            connected(self.path, spill=self.folder / "spill", also=also, folders=[self.folder]),
            None,
        )
        empty = decoding(spark_log.empty_log())
        self.duck.execute(f"CREATE TEMP VIEW {_LOG} AS {decoded_by_duckdb(empty, self.head.zone.key)}")
        self.duck.execute(
            "CREATE TEMP TABLE personal_texts AS SELECT 0::BIGINT AS entry, '' AS field, '' AS text WHERE false"
        )

    def _answered(self, statement: str, parameters: dict[str, object]) -> Answer:
        frame, types, converts = self._frame(statement, parameters)
        try:
            with _translating():
                rows = frame.collect()
        finally:
            self._forget(self._about_persons)  # a key may be destroyed before the next question
        return Answer(frame.columns, types, [_converted(row, converts) for row in rows])

    def query(
        self, sql: str, question: Question | None = None, values: Mapping[str, object] | None = None
    ) -> "duckdb.DuckDBPyRelation":
        """Any SELECT over the projections; its rows are worked out now, and held in memory.

        Raises:
            BadQuery: see `Engine.query`; or Spark is not known to answer it in exactly the same way.
        """
        return self._held(self.ask(sql, question, values))

    def stream(self, sql: str, question: Question | None = None) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """The columns and the rows of a SELECT, the rows fetched part by part.

        Raises:
            BadQuery: see `query`.
        """
        statement, parameters = self._prepared(sql, question, {})
        frame, _, converts = self._frame(statement, parameters)

        def rows() -> Iterator[tuple[Any, ...]]:
            with _translating():
                for row in frame.toLocalIterator():
                    yield _converted(row, converts)

        return frame.columns, rows()

    def write_parquet(self, sql: str, file: Path, question: Question | None = None) -> None:
        """Write the rows of a SELECT to a file.

        Raises:
            BadQuery: see `query`.
            OSError: the file can't be written.
        """
        answer = self.ask(sql, question)
        self._connect(also=[file])
        self._held(answer)
        target = "'" + str(file).replace("'", "''") + "'"
        try:
            self.duck.execute(f"COPY (SELECT * FROM answer_{self._answers}) TO {target} ({PARQUET})")
        except duckdb.IOException as e:
            raise OSError(str(e).partition(":")[2].strip() or "the system refused") from e

    def _compose(
        self, sql: str, wanted: Sequence[str], question: Question, values: dict[str, object]
    ) -> tuple[str, dict[str, object]]:
        self._views, self._sql = {}, sql
        return super()._compose(sql, wanted, question, values)

    def _chained(self, wanted: Sequence[str], question: Question, values: dict[str, object]) -> dict[str, str]:
        self._views = super()._chained(wanted, question, values)
        return self._views

    def _frame(self, statement: str, parameters: Mapping[str, object]) -> tuple["DataFrame", list[str], list[Convert]]:
        """What Spark makes of a statement, the types that DuckDB would give, and what turns its values into those."""
        told = self.duck.execute(f"DESCRIBE {statement}", dict(parameters)).fetchall()
        asked = translated(self._sql, parameters)
        views = {name: translated(body, parameters) for name, body in self._views.items()}
        with _translating():
            self._define(views, asked)
            frame = self.spark.sql(asked.sql)
            fields = frame.schema.fields
        names, types = [str(row[0]) for row in told], [str(row[1]) for row in told]
        if len(fields) != len(names):
            raise BadQuery("The engine spark would give other columns than DuckDB. Ask it with --engine duckdb.")
        converts = [_converting(name, f.dataType, kind) for name, f, kind in zip(names, fields, types, strict=True)]
        return frame.toDF(*names), types, converts

    def _define(self, views: dict[str, Translated], asked: Translated) -> None:
        """Have Spark know what a statement reads: each projection is worked out once, however many others read it.

        Put together in one statement, they would be worked out as often as they are read, and planning alone would take minutes.
        What is known already, from a question before with the same dates and the same log, is taken over. What only the statement
        itself reads, and once, is left to it: of that it may need few columns.
        """
        last = next(reversed(views), "")
        left = last if asked.reads.count(last) == 1 else ""
        self._about_persons = {"personal", "personal_texts"} if "personal" in views else set()
        for name, told in views.items():
            needs = tuple(need for need in dict.fromkeys(told.reads) if need in views and need != name)
            if self._about_persons & set(needs):
                self._about_persons.add(name)
            key = hash((told.sql, self._read if name == "decoded" else None, *(self._known[need] for need in needs)))
            is_left = name in (left, *INLINED, *BASES, *self._about_persons)
            if self._known.get(name) == key and name not in self._about_persons and (is_left or name not in self._left):
                continue
            frame = self.spark.sql(told.sql)
            if is_left:
                self._left.add(name)
            else:
                frame = frame.localCheckpoint(eager=True)
                self._left.discard(name)
            frame.createOrReplaceTempView(name)
            self._known[name] = key

    def _forget(self, names: Iterable[str]) -> None:
        for name in list(names):
            self._known.pop(name, None)
            self.spark.catalog.dropTempView(name)

    def _held(self, answer: Answer) -> "duckdb.DuckDBPyRelation":
        """An answer as a relation of DuckDB's."""
        self._answers += 1
        name = f"answer_{self._answers}"
        quoted = ['"' + column.replace('"', '""') + '"' for column in answer.columns]
        columns = ", ".join(f"{column} {kind}" for column, kind in zip(quoted, answer.types, strict=True))
        self.duck.execute(f"CREATE TEMP TABLE {name} ({columns})")
        taken = ", ".join(
            f"CAST(r[{i}] AS {kind})" if kind.endswith("]") else f"CAST(r[{i}] ->> '$' AS {kind})"
            for i, kind in enumerate(answer.types, 1)
        )
        for start in range(0, len(answer.rows), _CHUNK):
            rows = json.dumps([[_as_json(value) for value in row] for row in answer.rows[start : start + _CHUNK]])
            self.duck.execute(
                f"INSERT INTO {name} SELECT {taken} FROM (SELECT unnest(from_json(?, '[[\"JSON\"]]')) AS r)", [rows]
            )
        return self.duck.table(name)

    def _personal(self) -> str:
        """What is kept about persons, as part of the statement: so it is written to no file on its way."""
        from salesledger.ledger.keys import personal_texts

        with self.using():
            texts = personal_texts(self.log, self.path)
        rows = ", ".join(f"({int(entry)}, {_quoted(name)}, {_quoted(text)})" for entry, name, text in texts)
        none = "SELECT CAST(0 AS BIGINT) AS entry, '' AS field, '' AS text WHERE false"
        made = (
            f"SELECT CAST(entry AS BIGINT) AS entry, field, text FROM VALUES {rows} AS t(entry, field, text)"
            if rows
            else none
        )
        self.spark.sql(made).createOrReplaceTempView("personal_texts")
        return "SELECT entry, field, text FROM personal_texts"

    def _decoded(self, question: Question, *, open_only: bool) -> tuple[str, bool]:
        last = self.head.last_entry
        if not last:
            raise StoreError("The ledger's log is empty.")
        mirror = self._mirror()
        files, mirrored = self._elsewhere(mirror) if self.mirror else ([], 0)
        if not files:
            segments, mirrored = mirror.segments(self.progress)
            files = [file.absolute().as_uri() for file in segments]
        if mirrored < last:
            if self._tail != (mirrored, last):
                mirror.tail("log_tail", (mirrored, last))
                tail = self.folder / f"{mirrored}-{last}.parquet"
                self.duck.execute(f"COPY log_tail TO '{tail}' ({PARQUET})")
                self._tail = (mirrored, last)
            files = [*files, (self.folder / f"{mirrored}-{last}.parquet").as_uri()]
        if self._read != tuple(files):
            with _translating():
                self.spark.read.parquet(*files).createOrReplaceTempView("log_rows")
                self.spark.sql(
                    f"CREATE OR REPLACE TEMP VIEW {_LOG} AS {spark_log.unfolding('log_rows', self.head.zone.key)}"
                )
            self._read = tuple(files)
        upto = question.upto
        return f"SELECT * FROM {_LOG}" + ("" if upto is None else f" WHERE entry <= {int(upto)}"), False

    def _elsewhere(self, mirror: Mirror) -> tuple[list[str], int]:
        """The segments that lie where Spark alone can read, as far as they follow each other without a gap."""
        folder = str(self.mirror).rstrip("/") + "/"
        jvm = self.spark._jvm
        assert jvm is not None
        with _translating():
            path = jvm.org.apache.hadoop.fs.Path(folder)
            system = path.getFileSystem(self.spark._jsc.hadoopConfiguration())
            names = (
                [str(status.getPath().getName()) for status in system.listStatus(path)] if system.exists(path) else []
            )
        files: list[str] = []
        upto = 0
        for entries in ranges(self.head.last_entry):
            if (name := mirror.file_of(entries).name) not in names:
                break
            files.append(folder + name)
            upto = entries[1]
        return files, upto


@contextmanager
def _translating() -> Iterator[None]:
    """Have what Spark complains of be an error of the ledger's."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as e:
        raise _refusal(str(e)) from e


def _refusal(said: str) -> SalesledgerError:
    if found := re.search(f"{NOT_THE_SAME} ([^\n.]*)", said):
        return BadQuery(
            f"{found[1].rstrip()} is not known to give exactly the same rows on the engine spark. "
            "Leave it out, or ask with --engine duckdb."
        )
    return refused(said, "The engine spark can't answer that", None)


def _converting(name: str, kind: "DataType", wanted: str) -> Convert:
    """What turns the values of a column of Spark's into those that DuckDB would give.

    Raises:
        BadQuery: the types differ by more than their names.
    """
    told = kind.simpleString()
    if told == "void":
        return _same
    if wanted in _INTEGERS and (told in ("tinyint", "smallint", "int", "bigint") or told.endswith(",0)")):
        return _whole
    if wanted == "TIMESTAMP" and told == "date":
        return _at_midnight
    if wanted.startswith("DECIMAL(") and told.startswith("decimal("):
        same = wanted.rpartition(",")[2] == told.rpartition(",")[2]
    else:
        same = _NAMES.get(wanted) == told
    if not same:
        raise BadQuery(
            f"The column {name} would be {told} on the engine spark, where DuckDB gives {wanted}. "
            "Cast it to one type, or ask with --engine duckdb."
        )
    return _same


_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_NAMES = {
    "VARCHAR": "string",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp_ntz",
    "DOUBLE": "double",
    "VARCHAR[]": "array<string>",
}


def _same(value: Any) -> Any:
    return value


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _at_midnight(value: date | None) -> datetime | None:
    return None if value is None else datetime.combine(value, time.min)


def _converted(row: "Row", converts: Sequence[Convert]) -> tuple[Any, ...]:
    return tuple(convert(value) for convert, value in zip(converts, row, strict=True))


def _as_json(value: Any) -> Any:
    return value if value is None or isinstance(value, list) else str(value)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
