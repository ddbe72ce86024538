"""The form of one command that records, with a preview of what would be appended."""

from __future__ import annotations

from typing import Any

from salesledger.errors import NotFound
from salesledger.web.commands import label
from salesledger.web.page import Page
from salesledger.web.roles import Right
from salesledger.web.view import View

_RARE = frozenset(("actor", "key", "id"))
_NOT_SHOWN = frozenset(("dry_run", "key"))
_SUGGESTED = 200
_KNOWN = {
    "deal": "SELECT deal FROM deals ORDER BY status <> 'open', captured_at DESC",
    "account": "SELECT account FROM accounts",
    "owner": "SELECT DISTINCT owner FROM deals WHERE owner IS NOT NULL",
    "source": "SELECT DISTINCT source FROM deals WHERE source IS NOT NULL",
    "stage": "SELECT DISTINCT stage FROM process_stages",
    "process": "SELECT DISTINCT process FROM process_stages",
}


def build(view: View) -> dict[str, Any]:
    """The values of the page.

    Raises:
        NotFound: there is no such command.
    """
    command = view.desk.commands.listed().get(view.extra["words"].replace("/", " "))
    if command is None or not command.records:
        raise NotFound(f"Nothing is recorded by {view.extra['words']!r}; /record lists what can be.")
    fields = [field for field in command.fields if field.name not in _NOT_SHOWN]
    fields.sort(key=lambda field: (not field.required, field.name == "on"))
    return {
        "command": command,
        "label": label,
        "often": [field for field in fields if field.name not in _RARE],
        "rarely": [
            field for field in fields if field.name in _RARE and not (field.name == "actor" and view.visitor.actor)
        ],
        "given": {field.name: view.extra.get(field.name, "") for field in fields},
        "known": {name: _known(view, name) for name in _KNOWN if any(field.name == name for field in fields)},
        "can_try": any(field.name == "dry_run" for field in command.fields),
        "now": view.ledger.engine.head.now().astimezone(view.ledger.zone).strftime("%Y-%m-%d %H:%M"),
    }


def _known(view: View, name: str) -> list[str]:
    if view.settings.incognito:
        return []
    answer = view.ask(f"SELECT * FROM ({_KNOWN[name]}) LIMIT {_SUGGESTED}", view.ledger.question())
    return [str(row[0]) for row in answer.rows]


PAGE = Page(
    "/record/{words:path}", "Record", "record_form.html", build, right=Right.RECORD, about="recording", above="/record"
)
