"""The log on PostgreSQL: appended to through the owner's function, once, also where the connection is lost at any moment."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import psycopg
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    IntegrityError,
    ProcessRecorder,
    StoredEvent,
)
from eventsourcing.utils import Environment
from psycopg import errors
from psycopg.pq import TransactionStatus

from salesledger.errors import StoreError, UnknownOutcome, UnreachableLedger
from salesledger.ledger.format import lock_seconds
from salesledger.ledger.postgres_connection import Connection, connected, is_lost, own_error, translated
from salesledger.ledger.postgres_log import translate_parameters
from salesledger.ledger.postgres_url import PostgresUrl
from salesledger.ledger.recorder import LedgerRecorder

T = TypeVar("T")

_CALL = "SELECT first_entry, stamp FROM append_events({}, {}, {}, {}, {}, %b::bigint, %b::uuid, %b::boolean)"
_KINDS = ("text", "bigint", "text", "bytea", "text")
_APPEND = _CALL.format(*(f"%b::{kind}[]" for kind in _KINDS))
_APPEND_ONE = _CALL.format(*(f"ARRAY[%b::{kind}]" for kind in _KINDS))
"""The same for one event, whose values are cheaper to send than five arrays."""

_FIND = "SELECT entry, recorded_at, append FROM stored_events WHERE originator_id = %s AND originator_version = %s"
_PAUSE_SECONDS = 0.05

_RECORDED = "It was recorded all the same: it could no longer be taken back."
_UNSURE = "Whether it was recorded isn't known: look with 'salesledger log'."
"""What is noted at an interrupt, for whoever tells of it."""


class _Held(threading.local):
    """What one thread holds: its connection, whether that is in a transaction of the thread's own, what it asked for last."""

    connection: Connection | None = None
    exclusive: bool = False
    appended: tuple[StoredEvent, uuid.UUID] | None = None
    asked: uuid.UUID | None = None


