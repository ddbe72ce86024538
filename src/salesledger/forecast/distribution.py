"""A forecast as a distribution: its mean and its quantiles at fixed levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from salesledger.forecast.week import Real

LEVELS: Real = np.arange(1, 200) / 200
"""0.005, 0.01, ..., 0.995: the levels at which every forecast gives a quantile."""

MIDDLE = 99
"""Where the median is among them."""


@dataclass(frozen=True)
class Forecast:
    """What will be booked in a period, in the ledger's currency.

    Attributes:
        mean: the expected value.
        quantiles: the values that are not passed with the probabilities LEVELS, rising; None of a point forecast.
        note: why a simpler way was taken than the model's own, where it was; empty otherwise.
        why: which model was chosen among others, and why, where one was; empty otherwise.
        raw: what the model itself said, where this is something else: that with another width, or a simpler model's instead.
    """

    mean: float
    quantiles: Real | None = None
    note: str = ""
    why: str = ""
    raw: Forecast | TooLittle | None = None

    def at(self, level: float) -> float:
        """The quantile of a level between 0.005 and 0.995; a point forecast's is its mean."""
        return self.mean if self.quantiles is None else float(np.interp(level, LEVELS, self.quantiles))

    @property
    def own(self) -> Forecast | TooLittle:
        """What the model itself said."""
        return self if self.raw is None else self.raw

    def noted(self, note: str) -> Forecast:
        """The same with a note."""
        return replace(self, note=note)


@dataclass(frozen=True)
class TooLittle:
    """A model's answer where it can't tell anything.

    Attributes:
        why: what is missing, as a clause that follows 'because'.
        parts: each model with what it misses itself, where this is the answer of several.
    """

    why: str
    parts: tuple[tuple[str, str], ...] = field(default=(), compare=False)


def none_can_tell(said: Mapping[str, Forecast | TooLittle]) -> TooLittle:
    """The answer of several models none of which can tell: each reason once, with the models that give it."""
    parts = dict.fromkeys(
        part
        for model, each in said.items()
        if isinstance(each, TooLittle)
        for part in each.parts or ((model, each.why),)
    )
    models: dict[str, list[str]] = {}
    for model, why in parts:
        models.setdefault(why, []).append(model)
    whys = [f"{_listed(names)} can't tell: {why}" for why, names in models.items()]
    return TooLittle("; ".join(whys), tuple(parts))


def _listed(names: Sequence[str]) -> str:
    return " and ".join(text for text in (", ".join(names[:-1]), names[-1]) if text)


def rising(quantiles: Real, floor: float = 0.0) -> Real:
    """Quantiles put in order, none below what is won already."""
    return np.maximum(np.maximum.accumulate(quantiles), floor)


def averaged(forecasts: Sequence[Forecast], weights: Sequence[float]) -> Forecast:
    """The mean of forecasts, quantile by quantile (Vincentization), which keeps their width where they agree."""
    share = np.asarray(weights, dtype=float) / float(np.sum(weights))
    spread = [f.quantiles if f.quantiles is not None else np.full(len(LEVELS), f.mean) for f in forecasts]
    quantiles = np.zeros(len(LEVELS))
    mean = 0.0
    for part, forecast, each in zip(share, forecasts, spread, strict=True):
        quantiles = quantiles + part * each
        mean += float(part) * forecast.mean
    return Forecast(mean, quantiles)


def missed(quantiles: Real, actual: float) -> float:
    """How far a distribution was off: twice its mean pinball loss over LEVELS, which is its CRPS (Gneiting and Raftery 2007)."""
    error = actual - quantiles
    return 2 * float(np.mean(np.where(error > 0, LEVELS * error, (LEVELS - 1) * error)))
