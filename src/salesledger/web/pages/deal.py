"""One deal: what it is, its story on both clocks, struck entries, and how to prove an entry."""

from __future__ import annotations

from typing import Any

from salesledger.errors import NotFound
from salesledger.readmodel.engine import Answer
from salesledger.shown.about import about_deal, stream_of
from salesledger.shown.journal import ENTRIES, HAPPENED, entry_table
from salesledger.shown.reports import when
from salesledger.shown.tables import DEALS
from salesledger.web.charts import chart
from salesledger.web.grid import shortened, size_of
from salesledger.web.page import Page
from salesledger.web.roles import Right
from salesledger.web.view import View

_MOST = 500
_ITS = " AND e.stream = 'deal' AND e.id = $deal"
_LATEST = f"{_ITS} ORDER BY e.effective_at DESC, e.rank DESC, e.entry DESC LIMIT {_MOST}"
_STEP_BYTES = 500


def build(view: View) -> dict[str, Any]:
    """The values of the page.

    Raises:
        NotFound: there is no such deal, or nothing had happened to it by then.
    """
    deal = view.ledger.find("deal", view.extra["deal"])
    question = view.plain_question
    alone = stream_of(question, "deal", deal)
    answer = view.ask(ENTRIES + HAPPENED + _LATEST, alone, {"deal": deal})
    if not answer.rows:
        raise NotFound(f"Nothing had happened to the deal {deal!r} {when(view.ledger, question)}.")
    total = len(answer.rows)
    if total == _MOST:
        ((total,),) = view.ask(f"SELECT count(*) FROM ({ENTRIES}{HAPPENED}{_ITS})", alone, {"deal": deal}).rows
    told = view.ask("SELECT * FROM deals WHERE deal = $deal", about_deal(view.ledger, question, deal), {"deal": deal})
    facts = _facts(view.grid(told, DEALS, question))
    timeline = _timeline(view, answer)
    return {
        "deal": view.extra["deal"]
        if view.settings.incognito
        else deal,  # where a beginning of it was typed, no more is told
        "company": next((row["company"] for row in told.dicts() if row["company"]), deal),
        "facts": facts,
        "timeline": timeline,
        "earlier": total - len(timeline),
        "log": "" if view.settings.incognito else view.to("/log", filter=f"id:={deal}"),
        "clocks": chart(
            view, "clocks", answer.dicts()[: len(timeline)][::-1], "When it happened, and when it was known"
        ),
        "may_prove": view.may(Right.AUDIT),
        "may_record": view.may(Right.RECORD),
    }


def _timeline(view: View, answer: Answer) -> list[dict[str, Any]]:
    """The latest steps, as many as the page has room for, in the order in which they happened."""
    steps: list[dict[str, Any]] = []
    entries = entry_table(answer, view.ledger.zone, without=("stream", "id"))
    for row, line in zip(answer.dicts(), entries.rows, strict=True):
        details = "" if view.settings.incognito else shortened(str(line[-1]))
        view.room -= _STEP_BYTES + size_of(details)
        if view.room < 0:
            break
        steps.append(
            {
                "entry": row["entry"],
                "type": row["type"],
                "on": _local(view, row["effective_at"]),
                "known": _local(view, row["known_at"]),
                "is_late": (row["known_at"] - row["effective_at"]).days > 0,
                "is_struck": row["struck_by"] is not None,
                "by": row["recorded_by"],
                "details": details,
            }
        )
    return steps[::-1]


def _local(view: View, moment: Any) -> str:
    from datetime import UTC

    return str(moment.replace(tzinfo=UTC).astimezone(view.ledger.zone).strftime("%Y-%m-%d %H:%M"))


def _facts(grid: Any) -> list[tuple[str, Any]]:
    if not grid.rows:
        return []
    return [(name, cell) for (name, _), cell in zip(grid.heads, grid.rows[0], strict=True) if cell.text]


PAGE = Page("/deals/{deal}", "Deal", "deal.html", build, about="one deal", above="/deals")
