"""Plays a made-up firm day by day: what truly happened to each deal, and when it came to be on record.

People record late, most of all what they lost and what happened in a quarter's last days; but they record a deal's events in order,
so that what is known of a deal is always the beginning of its story. A few amounts are typed wrongly and corrected days later.
"""

from dataclasses import dataclass, field, fields
from typing import Self

import numpy as np

from benchmarks import firm as f
from benchmarks import true_process as true
from benchmarks.firm import Bools, Deals, Firm, Floats, Ints

CAPTURED, ADVANCED, SKIPPED, WENT_BACK, LOST, WON, REVISED = range(7)
"""What a row of a journey records; up to WON as the kinds of hazards are counted."""
NEVER = 10**6


@dataclass
class Rows:
    """What was recorded, a row an event, in the order of each deal's story; the deal as it is after the event.

    Attributes:
        kind: what happened.
        day: when it happened.
        known: the day in whose course it came to be on record.
        priced_now: whether the event says an amount.
        amount: what the deal is worth from then on, as agreed; 0 where nobody knows.
        typed: the amount that was typed first, where that was wrong; else the same.
        fixed: the day on which a wrong amount was corrected.
    """

    kind: Ints
    day: Ints
    known: Ints
    deal: Ints
    stage: Ints
    entered: Ints
    segment: Ints
    source: Ints
    product: Ints
    owner: Ints
    category: Ints
    expected: Ints
    amount: Floats
    priced: Bools
    priced_now: Bools
    typed: Floats
    fixed: Ints

    @classmethod
    def together(cls, parts: list["Rows"]) -> Self:
        """All of them as one."""
        return cls(*(np.concatenate([getattr(p, x.name) for p in parts]) for x in fields(cls)))

    def take(self, which: Ints | Bools) -> Self:
        """Some of them."""
        return type(self)(*(getattr(self, x.name)[which] for x in fields(self)))

    def __len__(self) -> int:
        return len(self.deal)


@dataclass(frozen=True)
class Call:
    """What a seller said would be won in a quarter."""

    day: int
    owner: int
    quarter: int
    amount: float


@dataclass(frozen=True)
class Journeys:
    """What happened in a firm.

    Attributes:
        firm: its parameters.
        seed: where chance began.
        rows: what was recorded of its deals.
        calls: what its people said each Friday.
        booked: what was truly won in each quarter.
        deals: how many there are.
    """

    firm: Firm
    seed: int
    rows: Rows
    calls: list[Call]
    booked: Floats
    deals: int


def simulate(firm: Firm, seed: int) -> Journeys:
    """Play a firm from its first day to its last; the same seed gives the same."""
    play = _Play(firm, np.random.default_rng([seed, 29]))
    for day in range(f.DAYS):
        play.live(day)
    rows = Rows.together(play.parts)
    return Journeys(firm, seed, rows, play.calls, play.won_by.sum(axis=1), play.captured)


