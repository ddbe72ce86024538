"""Instants: aware, in UTC, to the microsecond."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def to_utc(instant: datetime) -> datetime:
    """Give the same instant in UTC.

    Raises:
        ValueError: the instant has no offset, or lies outside 1900..2199.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset, such as 2026-03-31T12:00:00Z")
    if not EARLIEST <= instant < LATEST:
        raise ValueError("the date must lie between 1900 and 2199")
    return instant.astimezone(UTC)


def _no_number(value: Any) -> Any:
    # pydantic would take a number for seconds since 1970, and 20260331 for a day of that year
    if not isinstance(value, datetime) and not (isinstance(value, str) and value[4:5] == "-"):
        raise ValueError(f"{value!r} is not an instant; write it like 2026-03-31T12:00:00Z")
    return value


Instant = Annotated[datetime, BeforeValidator(_no_number), AfterValidator(to_utc)]


def day(instant: datetime | None, zone: tzinfo) -> str:
    """The day of an instant in a zone, for messages."""
    return "an unknown day" if instant is None else instant.astimezone(zone).date().isoformat()


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z, as the log's `recorded_at` column holds them."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """The instant that `to_micros` made the number from."""
    return EPOCH + timedelta(microseconds=micros)
