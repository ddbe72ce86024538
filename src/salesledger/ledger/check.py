"""The invariants of the log: of its file, of its order, of its seals, and (in `check_streams`) of what it says."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime

from salesledger.domain.clocks import from_micros, to_micros
from salesledger.domain.decide import CLOCK_SKEW
from salesledger.ledger.check_streams import check_streams
from salesledger.ledger.findings import RESTORE, Finding
from salesledger.ledger.leaves import reading
from salesledger.ledger.log import Log
from salesledger.ledger.verify import held_against_seals

Progress = Callable[[int, int], None]
"""Told how many entries are checked, of how many."""

_CLOCK = "Set the machine's clock right; what is recorded next is stamped no earlier than that."
_GRANT = "Give it back with 'salesledger migrate --roles', as the ledger's owner, or drop the role."
_EXPORT = "Restore the last backup that can be read."
_TOLD = ("file", "missing", "order")
"""Findings against the seals that are findings of the log by other names."""

_MOST_OF_A_KIND = 20
"""How many complaints of SQLite's are passed on."""


def check_log(connection: Log, now: datetime, progress: Progress | None = None) -> Iterator[Finding]:
    """Everything in the log that is not as it should be, in the order in which it is looked at; nothing where all is well.

    What can't be read is a finding, and what can is still checked.

    Args:
        connection: open on the ledger.
        now: the machine's clock.
        progress: told how far it is.
    """
    yield from check_file(connection, now)
    for look in (_rights, _keys, _places, lambda c: check_streams(c, progress), lambda c: _seals(c, progress)):
        yield from _read(look, connection)


def check_file(connection: Log, now: datetime) -> Iterator[Finding]:
    """What of that concerns the file alone: its pages, the rules that keep it append-only, the order of its entries."""
    for look in (_file, _schema, lambda c: _order(c, now)):
        yield from _read(look, connection)


def _read(look: Callable[[Log], Iterator[Finding]], connection: Log) -> Iterator[Finding]:
    try:
        yield from look(connection)
    except (sqlite3.Error, UnicodeDecodeError) as e:
        yield Finding("file", f"the database can't be read: {e}", _EXPORT)


def _file(connection: Log) -> Iterator[Finding]:
    for told in connection.damage(_MOST_OF_A_KIND):
        yield Finding("file", f"{connection.server} reports: {' '.join(told.split())}", _EXPORT)


def _schema(connection: Log) -> Iterator[Finding]:
    """The table and the triggers that keep it append-only are as they were made, and nothing else is there."""
    for kind, name, is_there in connection.altered():
        problem = f"the {kind} {name} is " + ("not the one that salesledger made" if is_there else "missing")
        yield Finding("append-only", f"{problem}: the database no longer refuses every change", _mend(connection, kind))
    for kind, name in connection.foreign():
        problem = (
            f"the {kind} {name!r} is not salesledger's: it may keep entries out of the log, or answer in its place"
        )
        remedy = f"Look at what it does, then take it away with {connection.tool}: DROP {kind.upper()}."
        yield Finding("schema", problem, remedy)
    for rule, problem, remedy in connection.loosened():
        yield Finding(rule, problem, remedy)


def _mend(connection: Log, kind: str) -> str:
    return RESTORE if kind == "table" else connection.mend or RESTORE


def _rights(connection: Log) -> Iterator[Finding]:
    """The roles that were made for the ledger may what they were made for."""
    for role, right in connection.missing_rights():
        yield Finding("roles", f"the role {role} has no {right} any more: its members can't do what it is for", _GRANT)


def _order(connection: Log, now: datetime) -> Iterator[Finding]:
    """Entries without a gap, stamps that never go back nor lie ahead."""
    last, last_at = 0, 0
    latest = to_micros(now + CLOCK_SKEW)
    statement = "SELECT entry, originator_id, recorded_at FROM stored_events ORDER BY entry"
    for entry, stream, recorded_at in connection.stream(statement):
        if not isinstance(entry, int) or not isinstance(recorded_at, int):
            yield Finding("file", f"the entry behind {last} has no number or no time", RESTORE, last or None)
            continue
        if entry != last + 1:
            yield Finding("gap", f"{_missing(last + 1, entry - 1)} before this one", RESTORE, entry, stream)
        if recorded_at < last_at:
            problem = f"recorded at {_at(recorded_at)}, before the entry ahead of it ({_at(last_at)})"
            yield Finding("recorded-at", problem, RESTORE, entry, stream)
        if recorded_at > latest:
            yield Finding("recorded-at", f"recorded at {_at(recorded_at)}, in the future", _CLOCK, entry, stream)
        last, last_at = entry, max(last_at, recorded_at)
    counted = connection.last_given()
    if counted is not None and counted > last:
        yield Finding("gap", f"{_missing(last + 1, counted)} at the end of the log", RESTORE, last or None)


def _missing(first: int, last: int) -> str:
    return f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"


def _keys(connection: Log) -> Iterator[Finding]:
    """Every idempotency key stands for one entry; the rows are compared themselves, for an index of them may be damaged."""
    statement = (
        f"SELECT key, min(entry), max(entry), max(originator_id) FROM {connection.itself} WHERE key IS NOT NULL "
        "GROUP BY key HAVING count(*) > 1 ORDER BY 3"
    )
    for key, first, entry, stream in connection.execute(statement):
        yield Finding("key", f"the key {key!r} is that of entry {first} too", RESTORE, entry, stream)


def _places(connection: Log) -> Iterator[Finding]:
    """Every version of a stream is one entry, compared likewise."""
    statement = (
        f"SELECT originator_id, originator_version, min(entry), max(entry) FROM {connection.itself} "
        "GROUP BY originator_id, originator_version HAVING count(*) > 1 ORDER BY 4"
    )
    for stream, version, first, entry in connection.execute(statement):
        yield Finding("version", f"version {version} of its stream is entry {first} too", RESTORE, entry, stream)


def _seals(connection: Log, progress: Progress | None) -> Iterator[Finding]:
    """The log is what its seals cover, where it is sealed; gaps and what concerns the file are told already."""
    texts = connection.text_factory
    try:
        found = held_against_seals(reading(connection), progress)
    finally:
        connection.text_factory = texts
    for one in found:
        if one.rule not in _TOLD:
            entry = one.first_entry if one.first_entry == one.last_entry else None
            problem = f"{one.problem[:1].lower()}{one.problem[1:].removesuffix('.')}"
            yield Finding("seal", problem, f"{one.remedy} 'salesledger verify' says more.", entry)


def _at(micros: int) -> str:
    try:
        return f"{from_micros(micros):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:
        return f"microsecond {micros}"
