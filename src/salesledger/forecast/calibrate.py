"""Spread learned from a model's own past: a point becomes a distribution, a distribution gets the width that it should have had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from salesledger.forecast.calendar import weeks_in, weeks_left
from salesledger.forecast.distribution import LEVELS, MIDDLE, Forecast, TooLittle, rising
from salesledger.forecast.model import Model
from salesledger.forecast.settling import Past, Pending, effective
from salesledger.forecast.spread import student
from salesledger.forecast.week import Real, Span, Week

_FEW = 4
_FADING = 0.85
_LITTLE = 0.02
_BREADTH = 0.15
_PERIODS_OF_NO_BIAS = 0.3
_WORST = 4.0
_BIAS_A_PERIOD = 1.0
_OUTER = 4
_WIDEST = 0.9
_FREEDOM_OF_DEFAULT = 1.4
_LEAST_VARIANCE = 1e-6
_DEFAULT_SPREAD = 0.3

_PERIODS_OF_RIGHT_WIDTH = 3.0
_WIDEST_ERROR = 4.0


def _breadth(left: int) -> float:
    """How far from a distance its neighbours still tell about it: less near the end, where a week changes much."""
    return max(0.7, _BREADTH * left)


def default_spread(offset: int, left: int, weeks: int) -> float:
    """How wrong, as a logarithm, a point is taken to be before its own past tells: less the less of the period is left."""
    return _DEFAULT_SPREAD * float(np.sqrt(min(1.0, left / max(weeks, 1)))) if offset == 0 else _DEFAULT_SPREAD


def stepped_back(
    answers: Sequence[Forecast | TooLittle], told: Mapping[str, Sequence[Forecast | TooLittle]], instead: str
) -> list[Forecast | TooLittle]:
    """Puts what a simpler model said, noted, in the place of what a model can't tell.

    Args:
        answers: what the model says.
        told: what models before it said.
        instead: the name of the simpler one; empty for none.
    """
    simpler = told.get(instead, answers)
    return [_simpler(mine, other, instead) for mine, other in zip(answers, simpler, strict=True)]


def _simpler(mine: Forecast | TooLittle, other: Forecast | TooLittle, name: str) -> Forecast | TooLittle:
    if isinstance(mine, Forecast) or isinstance(other, TooLittle):
        return mine
    note = "; ".join(n for n in (f"{mine.why}: {name} instead", other.note) if n)
    return replace(other, note=note, raw=mine)


class Dressed:
    """A model that gives points, dressed with its own past errors at the same distance to the period's end.

    An error is the logarithm of (actual + c) ÷ (point + c), c being 2 % of what is usually booked. Its mean over settled periods
    is the bias that is taken out, its variance the width. The logarithm of the width is shrunk to that of a default, which counts
    1.4 degrees of freedom (it may be wrong by a factor of 1.8 either way), and the width grows by what so few periods leave open:
    Student's predictive distribution of a normal sample (Gelman et al., Bayesian Data Analysis, 3.2). Nothing lies below what is
    won already. One period can't shift the point by more than a factor of e, two by e squared and so on, and the mean leaves out
    how far the outermost 5 % go: so little can't be known of them.
    """

    def __init__(self, inner: Model, instead: str = "") -> None:
        self.name = inner.name
        self.inner = inner
        self._instead = instead
        self._pending: Pending[float] = Pending()
        self._errors = Past(_FADING)
        self._usual = Past()

    def learn(self, week: Week) -> None:
        """Takes in the errors of the periods that are settled now."""
        self.inner.learn(week)
        for settled in self._pending.settle(week):
            self._usual.add([(0, 0, settled.actual)])
            little = self._little()
            if little > 0:
                self._errors.add(
                    [(o, left, _error(settled.actual, point, little)) for o, left, point in settled.origins]
                )

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """The inner model's points with a spread around them."""
        said = self.inner.forecast(week, spans, told)
        mine = [self._dressed(week, span, each) for span, each in zip(spans, said, strict=True)]
        return stepped_back(mine, told, self._instead)

    def _dressed(self, week: Week, span: Span, point: Forecast | TooLittle) -> Forecast | TooLittle:
        if isinstance(point, TooLittle):
            return point
        left = weeks_left(week.on, span)
        default = default_spread(span.offset, left, weeks_in(span))
        self._pending.keep(week, span, point.mean)
        little = self._little()
        if point.mean + little <= 0:
            return TooLittle("it expects nothing at all, and no settled period tells how wrong that may be")
        errors, weights = self._errors.near(span.offset, left, _breadth(left))
        bias, sd, freedom = _predictive(errors, weights, default)
        won = week.booked(span.begin, span.end)
        quantiles = rising((max(point.mean, 0.0) + little) * np.exp(bias + sd * student(freedom)) - little, won)
        few = f"the spread is mostly a default: {_periods(len(errors))} its errors" if len(errors) < _FEW else ""
        middle = np.clip(quantiles, quantiles[_OUTER], quantiles[-1 - _OUTER])
        return Forecast(float(middle.mean()), quantiles, "; ".join(n for n in (point.note, few) if n))

    def _little(self) -> float:
        usual, weights = self._usual.near(0, 0, 1.0)
        return _LITTLE * float(usual @ weights / weights.sum()) if len(usual) else 0.0


