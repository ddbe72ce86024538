"""A ledger of a hundred million entries, made of one of eleven million: each deal and each account several times.

To record so many would take hours. The copies follow each other entry by entry, so that time passes in the log as it does in the
one that they are of; each copy's streams and keys have names of their own, its voids strike out its own entries, and what a deal
tells of its client tells of the first copy's.
"""

import sqlite3
from pathlib import Path

_FIRST = 3
"""The entries that open a ledger, which are there once."""

_TOLD = ("voids", "void_root", "replaces", "rank")
"""The fields of an event that name an entry."""

_NEW = ":first + ({entry} - :first - 1) * :times + copy + 1"
_STATE = "json_replace(CAST(state AS TEXT), {})".format(
    ", ".join(f"'$.{field}', {_NEW.format(entry=f'(state ->> {field!r})')}" for field in _TOLD)
)
_TAKEN = f"""
    INSERT INTO stored_events
    WITH RECURSIVE copies (copy) AS (SELECT 0 UNION ALL SELECT copy + 1 FROM copies WHERE copy + 1 < :times)
    SELECT
        {_NEW.format(entry="entry")},
        CASE copy WHEN 0 THEN originator_id ELSE originator_id || '-' || copy END,
        originator_version,
        topic,
        CASE WHEN topic = 'event-voided/1' OR instr(state, CAST('"replaces":' AS BLOB)) THEN CAST({_STATE} AS BLOB) ELSE state END,
        recorded_at,
        CASE copy WHEN 0 THEN key ELSE key || '-' || copy END
    FROM one.stored_events CROSS JOIN copies
    WHERE entry > :first
    ORDER BY entry
"""


def copy(source: Path, target: Path, times: int) -> None:
    """Make a ledger that holds the deals and accounts of another so many times; it has as many seals as nobody made: none."""
    target.unlink(missing_ok=True)
    log = sqlite3.connect(f"file:{target}", uri=True, isolation_level=None)
    log.execute("PRAGMA journal_mode = OFF")
    log.execute("PRAGMA synchronous = OFF")
    log.execute("PRAGMA cache_size = -8000000")
    log.execute("ATTACH ? AS one", (f"file:{source}?mode=ro",))
    made = log.execute(
        "SELECT type, sql FROM one.sqlite_master WHERE sql IS NOT NULL AND name <> 'sqlite_sequence'"
    ).fetchall()
    for kind, sql in made:
        if kind == "table":
            log.execute(sql)
    log.execute("INSERT INTO stored_events SELECT * FROM one.stored_events WHERE entry <= ?", (_FIRST,))
    log.execute(_TAKEN, {"times": times, "first": _FIRST})
    for kind, sql in made:
        if kind != "table":
            log.execute(sql)
    for name in ("application_id", "user_version"):
        (value,) = log.execute(f"PRAGMA one.{name}").fetchone()
        log.execute(f"PRAGMA main.{name} = {int(value)}")
    log.execute("DETACH one")
    log.execute("PRAGMA journal_mode = WAL")
    log.close()
    target.chmod(0o600)
