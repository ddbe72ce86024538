"""Dates, instants and periods as people type them: the one grammar behind every option that takes a time."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Literal

from salesledger.errors import BadDate, BadPeriod

Interval = Literal["day", "week", "month", "quarter", "year"]
INTERVALS: tuple[Interval, ...] = ("day", "week", "month", "quarter", "year")
MOST_PERIODS = 10_000

_YEARS = (1900, 2200)
_LONGEST_TEXT = 100
_MONTHS_IN = {"month": 1, "quarter": 3, "year": 12}
_MONTHS = "january february march april may june july august september october november december".split()  # noqa: SIM905
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()  # noqa: SIM905
_NEAR = {"yesterday": "last day", "today": "this day", "tomorrow": "next day"}
_WHICH = {"last": -1, "this": 0, "next": 1}
_ADVERBS = {"daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year"}

_UNIT = "(?P<unit>day|week|month|quarter|year)"
_FIXED = re.compile(
    r"(?P<year>[0-9]{4})(?:"
    r"(?P<mark>[-/])(?P<month>[0-9]{1,2})(?:(?P=mark)(?P<day>[0-9]{1,2}))?"
    r"|-?q(?P<quarter>[0-9])"
    r"|-?w(?P<week>[0-9]{1,2})"
    r")?"
)
_WHICH_UNIT = re.compile(f"(?P<which>last|this|next) ?{_UNIT}")
_WHICH_WEEKDAY = re.compile("(?:(?P<which>last|this|next) ?)?(?P<weekday>[a-z]+)")
_BACK = re.compile(f"(?P<count>[0-9]{{1,6}}) {_UNIT}s? ago")
_AHEAD = re.compile(f"in (?P<count>[0-9]{{1,6}}) {_UNIT}s?")
_MONTH_NAME = re.compile("(?P<month>[a-z]+)(?: (?P<year>[0-9]{4}))?")
_QUARTER = re.compile("q[0-9]")
_INSTANT = re.compile(
    r"(?P<day>.+)[t ](?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?)?"
    r"(?P<offset>z|(?P<sign>[+-])(?P<off_hour>[0-9]{2})(?::?(?P<off_minute>[0-9]{2}))?)?"
)
_INTERVAL_WORDS = re.compile(f"(?:(?P<adverb>{'|'.join(_ADVERBS)})|every {_UNIT})(?: (?P<rest>.+))?")


class _Unclear(ValueError):
    """Why a text can't be understood; turned into BadDate or BadPeriod where the user's whole text is known."""


@dataclass(frozen=True, slots=True)
class Span:
    """The days from `begin` up to, not including, `end`; None leaves that side open.

    Raises:
        BadPeriod: It ends before or where it begins.
    """

    begin: date | None = None
    end: date | None = None

    def __post_init__(self) -> None:
        if self.begin is not None and self.end is not None and self.end <= self.begin:
            raise BadPeriod(self.label, "its end must be later than its begin")

    @property
    def label(self) -> str:
        """The shortest text that means these days: 2026Q1, 2026-01-05..2026-02-07, 2026-01-05.. or just `..`."""
        if self.begin is not None and self.end is not None:
            for unit in reversed(INTERVALS):
                if _around(self.begin, unit) == (self.begin, self.end):
                    return _name(self.begin, unit)
        return f"{self.begin or ''}..{self.end or ''}"

    def begins_at(self, zone: tzinfo) -> datetime | None:
        """The UTC instant at which the first day starts in `zone`; None where open."""
        return None if self.begin is None else _midnight(self.begin, zone)

    def ends_at(self, zone: tzinfo) -> datetime | None:
        """The first UTC instant that no longer belongs to it; None where open."""
        return None if self.end is None else _midnight(self.end, zone)


@dataclass(frozen=True, slots=True)
class Period:
    """A labelled bucket of days, `end` exclusive, both ends known."""

    label: str
    begin: date
    end: date

    def begins_at(self, zone: tzinfo) -> datetime:
        """The UTC instant at which the first day starts in `zone`."""
        return _midnight(self.begin, zone)

    def ends_at(self, zone: tzinfo) -> datetime:
        """The first UTC instant that no longer belongs to it."""
        return _midnight(self.end, zone)


def parse_date(text: str, today: date) -> date:
    """Reads a day; of a longer stretch (2026Q1, last month, march) its first day.

    `friday` and `this friday` lie in today's week (Monday to Sunday); `last friday` is the latest one before today and
    `next friday` the first one after it. `2 months ago` keeps the day of the month, or takes the month's last.

    Raises:
        BadDate: It isn't one, or lies outside 1900 to 2200.
    """
    try:
        words = _tidy(text)
        if _INSTANT.fullmatch(words):
            raise _Unclear("leave the time of day out here")
        return _read(words, today)[0]
    except _Unclear as unclear:
        raise BadDate(_shown(text), str(unclear)) from None


def parse_moment(text: str, today: date, zone: tzinfo, *, end_of_day: bool) -> datetime:
    """Reads an instant, or a day (or a longer stretch) of which it takes one end.

    An instant is a day with a time (2026-03-31T14:30, also with seconds, a fraction, Z or an offset). Without offset
    it is local time in `zone`, the earlier of two where clocks go back. Digits beyond microseconds are cut off.

    Args:
        text: What was typed.
        today: What `yesterday` and its like are counted from.
        zone: Where days begin and end.
        end_of_day: True takes a stretch's last microsecond (`--as-of`, `--known-at`), False its start (`--on`).

    Returns:
        An aware UTC datetime.

    Raises:
        BadDate: It is neither.
    """
    try:
        words = _tidy(text)
        match = _INSTANT.fullmatch(words)
        if match is not None:
            return _instant(match, today, zone)
        begin, end = _read(words, today)
        return _midnight(end, zone) - timedelta(microseconds=1) if end_of_day else _midnight(begin, zone)
    except _Unclear as unclear:
        raise BadDate(_shown(text), str(unclear)) from None


def parse_calendar(text: str) -> Period:
    """Reads what means the same on any day: an ISO date, 2026, 2026Q1, 2026-03 or 2026-W05.

    Raises:
        BadDate: It isn't one, or is counted from today.
    """
    try:
        days = _fixed(_tidy(text))
        if days is None:
            raise _Unclear()
    except _Unclear as unclear:
        raise BadDate(_shown(text), str(unclear)) from None
    return Period(Span(*days).label, *days)


def parse_period(text: str, today: date) -> tuple[Span, Interval | None]:
    """Reads a period expression as hledger has it: an interval, a span, or both.

    A span is anything that `parse_date` takes (meaning the whole of it), `A..B`, `A..`, `..B`, `A to B`, `from A`,
    `to B`; the first day of B is the first that doesn't belong. `monthly`, `every month` and their like may precede it,
    and alone leave both ends open.

    Raises:
        BadPeriod: It isn't one, or its end isn't later than its begin.
    """
    try:
        words = _tidy(text)
        interval: Interval | None = None
        match = _INTERVAL_WORDS.fullmatch(words)
        if match is not None:
            interval = _interval(match["unit"] or _ADVERBS[match["adverb"]])
            words = match["rest"] or ""
            if not words:
                return Span(), interval
        begin, end = _read_range(words, today)
        if begin is not None and end is not None and end <= begin:
            raise _Unclear("its end must be later than its begin")
        return Span(begin, end), interval
    except _Unclear as unclear:
        raise BadPeriod(_shown(text), str(unclear)) from None


def intersect(*spans: Span) -> Span:
    """The days that all spans share; of none at all, every day.

    Raises:
        BadPeriod: They share none.
    """
    return Span(
        max((span.begin for span in spans if span.begin is not None), default=None),
        min((span.end for span in spans if span.end is not None), default=None),
    )


def split(span: Span, interval: str | None) -> list[Period]:
    """Cuts a span into whole calendar buckets, in order, widening it to the buckets that hold its first and last day.

    Args:
        span: Both ends known.
        interval: One of INTERVALS, or None for the span itself as the only period.

    Raises:
        BadPeriod: An end is open, the interval is unknown, or there would be more than MOST_PERIODS.
    """
    if span.begin is None or span.end is None:
        raise BadPeriod(span.label, "both ends must be known here")
    if interval is None:
        return [Period(span.label, span.begin, span.end)]
    unit = _interval(interval)
    periods: list[Period] = []
    begin = span.begin
    while begin < span.end:
        if len(periods) == MOST_PERIODS:
            raise BadPeriod(
                span.label, f"it has more than {MOST_PERIODS:,} {unit}s; take a longer interval or fewer days"
            )
        first, begin = _around(begin, unit)
        periods.append(Period(_name(first, unit), first, begin))
    return periods


def _tidy(text: str) -> str:
    if len(text) > _LONGEST_TEXT:
        raise _Unclear(f"it is longer than {_LONGEST_TEXT} characters")
    stripped = text.strip()
    if not stripped.isprintable():
        raise _Unclear("it holds a character that can't be printed")
    if not stripped:
        raise _Unclear("it is empty")
    return " ".join(stripped.lower().split())


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[:40] + "..."


def _interval(word: str) -> Interval:
    for interval in INTERVALS:
        if word == interval:
            return interval
    raise BadPeriod(_shown(word), f"an interval is one of {', '.join(INTERVALS)}")


def _read(words: str, today: date) -> tuple[date, date]:
    """The first day that the words mean, and the first day after."""
    days = _fixed(words) or _relative(words, today)
    if days is None:
        raise _Unclear()
    _within("year", days[0].year, *_YEARS)
    return days


def _read_range(words: str, today: date) -> tuple[date | None, date | None]:
    spelt = re.sub("(?:^| )(?:to|until) ", "..", words)
    opened = re.sub("^(?:from|since) ", "", spelt)
    if opened != spelt and ".." not in opened:
        opened += ".."
    first, dots, last = opened.partition("..")
    if not dots:
        return _read(words if _AHEAD.fullmatch(words) else words.removeprefix("in "), today)
    if not first.strip() and not last.strip():
        raise _Unclear("name its begin or its end")
    return _read_side(first, today), _read_side(last, today)


def _read_side(words: str, today: date) -> date | None:
    words = words.strip()
    if not words:
        return None
    try:
        return _read(words, today)[0]
    except _Unclear as unclear:
        raise _Unclear(f"{words!r}: {unclear}" if str(unclear) else f"{words!r} is not a date") from None


def _fixed(words: str) -> tuple[date, date] | None:
    if re.fullmatch("[0-9]{8}", words):
        words = f"{words[:4]}-{words[4:6]}-{words[6:]}"
    match = _FIXED.fullmatch(words)
    if match is None:
        return None
    year = _within("year", match["year"], *_YEARS)
    if match["week"]:
        week = _within("week", match["week"], 1, date(year, 12, 28).isocalendar().week)
        return _around(date.fromisocalendar(year, week, 1), "week")
    if match["quarter"]:
        quarter = _within("quarter", match["quarter"], 1, 4)
        return _around(date(year, 3 * quarter, 1), "quarter")
    if not match["month"]:
        return _around(date(year, 1, 1), "year")
    month = _within("month", match["month"], 1, 12)
    if not match["day"]:
        return _around(date(year, month, 1), "month")
    day = _within("day", match["day"], 1, monthrange(year, month)[1])
    return _around(date(year, month, day), "day")


def _relative(words: str, today: date) -> tuple[date, date] | None:
    if match := _WHICH_UNIT.fullmatch(_NEAR.get(words, words)):
        unit = _interval(match["unit"])
        return _around(_shift(today, _WHICH[match["which"]], unit), unit)
    for sign, pattern in ((-1, _BACK), (1, _AHEAD)):
        if match := pattern.fullmatch(words):
            return _around(_shift(today, sign * int(match["count"]), match["unit"]), "day")
    if _QUARTER.fullmatch(words):
        return _fixed(f"{today.year:04}{words}")
    if (match := _WHICH_WEEKDAY.fullmatch(words)) and (weekday := _index(match["weekday"], _WEEKDAYS)) is not None:
        ahead = weekday - today.weekday()
        if match["which"] == "last" and ahead >= 0:
            ahead -= 7
        elif match["which"] == "next" and ahead <= 0:
            ahead += 7
        return _around(_shift(today, ahead, "day"), "day")
    if (match := _MONTH_NAME.fullmatch(words)) and (month := _index(match["month"], _MONTHS)) is not None:
        return _fixed(f"{int(match['year'] or today.year):04}-{month + 1:02}")
    return None


def _instant(match: re.Match[str], today: date, zone: tzinfo) -> datetime:
    begin, end = _read(match["day"].strip(), today)
    if end - begin > timedelta(days=1):
        raise _Unclear("a time of day needs a single day before it")
    hour, minute = _within("hour", match["hour"], 0, 23), _within("minute", match["minute"], 0, 59)
    second, micros = _within("second", match["second"], 0, 59), int((match["fraction"] or "").ljust(6, "0")[:6])
    if match["offset"]:
        hours, minutes = _within("offset", match["off_hour"], 0, 23), _within("offset", match["off_minute"], 0, 59)
        ahead = timedelta(hours=hours, minutes=minutes)
        zone = timezone(-ahead if match["sign"] == "-" else ahead)
    return datetime.combine(begin, time(hour, minute, second, micros, tzinfo=zone)).astimezone(UTC)


def _within(what: str, digits: str | int | None, least: int, most: int) -> int:
    number = int(digits or 0)
    if not least <= number <= most:
        raise _Unclear(f"{what} {number} is out of range {least}..{most}")
    return number


def _index(word: str, names: list[str]) -> int | None:
    """Which of the names the word is, in full or by its first three letters."""
    return next((number for number, name in enumerate(names) if word in (name, name[:3])), None)


def _shift(day: date, count: int, unit: str) -> date:
    """The day that many units later, kept within its month and within what a date can hold."""
    if unit in _MONTHS_IN:
        year, month = divmod(day.year * 12 + day.month - 1 + count * _MONTHS_IN[unit], 12)
        if MINYEAR <= year <= MAXYEAR:
            return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
    else:
        try:
            return day + timedelta(days=count * (7 if unit == "week" else 1))
        except OverflowError:
            pass
    return date.max if count > 0 else date.min


def _around(day: date, unit: Interval) -> tuple[date, date]:
    """The calendar bucket that holds the day: its first day and the first one after it (at most date.max)."""
    if unit == "week":
        day -= timedelta(days=day.weekday())
    elif unit in _MONTHS_IN:
        day = date(day.year, day.month - (day.month - 1) % _MONTHS_IN[unit], 1)
    return day, _shift(day, 1, unit)


def _name(begin: date, unit: Interval) -> str:
    if unit == "year":
        return f"{begin.year:04}"
    if unit == "quarter":
        return f"{begin.year:04}Q{(begin.month + 2) // 3}"
    if unit == "month":
        return f"{begin.year:04}-{begin.month:02}"
    if unit == "week":
        year, week, _ = begin.isocalendar()
        return f"{year:04}-W{week:02}"
    return begin.isoformat()


def _midnight(day: date, zone: tzinfo) -> datetime:
    # Where the clocks jump over midnight, `fold=0` reads 00:00 by the old offset: the instant of the jump itself.
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
