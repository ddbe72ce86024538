"""Copies of a ledger: made while others write to it, and compared with it entry by entry before they count."""

import re
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Generic, TypeVar

from salesledger.errors import DamagedLedger, NoLedger, SalesledgerError, StoreError, UsageError
from salesledger.ledger.backup_keys import KeyFiles, copy_keys
from salesledger.ledger.check import check_file
from salesledger.ledger.files import appearing
from salesledger.ledger.format import Head, read_head, translated
from salesledger.ledger.log import Log
from salesledger.ledger.place import Where, connect_to_read, place_of
from salesledger.ledger.raw import raw_entries
from salesledger.ledger.verify import verify

Of = TypeVar("Of", bound=Where)
"""A place of the kind that was asked for."""

_END_OF_TIME = datetime(9000, 1, 1, tzinfo=UTC)
"""A clock that was wrong once is no reason to have no backup."""


@dataclass(frozen=True)
class Copied(Generic[Of]):
    """What a copy of a ledger holds.

    Attributes:
        path: where it is.
        entries: how many entries it has, which is also the number of its last.
        sealed: how many of them the last seal covers.
        size: bytes of its file.
        keys: of how many persons the keys were copied with it.
    """

    path: Of
    ledger_id: str
    entries: int
    sealed: int
    size: int
    keys: int = 0


def back_up(ledger: Where, to: Path, *, keys: bool = False) -> Copied[Path]:
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
        _check_is_file(to)
        place_of(to).check_free("Name another file for the backup.")
        files = (KeyFiles.of_ledger(ledger), KeyFiles.of_backup(to)) if keys else None
        return _copy(ledger, to, "Name another file for the backup.", files)
    except SalesledgerError as e:
        raise e.also("No backup was made.") from e.__cause__


def restore(backup: Path, ledger: Of, *, keys: bool = False, roles: bool = False) -> Copied[Of]:
    """Make a ledger of a backup, which must be a sound ledger itself and stays as it is.

    The key that seals a ledger is in no backup. What was computed of a ledger that was at that place before, its mirror, is
    forgotten.

    Args:
        backup: the backup's file.
        ledger: the file that is to be made.
        keys: take over the keys of persons that lie beside the backup.
        roles: make the roles of its users, which only a ledger on a server has, and which are in no backup.

    Raises:
        NoLedger, NotALedger, NewerLedger, LockedLedger, DamagedLedger: of the backup.
        LedgerExists: there is a ledger at that place already, or what is left of one.
        LostKeys: the keys can't be copied.
        UsageError: there are no roles at such a place.
        StoreError: the ledger can't be written there, or there are no keys beside the backup.
    """
    try:
        _check_is_file(backup)
        place_of(ledger).check_free("Move it away first, or restore to another place with -f.")
        if not backup.exists():
            raise NoLedger(str(backup), "Name a file that 'salesledger backup' has made.")
        files = (KeyFiles.of_backup(backup), KeyFiles.of_ledger(ledger)) if keys else None
        if files and not files[0].keys.exists():
            raise StoreError(
                f"There are no keys of persons beside the backup: there is no file {str(files[0].keys)!r}. Put it there, "
                "or restore without --keys."
            )
        place_of(ledger).forget_mirror()
        return _copy(backup, ledger, "Choose another place with -f.", files, roles=roles)
    except SalesledgerError as e:
        raise e.also("No ledger was made.") from e.__cause__


def _check_is_file(backup: Path) -> None:
    """Refuse a server's address, which isn't repeated, as a password may be in it.

    Raises:
        UsageError: it is one.
    """
    if re.match(r"(?i)postgres(ql)?:/", str(backup)):
        raise UsageError("A backup is a file, never a ledger on a server: that one is named with -f.")


def _copy(
    source: Where, target: Of, remedy: str, keys: tuple[KeyFiles, KeyFiles] | None, *, roles: bool = False
) -> Copied[Of]:
    connection = connect_to_read(source)
    with closing(connection):
        with translated(source):
            connection.begin()  # all that follows sees one moment of the ledger
        head = _examine(connection, source)
        if keys:
            keys[1].check_free(keys[0])
        with ExitStack() as drafts:  # what is entered last appears first: the ledger when its keys are there
            draft = drafts.enter_context(place_of(target).making(remedy, roles=roles))
            draft.take(connection)
            with closing(draft.connect_to_read()) as written:
                _compare(connection, written, source)
            sealed = _verified(draft, source)
            size = draft.size()
            # Read after the ledger: whoever is on record in the copy has a key by now, unless forgotten.
            persons = copy_keys(connection, *keys, lambda p: drafts.enter_context(appearing(p))) if keys else 0
    return Copied(target, head.ledger_id, head.last_entry, sealed, size, persons)


def _compare(source: Log, copy: Log, place: Where) -> None:
    """Make sure that a copy is what it was copied from.

    Raises:
        DamagedLedger: it isn't; the disk, or something on the way to it, lies.
    """
    pairs = zip_longest(raw_entries(source), raw_entries(copy))
    if any(theirs != ours for theirs, ours in pairs):
        raise DamagedLedger(str(place), "what was read back from its copy is something else")


def _verified(copy: Where, place: Where) -> int:
    """How many entries of a copy, whose file is sound, are sealed; what was recorded since, and has no seal yet, is no fault.

    Raises:
        DamagedLedger: the file isn't sound, or a seal doesn't fit what it covers.
    """
    verdict = verify(copy)
    for finding in verdict.findings:
        if finding.rule != "unsealed":
            raise DamagedLedger(str(place), f"{finding.problem.rstrip('.')} ('salesledger verify' says more)")
    return verdict.sealed


def _examine(connection: Log, path: Where) -> Head:
    """Make sure that a file is sound; what its entries say is for `check` to judge, and worth keeping all the same.

    Raises:
        DamagedLedger: it isn't.
    """
    for finding in check_file(connection, _END_OF_TIME):
        raise DamagedLedger(str(path), finding.problem)
    return read_head(connection, path)
