"""Bell curves and the heavier tails that few observations call for, at the levels of a forecast."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from salesledger.forecast.distribution import LEVELS
from salesledger.forecast.week import Real

_MOST_SKEWED = 2.0
_NEARLY_SYMMETRIC = 0.01

NORMAL: Real = np.array([NormalDist().inv_cdf(float(level)) for level in LEVELS])
"""Quantiles of the standard normal distribution at LEVELS."""


def student(freedom: float) -> Real:
    """Quantiles of Student's distribution with so many degrees of freedom (3 and more) at LEVELS.

    The expansion of Cornish and Fisher, Abramowitz and Stegun 26.7.5: right to 0.3 % of the 99.5 % quantile from 4 on.
    """
    z, n = NORMAL, max(freedom, 3.0)
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )


def shifted_gamma(mean: float, variance: float, third: float) -> Real:
    """Quantiles at LEVELS of the shifted gamma distribution with a mean, a variance and a third central moment of 0 or more.

    How insurers put a sum of many independent claims (Klugman, Panjer, Willmot, Loss Models, 9.8; quantiles after Wilson and
    Hilferty 1931). The time it takes doesn't grow with the number of parts, once their moments are summed.
    """
    if variance <= 0:
        return np.full(len(LEVELS), mean)
    sd = variance**0.5
    skewness = min(max(third, 0.0) / sd**3, _MOST_SKEWED)
    if skewness < _NEARLY_SYMMETRIC:
        symmetric: Real = mean + sd * NORMAL
        return symmetric
    shape = 4 / skewness**2
    gamma = shape * np.maximum(1 - 1 / (9 * shape) + NORMAL / (3 * shape**0.5), 0.0) ** 3
    skewed: Real = mean + sd * (gamma - shape) / shape**0.5
    return skewed
