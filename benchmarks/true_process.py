"""The true process by which a made-up firm's deals go on, day by day: what the simulator plays and the oracle knows.

Nothing here is shared with the forecasts. Rates depend on the age in the stage without bands, on the day, and on the deal: its
segment, source, product, owner, size, category and the date on which its owner expects it to close. A deal can die in silence: its
client is gone, nobody says so, and it stands open until somebody tidies up.
"""

import numpy as np

from benchmarks.firm import (
    BEST_CASE,
    COMMIT,
    DAYS,
    EDGES,
    HEAPS,
    LEAD,
    MEETING,
    NEGOTIATION,
    NO_CATEGORY,
    NO_DATE,
    OMITTED,
    PIPELINE,
    PRODUCTS,
    PROPOSAL,
    QUALIFIED,
    SOURCES,
    Bools,
    Deals,
    Firm,
    Floats,
    Ints,
)

_SHARES = {"segment": (0.55, 0.32, 0.13), "source": (0.34, 0.22, 0.14, 0.18, 0.12), "product": (0.5, 0.3, 0.2)}
_LOG_MEDIAN = np.log([7_000.0, 20_000.0, 62_000.0])
_LOG_SPREAD = np.array([0.7, 0.8, 0.85])
_HAS_AMOUNT_AT_CAPTURE = 0.6
_BIGGEST = 3.0
"""Standard deviations beyond which size makes no more difference."""
_TYPICAL_DAYS_LEFT = np.array([95.0, 80.0, 62.0, 42.0, 24.0])
"""Days from each stage to winning, as people think of it."""


def draw_delays(firm: Firm, kind: Ints, day: int, owner: Ints, rng: np.random.Generator) -> Ints:
    """How many days late each of some events of a day is recorded."""
    beyond = firm.delays[firm.calendar.late[day], kind, owner]
    return np.asarray((beyond[:, 1:] > rng.random(len(kind))[:, None]).sum(axis=1))


def _hump(age: Floats, height: float, peak: float) -> Floats:
    return height * age / peak * np.exp(1 - age / peak)


def _base_rates() -> Floats:
    """Daily rates of an ordinary deal: [stage, age in days, what happens - 1]."""
    age = np.arange(DAYS + 1, dtype=np.float64) + 0.5
    old = 1 - np.exp(-age / 30)
    rates = np.zeros((5, DAYS + 1, 6))
    a, s, b, lo, w, d = range(6)
    rates[LEAD, :, a] = 0.055 * np.exp(-age / 16) + 0.005
    rates[LEAD, :, s] = 0.006 * np.exp(-age / 20)
    rates[LEAD, :, lo] = 0.014 + 0.022 * old
    rates[LEAD, :, d] = 0.002 + 0.003 * old
    rates[QUALIFIED, :, a] = _hump(age, 0.055, 9) + 0.006
    rates[QUALIFIED, :, s] = 0.004
    rates[QUALIFIED, :, b] = 0.001
    rates[QUALIFIED, :, lo] = 0.004 + 0.012 * old
    rates[QUALIFIED, :, d] = 0.001 + 0.003 * old
    rates[MEETING, :, a] = _hump(age, 0.045, 14) + 0.005
    rates[MEETING, :, s] = 0.003
    rates[MEETING, :, b] = 0.0015
    rates[MEETING, :, lo] = 0.004 + 0.012 * old
    rates[MEETING, :, d] = 0.001 + 0.003 * old
    rates[PROPOSAL, :, a] = _hump(age, 0.04, 10) + 0.005
    rates[PROPOSAL, :, b] = 0.002
    rates[PROPOSAL, :, lo] = _hump(age, 0.022, 28) + 0.005
    rates[PROPOSAL, :, w] = _hump(age, 0.008, 18) + 0.0015
    rates[PROPOSAL, :, d] = 0.001 + 0.004 * old
    rates[NEGOTIATION, :, b] = 0.003
    rates[NEGOTIATION, :, lo] = _hump(age, 0.018, 25) + 0.005
    rates[NEGOTIATION, :, w] = _hump(age, 0.03, 16) + 0.004
    rates[NEGOTIATION, :, d] = 0.001 + 0.004 * old
    return rates


