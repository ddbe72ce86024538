"""What was said or seen at origins, kept until the period it is about is settled, and then by weeks to the period's end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar

import numpy as np

from salesledger.forecast.calendar import weeks_left
from salesledger.forecast.week import Real, Span, Week

Kept = TypeVar("Kept")

_NEARLY_NONE = 0.05


@dataclass(frozen=True)
class Settled(Generic[Kept]):
    """A period that is settled, with what was kept at each origin before its end.

    Attributes:
        span: the period.
        actual: its bookings, as known when it was settled.
        origins: for each origin its offset, the weeks that were left, and what was kept; in their order.
    """

    span: Span
    actual: float
    origins: tuple[tuple[int, int, Kept], ...]


class Pending(Generic[Kept]):
    """What was kept of periods that aren't settled yet."""

    def __init__(self) -> None:
        self._kept: dict[tuple[date, date], tuple[Span, list[tuple[int, int, Kept]]]] = {}

    def keep(self, week: Week, span: Span, what: Kept) -> None:
        """Remembers something about a period at an origin."""
        _, origins = self._kept.setdefault((span.begin, span.end), (span, []))
        origins.append((span.offset, weeks_left(week.on, span), what))

    def settle(self, week: Week) -> Iterator[Settled[Kept]]:
        """Gives the periods that are settled by now, each once, the earliest first."""
        for key in sorted(self._kept):
            span, origins = self._kept[key]
            if week.settled(span):
                del self._kept[key]
                yield Settled(span, week.booked(span.begin, span.end), tuple(origins))


@dataclass
class Past:
    """One number for each origin of settled periods, found again by offset and weeks to the end.

    What was wrong by one week of a period is wrong by the next as well. Each period therefore counts once, with the mean of its
    origins near the distance asked about, and later periods count more.

    Attributes:
        fading: what a period counts, compared to the one settled after it.
    """

    fading: float = 0.92
    periods: int = 0
    _rows: list[tuple[int, int, int, float]] = field(default_factory=list)
    _table: Real = field(default_factory=lambda: np.empty((0, 4)))

    def add(self, rows: list[tuple[int, int, float]]) -> None:
        """Takes in the next settled period: for each of its origins offset, weeks left and the number; NaN is left out."""
        self._rows += [(self.periods, offset, left, what) for offset, left, what in rows if np.isfinite(what)]
        self._table = np.array(self._rows, float).reshape(-1, 4)
        self.periods += 1

    def near(self, offset: int, left: int, breadth: float) -> tuple[Real, Real]:
        """What the settled periods tell about a distance.

        Args:
            offset: whose rows count.
            left: weeks to the end.
            breadth: how many weeks away a row counts about 0.6 of one at that distance.

        Returns:
            A number for each period that has some nearby, and how much each period counts.
        """
        numbers, fading = self.periods_of(offset, left, breadth)
        there = ~np.isnan(numbers)
        return numbers[there], fading[there]

    def periods_of(self, offset: int, left: int = 0, breadth: float = np.inf) -> tuple[Real, Real]:
        """The same for all periods in their order, NaN where one has no number nearby; of all distances if none is named."""
        table = self._table[self._table[:, 1] == offset]
        period = table[:, 0].astype(np.int64)
        nearness = np.exp(-0.5 * ((table[:, 2] - left) / breadth) ** 2)
        weight = np.bincount(period, nearness, self.periods)
        total = np.bincount(period, nearness * table[:, 3], self.periods)
        numbers = np.where(weight > _NEARLY_NONE, total / np.maximum(weight, _NEARLY_NONE), np.nan)
        return numbers, self.fading ** np.arange(self.periods - 1, -1, -1, dtype=float)


def effective(weights: Real) -> float:
    """How many equal periods weigh as much as these (Kish 1965); 0 for none."""
    return float(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0.0
