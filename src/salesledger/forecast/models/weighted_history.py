"""Win rates by stage and weeks to the period's end, learned from settled periods, and what deals not known yet usually add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from salesledger.forecast.calendar import Calendar, told_weeks, weeks_left
from salesledger.forecast.distribution import Forecast, TooLittle
from salesledger.forecast.settling import Past
from salesledger.forecast.snapshots import Became, Snapshots
from salesledger.forecast.week import Real, Span, Week
from salesledger.forecast.worth import filled, mean_win

_FADING = 0.95
_BREADTH_WEEKS = 0.8
_DEALS_OF_ALL_STAGES = 20.0


class WeightedHistory:
    """won so far + Σ rate(stage, weeks left) × value + what new deals bring.

    The rate is wins by settled deal-origins of that cell, weeks nearby included, shrunk to the rate of all stages at that distance
    (the mean of a beta-binomial with a prior worth _DEALS_OF_ALL_STAGES deals; Gelman et al., Bayesian Data Analysis, 2.4).
    Each period counts 0.95 of the next one.
    """

    name = "weighted_history"

    def __init__(self, calendar: Calendar, offsets: Sequence[int]) -> None:
        self._snapshots = Snapshots(calendar, offsets)
        self._new = Past()
        self._periods = 0
        self._counts: dict[tuple[int, int], Real] = {}

    def learn(self, week: Week) -> None:
        """Counts what became of the deals of the origins before each period that is settled now."""
        for became in self._snapshots.learn(week):
            self._fade()
            for origin in became:
                self._count(origin)
            self._new.add([(b.offset, b.left, b.new / b.then.pace) for b in became])
            self._periods += 1

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """A point for each period; asks for one settled period at least."""
        value, _ = filled(week.open, mean_win(week))
        return [self._at(week, span, value) for span in spans]

    def rates(self, offset: int, left: int, stages: int) -> Real:
        """The rate at which deals of each stage are won within the period."""
        counts = np.zeros((2, stages))
        for (at, away), cell in sorted(self._counts.items()):
            if at == offset:
                counts[:, : cell.shape[1]] += np.exp(-0.5 * ((away - left) / _BREADTH_WEEKS) ** 2) * cell
        seen, won = counts
        every = (won.sum() + 0.1) / (seen.sum() + 1.0)
        rates: Real = (won + _DEALS_OF_ALL_STAGES * every) / (seen + _DEALS_OF_ALL_STAGES)
        return rates

    def _at(self, week: Week, span: Span, value: Real) -> Forecast | TooLittle:
        left = weeks_left(week.on, span)
        new, weights = self._new.near(span.offset, left, _BREADTH_WEEKS)
        if not len(new):
            return TooLittle(f"no settled period is known {told_weeks(left)} before its end")
        rates = self.rates(span.offset, left, week.levels["stage"])
        coming = (
            float(np.sum(value * rates[week.open.stage]))
            + max(float(new @ weights / weights.sum()), 0.0) * self._snapshots.pace
        )
        note = f"learned from {self._periods} settled periods only" if self._periods < 4 else ""
        return Forecast(week.booked(span.begin, span.end) + coming, note=note)

    def _fade(self) -> None:
        for cell in self._counts.values():
            cell *= _FADING

    def _count(self, became: Became) -> None:
        stage = became.then.open.stage
        size = int(stage.max()) + 1 if len(stage) else 0
        counted = np.stack([np.bincount(stage, minlength=size), np.bincount(stage, became.won, size)]).astype(float)
        known = self._counts.get((became.offset, became.left), np.zeros((2, 0)))
        wider = np.zeros((2, max(size, known.shape[1])))
        wider[:, : known.shape[1]] += known
        wider[:, :size] += counted
        self._counts[became.offset, became.left] = wider
