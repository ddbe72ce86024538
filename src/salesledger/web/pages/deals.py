"""Deals: a board of the open ones by stage, and a table of all."""

from __future__ import annotations

from typing import Any

from salesledger.shown.reports import counted
from salesledger.shown.tables import DEALS
from salesledger.shown.values import money
from salesledger.web.page import Page
from salesledger.web.view import View

_MOST_CARDS = 12
_ROWS = 100

_BOARD = f"""
    SELECT * FROM (
        SELECT
            d.process, d.stage, d.deal, d.company, d.owner, d.value, d.currency, d.value_converted, d.expected_close,
            count(*) OVER w AS deals, sum(d.value_converted) OVER w AS total, s.position,
            row_number() OVER (PARTITION BY d.process, d.stage ORDER BY d.value_converted DESC NULLS LAST, d.deal) AS place
        FROM deals d
        LEFT JOIN (SELECT process, stage, max(position) AS position FROM process_stages GROUP BY 1, 2) s
            ON s.process = d.process AND s.stage = d.stage
        WHERE d.status = 'open'
        WINDOW w AS (PARTITION BY d.process, d.stage)
    ) WHERE place <= {_MOST_CARDS} ORDER BY process, position, place
"""


def build(view: View) -> dict[str, Any]:
    """The values of the page."""
    shown = "table" if view.extra.get("view") == "table" else "board"
    start = _start(view.extra.get("from", ""))
    grid, total = None, 0
    if shown == "table":
        ((total,),) = view.ask("SELECT count(*) FROM deals").rows
        answer = view.ask(f"SELECT * FROM deals ORDER BY captured_at DESC, deal LIMIT {_ROWS} OFFSET {start}")
        grid = view.grid(answer, DEALS, caption="Deals, the newest first")
    return {
        "shown": shown,
        "board": _board(view) if shown == "board" else [],
        "grid": grid,
        "total": total,
        "start": start,
        "rows": _ROWS,
    }


def _start(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _board(view: View) -> list[dict[str, Any]]:
    columns: dict[tuple[str, str], dict[str, Any]] = {}
    for row in view.ask(_BOARD).dicts():
        key = (row["process"], row["stage"])
        if key not in columns:
            columns[key] = {
                "process": row["process"],
                "stage": row["stage"],
                "deals": counted(row["deals"], "deal"),
                "total": _amount(view, row["total"], view.currency),
                "more": max(0, row["deals"] - _MOST_CARDS),
                "href": view.to("/deals", filter=f"{view.state.filter} stage:={row['stage']} status:open".strip()),
                "cards": [],
            }
        columns[key]["cards"].append(
            {
                "deal": row["deal"],
                "company": row["company"],
                "href": view.link("deals", row["deal"]),
                "amount": _amount(view, row["value"], row["currency"]),
                "owner": row["owner"] or "",
                "close": row["expected_close"] or "",
            }
        )
    return list(columns.values())


def _amount(view: View, value: Any, currency: str | None) -> str:
    if value is None:
        return ""
    return str(value) if view.settings.incognito else f"{money(value, currency)} {currency or ''}".strip()


PAGE = Page("/deals", "Deals", "deals.html", build, key="d")
