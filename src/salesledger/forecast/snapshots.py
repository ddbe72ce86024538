"""The open deals of past origins, and which of them were won within a period once it is settled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from salesledger.forecast.calendar import Calendar
from salesledger.forecast.settling import Pending
from salesledger.forecast.week import Deals, Real, Span, Week


@dataclass(frozen=True)
class Snapshot:
    """An origin as it was then.

    Attributes:
        week: the origin's number.
        open: its open deals.
        won: what was won in the period by then.
    """

    week: int
    open: Deals
    won: float


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


class Snapshots:
    """Keeps origins until their periods are settled."""

    def __init__(self, calendar: Calendar, offsets: Sequence[int]) -> None:
        self._calendar = calendar
        self._offsets = offsets
        self._pending: Pending[Snapshot] = Pending()

    def learn(self, week: Week) -> Iterator[list[Became]]:
        """Keeps a week as an origin, and gives what became of the origins of each period that is settled by now."""
        for settled in self._pending.settle(week):
            yield _became(week, settled.span, settled.actual, settled.origins)
        for span in self._calendar.spans_at(week.on, self._offsets):
            self._pending.keep(week, span, Snapshot(week.number, week.open, week.booked(span.begin, span.end)))


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
