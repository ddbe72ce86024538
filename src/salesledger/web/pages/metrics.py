"""Metrics over time."""

from __future__ import annotations

from typing import Any

from salesledger.shown.tables import METRICS
from salesledger.web.charts import chart
from salesledger.web.page import Page
from salesledger.web.view import View


def build(view: View) -> dict[str, Any]:
    """The values of the page: a row a quarter, where the address says nothing else."""
    question = view.periods("", "quarter")
    answer = view.project("metrics", question)
    return {
        "chart": chart(view, "metrics", answer.dicts(), "Metrics over time"),
        "grid": view.grid(answer, METRICS, question, caption="Metrics"),
    }


PAGE = Page("/metrics", "Metrics", "charted.html", build, key="m", periods=True)