@dataclass
class _Play:
    """A firm under way.

    Attributes:
        open: the deals that stand open, the dead among them.
        alive: which of those can still be won.
        known: the day by which all that has happened to each is on record.
        won_by: what each seller has won in each quarter.
    """

    firm: Firm
    rng: np.random.Generator
    parts: list[Rows] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    captured: int = 0

    def __post_init__(self) -> None:
        self.open = true.arrive(self.firm, 0, 0, 0, self.rng)
        self.alive = np.zeros(0, dtype=np.bool_)
        self.known = np.zeros(0, dtype=np.int64)
        self.won_by = np.zeros((f.QUARTERS, self.firm.sellers))

    def live(self, day: int) -> None:
        """One day."""
        self._happen(day)
        self._arrive(day)
        if f.day_of(day).weekday() == 4:
            self._call(day)

    def _happen(self, day: int) -> None:
        deals, rng = self.open, self.rng
        chances = true.hazards(self.firm, day, deals)
        chances[:, ~self.alive] = 0
        chances[f.LOSE - 1, ~self.alive] = true.TIDY_UP
        kinds = true.draw_kinds(chances, rng.random(len(deals)))
        self.alive &= kinds != f.DIE
        looked_at = (kinds == f.NONE) & (rng.random(len(deals)) < true.revising(self.firm, day, deals))
        self._move(day, (kinds >= f.ADVANCE) & (kinds <= f.BACK), kinds)
        self._revise(day, looked_at)
        self._close(day, kinds)

    def _move(self, day: int, which: Bools, kinds: Ints) -> None:
        moved = self.open.take(which)
        offered = true.move(self.firm, day, moved, kinds[which], self.rng)
        _to_cents(moved)
        self.open.put(which, moved)
        self._record(day, which, kinds[which], moved, offered, typos=0.015)

    def _revise(self, day: int, which: Bools) -> None:
        revised = self.open.take(which)
        true.expect(self.firm, day, revised, self.rng)
        true.hand_over(self.firm, revised, self.rng)
        self.open.put(which, revised)
        none = np.zeros(len(revised), dtype=np.bool_)
        self._record(day, which, np.full(len(revised), REVISED), revised, none)

    def _close(self, day: int, kinds: Ints) -> None:
        lost, won = kinds == f.LOSE, kinds == f.WIN
        gone, paid = self.open.take(lost), self.open.take(won)
        paid.log_amount += np.log(true.discount(len(paid), self.rng))
        _to_cents(paid)
        self._record(day, lost, kinds[lost], gone, np.zeros(len(gone), dtype=np.bool_))
        self._record(day, won, kinds[won], paid, np.ones(len(paid), dtype=np.bool_), typos=0.01)
        np.add.at(self.won_by[self.firm.calendar.quarter[day]], paid.owner, _amount(paid))
        left = ~(lost | won)
        self.open, self.alive, self.known = self.open.take(left), self.alive[left], self.known[left]

    def _arrive(self, day: int) -> None:
        count = int(true.arrivals_on(self.firm, day, 1, self.rng)[0])
        new = true.arrive(self.firm, day, count, self.captured, self.rng)
        _to_cents(new)
        self.captured += count
        there = len(self.open)
        self.open = self.open.joined(new)
        self.alive = np.concatenate([self.alive, np.ones(count, dtype=np.bool_)])
        self.known = np.concatenate([self.known, np.zeros(count, dtype=np.int64)])
        which = np.arange(there + count) >= there
        self._record(day, which, np.full(count, CAPTURED), new, new.priced.copy())

    def _record(
        self, day: int, which: Bools, kinds: Ints, after: Deals, priced_now: Bools, *, typos: float = 0.0
    ) -> None:
        count, rng = len(after), self.rng
        late = np.where(
            kinds == REVISED, 0, true.draw_delays(self.firm, np.minimum(kinds, f.WIN), day, after.owner, rng)
        )
        known = np.maximum(day + late, self.known[which])
        self.known[which] = known
        amount = np.where(after.priced, _amount(after), 0.0)
        wrong = priced_now & (rng.random(count) < typos)
        typed = np.where(wrong, np.round(amount * rng.uniform(0.5, 1.8, count), 2), amount)
        fixed = np.where(wrong, known + rng.integers(3, 21, count), known)
        a = after
        self.parts.append(
            Rows(
                kinds, np.full(count, day), known, a.deal, a.stage, a.entered, a.segment, a.source, a.product, a.owner,
                a.category, a.expected, amount, a.priced, priced_now, typed, fixed,
            )
        )  # fmt: skip

    def _call(self, day: int) -> None:
        """Each seller says what this quarter and the next will bring: what is won, what is sure, some of what may be."""
        quarter, deals, firm = int(self.firm.calendar.quarter[day]), self.open, self.firm
        worth = np.where(deals.priced, _amount(deals), 0.0)
        hoped = np.select([deals.category == f.COMMIT, deals.category == f.BEST_CASE], [1.0, 0.35], default=0.0) * worth
        for ahead in (0, 1):
            begins, ends = f.quarter_start(quarter + ahead), f.quarter_start(quarter + ahead + 1)
            within = (deals.expected < (ends - f.BEGIN).days) & (deals.expected >= (begins - f.BEGIN).days)
            said = np.bincount(deals.owner, hoped * within, minlength=firm.sellers)
            if ahead:
                said = 0.6 * said + 0.55 * self.won_by[max(quarter - 1, 0)]
            noise = self.rng.lognormal(0, 0.15 + 0.1 * ahead, firm.sellers)
            said = said * firm.call_bias * noise + (0 if ahead else self.won_by[quarter])
            self.calls += [Call(day, owner, quarter + ahead, round(float(x), -2)) for owner, x in enumerate(said)]


def _amount(deals: Deals) -> Floats:
    return np.asarray(np.round(np.exp(deals.log_amount), 2))


def _to_cents(deals: Deals) -> None:
    """Amounts are whole cents; what is paid monthly is a whole number of cents each month."""
    monthly = np.round(np.exp(deals.log_amount) / 12, 2) * 12
    rounded = np.where(deals.product == RECURRING, monthly, np.exp(deals.log_amount))
    deals.log_amount[:] = np.where(deals.priced, np.log(np.maximum(rounded, 0.12)), 0.0)


RECURRING = f.PRODUCTS.index("platform")
"""The product that is paid each month over a term of twelve."""
