"""The tables and triggers of a ledger's file."""

LOG_SCHEMA = (
    """
    CREATE TABLE stored_events (
        entry INTEGER PRIMARY KEY AUTOINCREMENT CHECK (entry > 0),
        originator_id TEXT NOT NULL,
        originator_version INTEGER NOT NULL CHECK (originator_version > 0),
        topic TEXT NOT NULL,
        state BLOB NOT NULL,
        recorded_at INTEGER NOT NULL,
        key TEXT UNIQUE,
        UNIQUE (originator_id, originator_version)
    ) STRICT
    """,
    """
    CREATE TRIGGER stored_events_no_update BEFORE UPDATE ON stored_events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: an entry is never changed'); END
    """,
    """
    CREATE TRIGGER stored_events_no_delete BEFORE DELETE ON stored_events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: an entry is never deleted'); END
    """,
    # INSERT OR REPLACE removes the row in its way without firing the DELETE trigger, so it is stopped before it starts.
    """
    CREATE TRIGGER stored_events_no_replace BEFORE INSERT ON stored_events
    WHEN EXISTS (SELECT 1 FROM stored_events WHERE entry = NEW.entry)
      OR EXISTS (SELECT 1 FROM stored_events
                 WHERE originator_id = NEW.originator_id AND originator_version = NEW.originator_version)
      OR (NEW.key IS NOT NULL AND EXISTS (SELECT 1 FROM stored_events WHERE key = NEW.key))
    BEGIN SELECT RAISE(ABORT, 'conflict: the ledger holds that entry, version or key already'); END
    """,
    """
    CREATE TRIGGER stored_events_in_order AFTER INSERT ON stored_events
    WHEN NEW.entry < (SELECT max(entry) FROM stored_events)
      OR NEW.recorded_at < (SELECT recorded_at FROM stored_events WHERE entry < NEW.entry ORDER BY entry DESC LIMIT 1)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: an entry comes after all others'); END
    """,
)


def _append_only(table: str, same: str) -> tuple[str, ...]:
    """The triggers that let rows be added to a table and nothing else."""
    return tuple(
        f"CREATE TRIGGER {table}_no_{what} BEFORE {when} ON {table} "
        f"{condition}BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: a seal is never {said}'); END"
        for what, when, condition, said in (
            ("update", "UPDATE", "", "changed"),
            ("delete", "DELETE", "", "deleted"),
            ("replace", "INSERT", f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) ", "replaced"),
        )
    )


SEAL_SCHEMA = (
    """
    CREATE TABLE seal_blocks (
        level INTEGER NOT NULL CHECK (level > 0),
        number INTEGER NOT NULL CHECK (number >= 0),
        hash BLOB NOT NULL,
        PRIMARY KEY (level, number)
    ) STRICT, WITHOUT ROWID
    """,
    *_append_only("seal_blocks", "level = NEW.level AND number = NEW.number"),
    "CREATE TABLE seal_checkpoints (size INTEGER PRIMARY KEY CHECK (size > 0), note TEXT NOT NULL) STRICT",
    *_append_only("seal_checkpoints", "size = NEW.size"),
)
"""Where seals are kept; a ledger that was made before there were any gets it at its first seal."""

INDEXES = ("CREATE INDEX stored_events_forgotten ON stored_events (originator_id) WHERE topic = 'person-forgotten/1'",)
"""What makes looking for who was forgotten quick, and costs nothing else."""

SCHEMA = (*LOG_SCHEMA, *INDEXES, *SEAL_SCHEMA)
