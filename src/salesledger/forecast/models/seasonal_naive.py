"""What was booked in the same season a year before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from salesledger.forecast.calendar import Calendar
from salesledger.forecast.distribution import Forecast, TooLittle
from salesledger.forecast.models.beginning import Beginning
from salesledger.forecast.week import Span, Week


class SeasonalNaive:
    """Forecasts a period as the latest one of the same season that is over, as known at the origin."""

    name = "seasonal_naive"

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._beginning = Beginning()

    def learn(self, week: Week) -> None:
        """Notes where the ledger begins."""
        self._beginning.note(week)

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """One after the other."""
        return [self._season(week, span) for span in spans]

    def _season(self, week: Week, span: Span) -> Forecast | TooLittle:
        before = self._calendar.shift(span, -self._calendar.year)
        while (before.end - week.on).days > 1:
            before = self._calendar.shift(before, -self._calendar.year)
        if not self._beginning.holds(before):
            return TooLittle(f"the ledger begins after {before.label}, the same season a year before")
        return Forecast(week.booked(before.begin, before.end))
