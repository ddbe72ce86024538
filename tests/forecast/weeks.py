"""Weeks as models are shown them, made by hand from a few deals: no ledger, nothing recorded late unless told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from salesledger.forecast.distribution import Forecast, TooLittle
from salesledger.forecast.model import Model
from salesledger.forecast.week import (
    LATE_WEEKS,
    LOST,
    STAYED,
    UNKNOWN_DAY,
    WON,
    Call,
    Deals,
    Lags,
    Names,
    Span,
    Steps,
    Target,
    Week,
    day_number,
)

WEEK = timedelta(days=7)
STAGES = ("lead", "demo", "offer")
CHANCES = (0.1, 0.3, 0.6)
WORDS = ("owner", "team", "source", "product", "segment", "account", "category", "growth")


@dataclass(frozen=True)
class Made:
    """A deal of a story: when it came, how it went on and what it is worth.

    Attributes:
        captured: the day of its lead.
        closed: the day on which it was won or lost, if it was.
        won: which of the two.
        value: what it is worth; None where no amount is ever told.
        moves: the days on which it entered the stages after the first, in order.
        expected: when it is expected to close.
        codes: code of owner, source, ... where it isn't 0.
        known: the day on which its closing becomes known, if that is later.
    """

    captured: date
    closed: date | None = None
    won: bool = True
    value: float | None = 100.0
    moves: tuple[date, ...] = ()
    expected: date | None = None
    codes: dict[str, int] = field(default_factory=dict)
    known: date | None = None

    def closed_by(self, on: date, known: date) -> bool:
        """Whether it was closed by a day, as known on another."""
        return self.closed is not None and self.closed <= on and (self.known or self.closed) <= known

    def stage(self, on: date) -> int:
        """The number of the stage on a day."""
        return sum(day <= on for day in self.moves)


def weeks(
    made: Sequence[Made], first: date, last: date, calls: Sequence[Call] = (), targets: Sequence[Target] = ()
) -> list[Week]:
    """The weeks that end on `first`, seven days later, ... up to `last`; calls are in force throughout their periods."""
    told: list[Week] = []
    before = first - timedelta(days=3650)
    on = first
    while on <= last:
        told.append(_week(made, len(told), before, on, calls, targets))
        before, on = on, on + WEEK
    return told


def replayed(
    models: Sequence[Model], shown: Iterable[Week], spans_at: Sequence[int] = (0, 1), interval: str = "quarter"
) -> list[tuple[Week, list[Span], dict[str, list[Forecast | TooLittle]]]]:
    """What the models say at each of the weeks: the driver in its simplest form."""
    from salesledger.forecast.calendar import Calendar

    calendar = Calendar(interval)  # type: ignore[arg-type]
    given = []
    for week in shown:
        spans = calendar.spans_at(week.on, spans_at)
        told: dict[str, list[Forecast | TooLittle]] = {}
        for model in models:
            model.learn(week)
            told[model.name] = model.forecast(week, spans, told)
        given.append((week, spans, told))
    return given


def _week(
    made: Sequence[Made], number: int, before: date, on: date, calls: Sequence[Call], targets: Sequence[Target]
) -> Week:
    levels = {word: 1 + max((d.codes.get(word, 0) for d in made if d.captured <= on), default=0) for word in WORDS}
    levels["stage"] = len(STAGES)
    lags = [(3 if not d.won else 2, (d.known or d.closed) - d.closed) for d in made if _new(d, before, on) and d.closed]
    return Week(
        number=number,
        at=datetime.combine(on, time.max, tzinfo=UTC),
        on=on,
        open=_deals(made, [n for n, d in enumerate(made) if d.captured <= on and not d.closed_by(on, on)], on),
        wins=_deals(made, [n for n, d in enumerate(made) if d.won and d.closed_by(on, on)], on, closed=True),
        steps=_steps(made, on) if number >= LATE_WEEKS else None,
        lags=Lags(np.array([k for k, _ in lags], np.int64), np.array([d.days for _, d in lags], np.int64)),
        calls=tuple(c for c in calls if c.begin <= on + WEEK),
        targets=tuple(t for t in targets if t.begin <= on + WEEK),
        levels=levels,
        names=Names(
            [f"deal-{n}" for n in range(len(made))],
            [("b2b", name, place) for place, name in enumerate(STAGES)],
            {word: ["", *(f"{word}-{n}" for n in range(1, levels[word]))] for word in WORDS},
        ),
    )


def _new(deal: Made, before: date, on: date) -> bool:
    return deal.closed_by(on, on) and not deal.closed_by(before, before)


def _steps(made: Sequence[Made], known: date) -> Steps:
    begins = known - (LATE_WEEKS + 1) * WEEK
    ends = begins + WEEK
    there = [n for n, d in enumerate(made) if d.captured <= begins and not d.closed_by(begins, known)]
    came = [n for n, d in enumerate(made) if begins < d.captured <= ends]
    return Steps(
        begins_on=begins + timedelta(days=1),
        ends_on=ends + timedelta(days=1),
        before=_deals(made, there, begins),
        outcome=np.array([_outcome(made[n], ends, known) for n in there], np.int64),
        stage=np.array([made[n].stage(ends) for n in there], np.int64),
        value=np.array([_value(made[n]) for n in there], float),
        closed=np.array([_closing(made[n], ends, known) for n in there], np.int64),
        arrived=_deals(made, came, ends),
        arrived_outcome=np.array([_outcome(made[n], ends, known) for n in came], np.int64),
    )


def _outcome(deal: Made, on: date, known: date) -> int:

    if not deal.closed_by(on, known):
        return STAYED
    return WON if deal.won else LOST


def _closing(deal: Made, on: date, known: date) -> int:
    return day_number(deal.closed) if deal.closed and deal.closed_by(on, known) else UNKNOWN_DAY


def _value(deal: Made) -> float:
    return float("nan") if deal.value is None else deal.value


def _deals(made: Sequence[Made], chosen: Sequence[int], on: date, *, closed: bool = False) -> Deals:
    picked = [made[n] for n in chosen]
    stages = [d.stage(on) for d in picked]
    entered = [d.moves[s - 1] if s else d.captured for d, s in zip(picked, stages, strict=True)]

    def whole(values: Iterable[int]) -> np.ndarray:
        return np.array(list(values), np.int64)

    return Deals(
        deal=whole(chosen),
        stage=whole(stages),
        weeks=whole((on - day).days // 7 for day in entered),
        chance=np.array([CHANCES[s] for s in stages], float),
        value=np.array([_value(d) for d in picked], float),
        recurring=np.array([0 * _value(d) for d in picked], float),
        expected=whole(day_number(d.expected) if d.expected else UNKNOWN_DAY for d in picked),
        captured=whole(day_number(d.captured) for d in picked),
        closed=whole(day_number(d.closed) if closed and d.closed else UNKNOWN_DAY for d in picked),
        **{word: whole(d.codes.get(word, 0) for d in picked) for word in WORDS},
    )
