"""A backtest in few figures: scores by model, and by how far the end of the period was away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal

from salesledger.forecast.distribution import Forecast
from salesledger.forecast.rows import Told
from salesledger.forecast.scores import Scored, Scores, score, skill

REFERENCES = ("weighted", "seasonal_naive")
"""The models that skill is told against."""

SCORES = (
    *("forecasts", "periods", "wape", "bias", "crps", "crps_se", "pinball"),
    *("coverage_80", "coverage_80_se", "coverage_95", "coverage_95_se"),
)
SKILLS = tuple(f"{name}_skill" for name in REFERENCES)

Cell = tuple[object, str]
"""An origin and a period's label: what models are compared on."""


def by_model(told: Iterable[Told], actuals: Mapping[str, Decimal], models: Sequence[str]) -> list[dict[str, object]]:
    """A row a model and offset of the period, with skill against the references over the forecasts that both gave."""
    return [
        {"model": model, "ahead": offset} | _scores(cells.get((model, offset), {}), _references(cells, offset))
        for cells in [_cells(told, actuals)]
        for offset in sorted({offset for _, offset in cells})
        for model in models
    ]


def by_weeks(told: Iterable[Told], actuals: Mapping[str, Decimal], models: Sequence[str]) -> list[dict[str, object]]:
    """A row a model and number of weeks to the period's end, the last one possibly begun only."""
    weeks: dict[int, list[Told]] = {}
    for each in told:
        weeks.setdefault(-(-each.horizon_days // 7), []).append(each)
    rows = []
    for model in models:
        for left in sorted(weeks, reverse=True):
            mine = [
                cell
                for (name, _), found in _cells(weeks[left], actuals).items()
                if name == model
                for cell in found.values()
            ]
            rows.append({"model": model, "weeks_left": left} | _row(score(mine)))
    return rows


def _cells(told: Iterable[Told], actuals: Mapping[str, Decimal]) -> dict[tuple[str, int], dict[Cell, Scored]]:
    """The forecasts that can be scored, by model and offset, then by what they are of."""
    cells: dict[tuple[str, int], dict[Cell, Scored]] = {}
    for each in told:
        if isinstance(each.answer, Forecast) and each.span.label in actuals:
            scored = Scored(each.span.label, each.answer, float(actuals[each.span.label]))
            cells.setdefault((each.model, each.span.offset), {})[each.origin, each.span.label] = scored
    return cells


def _references(cells: Mapping[tuple[str, int], dict[Cell, Scored]], offset: int) -> dict[str, dict[Cell, Scored]]:
    return {name: cells.get((name, offset), {}) for name in REFERENCES}


def _scores(mine: Mapping[Cell, Scored], references: Mapping[str, Mapping[Cell, Scored]]) -> dict[str, object]:
    row = _row(score([*mine.values()]))
    for name, theirs in references.items():
        both = [cell for cell in mine if cell in theirs]
        row[f"{name}_skill"] = skill(score([mine[c] for c in both]), score([theirs[c] for c in both]))
    return row


def _row(scores: Scores | None) -> dict[str, object]:
    return dict.fromkeys(SCORES) | {"forecasts": 0, "periods": 0} if scores is None else asdict(scores)
