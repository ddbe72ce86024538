"""How often open deals move, are lost and are won, by stage, age, and what else is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salesledger.forecast.season import Season
from salesledger.forecast.week import LOST, STAYED, UNKNOWN_DAY, WON, Deals, Real, Steps, Week, Whole, day_number

KINDS = 4
ON, BACK, LOSE, WIN = range(KINDS)
"""What can happen to an open deal within a week: on to a later stage, back to an earlier one, lost, won."""

AGES: Whole = np.array([0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 28, 40, 60])
"""The whole weeks in a stage at which a band of ages begins."""

SIZE_EDGES = (0.2, 0.4, 0.6, 0.75, 0.86, 0.93, 0.975)
"""Where sizes that were seen are cut into bands, finer where the money is; 0 stands for no amount."""

_WIDEST_SIZE = 2.5
"""The size beyond which more makes no more difference, in natural logarithms."""

_SLOPE_STRENGTH = 20.0
_LONGEST_STRIDE = 0.3

NEAR: Whole = np.array([-28, -7, 0, 7, 14, 28, 56])
"""The days up to the expected close at which a band begins; below the first is one more, and 0 stands for a day not told."""

FACTORS = ("size", "source", "owner", "segment", "product", "growth", "category", "near")
"""What makes a deal quicker or slower than others in its stage; the last two hold for the present stage alone."""

LASTING, PASSING = FACTORS[:-2], FACTORS[-2:]

HALF_LIFE_WEEKS = 104.0
DRIFT_HALF_LIFE_WEEKS = 26.0
_DRIFT_STRENGTH = (40.0, 20.0, 40.0, 25.0)
_AGE_STRENGTH = 0.7
_REFIT_WEEKS = 13
_OFTEN_UNTIL = 79
_OFTEN_WEEKS = 4
_FEWEST_WINS = 10


def age_band(weeks: Whole) -> Whole:
    """The band of ages that whole weeks in a stage fall into."""
    return np.searchsorted(AGES, weeks, side="right") - 1


def near_band(days: Whole, told: np.ndarray) -> Whole:
    """The band of days up to the expected close."""
    return np.where(told, np.searchsorted(NEAR, days, side="right") + 1, 0)


@dataclass
class Rows:
    """Deals that were open at a week's beginning, and what they did in it: those of many weeks, one behind the other."""

    cell: Whole
    levels: Whole
    log_value: Real
    kind: Whole
    week: Whole


