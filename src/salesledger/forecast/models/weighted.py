"""What a CRM shows: chance of the stage × amount of the deals that are expected to close in the period, besides what is won."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from salesledger.forecast.distribution import Forecast, TooLittle
from salesledger.forecast.week import Span, Week, day_number
from salesledger.forecast.worth import filled, mean_win


class Weighted:
    """The process's default chances, taken at their word.

    A deal counts in the period in which its expected close lies, also where that day is past but the period still runs. Deals
    that nobody gave a date, or only one before the period, count nowhere; so do deals that don't exist yet.
    """

    def __init__(self, name: str = "weighted") -> None:
        self.name = name

    def learn(self, week: Week) -> None:
        """Nothing is learned: that is the point."""

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """One after the other; needs no history."""
        instead = mean_win(week)
        return [self._weighted(week, span, instead) for span in spans]

    def _weighted(self, week: Week, span: Span, instead: float) -> Forecast:
        expected = week.open.expected
        due = week.open[(expected >= day_number(span.begin)) & (expected < day_number(span.end))]
        value, missing = filled(due, instead)
        note = ""
        if missing:
            plural = (
                "1 open deal without an amount counts"
                if missing == 1
                else f"{missing} open deals without an amount count"
            )
            note = f"{plural} as the mean win of the last year"
        return Forecast(week.booked(span.begin, span.end) + float(np.sum(value * due.chance)), note=note)
