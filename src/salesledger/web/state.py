"""What a page's address says: the two dates, the ledger's position, the period and the filters."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self
from urllib.parse import urlencode

from salesledger.errors import BadFilter, UsageError

INTERVALS = ("day", "week", "month", "quarter", "year")
_LONGEST = 500


@dataclass(frozen=True)
class State:
    """Where somebody stands in time, and what they look at; all of it is in the page's address.

    Attributes:
        as_of: the business as it stood at the end of this day; now where empty.
        known_at: with what was known by the end of this day; now where empty.
        since: the other as-of date, with which it is compared.
        known_since: the other known-at date.
        upto: nothing behind this entry is looked at.
        filter: terms as on the command line, with quotes where they hold blanks.
        period: such as 2026Q1 or 'last month'.
        interval: a row for each of these.
        by: the dimension that reports are split by.
    """

    as_of: str = ""
    known_at: str = ""
    since: str = ""
    known_since: str = ""
    upto: str = ""
    filter: str = ""
    period: str = ""
    interval: str = ""
    by: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """What an address says; what else it says is the page's own.

        Raises:
            UsageError: a value is too long, or of a kind that can't be.
        """
        told = {field.name: query.get(field.name, "").strip() for field in fields(cls)}
        for name, value in told.items():
            if len(value) > _LONGEST:
                raise UsageError(f"{name} is longer than {_LONGEST} characters.")
        if told["upto"] and not (told["upto"].isascii() and told["upto"].isdigit() and 0 < int(told["upto"]) < 10**15):
            raise UsageError(f"{told['upto']!r} is no entry's number.")
        if told["interval"] and told["interval"] not in INTERVALS:
            raise UsageError(f"{told['interval']!r} is no interval; write one of {', '.join(INTERVALS)}.")
        return cls(**told)

    @property
    def terms(self) -> tuple[str, ...]:
        """The filters, one by one.

        Raises:
            BadFilter: a quote is not closed.
        """
        try:
            return tuple(shlex.split(self.filter))
        except ValueError as e:
            raise BadFilter(f"{self.filter!r} has a quote that isn't closed.") from e

    @property
    def dates(self) -> dict[str, Any]:
        """The dates and the position, as a question takes them."""
        return {
            "as_of": self.as_of or None,
            "known_at": self.known_at or None,
            "upto": int(self.upto) if self.upto else None,
        }

    @property
    def is_now(self) -> bool:
        """Whether it follows the present."""
        return not (self.as_of or self.known_at or self.upto)

    def but(self, **changes: str) -> State:
        """The state with some of it changed."""
        return replace(self, **changes)

    def query(self, **more: str) -> str:
        """The address's part behind the path, with its question mark; empty where there is nothing to say."""
        told = {field.name: getattr(self, field.name) for field in fields(self)} | more
        text = urlencode({name: value for name, value in told.items() if value})
        return f"?{text}" if text else ""
