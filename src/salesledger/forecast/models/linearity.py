"""What is won so far, by the share of a period that is usually won by this week of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from salesledger.forecast.calendar import Calendar, weeks_left
from salesledger.forecast.distribution import Forecast, TooLittle
from salesledger.forecast.models.run_rate import RunRate
from salesledger.forecast.settling import Past, Pending
from salesledger.forecast.week import Span, Week

_BREADTH_WEEKS = 0.7
_PERIODS_OF_EVEN_PACE = 0.5


class Linearity:
    """Forecasts a period that has begun from its pace so far.

    The bookings so far divided by the usual share (the chain ladder of insurers) are wild early in a period, when the share is
    small. So what is still to come is first put at (1 - share) × run rate (Bornhuetter and Ferguson), and then once more at
    (1 - share) × that total: Benktander's estimate, which trusts the pace as far as the share goes (Mack 2000, ASTIN Bulletin
    30 (2), formula 3). The usual share leans a little towards an even pace.
    """

    name = "linearity"

    def __init__(self, calendar: Calendar) -> None:
        self._run_rate = RunRate(calendar)
        self._pending: Pending[float] = Pending()
        self._shares = Past()

    def learn(self, week: Week) -> None:
        """Takes in the shares of the periods that are settled now."""
        self._run_rate.learn(week)
        for settled in self._pending.settle(week):
            whole = settled.actual
            self._shares.add([(o, left, won / whole) for o, left, won in settled.origins] if whole > 0 else [])

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """A period that has begun by its pace, a later one by the run rate."""
        rate = self._run_rate.rate(week)
        return [self._paced(week, span, rate) for span in spans]

    def _paced(self, week: Week, span: Span, rate: Forecast | TooLittle) -> Forecast | TooLittle:
        if (span.begin - week.on).days > 1:
            return _instead(rate, f"{span.label} has not begun: the run rate")
        won = week.booked(span.begin, span.end)
        if span.offset == 0:
            self._pending.keep(week, span, won)
        shares, weights = self._shares.near(0, weeks_left(week.on, span), _BREADTH_WEEKS)
        if not len(shares):
            return _instead(rate, "no settled period tells the usual pace: the run rate", won)
        passed = ((week.on - span.begin).days + 1) / (span.end - span.begin).days
        share = float((shares @ weights + _PERIODS_OF_EVEN_PACE * passed) / (weights.sum() + _PERIODS_OF_EVEN_PACE))
        share = float(np.clip(share, 0.0, 1.0))
        if isinstance(rate, TooLittle):
            return Forecast(won / share) if share > 0 else rate
        return Forecast(won + (1 - share) * (won + (1 - share) * rate.mean))


def _instead(rate: Forecast | TooLittle, note: str, floor: float = 0.0) -> Forecast | TooLittle:
    return rate if isinstance(rate, TooLittle) else Forecast(max(rate.mean, floor), note=note)
