"""The log: everything that was recorded, the latest first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from salesledger.readmodel.engine import Answer
from salesledger.shown.journal import ENTRIES, HAPPENED, entry_table
from salesledger.web.page import Page
from salesledger.web.view import View

_ROWS = 100


def build(view: View) -> dict[str, Any]:
    """The values of the page."""
    text = view.extra.get("before", "")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
    happened = HAPPENED if view.state.as_of else ""
    bounded = f" AND e.entry < {before}" if before else ""
    sql, values, problem = view.narrowed(ENTRIES + happened + bounded)
    answer = view.ask(f"SELECT * FROM ({sql}) ORDER BY entry DESC LIMIT {_ROWS + 1}", view.plain_question, values)
    shown = replace(answer, rows=answer.rows[:_ROWS])
    rows = entry_table(shown, view.ledger.zone)
    grid = view.grid(Answer(rows.columns, rows.types, rows.rows), caption="Entries, the latest first")
    entries = [row["entry"] for row in shown.dicts()][: len(grid.rows)]
    return {
        "grid": grid,
        "older": view.to("/log") + ("&" if "?" in view.to("/log") else "?") + f"before={entries[-1]}"
        if len(answer.rows) > len(entries) > 0
        else "",
        "latest": view.to("/log") if before else "",
        **({"unfiltered": problem} if problem else {}),
    }


PAGE = Page("/log", "Log", "log.html", build, key="l")
