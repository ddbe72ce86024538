"""`hazard`: where each open deal goes week by week, at the rates that were seen; and the leads that will yet come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from salesledger.forecast.arrivals import Arrivals
from salesledger.forecast.carriers import Carriers, Outlook, Reason
from salesledger.forecast.delays import Delays
from salesledger.forecast.distribution import Forecast, TooLittle, rising
from salesledger.forecast.rates import BACK, FACTORS, KINDS, LOSE, ON, WIN, Rates, near_band
from salesledger.forecast.sums import total
from salesledger.forecast.week import (
    CAPTURED,
    CLOSED_LOST,
    CLOSED_WON,
    LATE_WEEKS,
    MOVED,
    UNKNOWN_DAY,
    Deals,
    Real,
    Span,
    Week,
    Whole,
    day_number,
)
from salesledger.forecast.worths import Worths

_KNOWN_BY = (MOVED, MOVED, CLOSED_LOST, CLOSED_WON)
"""Which delay tells of which kind of step."""

_GRAIN = 0.15
"""Deals whose factors differ by less than about this share go on together once they have left their present stage."""


@dataclass(frozen=True)
class _Ahead:
    """The weeks from LATE_WEEKS before the origin to the end of the last period.

    Attributes:
        pace: how much more or less of each kind happens in each week, of shape (kinds, weeks).
        hidden: the share that is not known yet of what happened in each week, of shape (kinds, weeks); 1 for weeks to come.
        within: for each period, the share of a week's wins that fall into it, of shape (periods, weeks).
        leads: how many leads come, or came and are not known, in each week.
        leads_within: for each period, the share of them captured within it.
    """

    pace: Real
    hidden: Real
    within: Real
    leads: Real
    leads_within: Real


class Hazard:
    """Competing risks in discrete time (Singer and Willett 1993; Prentice et al. 1978), a week a step.

    A deal moves on, moves back, is lost or is won at intensities that depend on its stage, the weeks it has been there, lasting
    traits, category, expected close, the place of the week in quarter, month and year, and a level that drifts. What has happened
    in the last weeks and is not recorded yet is let happen first, at rates thinned by the share that would be known by now.
    """

    name = "hazard"

    def __init__(self) -> None:
        self.rates = Rates()
        self.worths = Worths()
        self.arrivals = Arrivals()
        self.delays = Delays()

    def learn(self, week: Week) -> None:
        """Take in a week; see `Model`."""
        self.delays.learn(week.lags)
        self.rates.learn(week)
        self.worths.learn(week)
        self.arrivals.learn(week)

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """The distribution of each period's bookings; see `Model`."""
        if not self.rates.ready:
            return [self._too_little()] * len(spans)
        given: list[Forecast | TooLittle] = []
        for won, chance, worth, coming, coming_worth in self._parts(week, spans):
            mean, _, quantiles = total(won, chance, worth, self.worths.spread, coming, coming_worth)
            given.append(Forecast(mean, rising(quantiles, won)))
        return given

    def carriers(self, week: Week, span: Span) -> Carriers | TooLittle:
        """What a period's forecast is made of."""
        if not self.rates.ready:
            return self._too_little()
        ((won, chance, worth, coming, coming_worth),) = self._parts(week, [span])
        _, spread, _ = total(won, chance, worth, self.worths.spread, coming, coming_worth)
        fresh, _, at_once, _ = self.arrivals.kinds()
        new = coming * coming_worth
        new_by = {
            name: np.bincount(
                np.concatenate([getattr(fresh, name), getattr(at_once, name)]), weights=new, minlength=week.levels[name]
            ).astype(float)
            for name in ("owner", "team", "source", "product", "segment")
        }
        return Carriers(won, week.open, chance, worth, chance * worth, float(np.sum(new)), new_by, spread)

    def outlook(self, week: Week, deal: int, weeks: int = 26) -> Outlook | TooLittle:
        """What may become of one open deal in the weeks to come."""
        place = np.flatnonzero(week.open.deal == deal)
        if not len(place):
            return TooLittle("the deal is not open at that date")
        if not self.rates.ready:
            return self._too_little()
        one = week.open[place]
        ends = [week.on + timedelta(days=1 + 7 * (n + 1)) for n in range(weeks)]
        begin = week.on - timedelta(days=7 * LATE_WEEKS + 7)
        spans = [Span("", begin, end) for end in ends]
        ahead = self._ahead(week, spans)
        won = self._chances(week, one, spans, ahead, WIN)[:, 0]
        lost = self._chances(week, one, spans, ahead, LOSE)[:, 0]
        return Outlook(won, lost, float(self.worths.expected(one)[0]), self._reasons(week, one))

    def _too_little(self) -> TooLittle:
        wins = self.rates.wins
        return TooLittle(f"only {wins} {'win was' if wins == 1 else 'wins were'} seen to learn from")

    def _reasons(self, week: Week, one: Deals) -> tuple[Reason, ...]:
        """The factors of a deal's chance to be won, the strongest first."""
        found = []
        for name in FACTORS:
            if name == "size":
                times = self.rates.by_size(WIN, self.rates.sizes(one))
                value = f"{one.value[0]:,.0f}" if one.value[0] > 0 else "no amount"
            elif name == "near":
                told = one.expected != UNKNOWN_DAY
                times = self.rates.factor(WIN, name, near_band(one.expected - day_number(week.on), told))
                left = int(one.expected[0]) - day_number(week.on)
                value = "no date" if not told[0] else f"in {left} days" if left >= 0 else f"{-left} days ago"
            else:
                codes = getattr(one, name)
                times = self.rates.factor(WIN, name, codes)
                value = week.names.words[name][int(codes[0])] or "not told"
            found.append(Reason("expected close" if name == "near" else name, value, float(times[0])))
        weeks = int(one.weeks[0])
        here = float(self.rates.at(WIN, one.stage, one.weeks)[0])
        usual = (
            float(np.mean(self.rates.base[WIN][int(one.stage[0])]))
            if int(one.stage[0]) < self.rates.base.shape[1]
            else 0.0
        )
        if usual > 0:
            found.append(Reason("weeks in stage", str(weeks), here / usual))
        return tuple(sorted(found, key=lambda reason: -abs(np.log(max(reason.times, 1e-6)))))

    def _parts(self, week: Week, spans: Sequence[Span]) -> list[tuple[float, Real, Real, Real, Real]]:
        """For each period: what is won, each open deal's chance and worth, and the number and worth of leads to come."""
        ahead = self._ahead(week, spans)
        chances = self._chances(week, week.open, spans, ahead, WIN)
        worth = self.worths.expected(week.open)
        fresh, share, at_once, once_share = self.arrivals.kinds()
        after = self._after(self.rates.lasting(fresh, later=True), ahead, WIN)
        onward = after.entered[:, :, :, 1:] @ ahead.leads
        parts = []
        for at, span in enumerate(spans):
            later = share * onward[at][after.kind, np.minimum(fresh.stage, onward.shape[2] - 1)]
            sooner = once_share * float(np.sum(ahead.leads * ahead.leads_within[at]))
            coming = np.concatenate([later, sooner])
            coming_worth = np.concatenate([self.worths.expected(fresh), np.nan_to_num(at_once.value)])
            parts.append((week.booked(span.begin, span.end), chances[at], worth, coming, coming_worth))
        return parts

    def _ahead(self, week: Week, spans: Sequence[Span]) -> _Ahead:
        last = max(span.end for span in spans)
        to_come = max(-((week.on - last).days + 1) // 7 + 1, 1)
        weeks = LATE_WEEKS + to_come
        known = self.delays.known()
        pace, hidden = np.ones((KINDS, weeks)), np.ones((KINDS, weeks))
        within, leads = np.zeros((len(spans), weeks)), np.zeros(weeks)
        leads_within = np.zeros((len(spans), weeks))
        for at in range(weeks):
            begin = week.on + timedelta(days=1 + 7 * (at - LATE_WEEKS))
            first = day_number(begin)
            ago = np.arange(7 * (LATE_WEEKS - at) - 1, 7 * (LATE_WEEKS - at) - 8, -1)
            for kind in range(KINDS):
                days = self.rates.season[kind].days(begin)
                unseen = (
                    1 - known[_KNOWN_BY[kind]][np.clip(ago, 0, 7 * LATE_WEEKS - 1)] if at < LATE_WEEKS else np.ones(7)
                )
                pace[kind, at] = float(np.mean(days)) * self.rates.drift[kind]
                hidden[kind, at] = float(np.sum(days * unseen) / np.sum(days))
                if kind == WIN:
                    win_days = days * unseen
            coming = self.arrivals.on_days(begin)
            if at < LATE_WEEKS:
                coming = coming * (1 - known[CAPTURED][np.clip(ago, 0, 7 * LATE_WEEKS - 1)])
            leads[at] = float(np.sum(coming))
            for which, span in enumerate(spans):
                day = first + np.arange(7)
                inside = (day >= day_number(span.begin)) & (day < day_number(span.end))
                within[which, at] = float(np.sum(win_days[inside]) / max(float(np.sum(win_days)), 1e-12))
                leads_within[which, at] = float(np.sum(coming[inside]) / max(leads[at], 1e-12))
        return _Ahead(pace, hidden, within, leads, leads_within)

    def _chances(self, week: Week, deals: Deals, spans: Sequence[Span], ahead: _Ahead, aim: int) -> Real:
        """The chance of each deal to be won (or lost, as `aim` says) within each period, of shape (periods, deals)."""
        lasting = self.rates.lasting(deals)
        after = self._after(self.rates.lasting(deals, later=True), ahead, aim)
        now = np.stack([lasting[kind] * self.rates.factor(kind, "category", deals.category) for kind in range(KINDS)])
        weeks = ahead.pace.shape[1]
        told = deals.expected != UNKNOWN_DAY
        value = np.zeros((len(spans), len(deals)))
        stage = np.minimum(deals.stage, self.rates.base.shape[1] - 1)
        for at in range(weeks - 1, -1, -1):
            age = deals.weeks + (at - LATE_WEEKS)
            near = near_band(deals.expected - day_number(week.on) - 7 * (at - LATE_WEEKS), told)
            rate = np.stack(
                [
                    self.rates.at(kind, deals.stage, np.maximum(age, 0))
                    * now[kind]
                    * self.rates.factor(kind, "near", near)
                    * (ahead.pace[kind, at] * ahead.hidden[kind, at])
                    for kind in range(KINDS)
                ]
            )
            rate *= age >= 0
            step, stay = _competing(rate)
            onward = (
                step[ON] * after.on[:, after.kind, stage, at + 1]
                + step[BACK] * after.back[:, after.kind, stage, at + 1]
            )
            value = step[aim] * ahead.within[:, at][:, None] + onward + stay * value
        return value

    def _after(self, lasting: Real, ahead: _Ahead, aim: int) -> _After:
        """The chances of deals that come into a stage later, for each kind of deal that `lasting` tells apart."""
        grains = np.round(np.log(lasting) / _GRAIN).astype(np.int64)
        _, first, kind = np.unique(grains, axis=1, return_index=True, return_inverse=True)
        traits = np.exp(grains[:, first] * _GRAIN) if lasting.shape[1] else np.ones((KINDS, 0))
        stages, weeks, periods = self.rates.base.shape[1], ahead.pace.shape[1], len(ahead.within)
        leap = self.rates.leaps[:, :stages, :stages]
        share = leap / np.maximum(leap.sum(axis=2, keepdims=True), 1e-12)
        entered = np.zeros((periods, traits.shape[1], stages, weeks + 1))
        every = np.arange(stages)
        base = np.stack(
            [np.stack([self.rates.at(k, every, np.full(stages, age)) for age in range(weeks)]) for k in range(KINDS)]
        )
        # value[period, kind of deal, age, stage]: the chance from the beginning of a week on, at an age in a stage
        value = np.zeros((periods, traits.shape[1], weeks + 1, stages))
        on = np.zeros_like(entered)
        back = np.zeros_like(entered)
        for at in range(weeks - 1, -1, -1):
            ages = at + 1
            rate = (
                traits[:, :, None, None]
                * base[:, None, :ages]
                * self.rates.usual[:, None, None, :]
                * ahead.pace[:, at][:, None, None, None]
            )
            step, stay = _competing(rate)
            inside = ahead.within[:, at]
            next_on = on[:, :, :, at + 1][:, :, None, :]
            next_back = back[:, :, :, at + 1][:, :, None, :]
            value[:, :, :ages] = (
                step[aim] * inside[:, None, None, None]
                + step[ON] * next_on
                + step[BACK] * next_back
                + stay * value[:, :, 1 : ages + 1]
            )
            entered[:, :, :, at] = value[:, :, 0]
            on[:, :, :, at] = entered[:, :, :, at] @ share[ON].T
            back[:, :, :, at] = entered[:, :, :, at] @ share[BACK].T
        return _After(kind.reshape(-1), entered, on, back)


@dataclass(frozen=True)
class _After:
    """Chances of deals by when they come into a stage.

    Attributes:
        kind: of each deal, which kind it is.
        entered: the chance of one that comes into a stage at the beginning of a week: (periods, kinds of deals, stages, weeks + 1).
        on: the chance of one that leaves the stage forward then, on average over where it goes.
        back: the same backward.
    """

    kind: Whole
    entered: Real
    on: Real
    back: Real


def _competing(rate: Real) -> tuple[Real, Real]:
    """From intensities of kinds, the first axis, to the chance of each within the week, and of none."""
    whole = rate.sum(axis=0)
    stay = np.exp(-whole)
    return rate * ((1 - stay) / np.maximum(whole, 1e-12)), stay
