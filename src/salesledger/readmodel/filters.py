"""Filters typed as arguments (stage:proposal amt:'>10000' not:owner:kim acme), made one SQL condition."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from salesledger.errors import BadDate, BadFilter
from salesledger.readmodel.periods import Period, parse_calendar

ALIASES = {
    "amt": ("value", "amount"),
    "acct": ("account",),
    "desc": ("company",),
    "who": ("recorded_by",),
    "name": ("company",),
}
WHOLE = ("judged",)
"""Columns of a few fixed words, one of which holds another ('unmet' holds 'met'): a filter on them means the whole word."""

SEARCHED = ("deal", "deal_id", "company")

_LONGEST_TERM = 500
_TEXT, _NUMBER, _DATE, _TIMESTAMP, _INSTANT, _BOOLEAN = "text", "number", "date", "timestamp", "instant", "boolean"
_KINDS = {
    **dict.fromkeys(("VARCHAR", "TEXT", "STRING", "CHAR", "BPCHAR", "ENUM"), _TEXT),
    **dict.fromkeys(("DECIMAL", "NUMERIC", "DOUBLE", "FLOAT", "REAL"), _NUMBER),
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "INT", "BIGINT", "HUGEINT", "UHUGEINT"), _NUMBER),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"), _NUMBER),
    **dict.fromkeys(("TIMESTAMP", "DATETIME", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), _TIMESTAMP),
    **dict.fromkeys(("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"), _INSTANT),
    "DATE": _DATE,
    "BOOLEAN": _BOOLEAN,
    "BOOL": _BOOLEAN,
}
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}

_FIELD = re.compile(r"(?P<field>[A-Za-z_][A-Za-z0-9_]*):(?P<value>.*)", re.DOTALL)
# DuckDB compares decimals exactly as long as digits before and after the point fit into 38 together; an exponent never
# gets in, since Decimal('1E+1000000') is cheap to parse and ruinous to expand.
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,9})?")

# An operator and what stands to its right: a Decimal, date or datetime, as the column wants it.
_Limit = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    kind: str

    @property
    def sql(self) -> str:
        return '"' + self.name.replace('"', '""') + '"'


def compile_filters(
    terms: Sequence[str], columns: Mapping[str, str], *, zone: tzinfo = UTC
) -> tuple[str, dict[str, object]]:
    """Turns filters into one boolean SQL expression that holds no typed value.

    A term is `field:text` (contains, any case; in double quotes too), `field:=text` (equals, any case), `field:` (nothing there),
    `field:'>10'`, `>=`, `<`, `<=`, `=` or `10..20` on numbers and dates, or a bare word (contained in the deal's id or
    company, else in the account's id); `not:` before it keeps the rest, rows without a value included. Terms on one field
    are alternatives, fields and negated terms must all hold. Numbers are decimal, and a range of them includes both ends.
    Dates are ISO or coarse (2026, 2026Q1, 2026-03, 2026-W05) and stand for the whole stretch: `>2026-03` begins in April;
    the end of `2026-03..2026-06` is exclusive.

    Args:
        terms: One filter each.
        columns: The relation's columns: name to DuckDB type. Lists, structs and their like can't be filtered.
        zone: Whose midnights a date means on a timestamp column (which itself holds UTC).

    Returns:
        The expression, in brackets and safe to combine, and its parameters `filter_1`, ... by name without the `$`;
        `("", {})` without terms. It is NULL where only a missing value stands against it, so use it in a WHERE.

    Raises:
        BadFilter: A field that isn't there, a value that its type can't have, or terms that let everything pass.
    """
    compiler = _Compiler(columns, zone)
    for term in terms:
        compiler.add(term)
    return compiler.sql(), compiler.parameters


def texts_of(terms: Sequence[str], columns: Mapping[str, str]) -> list[tuple[str, str]]:
    """The texts that filters look for, each with the column that it is looked for in; bare words and `not:` are left out.

    Raises:
        BadFilter: see `compile_filters`.
    """
    compiler = _Compiler(columns, UTC)
    fields = [(term, match) for term in terms if (match := _FIELD.fullmatch(term)) and match["field"].lower() != "not"]
    found = [(compiler.column(match["field"], term), match["value"], term) for term, match in fields]
    return [
        (column.name, _unquoted(value.removeprefix("="), term))
        for column, value, term in found
        if column.kind == _TEXT and value.strip() not in ("", "=")
    ]


class _Compiler:
    def __init__(self, columns: Mapping[str, str], zone: tzinfo) -> None:
        self.parameters: dict[str, object] = {}
        self._zone = zone
        self._columns = {name.lower(): _Column(name, kind) for name, type_ in columns.items() if (kind := _kind(type_))}
        self._types = {name.lower(): type_ for name, type_ in columns.items()}
        self._alternatives: dict[str, list[str]] = {}
        self._required: list[str] = []
        self._open_ended: dict[str, list[_Limit]] = {}

    def add(self, term: str) -> None:
        _check_text(term)
        rest, negated = term, False
        while rest[:4].lower() == "not:":
            rest, negated = rest[4:], not negated
        match = _FIELD.fullmatch(rest)
        if match is None:
            key, condition = "", self._search(rest, term)
        else:
            column = self.column(match["field"], term)
            key, condition = column.name, self._condition(column, match["value"], term, negated)
        if negated:
            self._required.append(f"NOT coalesce({condition}, FALSE)")
        else:
            self._alternatives.setdefault(key, []).append(condition)

    def sql(self) -> str:
        groups = [f"({' OR '.join(group)})" if len(group) > 1 else group[0] for group in self._alternatives.values()]
        conditions = groups + self._required
        return f"({' AND '.join(conditions)})" if conditions else ""

    def _bind(self, value: object) -> str:
        name = f"filter_{len(self.parameters) + 1}"
        self.parameters[name] = value
        return f"${name}"

    def _search(self, word: str, term: str) -> str:
        if not word.strip():
            raise BadFilter(f"{_shown(term)} is an empty filter. Leave it out, or write field:text.")
        # An account is looked for only where the rows are about accounts: elsewhere it would find more than the word says.
        names = [name for name in SEARCHED if name in self._columns] or [n for n in ("account",) if n in self._columns]
        searched = [self._columns[name] for name in names]
        text = _unquoted(word, term)
        conditions = [self._contains(column, text) for column in searched if column.kind == _TEXT]
        if not conditions:
            raise BadFilter(
                f"{_shown(term)} names no field, and no deal, company or account is here to search. {self._usable()}"
            )
        return f"({' OR '.join(conditions)})"

    def _contains(self, column: _Column, text: str) -> str:
        return f"contains(lower({column.sql}), lower({self._bind(text)}))"

    def column(self, field: str, term: str) -> _Column:
        """The column that a field means."""
        wanted = field.lower()
        for name in (wanted, *ALIASES.get(wanted, ())):
            if name in self._columns:
                return self._columns[name]
        if wanted in self._types:
            raise BadFilter(f"{_shown(term)}: a {self._types[wanted]} can't be filtered. {self._usable()}")
        aliases = [alias for alias, names in ALIASES.items() if any(name in self._columns for name in names)]
        close = get_close_matches(wanted, [*self._columns, *aliases], n=1)
        hint = f" Did you mean {close[0]}:?" if close else ""
        raise BadFilter(f"{_shown(term)}: there is no field {_shown(field)} here.{hint} {self._usable()}")

    def _usable(self) -> str:
        names = ", ".join(column.name for column in self._columns.values())
        return f"Fields to filter by: {names}." if names else "Nothing here can be filtered."

    def _condition(self, column: _Column, value: str, term: str, negated: bool) -> str:
        if value.strip() in ("", "="):
            missing = f"{column.sql} IS NULL"
            return f"({missing} OR {column.sql} = '')" if column.kind == _TEXT else missing
        if column.kind == _TEXT:
            if value.startswith("=") or column.name.lower() in WHOLE:
                return f"lower({column.sql}) = lower({self._bind(_unquoted(value.removeprefix('='), term))})"
            return self._contains(column, _unquoted(value, term))
        if column.kind == _BOOLEAN:
            return f"{column.sql} = {self._bind(_truth(value, term))}"
        limits = _number_limits(value, term) if column.kind == _NUMBER else self._date_limits(column, value, term)
        if not negated and len(limits) == 1:
            self._check_overlap(column, limits[0], term)
        return f"({' AND '.join(f'{column.sql} {operator} {self._bind(limit)}' for operator, limit in limits)})"

    def _date_limits(self, column: _Column, value: str, term: str) -> list[_Limit]:
        limits = _calendar_limits(value, term)
        if column.kind == _DATE:
            return limits
        instants = [(operator, Period("", day, day).begins_at(self._zone)) for operator, day in limits]
        naive = column.kind == _TIMESTAMP
        return [(operator, at.replace(tzinfo=None) if naive else at) for operator, at in instants]

    def _check_overlap(self, column: _Column, limit: _Limit, term: str) -> None:
        """Refuses `>1` beside `<9`: as alternatives they let everything pass, which nobody who types them means."""
        earlier = self._open_ended.setdefault(column.name, [])
        for other in earlier:
            (above, low), (below, high) = (limit, other) if limit[0] > other[0] else (other, limit)
            if above[0] == ">" and below[0] == "<" and (low < high or (low == high and (above, below) != (">", "<"))):
                raise BadFilter(
                    f"{_shown(term)} and an earlier filter on {column.name} let every value pass, because several "
                    f"filters on a field are alternatives. For what lies between write {column.name}:FROM..TO."
                )
        earlier.append(limit)


def _kind(type_: str) -> str | None:
    whole = " ".join(type_.upper().split())
    return None if whole.endswith("]") else _KINDS.get(whole.partition("(")[0].strip())


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "...")


def _check_text(term: str) -> None:
    if len(term) > _LONGEST_TERM:
        raise BadFilter(f"{_shown(term)} is too long for a filter. Shorten it to {_LONGEST_TERM} characters.")
    if "\x00" in term or any("\ud800" <= character <= "\udfff" for character in term):
        raise BadFilter(f"{_shown(term)} holds a character that no text in the ledger can hold. Leave it out.")


def _unquoted(text: str, term: str) -> str:
    """The text without the double quotes around it, which people type out of habit with other programs."""
    if not text.startswith('"'):
        return text
    if len(text) < 3 or not text.endswith('"'):
        raise BadFilter(f"{_shown(term)}: a quotation mark that opens here is not closed. Close it, or leave it out.")
    return text[1:-1]


def _truth(value: str, term: str) -> bool:
    word = value.removeprefix("=").strip().lower()
    if word not in _TRUTH:
        raise BadFilter(f"{_shown(term)}: {_shown(word)} is neither true nor false. Write one of {', '.join(_TRUTH)}.")
    return _TRUTH[word]


def _range(value: str, term: str) -> tuple[str, str]:
    first, _, last = value.partition("..")
    if not first.strip() and not last.strip():
        raise BadFilter(f"{_shown(term)} has no begin and no end. Write at least one: FROM..TO, FROM.. or ..TO.")
    return first.strip(), last.strip()


def _operation(value: str) -> tuple[str, str]:
    compared = value.strip()
    operator = next((each for each in (">=", "<=", ">", "<", "=") if compared.startswith(each)), "")
    return operator or "=", compared.removeprefix(operator).strip()


def _number_limits(value: str, term: str) -> list[_Limit]:
    if ".." not in value:
        operator, operand = _operation(value)
        return [(operator, _number(operand, term))]
    first, last = _range(value, term)
    limits = [(operator, _number(text, term)) for operator, text in ((">=", first), ("<=", last)) if text]
    return _in_order(limits, term)


def _calendar_limits(value: str, term: str) -> list[_Limit]:
    if ".." in value:
        first, last = _range(value, term)
        limits = [(operator, _calendar(text, term).begin) for operator, text in ((">=", first), ("<", last)) if text]
        return _in_order(limits, term)
    operator, operand = _operation(value)
    period = _calendar(operand, term)
    if operator == "=":
        return [(">=", period.begin), ("<", period.end)]
    return {
        ">": [(">=", period.end)],
        ">=": [(">=", period.begin)],
        "<": [("<", period.begin)],
        "<=": [("<", period.end)],
    }[operator]


def _in_order(limits: Sequence[_Limit], term: str) -> list[_Limit]:
    if len(limits) == 2:
        (_, low), (operator, high) = limits
        if high < low or (high == low and operator == "<"):
            raise BadFilter(f"{_shown(term)} ends before it begins, so nothing can pass. Swap the two.")
    return list(limits)


def _number(text: str, term: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise BadFilter(
            f"{_shown(term)}: {_shown(text)} is not a number of at most 18 digits before and 9 after the point. "
            "Write it like 10000, '>=99.50' or 1000..5000, without separators or exponent."
        )
    return Decimal(text)


def _calendar(text: str, term: str) -> Period:
    try:
        return parse_calendar(text)
    except BadDate:
        raise BadFilter(
            f"{_shown(term)}: {_shown(text)} is not a date that a filter takes. "
            "Write 2026-03-31, 2026-03, 2026Q1, 2026-W05 or 2026, or a range such as 2026-03..2026-06."
        ) from None
