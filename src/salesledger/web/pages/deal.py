"""One deal: what it is, its story on both clocks, struck entries, and how to prove an entry."""

from __future__ import annotations

from typing import Any

from salesledger.errors import NotFound
from salesledger.shown.journal import ENTRIES, HAPPENED, entry_table
from salesledger.shown.reports import when
from salesledger.shown.tables import DEALS
from salesledger.web.charts import chart
from salesledger.web.page import Page
from salesledger.web.roles import Right
from salesledger.web.view import View

_ORDERED = " AND e.stream = 'deal' AND e.id = $deal ORDER BY e.effective_at, e.rank, e.entry"


def build(view: View) -> dict[str, Any]:
    """The values of the page.

    Raises:
        NotFound: there is no such deal, or nothing had happened to it by then.
    """
    deal = view.ledger.find("deal", view.extra["deal"])
    question = view.plain_question
    answer = view.ask(ENTRIES + HAPPENED + _ORDERED, question, {"deal": deal})
    if not answer.rows:
        raise NotFound(f"Nothing had happened to the deal {deal!r} {when(view.ledger, question)}.")
    entries = entry_table(answer, view.ledger.zone, without=("stream", "id"))
    told = answer.dicts()
    facts = view.ask("SELECT * FROM deals WHERE deal = $deal", question, {"deal": deal})
    return {
        "deal": view.extra["deal"]
        if view.settings.incognito
        else deal,  # where a beginning of it was typed, no more is told
        "company": next((row["company"] for row in facts.dicts() if row["company"]), deal),
        "facts": _facts(view.grid(facts, DEALS, question)),
        "timeline": [
            {
                "entry": row["entry"],
                "type": row["type"],
                "on": _local(view, row["effective_at"]),
                "known": _local(view, row["known_at"]),
                "is_late": (row["known_at"] - row["effective_at"]).days > 0,
                "is_struck": row["struck_by"] is not None,
                "by": row["recorded_by"],
                "details": line[-1] if not view.settings.incognito else "",
            }
            for row, line in zip(told, entries.rows, strict=True)
        ],
        "clocks": chart(view, "clocks", told, "When it happened, and when it was known"),
        "may_prove": view.may(Right.AUDIT),
        "may_record": view.may(Right.RECORD),
    }


def _local(view: View, moment: Any) -> str:
    from datetime import UTC

    return str(moment.replace(tzinfo=UTC).astimezone(view.ledger.zone).strftime("%Y-%m-%d %H:%M"))


def _facts(grid: Any) -> list[tuple[str, Any]]:
    if not grid.rows:
        return []
    return [(name, cell) for (name, _), cell in zip(grid.heads, grid.rows[0], strict=True) if cell.text]


PAGE = Page("/deals/{deal}", "Deal", "deal.html", build, about="one deal", above="/deals")