class Rates:
    """Weekly intensities of each kind of step: stage and age, times factors, times the season, times a level that drifts.

    Each is a Poisson rate fitted by proportional scaling (Breslow and Day, Statistical Methods in Cancer Research II, chapter 4);
    what little is known of is drawn to 1, or to the whole of its stage, by a gamma prior whose strength comes from how much the
    groups really differ (empirical Bayes; Efron and Morris 1973). Older weeks count less.

    Attributes:
        base: per week, of shape (kinds, stages, bands of age).
        factors: for each of FACTORS, of shape (kinds, codes).
        usual: what category and expected close do to a kind on average in each stage, of shape (kinds, stages).
        usual_size: what size does to a kind on average in each segment, of shape (kinds, segments).
        slopes: how the logarithm of a kind changes with that of the amount, the same in all bands of size.
        middles: the mean logarithm of the amounts in each segment, which sizes are measured from.
        drift: the present level of each kind against the long one.
        wins: how many wins were learned from.
    """

    def __init__(self) -> None:
        self.base = np.zeros((KINDS, 0, len(AGES)))
        self.usual = np.ones((KINDS, 0))
        self.usual_size = np.ones((KINDS, 1))
        self.factors = {name: np.ones((KINDS, 1)) for name in FACTORS}
        self.season = [Season() for _ in range(KINDS)]
        self.drift = np.ones(KINDS)
        self.leaps = np.zeros((2, 0, 0))
        self.edges: Real = np.zeros(0)
        self.slopes = np.zeros(KINDS)
        self.middles: Real = np.zeros(1)
        self.wins = 0
        self._rows: list[Rows] = []
        self._begins: list[date] = []
        self._seen = np.zeros(KINDS)
        self._even = np.zeros(KINDS)

    @property
    def ready(self) -> bool:
        """Whether enough was seen to say anything."""
        return self.wins >= _FEWEST_WINS and self.base.shape[1] > 0

    def learn(self, week: Week) -> None:
        """Take in what happened in the week that is old enough."""
        steps = week.steps
        if steps is None:
            return
        stages = week.levels["stage"]
        kind = self._kinds(week, steps)
        rows = Rows(
            steps.before.stage * len(AGES) + age_band(steps.before.weeks),
            levels_of(steps.before, day_number(steps.begins_on)),
            _log(steps.before.value),
            kind,
            np.full(len(kind), len(self._begins)),
        )
        self._rows.append(rows)
        self._begins.append(steps.begins_on)
        self.wins += int(np.sum(kind == WIN))
        self._leap(stages, steps, kind)
        if self.base.shape[1]:
            self._follow(rows, steps)
        number = len(self._begins)
        if self.wins >= _FEWEST_WINS and (
            not self.base.shape[1] or number % (_OFTEN_WEEKS if number < _OFTEN_UNTIL else _REFIT_WEEKS) == 0
        ):
            self._fit(week, stages)

    def at(self, kind: int, stage: Whole, weeks: Whole) -> Real:
        """The weekly intensity of a kind by stage and whole weeks in it; 0 for stages that were never seen."""
        known = stage < self.base.shape[1]
        found = self.base[kind][np.where(known, stage, 0), age_band(weeks)]
        return np.where(known, found, 0.0)

    def factor(self, kind: int, name: str, codes: Whole) -> Real:
        """How much a factor changes a kind; 1 for codes that were never seen."""
        table = self.factors[name][kind]
        return np.where(codes < len(table), table[np.minimum(codes, len(table) - 1)], 1.0)

    def sizes(self, deals: Deals) -> Real:
        """The logarithm of each amount over what is usual in its segment; NaN where none is told."""
        known = deals.segment < len(self.middles)
        middle = np.where(known, self.middles[np.minimum(deals.segment, len(self.middles) - 1)], np.mean(self.middles))
        found: Real = np.clip(_log(deals.value) - middle, -_WIDEST_SIZE, _WIDEST_SIZE)
        return found

    def by_size(self, kind: int, sizes: Real) -> Real:
        """How much sizes change a kind."""
        found: Real = self.factor(kind, "size", self._bands(sizes)) * np.exp(self.slopes[kind] * np.nan_to_num(sizes))
        return found

    def _bands(self, sizes: Real) -> Whole:
        return np.where(np.isnan(sizes), 0, np.searchsorted(self.edges, sizes, side="right") + 1)

    def lasting(self, deals: Deals, *, later: bool = False) -> Real:
        """What speaks for each kind in the deals' lasting traits, of shape (kinds, deals).

        Args:
            deals: the deals.
            later: in the stages to come, where those without an amount will have one such as others of their segment.
        """
        sizes = self.sizes(deals)
        found = np.stack([self.by_size(kind, sizes) for kind in range(KINDS)])
        if later:
            known = deals.segment < self.usual_size.shape[1]
            usual = self.usual_size[:, np.minimum(deals.segment, self.usual_size.shape[1] - 1)]
            found = np.where(np.isnan(sizes), np.where(known, usual, 1.0), found)
        for name in LASTING[1:]:
            for kind in range(KINDS):
                found[kind] *= self.factor(kind, name, getattr(deals, name))
        return found

    def _kinds(self, week: Week, steps: Steps) -> Whole:
        """What each deal did: a kind, or -1 where it stayed, or vanished."""
        positions = np.array([position for _, _, position in week.names.stages[: week.levels["stage"]]])
        kind = np.full(len(steps.outcome), -1)
        moved = (steps.outcome == STAYED) & (steps.stage != steps.before.stage)
        on = positions[steps.stage] >= positions[steps.before.stage]
        kind[moved & on] = ON
        kind[moved & ~on] = BACK
        kind[steps.outcome == LOST] = LOSE
        kind[steps.outcome == WON] = WIN
        return kind

    def _leap(self, stages: int, steps: Steps, kind: Whole) -> None:
        """Count which stages are reached from which."""
        if self.leaps.shape[1] < stages:
            grown = np.zeros((2, stages, stages))
            had = self.leaps.shape[1]
            grown[:, :had, :had] = self.leaps
            self.leaps = grown
        self.leaps *= 0.5 ** (1 / HALF_LIFE_WEEKS)
        for which in (ON, BACK):
            moved = kind == which
            np.add.at(self.leaps[which], (steps.before.stage[moved], steps.stage[moved]), 1.0)

    def _follow(self, rows: Rows, steps: Steps) -> None:
        """Let season and level follow a week, the rest being as it was fitted."""
        before, kept = steps.before, 0.5 ** (1 / DRIFT_HALF_LIFE_WEEKS)
        held = 0.5 ** (1 / (2 * HALF_LIFE_WEEKS))
        exposed = np.where(rows.kind >= 0, 0.5, 1.0)
        lasting = self.lasting(before)
        begin = day_number(steps.begins_on)
        for kind in range(KINDS):
            even = self.at(kind, before.stage, before.weeks) * lasting[kind]
            for name in PASSING:
                even *= self.factor(kind, name, rows.levels[FACTORS.index(name)])
            expected = float(np.sum(even * exposed))
            days = self.season[kind].days(steps.begins_on)
            happened = rows.kind == kind
            told = happened & (steps.closed != UNKNOWN_DAY)
            on_day = np.bincount(np.clip(steps.closed[told] - begin, 0, 6), minlength=7).astype(float)
            on_day += float(np.sum(happened & ~told)) * days / np.sum(days)
            self._seen[kind] = self._seen[kind] * kept + float(np.sum(on_day))
            self._even[kind] = self._even[kind] * kept + expected * float(np.mean(days))
            strength = _DRIFT_STRENGTH[kind]
            self.drift[kind] = (self._seen[kind] + strength) / (self._even[kind] + strength)
            self.season[kind].learn(steps.begins_on, on_day, expected * float(self.drift[kind]), held)

    def _fit(self, week: Week, stages: int) -> None:
        """Scale everything anew until what is expected is what was seen."""
        rows = self._rows[-int(4 * HALF_LIFE_WEEKS) :]
        number = np.concatenate([r.week for r in rows])
        weight = 0.5 ** ((len(self._begins) - 1 - number) / HALF_LIFE_WEEKS)
        kinds = np.concatenate([r.kind for r in rows])
        exposed = weight * np.where(kinds >= 0, 0.5, 1.0)
        cell = np.concatenate([r.cell for r in rows])
        levels = np.concatenate([r.levels for r in rows], axis=1)
        log_value = np.concatenate([r.log_value for r in rows])
        segment = levels[FACTORS.index("segment")]
        self.middles = _middles(log_value, segment, max(week.levels["segment"], 1))
        size = np.clip(log_value - self.middles[segment], -_WIDEST_SIZE, _WIDEST_SIZE)
        sized = ~np.isnan(size)
        self.edges = np.quantile(size[sized], SIZE_EDGES) if np.any(sized) else np.zeros(0)
        levels[0] = self._bands(size)
        size = np.nan_to_num(size)
        lengths = [
            {"size": len(SIZE_EDGES) + 2, "near": len(NEAR) + 2}.get(name) or max(week.levels.get(name, 1), 1)
            for name in FACTORS
        ]
        grown = np.zeros((KINDS, stages, len(AGES)))
        usual = np.ones((KINDS, stages))
        usual_size = np.ones((KINDS, lengths[FACTORS.index("segment")]))
        for kind in range(KINDS):
            calendar = np.array([float(np.mean(self.season[kind].days(begin))) for begin in self._begins])
            seen = weight * (kinds == kind)
            product = exposed * calendar[number] * np.exp(self.slopes[kind] * size)
            tables = []
            for at, name in enumerate(FACTORS):
                table = np.ones(lengths[at])
                had = self.factors[name][kind]
                table[: len(had)] = had[: len(table)]
                tables.append(table)
                product *= table[levels[at]]
            base = grown[kind].reshape(-1)
            for _sweep in range(2 if self.base.shape[1] else 5):
                base[:] = _shrunk(cell, seen, product, stages)
                product *= base[cell]
                for at, table in enumerate(tables):
                    if len(table) == 1:
                        continue
                    old = table.copy()
                    has = np.bincount(levels[at], weights=seen, minlength=len(table))
                    even = np.bincount(levels[at], weights=product, minlength=len(table)) / old
                    table[:] = (has + (k := _strength(has, even))) / (even + k)
                    product *= (table / old)[levels[at]]
                stride = _stride(size, seen, product, float(self.slopes[kind]))
                self.slopes[kind] += stride
                product *= np.exp(stride * size)
                product /= np.maximum(base[cell], 1e-12)
            base[:] = _shrunk(cell, seen, product, stages)
            passing = tables[-2][levels[-2]] * tables[-1][levels[-1]]
            product *= base[cell]
            stage = cell // len(AGES)
            with_them = np.bincount(stage, weights=product, minlength=stages)
            without = np.bincount(stage, weights=product / passing, minlength=stages)
            usual[kind] = (with_them + 1e-9) / (without + 1e-9)
            by_size = tables[0][levels[0]] * np.exp(self.slopes[kind] * size)
            with_size = np.bincount(segment[sized], weights=product[sized], minlength=len(usual_size[kind]))
            without = np.bincount(segment[sized], weights=(product / by_size)[sized], minlength=len(usual_size[kind]))
            usual_size[kind] = (with_size + 1.0) / (without + 1.0)
            for name, table in zip(FACTORS, tables, strict=True):
                had = self.factors[name]
                if had.shape[1] != len(table):
                    wider = np.ones((KINDS, len(table)))
                    wider[:, : min(had.shape[1], len(table))] = had[:, : len(table)]
                    self.factors[name] = wider
                self.factors[name][kind] = table
        self.base, self.usual, self.usual_size = grown, usual, usual_size


