"""What reads a log: one connection to a ledger, whichever database holds it.

Statements are written in the SQL that SQLite and PostgreSQL share, with `?` for a parameter; what they don't share is asked for
by name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self


class Rows(Protocol):
    """What a statement gives, row by row."""

    def fetchone(self) -> Any:
        """The next row; None behind the last."""

    def fetchmany(self, size: int, /) -> Sequence[Any]:
        """So many more rows, or as many as there are."""

    def fetchall(self) -> Sequence[Any]:
        """All that are left."""

    def __iter__(self) -> Iterator[Any]: ...


@dataclass(frozen=True)
class ArrowSource:
    """How the raw rows of a log are read as Arrow.

    Attributes:
        driver: the ADBC driver's module.
        uri: what it connects to.
        options: its statement's options.
        rows: the SELECT, with {after} and {upto} for the range of entries.
    """

    driver: str
    uri: str
    rows: str
    options: dict[str, str] = field(default_factory=dict)

    def of_streams(self, streams: Sequence[str]) -> Self:
        """The same, with the rows of some streams alone."""
        names = ", ".join("'" + name.replace("'", "''").replace("{", "{{").replace("}", "}}") + "'" for name in streams)
        return replace(self, rows=self.rows.replace(" ORDER BY", f" AND originator_id IN ({names}) ORDER BY"))


class Log(Protocol):
    """A connection that reads a ledger.

    Attributes:
        text_factory: what text comes as: `str`, or `bytearray` for the bytes as they are stored.
        server: what the database is called in messages.
        tool: what its owner changes its structure with.
        mend: what puts triggers and functions right that were changed; None where only a backup does.
        itself: the table of events in SQL, read row by row and never from an index, which may be damaged by itself.
    """

    text_factory: Any
    server: str
    tool: str
    mend: str | None
    itself: str

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Run a statement, its rows held in memory at the latest when they are fetched."""

    def stream(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Run a statement that may give more rows than memory holds; only after `begin`."""

    def begin(self) -> None:
        """From here on until it is closed, every statement sees the ledger as it was at one moment."""

    def close(self) -> None:
        """Let go of the ledger."""

    def damage(self, most: int) -> list[str]:
        """What the database itself finds wrong with how the ledger is stored, so many complaints of it at most."""

    def altered(self) -> list[tuple[str, str, bool]]:
        """The tables, triggers and functions that aren't as salesledger makes them: kind, name, whether one is there at all."""

    def foreign(self) -> list[tuple[str, str]]:
        """The things beside them that salesledger hasn't made: kind and name."""

    def loosened(self) -> list[tuple[str, str, str]]:
        """What of tables and rights was changed so that they guard less than salesledger made them to: rule, problem, remedy."""

    def missing_rights(self) -> list[tuple[str, str]]:
        """What roles that were made for the ledger may no longer, where its database has roles: role and right."""

    def last_given(self) -> int | None:
        """The last number that an entry was ever given, where the database keeps count of that."""

    def seal_tables(self) -> int:
        """How many of the two tables of seals are there."""

    def arrow(self) -> ArrowSource:
        """How its raw rows are read as Arrow."""
