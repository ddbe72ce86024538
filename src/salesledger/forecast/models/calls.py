"""The people's own calls, as they are and with each person's past bias taken out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from salesledger.forecast.calendar import weeks_left
from salesledger.forecast.distribution import Forecast, TooLittle
from salesledger.forecast.settling import Past, Pending, effective
from salesledger.forecast.week import Real, Span, Week

_KINDS = ("owner:", "team:", "all")
_BREADTH_WEEKS = 2.0
_PERIODS_OF_ALL = 2.0
_PERIODS_OF_NO_BIAS = 0.5


def called(week: Week, span: Span, category: str) -> dict[str, float]:
    """Who called what for a period, each once: people, teams where no people called, or the whole business where no team did."""
    calls = {
        call.who: call.amount
        for call in week.calls
        if (call.category, call.begin, call.end) == (category, span.begin, span.end)
    }
    for kind in _KINDS:
        chosen = {who: calls[who] for who in sorted(calls) if who.startswith(kind)}
        if chosen:
            return chosen
    return {}


class Calls:
    """The sum of the people's latest calls of a category for just that period."""

    def __init__(self, name: str = "calls", category: str = "commit") -> None:
        self.name = name
        self._category = category

    def learn(self, week: Week) -> None:
        """Nothing is learned; people are taken at their word."""

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """One after the other, where anybody called."""
        return [self._sum(span, called(week, span, self._category)) for span in spans]

    def _sum(self, span: Span, calls: Mapping[str, float]) -> Forecast | TooLittle:
        return Forecast(sum(calls.values())) if calls else _nobody(span, self._category)


class CallsCorrected:
    """Each person's call × what that person's calls have usually come to, at about that distance from the end.

    What usually: the geometric mean of (actual + c) ÷ (call + c) over settled periods, c being 5 % of a usual call so that zeros do
    no harm; with few periods it leans on that of all people, and that on 1.
    """

    name = "calls_corrected"

    def __init__(self, category: str = "commit") -> None:
        self._category = category
        self._pending: Pending[dict[str, float]] = Pending()
        self._of: dict[str, Past] = {}
        self._all = Past()

    def learn(self, week: Week) -> None:
        """Compares the calls of the periods that are settled now with what those people booked."""
        for settled in self._pending.settle(week):
            actual = _booked_by(week, settled.span)
            rows: dict[str, list[tuple[int, int, float]]] = {}
            for offset, left, calls in settled.origins:
                for who, ratio in _ratios(calls, actual).items():
                    rows.setdefault(who, []).append((offset, left, ratio))
            for who, theirs in rows.items():
                self._of.setdefault(who, Past()).add(theirs)
            self._all.add(_mean_rows(rows))

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """One after the other, where anybody called."""
        return [self._corrected(week, span) for span in spans]

    def _corrected(self, week: Week, span: Span) -> Forecast | TooLittle:
        calls = called(week, span, self._category)
        if not calls:
            return _nobody(span, self._category)
        self._pending.keep(week, span, calls)
        left = weeks_left(week.on, span)
        everyone, periods = _leaning(self._all, span.offset, left, 0.0, _PERIODS_OF_NO_BIAS)
        total = sum(amount * np.exp(self._bias(who, span.offset, left, everyone)) for who, amount in calls.items())
        return Forecast(
            float(total), note="" if periods else "no settled call tells anybody's bias: the calls as they are"
        )

    def _bias(self, who: str, offset: int, left: int, everyone: float) -> float:
        past = self._of.get(who)
        return everyone if past is None else _leaning(past, offset, left, everyone, _PERIODS_OF_ALL)[0]


def _leaning(past: Past, offset: int, left: int, towards: float, worth: float) -> tuple[float, int]:
    """The mean of past numbers near a distance, shrunk towards another worth so many periods; and how many periods there are."""
    numbers, weights = past.near(offset, left, _BREADTH_WEEKS)
    if not len(numbers):
        return towards, 0
    trust = effective(weights) / (effective(weights) + worth)
    return float(trust * (numbers @ weights) / weights.sum() + (1 - trust) * towards), len(numbers)


def _ratios(calls: Mapping[str, float], actual: Mapping[str, float]) -> dict[str, float]:
    """The logarithm of actual ÷ call, for each caller."""
    little = 0.05 * sum(calls.values()) / len(calls) or 1.0
    return {who: float(np.log((actual.get(who, 0.0) + little) / (call + little))) for who, call in calls.items()}


def _mean_rows(rows: Mapping[str, Sequence[tuple[int, int, float]]]) -> list[tuple[int, int, float]]:
    """For each origin the mean over the people."""
    found: dict[tuple[int, int], list[float]] = {}
    for theirs in rows.values():
        for offset, left, ratio in theirs:
            found.setdefault((offset, left), []).append(ratio)
    return [(offset, left, sum(ratios) / len(ratios)) for (offset, left), ratios in found.items()]


def _booked_by(week: Week, span: Span) -> dict[str, float]:
    """What each owner, each team and the whole business booked in a period, as known now."""
    won = week.won_in(span.begin, span.end)
    value: Real = np.nan_to_num(won.value)
    booked = {"all": float(value.sum())}
    for kind, codes in (("owner", won.owner), ("team", won.team)):
        totals = np.bincount(codes, value, week.levels[kind])
        booked |= {
            f"{kind}:{word}": float(totals[code])
            for code, word in enumerate(week.names.words[kind])
            if code < len(totals)
        }
    return booked


def _nobody(span: Span, category: str) -> TooLittle:
    return TooLittle(f"nobody has called {span.label} ({category})")
