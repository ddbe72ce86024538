"""The forecast: the fan of the quarter week by week, what all models say, and the noise floor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from salesledger.readmodel.engine import Answer
from salesledger.shown.reports import counted
from salesledger.shown.values import money
from salesledger.web.charts import chart
from salesledger.web.grid import Grid
from salesledger.web.jobs import Job
from salesledger.web.page import Page
from salesledger.web.view import View

_MODEL = ("model", "mean", "lo-95", "lo-80", "median", "hi-80", "hi-95", "currency")


def build(view: View) -> dict[str, Any]:
    """The values of the page: made in the background, as a forecast replays the ledger's past."""
    on = standing_on(view)
    quarter = f"{on.year}Q{(on.month + 2) // 3}"
    asked = job_of(view)
    known = ["--known-at", view.state.known_at] if view.state.known_at else []
    replayed = view.job(["backtest", "-b", f"{quarter}", "-e", _day_after(on), "--horizons", "0", *known])
    content = {
        "on": on,
        "quarter": quarter,
        "tiles": [],
        "now": _state(asked),
        "past": _state(replayed),
        "fan": None,
        "models": None,
        "latest": "",
    }
    if asked.rows:
        content["tiles"] = [_tile(view, row) for row in asked.rows]
    if replayed.rows:
        rows = [_numbers(row) for row in replayed.rows]
        fan = [row for row in rows if row["model"] == "best"]
        content["fan"] = chart(view, "fan", fan, f"What was forecast for {quarter}, week by week")
        latest = max(row["origin"] for row in rows)
        content["models"] = grid_of(
            view, [row for row in rows if row["origin"] == latest], _MODEL, f"Every model on {latest}"
        )
        content["latest"] = latest
    return content


def standing_on(view: View) -> date:
    """The day at whose end the forecast stands."""
    return (view.question.as_of or view.ledger.engine.head.now()).astimezone(view.ledger.zone).date()


def job_of(view: View) -> Job:
    """The forecast of this quarter and the next."""
    upto = ["--upto", view.state.upto] if view.state.upto else []
    return view.job(["forecast", "--as-of", standing_on(view).isoformat(), *upto])


def _day_after(on: date) -> str:
    return (on + timedelta(days=1)).isoformat()


def _state(job: Job) -> dict[str, Any]:
    return {"is_over": job.is_over, "problem": job.problem}


def _tile(view: View, row: dict[str, Any]) -> dict[str, str]:
    def amount(name: str) -> str:
        if row[name] is None:
            return "–"
        return "•••" if view.settings.incognito else money(Decimal(row[name]), row["currency"])

    floor = row.get("noise_floor")
    note = f"80 %: {amount('lo-80')} to {amount('hi-80')}; {counted(row['open_deals'] or 0, 'open deal')}"
    if floor is not None:
        note += f"; a perfect forecast would still be ±{floor:.0%} wide"
    return {
        "title": f"{row['period']}, by {row['model']}",
        "figure": f"{amount('mean')} {row['currency'] or ''}",
        "note": row["note"] or note,
    }


def _numbers(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a job with its amounts as decimals."""
    amounts = ("mean", "lo-95", "lo-80", "median", "hi-80", "hi-95", "actual")
    return {name: Decimal(value) if name in amounts and value is not None else value for name, value in row.items()}


def grid_of(view: View, rows: Sequence[dict[str, Any]], names: Sequence[str], caption: str) -> Grid:
    """Rows of a job as a table on the page."""
    from salesledger.web.blur import blurred

    kinds = ["VARCHAR" if not any(isinstance(r.get(n), Decimal | float | int) for r in rows) else
             "DECIMAL(38,4)" if any(isinstance(r.get(n), Decimal) for r in rows) else "DOUBLE" for n in names]  # fmt: skip
    answer = Answer([*names], kinds, [tuple(row.get(name) for name in names) for row in rows])
    return view.grid(blurred(answer) if view.settings.incognito else answer, caption=caption)


PAGE = Page("/forecast", "Forecast", "forecast.html", build, key="p", about="all deals")
