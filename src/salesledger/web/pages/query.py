"""Query: any SELECT over the projections, as a table and, where it has a figure, a chart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from salesledger.errors import SalesledgerError
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
        question = view.periods("", "")
        answer = view.ask(sql, question if "deals" in sql else replace(question, filters=()))
    except SalesledgerError as e:
        return content | {"problem": str(e)}
    shown = replace(answer, rows=answer.rows[:_MOST])
    note = ""
    if len(answer.rows) > _MOST:
        note = f"The first {_MOST} of {len(answer.rows):,} rows; the API and 'salesledger query' give all."
    return content | {
        "grid": view.grid(shown, caption="The answer", note=note),
        "total": len(answer.rows),
        "chart": chart(view, "query", answer.dicts()[:60], "The answer"),
    }


PAGE = Page("/query", "Query", "query.html", build, key="q", right=Right.AUDIT, periods=True)
