"""The values of an answer as people read them: what is money, a percent, a day; one line of safe text a cell."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal
from math import isfinite
from typing import TYPE_CHECKING

from salesledger.domain.iso4217 import THOUSANDTHS
from salesledger.readmodel.plain import in_utc, json_text, plain, two_decimals
from salesledger.shown.escape import safe_text

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_INTEGERS = {f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")}
_NUMBERS = _INTEGERS | {"DECIMAL", "NUMERIC", "DOUBLE", "FLOAT", "REAL"}
_NEVER_CUT = _NUMBERS | {"DATE", "TIME", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "BOOLEAN"}
_RATIOS = (
    *("_ratio", "_rate", "share", "attainment", "nrr", "grr", "logo_churn", "chance", "noise_floor"),
    *("wape", "bias", "crps", "pinball", "coverage_80", "coverage_95", "_se", "_skill"),
)
_OF_MONEY = 4
"""The decimals of money; what has more, such as a rate, is none."""


@dataclass(frozen=True)
class Rows:
    """A query's answer.

    Attributes:
        columns: The names, in order; where one returns, it is shown as DuckDB would name it: `a`, `a_1`.
        types: DuckDB's type names, one a column: `VARCHAR`, `DECIMAL(38,4)`, `TIMESTAMP`, ...
        rows: One tuple a row, as long as `columns`. A datetime without a zone means UTC.
        sparse: Whether the rows are of different kinds: JSON then leaves out what a row has no value for.
        whole: Whether a table shows every column, those without a value too.
    """

    columns: list[str]
    types: list[str]
    rows: list[tuple[object, ...]]
    sparse: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Column:
    """A column as a reader sees it: every cell is one line of safe text."""

    header: str
    cells: list[str]
    is_number: bool
    may_be_cut: bool


def column_widths(rows: Rows, zone: "ZoneInfo") -> dict[str, int]:
    """How many columns of a terminal each column of the table takes that nothing is cut from, without the gaps."""
    return {c.header: max(map(width_of, (c.header, *c.cells))) for c in read_by_people(rows, zone)}


def number(value: Decimal) -> str:
    """A decimal to read, such as `-12,500.00`: more decimals than two only up to the last that isn't zero. Never rounds."""
    whole, _, fraction = two_decimals(f"{value:,f}").partition(".")
    return f"{whole}.{fraction[:2]}{fraction[2:].rstrip('0')}"


def money(value: Decimal, currency: object = None) -> str:
    """An amount to read, rounded half up to the decimals that its currency has, or two.

    More are shown only as far as the first four significant digits need: `12,500.57`, but `0.0035`. What adds up exactly may
    thus look off by a last digit; JSON and CSV have every decimal.
    """
    digits = max(3 if currency in THOUSANDTHS else 2, 3 - value.adjusted())
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -digits:
        value = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, Context(prec=60))
    return number(value)


def cut(text: str, limit: int) -> str:
    """The text in at most so many columns of a terminal, an ellipsis in the place of what doesn't fit."""
    if width_of(text) <= limit:
        return text
    kept = text[: limit - 1]
    while width_of(kept) > limit - 1:
        kept = kept[:-1]
    return f"{kept}…"


def read_by_people(rows: Rows, zone: "ZoneInfo") -> list[Column]:
    values = list(zip(*rows.rows, strict=True)) or [()] * len(rows.columns)
    columns = list(zip(unique(rows.columns), rows.types, values, strict=True))
    if rows.rows and not rows.whole:
        # An answer of nothing but NULLs is an answer: it keeps its columns.
        columns = [column for column in columns if any(cell is not None for cell in column[2])] or columns
    # What is money has its currency beside it.
    currencies = next((cells for name, _, cells in columns if name == "currency"), None)
    return [
        Column(
            header=safe_text(name),
            cells=_cells(name, cells, zone, None if _decimals(type_name) > _OF_MONEY else currencies),
            is_number=_is_one_of(_NUMBERS, type_name),
            may_be_cut=not _is_one_of(_NEVER_CUT, type_name),
        )
        for name, type_name, cells in columns
    ]


def unique(names: Iterable[str]) -> list[str]:
    taken: dict[str, None] = {}
    for name in names:
        unique, count = name, 0
        while unique in taken:
            count += 1
            unique = f"{name}_{count}"
        taken[unique] = None
    return list(taken)


def text_of(value: object) -> str:
    shown = plain(value)
    if shown is None:
        return ""
    return shown if isinstance(shown, str) else dumped(shown)


def dumped(value: object) -> str:
    import json

    return json_text(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _local(moment: datetime, zone: "ZoneInfo") -> datetime:
    if moment.year in (1, 9999):  # an open end, the same in any zone
        return in_utc(moment)
    return in_utc(moment).replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


def _is_one_of(names: set[str], type_name: str) -> bool:
    base = re.split(r"[( ]", type_name.upper(), maxsplit=1)[0]
    return base in names and not type_name.endswith("]")


def _decimals(type_name: str) -> int:
    found = re.fullmatch(r"DECIMAL\(\d+, ?(\d+)\)", type_name.upper())
    return int(found[1]) if found else 0


def _cells(
    name: str, values: Sequence[object], zone: "ZoneInfo", currencies: Sequence[object] | None = None
) -> list[str]:
    local = [_local(value, zone) if isinstance(value, datetime) else value for value in values]
    days_only = all(value.time() == time.min for value in local if isinstance(value, datetime))
    percents = name.lower().endswith(_RATIOS)

    def shown(value: object, currency: object) -> str:
        match value:
            case str():
                return safe_text(value)
            case Decimal():
                if not value.is_finite():
                    return ""
                return number(value) if currencies is None else money(value, currency)
            case float():
                return (f"{value:z.1%}" if percents else f"{value:z.1f}") if isfinite(value) else ""
            case datetime():
                return value.date().isoformat() if days_only else value.isoformat(" ", "minutes")
            case _:
                return safe_text(text_of(value))

    return [shown(*told) for told in zip(local, currencies or [None] * len(local), strict=True)]


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():  # wcwidth, for the others, takes 10 ms to import
        return len(text)
    from wcwidth import wcswidth

    return wcswidth(text)


def chosen(rows: Rows, names: Sequence[str], *, unless_zero: Sequence[str] = ()) -> Rows:
    """The rows with the named columns only, in this order.

    Args:
        rows: an answer; names that it has no column for are passed over.
        names: what to show.
        unless_zero: columns among them that are shown only if one of their cells is neither empty nor zero.
    """
    place = {name: i for i, name in enumerate(rows.columns)}
    kept = [
        place[name]
        for name in names
        if name in place and (name not in unless_zero or any(row[place[name]] for row in rows.rows))
    ]
    return Rows(
        [rows.columns[i] for i in kept],
        [rows.types[i] for i in kept],
        [tuple(row[i] for i in kept) for row in rows.rows],
        rows.sparse,
        rows.whole,
    )
