"""Recurring revenue, and what moved it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from salesledger.readmodel.engine import SUBSCRIBED
from salesledger.shown.tables import RECURRING
from salesledger.web.charts import chart
from salesledger.web.page import Page
from salesledger.web.view import View


def build(view: View) -> dict[str, Any]:
    """The values of the page: a row a month, where the address says nothing else."""
    question = replace(view.periods("", "month", reach=SUBSCRIBED), filters=(), by=None)
    answer = view.project("recurring", question)
    return {
        "chart": chart(view, "recurring", answer.dicts(), "Monthly recurring revenue"),
        "grid": view.grid(answer, RECURRING, question, caption="Monthly recurring revenue (MRR)"),
    }


PAGE = Page("/recurring", "Recurring revenue", "charted.html", build, key="e", about="all deals", periods=True)
