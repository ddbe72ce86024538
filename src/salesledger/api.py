"""`Ledger`: the face for Python programs, and the one way in for the command line.

    >>> from salesledger import Ledger
    >>> with Ledger.create("sales.ledger", currency="EUR") as ledger:
    ...     ledger.record("lead-captured", company="ACME GmbH", source="referral", amount="5000")
    ...     ledger.project("pipeline").fetchall()

What records imports pydantic and eventsourcing, what asks imports DuckDB; each only when it is first needed.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from salesledger.errors import NOTHING_RECORDED, AmbiguousId, BadDate, BadValue, NotFound, UsageError
from salesledger.ledger.format import Head, connect_to_read, find_ids, read_head, translated
from salesledger.readmodel.periods import Span, intersect, parse_date, parse_moment, parse_period

if TYPE_CHECKING:
    import duckdb

    from salesledger.ledger.batch import Outcome, Proposal
    from salesledger.ledger.store import Store
    from salesledger.readmodel.engine import Answer, Engine, Question

KINDS = ("deal", "account", "process")
"""The kinds of streams that events can be recorded to."""


class Ledger:
    """A ledger: record events, ask about any past date.

    Use `Ledger.open` or `Ledger.create`; use it as a context manager, or close it.

    Args:
        path: the ledger's file.
        actor: short id of who records; `$SALESLEDGER_ACTOR` or the login name where absent.
        today: the day that counts as today for dates such as 'yesterday' and as default date, for runs that can be repeated.
        progress: told of long work: (steps done, steps in all).
    """

    def __init__(
        self,
        path: Path,
        *,
        actor: str | None = None,
        today: date | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.path = path
        self._actor = actor
        self._today = today
        self._progress = progress
        self._head: Head | None = None
        self._store: Store | None = None
        self._engine: Engine | None = None
        self._known_currency: str | None = None

    @classmethod
    def open(cls, url: str | os.PathLike[str], **options: Any) -> Self:
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

    @classmethod
    def create(
        cls, url: str | os.PathLike[str], *, timezone: str = "UTC", currency: str | None = None, **options: Any
    ) -> Self:
        """Make a ledger.

        Args:
            url: the file that is to be made.
            timezone: the IANA zone in which its days begin and end; it never changes.
            currency: ISO code of its amounts; absent, the first amount decides.
            options: see the class.

        Raises:
            LedgerExists: there is a file already.
            BadValue: no such zone, or no currency code.
        """
        from salesledger.domain.settings import to_timezone
        from salesledger.domain.values import to_currency
        from salesledger.ledger.store import Store

        ledger = cls(to_path(url), **options)
        try:
            to_timezone(timezone)
            if currency is not None:
                to_currency(currency)
        except ValueError as e:
            raise BadValue(f"{e}. No ledger was made.") from e
        ledger._store = Store.create(ledger.path, timezone=timezone, currency=currency, recorded_by=ledger.actor)
        return ledger

    def close(self) -> None:
        """Let go of the file."""
        for part in (self._store, self._engine):
            if part is not None:
                part.close()
        self._store = self._engine = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # -- what holds for the ledger ------------------------------------------------------------------------------------

    def _read_head(self) -> Head:
        connection, _ = connect_to_read(self.path)
        try:
            self._head = read_head(connection, self.path)
        finally:
            connection.close()
        return self._head

    @property
    def head(self) -> Head:
        """What is known of the ledger without asking a question: its id, zone, currency and processes, as it was opened."""
        return self._head or self._read_head()

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the ledger's days begin and end."""
        return self.head.zone

    @property
    def today(self) -> date:
        """The day that counts as today, in the ledger's zone."""
        return self._today or datetime.now(UTC).astimezone(self.zone).date()

    @property
    def actor(self) -> str:
        """Who records, where nobody else is named."""
        name = self._actor or os.environ.get("SALESLEDGER_ACTOR")
        if name:
            return name
        try:
            login = getpass.getuser()
        except (OSError, KeyError):
            login = "unknown"
        from salesledger.domain.values import slug

        return slug(login)

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
        """The id that a person means: exact, or the only one that starts so.

        Raises:
            NotFound: none does.
            AmbiguousId: several do.
        """
        connection, _ = connect_to_read(self.path)
        try:
            with translated(self.path):
                found = find_ids(connection, kind, text)
        finally:
            connection.close()
        if len(found) == 1:
            return found[0]
        if found:
            raise AmbiguousId(kind, text, found)
        where = {"deal": "'salesledger deals --all'", "account": "'salesledger show accounts'"}.get(
            kind, "'salesledger process show'"
        )
        raise NotFound(f"There is no {kind} {text!r}. {where} lists them.")

    # -- recording ----------------------------------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """The part that records."""
        if self._store is None:
            from salesledger.ledger.store import Store

            self._store = Store.open(self.path)
        return self._store

    def record(
        self,
        type: str,
        /,
        *,
        deal: str | None = None,
        account: str | None = None,
        process: str | None = None,
        on: str | date | datetime | None = None,
        known_at: datetime | None = None,
        actor: str | None = None,
        key: str | None = None,
        dry_run: bool = False,
        **fields: Any,
    ) -> Outcome:
        """Record one event.

        Args:
            type: what happened, such as 'deal-won'.
            deal: whose stream it belongs to; for a 'lead-captured' or a 'lead-touched' without one, an id is made from the
                company's name.
            account: for an event of an account, its id; for an event of a deal, the deal's account.
            process: for 'process-defined', the process; for an event of a deal, its process.
            on: when it happened; now where absent. A date means its start in the ledger's zone; today, without a key, means now.
            known_at: when the organisation knew it; when it is recorded where absent.
            actor: who records.
            key: idempotency key.
            dry_run: decide only, record nothing.
            fields: the event's own fields.

        Raises:
            BadValue, BadDate: a value that the event can't hold.
            Refused, NotFound, KeyReused, Conflict: the ledger says no.
        """
        proposal = self.proposal(
            type,
            deal=deal,
            account=account,
            process=process,
            on=on,
            known_at=known_at,
            actor=actor,
            key=key,
            **fields,
        )
        return self.record_all([[proposal]], dry_run=dry_run)[0][0]

    def proposal(
        self,
        type: str,
        /,
        *,
        deal: str | None = None,
        account: str | None = None,
        process: str | None = None,
        on: str | date | datetime | None = None,
        known_at: datetime | None = None,
        actor: str | None = None,
        key: str | None = None,
        **fields: Any,
    ) -> Proposal:
        """What `record` would record, for recording it together with others through `record_all`."""
        from salesledger.domain.decide import Record
        from salesledger.ledger.batch import NewId, Proposal
        from salesledger.ledger.intake import build_event, event_class

        kind = event_class(type).STREAM
        ids = {"deal": deal, "account": account, "process": process}
        own = ids.pop(str(kind))
        fields |= {name: value for name, value in ids.items() if value is not None}
        if kind == "deal" and process is not None:
            fields["process"] = process
        event = build_event(
            type,
            fields
            | {
                "effective_at": self._when(on, key),
                "known_at": known_at,
                "recorded_by": _checked_actor(actor or self.actor),
            },
            currency=self._currency(),
        )
        stream: str | NewId
        if own is not None:
            stream = f"{kind}:{_checked_id(own)}"
        elif type in ("lead-captured", "lead-touched", "account-opened") and fields.get("company"):
            stream = NewId(str(kind), str(fields["company"]))
        else:
            raise BadValue(f"{type} needs the id of its {kind}. {NOTHING_RECORDED}")
        return Proposal(stream, Record(event), _checked_key(key), dated=on is not None)

    def record_all(self, groups: Sequence[Sequence[Proposal]], *, dry_run: bool = False) -> list[list[Outcome]]:
        """Record several proposals in one append: all of them or none."""
        return self.store.record(groups, dry_run=dry_run)

    def refer(
        self,
        referrer: str,
        company: str,
        /,
        *,
        deal: str | None = None,
        on: str | date | datetime | None = None,
        actor: str | None = None,
        key: str | None = None,
        dry_run: bool = False,
        **fields: Any,
    ) -> list[Outcome]:
        """Record that an account referred a company: a new lead that knows its referrer, and the referral on the account.

        The fields are those of a 'lead-captured'; see `record` for the rest.
        """
        from salesledger.domain.decide import Record
        from salesledger.ledger.batch import Proposal
        from salesledger.ledger.intake import build_event

        when, who = self._when(on, key), actor or self.actor
        lead = self.proposal(
            "lead-captured",
            deal=deal,
            on=when,
            actor=who,
            key=key,
            company=company,
            referred_by=referrer,
            **({"source": "referral"} | {name: value for name, value in fields.items() if value is not None}),
        )
        lead = Proposal(lead.stream, lead.command, lead.key, dated=on is not None)

        def given(streams: Sequence[str]) -> Record:
            named = {"lead": streams[0].partition(":")[2], "effective_at": when, "recorded_by": who}
            return Record(build_event("referral-given", named, currency=None))

        second = Proposal(f"account:{referrer}", given, f"{key}/given" if key else None, dated=on is not None)
        return self.record_all([[lead, second]], dry_run=dry_run)[0]

    def void(
        self, entry: int, reason: str, *, actor: str | None = None, key: str | None = None, dry_run: bool = False
    ) -> Outcome:
        """Strike out an entry; where the entry is itself a void, take that strike back.

        Raises:
            NotFound: there is no such entry.
            Refused: what follows depends on it, or it is struck out already.
        """
        from salesledger.domain.decide import Void
        from salesledger.ledger.batch import Proposal

        target = self.store.entry(entry)
        command = Void(entry, _checked_text("reason", reason), _checked_actor(actor or self.actor))
        return self.record_all([[Proposal(target.stream, command, _checked_key(key))]], dry_run=dry_run)[0][0]

    def correct(
        self,
        entry: int,
        reason: str,
        changes: Mapping[str, Any],
        *,
        on: str | date | datetime | None = None,
        actor: str | None = None,
        key: str | None = None,
        dry_run: bool = False,
    ) -> Outcome:
        """Strike out an entry and put it right in the same append; what isn't changed stays, its place in time too.

        Args:
            entry: the entry that is wrong.
            reason: why.
            changes: the fields that were wrong, with what is right; None takes a field away.
            on: the right date, where that was wrong.

        Raises:
            BadValue, NotFound, Refused: nothing was recorded.
        """
        from salesledger.domain.decide import Correct
        from salesledger.domain.events import EventVoided
        from salesledger.ledger.batch import Proposal
        from salesledger.ledger.intake import build_event

        target = self.store.entry(entry)
        if isinstance(target.event, EventVoided):
            raise BadValue(f"Entry {entry} is a void; take it back with 'void {entry}'. {NOTHING_RECORDED}")
        if not changes and on is None:
            raise BadValue(f"Say what is right: --set FIELD=VALUE, or --on DATE. {NOTHING_RECORDED}")
        kept = target.event.model_dump(exclude_none=True, exclude={"rank", "replaces", "known_at", "source_system"})
        fields = kept | {"recorded_by": _checked_actor(actor or self.actor)} | dict(changes)
        if on is not None:
            fields["effective_at"] = self._when(on, key)
        replacement = build_event(target.event.type_name(), fields, currency=self._currency())
        command = Correct(entry, _checked_text("reason", reason), replacement)
        return self.record_all([[Proposal(target.stream, command, _checked_key(key))]], dry_run=dry_run)[0][0]

    def _when(self, on: str | date | datetime | None, key: str | None) -> datetime:
        """When an event happened. Today means now: its start would lie before what was recorded this morning.

        Not so with a key: the same words must give the same event tomorrow.
        """
        moment = self.moment(on if on is not None else self._today, end_of_day=False)
        if moment is None:
            return self.store.now()
        is_day = not isinstance(on, datetime) and ":" not in str(on)
        if self._today is None and key is None and is_day and moment == self.moment(self.today, end_of_day=False):
            return self.store.now()
        return moment

    def _currency(self) -> str | None:
        self._known_currency = self._known_currency or self.store.settings().currency
        return self._known_currency

    # -- asking -------------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> Engine:
        """The part that answers."""
        if self._engine is None:
            from salesledger.readmodel.engine import Engine

            self._engine = Engine.open(self.path, progress=self._progress)
        return self._engine

    def question(
        self,
        *,
        as_of: str | date | datetime | None = None,
        known_at: str | date | datetime | None = None,
        upto: int | None = None,
        period: str | None = None,
        begin: str | None = None,
        end: str | None = None,
        interval: str | None = None,
        by: str | None = None,
        filters: Iterable[str] = (),
    ) -> Question:
        """The dates, periods and filters of a question, as a person writes them.

        Args:
            as_of: the state at the end of this day (or at this instant) of business time; now where absent.
            known_at: with what was known by then; now where absent.
            upto: nothing behind this entry is looked at.
            period: such as '2026Q1', 'last month', '2026-03..2026-06' or 'monthly in 2026'.
            begin: the first day, which narrows the period.
            end: the day after the last one.
            interval: 'day', 'week', 'month', 'quarter' or 'year': a row for each.
            by: the dimension that the report is split by.
            filters: terms such as 'owner:kim'.

        Raises:
            BadDate, BadPeriod: what it says.
        """
        from salesledger.readmodel.engine import Question

        if as_of is None and self._today is not None:
            as_of = self._today
        asked = Question(
            as_of=self.moment(as_of, end_of_day=True),
            known_at=self.moment(known_at, end_of_day=True),
            upto=upto,
            by=by,
            filters=tuple(filters),
        )
        return self.engine.with_periods(asked, *self._span(period, begin, end, interval))

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


