"""`--incognito`: amounts and names hidden before a page or a program sees them."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any

from salesledger.readmodel.engine import Answer

_SALT = secrets.token_bytes(16)

# fmt: off
NAMED = frozenset((
    "deal", "deal_id", "id", "company", "account", "owner", "team", "recorded_by", "referrer",
    "referred_by", "grown_from", "name", "email", "phone", "position", "person", "persons", "attendees",
    "who", "competitor", "offered_by", "offered_to", "lead", "handed_by", "handed_to", "actor", "subject",
    "note", "text", "remark", "key", "changes", "details", "attributes", "void_reason", "struck_reason",
    "evidence", "resolution", "content", "campaign", "subscription", "before", "after", "told",
))
# fmt: on
"""Columns that say who or what: what they hold is replaced by a word that is the same throughout one run of the server."""

GONE = frozenset(("attributes", "pain_points", "persons", "stages"))
"""Columns of JSON, which are left empty."""

NOT_SAID = (
    "There is nothing of that name, or the ledger says no; with --incognito it isn't said why, as that may name names."
)
NO_SQL = "SQL isn't answered with --incognito: amounts and names are hidden by their columns, which it can rename."

_MONEY = re.compile(r"DECIMAL\(\d+, ?[0-4]\)")


def blurred(answer: Answer) -> Answer:
    """An answer in which amounts are gone and names are replaced."""
    hide = [_MONEY.fullmatch(kind.upper()) is not None for kind in answer.types]
    named = [name.lower() in NAMED for name in answer.columns]

    def shown(value: Any, place: int) -> Any:
        if value is None or answer.columns[place] in GONE:
            return None
        if hide[place]:
            return "•••"
        return masked(str(value)) if named[place] else value

    kinds = ["VARCHAR" if hide[i] else kind for i, kind in enumerate(answer.types)]
    rows = [tuple(shown(value, i) for i, value in enumerate(row)) for row in answer.rows]
    return Answer(answer.columns, kinds, rows)


def masked(text: str) -> str:
    """The word that stands for a name: the same for the same name, and nobody can tell it from that."""
    return f"anon-{hashlib.blake2b(text.encode('utf-8', 'surrogatepass'), key=_SALT, digest_size=3).hexdigest()}"


_KEPT = frozenset(
    ("entry", "stream", "type", "stage", "status", "currency", "period", "line", "kind", "process", "process_version")
)


def hidden_json(value: Any, name: str = "") -> Any:
    """What a command printed, with amounts gone and every text replaced that isn't a date or a word of the ledger's own."""
    if isinstance(value, dict):
        return {key: hidden_json(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [hidden_json(each, name) for each in value]
    if not isinstance(value, str) or name in _KEPT or name.endswith(("_on", "_at")):
        return value
    return "•••" if re.fullmatch(r"-?[0-9]+\.[0-9]+", value) else masked(value)
