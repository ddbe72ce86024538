"""Copies of a ledger: made while others write to it, and compared with it entry by entry before they count."""

import sqlite3
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path

from salesledger.errors import DamagedLedger, LedgerExists, NoLedger, SalesledgerError, StoreError
from salesledger.ledger.backup_keys import KeyFiles, copy_keys
from salesledger.ledger.check import check_file
from salesledger.ledger.files import appearing
from salesledger.ledger.format import Head, check_format, connect_to_read, mirror_of, read_head, translated
from salesledger.ledger.raw import raw_entries
from salesledger.ledger.verify import verify

_END_OF_TIME = datetime(9000, 1, 1, tzinfo=UTC)
"""A clock that was wrong once is no reason to have no backup."""


@dataclass(frozen=True)
class Copied:
    """What a copy of a ledger holds.

    Attributes:
        entries: how many entries it has, which is also the number of its last.
        sealed: how many of them the last seal covers.
        size: bytes of its file.
        keys: of how many persons the keys were copied with it.
    """

    path: Path
    ledger_id: str
    entries: int
    sealed: int
    size: int
    keys: int = 0


def back_up(ledger: Path, to: Path, *, keys: bool = False) -> Copied:
    """Copy a ledger, as it is at this moment, to a file that isn't there yet.

    Others may go on writing meanwhile. The file is its owner's alone, and appears when all of it is on the disk and has been read
    back: it is a sound ledger, its seals hold, and each of its entries is byte for byte the one in the ledger.

    Args:
        ledger: the ledger.
        to: the backup's file.
        keys: copy the keys of persons as well, to files beside it; without them nobody can read in it what is kept of a person.

    Raises:
        NoLedger, NotALedger, NewerLedger, LockedLedger, DamagedLedger: of the ledger.
        LedgerExists: there is a file at the backup's place already.
        LostKeys: the keys can't be copied.
        StoreError: the backup can't be written there.
    """
    try:
        if _taken(to):
            raise LedgerExists(str(to), "Name another file for the backup.")
        files = (KeyFiles.of_ledger(ledger), KeyFiles.of_backup(to)) if keys else None
        return _copy(ledger, to, "Name another file for the backup.", files)
    except SalesledgerError as e:
        raise e.also("No backup was made.") from e.__cause__


def restore(backup: Path, ledger: Path, *, keys: bool = False) -> Copied:
    """Make a ledger of a backup, which must be a sound ledger itself and stays as it is.

    The key that seals a ledger is in no backup. What was computed of a ledger that was at that place before, its mirror, is
    forgotten.

    Args:
        backup: the backup's file.
        ledger: the file that is to be made.
        keys: take over the keys of persons that lie beside the backup.

    Raises:
        NoLedger, NotALedger, NewerLedger, LockedLedger, DamagedLedger: of the backup.
        LedgerExists: there is a ledger at that place already, or what is left of one.
        LostKeys: the keys can't be copied.
        StoreError: the ledger can't be written there, or there are no keys beside the backup.
    """
    try:
        # A write-ahead log that was left behind would be taken for the new ledger's.
        for place in (ledger, *(ledger.with_name(ledger.name + ending) for ending in ("-wal", "-journal"))):
            if _taken(place):
                raise LedgerExists(str(place), "Move it away first, or restore to another place with -f.")
        if not backup.exists():
            raise NoLedger(str(backup), "Name a file that 'salesledger backup' has made.")
        files = (KeyFiles.of_backup(backup), KeyFiles.of_ledger(ledger)) if keys else None
        if files and not files[0].keys.exists():
            raise StoreError(
                f"There are no keys of persons beside the backup: there is no file {str(files[0].keys)!r}. Put it there, "
                "or restore without --keys."
            )
        _forget_mirror(ledger)
        return _copy(backup, ledger, "Choose another place with -f.", files)
    except SalesledgerError as e:
        raise e.also("No ledger was made.") from e.__cause__


def _taken(place: Path) -> bool:
    return place.exists() or place.is_symlink()


def _copy(source: Path, target: Path, remedy: str, keys: tuple[KeyFiles, KeyFiles] | None) -> Copied:
    connection, _ = connect_to_read(source)
    with closing(connection):
        with translated(source):
            connection.execute("BEGIN")  # all that follows sees one moment of the ledger
        head = _examine(connection, source)
        if keys:
            keys[1].check_free(keys[0])
        try:
            with ExitStack() as drafts:  # what is entered last appears first: the ledger when its keys are there
                draft = drafts.enter_context(appearing(target))
                with closing(sqlite3.connect(draft, isolation_level=None)) as written:
                    connection.backup(written)
                    _compare(connection, written, source)
                sealed = _verified(draft, source)
                size = draft.stat().st_size
                # Read after the ledger: whoever is on record in the copy has a key by now, unless forgotten.
                persons = copy_keys(connection, *keys, lambda p: drafts.enter_context(appearing(p))) if keys else 0
        except FileExistsError:
            raise LedgerExists(str(target), remedy) from None
        except (OSError, sqlite3.Error) as e:
            why = e.strerror if isinstance(e, OSError) else e
            raise StoreError(f"{str(target)!r} can't be made: {why}. {remedy}") from e
    return Copied(target, head.ledger_id, head.last_entry, sealed, size, persons)


def _compare(source: sqlite3.Connection, copy: sqlite3.Connection, place: Path) -> None:
    """Make sure that a copy is what it was copied from.

    Raises:
        DamagedLedger: it isn't; the disk, or something on the way to it, lies.
    """
    check_format(copy, place)
    pairs = zip_longest(raw_entries(source), raw_entries(copy))
    if any(theirs != ours for theirs, ours in pairs):
        raise DamagedLedger(str(place), "what was read back from its copy is something else")


def _verified(copy: Path, place: Path) -> int:
    """How many entries of a copy, whose file is sound, are sealed; what was recorded since, and has no seal yet, is no fault.

    Raises:
        DamagedLedger: the file isn't sound, or a seal doesn't fit what it covers.
    """
    verdict = verify(copy)
    for finding in verdict.findings:
        if finding.rule != "unsealed":
            raise DamagedLedger(str(place), f"{finding.problem.rstrip('.')} ('salesledger verify' says more)")
    return verdict.sealed


def _examine(connection: sqlite3.Connection, path: Path) -> Head:
    """Make sure that a file is sound; what its entries say is for `check` to judge, and worth keeping all the same.

    Raises:
        DamagedLedger: it isn't.
    """
    for finding in check_file(connection, _END_OF_TIME):
        raise DamagedLedger(str(path), finding.problem)
    return read_head(connection, path)


def _forget_mirror(ledger: Path) -> None:
    """Delete the segments of a ledger that was here before: what is recorded from now on may differ from what they hold.

    Raises:
        StoreError: the folder can't be written.
    """
    try:
        for segment in mirror_of(ledger).glob("*/*.parquet"):
            segment.unlink()
    except OSError as e:
        raise StoreError(f"{str(e.filename)!r}, of the ledger that was here, can't be deleted: {e.strerror}.") from e
