"""The overview: pipeline by stage, the quarter's bookings beside target and forecast, blocked money, how fresh the data is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from salesledger.readmodel.engine import Question
from salesledger.shown.reports import counted
from salesledger.shown.tables import ATTAINMENT, BLOCKED, PIPELINE
from salesledger.shown.values import money
from salesledger.web.charts import chart
from salesledger.web.page import Page
from salesledger.web.pages import forecast_tile
from salesledger.web.roles import Right
from salesledger.web.view import View

_MOST_BLOCKED = 10
_WORST_FIRST = {"amount": "DESC NULLS LAST", "days_in_stage": "DESC", "deal": "ASC"}
_ANY = """
    SELECT 1 FROM events e
    WHERE
        e.type = 'lead-captured'
        AND e.effective_at <= $as_of
        AND e.known_at <= $known_at
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
    LIMIT 1
"""
_WAITING = replace(BLOCKED, columns=("deal", "stage", "owner", "amount", "days_in_stage", "usual_days"))
_STAGES = replace(
    PIPELINE, columns=("process", "stage", "deals", "amount", "currency", "weighted_amount"), if_mixed=("process",)
)
_TARGETS = replace(ATTAINMENT, columns=("scope", "who", "quota", "bookings", "currency", "attainment"))


def build(view: View) -> dict[str, Any]:
    """The values of the page."""
    _ask_ahead(view)
    pipeline = view.project("pipeline")
    stages = pipeline.dicts()
    blocked = view.ask(_worst(view))
    waiting, amount = blocked.rows[0][-2:] if blocked.rows else (0, None)
    return {
        "is_empty": not view.ask(_ANY, view.plain_question).rows,
        "tiles": [
            _tile(
                "Open pipeline", _total(view, stages, "amount"), counted(sum(s["deals"] for s in stages), "open deal")
            ),
            _tile("Weighted", _total(view, stages, "weighted_amount"), "by the stage's own probability"),
            *_quarter(view),
            *_forecast(view),
            _tile("Waiting too long", _total(view, [{"amount": amount}], "amount"), counted(waiting, "deal")),
            _freshness(view),
        ],
        "pipeline": view.grid(pipeline, _STAGES, caption="The pipeline by stage"),
        "pipeline_chart": chart(view, "pipeline", stages, "The pipeline by stage"),
        "blocked": view.grid(
            blocked,
            _WAITING,
            caption="Deals that wait longer than usual",
            total=waiting,
        ),
        **_targets(view),
        "may_record": view.may(Right.RECORD),
    }


def _ask_ahead(view: View) -> None:
    """Have what costs most answered at the same time."""
    this_quarter = [] if view.state.filter else [view.asked("attainment", view.periods(_quarter_of(view), "quarter"))]
    view.ahead(
        [view.asked("pipeline"), *this_quarter, view.asked("metrics", _booked_in(view)), (_worst(view), view.question)]
    )


def _worst(view: View) -> str:
    """The first deals that wait too long, and what all of them come to, as far as one's own `blocked` has it."""
    columns = view.ledger.engine.projections["blocked"].columns
    order = [f"{name} {way}" for name, way in _WORST_FIRST.items() if name in columns]
    return (
        f"SELECT *, count(*) OVER () AS all_deals, {'sum(amount) OVER ()' if 'amount' in columns else 'NULL'} AS all_amount "
        f"FROM blocked ORDER BY {', '.join([*order, '1'])} LIMIT {_MOST_BLOCKED}"
    )


def _tile(title: str, figure: str, note: str) -> dict[str, str]:
    return {"title": title, "figure": figure, "note": note, "later": ""}


def _forecast(view: View) -> list[dict[str, str]]:
    if not forecast_tile.is_for(view):
        return []
    later = view.to(forecast_tile.PAGE.path, since="", known_since="")
    return [_tile("Forecast", "…", "It comes in a moment.") | {"later": later}]


def _total(view: View, rows: list[dict[str, Any]], column: str) -> str:
    if view.settings.incognito:
        return "•••"
    amounts = [row[column] for row in rows if row.get(column) is not None]
    return f"{money(sum(amounts[1:], start=amounts[0]), view.currency)} {view.currency}" if amounts else "–"


def _booked_in(view: View) -> Question:
    return view.periods("this quarter" if not view.state.as_of else _quarter_of(view), "quarter")


def _quarter(view: View) -> list[dict[str, str]]:
    question = _booked_in(view)
    rows = view.project("metrics", question).dicts()
    if not rows:
        return []
    row = rows[-1]
    note = f"{counted(row['won'], 'deal')} won"
    if not view.state.filter:  # a target is for all deals
        quota = [r for r in view.project("attainment", question).dicts() if r["scope"] == "all"]
        if quota and quota[0]["attainment"] is not None:
            note += f", {quota[0]['attainment']:.0%} of the target"
    return [_tile(f"Booked in {row['period']}", _total(view, [row], "bookings"), note)]


def _quarter_of(view: View) -> str:
    as_of = view.question.as_of or view.ledger.engine.head.now()
    day = as_of.astimezone(view.ledger.zone).date()
    return f"{day.year}Q{(day.month + 2) // 3}"


def _targets(view: View) -> dict[str, Any]:
    if view.state.filter:
        return {"targets": None, "targets_chart": None}
    question = view.periods(_quarter_of(view), "quarter")
    answer = view.project("attainment", question)
    if not answer.rows:
        return {"targets": None, "targets_chart": None}
    return {
        "targets": view.grid(answer, _TARGETS, question, caption="Targets and calls"),
        "targets_chart": chart(view, "attainment", answer.dicts(), "What is booked beside targets and calls"),
    }


def _freshness(view: View) -> dict[str, str]:
    ((at, entries),) = view.ask("SELECT max(recorded_at), count(*) FROM events", view.plain_question).rows
    if at is None:
        return _tile("Last recorded", "–", "")
    if not view.state.is_now:
        day = at.replace(tzinfo=UTC).astimezone(view.ledger.zone).strftime("%Y-%m-%d %H:%M")
        return _tile("Last recorded", day, f"{entries:,} entries looked at")
    seconds = (datetime.now(UTC) - at.replace(tzinfo=UTC)).total_seconds()
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return _tile(
                "Last recorded", f"{counted(int(seconds // size), unit)} ago", f"{entries:,} entries looked at"
            )
    return _tile("Last recorded", "just now", f"{entries:,} entries looked at")


PAGE = Page("/", "Overview", "overview.html", build, key="o")