def _periods(count: int) -> str:
    return "1 settled period tells" if count == 1 else f"{count} settled periods tell"


def _error(actual: float, point: float, little: float) -> float:
    return float(np.clip(np.log((actual + little) / (max(point, 0.0) + little)), -_WORST, _WORST))


def _predictive(errors: Real, weights: Real, default: float) -> tuple[float, float, float]:
    """Mean, standard deviation and degrees of freedom of the next error."""
    n = effective(weights)
    if not len(errors):
        return 0.0, default, 3.0
    mean = float(errors @ weights / weights.sum())
    freedom = n - 1 + _FREEDOM_OF_DEFAULT
    spread = default
    if n > 1:
        variance = float(((errors - mean) ** 2) @ weights / weights.sum()) * n / (n - 1)
        trust = (n - 1) / freedom
        spread = float(np.sqrt(max(variance, _LEAST_VARIANCE)) ** trust * default ** (1 - trust))
    most = _BIAS_A_PERIOD * len(errors)
    bias = float(np.clip(mean, -most, most)) * n / (n + _PERIODS_OF_NO_BIAS)
    return bias, min(spread * float(np.sqrt(1 + 1 / n)), _WIDEST), freedom


class Recalibrated:
    """A model that gives distributions, with the width that they should have had in settled periods.

    How far the actual lay from the median is measured in half-widths of the central 68 % on its side. Were the distributions
    right, the square of that would be 1 on average. Its mean over settled periods near the same distance, shrunk to 1 as if three
    periods had shown just that, is the square of the factor by which the distribution is stretched; with n periods it grows by
    1 + 1/(3 + n), for what these and those three leave open. Errors within one period go together: periods count, not origins.

    What pulls all deals together doesn't show in a model that takes them as independent. Before four settled periods tell of
    that, an error of its own is added: that of a point of which nothing is known yet, less a quarter for each settled period.

    The mean stays, unless its bias is to be taken out: what came on top of what was won, compared to what was said would come, as a
    logarithm, averaged in the same way and shrunk to none.

    Args:
        inner: the model.
        instead: the simpler model that is heard where that one can't tell.
        unbiased: as if so many periods had shown no bias; None leaves the mean as it is.

    Attributes:
        inner: the model, as it is.
    """

    def __init__(self, inner: Model, instead: str = "", unbiased: float | None = None) -> None:
        self.name = inner.name
        self.inner = inner
        self._instead = instead
        self._unbiased = unbiased
        self._pending: Pending[tuple[Forecast, Real, float]] = Pending()
        self._squares = Past(_FADING)
        self._biases = Past(_FADING)

    def learn(self, week: Week) -> None:
        """Takes in how far off the periods were that are settled now."""
        self.inner.learn(week)
        for settled in self._pending.settle(week):
            actual, origins = settled.actual, settled.origins
            self._squares.add([(o, left, _distance(shifted, actual) ** 2) for o, left, (_, shifted, _) in origins])
            self._biases.add([(o, left, _more(actual, raw.mean, won)) for o, left, (raw, _, won) in origins])

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """The inner model's distributions, stretched or narrowed."""
        said = self.inner.forecast(week, spans, told)
        mine = [self._stretched(week, span, each) for span, each in zip(spans, said, strict=True)]
        return stepped_back(mine, told, self._instead)

    def _stretched(self, week: Week, span: Span, raw: Forecast | TooLittle) -> Forecast | TooLittle:
        if isinstance(raw, TooLittle) or raw.quantiles is None:
            return raw
        left = weeks_left(week.on, span)
        won = week.booked(span.begin, span.end)
        times = self._times(span.offset, left)
        mean, shifted = won + times * (raw.mean - won), won + times * (raw.quantiles - won)
        self._pending.keep(week, span, (raw, shifted, won))
        settled = len(self._squares.near(span.offset, left, 1.0 + 0.3 * left)[0])
        lacking = max(0.0, 1 - settled / _FEW)
        unknown = lacking * default_spread(span.offset, left, weeks_in(span)) * mean
        wider = self.factor(span.offset, left) * _widened(shifted, unknown)
        few = f"the spread is partly a default: {_periods(settled)} its errors" if lacking else ""
        note = "; ".join(n for n in (raw.note, few) if n)
        return Forecast(mean, rising(mean + wider * (shifted - mean), won), note, raw=raw)

    def _times(self, offset: int, left: int) -> float:
        """How much more comes than was said, usually; 1 where the mean is left alone."""
        biases, weights = self._biases.near(offset, left, 1.0 + 0.3 * left)
        if self._unbiased is None or not len(biases):
            return 1.0
        periods = effective(weights)
        bias = float(biases @ weights / weights.sum()) * periods / (periods + self._unbiased)
        return float(np.exp(bias))

    def factor(self, offset: int, left: int) -> float:
        """By how much a distribution at that distance is stretched."""
        squares, weights = self._squares.near(offset, left, 1.0 + 0.3 * left)
        periods = float(weights.sum()) + _PERIODS_OF_RIGHT_WIDTH
        square = (float(squares @ weights) + _PERIODS_OF_RIGHT_WIDTH) / periods
        return float(np.sqrt(square * (1 + 1 / periods)))


def _widened(quantiles: Real, unknown: float) -> float:
    """How many times as wide a distribution becomes by an independent error of that standard deviation."""
    low, high = (float(np.interp(level, LEVELS, quantiles)) for level in (0.1587, 0.8413))
    own = (high - low) / 2
    return float(np.hypot(1.0, unknown / own)) if own > 0 else 1.0


def _more(actual: float, mean: float, won: float) -> float:
    """The logarithm of what came on top of what was won ÷ what was said would come, 5 % of the mean added to both; NaN without."""
    little = 0.05 * mean
    return float(np.log((max(actual - won, 0.0) + little) / (max(mean - won, 0.0) + little))) if little > 0 else np.nan


def _distance(quantiles: Real, actual: float) -> float:
    """How far an actual is from the median, in half-widths of the central 68 % on its side; at most _WIDEST_ERROR."""
    middle = float(quantiles[MIDDLE])
    low, high = (float(np.interp(level, LEVELS, quantiles)) for level in (0.1587, 0.8413))
    width = high - middle if actual >= middle else middle - low
    if width <= 0:
        return _WIDEST_ERROR if actual != middle else 0.0
    return float(np.clip((actual - middle) / width, -_WIDEST_ERROR, _WIDEST_ERROR))
