"""What every model is: it learns week by week, and forecasts at any of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from salesledger.forecast.distribution import Forecast, TooLittle
from salesledger.forecast.week import Span, Week


class Model(Protocol):
    """A way to forecast.

    The weeks of a ledger are shown to it one after the other, in order and without a gap, each as it was known at its end. It
    can't look ahead, because nothing later has been shown to it. The same weeks give the same forecasts, to the last bit.

    Attributes:
        name: as on the command line.
    """

    name: str

    def learn(self, week: Week) -> None:
        """Take in what became known in a week; called once for each, before any forecast at it."""
        ...

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """What will be booked in each period, at the week that was learned last.

        Args:
            week: that week.
            spans: the periods, none of them over yet; a period that has begun includes what is already won in it.
            told: what the models before it said at this origin, by name, in the order of `spans`.
        """
        ...
