"""Accounts: every client, and what it came to."""

from __future__ import annotations

from typing import Any

from salesledger.web.page import Page
from salesledger.web.view import View

_ROWS = 200


def build(view: View) -> dict[str, Any]:
    """The values of the page."""
    sql, values, problem = view.narrowed("SELECT * FROM accounts")
    answer = view.ask(f"SELECT * FROM ({sql}) LIMIT {_ROWS}", view.plain_question, values)
    ((total,),) = view.ask(f"SELECT count(*) FROM ({sql})", view.plain_question, values).rows
    content = {"grid": view.grid(answer, caption="Accounts", total=total, rest="filter to see others"), "total": total}
    return content | ({"unfiltered": problem} if problem else {})


PAGE = Page("/accounts", "Accounts", "table.html", build, key="a")
