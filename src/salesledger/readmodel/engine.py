"""Answers: projections and questions composed into one DuckDB statement over the mirror and the tail."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from salesledger.errors import BadQuery, SalesledgerError, StoreError
from salesledger.ledger.format import Head, read_head
from salesledger.ledger.log import Log
from salesledger.ledger.place import Where, connect_to_read, place_of
from salesledger.readmodel import catalogue, kept
from salesledger.readmodel.bases import (
    NEVER_RATED,
    RATED,
    naive,
    periods_relation,
    process_criteria,
    process_stages,
    told_criteria,
)
from salesledger.readmodel.catalogue import Projection
from salesledger.readmodel.decode import unfolding
from salesledger.readmodel.duck import connected
from salesledger.readmodel.mirror import BIG, Mirror, Progress, filled, ranges, replaced, rows_of
from salesledger.readmodel.periods import Period, Span, split
from salesledger.readmodel.refusal import refused

DIMENSIONS = ("owner", "team", "source", "campaign", "product", "segment", "account", "process")
"""What reports can be split by."""

_CHUNK = 10_000
_SORTING = "2GB"

FILTERED = "deals"
"""The projection that filters work on; all that reads it sees only the deals that pass."""

DEALINGS = ("lead-captured", "deal-%")
SUBSCRIBED = ("subscription-%",)
"""The types of events, as LIKE has them, that the open ends of a report's periods reach over."""


INLINED = ("decoded", "events", "deal_entries", "deal_changes")
"""Relations that are read anew wherever they are needed: few of their many columns are, and DuckDB would copy all of them."""

PARQUET = "FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false"

_FAR = datetime(9999, 1, 1, tzinfo=UTC)
"""Behind everything that can happen or become known."""


STATES = "deal_states"
"""What deals are made of: where only some are looked at, the others are left out here."""

# A deal's status is cheap to know and the rest of it is not: where only some deals are looked at, only those are folded.
_CHOSEN = """
    WITH deal_changes AS (
        SELECT * FROM deal_changes
        WHERE deal IN (
            SELECT deal FROM deal_changes WHERE effective_at <= $as_of AND status IS NOT NULL
            GROUP BY deal HAVING {condition}
        )
    )
    SELECT * FROM ({states})
"""

_OF_OTHERS = "client_since"
"""The column of `deals` that a deal has of other deals, which are won."""


@dataclass(frozen=True)
class Question:
    """What is asked, besides the projection.

    Attributes:
        as_of: the instant in business time; now where absent.
        since: the earlier instant, for what compares the two; as_of where absent.
        late_days: what became known so many days later still counts, for what replays beliefs.
        stream: the only stream whose entries are looked at, such as 'deal:acme', for statements that need no others: the log finds
            them by its index, whatever it has grown to.
        deals: the only deals that the rows asked for speak of, for statements that keep no row of another: these alone are folded.
        known_at: what was known at this instant; now where absent.
        upto: nothing behind this entry of the log is looked at.
        periods: the periods that reports have rows for; one that holds everything where empty.
        by: the dimension that reports are split by.
        filters: terms as on the command line, such as 'owner:kim'.
    """

    as_of: datetime | None = None
    known_at: datetime | None = None
    upto: int | None = None
    periods: Sequence[Period] = ()
    by: str | None = None
    filters: Sequence[str] = ()
    since: datetime | None = None
    late_days: int = 0
    stream: str | None = None
    deals: Sequence[str] | None = None


