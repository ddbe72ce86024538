"""Entries as rows: what `history` and `log` print of the events on record."""

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

from salesledger.readmodel.plain import plain
from salesledger.shown.values import Rows

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from salesledger.readmodel.engine import Answer

ENTRIES = """
    SELECT e.*, s.struck_by, s.struck_at, s.void_reason AS struck_reason
    FROM events e
    LEFT JOIN (
        SELECT entry, struck_by, struck_at, void_reason FROM strikes
        UNION ALL
        SELECT
            entry,
            lead(entry) OVER chain AS struck_by,
            lead(known_at) OVER chain AS struck_at,
            lead(void_reason) OVER chain AS void_reason
        FROM events
        WHERE type = 'event-voided' AND known_at <= $known_at
        WINDOW chain AS (PARTITION BY void_root ORDER BY entry)
    ) s ON s.entry = e.entry
    WHERE e.known_at <= $known_at
"""
"""Every entry, and where it is struck out, by which: an event by the last void of it, a void by the next one, which undoes it."""

HAPPENED = " AND (e.effective_at <= $as_of OR e.type = 'event-voided')"
"""The condition that leaves out what had not happened yet; a void happens in the ledger, not in business."""

DETAILS = "details"
"""The column in which a table shows an entry's own fields."""

_ENVELOPE = ("entry", "stream", "id", "type", "effective_at", "known_at", "recorded_at", "recorded_by")
_NESTED = ("attributes", "pain_points", "persons", "stages")
_PLUMBING = ("version", "effective_on", "rank")
_NOT_TOLD = ("struck_by", "struck_at", "struck_reason", "stages", "void_root", "strikes")
_TOLD_LAST = ("process", "process_version", "replaces", "source_system", "key")


def entry_rows(answer: "Answer", *, without: tuple[str, ...] = ()) -> Rows:
    """Entries for machines: the envelope, and the own fields that some of them has."""
    place = {name: i for i, name in enumerate(answer.columns)}
    names = [*(name for name in _ENVELOPE if name not in without), *_own(answer)]
    rows = [tuple(_unfolded(name, row[place[name]]) for name in names) for row in answer.rows]
    return Rows(names, [answer.types[place[name]] for name in names], rows, sparse=True)


def entry_table(answer: "Answer", zone: "ZoneInfo", *, without: tuple[str, ...] = ()) -> Rows:
    """Entries for people: an entry's own fields are told in one column, and where it is struck out, since when and why."""
    place = {name: i for i, name in enumerate(answer.columns)}
    own = sorted(_own(answer), key=lambda name: name in _TOLD_LAST)
    late = any(row[place["known_at"]] != row[place["recorded_at"]] for row in answer.rows)
    names = [name for name in _ENVELOPE if name not in without and (late or name != "known_at")]
    return Rows(
        [*names, DETAILS],
        [*(answer.types[place[name]] for name in names), "VARCHAR"],
        [(*(row[place[name]] for name in names), _details(row, place, own, zone)) for row in answer.rows],
    )


def _own(answer: "Answer") -> list[str]:
    used = [name for i, name in enumerate(answer.columns) if any(row[i] is not None for row in answer.rows)]
    return [name for name in used if name not in _ENVELOPE and name not in _PLUMBING]


def _unfolded(name: str, value: Any) -> Any:
    """A field's value; what `events` holds as JSON text is taken apart."""
    return json.loads(value) if name in _NESTED and value is not None else value


def _details(row: tuple[Any, ...], place: dict[str, int], own: list[str], zone: "ZoneInfo") -> str:
    struck_by = row[place["struck_by"]]
    told = []
    if struck_by is not None:
        struck_on = row[place["struck_at"]].replace(tzinfo=UTC).astimezone(zone).date()
        told = [f"STRUCK OUT by {struck_by} on {struck_on}: {row[place['struck_reason']]}"]
    for name in own:
        value = row[place[name]]
        if value is not None and name not in _NOT_TOLD:
            told.append(f"{name}={_told(name, value)}")
    return "  ".join(told)


def _told(name: str, value: Any) -> str:
    value = _unfolded(name, value)
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}:{item}" for key, item in value.items())
    return str(plain(value))
