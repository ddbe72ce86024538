"""Connections to a PostgreSQL server, and its complaints in the ledger's own words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo

from salesledger.errors import (
    NOTHING_RECORDED,
    DamagedLedger,
    LockedLedger,
    NoLedger,
    ReadOnlyLedger,
    SalesledgerError,
    StoreError,
    UnreachableLedger,
    UsageError,
)
from salesledger.ledger.format import lock_seconds
from salesledger.ledger.postgres_schema import UNKNOWN_TOPIC, role
from salesledger.ledger.postgres_url import PostgresUrl, unknown_parameter

CONNECT_SECONDS = 10
"""How long the server may take to answer at first."""

_GONE_SECONDS = 30
"""After how long without any answer a connection counts as lost."""

_IDLE_SECONDS = 60
"""How long a program that holds the write lock may be silent before the server ends its transaction."""

Connection = psycopg.Connection[Any]


def connected(url: PostgresUrl, *, writes: bool) -> Connection:
    """Connect to the server; each statement is a transaction of its own.

    Args:
        url: the ledger's.
        writes: whether the connection may change anything.

    Raises:
        UsageError: the URL can't be read.
        UnreachableLedger: there is no answer, or the login is refused.
    """
    wait = max(1, round(lock_seconds() * 1000))
    settings = {
        "search_path": f"{url.schema},pg_temp",
        "lock_timeout": str(wait),
        "default_transaction_isolation": "read committed",
        "default_transaction_read_only": "off" if writes else "on",
        "idle_in_transaction_session_timeout": str(_IDLE_SECONDS * 1000 if writes else 0),
    }
    conninfo = conninfo_of(url)
    try:
        connection = psycopg.connect(conninfo, autocommit=True)
        try:  # poolers refuse settings, or forget them, that come with the login
            asked = ", ".join("set_config(%s, %s, false)" for _ in settings)
            connection.execute(f"SELECT {asked}", [text for pair in settings.items() for text in pair])
        except BaseException:
            connection.close()
            raise
    except psycopg.Error as e:
        raise UnreachableLedger(url.shown, _reason(e)) from e
    return connection


def conninfo_of(url: PostgresUrl) -> str:
    """What PostgreSQL's library is given, whichever driver gives it: text comes as UTF-8, and nothing is waited for without end.

    Raises:
        UsageError: the URL can't be read.
    """
    try:
        told = conninfo_to_dict(url.conninfo)
        return make_conninfo(
            url.conninfo,
            client_encoding="UTF8",
            connect_timeout=told.get("connect_timeout") or CONNECT_SECONDS,
            keepalives_idle=told.get("keepalives_idle") or _GONE_SECONDS,
            tcp_user_timeout=told.get("tcp_user_timeout") or _GONE_SECONDS * 1000,
            fallback_application_name="salesledger",
        )
    except psycopg.ProgrammingError as e:
        raise UsageError(
            f"{url.shown!r} can't be read as a PostgreSQL URL{unknown_parameter(url.conninfo, _known())}. Write "
            "postgresql://USER@HOST/DATABASE, with ?schema=NAME where the schema isn't 'salesledger'."
        ) from e


def is_lost(error: psycopg.Error, connection: Connection) -> bool:
    """Whether an error means that the server was gone before it answered: what was asked may have been done or not."""
    return connection.closed or isinstance(
        error,
        errors.AdminShutdown | errors.CrashShutdown | errors.CannotConnectNow | errors.IdleInTransactionSessionTimeout,
    )


def own_error(
    url: PostgresUrl, error: psycopg.Error, owner: str | None = None, *, reads: bool = False
) -> SalesledgerError:
    """The ledger's own error for one of the server's.

    Args:
        url: the ledger's.
        error: the server's.
        owner: what only the owner may do, such as 'made'; None for what others may do, too.
        reads: whether the ledger was only to be read.
    """
    if owner and isinstance(error, errors.InsufficientPrivilege):
        return StoreError(
            f"{url.shown!r} can't be {owner}: {_reason(error)}. Log in as somebody who may. Nothing was {owner}."
        )
    if reads and isinstance(error, errors.InsufficientPrivilege):
        return StoreError(
            f"{url.shown!r} can't be read: this login has no right to read the ledger ({_reason(error)}). Ask its owner for the "
            f"role of a reader or a recorder: GRANT {role(url.schema, 'reader')} TO the login; where there is no such role, or it "
            f"has no rights, 'salesledger migrate --roles' as the owner makes it. {NOTHING_RECORDED}"
        )
    if isinstance(error, errors.DatetimeFieldOverflow):
        return StoreError(
            f"{url.shown!r} takes nothing from this machine, whose clock is ahead of the server's by more than a day: all that "
            f"is recorded later would be stamped so, too. Set the clock right. {NOTHING_RECORDED}"
        )
    if error.sqlstate == UNKNOWN_TOPIC:
        return StoreError(
            f"{url.shown!r} takes no events of a type that it doesn't know, as this salesledger is newer than the one that it was "
            f"made with. Its owner runs 'salesledger migrate' with the newer one; then run the command again. {NOTHING_RECORDED}"
        )
    if isinstance(error, errors.LockNotAvailable | errors.DeadlockDetected):
        return LockedLedger(url.shown, lock_seconds())
    if isinstance(error, errors.InsufficientPrivilege | errors.ReadOnlySqlTransaction):
        return ReadOnlyLedger(url.shown, f"The server says: {_reason(error)}. Ask its owner for the role that may.")
    if isinstance(error, errors.UndefinedTable | errors.InvalidSchemaName | errors.UndefinedFunction):
        return NoLedger(url.shown)
    if error.sqlstate is None or error.sqlstate[:2] in ("08", "57"):
        return UnreachableLedger(url.shown, _reason(error))
    return DamagedLedger(url.shown, _reason(error))


@contextmanager
def translated(url: PostgresUrl, owner: str | None = None, *, reads: bool = False) -> Iterator[None]:
    """Turn the server's errors into the ledger's own; see `own_error`."""
    try:
        yield
    except psycopg.Error as e:
        raise own_error(url, e, owner, reads=reads) from e


def _known() -> list[str]:
    """The parameters that a URL may have."""
    return [option.keyword.decode() for option in Conninfo.get_defaults()]


def _reason(error: psycopg.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = error.diag.message_primary or (lines[0] if lines else type(error).__name__)
    return " ".join(told.split()).removesuffix(".")
