"""Several models together: their quantiles averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from salesledger.forecast.calendar import weeks_left
from salesledger.forecast.distribution import Forecast, TooLittle, averaged, missed, none_can_tell
from salesledger.forecast.settling import Past, Pending, effective
from salesledger.forecast.week import Real, Span, Week

_PERIODS_OF_NO_DIFFERENCE = 8.0
_SHARPNESS = 2.0


class Ensemble:
    """Quantiles of several models, averaged level by level (Lichtendahl, Grushka-Cockayne and Winkler 2013, Management Science 59).

    A member's weight is w / L², w being what it counts before anything is settled and L its mean CRPS over settled periods near
    that distance; shrunk to w alone as if eight periods had shown no difference: few differences between good models are more
    than luck.

    Averaged is what the members themselves said, before their width was mended: the average's own width is to be mended, once, by
    what came to be. Who has stepped back to a simpler model is left out.

    Args:
        members: what each counts before anything is settled.
        name: as on the command line.
    """

    def __init__(self, members: Mapping[str, float], name: str = "ensemble") -> None:
        self.name = name
        self._members = dict(members)
        self._pending: Pending[dict[str, Real]] = Pending()
        self._losses = {member: Past() for member in members}

    def learn(self, week: Week) -> None:
        """Scores what the members said of the periods that are settled now."""
        for settled in self._pending.settle(week):
            for member, losses in self._losses.items():
                losses.add(
                    [
                        (offset, left, missed(said[member], settled.actual) if member in said else np.nan)
                        for offset, left, said in settled.origins
                    ]
                )

    def forecast(
        self, week: Week, spans: Sequence[Span], told: Mapping[str, Sequence[Forecast | TooLittle]]
    ) -> list[Forecast | TooLittle]:
        """The average of those members that can tell; who can't is noted."""
        return [self._together(week, span, {m: told[m][at] for m in self._members}) for at, span in enumerate(spans)]

    def _together(self, week: Week, span: Span, said: Mapping[str, Forecast | TooLittle]) -> Forecast | TooLittle:
        own = {m: f.own if isinstance(f, Forecast) else f for m, f in said.items()}
        able = {m: f for m, f in own.items() if isinstance(f, Forecast) and f.quantiles is not None}
        if not able:
            return none_can_tell(own)
        self._pending.keep(week, span, {m: f.quantiles for m, f in able.items() if f.quantiles is not None})
        together = averaged([*able.values()], self.weights([*able], span.offset, weeks_left(week.on, span)))
        absent = [m for m in self._members if m not in able]
        notes = [f"{m}: {f.note}" for m, f in able.items() if f.note]
        return together.noted("; ".join([f"without {', '.join(absent)}, which can't tell yet"] * bool(absent) + notes))

    def weights(self, members: Sequence[str], offset: int, left: int) -> list[float]:
        """How much each of some members counts at a distance; they add up to 1."""
        before = np.array([self._members[member] for member in members])
        before /= before.sum()
        past = [self._losses[member].near(offset, left, 2.0 + 0.3 * left) for member in members]
        known = min((effective(weights) for _, weights in past), default=0.0)
        if known == 0:
            return [float(share) for share in before]
        losses = np.array([float((losses * weights).sum() / weights.sum()) for losses, weights in past])
        good = before * np.maximum(losses, 1e-9) ** -_SHARPNESS
        trust = known / (known + _PERIODS_OF_NO_DIFFERENCE)
        return [float(share) for share in trust * good / good.sum() + (1 - trust) * before]
