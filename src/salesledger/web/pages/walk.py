"""The walk of the pipeline between two dates, and the deals that moved it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from salesledger.shown.tables import MOVES, WALK
from salesledger.web.charts import chart
from salesledger.web.frame import state_ends
from salesledger.web.page import Page
from salesledger.web.view import View

_DAYS = 30
_MOVES = """
    SELECT *, count(*) OVER () AS all_moves
    FROM pipeline_moves
    WHERE line NOT IN ('opening', 'closing')
    LIMIT 300
"""


def build(view: View) -> dict[str, Any]:
    """The values of the page: the last thirty days, where the address says nothing else."""
    if view.state.since:
        earlier, later = state_ends(view)
    else:
        later = view.question.as_of or view.ledger.engine.head.now()
        earlier = later - timedelta(days=_DAYS)
    dates = view.state.dates | {"as_of": later, "since": earlier}
    question = view.ledger.question(**dates, filters=view.state.terms, period=view.state.period or None)
    walk = view.project("pipeline_walk", question)
    moves = view.ask(_MOVES, question)
    days = [at.astimezone(view.ledger.zone).date().isoformat() for at in (earlier, later)]
    return {
        "days": days,
        "chart": chart(view, "walk", walk.dicts(), f"The pipeline's walk from {days[0]} to {days[1]}"),
        "walk": view.grid(walk, WALK, question, caption="The walk, line by line"),
        "moves": view.grid(
            moves,
            MOVES,
            question,
            caption="Deal by deal",
            total=moves.rows[0][-1] if moves.rows else 0,
            rest="'salesledger diff' gives all",
        ),
    }


PAGE = Page("/walk", "Pipeline walk", "walk.html", build, key="w", periods=True)