_BASE = np.ascontiguousarray(np.moveaxis(_base_rates(), 2, 0)).reshape(6, -1)
"""The same as [what happens - 1, stage and age]."""
_ADVANCE = {"segment": (1.15, 0.95, 0.72), "source": (0.85, 1.1, 0.95, 0.9, 1.35), "product": (1.0, 1.0, 0.95)}
_LOSE = {"segment": (1.05, 1.0, 0.85), "source": (1.2, 0.95, 1.0, 1.15, 0.7), "product": (1.0, 1.05, 0.95)}
_WIN = {"segment": (1.15, 0.95, 0.7), "source": (0.75, 1.15, 0.9, 0.9, 1.6), "product": (1.0, 0.85, 1.2)}
TIDY_UP = 1 / 200
"""Daily chance that somebody closes a deal that is dead."""


def _product(table: dict[str, tuple[float, ...]]) -> Floats:
    """What segment, source and product do together, in one row."""
    segment, source, product = (np.array(table[name]) for name in ("segment", "source", "product"))
    return np.asarray(segment[:, None, None] * source[:, None] * product).reshape(-1)


_ADVANCE_BY, _LOSE_BY, _WIN_BY = _product(_ADVANCE), _product(_LOSE), _product(_WIN)
_WIN_BY_DAYS_AWAY = 0.75 + 0.8 * np.exp(-((np.arange(100) / 16.0) ** 2))


def size_of(deals: Deals) -> Floats:
    """How big each deal is among those of its segment, in standard deviations of the log; 0 where nobody knows yet."""
    known = (deals.log_amount - _LOG_MEDIAN[deals.segment]) / _LOG_SPREAD[deals.segment]
    return np.where(deals.priced, np.clip(known, -_BIGGEST, _BIGGEST), 0.0)


def hazards(firm: Firm, day: int, deals: Deals) -> Floats:
    """The chance of each thing that can happen to each deal on a day, from ADVANCE to DIE: [kind - 1, deal]."""
    calendar, owner, size = firm.calendar, deals.owner, size_of(deals)
    kind = (deals.segment * len(SOURCES) + deals.source) * len(PRODUCTS) + deals.product
    away = np.where(deals.expected == NO_DATE, 30, np.minimum(np.abs(deals.expected - day), 99))
    rates = _BASE[:, deals.stage * (DAYS + 1) + np.clip(day - deals.entered, 0, DAYS)]
    rates[:2] *= calendar.advance[day] * firm.advance_by_owner[owner] * _ADVANCE_BY[kind] * np.exp(-0.07 * size)
    rates[2] *= calendar.advance[day]
    rates[3] *= calendar.lose[day] * firm.lose_by_owner[owner] * _LOSE_BY[kind] * np.exp(0.05 * size)
    rates[4] *= calendar.win[day] * firm.win_by_owner[owner] * _WIN_BY[kind] * np.exp(-0.14 * size)
    rates[4] *= firm.win_by_category[deals.category, owner] * _WIN_BY_DAYS_AWAY[away]
    total = rates.sum(axis=0)
    return np.asarray(rates * (np.minimum(total, 0.6) / total))


MOST_REVISING = 0.165
"""More than anybody ever looks at a deal."""


def revising(firm: Firm, day: int, deals: Deals) -> Floats:
    """The chance that somebody looks at each deal's date and category on a day, whether it is alive or not."""
    overdue = (deals.expected != NO_DATE) & (deals.expected < day)
    rate = 0.015 + np.where(overdue, 0.15, 0.0) * np.exp(-(day - deals.entered) / 90)
    return np.where(deals.stage == LEAD, 0.0, rate * firm.calendar.revise[day])


def expect(firm: Firm, day: int, deals: Deals, rng: np.random.Generator) -> None:
    """Let the owners say anew when each deal will close and how sure they are."""
    n = len(deals)
    span = _TYPICAL_DAYS_LEFT[deals.stage] * firm.optimism[deals.owner] * rng.lognormal(0, 0.4, n)
    close = day + 2 + span.astype(np.int64)
    ends = EDGES[np.minimum(np.searchsorted(EDGES, close, side="right"), len(EDGES) - 1)]
    deals.expected[:] = np.where(rng.random(n) < 0.35, np.maximum(ends - 1, close), close)
    hope = 1.2 - firm.optimism[deals.owner]
    near = np.where(deals.expected - day < 40, 1.4, 0.7)
    commit = np.array([0.0, 0.02, 0.08, 0.3, 0.6])[deals.stage] * near * (0.5 + hope)
    best = np.array([0.02, 0.1, 0.3, 0.4, 0.3])[deals.stage]
    omitted = 0.05
    draw = rng.random(n)
    deals.category[:] = np.select(
        [draw < commit, draw < commit + best, draw > 1 - omitted], [COMMIT, BEST_CASE, OMITTED], default=PIPELINE
    )


