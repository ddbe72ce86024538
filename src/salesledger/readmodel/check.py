"""The whole ledger checked: the log's invariants, and the mirror held against what decoding the log gives."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from salesledger.errors import NOTHING_RECORDED, DamagedLedger, SalesledgerError
from salesledger.ledger.check import check_log
from salesledger.ledger.check_keys import check_keys
from salesledger.ledger.findings import Finding
from salesledger.ledger.format import read_head
from salesledger.ledger.log import Log
from salesledger.ledger.place import Where, connect_to_read
from salesledger.readmodel.kept import is_kept
from salesledger.readmodel.mirror import BACKTESTS, Mirror, Progress, Range, segment_of

_REBUILD = "Delete the folder {folder!r}: the next report writes it anew from the log."
_DECODING = re.compile(r"[0-9a-f]{16}")
_DRAFT_SECONDS = 600
"""How old a draft may be that some process is still writing."""

_RESTORE = "Restore the last backup that can be read."
_LEFT_OVER = "Delete it: nothing reads it."


def check(path: Where, progress: Progress | None = None) -> Iterator[Finding]:
    """Everything in a ledger that is not as it should be; nothing where all is well.

    It reads only, and reads on past what is damaged.

    Args:
        path: the ledger's file.
        progress: told how many entries are checked, of how many.

    Raises:
        NoLedger, NotALedger, NewerLedger, LockedLedger: there is nothing that could be checked.
    """
    try:
        connection = connect_to_read(path)
    except DamagedLedger as e:
        yield Finding("file", str(e).removesuffix(f" {NOTHING_RECORDED}").removesuffix("."), _RESTORE)
        return
    try:
        connection.begin()
        sound = True
        for finding in check_log(connection, datetime.now(UTC), progress):
            sound = sound and finding.rule not in ("file", "content", "topic")
            yield finding
        if sound:
            yield from check_keys(path, connection)
            yield from check_mirror(path, connection)
    finally:
        connection.close()


def check_mirror(path: Where, log: Log) -> Iterator[Finding]:
    """What the mirror holds is what the log says, and beside its segments lies nothing."""
    with duckdb.connect(":memory:") as duck:
        duck.execute("SET TimeZone = 'UTC'")
        duck.execute("SET enable_progress_bar = false")
        try:
            mirror = Mirror(path, read_head(log, path), lambda: log, duck)
        except SalesledgerError as e:
            yield Finding("file", str(e).removesuffix("."), _RESTORE)
            return
        if not _is_open(mirror.folder):  # somebody else's: questions are answered from the log then
            return
        yield from _foreign(mirror)
        for file in sorted(mirror.folder.glob("*.parquet")):
            entries = segment_of(file)
            if entries is not None and file == mirror.file_of(entries):
                yield from _segment(mirror, file, entries)


def _is_open(folder: Path) -> bool:
    """Whether the mirror's folders, as far as they are there, may be looked into."""
    try:
        for part in (folder.parent, folder):
            if part.is_dir():
                next(part.iterdir(), None)
    except PermissionError:
        return False
    return True


def _foreign(mirror: Mirror) -> Iterator[Finding]:
    """Files that are no segments of this ledger's; those of another version of salesledger lie in folders of their own."""
    beside = sorted(mirror.folder.parent.iterdir()) if mirror.folder.parent.is_dir() else []
    for file in beside:
        if not (file.is_dir() and (file.name == BACKTESTS or _DECODING.fullmatch(file.name))):
            yield Finding("mirror", f"{str(file)!r} is no part of the mirror", _LEFT_OVER)
    for file in sorted(mirror.folder.iterdir()) if mirror.folder in beside else ():
        if _is_being_written(file):
            continue
        entries = segment_of(file)
        if is_kept(file):
            continue
        if entries is None:
            yield Finding("mirror", f"{str(file)!r} is no part of the mirror", _LEFT_OVER)
        elif entries[1] > mirror.head.last_entry:
            problem = f"the mirror holds entries up to {entries[1]}; the log ends with {mirror.head.last_entry}"
            yield Finding("mirror", problem, _REBUILD.format(folder=str(mirror.folder)), entries[1])
        elif file != mirror.file_of(entries):
            yield Finding(
                "mirror", f"{str(file)!r} is of another log, which had another entry {entries[1]}", _LEFT_OVER
            )


def _is_being_written(file: Path) -> bool:
    """Whether a file is a draft of a segment that some process may be writing just now."""
    try:
        return file.name.startswith(".") and time.time() - file.stat().st_mtime < _DRAFT_SECONDS
    except FileNotFoundError:
        return True


def _segment(mirror: Mirror, file: Path, entries: Range) -> Iterator[Finding]:
    remedy = _REBUILD.format(folder=str(mirror.folder))
    try:
        mirror.tail("log_segment", entries)
        held = f"SELECT * FROM read_parquet('{str(file).replace(chr(39), chr(39) * 2)}')"
        said = "SELECT * FROM log_segment"
        differing = mirror.duck.execute(
            f"SELECT min(entry), count(DISTINCT entry) FROM (({held} EXCEPT ALL {said}) UNION ALL ({said} EXCEPT ALL {held}))"
        ).fetchone()
    except (duckdb.Error, SalesledgerError) as e:
        if not file.exists():  # a bigger segment has just taken its place
            return
        problem = f"the segment {file.name!r} can't be read: {str(e).splitlines()[0]}"
        yield Finding("mirror", problem, remedy, entries[0] + 1)
        return
    if differing and differing[1]:
        more = f" and {differing[1] - 1} more" if differing[1] > 1 else ""
        problem = f"the segment {file.name!r} tells entry {differing[0]}{more} otherwise than the log"
        yield Finding("mirror", problem, remedy, differing[0])
