"""A ledger that can be asked: dates, ids and questions as people write them, and the projections that answer."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from salesledger.errors import AmbiguousId, BadDate, BadValue, LostKeys, NotFound, UsageError
from salesledger.ledger.format import Head, read_head, translated
from salesledger.ledger.ids import find_ids, find_named
from salesledger.ledger.log import Log
from salesledger.ledger.place import Place, Where, connect_to_read, place_of
from salesledger.readmodel.periods import Span, intersect, parse_date, parse_moment, parse_period

if TYPE_CHECKING:
    import duckdb

    from salesledger.readmodel.engine import Answer, Engine, Question
    from salesledger.readmodel.resident import Resident


ENGINES = ("duckdb", "spark")
"""What can answer."""


class Reader:
    """A ledger, open for questions.

    Args:
        path: the ledger's file.
        today: the day that counts as today for dates such as 'yesterday' and as default date, for runs that can be repeated.
        progress: told of long work: (steps done, steps in all).
        engine: what answers: 'duckdb', or 'spark', for ledgers that one machine can't answer for.
        memory: what it may use of it, such as '4GB'; DuckDB puts the rest on the disk.

    Raises:
        UsageError: there is no such engine, or the memory is no size.
    """

    def __init__(
        self,
        path: Where,
        *,
        today: date | None = None,
        progress: Callable[[int, int], None] | None = None,
        engine: str = "duckdb",
        memory: str | None = None,
    ) -> None:
        self.path = path
        self._answering = to_engine(engine), to_memory(memory)
        self._today = today
        self._progress = progress
        self._head: Head | None = None
        self._engine: Engine | None = None

    @classmethod
    def open(cls, url: str | os.PathLike[str] | Place, **options: Any) -> Self:
        """Open a ledger.

        Args:
            url: the ledger's file.
            options: see the class.

        Raises:
            NoLedger, NotALedger, NewerLedger, LockedLedger, DamagedLedger: as their names say.
        """
        ledger = cls(to_path(url), **options)
        ledger._read_head()
        return ledger

    def close(self) -> None:
        """Let go of the file."""
        if self._engine is not None:
            self._engine.close()
        self._engine = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _read_head(self) -> Head:
        connection = connect_to_read(self.path)
        try:
            self._head = read_head(connection, self.path)
            self._forget_again(connection)
        finally:
            connection.close()
        return self._head

    def _forget_again(self, log: Log) -> None:
        """Destroy keys that were restored though their persons were forgotten; where that can't be, they aren't used at least."""
        if not place_of(self.path).beside(".keys").exists():
            return
        from salesledger.ledger.keys import PersonKeys

        with suppress(LostKeys):
            PersonKeys(self.path).forget_again(log)

    @property
    def head(self) -> Head:
        """What is known of the ledger without asking a question: its id, zone, currency and processes, as it was opened."""
        return self._head or self._read_head()

    def rest(self) -> None:
        """Let go of the file until the next question, for who keeps it open for long."""
        if self._engine is not None:
            self._engine.let_go()

    def interrupt(self) -> None:
        """Stop the question in hand; another thread may do so."""
        if self._engine is not None:
            self._engine.duck.interrupt()

    def refresh(self) -> None:
        """Look at the ledger again, for what others have recorded since: for who keeps it open for long."""
        self._read_head()

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the ledger's days begin and end."""
        return self.head.zone

    @property
    def today(self) -> date:
        """The day that counts as today, in the ledger's zone."""
        return self._today or datetime.now(UTC).astimezone(self.zone).date()

    def moment(self, text: str | date | datetime | None, *, end_of_day: bool) -> datetime | None:
        """An instant from what a person writes: a date is its start, or as a question its end, in the ledger's zone.

        Raises:
            BadDate: it is no date.
        """
        if text is None:
            return None
        if isinstance(text, datetime):
            if text.tzinfo is None:
                raise BadValue(f"{text.isoformat()} has no offset; an instant needs one, such as +00:00.")
            return text.astimezone(UTC)
        return parse_moment(str(text), self.today, self.zone, end_of_day=end_of_day)

    def day(self, text: str) -> date:
        """The one day that a person means: a date, 'tomorrow', 'next friday'.

        Raises:
            BadDate: it is no date, or a longer stretch of time.
        """
        span = parse_period(text, self.today)[0] if parse_date(text, self.today) else Span()
        if span.begin is None or span.end is None or (span.end - span.begin).days != 1:
            raise BadDate(text, "it is more than a day")
        return span.begin

    def find(self, kind: str, text: str) -> str:
        """The id that a person means: exact, or the only one that starts so; else the only one of exactly that company.

        Raises:
            NotFound: none does.
            AmbiguousId: several do.
        """
        found = self._ids(kind, text)
        if not found and text.strip() and is_unicode(text):
            from salesledger.domain.values import slug

            # A company's name means the id that would be made of it: 'ACME GmbH' acme-gmbh, 'Zoë' what begins with zoe.
            made = slug(text)
            found = [name for name in self._ids(kind, made) if name == made or text.isalnum()]
            if not found and kind in ("deal", "account"):
                found = self._asked(lambda log: find_named(log, kind, text))
        if len(found) == 1:
            return found[0]
        if found:
            raise AmbiguousId(kind, text, found)
        where = {
            "deal": "'salesledger deals'",
            "account": "'salesledger account list'",
            "rate": "'salesledger rate list'",
            "target": "'salesledger attainment'",
        }.get(kind, "'salesledger process show'")
        raise NotFound(f"There is no {kind} {text!r}. {where} lists them.")

    def _ids(self, kind: str, text: str) -> list[str]:
        return self._asked(lambda log: find_ids(log, kind, text)) if is_unicode(text) else []

    def _asked(self, question: Callable[[Log], list[str]]) -> list[str]:
        connection = connect_to_read(self.path)
        try:
            with translated(self.path):
                return question(connection)
        finally:
            connection.close()

    @property
    def engine(self) -> Engine:
        """The part that answers."""
        if self._engine is None:
            engine, memory = self._answering
            if engine == "spark":
                from salesledger.readmodel.spark import SparkEngine as Answering
            else:
                from salesledger.readmodel.engine import Engine as Answering  # type: ignore[assignment]
            self._engine = Answering.open(self.path, progress=self._progress, memory=memory)
        return self._engine

    def resident(self) -> Resident:
        """An engine for a program that keeps running: it holds the histories of all deals in memory, and answers what reads
        `deals` or `deal_history` from there, new entries included. Close it, or use it as a context manager.

        Raises:
            NoLedger, NotALedger, NewerLedger, LockedLedger, DamagedLedger: as their names say.
        """
        from salesledger.readmodel.resident import Resident

        return Resident.open(self.path, progress=self._progress, memory=self._answering[1])

    def question(
        self,
        *,
        as_of: str | date | datetime | None = None,
        since: str | date | datetime | None = None,
        known_at: str | date | datetime | None = None,
        upto: int | None = None,
        period: str | None = None,
        begin: str | None = None,
        end: str | None = None,
        interval: str | None = None,
        by: str | None = None,
        filters: Iterable[str] = (),
        reach: Sequence[str] | None = None,
    ) -> Question:
        """The dates, periods and filters of a question, as a person writes them.

        Args:
            as_of: the state at the end of this day (or at this instant) of business time; now where absent.
            since: the earlier date, for what compares the states at two.
            known_at: with what was known by then; now where absent.
            upto: nothing behind this entry is looked at.
            period: such as '2026Q1', 'last month', '2026-03..2026-06' or 'monthly in 2026'.
            begin: the first day, which narrows the period.
            end: the day after the last one.
            interval: 'day', 'week', 'month', 'quarter' or 'year': a row for each.
            by: the dimension that the report is split by.
            filters: terms such as 'owner:kim'.
            reach: the types of events that open ends of the periods reach over, as LIKE has them; those of deals where absent.

        Raises:
            BadDate, BadPeriod: what it says.
            UsageError: since lies after as_of.
        """
        from salesledger.readmodel.engine import DEALINGS, Question

        if as_of is None and self._today is not None:
            as_of = self._today
        asked = Question(
            as_of=self.moment(as_of, end_of_day=True),
            known_at=self.moment(known_at, end_of_day=True),
            upto=upto,
            by=by,
            filters=tuple(filters),
            since=self.moment(since, end_of_day=True),
        )
        if asked.since is not None and asked.since > (asked.as_of or self.engine.head.now()):
            raise UsageError(f"{since} comes after {as_of or 'now'}; write the earlier date first.")
        return self.engine.with_periods(asked, *self._span(period, begin, end, interval), reach or DEALINGS)

    def instants(
        self, period: str | None, begin: str | None, end: str | None
    ) -> tuple[datetime | None, datetime | None]:
        """The instants at which a period of days begins and ends (exclusive) in the ledger's zone; None where that side is open.

        Raises:
            BadPeriod, BadDate: what it says.
        """
        span, _ = self._span(period, begin, end, None)
        first = None if span.begin is None else self.moment(span.begin, end_of_day=False)
        last = None if span.end is None else self.moment(span.end, end_of_day=False)
        return first, last

    def days(self, period: str | None, begin: str | None, end: str | None) -> tuple[date | None, date | None]:
        """The first day of a period, and the first behind it; None where that side is open.

        Raises:
            BadPeriod, BadDate: what it says.
        """
        span, _ = self._span(period, begin, end, None)
        return span.begin, span.end

    def _span(
        self, period: str | None, begin: str | None, end: str | None, interval: str | None
    ) -> tuple[Span, str | None]:
        span = Span()
        if period:
            span, said = parse_period(period, self.today)
            interval = interval or said
        if begin or end:
            bounds = Span(
                parse_date(begin, self.today) if begin else None, parse_date(end, self.today) if end else None
            )
            span = intersect(span, bounds)
        return span, interval

    def project(self, name: str, **question: Any) -> duckdb.DuckDBPyRelation:
        """A projection, as a DuckDB relation (`.fetchall()`, `.df()`, `.pl()`, `.arrow()`), run when its rows are asked for.

        Args:
            name: such as 'pipeline'; 'salesledger projections' lists them.
            question: see `question`.

        Raises:
            NotFound: there is no such projection.
            BadDate, BadPeriod, BadFilter, BadQuery: the question can't be put to it.
        """
        return self.engine.project(name, self.question(**question))

    def answer(self, name: str, **question: Any) -> Answer:
        """The rows of a projection, with the names and types of their columns."""
        return self.engine.answer(name, self.question(**question))

    def query(self, sql: str, **question: Any) -> duckdb.DuckDBPyRelation:
        """Any SELECT over the projections, as a relation.

        Raises:
            BadQuery: it is no SELECT, or DuckDB refuses it.
        """
        return self.engine.query(sql, self.question(**question))


