"""The leads that don't exist yet, or aren't recorded yet: how many come a week, and what kind."""

from __future__ import annotations

from collections import deque
from datetime import date

import numpy as np

from salesledger.forecast.season import Season
from salesledger.forecast.week import STAYED, WON, Deals, Real, Steps, Week, day_number

HALF_LIFE_WEEKS = 16.0
KEPT_WEEKS = 39
_MOST_KEPT = 3000


class Arrivals:
    """Learned from the leads of each week that is old enough.

    Attributes:
        season: how many come by the day's place in quarter, month and year.
    """

    def __init__(self) -> None:
        self.season = Season((20.0, 40.0, 60.0))
        self._count = 0.0
        self._even = 0.0
        self._recent: deque[Steps] = deque(maxlen=KEPT_WEEKS)

    @property
    def level(self) -> float:
        """How many come in a week of an even flow."""
        return self._count / self._even if self._even else 0.0

    def learn(self, week: Week) -> None:
        """Take in a week."""
        steps = week.steps
        if steps is None:
            return
        self._recent.append(steps)
        keep = 0.5 ** (1 / HALF_LIFE_WEEKS)
        begin = day_number(steps.begins_on)
        on_day = np.bincount(np.clip(steps.arrived.captured - begin, 0, 6), minlength=7).astype(float)
        days = self.season.days(steps.begins_on)
        self._count = self._count * keep + float(np.sum(on_day))
        self._even = self._even * keep + float(np.mean(days))
        self.season.learn(steps.begins_on, on_day, self.level, 0.5 ** (1 / 104))

    def on_days(self, begin: date) -> Real:
        """How many come on each of seven days."""
        return self.level / 7 * self.season.days(begin)

    def kinds(self) -> tuple[Deals, Real, Deals, Real]:
        """What the leads of the last weeks were like.

        Returns:
            Those that were open at the end of their week, the share of a lead that each stands for, those that were won by
            then, and the same of them.
        """
        if not self._recent:
            raise ValueError("no lead was seen yet")
        thinned = max(1, sum(len(s.arrived) for s in self._recent) // _MOST_KEPT)
        every = Deals.joined([s.arrived for s in self._recent])[::thinned]
        outcome = np.concatenate([s.arrived_outcome for s in self._recent])[::thinned]
        share = np.full(len(outcome), 1 / max(len(outcome), 1))
        is_open, won = outcome == STAYED, outcome == WON
        return every[is_open], share[is_open], every[won], share[won]
