"""Query: any SELECT over the projections, as a table and, where it has a figure, a chart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from salesledger.errors import SalesledgerError
from salesledger.readmodel.catalogue import named_in
from salesledger.readmodel.engine import FILTERED
from salesledger.web.blur import NO_SQL
from salesledger.web.charts import chart
from salesledger.web.page import Page
from salesledger.web.roles import Right
from salesledger.web.view import View

_MOST = 500
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
    grid = view.grid(
        replace(answer, rows=answer.rows[:_MOST]),
        caption="The answer",
        total=len(answer.rows),
        rest="the API and 'salesledger query' give all",
    )
    if view.state.filter and not is_filtered:
        content["unfiltered"] = "filters choose deals, and this statement reads none."
    return content | {
        "grid": grid,
        "total": len(answer.rows),
        "chart": chart(view, "query", answer.dicts()[:60], "The answer"),
    }


def _reads_deals(view: View, sql: str) -> bool:
    return any(each.name == FILTERED for each in named_in(view.ledger.engine.projections, sql))


PAGE = Page("/query", "Query", "query.html", build, key="q", right=Right.AUDIT, periods=True)
