"""What a model said at an origin, as a row: amounts rounded to cents, once and here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from salesledger.forecast.distribution import Forecast
from salesledger.forecast.replay import Answer, Said
from salesledger.forecast.week import Span

QUANTILES: Mapping[str, float] = {"lo-95": 0.025, "lo-80": 0.1, "median": 0.5, "hi-80": 0.9, "hi-95": 0.975}
"""The columns of a row that are quantiles, and their levels."""

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Told:
    """What one model said of one period at one origin.

    Attributes:
        model: its name.
        origin: the day at whose end it was asked.
        span: the period.
        answer: what it said.
    """

    model: str
    origin: date
    span: Span
    answer: Answer

    @property
    def why(self) -> str | None:
        """Why this forecast was chosen among several, where it was."""
        return self.answer.why or None if isinstance(self.answer, Forecast) else None

    @property
    def horizon_days(self) -> int:
        """The days of the period that were still to come, or all up to its end where it had not begun."""
        return (self.span.end - self.origin).days - 1

    def row(self) -> dict[str, object]:
        """By column; amounts are empty where the model could not tell, and the note then says why."""
        row: dict[str, object] = {
            "model": self.model,
            "origin": self.origin,
            "period": self.span.label,
            "horizon_days": self.horizon_days,
        }
        answer = self.answer
        if not isinstance(answer, Forecast):
            return row | dict.fromkeys(("mean", *QUANTILES)) | {"note": f"can't tell, because {answer.why}"}
        row["mean"] = cents(answer.mean)
        for name, level in QUANTILES.items():
            row[name] = None if answer.quantiles is None else cents(answer.at(level))
        return row | {"note": answer.note or None}


def told_in(said: Said, names: Sequence[str]) -> Iterator[Told]:
    """What some models said at an origin, period by period."""
    for place, span in enumerate(said.spans):
        for name in names:
            yield Told(name, said.week.on, span, said.answers[name][place])


def cents(amount: float) -> Decimal:
    """A computed amount as money, rounded half up to two decimals."""
    return Decimal(amount).quantize(_CENT, ROUND_HALF_UP)
