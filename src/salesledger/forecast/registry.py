"""The models by name, in the order in which they must be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from salesledger.errors import BadValue
from salesledger.forecast.best import Best
from salesledger.forecast.calendar import Calendar
from salesledger.forecast.calibrate import Dressed, Recalibrated
from salesledger.forecast.model import Model
from salesledger.forecast.models.calls import Calls, CallsCorrected
from salesledger.forecast.models.ensemble import Ensemble
from salesledger.forecast.models.hazard import Hazard
from salesledger.forecast.models.learner import Learner
from salesledger.forecast.models.linearity import Linearity
from salesledger.forecast.models.run_rate import RunRate
from salesledger.forecast.models.seasonal_naive import SeasonalNaive
from salesledger.forecast.models.weighted import Weighted
from salesledger.forecast.models.weighted_history import WeightedHistory
from salesledger.readmodel.periods import Interval


@dataclass(frozen=True)
class Setting:
    """What models are made for.

    Attributes:
        calendar: the kind of period that is forecast.
        offsets: how many periods ahead, counted from the origin's own; see `Span`.
    """

    calendar: Calendar
    offsets: tuple[int, ...]


@dataclass(frozen=True)
class Entry:
    """A model that can be asked for.

    Attributes:
        make: makes a new one that has learned nothing yet.
        needs: the models that must have been asked before it.
    """

    make: Callable[[Setting], Model]
    needs: tuple[str, ...] = ()


MEMBERS: Mapping[str, float] = MappingProxyType({"hazard": 3.0, "learner": 1.0})
"""What is averaged, and what each counts before anything is settled; how that was chosen is in docs/forecasting.md."""
CANDIDATES = (
    "ensemble",
    "hazard",
    "learner",
    "weighted_history",
    "weighted",
    "linearity",
    "run_rate",
    "seasonal_naive",
    "calls_corrected",
)

MODELS: Mapping[str, Entry] = MappingProxyType(
    {
        "weighted_plain": Entry(lambda _: Weighted("weighted_plain")),
        "weighted": Entry(lambda _: Dressed(Weighted())),
        "calls_plain": Entry(lambda _: Calls("calls_plain")),
        "calls": Entry(lambda _: Dressed(Calls())),
        "calls_corrected": Entry(lambda _: Dressed(CallsCorrected())),
        "run_rate": Entry(lambda s: Dressed(RunRate(s.calendar), "weighted"), ("weighted",)),
        "seasonal_naive": Entry(lambda s: Dressed(SeasonalNaive(s.calendar), "run_rate"), ("run_rate",)),
        "linearity": Entry(lambda s: Dressed(Linearity(s.calendar), "run_rate"), ("run_rate",)),
        "weighted_history": Entry(lambda s: Dressed(WeightedHistory(s.calendar, s.offsets), "run_rate"), ("run_rate",)),
        "hazard": Entry(lambda _: Recalibrated(Hazard(), "weighted_history", unbiased=16), ("weighted_history",)),
        "learner": Entry(
            lambda s: Recalibrated(Learner(s.calendar, s.offsets), "weighted_history"), ("weighted_history",)
        ),
        "ensemble": Entry(
            lambda _: Recalibrated(Ensemble(MEMBERS), "weighted_history"), (*MEMBERS, "weighted_history")
        ),
        "best": Entry(lambda _: Best(CANDIDATES), CANDIDATES),
    }
)


def build(names: Sequence[str], interval: Interval = "quarter", offsets: Sequence[int] = (0, 1)) -> list[Model]:
    """Makes the models asked for, and those that they build on, in the order in which they must be asked.

    Args:
        names: keys of MODELS.
        interval: the kind of period that is forecast.
        offsets: how many periods ahead will be asked, 0 being the one in which the day after an origin lies.

    Raises:
        BadValue: There is no model of such a name.
    """
    wanted: set[str] = set()
    for name in names:
        _want(name, wanted)
    setting = Setting(Calendar(interval), tuple(sorted({0, *offsets})))
    return [entry.make(setting) for name, entry in MODELS.items() if name in wanted]


def _want(name: str, wanted: set[str]) -> None:
    if name not in MODELS:
        raise BadValue(f"There is no model {name!r}. Choose from {', '.join(MODELS)}.")
    wanted.add(name)
    for needed in MODELS[name].needs:
        _want(needed, wanted)


DEFAULT = "best"
"""The model that is asked where none is named."""
