"""What a model is shown: one week after the other, each as it was known at its end and never as it was known later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Self

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Real = NDArray[np.float64]
Mask = NDArray[np.bool_]

UNKNOWN_DAY = -(10**6)
"""The number of a day that nobody told."""

LATE_WEEKS = 4
"""Steps and arrivals are learned from so many weeks after they happened: by then nearly all of them are recorded."""

STAYED, WON, LOST, GONE = 0, 1, 2, 3
"""What became of a deal within a week: open still, won, lost (or disqualified), or never there (its capture was voided)."""

CAPTURED, MOVED, CLOSED_WON, CLOSED_LOST = 0, 1, 2, 3
"""What is recorded late: a lead, a step from stage to stage, a win, a loss."""


def day_number(day: date) -> int:
    """The days from 1970-01-01 to it."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Deals:
    """Deals side by side: the same place in each array is the same deal.

    Attributes:
        deal: its number, the same in every week (`Names` has the id).
        stage: code of its process and stage; see `Names`.
        weeks: whole weeks that it has been in that stage, as far as was known.
        chance: the process's default probability of the stage, from 0 to 1.
        value: one-off amount and that of the first term in the ledger's currency; NaN where no amount is known.
        recurring: the first term's part of the value; NaN where no amount is known.
        expected: number of the day on which it is expected to close; UNKNOWN_DAY where nobody told.
        captured: number of the day on which its lead was captured.
        closed: number of the day on which it was won or lost; UNKNOWN_DAY while it is open.
        owner, team, source, product, segment, account, category, growth: codes of these; 0 where not told.
    """

    deal: Whole
    stage: Whole
    weeks: Whole
    chance: Real
    value: Real
    recurring: Real
    expected: Whole
    captured: Whole
    closed: Whole
    owner: Whole
    team: Whole
    source: Whole
    product: Whole
    segment: Whole
    account: Whole
    category: Whole
    growth: Whole

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The deals of several parts, one behind the other."""
        return cls(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)})

    def __len__(self) -> int:
        return len(self.deal)

    def __getitem__(self, chosen: Mask | Whole | slice) -> Self:
        return type(self)(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})


@dataclass(frozen=True)
class Steps:
    """What deals did in one week that is long enough ago to be recorded.

    Attributes:
        begins_on: the first day of the seven.
        ends_on: the day after the last.
        before: the deals that were open at its beginning, as they were then.
        outcome: what became of each by its end: STAYED, WON, LOST or GONE.
        stage: code of the stage in which each was by its end, or closed.
        value: what each was worth by its end.
        closed: number of the day on which it was won or lost in that week; UNKNOWN_DAY where it was not.
        arrived: the leads captured in that week, as they were at its end.
        arrived_outcome: what became of each of these by its end.
    """

    begins_on: date
    ends_on: date
    before: Deals
    outcome: Whole
    stage: Whole
    value: Real
    closed: Whole
    arrived: Deals
    arrived_outcome: Whole


@dataclass(frozen=True)
class Lags:
    """What became known in the week that ends, and how late.

    Attributes:
        kind: CAPTURED, MOVED, CLOSED_WON or CLOSED_LOST.
        days: how many days after it happened it was known, 0 and more.
    """

    kind: Whole
    days: Whole


@dataclass(frozen=True)
class Call:
    """What somebody said will be booked: the latest of its kind, for one period.

    Attributes:
        who: 'owner:kim', 'team:north', or 'all' for the whole business.
        category: commit, best-case or pipeline.
        begin: first day of the period.
        end: the day after its last.
        amount: in the ledger's currency.
    """

    who: str
    category: str
    begin: date
    end: date
    amount: float


@dataclass(frozen=True)
class Target:
    """A quota, the latest for its period; attributes as those of a call."""

    who: str
    begin: date
    end: date
    amount: float


@dataclass(frozen=True)
class Span:
    """A period whose bookings are asked about.

    Attributes:
        label: such as 2026Q1.
        begin: its first day.
        end: the day after its last.
        offset: 0 for the period in which the origin's next day lies, 1 for the one after, and so on.
    """

    label: str
    begin: date
    end: date
    offset: int = 0


@dataclass(frozen=True)
class Names:
    """What the codes mean.

    Attributes:
        deals: the id of each deal's number.
        stages: (process, stage, position from 0) of each stage's code; the position is the latest known.
        words: for each of owner, team, source, product, segment, account, category, growth: the text of each code, '' first.
    """

    deals: Sequence[str]
    stages: Sequence[tuple[str, str, int]]
    words: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Week:
    """All that a model may know at an origin, besides what it kept of the weeks before.

    Codes are given in the order in which things became known, so that what comes later changes none; arrays over codes are
    `levels[...]` long, never longer.

    Attributes:
        number: 0 for the first week of the ledger, then 1, 2, ...
        at: the origin, an instant in UTC. Everything known by then and effective by then counts, and nothing else.
        on: its day; what happens from the day after on is forecast.
        open: the deals that were open, by number.
        wins: every deal that was won by then and still is, renewals left out, by number; as believed at the origin.
        steps: what happened in the seven days that ended LATE_WEEKS weeks ago, as believed now; None in the first weeks.
        lags: what became known since the origin before.
        calls: the people's calls in force.
        targets: the quotas in force.
        levels: how many codes of `stage`, `owner`, ... there are by now.
        names: what the codes mean, for showing only.
    """

    number: int
    at: datetime
    on: date
    open: Deals
    wins: Deals
    steps: Steps | None
    lags: Lags
    calls: Sequence[Call]
    targets: Sequence[Target]
    levels: Mapping[str, int]
    names: Names

    def settled(self, span: Span) -> bool:
        """Whether the period ended so long ago that its bookings are recorded."""
        return (self.on - span.end).days + 1 >= 7 * LATE_WEEKS

    def won_in(self, begin: date, end: date) -> Deals:
        """The deals won from `begin` up to, but without, `end`, as known at the origin."""
        return self.wins[(self.wins.closed >= day_number(begin)) & (self.wins.closed < day_number(end))]

    def booked(self, begin: date, end: date) -> float:
        """What those are worth; a win without an amount counts nothing."""
        return float(np.nansum(self.won_in(begin, end).value))
