"""Tampering: somebody with write access changes a sealed ledger behind its back, and hides the traces as far as can be.

The triggers are dropped, the change made, the triggers put back as they were: what must find it are the seals.
"""

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from salesledger.errors import SalesledgerError
from salesledger.ledger import seal_key
from salesledger.ledger.leaves import StoredTree, reading
from salesledger.ledger.seal import seal
from salesledger.ledger.sealing import seal_now
from salesledger.ledger.sqlite_log import SQLiteLog
from salesledger.ledger.sqlite_schema import SCHEMA
from salesledger.ledger.verify import verify
from support.ledgers import new_ledger

Entries = tuple[int, int] | None
"""The first and the last entry that were tampered with; None where only seals were."""

_ASIDE = 10**9

Tampering = Callable[[SQLiteLog, random.Random], Entries]


def sealed_ledger(path: Path, sizes: tuple[int, ...]) -> Path:
    """A ledger that was sealed at each of some sizes, the last being all of it; its key lies beside it."""
    new_ledger(path)
    seal_now(path, recorded_by="kim")
    key = seal_key.read(seal_key.place_of(path))
    assert key is not None
    for size in sizes:
        with closing(sqlite3.connect(path, factory=SQLiteLog)) as connection, connection:
            (last, at) = connection.execute("SELECT max(entry), max(recorded_at) FROM stored_events").fetchone()
            connection.executemany(
                "INSERT INTO stored_events (originator_id, originator_version, topic, state, recorded_at, key) "
                "VALUES (?, ?, 'lead-contacted/1', ?, ?, ?)",
                [
                    (
                        f"deal:d{n % 97}",
                        n,
                        f'{{"channel":"phone","n":{n}}}'.encode(),
                        at + n // 3,
                        None if n % 2 else f"k{n}",
                    )
                    for n in range(last + 1, size + 1)
                ],
            )
        seal(path, key)
    return path