@dataclass(frozen=True)
class Answer:
    """Rows with the names and the SQL types of their columns."""

    columns: list[str]
    types: list[str]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        """Each row by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(eq=False)
class Engine:
    """A reader of one ledger.

    Attributes:
        head: what is known of the ledger: refreshed at every question, so that what was just recorded is seen.
        projections: every projection by name.
        shows_persons: whether whoever asks may see what is kept about persons.
    """

    path: Where
    head: Head
    projections: dict[str, Projection]
    duck: duckdb.DuckDBPyConnection
    folder: Path
    progress: Progress | None = None
    memory: str | None = None
    shows_persons: bool = True
    _tail: tuple[int, int] | None = None
    _log: Log | None = None

    @classmethod
    def open(cls, path: Where, *, progress: Progress | None = None, memory: str | None = None) -> Self:
        """Open a ledger for asking.

        Args:
            path: the ledger.
            progress: told how the mirror grows, where it must.
            memory: DuckDB's memory limit, such as '2GB'.

        Raises:
            NoLedger, NotALedger, NewerLedger, LockedLedger, DamagedLedger: as their names say.
            BadFile: a projection of the user's has a broken header.
        """
        log = connect_to_read(path)
        with ExitStack() as given_up:
            given_up.callback(log.close)
            head = read_head(log, path)
            own = catalogue.load(place_of(path).projections)
            folder = Path(tempfile.mkdtemp(prefix="salesledger-"))
            given_up.callback(shutil.rmtree, folder, ignore_errors=True)
            duck = connected(path, spill=folder / "spill", memory=memory)
            given_up.pop_all()
        opened = cls(path, head, own, duck, folder, progress, memory, _log=log)
        place_of(path).holds(opened)
        return opened

    def close(self) -> None:
        """Let go of the file and of the memory."""
        self.duck.close()
        self.let_go()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def with_periods(
        self, question: Question, span: Span, interval: str | None, reach: Sequence[str] = DEALINGS
    ) -> Question:
        """The question with the periods that a span and an interval give; open ends reach as far as the ledger does.

        Args:
            question: what is asked.
            span: what the periods lie in.
            interval: how long each is.
            reach: the types of events that an open end reaches over, as LIKE has them; those of subscriptions reach up to the
                as-of date, as what is paid regularly goes on without an event.

        Raises:
            BadPeriod: too many of them.
        """
        if interval is None and span == Span():
            return question
        if span.begin is not None and span.end is not None:
            return replace(question, periods=split(span, interval))
        as_of_on = (question.as_of or self.head.now()).astimezone(self.head.zone).date()
        chosen = " OR ".join(f"type LIKE '{pattern}'" for pattern in reach)
        ((first, last),) = self.ask(f"SELECT min(effective_on), max(effective_on) FROM events WHERE {chosen}").rows
        last = as_of_on if reach == SUBSCRIBED else last
        begin = span.begin or min(first or as_of_on, as_of_on)
        end = span.end or max(begin, min(last or as_of_on, as_of_on)) + timedelta(days=1)
        return replace(question, periods=split(Span(begin, max(end, begin + timedelta(days=1))), interval))

    @property
    def log(self) -> Log:
        """A connection that reads the ledger; see `using`."""
        if self._log is None:
            self._log = connect_to_read(self.path)
        return self._log

    def using(self) -> AbstractContextManager[object]:
        """While something is asked through `log`, which would be closed else as soon as its locks are gone."""
        return place_of(self.path).using()

    def let_go(self) -> None:
        """Close the connection that reads the ledger, until it is needed again."""
        if self._log is not None:
            self._log.close()
        self._log = None

    def refresh(self) -> None:
        """Look at the log again."""
        with self.using():
            self.head = read_head(self.log, self.path)

    def project(self, name: str, question: Question | None = None) -> "duckdb.DuckDBPyRelation":
        """A projection as a DuckDB relation, which is run when its rows are asked for.

        Raises:
            NotFound: there is no such projection.
            BadFilter, BadQuery: the question can't be put to it.
        """
        catalogue.named(self.projections, name)
        return self.query(f'SELECT * FROM "{name}"', question)

    def answer(self, name: str, question: Question | None = None) -> Answer:
        """The rows of a projection.

        Raises:
            NotFound, BadFilter, BadQuery: see `project`.
        """
        catalogue.named(self.projections, name)
        return self.ask(f'SELECT * FROM "{name}"', question)

    def ask(self, sql: str, question: Question | None = None, values: Mapping[str, object] | None = None) -> Answer:
        """The rows of any SELECT over the projections.

        Raises:
            BadQuery: see `query`.
        """
        try:
            try:
                return self._answered(*self._prepared(sql, question, values))
            except duckdb.Error as e:  # the mirror may be deleted at any time, such as just now, or be damaged
                if not isinstance(e, duckdb.IOException) and not self._heal(e):
                    raise
                return self._answered(*self._prepared(sql, question, values))
        except duckdb.ProgrammingError as e:
            raise self._refused(e, "That SQL can't be run", question) from e
        except duckdb.Error as e:
            raise self._refused(e, "That can't be answered", question) from e

    def _answered(self, statement: str, parameters: dict[str, object]) -> Answer:
        result = self.duck.execute(statement, parameters)  # a relation would plan the statement twice
        told = result.description or ()
        return Answer([str(c[0]) for c in told], [str(c[1]) for c in told], result.fetchall())

    def query(
        self, sql: str, question: Question | None = None, values: Mapping[str, object] | None = None
    ) -> "duckdb.DuckDBPyRelation":
        """Any SELECT over the projections, as a relation.

        Args:
            sql: one SELECT; it may read the parameters that projections read.
            question: the dates, periods and filters.
            values: further parameters of the statement.

        Raises:
            BadQuery: it is no SELECT, or DuckDB refuses it.
        """
        try:
            try:
                statement, parameters = self._prepared(sql, question, values)
                return self.duck.sql(statement, params=parameters)
            except duckdb.Error as e:
                if not self._heal(e):
                    raise
                statement, parameters = self._prepared(sql, question, values)
                return self.duck.sql(statement, params=parameters)
        except duckdb.Error as e:
            raise self._refused(e, "That SQL can't be run", question) from e

    def _refused(self, error: duckdb.Error, what: str, question: Question | None) -> SalesledgerError:
        return refused(error, what, question, self.memory)

    def _heal(self, error: duckdb.Error) -> bool:
        """Throw the mirror away where it is what the error is about: it is a cache, and is written anew from the log."""
        folder = self._mirror().folder
        if str(folder) not in str(error) or not folder.is_dir():
            return False
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.is_dir()

    def shipped_columns(self, name: str) -> list[str]:
        """The columns that a projection has as it ships, whatever the user's own of that name has."""
        projection = self.projections[name]
        return list((catalogue.load()[name] if projection.own else projection).columns)

    def stream(self, sql: str, question: Question | None = None) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """The columns and the rows of a SELECT, the rows read as they are asked for: for answers that memory can't hold.

        No other question may be asked before the last row is read.

        Raises:
            BadQuery: see `query`.
        """
        try:
            statement, parameters = self._prepared(sql, question, {})
            result = self.duck.execute(statement, parameters)
        except duckdb.Error as e:
            raise self._refused(e, "That SQL can't be run", question) from e
        columns = [str(column[0]) for column in result.description or ()]

        def rows() -> Iterator[tuple[Any, ...]]:
            try:
                while chunk := result.fetchmany(_CHUNK):
                    yield from chunk
            except duckdb.Error as e:
                raise self._refused(e, "That can't be answered", question) from e

        return columns, rows()

    def write_parquet(self, sql: str, file: Path, question: Question | None = None) -> None:
        """Write the rows of a SELECT to a file.

        Raises:
            BadQuery: see `query`.
            OSError: the file can't be written.
        """
        # A locked connection can't be changed; what still reads the one before keeps it.
        self.duck, self._tail = (
            connected(self.path, spill=self.folder / file.name, memory=self.memory, also=[file]),
            None,
        )
        target = "'" + str(file).replace("'", "''") + "'"
        try:
            statement, parameters = self._prepared(sql, question, {})
            try:
                self.duck.execute(f"COPY ({statement}) TO {target} ({PARQUET})", parameters)
            except duckdb.IOException as e:
                raise OSError(str(e).partition(":")[2].strip() or "the system refused") from e
        except duckdb.Error as e:
            raise self._refused(e, "That can't be answered", question) from e

    def _prepared(
        self, sql: str, question: Question | None, values: Mapping[str, object] | None
    ) -> tuple[str, dict[str, object]]:
        question = self._settled(question or Question())
        sql = sql.strip().rstrip(";").strip()
        if any("\ud800" <= c <= "\udfff" for c in sql):
            raise BadQuery("That SQL can't be run: it is not valid Unicode (half a surrogate pair).")
        try:
            if [s.type for s in self.duck.extract_statements(sql)] != [duckdb.StatementType.SELECT]:
                raise BadQuery(
                    "Only a single SELECT can be asked: a ledger is changed by recording events, never by SQL."
                )
            names = self.duck.get_table_names(catalogue.without_parameters(sql))
        except duckdb.Error as e:
            raise self._refused(e, "That SQL can't be run", question) from e
        wanted = [name for name in names if name in self.projections or name in catalogue.BASES]
        return self._compose(sql, wanted, question, dict(values or {}))

    def _settled(self, question: Question) -> Question:
        self.refresh()
        now = self.head.now()
        return replace(question, as_of=question.as_of or now, known_at=question.known_at or now)

    def _compose(
        self, sql: str, wanted: Sequence[str], question: Question, values: dict[str, object]
    ) -> tuple[str, dict[str, object]]:
        chain = self._chained(wanted, question, values)
        statement = f"{_with(chain)} SELECT * FROM ({sql})" if chain else sql
        used = catalogue.parameters_of(statement)
        available = self._parameters(question) | values
        missing = sorted(used - set(available))
        if missing:
            raise BadQuery(
                f"The parameter ${missing[0]} has no value; there are {', '.join('$' + p for p in sorted(available))}."
            )
        return statement, {name: available[name] for name in used}

    def _chained(self, wanted: Sequence[str], question: Question, values: dict[str, object]) -> dict[str, str]:
        """What a statement reads, by name: each behind what it needs itself. The filters' values are added to the others."""
        chain: dict[str, str] = {}
        few = False
        needed = catalogue.in_order(self.projections, wanted)
        if wanted:
            only, first = _limits(needed, wanted, question)
            open_only = kept.serves(needed, wanted, only)
            chain["decoded"], few = self._decoded(question, open_only=open_only)
            chain["periods"] = periods_relation(question.periods, self.head)
            chain["process_stages"] = process_stages(self.head, question.upto)
            chain["rated"] = RATED if self.head.rated else NEVER_RATED
            criteria = told_criteria(self.head, question.known_at, question.upto)
            chain["process_criteria"] = process_criteria(criteria)
        if "personal" in {*wanted, *(need for projection in needed for need in projection.needs)}:
            chain["personal"] = self._personal()
        for projection in needed:
            body = projection.sql
            if projection.name == STATES and not few and (only or first):
                body = self._of_some(only, first, body)
            if projection.name == STATES and question.deals is not None and not any(each.own for each in needed):
                body = f"SELECT * FROM ({body}) WHERE {_among(question.deals)}"
            if projection.name == FILTERED and question.filters:
                from salesledger.readmodel.filters import compile_filters

                chain["unfiltered_deals"] = body
                condition, filter_values = compile_filters(
                    question.filters, self._columns(chain, question), zone=self.head.zone
                )
                chain[FILTERED] = f"SELECT * FROM unfiltered_deals WHERE {condition}"
                values |= filter_values
            else:
                chain[projection.name] = body
        if question.filters and FILTERED not in chain:
            raise BadQuery("Filters choose deals, and this report doesn't read the projection 'deals'.")
        return chain

    def _of_some(self, status: str | None, first: Period | None, states: str) -> str:
        """The states of those deals alone that have a status at $as_of, and that were not closed before a period."""
        conditions = [f"max_by(status, place) = '{status}'"] if status else []
        if first:
            at = naive(first.begins_at(self.head.zone))
            later = f"max(effective_at) >= TIMESTAMP '{at}' OR max(effective_on) >= DATE '{first.begin}'"
            conditions.append(f"(max_by(status, place) = 'open' OR {later})")
        return _CHOSEN.format(condition=" AND ".join(conditions), states=states)

    def _columns(self, chain: Mapping[str, str], question: Question) -> dict[str, str]:
        statement = f"DESCRIBE {_with(chain)} SELECT * FROM unfiltered_deals"
        available = self._parameters(question)
        used = catalogue.parameters_of(statement)
        rows = self.duck.execute(statement, {name: available[name] for name in used}).fetchall()
        return {row[0]: row[1] for row in rows}

    def _parameters(self, question: Question) -> dict[str, object]:
        assert question.as_of is not None
        assert question.known_at is not None
        if question.by is not None and question.by not in DIMENSIONS:
            raise BadQuery(f"Reports can't be split by {question.by!r}; choose from {', '.join(DIMENSIONS)}.")
        return {
            "as_of": naive(question.as_of),
            "as_of_on": question.as_of.astimezone(self.head.zone).date(),
            "since": naive(question.since or question.as_of),
            "since_on": (question.since or question.as_of).astimezone(self.head.zone).date(),
            "known_at": naive(question.known_at),
            "late_days": question.late_days,
            "by": question.by,
            "currency": self.head.currency,
        }

    def _personal(self) -> str:
        """What is kept about persons, read anew for each question: a key may have been destroyed since the last."""
        from salesledger.ledger.keys import personal_texts

        with self.using():
            told = personal_texts(self.log, self.path) if self.shows_persons else []
        self.duck.execute("SET max_temp_directory_size = '0B'")  # what memory can't hold must not be written to a disk
        self.duck.execute(
            "CREATE OR REPLACE TEMP TABLE personal_texts AS SELECT CAST(r[1] AS BIGINT) AS entry, r[2] ->> '$' AS field, "
            "r[3] ->> '$' AS text FROM (SELECT unnest(from_json(?, '[[\"JSON\"]]')) AS r)",
            [json.dumps(told)],
        )
        return "SELECT entry, field, text FROM personal_texts"

    def _mirror(self, streams: Sequence[str] = ()) -> Mirror:
        return Mirror(self.path, self.head, lambda: self.log, self.duck, streams)

    def _decoded(self, question: Question, *, open_only: bool) -> tuple[str, bool]:
        """The rows that a question reads, and whether hardly any of them belong to deals that are not open."""
        if question.stream is not None and (relation := self._of_stream(question.stream, question.upto)):
            return relation, False
        mirror = self._mirror()
        segments, mirrored = mirror.segments(self.progress)
        last, upto = self.head.last_entry, question.upto
        if not last:
            raise StoreError("The ledger's log is empty.")
        if self._tail != (mirrored, last) and mirrored < last:
            self._tail = None
            mirror.tail("log_tail", (mirrored, last))
            self._tail = (mirrored, last)
        newest = None
        if open_only or mirror.grown:
            mark = kept.mark_of(self.projections)
            newest = kept.newest(mirror.folder, mark, mirror.mark)
            if newest is None or mirror.grown:
                newest = self._keep(mirror, segments, mark, newest)
        tail = "log_tail" if mirrored < last else None
        rows, few = rows_of(segments, tail), False
        assert question.known_at is not None
        if open_only and (found := kept.fitting(newest, mirrored, upto, question.known_at)):
            later = [file for file, (after, _) in zip(segments, ranges(last), strict=False) if after >= found.upto]
            rows, few = kept.reading(found, rows_of(later, tail)), last - found.upto <= BIG
        relation = unfolding(rows, self.head.zone.key, details=self.head.rated or not open_only)
        return relation if upto is None else f"SELECT * FROM ({relation}) WHERE entry <= {int(upto)}", few

    def _of_stream(self, stream: str, upto: int | None) -> str | None:
        """The rows of one stream, read from the log; nothing where it has none, whose columns would have no types."""
        last = self.head.last_entry if upto is None else min(self.head.last_entry, upto)
        asked = "SELECT 1 FROM stored_events WHERE originator_id = ? AND entry <= ? LIMIT 1"
        with self.using():
            if not self.log.execute(asked, (stream, last)).fetchone():
                return None
        mirror = self._mirror([stream])
        mirror.tail("log_stream", (0, last))
        return unfolding("SELECT * FROM log_stream", self.head.zone.key)

    def _keep(self, mirror: Mirror, segments: Sequence[Path], mark: str, last: kept.Kept | None) -> kept.Kept | None:
        """Write another kept file, where one is due, and give the newest; that it can't be written is no matter."""
        folder, upto = mirror.folder, filled(self.head.last_entry)
        if not kept.is_due(last, upto) or any(self.projections[name].own for name in kept.FOLDED):
            return last
        if not kept.has_room(folder, self.folder, upto):
            return last
        chosen = [file for file, (_, end) in zip(segments, ranges(upto), strict=False) if end <= upto]
        rows, known = kept.writing(f"({rows_of(chosen, None)})")
        try:
            ((known_at,),) = self.duck.execute(known).fetchall()
            statement, values = self._compose(rows, ["deal_changes"], Question(_FAR, _FAR, upto), {})
            written = kept.Kept(folder / kept.file_name(mark, upto, known_at, mirror.mark(upto)), upto, known_at)
            with self._spilling(), self._replaced(written.file) as target:
                self.duck.execute(f"COPY ({statement}) TO {target} ({kept.OPTIONS})", values)
            if last:
                last.file.unlink(missing_ok=True)
        except (duckdb.Error, OSError):
            return last
        return written

    def _replaced(self, file: Path) -> AbstractContextManager[str]:
        return replaced(file, place_of(self.path).shared)

    @contextmanager
    def _spilling(self) -> Iterator[None]:
        """Have DuckDB sort in little memory, where nobody has said what it may use: whole logs would take all there is."""
        if self.memory is None:
            self.duck.execute(f"SET memory_limit = '{_SORTING}'")
        try:
            yield
        finally:
            if self.memory is None:
                self.duck.execute("RESET memory_limit")


