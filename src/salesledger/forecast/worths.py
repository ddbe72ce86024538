"""What a deal is worth once it is won, against what it was said to be worth before."""

from __future__ import annotations

import numpy as np

from salesledger.forecast.week import WON, Deals, Real, Week, Whole

HALF_LIFE_WEEKS = 78.0
_STRENGTH = 10.0
_LEAST_SPREAD = 0.05


class Worths:
    """Learned when deals are won: by the stages that they went through, and by segment where no amount was told there."""

    def __init__(self) -> None:
        self._told: dict[int, dict[int, float]] = {}
        self._won = np.zeros(0)
        self._said = np.zeros(0)
        self._blind = np.zeros((2, 1))
        self._untold = np.zeros((2, 1))
        self._square = np.zeros(2)

    def learn(self, week: Week) -> None:
        """Take in the week that is old enough."""
        steps = week.steps
        if steps is None:
            return
        keep = 0.5 ** (1 / HALF_LIFE_WEEKS)
        self._grow(week.levels["stage"], week.levels["segment"])
        for table in (self._won, self._said, self._blind, self._untold, self._square):
            table *= keep
        before = steps.before
        for deal, stage, value in zip(before.deal, before.stage, before.value, strict=True):
            said = self._told.get(int(deal))
            if said is None:
                said = self._told[int(deal)] = {}
            said.setdefault(int(stage), float(value))
        for place in np.flatnonzero((steps.outcome == WON) & (steps.value > 0)):
            self._settle(before, int(place), float(steps.value[place]))
        at_once = (steps.arrived_outcome == WON) & (steps.arrived.value > 0)
        np.add.at(self._blind[0], steps.arrived.segment[at_once], steps.arrived.value[at_once])
        np.add.at(self._blind[1], steps.arrived.segment[at_once], 1.0)
        for deal in before.deal[steps.outcome != 0]:
            self._told.pop(int(deal), None)

    def _settle(self, before: Deals, place: int, won: float) -> None:
        segment = int(before.segment[place])
        self._blind[0, segment] += won
        self._blind[1, segment] += 1
        silent = False
        for stage, said in self._told[int(before.deal[place])].items():
            if said > 0:
                self._won[stage] += won
                self._said[stage] += said
                self._square += (np.clip(np.log(won / said), -2, 2) ** 2, 1.0)
            else:
                silent = True
        if silent:
            self._untold[0, segment] += won
            self._untold[1, segment] += 1

    def _grow(self, stages: int, segments: int) -> None:
        if len(self._won) < stages:
            more = np.zeros(stages - len(self._won))
            self._won, self._said = np.append(self._won, more), np.append(self._said, more)
        if self._blind.shape[1] < segments:
            wider = np.zeros((2, segments - self._blind.shape[1]))
            self._blind = np.concatenate([self._blind, wider], axis=1)
            self._untold = np.concatenate([self._untold, wider], axis=1)

    @property
    def spread(self) -> float:
        """The standard deviation of a won amount against what was said before, as a share."""
        return max(float((self._square[0] / max(self._square[1], 1.0)) ** 0.5), _LEAST_SPREAD)

    def ratio(self, stage: Whole) -> Real:
        """By stage: what is paid at winning, against the amount that is told there."""
        whole = (float(np.sum(self._won)) + 1e-9) / (float(np.sum(self._said)) + 1e-9)
        mean = float(np.sum(self._said)) / max(float(self._square[1]), 1.0)
        prior = _STRENGTH * mean
        table = (self._won + prior * whole) / (self._said + prior + 1e-9)
        known = stage < len(table)
        return np.where(known, table[np.minimum(stage, len(table) - 1)], whole)

    def blank(self, segment: Whole) -> Real:
        """By segment: what a deal is worth at winning that no amount is told of yet."""
        of_all = float(np.sum(self._blind[0]) / max(float(np.sum(self._blind[1])), 1.0))
        overall = (float(np.sum(self._untold[0])) + _STRENGTH * of_all) / (float(np.sum(self._untold[1])) + _STRENGTH)
        in_segment = (
            (self._blind[0] + _STRENGTH * of_all) / (self._blind[1] + _STRENGTH) * (overall / max(of_all, 1e-9))
        )
        table = (self._untold[0] + _STRENGTH * in_segment) / (self._untold[1] + _STRENGTH)
        known = segment < len(table)
        return np.where(known, table[np.minimum(segment, len(table) - 1)], overall)

    def expected(self, deals: Deals) -> Real:
        """What each deal will be worth if it is won."""
        told = deals.value > 0
        return np.where(told, np.where(told, deals.value, 0.0) * self.ratio(deals.stage), self.blank(deals.segment))
