"""Query: any SELECT over the projections, as a table and, where it has a figure, a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from markupsafe import escape

from salesledger.errors import SalesledgerError
from salesledger.readmodel.catalogue import named_in
from salesledger.readmodel.engine import FILTERED
from salesledger.shown.values import cut
from salesledger.web.blur import NO_SQL
from salesledger.web.charts import chart
from salesledger.web.page import Page
from salesledger.web.roles import Right
from salesledger.web.templates import inert
from salesledger.web.view import Cell, Grid, View

_MOST = 500
_MOST_BYTES = 200_000
_EMPTY_BYTES = 20
_MARKUP_BYTES = 25
_LONGEST = 1_000
EXAMPLE = """SELECT stage, count(*) AS deals, sum(value_converted) AS value
FROM deals
WHERE status = 'open'
GROUP BY stage
ORDER BY deals DESC"""


def build(view: View) -> dict[str, Any]:
    """The values of the page."""
    sql = view.extra.get("sql", "").strip()
    content: dict[str, Any] = {
        "sql": sql,
        "example": EXAMPLE,
        "grid": None,
        "problem": "",
        "chart": None,
        "total": 0,
        "projections": [p for p in view.ledger.engine.projections.values() if not p.problem],
    }
    if not sql:
        return content
    if view.settings.incognito:
        return content | {"problem": NO_SQL}
    try:
        question, is_filtered = view.periods("", ""), _reads_deals(view, sql)
        answer = view.ask(sql, question if is_filtered else replace(question, filters=()))
    except SalesledgerError as e:
        return content | {"problem": str(e)}
    grid = _cut(view.grid(replace(answer, rows=_fitting(answer.rows)), caption="The answer"))
    if len(answer.rows) > len(grid.rows):
        more = f"The first {len(grid.rows)} of {len(answer.rows):,} rows; the API and 'salesledger query' give all."
        grid = replace(grid, note=f"{more} {grid.note}".strip())
    if view.state.filter and not is_filtered:
        content["unfiltered"] = "filters choose deals, and this statement reads none."
    return content | {
        "grid": grid,
        "total": len(answer.rows),
        "chart": chart(view, "query", answer.dicts()[:60], "The answer"),
    }


def _reads_deals(view: View, sql: str) -> bool:
    return any(each.name == FILTERED for each in named_in(view.ledger.engine.projections, sql))


def _fitting(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The first rows, as many as a page has room for."""
    kept: list[tuple[Any, ...]] = []
    room = _MOST_BYTES
    for row in rows[:_MOST]:
        room -= sum(len(str(value).encode("utf-8", "replace")) for value in row if value is not None)
        if room < 0 and kept:
            break
        kept.append(row)
    return kept


def _cut(grid: Grid) -> Grid:
    """A table with the first of its rows for which a page has room as it is written, long texts cut, and a line that says so."""
    room, rows, is_cut = _MOST_BYTES, [], False
    for row in grid.rows:
        shown = [replace(cell, text=cut(cell.text, _LONGEST)) for cell in row]
        room -= sum(_written(cell) for cell in shown)
        if room < 0:
            break
        is_cut = is_cut or shown != row
        rows.append(shown)
    return replace(grid, rows=rows, note=f"Texts of more than {_LONGEST:,} characters are cut." if is_cut else "")


def _written(cell: Cell) -> int:
    """The bytes that a cell takes on the page, its markup included."""
    if not cell.text:
        return _EMPTY_BYTES
    texts = [cell.text, cell.href] if cell.href else [cell.text]
    return sum(_MARKUP_BYTES + len(escape(inert(text)).encode("utf-8", "replace")) for text in texts)


PAGE = Page("/query", "Query", "query.html", build, key="q", right=Right.AUDIT, periods=True)
