"""The funnel of a cohort of leads, and the process as it is really walked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from salesledger.shown.tables import FUNNEL, MAP
from salesledger.web.charts import chart
from salesledger.web.page import Page
from salesledger.web.view import View


def build(view: View) -> dict[str, Any]:
    """The values of the page."""
    question = view.periods("", "")
    funnel, steps = view.project("funnel", question), view.project("process_map", question)
    latest = [row for row in funnel.dicts() if row["period"] == funnel.dicts()[-1]["period"] and not row["group"]]
    walked = steps.dicts()
    is_one_period = len({row["period"] for row in walked}) < 2
    defined: dict[str, list[str]] = {}
    for process, _version, stage, *_ in view.ledger.engine.head.stages:
        if stage not in defined.setdefault(process, []):
            defined[process].append(stage)
    return {
        "funnel_chart": chart(view, "funnel", latest, "How far the leads have come"),
        "funnel": view.grid(funnel, FUNNEL, question, caption="The funnel of the leads captured in each period"),
        "map_chart": chart(view, "map", walked, "The process as it is walked", defined=defined)
        if is_one_period
        else None,
        "map": view.grid(steps, MAP, replace(question, by=None), caption="The steps between stages"),
    }


PAGE = Page("/funnel", "Funnel", "funnel.html", build, key="f", periods=True)
