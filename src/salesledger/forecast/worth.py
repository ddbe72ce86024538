"""What open deals are worth: deals without an amount are never nothing, and never a guess that isn't told."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from salesledger.forecast.week import Deals, Real, Week


def mean_win(week: Week) -> float:
    """The mean value of the wins of the last year that have one; of all wins where the year has none; 0 without any."""
    latest = week.won_in(week.on - timedelta(days=364), week.on + timedelta(days=1)).value
    for values in (latest, week.wins.value):
        known = values[~np.isnan(values)]
        if len(known):
            return float(known.mean())
    return 0.0


def filled(deals: Deals, instead: float) -> tuple[Real, int]:
    """The value of each deal, `instead` where none is known, and of how many that is so."""
    missing = np.isnan(deals.value)
    return np.where(missing, instead, deals.value), int(missing.sum())
