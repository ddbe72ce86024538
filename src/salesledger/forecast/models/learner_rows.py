"""What the learner looks at: a row of numbers for each deal at an origin, and which rows it is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from salesledger.forecast.snapshots import Became
from salesledger.forecast.week import UNKNOWN_DAY, Deals, Mask, Real, Span, Whole, day_number

_CODED = ("stage", "category", "source", "owner", "segment", "product", "growth")
_MOST_CODES = 200
_PERIOD_ROWS = 10_000
_MOST_PERIODS = 12

CATEGORICAL: tuple[bool, ...] = (*(True for _ in _CODED), *(False for _ in range(10)))
"""Which columns are codes."""


def features(deals: Deals, on: date, span: Span) -> Real:
    """A row for each deal.

    The columns: codes of stage, category, source, owner, segment, product and growth (those behind the 200th put together);
    the stage's default chance; weeks in the stage; age in weeks; logarithm of the value; the value's recurring share;
    weeks to the expected close (-26 to 52); whether that lies before, in or behind the period; weeks to the period's begin, 0
    where it has begun; weeks to its end; the period's offset. NaN where nobody told.
    """
    today = day_number(on)
    told = deals.expected != UNKNOWN_DAY
    begin, end = day_number(span.begin), day_number(span.end)
    where = np.where(deals.expected < begin, -1.0, np.where(deals.expected < end, 0.0, 1.0))
    count = len(deals)
    with np.errstate(divide="ignore", invalid="ignore"):
        recurring = np.where(deals.value > 0, deals.recurring / deals.value, np.nan)
        size = np.where(deals.value > 0, np.log(deals.value), np.nan)
    return np.column_stack(
        [
            *(np.minimum(getattr(deals, name), _MOST_CODES).astype(float) for name in _CODED),
            deals.chance,
            deals.weeks.astype(float),
            (today - deals.captured) / 7,
            size,
            recurring,
            np.where(told, np.clip((deals.expected - today) / 7, -26, 52), np.nan),
            np.where(told, where, np.nan),
            np.full(count, max(begin - today - 1, 0) / 7),
            np.full(count, (end - today - 1) / 7),
            np.full(count, float(span.offset)),
        ]
    )


@dataclass(frozen=True)
class Rows:
    """Deals at the origins of one settled period.

    Attributes:
        features: a row each.
        won: 1 where it was won within the period.
    """

    features: Real
    won: Real


class Training:
    """The rows of the latest settled periods, thinned to so many a period."""

    def __init__(self) -> None:
        self._periods: list[Rows] = []

    def add(self, became: Sequence[Became]) -> None:
        """Takes in what became of the origins of a settled period."""
        every = sum(len(b.won) for b in became)
        chosen = [(b, _thinned(b.then.open.deal, b.then.week, b.offset, every)) for b in became]
        if every:
            self._periods.append(
                Rows(
                    np.concatenate([features(b.then.open[some], b.then.on, _seen(b)) for b, some in chosen]),
                    np.concatenate([b.won[some] for b, some in chosen]),
                )
            )
        del self._periods[:-_MOST_PERIODS]

    @property
    def periods(self) -> int:
        """How many periods it holds."""
        return len(self._periods)

    @property
    def wins(self) -> int:
        """How many rows are of deals that were won."""
        return int(sum(rows.won.sum() for rows in self._periods))

    def all(self) -> tuple[Real, Real]:
        """Features, and whether won."""
        return (
            np.concatenate([rows.features for rows in self._periods]),
            np.concatenate([rows.won for rows in self._periods]),
        )


def _seen(became: Became) -> Span:
    span = became.span
    return Span(span.label, span.begin, span.end, became.offset)


def _thinned(deal: Whole, week: int, offset: int, every: int) -> Mask:
    """Which deals of an origin are kept: about _PERIOD_ROWS of `every`, always the same ones."""
    mixed = (deal * 2_654_435_761 + week * 40_503 + offset * 9_973) % 65_521
    return mixed * max(every, 1) < _PERIOD_ROWS * 65_521