def move(firm: Firm, day: int, deals: Deals, kinds: Ints, rng: np.random.Generator) -> Bools:
    """Move deals that advance, skip or go back: in place, with what comes of it. Says which were offered a price."""
    by = np.array([0, 1, 2, -1, 0, 0, 0])[kinds]
    target = np.clip(deals.stage + by, LEAD, NEGOTIATION)
    offered = (target >= PROPOSAL) & (deals.stage < PROPOSAL)
    deals.stage[:] = target
    deals.entered[:] = day
    n = len(deals)
    fresh = _LOG_MEDIAN[deals.segment] + _LOG_SPREAD[deals.segment] * rng.normal(size=n)
    changed = deals.log_amount + rng.normal(-0.05, 0.25, n)
    deals.log_amount[:] = np.where(offered, np.where(deals.priced, changed, fresh), deals.log_amount)
    deals.priced |= offered
    expect(firm, day, deals, rng)
    return np.asarray(offered)


def discount(n: int, rng: np.random.Generator) -> Floats:
    """The part of the offer that is paid at winning."""
    return np.where(rng.random(n) < 0.5, 1.0, 1 - rng.uniform(0, 0.25, n))


def draw_kinds(chances: Floats, drawn: Floats) -> Ints:
    """What happens to each deal: the chance of each kind, [kind - 1, deal], cuts a part out of what is drawn from 0 to 1."""
    kinds = np.zeros(len(drawn), dtype=np.int64)
    hit = np.flatnonzero(drawn < chances.sum(axis=0))
    # What is left of the draw falls into the chance of one kind, the last kind first.
    tails = np.cumsum(chances[::-1, hit], axis=0)
    kinds[hit] = len(chances) - np.minimum((tails <= drawn[hit]).sum(axis=0), len(chances) - 1)
    return kinds


def bounds(firm: Firm, day: int) -> Floats:
    """More than the chance that anything happens to a deal on a day: by stage and age, [stage * (DAYS + 1) + age].

    A draw above it needs no hazards, which spares nine tenths of them.
    """
    c, close = firm.calendar, float(_WIN_BY_DAYS_AWAY.max() * firm.win_by_category.max())
    advance = c.advance[day] * firm.advance_by_owner.max() * _ADVANCE_BY.max() * np.exp(0.07 * _BIGGEST)
    lose = c.lose[day] * firm.lose_by_owner.max() * _LOSE_BY.max() * np.exp(0.05 * _BIGGEST)
    win = c.win[day] * firm.win_by_owner.max() * _WIN_BY.max() * np.exp(0.14 * _BIGGEST) * close
    most = np.array([advance, advance, c.advance[day], lose, win, 1.0])
    return np.asarray(most @ _BASE)


def hand_over(firm: Firm, deals: Deals, rng: np.random.Generator) -> None:
    """A few deals that somebody looks at change hands."""
    moved = rng.random(len(deals)) < 0.05
    deals.owner[moved] = rng.choice(firm.sellers, int(moved.sum()), p=firm.seller_shares)


def arrive(firm: Firm, day: int, count: int, first: int, rng: np.random.Generator) -> Deals:
    """Leads that are captured on a day, numbered from `first`."""
    segment, source, product = (
        rng.choice(len(p), count, p=p).astype(np.int64)
        for p in (_SHARES["segment"], _SHARES["source"], _SHARES["product"])
    )
    priced = rng.random(count) < _HAS_AMOUNT_AT_CAPTURE
    made = Deals(
        deal=np.arange(first, first + count),
        stage=np.full(count, LEAD),
        entered=np.full(count, day),
        segment=segment,
        source=source,
        product=product,
        owner=rng.choice(firm.sellers, count, p=firm.seller_shares).astype(np.int64),
        category=np.full(count, NO_CATEGORY),
        expected=np.full(count, NO_DATE),
        log_amount=np.where(priced, _LOG_MEDIAN[segment] + _LOG_SPREAD[segment] * rng.normal(size=count), 0.0),
        priced=priced,
    )
    expect(firm, day, made, rng)
    silent = rng.random(count) < 0.5
    made.expected[silent], made.category[silent] = NO_DATE, NO_CATEGORY
    return made


def arrivals_on(firm: Firm, day: int | Ints, size: int | tuple[int, int], rng: np.random.Generator) -> Ints:
    """How many leads are captured: a count with more spread than chance alone has, as leads come in heaps."""
    mean = firm.calendar.arrivals[day]
    return rng.poisson(rng.gamma(HEAPS, mean / HEAPS, size))