@contextmanager
def unguarded(path: Path) -> Iterator[SQLiteLog]:
    """The file without its triggers, which are put back word by word."""
    triggers = [statement for statement in SCHEMA if statement.split()[1] == "TRIGGER"]
    with closing(sqlite3.connect(path, isolation_level=None, factory=SQLiteLog)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for trigger in triggers:
            connection.execute(f"DROP TRIGGER {trigger.split()[2]}")
        yield connection
        for trigger in triggers:
            connection.execute(trigger)
        connection.execute("COMMIT")


def _end(connection: SQLiteLog) -> int:
    return int(connection.execute("SELECT max(entry) FROM stored_events").fetchone()[0])


def _some(connection: SQLiteLog, draw: random.Random) -> int:
    return draw.randint(4, _end(connection) - 1)


def _editing(column: str, value: str) -> Tampering:
    def edit(connection: SQLiteLog, draw: random.Random) -> Entries:
        entry = _some(connection, draw)
        connection.execute(f"UPDATE stored_events SET {column} = {value} WHERE entry = ?", (entry,))
        return entry, entry

    return edit


def _delete(connection: SQLiteLog, draw: random.Random) -> Entries:
    entry = _some(connection, draw)
    connection.execute("DELETE FROM stored_events WHERE entry = ?", (entry,))
    return entry, entry


def _delete_and_close_up(connection: SQLiteLog, draw: random.Random) -> Entries:
    entry, end = _some(connection, draw), _end(connection)
    connection.execute("DELETE FROM stored_events WHERE entry = ?", (entry,))
    _shift(connection, entry, -1)
    _forget_number(connection)
    return entry, end


def _insert(connection: SQLiteLog, draw: random.Random) -> Entries:
    entry, end = _some(connection, draw), _end(connection)
    _shift(connection, entry - 1, 1)
    connection.execute(
        "INSERT INTO stored_events SELECT ?, 'deal:forged', 1, topic, state, recorded_at, NULL FROM stored_events "
        "WHERE entry = ?",
        (entry, entry + 1),
    )
    return entry, end


def _exchange(connection: SQLiteLog, draw: random.Random) -> Entries:
    one, other = sorted(draw.sample(range(4, _end(connection)), 2))
    for old, new in ((one, _ASIDE), (other, one), (_ASIDE, other)):
        connection.execute("UPDATE stored_events SET entry = ? WHERE entry = ?", (new, old))
    return one, other


def _renumber(connection: SQLiteLog, draw: random.Random) -> Entries:
    entry, end = _some(connection, draw), _end(connection)
    _shift(connection, entry, draw.choice((1, 2, 300)))
    return entry + 1, end


def _cut_off(connection: SQLiteLog, draw: random.Random) -> Entries:
    entry, end = _some(connection, draw), _end(connection)
    connection.execute("DELETE FROM stored_events WHERE entry > ?", (entry,))
    _forget_number(connection)
    return entry + 1, end


def _edit_and_recompute(connection: SQLiteLog, draw: random.Random) -> Entries:
    """The stored hashes of blocks are made to fit what was changed; the checkpoints can't be."""
    entry = _some(connection, draw)
    connection.execute("UPDATE stored_events SET state = CAST(state || ' ' AS BLOB) WHERE entry = ?", (entry,))
    connection.execute("DELETE FROM seal_blocks")
    tree = StoredTree(reading(connection), has_blocks=True)
    blocks = list(tree.unstored(_end(connection)))
    connection.executemany("INSERT INTO seal_blocks VALUES (?, ?, ?)", blocks)
    return entry, entry


def _forget_blocks(connection: SQLiteLog, draw: random.Random) -> Entries:
    connection.execute("DELETE FROM seal_blocks WHERE number = ?", (draw.randrange(2),))
    return None


def _forge_checkpoint(connection: SQLiteLog, draw: random.Random) -> Entries:
    connection.execute(
        "UPDATE seal_checkpoints SET note = replace(note, substr(note, ?1, 1), iif(substr(note, ?1, 1) = 'x', 'y', 'x')) "
        "WHERE size = (SELECT size FROM seal_checkpoints ORDER BY random() LIMIT 1)",
        (draw.randint(50, 70),),
    )
    return None


def _shift(connection: SQLiteLog, behind: int, by: int) -> None:
    """Renumber all entries behind one; in two steps, for no number may be there twice in between."""
    connection.execute("UPDATE stored_events SET entry = entry + ? WHERE entry > ?", (_ASIDE, behind))
    connection.execute("UPDATE stored_events SET entry = entry + ? WHERE entry > ?", (by - _ASIDE, _ASIDE))


def _forget_number(connection: SQLiteLog) -> None:
    connection.execute("UPDATE sqlite_sequence SET seq = (SELECT max(entry) FROM stored_events)")


TAMPERINGS: dict[str, Tampering] = {
    "another stream": _editing("originator_id", "originator_id || 'x'"),
    "another version": _editing("originator_version", "originator_version + 100000"),
    "another topic": _editing("topic", "'lead-qualified/1'"),
    "another state": _editing("state", "CAST(state || ' ' AS BLOB)"),
    "another stamp": _editing("recorded_at", "recorded_at + 1"),
    "another key": _editing("key", "CASE WHEN key IS NULL THEN '' END"),
    "deleted": _delete,
    "deleted and closed up": _delete_and_close_up,
    "inserted": _insert,
    "exchanged": _exchange,
    "renumbered": _renumber,
    "cut off": _cut_off,
    "edited and recomputed": _edit_and_recompute,
    "forgotten blocks": _forget_blocks,
    "forged checkpoint": _forge_checkpoint,
}
"""Every way to tamper: it does so, and tells with which entries."""


def tampered(original: Path, copy: Path, kind: str, draw: random.Random) -> Entries:
    """Copy a ledger and tamper with the copy."""
    shutil.copyfile(original, copy)
    with unguarded(copy) as connection:
        return TAMPERINGS[kind](connection, draw)


def run(count: int, seed: int = 1) -> dict[str, int]:
    """Tamper so many times, in every way in turn; each tenth time also roll back and rewrite with the real key.

    Returns:
        runs; tamperings that were not found; those whose place no finding names; roll-backs and rewritings that a checkpoint
        from outside did not find.
    """
    figures = dict.fromkeys(("runs", "missed", "misplaced", "rolled_back_missed", "rewritten_missed"), 0)
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        original = sealed_ledger(folder / "sales.ledger", (100, 255, 256, 600, 1000, 1234))
        assert verify(original).ok
        for number in range(count):
            kind = list(TAMPERINGS)[number % len(TAMPERINGS)]
            copy = folder / f"{number}.ledger"
            entries = tampered(original, copy, kind, draw)
            findings = verify(copy).findings
            figures["runs"] += 1
            figures["missed"] += not findings
            figures["misplaced"] += entries is not None and not any(
                one.first_entry is not None
                and one.first_entry <= entries[1]
                and (one.last_entry or entries[0]) >= entries[0]
                for one in findings
            )
            copy.unlink()
            if number % 10 == 0:
                figures["rolled_back_missed"] += not found_rolled_back(original, folder / "old")
                figures["rewritten_missed"] += not found_rewritten(original, folder / "new", draw)
    return figures


def found_rolled_back(original: Path, copy: Path) -> bool:
    """Whether an old copy in the ledger's place is found by a checkpoint that was taken since."""
    shutil.copyfile(original, copy)
    key = seal_key.read(seal_key.place_of(original))
    assert key is not None
    with closing(sqlite3.connect(copy, factory=SQLiteLog)) as connection, connection:
        connection.execute(
            "INSERT INTO stored_events (originator_id, originator_version, topic, state, recorded_at) "
            "SELECT 'deal:later', 1, topic, state, recorded_at FROM stored_events ORDER BY entry DESC LIMIT 1"
        )
    outside = seal(copy, key).note
    copy.unlink()
    return verify(original).ok and not verify(original, against=[outside]).ok


def found_rewritten(original: Path, copy: Path, draw: random.Random) -> bool:
    """Whether a ledger that was changed and sealed anew with the real key is found by a checkpoint from before."""
    key = seal_key.read(seal_key.place_of(original))
    assert key is not None
    outside = seal(original, key).note
    shutil.copyfile(original, copy)
    with unguarded(copy) as connection:
        _editing("state", "CAST(state || ' ' AS BLOB)")(connection, draw)
        connection.execute("DELETE FROM seal_blocks")
        connection.execute("DELETE FROM seal_checkpoints")
    seal(copy, key)
    unseen = verify(copy).ok
    found = not verify(copy, against=[outside]).ok
    copy.unlink()
    return unseen and found


def flip(count: int, seed: int = 1) -> dict[str, int]:
    """Flip a bit of the file so many times.

    Returns:
        runs; flips that changed what the log holds or its order, or made it unreadable; those of them that were not found;
        verifications that ended with an error of another kind.
    """
    figures = dict.fromkeys(("runs", "changed", "missed", "crashed"), 0)
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        original = sealed_ledger(folder / "sales.ledger", (100, 600))
        sound, before = original.read_bytes(), dump(original)
        copy = folder / "flipped.ledger"
        for _ in range(count):
            spoilt = bytearray(sound)
            spoilt[draw.randrange(len(spoilt))] ^= 1 << draw.randrange(8)
            copy.write_bytes(spoilt)
            figures["runs"] += 1
            try:
                found = bool(verify(copy).findings)
            except SalesledgerError:
                found = True
            except Exception:  # noqa: BLE001 - any other error is what is looked for
                found = False
                figures["crashed"] += 1
            changed = dump(copy) != before
            figures["changed"] += changed
            figures["missed"] += changed and not found
            for ending in ("", "-wal", "-shm", "-journal"):
                Path(f"{copy}{ending}").unlink(missing_ok=True)
    return figures


def dump(path: Path) -> list[tuple[object, ...]] | None:
    """The log with the types of its values, the bytes as they are; None where it can't be read."""
    with closing(sqlite3.connect(path, factory=SQLiteLog)) as connection:
        connection.text_factory = bytearray
        try:
            return connection.execute("SELECT *, typeof(key) FROM stored_events ORDER BY entry").fetchall()
        except (sqlite3.Error, UnicodeDecodeError):  # what SQLite complains of may be no text either
            return None
