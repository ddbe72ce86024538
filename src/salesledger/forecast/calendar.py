"""The periods that are forecast: weeks, months, quarters or years, counted from an origin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from salesledger.forecast.week import Span
from salesledger.readmodel import periods

_DAY = timedelta(days=1)
_A_YEAR = {"day": 364, "week": 52, "month": 12, "quarter": 4, "year": 1}


@dataclass(frozen=True)
class Calendar:
    """One kind of period.

    Attributes:
        interval: day, week, month, quarter or year.
    """

    interval: periods.Interval = "quarter"

    @property
    def year(self) -> int:
        """How many periods later the same season comes again."""
        return _A_YEAR[self.interval]

    def spans_at(self, on: date, offsets: Sequence[int]) -> list[Span]:
        """The periods at so many places after the one in which the day after `on` lies, which has offset 0."""
        first = self._holding(on + _DAY)
        return [self.shift(first, offset) for offset in offsets]

    def shift(self, span: Span, by: int) -> Span:
        """The period so many places later, or earlier where `by` is negative; its offset moves along."""
        begin, end, label = span.begin, span.end, span.label
        for _ in range(abs(by)):
            near = self._holding(end if by > 0 else begin - _DAY)
            begin, end, label = near.begin, near.end, near.label
        return Span(label, begin, end, span.offset + by)

    def over(self, on: date, latest: int) -> list[Span]:
        """The periods that had ended with the day `on`, the latest so many of them, oldest first; offsets below 0."""
        first = self._holding(on + _DAY)
        return [self.shift(first, -back) for back in range(latest, 0, -1)]

    def _holding(self, day: date) -> Span:
        found = periods.split(periods.Span(day, day + _DAY), self.interval)[0]
        return Span(found.label, found.begin, found.end)


def weeks_left(on: date, span: Span) -> int:
    """The weeks, the last one possibly begun only, from the day after `on` to the period's end; 0 or less once it is over."""
    return -((on + _DAY - span.end).days // 7)


def told_weeks(count: int) -> str:
    """How many weeks, in words."""
    return f"{count} week{'' if count == 1 else 's'}"


def weeks_in(span: Span) -> int:
    """How many weeks a period has, a part of one counted whole."""
    return -((span.begin - span.end).days // 7)