def to_path(url: str | os.PathLike[str]) -> Path:
    """The file that a ledger's address names.

    Raises:
        UsageError: the address is of a database server, which this version does not serve.
    """
    text = os.fspath(url)
    if "://" in text:
        raise UsageError(
            f"{text.partition('://')[0]}:// addresses can't be used yet; a ledger is a file. Give its path with -f."
        )
    if "\x00" in text:
        raise UsageError("The ledger's path holds a NUL byte.")
    return Path(text)


def _checked_id(text: str) -> str:
    from salesledger.domain.values import to_id

    try:
        return to_id(text)
    except ValueError as e:
        raise BadValue(f"{e}. {NOTHING_RECORDED}") from e


def _checked_text(what: str, text: str) -> str:
    from salesledger.domain.values import to_text

    try:
        return to_text(text)
    except ValueError as e:
        raise BadValue(f"{what}: {e}. {NOTHING_RECORDED}") from e


def _checked_key(key: str | None) -> str | None:
    return None if key is None else _checked_text("key", key)


def _checked_actor(name: str) -> str:
    from salesledger.domain.values import to_id

    try:
        return to_id(name)
    except ValueError as e:
        raise BadValue(f"Who records (--actor, $SALESLEDGER_ACTOR): {e}. {NOTHING_RECORDED}") from e
