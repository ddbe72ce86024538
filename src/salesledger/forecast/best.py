"""The default forecast: the model that has scored best on this ledger so far, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from salesledger.forecast.distribution import Forecast, TooLittle, missed, none_can_tell
from salesledger.forecast.settling import Past, Pending, effective
from salesledger.forecast.week import Real, Span, Week

_ENOUGH_PERIODS = 6
_MARGIN = 0.05
_SURE = 2.5


class Best:
    """At each origin the candidate with the smallest settled CRPS so far, for periods that lie so far ahead.

    The first candidate is left for another only where that one was better by 5 % and by two and a half standard errors of the
    difference between them, period by period, over six settled periods at least: smaller leads change hands by luck.
    """

    name = "best"

    def __init__(self, candidates: Sequence[str]) -> None:
        self._candidates = tuple(candidates)
        self._pending: Pending[dict[str, Real]] = Pending()
        self._past = _Losses()

    def learn(self, week: Week) -> None:
        """Scores what the candidates said of the periods that are settled now."""
        for settled in self._pending.settle(week):
            self._past.add(settled.actual, settled.origins)

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """What the chosen model says, with why it was chosen."""
        return [self._chosen(week, span, {c: told[c][at] for c in self._candidates}) for at, span in enumerate(spans)]

    def _chosen(self, week: Week, span: Span, said: Mapping[str, Forecast | TooLittle]) -> Forecast | TooLittle:
        able = {c: f for c, f in said.items() if isinstance(f, Forecast) and f.quantiles is not None}
        if not able:
            return none_can_tell(said)
        self._pending.keep(week, span, {c: f.quantiles for c, f in able.items() if f.quantiles is not None})
        chosen, why = self._past.choice([*able], span.offset)
        return replace(able[chosen], why=why)


class _Losses:
    """The mean CRPS of each candidate in each settled period, by offset."""

    def __init__(self) -> None:
        self._losses: dict[str, Past] = {}
        self._actuals = Past()
        self._origins: dict[tuple[str, int], int] = {}

    def add(self, actual: float, origins: Sequence[tuple[int, int, Mapping[str, Real]]]) -> None:
        """Takes in the next settled period."""
        self._actuals.add([(offset, left, actual) for offset, left, _ in origins])
        for candidate in sorted({c for _, _, said in origins for c in said} | self._losses.keys()):
            told = [(o, left, missed(said[candidate], actual)) for o, left, said in origins if candidate in said]
            past = self._losses.setdefault(candidate, Past(periods=self._actuals.periods - 1))
            past.add(told)
            for offset, _, _ in told:
                self._origins[candidate, offset] = self._origins.get((candidate, offset), 0) + 1

    def choice(self, candidates: Sequence[str], offset: int) -> tuple[str, str]:
        """Which candidate to trust, and why; the first where little is settled."""
        first = candidates[0]
        scores = {c: score for c in candidates if (score := self._score(c, offset)) is not None}
        if first not in scores:
            return first, f"{first}: the first that can tell; nothing is settled yet that it could be scored by"
        better = [c for c in scores if c != first and self._is_better(c, first, offset)]
        chosen = min(better, key=lambda c: scores[c], default=first)
        origins = self._origins[chosen, offset]
        why = f"{chosen}: CRPS {scores[chosen]:.3f} of bookings over {origins} settled origins"
        others = [c for c in scores if c != chosen]
        if others:
            next_best = min(others, key=lambda c: scores[c])
            why += f"; next best {next_best} {scores[next_best]:.3f}"
            if scores[next_best] < scores[chosen]:
                why = why.replace("next best", "no clear lead of")
        return chosen, why

    def _score(self, candidate: str, offset: int) -> float | None:
        """Its mean CRPS as a share of what was booked."""
        if candidate not in self._losses:
            return None
        losses, weights = self._losses[candidate].periods_of(offset)
        actuals, _ = self._actuals.periods_of(offset)
        there = ~np.isnan(losses)
        booked = float((actuals[there] * weights[there]).sum())
        return float((losses[there] * weights[there]).sum()) / booked if booked > 0 else None

    def _is_better(self, one: str, other: str, offset: int) -> bool:
        """Whether a candidate was better than another by more than luck."""
        (losses, weights), (others, _) = (self._losses[c].periods_of(offset) for c in (one, other))
        there = ~np.isnan(losses - others)
        lead, weights = (others - losses)[there], weights[there]
        n = effective(weights)
        if there.sum() < _ENOUGH_PERIODS:
            return False
        mean = float((lead * weights).sum() / weights.sum())
        error = float(np.sqrt(((lead - mean) ** 2 * weights).sum() / weights.sum() / (n - 1)))
        usual = float((others[there] * weights).sum() / weights.sum())
        return mean > max(_MARGIN * usual, _SURE * error)
