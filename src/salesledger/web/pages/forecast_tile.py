"""The forecast of the quarter as a tile of the overview, which fetches it when it is shown itself: it takes seconds to work out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from salesledger.shown.values import money
from salesledger.web.page import Page
from salesledger.web.pages.forecast import job_of, standing_on
from salesledger.web.view import View


def build(view: View) -> dict[str, Any]:
    """The values of the page: no figure before it is worked out, and no tile where there is too little history."""
    job = job_of(view)
    row = next(iter(job.rows or ()), None)
    is_told = row is not None and row["mean"] is not None and row["lo-80"] is not None
    return {"is_over": job.is_over, "tile": _tile(view, row) if row and is_told else None}


def _tile(view: View, row: dict[str, Any]) -> dict[str, str]:
    low, mean, high = (
        "•••" if view.settings.incognito else money(Decimal(row[name]), row["currency"])
        for name in ("lo-80", "mean", "hi-80")
    )
    chance = row["quota_chance"]
    note = f"80 %: {low} to {high}" + ("" if chance is None else f"; the target is reached with {chance:.0%}")
    return {"title": f"Forecast for {row['period']}", "figure": f"{mean} {row['currency'] or ''}".strip(), "note": note}


def is_for(view: View) -> bool:
    """Whether there is a forecast of what is looked at: it is of all deals, and of what was known at its own date."""
    known_at = view.question.known_at
    is_known = known_at is None or known_at.astimezone(view.ledger.zone).date() >= standing_on(view)
    return is_known and not view.state.filter


PAGE = Page("/forecast/tile", "Forecast", "forecast_tile.html", build, about="all deals", above="/forecast")
