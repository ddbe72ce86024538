"""The mean of the last four periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from salesledger.forecast.calendar import Calendar
from salesledger.forecast.distribution import Forecast, TooLittle
from salesledger.forecast.models.beginning import Beginning
from salesledger.forecast.week import Span, Week

LATEST = 4


class RunRate:
    """Forecasts every period as the mean of the latest four that are over, as known at the origin."""

    name = "run_rate"

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._beginning = Beginning()

    def learn(self, week: Week) -> None:
        """Notes where the ledger begins."""
        self._beginning.note(week)

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """The same for every period."""
        return [self.rate(week)] * len(spans)

    def rate(self, week: Week) -> Forecast | TooLittle:
        """The mean of the latest periods that are over; of fewer than four with a note."""
        over = [s for s in self._calendar.over(week.on, LATEST) if self._beginning.holds(s)]
        if not over:
            return TooLittle(f"no whole {self._calendar.interval} of the ledger is over yet")
        mean = sum(week.booked(s.begin, s.end) for s in over) / len(over)
        few = f"only {len(over)} of {LATEST} {self._calendar.interval}s are over" if len(over) < LATEST else ""
        return Forecast(mean, note=few)
