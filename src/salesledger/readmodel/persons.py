"""Persons: who is meant, and everything that the ledger holds about one of them."""

from typing import Any

from salesledger.readmodel.engine import Engine
from salesledger.readmodel.plain import plain

_OWN = """
    SELECT
        e.entry,
        e.type,
        e.effective_at,
        e.known_at,
        e.recorded_at,
        e.recorded_by,
        e.reason,
        struck.entry IS NOT NULL AS struck,
        p.field,
        p.text
    FROM events e
    LEFT JOIN personal p ON p.entry = e.entry
    LEFT JOIN strikes struck ON struck.entry = e.entry
    WHERE e.stream = 'person' AND e.id = $person
    ORDER BY e.entry, p.field
"""

_ELSEWHERE = """
    SELECT e.entry, e.stream, e.id, e.type, e.effective_at, e.recorded_at, e.recorded_by, e.role
    FROM events e
    WHERE
        (e.type IN ('contact-added', 'contact-removed') AND e.person = $person)
        OR (e.type = 'meeting-held' AND list_contains(from_json(e.persons, '["VARCHAR"]'), $person))
    ORDER BY e.entry
"""


def named(engine: Engine, name: str) -> list[str]:
    """The ids of the persons of that name; where nobody has it, of those in whose name it occurs."""
    if not name:
        return []
    return bearing(engine, name) or [person for person, told in _names(engine) if name.casefold() in told]


def bearing(engine: Engine, name: str) -> list[str]:
    """The ids of the persons of exactly that name, whatever the case."""
    return [person for person, told in _names(engine) if told == name.casefold()]


def _names(engine: Engine) -> list[tuple[str, str]]:
    rows = engine.ask("SELECT person, name FROM persons WHERE forgotten_on IS NULL AND name IS NOT NULL").rows
    return [(str(person), str(told).casefold()) for person, told in rows]


def name_of(engine: Engine, person: str) -> str | None:
    """A person's name; None where there is none, or none that can be read."""
    rows = engine.ask("SELECT name FROM persons WHERE person = $person", values={"person": person}).rows
    return str(rows[0][0]) if rows and rows[0][0] is not None else None


def held(engine: Engine, person: str) -> dict[str, Any]:
    """Everything that the ledger holds about a person, struck entries included.

    Returns:
        The id as `person`; `entries` of the person's own, each with its texts decrypted as far as there is a key; and
        `elsewhere`, the entries that name the person: as a contact, as somebody who was present.
    """
    entries: dict[int, dict[str, Any]] = {}
    own = engine.ask(_OWN, values={"person": person})
    for row in own.rows:
        told = dict(zip(own.columns, row, strict=True))
        field, text = told.pop("field"), told.pop("text")
        entry = entries.setdefault(told["entry"], {name: plain(v) for name, v in told.items() if v is not None})
        if field is not None:
            entry[field] = text
    mentions = engine.ask(_ELSEWHERE, values={"person": person})
    elsewhere = [
        {name: plain(value) for name, value in zip(mentions.columns, row, strict=True) if value is not None}
        for row in mentions.rows
    ]
    return {"person": person, "entries": list(entries.values()), "elsewhere": elsewhere}
