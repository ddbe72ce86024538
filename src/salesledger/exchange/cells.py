"""From the text of a cell to a date, an amount or an id: exactly, or not at all."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from salesledger.domain.clocks import to_utc
from salesledger.domain.values import slug, to_amount
from salesledger.exchange.csv_rows import RowProblem
from salesledger.exchange.rules import ISO, Rules

_LONGEST_DATE = 40
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,6})?)?( ?(Z|[+-]\d{2}:?\d{2}))?)?", re.ASCII)


class Dates:
    """How the dates of some columns are read: in the first of the rules' formats that fits all of them.

    Where none does, a date still counts if every format that fits it means the same instant; else it is ambiguous.

    Args:
        formats: the rules' formats, in order.
        zone: where a date begins.
        texts: every date of the columns that are read together.
    """

    def __init__(self, formats: tuple[str, ...], zone: ZoneInfo, texts: Iterable[str]) -> None:
        self.formats, self.zone = formats, zone
        self._read: dict[str, tuple[datetime | None, ...]] = {text: self._all(text) for text in texts}
        fitting = [row for row in self._read.values() if any(value is not None for value in row)]
        self.chosen = next(
            (i for i in range(len(formats)) if fitting and all(row[i] is not None for row in fitting)), None
        )
        self.used = "" if not fitting else ", ".join(formats if self.chosen is None else [formats[self.chosen]])

    def read(self, column: str, text: str) -> datetime:
        """The instant, in UTC.

        Raises:
            RowProblem: it is no date, or could be several.
        """
        values = self._read.get(text) or self._all(text)
        if self.chosen is not None and values[self.chosen] is not None:
            values = (values[self.chosen],)
        meant = {value for value in values if value is not None}
        if len(meant) > 1:
            raise RowProblem(
                f"{column} is ambiguous",
                f"{shown(text)} could be {' or '.join(sorted(f'{v:%Y-%m-%d}' for v in meant))}",
            )
        if not meant:
            raise RowProblem(f"{column} is not a date", f"{shown(text)} fits none of {', '.join(self.formats)}")
        try:
            return to_utc(meant.pop())
        except (ValueError, OverflowError):
            raise RowProblem(f"{column} is not a date", f"{shown(text)} lies outside 1900 to 2199") from None

    def local_date(self, column: str, text: str) -> date:
        """The day, in the file's zone.

        Raises:
            RowProblem: see `read`.
        """
        return self.read(column, text).astimezone(self.zone).date()

    def _all(self, text: str) -> tuple[datetime | None, ...]:
        return tuple(_in_format(text, form, self.zone) for form in self.formats)


def _in_format(text: str, form: str, zone: ZoneInfo) -> datetime | None:
    if len(text) > _LONGEST_DATE:
        return None
    try:
        if form != ISO:
            read = datetime.strptime(text, form)  # noqa: DTZ007 - the zone is added below
        elif _ISO.fullmatch(text):
            read = datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-").replace(" Z", "Z"))
        else:
            return None
    except ValueError:
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=zone)


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins, in UTC."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


class Amounts:
    """How amounts are written in a file.

    Args:
        rules: they say the decimal mark, what groups digits, and which currency symbols may stand there.
    """

    def __init__(self, rules: Rules) -> None:
        self.symbols = rules.currency_symbols
        self.decimal, self.thousands = rules.decimal, rules.thousands
        point, group = re.escape(rules.decimal), re.escape(rules.thousands or "")
        grouped = rf"|[0-9]{{1,3}}({group}[0-9]{{3}})+" if rules.thousands else ""
        self._written = re.compile(rf"([0-9]+{grouped})({point}[0-9]+)?")

    def read(self, column: str, text: str) -> Decimal:
        """The amount.

        Raises:
            RowProblem: it is no amount, or not written as the rules say.
        """
        bare = text
        for symbol in self.symbols:
            bare = bare.removeprefix(symbol).removesuffix(symbol).strip()
        if not self._written.fullmatch(bare):
            raise RowProblem(f"{column} is not an amount", f"{shown(text)}; amounts are written like {self._sample()}")
        plain = bare.replace(self.thousands, "") if self.thousands else bare
        try:
            return to_amount(plain.replace(self.decimal, "."))
        except ValueError as e:
            raise RowProblem(f"{column} is not an amount", str(e)) from None

    def _sample(self) -> str:
        return f"1{self.thousands or ''}250{self.decimal}50"


def to_short_id(column: str, name: str) -> str:
    """The id of a person, an account or a stage.

    Raises:
        RowProblem: the name has no letter or digit to make one of.
    """
    made = _slug(name)
    if made == "unnamed" and name.casefold() != "unnamed":
        raise RowProblem(f"no id can be made of {column}", f"{shown(name)} has no letter or digit")
    return made


_slug = lru_cache(maxsize=50_000)(slug)


def shown(text: str) -> str:
    """A cell's text for a message: short, and without anything that a terminal would obey."""
    return repr(text if len(text) <= _LONGEST_DATE else text[:_LONGEST_DATE] + "...")
