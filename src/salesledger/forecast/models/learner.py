"""Gradient boosting: the chance of each deal to be won within the period, learned from the deals of past origins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

import numpy as np

from salesledger.forecast.calendar import Calendar, told_weeks, weeks_left
from salesledger.forecast.distribution import Forecast, TooLittle, rising
from salesledger.forecast.models.learner_rows import CATEGORICAL, Training, features
from salesledger.forecast.settling import Past
from salesledger.forecast.snapshots import Became, Snapshots
from salesledger.forecast.spread import shifted_gamma
from salesledger.forecast.week import Real, Span, Week
from salesledger.forecast.worth import filled, mean_win

_WINS_AT_LEAST = 60
_WEEKS_BETWEEN_FITS = 12
_FADING = 0.9
_BREADTH_WEEKS = 1.2


class Learner:
    """Chance × worth of each open deal, and what new deals bring, as a sum of independent parts.

    The chance is that of scikit-learn's `HistGradientBoostingClassifier` (after LightGBM: Ke et al. 2017), fitted again when a
    period has been settled, at most once in twelve weeks. It sees the same deal at many origins; rows are thinned.
    """

    name = "learner"

    def __init__(self, calendar: Calendar, offsets: Sequence[int]) -> None:
        self._snapshots = Snapshots(calendar, offsets)
        self._training = Training()
        self._new = Past()
        self._worths = _Worths()
        self._fitted: Any = None
        self._fitted_at = -_WEEKS_BETWEEN_FITS

    def learn(self, week: Week) -> None:
        """Takes in what became of the deals of settled periods, and fits again when it is time."""
        fresh = False
        for became in self._snapshots.learn(week):
            self._training.add(became)
            self._new.add([(b.offset, b.left, b.new / b.then.pace) for b in became])
            self._worths.add(became)
            fresh = True
        if fresh and week.number - self._fitted_at >= _WEEKS_BETWEEN_FITS and self._training.wins >= _WINS_AT_LEAST:
            self._fitted = _fit(*self._training.all())
            self._fitted_at = week.number

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """A distribution for each period, from enough wins on."""
        chances = self.chances(week, spans)
        if chances is None:
            wins = self._training.wins
            return [TooLittle(f"it learns from {_WINS_AT_LEAST} settled wins on, and there are {wins}")] * len(spans)
        worth, spread = self._worths.expected(week)
        return [self._at(week, span, each, worth, spread) for span, each in zip(spans, chances, strict=True)]

    def chances(self, week: Week, spans: Sequence[Span]) -> list[Real] | None:
        """The chance of each open deal to be won within each period; None before enough is settled."""
        if self._fitted is None:
            return None
        if not len(week.open):
            return [np.zeros(0)] * len(spans)
        rows = np.concatenate([features(week.open, week.on, span) for span in spans])
        with _one_thread():
            return np.split(self._fitted.predict_proba(rows)[:, 1], len(spans))

    def _at(self, week: Week, span: Span, chances: Real, worth: Real, spread: float) -> Forecast | TooLittle:
        new, weights = self._new.near(span.offset, weeks_left(week.on, span), _BREADTH_WEEKS)
        if not len(new):
            return TooLittle(f"no settled period was seen {told_weeks(weeks_left(week.on, span))} before its end")
        coming = max(float((new * weights).sum() / weights.sum()), 0.0) * self._snapshots.pace
        won = week.booked(span.begin, span.end)
        quantiles = _sum(chances, worth, spread, coming, mean_win(week))
        return Forecast(won + float((chances * worth).sum()) + coming, rising(won + quantiles, won))


def _sum(chances: Real, worth: Real, spread: float, coming: float, usual: float) -> Real:
    """Quantiles of what open deals bring, each won or not by itself, and of a Poisson number of new ones of exponential size."""
    second, third = (worth**k * (1 + spread**2) ** (k * (k - 1) / 2) for k in (2, 3))
    mean = chances * worth
    variance = chances * second - mean**2
    skewness = chances * third - 3 * mean * chances * second + 2 * mean**3
    return shifted_gamma(
        float(mean.sum()) + coming,
        float(variance.sum()) + 2 * usual * coming,
        float(skewness.sum()) + 6 * usual**2 * coming,
    )


class _Worths:
    """What deals are won for, compared to what they seemed worth before."""

    def __init__(self) -> None:
        self._then = self._won = self._square = self._count = 0.0

    def add(self, became: Sequence[Became]) -> None:
        """Takes in the wins of a settled period."""
        for cell in ("_then", "_won", "_square", "_count"):
            setattr(self, cell, _FADING * getattr(self, cell))
        for origin in became:
            value = origin.then.open.value
            known = (value > 0) & (origin.worth > 0)
            self._then += float(value[known].sum())
            self._won += float(origin.worth[known].sum())
            self._square += float((np.log(origin.worth[known] / value[known]) ** 2).sum())
            self._count += int(known.sum())

    def expected(self, week: Week) -> tuple[Real, float]:
        """What each open deal is expected to be won for, and how far that is off, as a share."""
        value, _ = filled(week.open, mean_win(week))
        if not self._count:
            return value, 0.0
        known = ~np.isnan(week.open.value)
        worth = np.where(known, value * (self._won / self._then), value)
        return worth, min(float(np.sqrt(self._square / self._count)), 1.0)


def _fit(rows: Real, won: Real) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        learning_rate=0.08,
        max_iter=80,
        max_leaf_nodes=12,
        min_samples_leaf=100,
        l2_regularization=5.0,
        categorical_features=list(CATEGORICAL),
        early_stopping=False,
        random_state=0,
    )
    told = np.where(np.isnan(rows).all(axis=0), 0.0, rows)
    with _one_thread():
        return model.fit(told, won)


@lru_cache(maxsize=1)
def _pools() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _one_thread() -> AbstractContextManager[Any]:
    """One thread, so that the same rows give the same bits on any machine, and a few rows don't wait for many threads."""
    held: AbstractContextManager[Any] = _pools().limit(limits=1)
    return held
