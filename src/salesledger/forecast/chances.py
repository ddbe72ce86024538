"""The chances that models give single deals at each origin, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from salesledger.forecast.calibrate import Recalibrated
from salesledger.forecast.carriers import Carriers
from salesledger.forecast.model import Model
from salesledger.forecast.models.hazard import Hazard
from salesledger.forecast.models.learner import Learner
from salesledger.forecast.replay import Said
from salesledger.forecast.scores import DealScores, score_deals
from salesledger.forecast.week import Real, Span, Week, day_number
from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.periods import Period


@dataclass(frozen=True)
class Chances:
    """What a model gave the open deals at one origin.

    Attributes:
        model: its name.
        period: the label of the period.
        deals: the ids of the deals.
        chance: of each to be won within the period.
    """

    model: str
    period: str
    deals: Sequence[str]
    chance: Real


def chances_in(said: Said, offsets: Sequence[int]) -> Iterator[Chances]:
    """The chances given at an origin, by every model that gives any: the process's own in `weighted`, hazard's, learner's."""
    ids = [said.week.names.deals[number] for number in said.week.open.deal]
    for span in said.spans:
        if span.offset not in offsets or not ids:
            continue
        if "weighted" in said.answers:
            yield Chances("weighted", span.label, ids, _default(said.week, span))
        for model in said.models:
            inner = model.inner if isinstance(model, Recalibrated) else model
            chance = _of(inner, said.week, span)
            if chance is not None:
                yield Chances(inner.name, span.label, ids, chance)


def _of(model: Model, week: Week, span: Span) -> Real | None:
    """The chances that a model gives, where it gives any."""
    if isinstance(model, Learner):
        found = model.chances(week, [span])
        return found[0] if found else None
    carriers = model.carriers(week, span) if isinstance(model, Hazard) else None
    return carriers.chance if isinstance(carriers, Carriers) else None


def _default(week: Week, span: Span) -> Real:
    """The default probability of a deal's stage where it is expected to close in the period, else none."""
    closes = week.open.expected
    within = (closes >= day_number(span.begin)) & (closes < day_number(span.end))
    return np.where(within, week.open.chance, 0.0)


def won_deals(engine: Engine, spans: Iterable[Span], at: datetime) -> dict[str, set[str]]:
    """The deals won in each period that was over by an instant, as known then."""
    next_day = at.timestamp() + 1
    periods = [Period(span.label, span.begin, span.end) for span in spans]
    over = [period for period in periods if period.ends_at(engine.head.zone).timestamp() < next_day]
    if not over:
        return {}
    rows = engine.ask("SELECT period, deal FROM bookings", Question(at, at, periods=over)).rows
    found: dict[str, set[str]] = {period.label: set() for period in over}
    for label, deal in rows:
        found[label].add(deal)
    return found


def score_chances(chances: Iterable[Chances], won: Mapping[str, set[str]]) -> dict[str, DealScores]:
    """The scores of each model's chances, over periods that are over."""
    given: dict[str, list[Real]] = {}
    became: dict[str, list[Real]] = {}
    for each in chances:
        if each.period in won:
            given.setdefault(each.model, []).append(each.chance)
            became.setdefault(each.model, []).append(
                np.array([deal in won[each.period] for deal in each.deals], dtype=float)
            )
    scores = {model: score_deals(np.concatenate(given[model]), np.concatenate(became[model])) for model in given}
    return {model: found for model, found in scores.items() if found is not None}