def to_engine(name: str) -> str:
    """The name of an engine.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in ENGINES:
        raise UsageError(
            f"There is no engine {name!r}. Choose from {', '.join(ENGINES)} (--engine, $SALESLEDGER_ENGINE)."
        )
    return name


def to_memory(text: str | None) -> str | None:
    """An amount of memory, such as '4GB'.

    Raises:
        UsageError: it is none.
    """
    if text is not None and not re.fullmatch(r"[1-9][0-9]{0,5}\s*[MGT]i?B", text.strip(), re.IGNORECASE):
        raise UsageError(
            f"{text!r} is no amount of memory. Write it like 500MB or 4GB (--memory, $SALESLEDGER_MEMORY)."
        )
    return text and text.strip()


def is_unicode(text: str) -> bool:
    """Whether the text can be written down at all: half a surrogate pair, as a file's name may hold, can't."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def to_path(url: str | os.PathLike[str] | Place) -> Where:
    """Where the ledger of an address is: a file, or a schema of a PostgreSQL database.

    Raises:
        UsageError: no ledger can be there.
    """
    if isinstance(url, Place):
        return url
    text = os.fspath(url)
    if text.startswith(("postgresql://", "postgres://")):
        from salesledger.ledger.postgres_place import PostgresPlace

        return PostgresPlace.of(text)
    if "://" in text:
        raise UsageError(
            f"{text.partition('://')[0]}:// addresses can't be used; a ledger is a file, or a postgresql:// URL. Give it with -f."
        )
    if re.match(r"(?i)postgres(ql)?:", text):
        raise UsageError("The address of a ledger on a server begins with postgresql://. Give it with -f.")
    if "\x00" in text:
        raise UsageError("The ledger's path holds a NUL byte.")
    return Path(text)
