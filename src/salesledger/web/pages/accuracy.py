"""Forecast accuracy: every model replayed over the past, its error and coverage by weeks to the end, and chances of deals."""

from __future__ import annotations

from typing import Any

from salesledger.web.charts import chart
from salesledger.web.page import Page
from salesledger.web.pages.forecast import grid_of
from salesledger.web.view import View

_SCORES = ("model", "ahead", "wape", "bias", "crps", "pinball", "coverage_80", "coverage_95")

_MEANINGS = {
    "ahead": "0: the running period; 1: the next one.",
    "WAPE": "how far the mean was off, however the sign, as a share of what was booked.",
    "bias": "the same with its sign: above zero, too much was forecast.",
    "CRPS": "how far the whole distribution was off, a point its own distance, as a share of what was booked.",
    "pinball": "how far its five levels (2.5, 10, 50, 90 and 97.5 %) were off, weighted by the level.",
    "coverage": "how often the 80 % and the 95 % interval held what came to be.",
}


def build(view: View) -> dict[str, Any]:
    """The values of the page: made in the background, as all models are replayed week by week."""
    known = ["--known-at", view.state.known_at] if view.state.known_at else []
    period = ["-p", view.state.period] if view.state.period else []
    jobs = {by: view.job(["backtest", "--by", by, *period, *known]) for by in ("model", "weeks", "chances")}
    rows = {by: job.rows or [] for by, job in jobs.items()}
    made: dict[str, Any] = {
        name: chart(
            view, name, rows["weeks"] or rows["chances"], title, by_weeks=rows["weeks"], chances=rows["chances"]
        )
        for name, title in (
            ("error", "Error by weeks to the period's end"),
            ("coverage", "How often the intervals held what came to be"),
            ("calibration", "Chances of deals and what became of them"),
        )
    }
    scores = rows["model"]
    return {
        **made,
        "is_over": all(job.is_over for job in jobs.values()),
        "problem": next((job.problem for job in jobs.values() if job.problem), ""),
        "meanings": _MEANINGS,
        "scores": grid_of(view, scores, [n for n in _SCORES if scores and n in scores[0]], "Scores by model")
        if scores
        else None,
    }


PAGE = Page("/accuracy", "Accuracy", "accuracy.html", build, key="y", about="all deals", periods=True)
