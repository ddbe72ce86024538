"""Forecasts of simulated firms in rows, kept as CSV, and how good they were."""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVELS: Floats = np.arange(1, 200) / 200
"""0.005, 0.01, ..., 0.995: the levels of the quantiles in a row."""
_KEYS = ("firm", "model", "origin", "period", "ahead", "horizon_days", "actual", "mean", "crps")


@dataclass(frozen=True)
class Row:
    """What one model said at one origin of one period.

    Attributes:
        firm: preset and seed, such as 'large/1'.
        model: its name.
        origin: the day at whose end it was said.
        period: such as 2024Q1.
        ahead: 0 for the period in which the origin's next day lies, 1 for the one after.
        horizon_days: days from the origin's end to the period's.
        actual: what was booked in the end.
        mean: what was expected.
        quantiles: at LEVELS; all the mean where the model gives a point.
    """

    firm: str
    model: str
    origin: date
    period: str
    ahead: int
    horizon_days: int
    actual: float
    mean: float
    quantiles: Floats

    @property
    def crps(self) -> float:
        """Twice the mean pinball loss over LEVELS, in money: a point forecast's absolute error.

        Laio and Tamea (2007), https://doi.org/10.5194/hess-11-1267-2007, eq. 12: the CRPS is twice the integral over the levels.
        """
        error = self.actual - self.quantiles
        return 2 * float(np.mean(np.maximum(LEVELS * error, (LEVELS - 1) * error)))

    @property
    def is_point(self) -> bool:
        """Whether it says nothing of its own uncertainty."""
        return bool(self.quantiles[0] == self.quantiles[-1])

    def at(self, level: float) -> float:
        """The quantile of a level between 0.005 and 0.995."""
        return float(np.interp(level, LEVELS, self.quantiles))

    def covers(self, share: float) -> bool:
        """Whether the middle interval that should hold so large a share of what comes holds what came."""
        return self.at((1 - share) / 2) <= self.actual <= self.at((1 + share) / 2)


def save(path: Path, rows: Iterable[Row]) -> None:
    """Write rows, all or none of them."""
    draft = path.with_suffix(".draft")
    with draft.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*_KEYS, *(f"q{level:.3f}" for level in LEVELS)])
        for r in rows:
            keys = [r.firm, r.model, r.origin, r.period, r.ahead, r.horizon_days, f"{r.actual:.2f}", f"{r.mean:.2f}"]
            writer.writerow([*keys, f"{r.crps:.2f}", *(f"{q:.2f}" for q in r.quantiles)])
    draft.rename(path)


def load(path: Path) -> list[Row]:
    """Read what `save` wrote."""
    with path.open(newline="") as file:
        lines = csv.reader(file)
        next(lines)
        return [
            Row(
                firm, model, date.fromisoformat(origin), period, int(ahead), int(horizon), float(actual), float(mean),
                np.array(quantiles, dtype=np.float64),
            )
            for firm, model, origin, period, ahead, horizon, actual, mean, _, *quantiles in lines
        ]  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """A figure over several firms, with its standard error: that of the firms' own figures, which are independent."""

    value: float
    error: float

    @classmethod
    def over(cls, figures: Sequence[float]) -> "Estimate":
        """The mean of a figure for each firm."""
        error = float(np.std(figures, ddof=1) / np.sqrt(len(figures))) if len(figures) > 1 else float("nan")
        return cls(float(np.mean(figures)), error)


@dataclass(frozen=True)
class Score:
    """How good a model was, over firms of one size, so many periods ahead.

    Attributes:
        crps: mean CRPS of a firm's origins over the mean of what was booked.
        to_oracle: that over the oracle's own, of all firms together.
        wape: sum of the means' absolute errors over the sum of what was booked.
        bias: sum of the means' errors over the same.
        covers_80, covers_95: how often the intervals held what came; None for points.
    """

    model: str
    ahead: int
    firms: int
    crps: Estimate
    to_oracle: Estimate
    wape: Estimate
    bias: Estimate
    covers_80: Estimate | None
    covers_95: Estimate | None


def scores(rows: Sequence[Row], oracle: str = "oracle") -> list[Score]:
    """The score of each model this period and next, the best first: over the origins at which it could tell.

    The oracle's figure that a model's is held against is of those same origins.
    """
    by_model: dict[tuple[int, str], dict[Key, Row]] = {}
    for row in rows:
        by_model.setdefault((row.ahead, row.model), {})[row.firm, row.origin, row.period] = row
    found = [
        _score(model, ahead, _by_firm(kept), by_model.get((ahead, oracle), {}))
        for (ahead, model), kept in by_model.items()
    ]
    return sorted(found, key=lambda score: (score.ahead, score.crps.value))


Key = tuple[str, date, str]
"""Firm, origin and period."""


def _by_firm(kept: Mapping[Key, Row]) -> list[list[Row]]:
    return [[kept[key] for key in sorted(kept) if key[0] == firm] for firm in sorted({firm for firm, _, _ in kept})]


def _score(model: str, ahead: int, firms: list[list[Row]], oracle: Mapping[Key, Row]) -> Score:
    points = any(row.is_point for firm in firms for row in firm)
    return Score(
        model,
        ahead,
        len(firms),
        Estimate.over([normalised_crps(firm) for firm in firms]),
        _to_oracle(firms, oracle),
        Estimate.over([_over_actual(firm, lambda row: abs(row.mean - row.actual)) for firm in firms]),
        Estimate.over([_over_actual(firm, lambda row: row.mean - row.actual) for firm in firms]),
        None if points else Estimate.over([float(np.mean([row.covers(0.8) for row in firm])) for firm in firms]),
        None if points else Estimate.over([float(np.mean([row.covers(0.95) for row in firm])) for firm in firms]),
    )


def _to_oracle(firms: list[list[Row]], oracle: Mapping[Key, Row]) -> Estimate:
    keys = [[(row.firm, row.origin, row.period) for row in firm] for firm in firms]
    if not oracle or any(key not in oracle for firm in keys for key in firm):
        return Estimate(float("nan"), float("nan"))
    best = [normalised_crps([oracle[key] for key in firm]) for firm in keys]
    return _ratio([normalised_crps(firm) for firm in firms], best)


def normalised_crps(rows: Sequence[Row]) -> float:
    """Mean CRPS over the mean of what was booked."""
    return _over_actual(rows, lambda row: row.crps)


def _over_actual(rows: Sequence[Row], what: Callable[[Row], float]) -> float:
    return sum(map(what, rows)) / sum(row.actual for row in rows)


def _ratio(each: Sequence[float], best: Sequence[float]) -> Estimate:
    """A ratio of sums over firms, with its error by leaving out one firm at a time (the jackknife)."""
    whole = sum(each) / sum(best)
    n = len(each)
    if n < 2:
        return Estimate(whole, float("nan"))
    without = [(sum(each) - a) / (sum(best) - b) for a, b in zip(each, best, strict=True)]
    spread = np.sum((np.array(without) - np.mean(without)) ** 2) * (n - 1) / n
    return Estimate(whole, float(np.sqrt(spread)))