def levels_of(deals: Deals, on: int) -> Whole:
    """The codes of FACTORS of deals on a day, of shape (factors, deals); that of size is left at 0."""
    none = np.zeros(len(deals), dtype=np.int64)
    words = [getattr(deals, name) for name in LASTING[1:]]
    near = near_band(deals.expected - on, deals.expected != UNKNOWN_DAY)
    return np.stack([none, *words, deals.category, near])


def _shrunk(cell: Whole, seen: Real, product: Real, stages: int) -> Real:
    """The rate of each stage and age: drawn to that of the next younger age, the youngest to the stage, and that to the whole."""
    bands = len(AGES)
    has = np.bincount(cell, weights=seen, minlength=stages * bands)[: stages * bands].reshape(stages, bands)
    even = np.bincount(cell, weights=product, minlength=stages * bands)[: stages * bands].reshape(stages, bands)
    whole = (np.sum(has) + 1e-9) / (np.sum(even) + 1e-6)
    near = (has.sum(axis=1) + 1.0) / (even.sum(axis=1) + 1.0 / whole)
    rates = np.zeros((stages, bands))
    for band in range(bands):
        near = (has[:, band] + _AGE_STRENGTH) / (even[:, band] + _AGE_STRENGTH / near)
        rates[:, band] = near
    return rates.reshape(-1)


