"""The values that events hold: money, ids, names, short texts."""

import re
import unicodedata
from collections.abc import Container
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

MAX_TEXT = 500
_PLAIN_NUMBER = re.compile(r"[0-9]{1,14}(\.[0-9]{1,4})?")
_RATE = re.compile(r"[0-9]{1,10}(\.[0-9]{1,8})?")
_USUAL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_CURRENCY = re.compile(r"[A-Z]{3}")


def to_amount(value: Any) -> Decimal:
    """Read an amount of money: zero or more, at most 14 digits before the point and 4 after it.

    Only plain notation counts: 1E+3 and NaN are refused before they are ever turned into a number.

    Raises:
        ValueError: with what is wrong and how to write it.
    """
    if isinstance(value, bool | float):
        raise ValueError(f"{value!r} may be inexact; write the amount as text, such as '1250.50'")
    text = format_plain(value) if isinstance(value, Decimal) else str(value).strip()
    if not _PLAIN_NUMBER.fullmatch(text):
        shown = text if len(text) <= 40 else text[:40] + "..."
        if text.startswith("-"):
            raise ValueError(f"{shown!r} is negative; an amount is zero or more")
        raise ValueError(
            f"{shown!r} is not an amount; write it like 1250 or 1250.50, with at most 14 digits and 4 decimals"
        )
    return Decimal(text)


def to_rate(value: Any) -> Decimal:
    """Read an exchange rate: more than zero, at most 10 digits before the point and 8 after it.

    Raises:
        ValueError: with what is wrong and how to write it.
    """
    if isinstance(value, bool | float):
        raise ValueError(f"{value!r} may be inexact; write the rate as text, such as '0.92'")
    text = format_plain(value) if isinstance(value, Decimal) else str(value).strip()
    shown = text if len(text) <= 40 else text[:40] + "..."
    if not _RATE.fullmatch(text) or not Decimal(text):
        raise ValueError(f"{shown!r} is not an exchange rate; write it like 0.92, with at most 8 decimals")
    return Decimal(text)


def format_plain(number: Decimal) -> str:
    """Write a number without an exponent; what is absurdly large or no number stays in its own short notation."""
    try:
        exponent = number.as_tuple().exponent
    except InvalidOperation:
        return str(number)
    if not isinstance(exponent, int) or abs(exponent) > 40 or abs(number.adjusted()) > 40:
        return str(number)
    return format(number, "f")


def to_text(value: str) -> str:
    """Trim a short text and refuse what no database can hold.

    Raises:
        ValueError: empty, longer than 500 characters, a NUL byte or half a surrogate pair.
    """
    value = value.strip()
    if not value:
        raise ValueError("the text is empty")
    if len(value) > MAX_TEXT:
        raise ValueError(f"the text has {len(value)} characters; at most {MAX_TEXT} are kept")
    if "\x00" in value:
        raise ValueError("the text holds a NUL byte")
    if not value.isascii() and any(0xD800 <= ord(c) <= 0xDFFF for c in value):
        raise ValueError("the text is not valid Unicode (half a surrogate pair)")
    return value


def to_id(value: str) -> str:
    """Check an id: letters, digits, '.', '_' and '-', starting with a letter or digit, at most 80 characters.

    Raises:
        ValueError: anything else.
    """
    if _USUAL_ID.fullmatch(value):
        return value
    if not value or len(value) > 80 or not value[0].isalnum() or not all(c.isalnum() or c in "._-" for c in value):
        shown = value if len(value) <= 80 else value[:80] + "..."
        raise ValueError(f"{shown!r} is not an id; use letters, digits, '.', '_' and '-', at most 80 of them")
    return value


def to_currency(value: str) -> str:
    """Check the form of an ISO 4217 code: three capital letters.

    Raises:
        ValueError: anything else.
    """
    if not _CURRENCY.fullmatch(value):
        raise ValueError(f"{value!r} is not a currency code; write three capital letters, such as EUR")
    return value


def slug(name: str) -> str:
    """Make an id that people can type from a name: 'ACME GmbH & Co.' gives 'acme-gmbh-co'.

    Accents are dropped, letters of other scripts stay. A name without any letter or digit gives 'unnamed'.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    words = re.split(r"[\W_]+", unicodedata.normalize("NFC", plain))
    made = "-".join(word for word in words if word)[:60].strip("-")
    return made if made and all(c.isalnum() or c == "-" for c in made) else "unnamed"


def free_id(name: str, taken: Container[str]) -> str:
    """The id made from a name that is not taken: with a number, from 2, where the one without is."""
    base = candidate = slug(name)
    number = 1
    while candidate in taken:
        number += 1
        candidate = f"{base}-{number}"
    return candidate


def _only_iso_date(value: Any) -> Any:
    if not isinstance(value, date) and not (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
        raise ValueError(f"{value!r} is not a date; write it like 2026-03-31")
    return value


def _only_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


Amount = Annotated[
    Decimal, BeforeValidator(to_amount), PlainSerializer(format_plain, return_type=str, when_used="json")
]
Rate = Annotated[Decimal, BeforeValidator(to_rate), PlainSerializer(format_plain, return_type=str, when_used="json")]
Currency = Annotated[str, AfterValidator(to_currency)]
Text = Annotated[str, BeforeValidator(_only_text), AfterValidator(to_text)]
Id = Annotated[str, BeforeValidator(_only_text), AfterValidator(to_id)]
Date = Annotated[date, BeforeValidator(_only_iso_date)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Weight = Annotated[int, Field(ge=0, le=5)]
Score = Annotated[int, Field(ge=0, le=10)]
Months = Annotated[int, Field(ge=1, le=1200)]
