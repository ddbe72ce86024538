"""Sums of deals that are won or not: against every way in which they can come out."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from salesledger.forecast.distribution import LEVELS
from salesledger.forecast.sums import total

NOBODY = np.zeros(0)


def enumerated(chance: list[float], worth: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Every sum, rising, and the probability of at most that."""
    ways = [
        (
            sum(w for w, won in zip(worth, how, strict=True) if won),
            float(np.prod([p if won else 1 - p for p, won in zip(chance, how, strict=True)])),
        )
        for how in product((False, True), repeat=len(chance))
    ]
    ways.sort()
    return np.array([w for w, _ in ways]), np.cumsum([p for _, p in ways])


@pytest.mark.parametrize("fixed", [0.0, 500.0])
def test_the_sum_of_a_few_deals_is_that_of_all_ways(fixed: float) -> None:
    """Mean, deviation, and the probability that lies below each quantile."""
    chance, worth = [0.1, 0.5, 0.7, 0.25, 0.9, 0.4, 0.6, 0.35], [90.0, 40.0, 25.0, 70.0, 10.0, 55.0, 30.0, 80.0]
    mean, deviation, quantiles = total(fixed, np.array(chance), np.array(worth), 0.02, NOBODY, NOBODY)
    p, x = np.array(chance), np.array(worth)
    assert mean == pytest.approx(fixed + float(p @ x))
    assert deviation == pytest.approx(float(np.sum(p * (1 - p) * x * x)) ** 0.5, rel=0.02)
    values, below = enumerated(chance, worth)
    for level, quantile in zip(LEVELS[9::10], quantiles[9::10], strict=True):
        near = values + fixed
        assert below[near < quantile - 4].max(initial=0) <= level + 0.01
        assert below[near <= quantile + 4].max(initial=0) >= level - 0.01


def test_many_small_deals_and_leads_to_come_are_as_a_drawn_sample() -> None:
    """A thousand deals, and a Poisson number of leads, against forty thousand draws."""
    random = np.random.default_rng(7)
    chance, worth = random.uniform(0.02, 0.6, 1000), random.lognormal(8, 1, 1000)
    coming, coming_worth = random.uniform(0, 0.2, 200), random.lognormal(8, 1, 200)
    drawn = np.array([float(((random.random(1000) < chance) * worth).sum()) for _ in range(4000)])
    drawn = drawn + random.poisson(coming, (4000, 200)) @ coming_worth
    mean, deviation, quantiles = total(0.0, chance, worth, 0.01, coming, coming_worth)
    assert mean == pytest.approx(drawn.mean(), rel=0.01)
    assert deviation == pytest.approx(drawn.std(), rel=0.05)
    for level in (0.1, 0.5, 0.9):
        assert float(np.interp(level, LEVELS, quantiles)) == pytest.approx(np.quantile(drawn, level), rel=0.01)


def test_what_is_certain_has_no_spread() -> None:
    """Nothing open and nothing to come."""
    mean, deviation, quantiles = total(120.0, NOBODY, NOBODY, 0.2, NOBODY, NOBODY)
    assert (mean, deviation) == (120.0, 0.0)
    assert set(quantiles) == {120.0}
