"""The driver: shows models one week after the other, and asks each at each week. A forecast and a backtest are both this.

A row of a backtest at an origin is the forecast of that day, because both are the same replay, stopped or read there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from salesledger.forecast.distribution import Forecast, TooLittle
from salesledger.forecast.model import Model
from salesledger.forecast.week import Span, Week

Answer = Forecast | TooLittle


@dataclass(frozen=True)
class Said:
    """What every model said at one origin.

    Attributes:
        week: what was known.
        spans: the periods asked about.
        answers: by model, in the order of the periods.
        models: the models themselves, as they had learned by then.
    """

    week: Week
    spans: Sequence[Span]
    answers: Mapping[str, Sequence[Answer]]
    models: Sequence[Model] = ()


def replay(
    weeks: Iterable[Week], models: Sequence[Model], spans_at: Callable[[date], Sequence[Span]]
) -> Iterator[Said]:
    """Show every week to every model, and ask each of them at each.

    All are asked at every week, whoever reads it: a model may learn from what it said before.

    Args:
        weeks: in order and without a gap, from the first one of the ledger.
        models: those that build on what others said behind those.
        spans_at: the periods that an origin's day is asked about.
    """
    for week in weeks:
        spans = spans_at(week.on)
        answers: dict[str, Sequence[Answer]] = {}
        for model in models:
            model.learn(week)
        for model in models:
            answers[model.name] = model.forecast(week, spans, answers)
        yield Said(week, spans, answers, models)