def _log(value: Real) -> Real:
    """The logarithm of amounts; NaN where none is told."""
    logs: Real = np.log(np.where(value > 0, value, np.nan))
    return logs


def _middles(log_value: Real, segment: Whole, segments: int) -> Real:
    """The mean logarithm of the amounts in each segment, drawn to that of all as if ten more deals had just that."""
    told = ~np.isnan(log_value)
    whole = float(np.mean(log_value[told])) if np.any(told) else 0.0
    sums = np.bincount(segment[told], weights=log_value[told], minlength=segments)
    return (sums + 10 * whole) / (np.bincount(segment[told], minlength=segments) + 10)


def _stride(size: Real, seen: Real, product: Real, slope: float) -> float:
    """One step of Newton's method towards the likeliest slope of a Poisson rate in the size, which is drawn to 0."""
    pull = float(np.sum((seen - product) * size)) - _SLOPE_STRENGTH * slope
    step = pull / (float(np.sum(product * size**2)) + _SLOPE_STRENGTH)
    return float(np.clip(step, -_LONGEST_STRIDE, _LONGEST_STRIDE))


def _strength(has: NDArray[Any], even: Real) -> float:
    """How strongly factors are drawn to 1: one over the variance between the true ones, by moments."""
    beyond = float(np.sum((has - even) ** 2 - np.maximum(even, has)))
    spread = beyond / max(float(np.sum(even**2)), 1e-9)
    return float(np.clip(1 / max(spread, 1e-9), 3.0, 300.0))
