"""Checks: the log held against what a ledger promises, and against its seals."""

from __future__ import annotations

from typing import Any

from salesledger.web.page import Page
from salesledger.web.roles import Right
from salesledger.web.view import View


def build(view: View) -> dict[str, Any]:
    """The values of the page: nothing is read before somebody asks for it, as it reads the whole log."""
    if view.extra.get("run") != "yes":
        return {"has_run": False, "findings": [], "verdict": None, "unsealed": 0}
    key = ("checked", view.last_entry)
    found = view.desk.kept.get(key)
    if found is None:
        found = (view.ledger.check(), view.ledger.verify())
        view.desk.kept.put(key, found)
    findings, verdict = found
    return {"has_run": True, "findings": findings, "verdict": verdict, "unsealed": verdict.entries - verdict.sealed}


PAGE = Page("/checks", "Checks", "checks.html", build, key="c", right=Right.AUDIT, about="the whole log")
