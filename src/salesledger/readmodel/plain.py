"""The values of an answer as other programs read them: plain decimals, ISO 8601 in UTC, and text that none of them runs."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import isfinite

# What a spreadsheet would take for a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Valid in JSON as they are, but a terminal would obey or hide them, and a lone surrogate has no UTF-8.
_JSON_HIDDEN = re.compile(
    "[\x7f-\x9f\u061c\u200b\u200e\u200f\u2060-\u2064\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


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


def json_text(document: str) -> str:
    r"""A line of JSON that means the same and holds nothing that steers a terminal: \x9b has become \u009b."""
    if document.isprintable():
        return document
    return _JSON_HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def spreadsheet_text(text: str) -> str:
    """The text, behind an apostrophe where a spreadsheet would run it as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