def _limits(
    needed: Sequence[Projection], wanted: Sequence[str], question: Question
) -> tuple[str | None, Period | None]:
    """What everything that reads `deals` limits itself to: a status, and deals that were not closed before a period."""
    readers = [projection for projection in needed if FILTERED in projection.needs]
    is_own = any(projection.own for projection in needed if projection.name in (FILTERED, STATES))
    is_whole = not {FILTERED, STATES}.isdisjoint(wanted) or any(STATES in p.needs for p in needed if p.name != FILTERED)
    if not readers or is_own or is_whole:
        return None, None
    limits = {projection.only for projection in readers}
    only = limits.pop() if len(limits) == 1 else None
    first = min(question.periods, key=lambda period: period.begin) if question.periods else None
    if not all(projection.since_periods for projection in readers):
        first = None
    if any(_OF_OTHERS in text for text in (*question.filters, *(projection.sql for projection in readers))):
        return only if only == "won" else None, None
    return only, first


def _among(deals: Sequence[str]) -> str:
    """The condition that a row's deal is one of these."""
    quoted = ", ".join("'" + deal.replace("'", "''") + "'" for deal in deals)
    return f"deal IN ({quoted})" if quoted else "false"


def _with(chain: Mapping[str, str]) -> str:
    return "WITH " + ", ".join(
        f'"{name}" AS {"NOT MATERIALIZED " if name in INLINED else ""}({body})' for name, body in chain.items()
    )
