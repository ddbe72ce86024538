"""Charts on pages: the same definitions as the command line's, as Vega-Lite for the browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from salesledger.charts import backtest, over_time, process_map, reports
from salesledger.shown.escape import safe_text

if TYPE_CHECKING:
    from salesledger.web.view import View


def _of_backtest(name: str) -> Callable[..., Any]:
    def drawn(_rows: Sequence[Mapping[str, Any]], *, by_weeks: Any, chances: Any) -> Any:
        return backtest.charts_of([], by_weeks, chances)[name]

    return drawn


KINDS: dict[str, Callable[..., Any]] = {
    **reports.KINDS,
    **over_time.KINDS,
    "map": process_map.map_of,
    "fan": backtest.fan_of,
    **{name: _of_backtest(name) for name in ("error", "coverage", "calibration")},
}


@dataclass(frozen=True)
class Shown:
    """A chart on a page.

    Attributes:
        spec: Vega-Lite, as JSON.
        title: what it shows, also for who can't see it.
    """

    spec: str
    title: str


def chart(view: View, kind: str, rows: Sequence[Mapping[str, Any]], title: str, **more: Any) -> Shown | None:
    """A chart of some rows; None where there is nothing to draw, or where amounts are hidden."""
    if view.settings.incognito or not rows:
        return None
    drawn = KINDS[kind]([_inert(row) for row in rows], **more)
    return None if drawn is None else Shown(spec_of(drawn), title)


def _inert(row: Mapping[str, Any]) -> dict[str, Any]:
    return {safe_text(name): safe_text(value) if isinstance(value, str) else value for name, value in row.items()}


def spec_of(drawn: Any) -> str:
    """The specification of a chart, as wide as its place on the page."""
    spec = drawn.to_dict()
    spec.pop("config", None)
    if not {"hconcat", "vconcat", "concat"} & set(spec) and "width" not in spec:
        spec["width"] = "container"
    return json.dumps(spec, separators=(",", ":"))
