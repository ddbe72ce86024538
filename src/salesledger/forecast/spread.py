"""Bell curves and the heavier tails that few observations call for, at the levels of a forecast."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from salesledger.forecast.distribution import LEVELS
from salesledger.forecast.week import Real

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
