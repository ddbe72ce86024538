"""The log as every database keeps it: what the eventsourcing library asks of a recorder, and what ours can do besides."""

import json
from abc import abstractmethod
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent, Subscription

from salesledger.domain.clocks import to_micros
from salesledger.ledger.mapper import LoggedEvent
from salesledger.ledger.raw import COLUMNS, LIVING


class LedgerRecorder(ApplicationRecorder):
    """Appends to the log and reads it.

    Attributes:
        LISTED: a SELECT of the texts of one parameter, a JSON array.
        HOLDS: whether an event's bytes hold those of one parameter.
        FIELD: an event's {field} as text.
    """

    LISTED: str
    HOLDS: str
    FIELD: str

    @abstractmethod
    def append(self, stored_events: Sequence[StoredEvent]) -> tuple[int, int]:
        """Append events in one transaction.

        Returns:
            The entry of the first (the others follow without a gap), and when they were recorded, in microseconds since 1970.

        Raises:
            IntegrityError: somebody else has written that version of a stream, or used that key.
        """

    @abstractmethod
    def exclusively(self) -> AbstractContextManager[None]:
        """Hold the write lock: what this thread reads until its append can't be overtaken. The end commits."""

    @abstractmethod
    def _rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows of a SELECT."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        """Append events, as the library calls it."""
        first, _recorded_at = self.append(stored_events)
        return range(first, first + len(stored_events))

    @staticmethod
    def now() -> int:
        """The machine's clock, in microseconds since 1970."""
        return to_micros(datetime.now(UTC))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[LoggedEvent]:
        """The events of one stream, in order."""
        statement = f"SELECT {COLUMNS} FROM stored_events WHERE originator_id = ?"
        parameters: list[Any] = [str(originator_id)]
        if gt is not None:
            statement += " AND originator_version > ?"
            parameters.append(gt)
        if lte is not None:
            statement += " AND originator_version <= ?"
            parameters.append(lte)
        statement += " ORDER BY originator_version" + (" DESC" if desc else "")
        if limit is not None:
            statement += " LIMIT ?"
            parameters.append(limit)
        return self._select(statement, parameters)

    def select_many(self, originator_ids: Sequence[str]) -> Sequence[LoggedEvent]:
        """The events of many streams, stream by stream in order."""
        return self._select(
            f"SELECT {COLUMNS} FROM stored_events WHERE originator_id IN ({self.LISTED}) "
            "ORDER BY originator_id, originator_version",
            [json.dumps(originator_ids)],
        )

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """The events of the whole log from an entry on."""
        conditions = ["entry >= ?" if inclusive_of_start else "entry > ?"]
        values: list[Any] = [start or 0]
        if stop is not None:
            conditions.append("entry <= ?")
            values.append(stop)
        if topics:
            conditions.append(f"topic IN ({', '.join('?' * len(topics))})")
            values.extend(topics)
        return self._select(
            f"SELECT {COLUMNS} FROM stored_events WHERE {' AND '.join(conditions)} ORDER BY entry LIMIT ?",
            [*values, limit],
        )

    def select_keyed(self, key: str) -> LoggedEvent | None:
        """The event that was recorded under a key."""
        found = self._select(f"SELECT {COLUMNS} FROM stored_events WHERE key = ?", [key])
        return found[0] if found else None

    def select_entry(self, entry: int) -> LoggedEvent | None:
        """One entry."""
        found = self._select(f"SELECT {COLUMNS} FROM stored_events WHERE entry = ?", [entry])
        return found[0] if found else None

    def select_living(self) -> set[str]:
        """The streams of the persons who were not forgotten."""
        return {row[0] for row in self._rows(LIVING)}

    def select_streams(self, start: str, end: str) -> list[str]:
        """The names of the streams from `start` up to, but without, `end`."""
        rows = self._rows(
            "SELECT originator_id FROM stored_events "
            "WHERE originator_id >= ? AND originator_id < ? AND originator_version = 1 ORDER BY entry",
            (start, end),
        )
        return [row[0] for row in rows]

    def select_holding(self, texts: Collection[str]) -> list[str]:
        """The names of the streams of which an entry holds one of some texts in quotes; it reads the whole log."""
        held = " OR ".join([self.HOLDS] * len(texts))
        rows = self._rows(
            f"SELECT DISTINCT originator_id FROM stored_events WHERE {held or 'FALSE'}",
            [f'"{text}"'.encode() for text in texts],
        )
        return [row[0] for row in rows]

    def select_named_by(self, kind: str, fields: Sequence[str]) -> list[tuple[str, str, str]]:
        """The streams of one kind whose entries have a value in some field: stream, field, value."""
        found: list[tuple[str, str, str]] = []
        for field in fields:
            rows = self._rows(
                f"SELECT DISTINCT originator_id, {self.FIELD.format(field=field)} "
                f"FROM stored_events WHERE originator_id >= ? AND originator_id < ? AND {self.HOLDS}",
                (f"{kind}:", f"{kind};", f'"{field}":'.encode()),
            )
            found += [(row[0], field, row[1]) for row in rows if row[1] is not None]
        return found

    def select_states(self, kind: str, topic: str) -> list[tuple[str, bytes]]:
        """The events of one topic in the streams of a kind: each stream's name, and the event's bytes."""
        rows = self._rows(
            "SELECT originator_id, state FROM stored_events "
            "WHERE originator_id >= ? AND originator_id < ? AND topic = ?",
            (f"{kind}:", f"{kind};", topic),
        )
        return [(row[0], row[1]) for row in rows]

    def max_notification_id(self) -> int:
        """The last entry; 0 where there is none."""
        return self._rows("SELECT max(entry) FROM stored_events")[0][0] or 0

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Who wants to know of new entries asks for them: no database of ours calls."""
        raise NotImplementedError("the log is read with select_notifications")

    def _select(self, statement: str, parameters: Sequence[Any]) -> list[LoggedEvent]:
        return [self._logged(*row) for row in self._rows(statement, parameters)]

    @staticmethod
    def _logged(
        entry: int, stream: str, version: int, topic: str, state: bytes, recorded_at: int, key: str | None
    ) -> LoggedEvent:
        """An event of the log."""
        return LoggedEvent(stream, version, topic, state, entry, recorded_at, key)
