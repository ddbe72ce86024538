"""The keys of persons in a backup: only where they are asked for, and never those of somebody who was forgotten."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from salesledger.errors import LedgerExists, LostKeys
from salesledger.ledger.format import lock_seconds, uri
from salesledger.ledger.keys import PersonKeys, forgotten, miss_nobody
from salesledger.ledger.log import Log
from salesledger.ledger.place import Where
from salesledger.ledger.raw import LIVING


@dataclass(frozen=True)
class KeyFiles:
    """Where keys lie.

    Attributes:
        keys: those of persons, each wrapped.
        master: the key that wraps them; None where it isn't in a file.
    """

    keys: Path
    master: Path | None

    @classmethod
    def of_ledger(cls, ledger: Where) -> Self:
        """Those of a ledger in use, as its variables say."""
        told = PersonKeys(ledger)
        return cls(told.path, None if told.in_keyring else told.master_path)

    @classmethod
    def of_backup(cls, backup: Path) -> Self:
        """Those of a backup: beside it."""
        return cls(backup.with_name(f"{backup.name}.keys"), backup.with_name(f"{backup.name}.master"))

    def check_free(self, source: Self) -> None:
        """Make sure that keys can be put here; the same master key may be here already.

        Raises:
            LedgerExists: other keys are.
        """
        taken = [self.keys] if self.keys.exists() else []
        if self.master and self.master.exists() and not _same(self.master, source.master):
            taken.append(self.master)
        for file in taken:
            raise LedgerExists(str(file), "Move it away first, or leave the keys out.")


def copy_keys(log: Log, source: KeyFiles, target: KeyFiles, draft: Callable[[Path], Path]) -> int:
    """Copy keys.

    Args:
        log: open on the ledger that is copied; whom it says to be forgotten has no key in the copy.
        source: where they are.
        target: where they go.
        draft: gives a draft of a file, which appears later.

    Returns:
        Of how many persons there are keys.

    Raises:
        LostKeys: they can't be read, or there are none though the ledger holds persons.
    """
    if not source.keys.exists():
        miss_nobody(source.keys, (person for (person,) in log.execute(LIVING)))
        return 0
    if source.master and not source.master.exists():
        raise LostKeys(str(source.keys), f"the master key ({str(source.master)!r}) is missing")
    try:
        count = _copy_file(source.keys, draft(target.keys), forgotten(log))
        if source.master and target.master and not target.master.exists():
            draft(target.master).write_bytes(source.master.read_bytes())
    except (sqlite3.Error, OSError) as e:
        raise LostKeys(str(source.keys), f"they can't be copied ({e})") from e
    return count


def _copy_file(source: Path, draft: Path, without: set[str]) -> int:
    with (
        closing(sqlite3.connect(uri(source, "mode=ro"), uri=True, timeout=lock_seconds())) as held,
        closing(sqlite3.connect(draft, isolation_level=None)) as copy,
    ):
        held.backup(copy)
        copy.execute("PRAGMA secure_delete = ON")
        if not copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'keys'").fetchone():
            return 0
        copy.execute(
            "DELETE FROM keys WHERE person IN (SELECT value FROM json_each(?))", (json.dumps(sorted(without)),)
        )
        (count,) = copy.execute("SELECT count(*) FROM keys").fetchone()
    return int(count)


def _same(one: Path, other: Path | None) -> bool:
    return other is not None and other.exists() and one.read_bytes() == other.read_bytes()
