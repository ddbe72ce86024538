"""The log as it is stored: every row in order, nothing turned into an object, no topic looked up."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from salesledger.ledger.log import Log, Rows

_ROWS_AT_ONCE = 4096
COLUMNS = "entry, originator_id, originator_version, topic, state, recorded_at, key"
"""What a row of the log holds, in SQL."""

LIVING = (
    "SELECT DISTINCT originator_id FROM stored_events "
    "WHERE originator_id >= 'person:' AND originator_id < 'person;' AND originator_id NOT IN "
    "(SELECT originator_id FROM stored_events WHERE topic = 'person-forgotten/1')"
)
"""The streams of the persons who were not forgotten."""


class RawEntry(NamedTuple):
    """A row of the log, as the file holds it.

    Attributes:
        recorded_at: microseconds since 1970, UTC.
    """

    entry: int
    originator_id: str
    originator_version: int
    topic: str
    state: bytes
    recorded_at: int
    key: str | None


def raw_entries(connection: Log, *, after: int = 0, upto: int | None = None) -> Iterator[RawEntry]:
    """The rows behind an entry, in the log's order.

    Args:
        connection: open on the ledger; what it reads is one snapshot where it is in a transaction.
        after: the entry behind which to begin.
        upto: the last entry to give; None for all.

    Raises:
        sqlite3.Error, StoreError: the log can't be read.
    """
    statement = f"SELECT {COLUMNS} FROM stored_events WHERE entry > ? AND entry <= ? ORDER BY entry"
    yield from _rows(connection.stream(statement, (after, upto if upto is not None else 2**63 - 1)))


def raw_streams(connection: Log, kind: str | None = None) -> Iterator[RawEntry]:
    """The rows stream by stream, each in the order of its versions; of one kind of stream, where that is named.

    Raises:
        sqlite3.Error, StoreError: the log can't be read.
    """
    span = ("", "\U0010ffff") if kind is None else (f"{kind}:", f"{kind};")
    statement = (
        f"SELECT {COLUMNS} FROM stored_events WHERE originator_id >= ? AND originator_id < ? "
        "ORDER BY originator_id, originator_version"
    )
    yield from _rows(connection.stream(statement, span))


def marks(connection: Log, entries: Sequence[int]) -> dict[int, str]:
    """A short hash of each of some entries, which tells one log from another that went a different way before that entry.

    Logs part where a server is put back to an earlier moment, or a copy of a file takes another's place. What comes from then on
    has other stamps, so that no entry behind is the same.
    """
    if not entries:
        return {}
    listed = ", ".join(str(int(entry)) for entry in entries)
    rows = connection.execute(
        f"SELECT entry, originator_version, state, recorded_at FROM stored_events WHERE entry IN ({listed})"
    )
    return {
        entry: hashlib.sha256(repr((version, bytes(state), at)).encode()).hexdigest()[:8]
        for entry, version, state, at in rows
    }


def _rows(cursor: Rows) -> Iterator[RawEntry]:
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        yield from map(RawEntry._make, rows)
