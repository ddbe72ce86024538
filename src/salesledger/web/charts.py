"""Charts on pages: the same definitions as the command line's, as Vega-Lite for the browser."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from salesledger.charts import backtest, process_map
from salesledger.charts.kinds import KINDS, chart_of
from salesledger.shown.escape import safe_text

if TYPE_CHECKING:
    from salesledger.web.view import View


@dataclass(frozen=True)
class Shown:
    """A chart on a page.

    Attributes:
        spec: Vega-Lite, as JSON; empty where it isn't to be seen.
        title: what it shows, also for who can't see it.
    """

    spec: str
    title: str


def chart(view: View, kind: str, rows: Sequence[Mapping[str, Any]], title: str, **more: Any) -> Shown | None:
    """A chart of some rows, without its drawing where amounts are hidden; None where there is nothing to draw."""
    if not rows:
        return None
    if view.settings.incognito:
        return Shown("", title)
    drawn = _drawn(kind, [_inert(row) for row in rows], **more)
    return None if drawn is None else Shown(spec_of(drawn), title)


def _drawn(kind: str, rows: Sequence[Mapping[str, Any]], **more: Any) -> Any:
    if kind in KINDS:
        return chart_of(kind, rows)
    return process_map.map_of(rows, **more) if kind == "map" else backtest.charts_of([], **more)[kind]


def _inert(row: Mapping[str, Any]) -> dict[str, Any]:
    return {safe_text(name): safe_text(value) if isinstance(value, str) else value for name, value in row.items()}


def spec_of(drawn: Any) -> str:
    """The specification of a chart, as wide as its place on the page."""
    spec = drawn.to_dict()
    spec.pop("config", None)
    if not {"hconcat", "vconcat", "concat"} & set(spec) and "width" not in spec:
        spec["width"] = "container"
    return json.dumps(spec, separators=(",", ":"))
