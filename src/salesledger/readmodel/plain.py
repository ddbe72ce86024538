"""The values of an answer as other programs read them: amounts as plain decimals, instants as ISO 8601 UTC."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import isfinite


def two_decimals(digits: str) -> str:
    """A written decimal with two digits behind the point, and more only where they aren't all zero; never rounded."""
    whole, _, fraction = digits.partition(".")
    if not fraction[2:].strip("0"):
        fraction = fraction[:2].ljust(2, "0")
    return f"{whole}.{fraction}"


def in_utc(moment: datetime) -> datetime:
    """The instant without a zone, in UTC; an instant without one is taken to be that already."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def plain(value: object) -> object:
    """What JSON holds for a value that DuckDB returned; infinities and NaN are null."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if isfinite(value) else None
        case Decimal():
            return two_decimals(f"{value:f}") if value.is_finite() else None
        case datetime():
            return f"{in_utc(value).isoformat()}Z"
        case date() | time():
            return value.isoformat()
        case list() | tuple():
            return [plain(item) for item in value]
        case dict():
            return {str(plain(key)): plain(item) for key, item in value.items()}
        case bytes():
            return value.hex()
        case _:
            return str(value)
