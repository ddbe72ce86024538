"""Where a day lies in its quarter, month and year, and how much more or less happens there."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from salesledger.forecast.week import Real, Whole

_TO_END = (3, 7, 14, 21, 28)
_FROM_BEGIN = (7, 14)
_TO_MONTH_END = (3, 7)
POSITIONS = (len(_TO_END) + len(_FROM_BEGIN) + 1, len(_TO_MONTH_END) + 1, 4)
"""How many places there are in a quarter, in a month, and how many quarters in a year."""

_PLACES: dict[date, tuple[int, int, int]] = {}


def places(day: date) -> tuple[int, int, int]:
    """Its place in the quarter, in the month, and the quarter: each counted from 0."""
    if day not in _PLACES:
        quarter = (day.month - 1) // 3
        begin = date(day.year, 3 * quarter + 1, 1)
        end = date(day.year + (quarter == 3), 3 * (quarter + 1) % 12 + 1, 1)
        month_end = date(day.year + (day.month == 12), day.month % 12 + 1, 1)
        left, gone, in_month = (end - day).days, (day - begin).days, (month_end - day).days
        in_quarter = next((i for i, limit in enumerate(_TO_END) if left <= limit), len(_TO_END))
        if in_quarter == len(_TO_END):
            in_quarter += next((i for i, limit in enumerate(_FROM_BEGIN) if gone < limit), len(_FROM_BEGIN))
        near = next((i for i, limit in enumerate(_TO_MONTH_END) if in_month <= limit), len(_TO_MONTH_END))
        _PLACES[day] = in_quarter, near, quarter
    return _PLACES[day]


def week_places(begin: date) -> Whole:
    """The places of the seven days from one on, of shape (7, 3)."""
    return np.array([places(begin + timedelta(days=i)) for i in range(7)])


class Season:
    """How often something happens by the day's place, against an even flow: three factors, each near 1 where little is known."""

    def __init__(self, strength: tuple[float, float, float] = (6.0, 15.0, 40.0)) -> None:
        self._strength = strength
        self._seen = [np.zeros(n) for n in POSITIONS]
        self._even = [np.zeros(n) for n in POSITIONS]
        self._factors = [np.ones(n) for n in POSITIONS]

    def days(self, begin: date) -> Real:
        """The factor of each of seven days."""
        at = week_places(begin)
        return np.asarray(self._factors[0][at[:, 0]] * self._factors[1][at[:, 1]] * self._factors[2][at[:, 2]])

    def learn(self, begin: date, on_day: Real, expected: float, keep: float) -> None:
        """Take in a week.

        Args:
            begin: its first day.
            on_day: how many things happened on each of its seven days.
            expected: how many would have in an even flow.
            keep: what earlier weeks count by now, against what they counted a week ago.
        """
        at, factor = week_places(begin), self.days(begin)
        for which, strength in enumerate(self._strength):
            place = at[:, which]
            other = factor / self._factors[which][place]
            n = POSITIONS[which]
            self._seen[which] = self._seen[which] * keep + np.bincount(place, weights=on_day, minlength=n)
            even = np.bincount(place, weights=expected / 7 * other, minlength=n)
            self._even[which] = self._even[which] * keep + even
            self._factors[which] = (self._seen[which] + strength) / (self._even[which] + strength)