class PostgresRecorder(LedgerRecorder):
    """Appends to a ledger on a server and reads it; each thread through a connection of its own.

    Args:
        url: the ledger's.
        connection: where the ledger is being made, the connection whose transaction makes it.
    """

    LISTED = "SELECT json_array_elements_text(CAST(? AS json))"
    HOLDS = "position(? IN state) > 0"
    FIELD = "CAST(convert_from(state, 'UTF8') AS json) ->> '{field}'"

    def __init__(self, url: PostgresUrl, connection: Connection | None = None) -> None:
        self.url = url
        self._lent = connection
        self._held = _Held()
        self._open: list[Connection] = []

    def close(self) -> None:
        """Let go of the server."""
        while self._open:
            self._open.pop().close()

    def append(self, stored_events: Sequence[StoredEvent]) -> tuple[int, int]:
        """Append events in one transaction, exactly once.

        Where the connection is lost before the server has answered, the same append is made again on a new one. It has a number
        of its own that is kept with its events: where these are there already, it is seen whose they are.

        Raises:
            IntegrityError: somebody else has written that version of a stream, or used that key.
            UnknownOutcome: the server went away in mid-append and didn't come back in time.
            LockedLedger, ReadOnlyLedger, UnreachableLedger, DamagedLedger: as their names say. Nothing was recorded.
            KeyboardInterrupt: it was taken back, unless a note says otherwise.
        """
        number = uuid.uuid4()
        if self._in_transaction():
            return self._append_within(stored_events, number)
        try:
            return self._append_once(stored_events, number)
        except (KeyboardInterrupt, SystemExit) as e:
            if self._held.asked == number and (told := self._taken_back(stored_events[0], number)):
                e.add_note(told)
            raise

    def _append_once(self, stored_events: Sequence[StoredEvent], number: uuid.UUID) -> tuple[int, int]:
        """Append in a transaction of its own; see `append`."""
        unsure, until = False, time.monotonic() + lock_seconds()
        while True:
            try:
                connection = self._connected()
                placed = unsure
                done = None if unsure else self._call(connection, stored_events, number, patient=False)
                placed = True
                return done or self._waited(connection, stored_events, number)
            except UnreachableLedger as e:
                if not unsure:
                    raise
                self._wait(until, e)
            except errors.UniqueViolation as e:
                raise IntegrityError(str(e)) from e
            except psycopg.Error as e:
                if not is_lost(e, connection):
                    if placed:
                        return self._withdrawn(connection, stored_events, number, e)
                    raise own_error(self.url, e) from e
                unsure = True
                self._drop()
                self._wait(until, e)

    def _waited(
        self, connection: Connection, stored_events: Sequence[StoredEvent], number: uuid.UUID
    ) -> tuple[int, int]:
        """Append when it is this one's turn; by then somebody else, whose turn came before, may have done it along with theirs."""
        done = self._call(connection, stored_events, number, patient=True)
        assert done is not None
        return done

    def _withdrawn(
        self, connection: Connection, stored_events: Sequence[StoredEvent], number: uuid.UUID, error: psycopg.Error
    ) -> tuple[int, int]:
        """Take back an append that failed while it waited, unless somebody has done it meanwhile.

        Raises:
            UnknownOutcome: that can't be found out.
        """
        try:
            row = connection.execute("SELECT withdraw_append(%s)", (number,)).fetchone()
            if not (row and row[0]) and (done := self._done(stored_events[0], number)):
                return done
        except (psycopg.Error, StoreError) as e:
            raise UnknownOutcome(self.url.shown) from e
        raise own_error(self.url, error) from error

    def _taken_back(self, event: StoredEvent, number: uuid.UUID) -> str:
        """Take back an append that was interrupted, unless somebody has done it; what is to be noted where nothing is certain."""
        connection = self._held.connection
        is_stopped = connection is not None and connection.info.transaction_status == TransactionStatus.IDLE
        try:
            if not is_stopped:  # the server may still be at it
                self._drop()
            row = self._connected().execute("SELECT withdraw_append(%s)", (number,)).fetchone()
            if not (row and row[0]) and self._done(event, number):
                return _RECORDED
        except (psycopg.Error, StoreError, KeyboardInterrupt):
            return _UNSURE
        return "" if is_stopped else _UNSURE

    def _call(
        self, connection: Connection, stored_events: Sequence[StoredEvent], number: uuid.UUID, *, patient: bool
    ) -> tuple[int, int] | None:
        """Append now, or when it is this one's turn; None where others are at it and the append was left with them."""
        columns: list[list[Any]] = [
            [str(s.originator_id) for s in stored_events],
            [s.originator_version for s in stored_events],
            [s.topic for s in stored_events],
            [s.state for s in stored_events],
            [getattr(s, "key", None) for s in stored_events],
        ]
        is_one = len(stored_events) == 1
        told = [column[0] for column in columns] if is_one else columns
        given = (*told, self.now(), number, patient)
        self._held.asked = number
        row = connection.cursor(binary=True).execute(_APPEND_ONE if is_one else _APPEND, given, prepare=True).fetchone()
        return None if row is None or row[0] is None else (row[0], row[1])

    def _append_within(self, stored_events: Sequence[StoredEvent], number: uuid.UUID) -> tuple[int, int]:
        """Append in the transaction that this thread holds."""
        connection = self._connected()
        try:
            done = self._waited(connection, stored_events, number)
        except errors.UniqueViolation as e:
            raise IntegrityError(str(e)) from e
        except psycopg.Error as e:
            raise own_error(self.url, e) from e
        if stored_events:
            self._held.appended = (stored_events[0], number)
        return done

    def _done(self, event: StoredEvent, number: uuid.UUID) -> tuple[int, int] | None:
        """Where an append's first event is, if it is there."""
        found = self._asked(lambda c: c.execute(_FIND, (str(event.originator_id), event.originator_version)).fetchone())
        return (found[0], found[1]) if found and found[2] == number else None

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Hold the lock that every append takes: what this thread reads until its append can't be overtaken.

        Raises:
            IntegrityError: the connection was lost and nothing was recorded, so that it may be decided anew.
            UnknownOutcome: it was lost at the end, and the server didn't come back in time.
            LockedLedger, UnreachableLedger: as their names say.
        """
        connection = self._held_now()
        self._held.exclusive, self._held.appended = True, None
        try:
            yield
        except BaseException:
            self._held.exclusive = False
            self._roll_back(connection)
            raise
        self._held.exclusive = False
        try:
            connection.execute("COMMIT")
        except psycopg.Error as e:
            if not is_lost(e, connection):
                raise own_error(self.url, e) from e
            self._settle(e)
        except KeyboardInterrupt as e:
            self._drop()
            if self._held.appended:
                e.add_note(_UNSURE)
            raise

    def _held_now(self) -> Connection:
        """A connection that has begun a transaction and holds the lock."""
        for attempt in range(2):
            connection = self._connected()
            try:
                connection.execute("BEGIN")
                connection.execute("SELECT hold_ledger()")
                break
            except psycopg.Error as e:
                if attempt or not is_lost(e, connection):
                    self._roll_back(connection)
                    raise own_error(self.url, e) from e
                self._drop()
        return connection

    def _roll_back(self, connection: Connection) -> None:
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            self._drop()

    def _settle(self, lost: psycopg.Error) -> None:
        """Find out what became of a COMMIT that wasn't answered: who holds the lock behind it sees what it left."""
        appended, until = self._held.appended, time.monotonic() + lock_seconds()
        self._drop()
        while True:
            try:
                connection = self._held_now()
                self._roll_back(connection)
                break
            except UnreachableLedger as e:
                self._wait(until, e)
            except StoreError as e:
                raise UnknownOutcome(self.url.shown) from e
        if appended is not None and self._done(*appended) is None:
            raise IntegrityError("the connection was lost, and nothing was recorded") from lost

    def _rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        told = translate_parameters(statement)
        return self._asked(lambda c: c.cursor(binary=True).execute(told, parameters).fetchall())

    def _asked(self, question: Callable[[Connection], T]) -> T:
        """Ask the server; where the connection was lost, and no transaction with it, once more."""
        connection = self._connected()
        try:
            return question(connection)
        except psycopg.Error as e:
            if self._in_transaction() or not is_lost(e, connection):
                raise own_error(self.url, e) from e
        self._drop()
        with translated(self.url):
            return question(self._connected())

    def _in_transaction(self) -> bool:
        return self._lent is not None or self._held.exclusive

    def _connected(self) -> Connection:
        if self._lent is not None:
            return self._lent
        if self._held.connection is None or self._held.connection.closed:
            self._held.connection = connected(self.url, writes=True)
            self._open.append(self._held.connection)
        return self._held.connection

    def _drop(self) -> None:
        if self._held.connection is not None:
            self._held.connection.close()
            self._held.connection = None
        self._open = [connection for connection in self._open if not connection.closed]

    def _wait(self, until: float, error: Exception) -> None:
        """Wait a little for the server to come back.

        Raises:
            UnknownOutcome: it has been away for too long.
        """
        if time.monotonic() > until:
            raise UnknownOutcome(self.url.shown) from error
        time.sleep(_PAUSE_SECONDS)


class PostgresFactory(InfrastructureFactory[Any]):
    """Builds the recorder, which makes no tables: that is what `init` is for.

    Args:
        recorder: the recorder.
    """

    def __init__(self, recorder: PostgresRecorder) -> None:
        super().__init__(Environment("salesledger", {}))
        self._recorder = recorder

    def application_recorder(self) -> ApplicationRecorder:
        """The recorder of events."""
        return self._recorder

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """There are no snapshots."""
        self._refuse()

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> Any:
        """Nothing is tracked."""
        self._refuse()

    def process_recorder(self) -> ProcessRecorder:
        """Nothing is tracked."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise NotImplementedError("a ledger has one recorder, of events")

    def close(self) -> None:
        """Let go of the server."""
        self._recorder.close()
