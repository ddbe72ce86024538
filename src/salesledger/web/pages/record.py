"""What can be recorded, by what it is about."""

from __future__ import annotations

from typing import Any

from salesledger.web.page import Page
from salesledger.web.roles import Right
from salesledger.web.view import View


def build(view: View) -> dict[str, Any]:
    """The values of the page."""
    groups: dict[str, list[Any]] = {}
    for command in view.desk.commands.listed().values():
        if command.records:
            groups.setdefault(command.words[0], []).append(command)
    return {"groups": groups}


PAGE = Page("/record", "Record", "record.html", build, right=Right.RECORD, about="recording")
