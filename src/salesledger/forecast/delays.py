"""How late things are recorded: what share of what happened some days ago is known by now."""

from __future__ import annotations

import numpy as np

from salesledger.forecast.week import LATE_WEEKS, Lags, Real

KINDS = 4
DAYS = 7 * LATE_WEEKS
HALF_LIFE_WEEKS = 26.0
_PRIOR = 5.0
"""As if so many things of each kind had been recorded on the day that they happened."""


class Delays:
    """Learned from what became known week by week; older weeks count less."""

    def __init__(self) -> None:
        self._counts = np.zeros((KINDS, DAYS))
        self._counts[:, 0] = _PRIOR

    def learn(self, lags: Lags) -> None:
        """Take in a week; what was more than four weeks late says nothing about ordinary recording."""
        self._counts *= 0.5 ** (1 / HALF_LIFE_WEEKS)
        usual = lags.days < DAYS
        place = lags.kind[usual] * DAYS + lags.days[usual]
        self._counts += np.bincount(place, minlength=KINDS * DAYS).reshape(KINDS, DAYS)

    def known(self) -> Real:
        """For each kind: the share that is known of what happened 0, 1, ... days ago, of shape (4, 28)."""
        return np.asarray(np.cumsum(self._counts, axis=1) / np.sum(self._counts, axis=1, keepdims=True))
