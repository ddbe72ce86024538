"""The open deals of past origins, and which of them were won within a period once it is settled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from salesledger.forecast.calendar import Calendar
from salesledger.forecast.settling import Pending
from salesledger.forecast.week import Deals, Real, Span, Week

_STAYING = 0.92
_ENOUGH_WEEKS = 4.0


@dataclass(frozen=True)
class Snapshot:
    """An origin as it was then.

    Attributes:
        week: the origin's number.
        on: its day.
        open: its open deals.
        won: what was won in the period by then.
        pace: how many leads a week came in lately; see `Pace`.
    """

    week: int
    on: date
    open: Deals
    won: float
    pace: float


@dataclass(frozen=True)
class Became:
    """What became of an origin's deals in a settled period.

    Attributes:
        span: the period.
        offset: of the period, seen from the origin.
        left: weeks from the origin to the period's end.
        then: the origin as it was.
        worth: for each open deal what it was won for within the period; NaN where it wasn't, or has no amount.
        won: whether each was won within the period.
        new: what the period's bookings hold besides these deals and what was won by the origin: deals not known then.
    """

    span: Span
    offset: int
    left: int
    then: Snapshot
    worth: Real
    won: Real
    new: float


class Pace:
    """How many leads a week come in, the latest quarter of a year counting most; those of the last weeks aren't all known."""

    def __init__(self) -> None:
        self._leads = 0.0
        self._weeks = 0.0

    def learn(self, week: Week) -> None:
        """Counts the leads of the latest week that is long enough ago."""
        if week.steps is not None:
            self._leads = _STAYING * self._leads + len(week.steps.arrived)
            self._weeks = _STAYING * self._weeks + 1

    @property
    def now(self) -> float:
        """Leads a week; NaN until some weeks of them are known."""
        return self._leads / self._weeks if self._leads and self._weeks >= _ENOUGH_WEEKS else float("nan")


class Snapshots:
    """Keeps origins until their periods are settled."""

    def __init__(self, calendar: Calendar, offsets: Sequence[int]) -> None:
        self._calendar = calendar
        self._offsets = offsets
        self._pending: Pending[Snapshot] = Pending()
        self._pace = Pace()

    @property
    def pace(self) -> float:
        """How many leads a week come in by now."""
        return self._pace.now

    def learn(self, week: Week) -> Iterator[list[Became]]:
        """Keeps a week as an origin, and gives what became of the origins of each period that is settled by now."""
        for settled in self._pending.settle(week):
            yield _became(week, settled.span, settled.actual, settled.origins)
        self._pace.learn(week)
        for span in self._calendar.spans_at(week.on, self._offsets):
            won = week.booked(span.begin, span.end)
            self._pending.keep(week, span, Snapshot(week.number, week.on, week.open, won, self._pace.now))


def _became(week: Week, span: Span, actual: float, origins: Sequence[tuple[int, int, Snapshot]]) -> list[Became]:
    wins = week.won_in(span.begin, span.end)
    latest = max([int(then.open.deal[-1]) for _, _, then in origins if len(then.open)] + [0])
    known = wins[wins.deal <= latest]
    worth = np.full(latest + 1, np.nan)
    worth[known.deal] = known.value
    won = np.zeros(latest + 1)
    won[known.deal] = 1.0
    found = []
    for offset, left, then in origins:
        deals = then.open.deal
        brought = float(np.nansum(worth[deals]))
        found.append(Became(span, offset, left, then, worth[deals], won[deals], actual - then.won - brought))
    return found
