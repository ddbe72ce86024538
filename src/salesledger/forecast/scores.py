"""How good forecasts were: of bookings as distributions, and of deals as chances.

Errors within one period go together, so standard errors count periods, not origins (Liang and Zeger, Longitudinal data analysis
using generalized linear models, Biometrika 73, 1986: residuals are summed by cluster).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scoringrules

from salesledger.forecast.distribution import LEVELS, Forecast
from salesledger.forecast.week import Real, Whole

SHOWN: Real = np.array([0.025, 0.1, 0.5, 0.9, 0.975])
"""The levels of a row: both ends of the 95 % and the 80 % interval, and the median."""

_SMALLEST = 1e-6
_TENTHS = 10


@dataclass(frozen=True)
class Scored:
    """A forecast whose period is over.

    Attributes:
        period: its label.
        forecast: what was said.
        actual: what came to be.
    """

    period: str
    forecast: Forecast
    actual: float


@dataclass(frozen=True)
class Scores:
    """Scores of forecasts; the smaller the better, but for coverage and bias. All are shares of the mean actual.

    Attributes:
        forecasts: how many were scored.
        periods: of how many periods.
        wape: the sum of absolute errors of the mean ÷ the sum of actuals.
        bias: the sum of errors ÷ the sum of actuals; positive where too much was forecast.
        crps: the continuous ranked probability score (Gneiting and Raftery, Strictly Proper Scoring Rules, JASA 102, 2007) ÷ the
            mean actual; a point's is its absolute error.
        crps_se: its standard error, by period.
        pinball: the mean pinball loss at the five levels of a row ÷ the mean actual.
        coverage_80: the share of actuals within the 80 % interval; None where only points were given.
        coverage_80_se: its standard error, by period.
        coverage_95: the share of actuals within the 95 % interval.
        coverage_95_se: its standard error, by period.
    """

    forecasts: int
    periods: int
    wape: float
    bias: float
    crps: float
    crps_se: float | None
    pinball: float
    coverage_80: float | None
    coverage_80_se: float | None
    coverage_95: float | None
    coverage_95_se: float | None


def crps_of(forecast: Forecast, actual: float) -> float:
    """The continuous ranked probability score of one forecast, in the currency."""
    if forecast.quantiles is None:
        return abs(forecast.mean - actual)
    return float(scoringrules.crps_quantile(np.asarray(actual), forecast.quantiles, LEVELS, backend="numpy"))


def pinball_of(forecast: Forecast, actual: float) -> float:
    """The mean pinball loss (Koenker and Bassett, Regression Quantiles, Econometrica 46, 1978) at the levels of a row."""
    told = np.array([forecast.at(level) for level in SHOWN])
    losses = scoringrules.quantile_score(np.full(len(SHOWN), actual), told, SHOWN, backend="numpy")
    return float(np.mean(np.asarray(losses)))


def is_within(forecast: Forecast, actual: float, share: float) -> bool:
    """Whether the actual lies in the middle interval that was to hold this share of all."""
    tail = (1 - share) / 2
    return forecast.at(tail) <= actual <= forecast.at(1 - tail)


def score(said: Sequence[Scored]) -> Scores | None:
    """The scores of forecasts; None where there are none, or nothing was ever booked."""
    actual = np.array([each.actual for each in said])
    total = float(np.sum(actual))
    if not total > 0:
        return None
    error = np.array([each.forecast.mean for each in said]) - actual
    crps = np.array([crps_of(each.forecast, each.actual) for each in said])
    pinball = np.array([pinball_of(each.forecast, each.actual) for each in said])
    clusters = np.unique([each.period for each in said], return_inverse=True)[1]
    spread = [each for each in said if each.forecast.quantiles is not None]
    within_80, within_80_se = _coverage(spread, 0.8)
    within_95, within_95_se = _coverage(spread, 0.95)
    ratio = float(np.sum(crps)) / total
    return Scores(
        forecasts=len(said),
        periods=int(clusters.max()) + 1,
        wape=float(np.sum(np.abs(error))) / total,
        bias=float(np.sum(error)) / total,
        crps=ratio,
        crps_se=clustered_error((crps - ratio * actual) / total, clusters),
        pinball=float(np.sum(pinball)) / total,
        coverage_80=within_80,
        coverage_80_se=within_80_se,
        coverage_95=within_95,
        coverage_95_se=within_95_se,
    )


def _coverage(said: Sequence[Scored], share: float) -> tuple[float | None, float | None]:
    """The share of actuals that the interval held, and its standard error."""
    if not said:
        return None, None
    within = np.array([is_within(each.forecast, each.actual, share) for each in said], dtype=float)
    clusters = np.unique([each.period for each in said], return_inverse=True)[1]
    mean = float(np.mean(within))
    return mean, clustered_error((within - mean) / len(within), clusters)


def clustered_error(influence: Real, clusters: Whole) -> float | None:
    """The standard error of a statistic of observations that go together by cluster.

    Args:
        influence: how much each observation moves the statistic.
        clusters: the number of each one's cluster, from 0.

    Returns:
        None where there is only one cluster.
    """
    count = int(clusters.max()) + 1
    if count < 2:
        return None
    sums = np.bincount(clusters, weights=influence, minlength=count)
    return float(np.sqrt(count / (count - 1) * np.sum(sums**2)))


def skill(scores: Scores | None, reference: Scores | None) -> float | None:
    """How much smaller the CRPS is than that of a reference over the same forecasts: 0.3 is 30 % better, below 0 is worse."""
    if scores is None or reference is None or not reference.crps > 0:
        return None
    return 1 - scores.crps / reference.crps


@dataclass(frozen=True)
class Tenth:
    """One line of a calibration table.

    Attributes:
        lowest: the deals whose chance was at least this.
        highest: and less than this.
        deals: how many times a deal was asked about.
        expected: their mean chance.
        won: the share of them that was won.
    """

    lowest: float
    highest: float
    deals: int
    expected: float
    won: float


@dataclass(frozen=True)
class DealScores:
    """Scores of the chances of deals, each asked about at many origins.

    Attributes:
        deals: how many times a deal was asked about.
        won: how often it was won in the period.
        brier: the mean squared error of the chance.
        log_loss: the mean of minus the logarithm of the chance that was given to what came to be; chances are kept at least a
            millionth away from 0 and 1.
        auc: how often a deal that was won had a higher chance than one that wasn't; None where all or none were won.
        slope: of the logistic regression of winning on the logit of the chance (Cox, Two further applications of a model for
            binary regression, Biometrika 45, 1958): 1 is right, below 1 the chances are too extreme; None as for `auc`.
        table: chances by tenths beside what came to be, those without a deal left out.
    """

    deals: int
    won: int
    brier: float
    log_loss: float
    auc: float | None
    slope: float | None
    table: tuple[Tenth, ...]


def score_deals(chance: Real, won: Real) -> DealScores | None:
    """The scores of chances; None where there are none.

    Args:
        chance: of each deal to be won in the period, from 0 to 1.
        won: 1 where it was, else 0.
    """
    if not len(chance):
        return None
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

    kept = np.clip(chance, _SMALLEST, 1 - _SMALLEST)
    both = 0 < np.sum(won) < len(won)
    return DealScores(
        deals=len(chance),
        won=int(np.sum(won)),
        brier=float(brier_score_loss(won, np.clip(chance, 0, 1), pos_label=1)),
        log_loss=float(log_loss(won, kept, labels=[0, 1])),
        auc=float(roc_auc_score(won, kept)) if both else None,
        slope=_slope(kept, won) if both else None,
        table=_tenths(chance, won),
    )


def _slope(chance: Real, won: Real) -> float:
    from sklearn.linear_model import LogisticRegression

    logit = np.log(chance / (1 - chance))
    fitted = LogisticRegression(C=np.inf).fit(logit.reshape(-1, 1), won)
    return float(fitted.coef_[0, 0])


def _tenths(chance: Real, won: Real) -> tuple[Tenth, ...]:
    place = np.minimum((chance * _TENTHS).astype(np.int64), _TENTHS - 1)
    lines = []
    for tenth in range(_TENTHS):
        mine = place == tenth
        if np.any(mine):
            low, high = tenth / _TENTHS, (tenth + 1) / _TENTHS
            lines.append(Tenth(low, high, int(np.sum(mine)), float(np.mean(chance[mine])), float(np.mean(won[mine]))))
    return tuple(lines)
