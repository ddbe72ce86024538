"""`--incognito`: amounts and names hidden before a page or a program sees them."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Any

from salesledger.readmodel.engine import Answer

_SALT = secrets.token_bytes(16)

# fmt: off
SAID = frozenset((
    "answer", "call", "category", "channel", "currency", "entry", "field", "from_stage", "growth", "judged", "kind", "leans",
    "line", "model", "outcome", "period", "process", "process_version", "product", "reason", "role", "scope", "segment", "source",
    "source_system", "stage", "status", "stream", "timezone", "to_process", "to_stage", "type", "verdict", "went_to",
))
# fmt: on
"""Columns of texts that are shown: words of the process and of salesledger's own. Every other text is replaced by a word that is
the same throughout one run of the server, whatever its column is called."""

# fmt: off
GONE = frozenset((
    "attributes", "criteria", "disqualify_reasons", "loss_reasons", "pain_points", "persons", "reject_reasons", "stages",
))
# fmt: on
"""Columns of JSON, which are left empty."""

NOT_SAID = (
    "There is nothing of that name, or the ledger says no; with --incognito it isn't said why, as that may name names."
)
NO_SQL = "SQL isn't answered with --incognito: amounts and names are hidden by their columns, which it can rename."

_MONEY = re.compile(r"DECIMAL\(\d+, ?[0-4]\)")
_NO_TEXT = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL\(.*\)|DOUBLE|FLOAT|BOOLEAN|DATE|TIME.*|INTERVAL)")


def blurred(answer: Answer) -> Answer:
    """An answer in which amounts are gone and every text is replaced that isn't `SAID`."""
    hides = [_hiding(name.lower(), kind.upper()) for name, kind in zip(answer.columns, answer.types, strict=True)]
    kinds = ["VARCHAR" if _MONEY.fullmatch(kind.upper()) else kind for kind in answer.types]
    rows = [
        tuple(None if value is None else hide(value) for hide, value in zip(hides, row, strict=True))
        for row in answer.rows
    ]
    return Answer(answer.columns, kinds, rows)


def _hiding(name: str, kind: str) -> Callable[[Any], Any]:
    """What is shown in the place of a column's values."""
    if _MONEY.fullmatch(kind):
        return lambda _: "•••"
    if name in SAID or _NO_TEXT.fullmatch(kind):
        return lambda value: value
    if name in GONE:
        return lambda _: None
    if kind.endswith("[]"):
        return lambda values: [masked(str(value)) for value in values]
    return lambda value: masked(str(value))


def masked(text: str) -> str:
    """The word that stands for a name: the same for the same name, and nobody can tell it from that."""
    return f"anon-{hashlib.blake2b(text.encode('utf-8', 'surrogatepass'), key=_SALT, digest_size=3).hexdigest()}"


def hidden_json(value: Any, name: str = "") -> Any:
    """What a command printed, with amounts gone and every text replaced that isn't a date or a word of the ledger's own."""
    if isinstance(value, dict):
        return {key: hidden_json(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [hidden_json(each, name) for each in value]
    if not isinstance(value, str) or name in SAID or name.endswith(("_on", "_at")):
        return value
    return "•••" if re.fullmatch(r"-?[0-9]+\.[0-9]+", value) else masked(value)
