"""A made-up firm: its people, its calendar, its deals side by side. `true_process` tells how these go on."""

from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

BEGIN = date(2020, 1, 1)
QUARTERS = 21
"""Quarters that are played; the last one is only looked at as the next quarter of the one before it."""
FIRST_SCORED = 8
"""The quarter in which the first origin lies; those before it are for learning."""
EDGES = np.array([(date(BEGIN.year + q // 4, 1 + 3 * (q % 4), 1) - BEGIN).days for q in range(QUARTERS + 1)])
"""The day on which each quarter begins, counted from BEGIN; the last one is the end of all."""
DAYS = int(EDGES[-1])

LEAD, QUALIFIED, MEETING, PROPOSAL, NEGOTIATION = range(5)
NONE, ADVANCE, SKIP, BACK, LOSE, WIN, DIE = range(7)
"""What can happen to an open deal on a day."""
CAPTURE = 0
"""A capture's place among the kinds of events that can be late."""
NO_CATEGORY, PIPELINE, BEST_CASE, COMMIT, OMITTED = range(5)
NO_DATE = -1
HEAPS = 6.0
"""Shape of the gamma that a day's rate of arrivals is drawn from: leads come in heaps."""
LATEST = 28
"""Days after which everything is on record."""

SEGMENTS = ("smb", "mid-market", "enterprise")
SOURCES = ("outbound", "inbound-phone", "event", "gated-content", "referral")
PRODUCTS = ("core", "plus", "platform")

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass
class Deals:
    """Deals that are open, an array an attribute: of the firm, or of what the oracle imagines.

    Attributes:
        deal: whose row it is.
        stage: where it stands.
        entered: the day on which it came there.
        expected: the day on which its owner expects it to close.
        log_amount: log of its amount, where that is known; else 0 counts as its size.
    """

    deal: Ints
    stage: Ints
    entered: Ints
    segment: Ints
    source: Ints
    product: Ints
    owner: Ints
    category: Ints
    expected: Ints
    log_amount: Floats
    priced: Bools

    @classmethod
    def none(cls, count: int) -> Self:
        """Deals of which nothing is known yet."""
        zeros = [np.zeros(count, dtype=np.int64) for _ in range(8)]
        stage, entered, segment, source, product, owner, category, expected = zeros
        amount, priced = np.zeros(count), np.zeros(count, dtype=np.bool_)
        deal = np.arange(count)
        return cls(deal, stage, entered, segment, source, product, owner, category, expected, amount, priced)

    def take(self, which: Ints | Bools) -> Self:
        """Some of them, copied."""
        which = np.flatnonzero(which) if which.dtype == np.bool_ else which
        return type(self)(*(getattr(self, f.name)[which] for f in fields(self)))

    def joined(self, others: "Deals") -> Self:
        """These and others."""
        return type(self)(*(np.concatenate([getattr(self, f.name), getattr(others, f.name)]) for f in fields(self)))

    def put(self, which: Ints | Bools, others: "Deals") -> None:
        """Put others in the place of some of them."""
        which = np.flatnonzero(which) if which.dtype == np.bool_ else which
        for f in fields(self):
            getattr(self, f.name)[which] = getattr(others, f.name)

    def __len__(self) -> int:
        return len(self.deal)


@dataclass(frozen=True)
class Firm:
    """The parameters of a firm.

    Attributes:
        leads_a_day: how many are captured on an ordinary working day, when the firm begins.
        growth: by how much that grows in a year.
        season: what each quarter of the year does to arrivals.
        arrival_level, win_level: what each quarter that is played does, slow drift and change of regime together.
        regime: the quarter in which the firm changes.
        win_by_owner, advance_by_owner, lose_by_owner: what each seller does to the rates.
        optimism: how much too early each seller expects deals to close: 1 is true, 0.5 half the time.
        sloppiness: how much more often than others each seller records late.
        call_bias: what each seller's calls are multiplied by.
        seller_shares: the part of the leads that each seller gets.
    """

    preset: str
    leads_a_day: float
    growth: float
    season: Floats
    arrival_level: Floats
    win_level: Floats
    regime: int
    win_by_owner: Floats
    advance_by_owner: Floats
    lose_by_owner: Floats
    optimism: Floats
    sloppiness: Floats
    call_bias: Floats
    seller_shares: Floats

    @property
    def sellers(self) -> int:
        """How many people sell."""
        return len(self.optimism)

    @cached_property
    def calendar(self) -> "Calendar":
        """What each day does."""
        return Calendar.of(self)

    @cached_property
    def win_by_category(self) -> Floats:
        """What a category does to the chance of winning: [category, seller]; what an optimist commits to means less."""
        by = np.repeat(np.array([[0.8], [0.75], [1.05], [1.75], [0.3]]), self.sellers, axis=1)
        by[COMMIT] **= 0.4 + 0.6 * self.optimism
        return by

    @cached_property
    def delays(self) -> Floats:
        """Chance that an event is on record so many days later or more: [quarter's end, kind, seller, days]."""
        return _delays(self.sloppiness)


SIZES = {"large": (16.5, 10), "middle": (3.9, 5), "small": (2.0, 3)}
"""Leads a working day and sellers of each preset: about 170, 40 and 20 wins a quarter."""


def make_firm(preset: str, seed: int) -> Firm:
    """A firm of a preset size; two seeds give two firms that differ in everything but their size."""
    rng = np.random.default_rng([seed, 17])
    leads, sellers = SIZES[preset]
    regime = int(rng.integers(FIRST_SCORED - 1, QUARTERS - 4))
    after = np.arange(QUARTERS) >= regime
    turn = rng.choice([-1.0, 1.0])
    return Firm(
        preset=preset,
        leads_a_day=leads * float(rng.uniform(0.9, 1.1)),
        growth=float(rng.uniform(-0.02, 0.12)),
        season=np.array([1.0, 1.08, 0.84, 1.08]) * rng.lognormal(0, 0.04, 4),
        arrival_level=np.exp(np.cumsum(rng.normal(0, 0.03, QUARTERS)) - turn * rng.uniform(0.08, 0.2) * after),
        win_level=np.exp(np.cumsum(rng.normal(0, 0.03, QUARTERS)) + turn * rng.uniform(0.15, 0.35) * after),
        regime=regime,
        win_by_owner=rng.lognormal(0, 0.3, sellers),
        advance_by_owner=rng.lognormal(0, 0.12, sellers),
        lose_by_owner=rng.lognormal(0, 0.2, sellers),
        optimism=rng.uniform(0.55, 1.05, sellers),
        sloppiness=rng.uniform(0.4, 1.8, sellers),
        call_bias=rng.lognormal(-0.25, 0.3, sellers),
        seller_shares=rng.dirichlet(np.full(sellers, 12.0)),
    )


@dataclass(frozen=True)
class Calendar:
    """What each day of the play does, from day 0 to the last.

    Attributes:
        quarter: which quarter it lies in.
        ends: the day on which that quarter ends.
        late: 1 in the last days of a quarter, when more is recorded late, else 0.
        arrivals: leads to be captured on average.
        advance, lose, win: what the day does to the rates.
        revise: what it does to how often people look at a deal's date and category.
    """

    quarter: Ints
    ends: Ints
    late: Ints
    arrivals: Floats
    advance: Floats
    lose: Floats
    win: Floats
    revise: Floats

    @classmethod
    def of(cls, firm: Firm) -> Self:
        """The calendar of a firm."""
        day = np.arange(DAYS)
        quarter = np.searchsorted(EDGES, day, side="right") - 1
        ends = EDGES[quarter + 1]
        week = np.minimum((day - EDGES[quarter]) // 7, 12)
        left = ends - day
        weekday = (day + BEGIN.weekday()) % 7
        work = np.where(weekday < 5, 1.0, 0.1)
        push = np.array([0.55, 0.6, 0.68, 0.72, 0.78, 0.84, 0.9, 0.95, 1.02, 1.15, 1.4, 1.85, 2.5])[week]
        push = push * np.where(left <= 4, 1.5, 1.0)
        season = np.array([0.9, 1.0, 0.94, 1.16])[quarter % 4]
        new = np.array([0.95, 1, 1, 1.05, 1.05, 1.05, 1.05, 1.05, 1, 1, 0.95, 0.92, 0.9])[week]
        return cls(
            quarter=quarter,
            ends=ends,
            late=(left <= 10).astype(np.int64),
            arrivals=work * new * firm.leads_a_day * firm.season[quarter % 4] * firm.arrival_level[quarter]
            * (1 + firm.growth * day / 365.25),
            advance=work * np.where(week >= 10, 1.15, 0.97),
            lose=work * np.where(week <= 1, 1.35, 0.95),
            win=work * push * season * firm.win_level[quarter],
            revise=np.where(weekday < 5, 1.0, 0.0),
        )  # fmt: skip


def _delays(sloppiness: Floats) -> Floats:
    often = np.array([0.12, 0.24, 0.24, 0.3, 0.5, 0.2])
    """Chance that a capture, an advance, a skip, a step back, a loss or a win is recorded late."""
    days = np.array([4.0, 6.0, 6.0, 8.0, 11.0, 6.0])
    beyond = np.arange(LATEST + 2)
    table = np.zeros((2, len(often), len(sloppiness), LATEST + 2))
    for end in (0, 1):
        for kind in range(len(often)):
            tail = np.where(beyond <= LATEST, np.exp(-np.maximum(beyond - 1, 0) / days[kind]), 0.0)
            late = np.minimum(often[kind] * sloppiness * (1.4 if end else 1.0), 0.9)
            table[end, kind] = late[:, None] * tail
    table[..., 0] = 1.0
    return table


def quarter_start(quarter: int) -> date:
    """The first day of a quarter, counted from the firm's first."""
    return date(BEGIN.year + quarter // 4, 1 + 3 * (quarter % 4), 1)


def day_of(number: int) -> date:
    """The date of a day."""
    return BEGIN + timedelta(days=int(number))
