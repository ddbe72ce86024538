"""Power failures: at any moment, what was not yet on the disk is there, not there, or there in part.

A session of the real recorder runs on a recorded disk. Then, for each of many moments of it, the files are laid out as a disk
might hold them after a power failure: everything that was synced before, and of what was written to a file since its last sync each
write whole, not at all, or some of its sectors. The ledger is opened from that, read and recorded to.
"""

import random
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from faults.common import is_sound
from faults.recorded_disk import NAME, Acknowledged, Operation, RecordedDisk, Sync, Truncate, Write
from salesledger.errors import SalesledgerError
from salesledger.ledger import sqlite_place
from salesledger.ledger.format import uri
from salesledger.ledger.sqlite_recorder import _Pool
from salesledger.ledger.store import Store
from support.happenings import captured, contacted
from support.ledgers import new_ledger, record, rows

SECTOR = 512
"""Bytes that a disk writes whole or not at all."""


@dataclass
class Session:
    """What a ledger went through.

    Attributes:
        beginning: the ledger's file before it.
        operations: what happened on the disk, and what was acknowledged.
        log: every entry, as the file held it at the end.
        ends: the entries with which commands end.
    """

    beginning: bytes
    operations: list[Operation]
    log: list[tuple[object, ...]]
    ends: set[int]


def session(folder: Path, commands: int, synchronous: str, seed: int) -> Session | None:
    """Record commands of one to three events, one after the other; None where the disk can't be recorded."""
    disk = RecordedDisk.registered()
    if disk is None:
        return None
    path = new_ledger(folder / "sales.ledger")
    beginning, draw, ends = path.read_bytes(), random.Random(seed), {len(rows(path))}
    connect = _Pool._create_connection

    def connected(self: _Pool) -> object:
        connection = connect(self)
        if synchronous != "FULL":
            connection._sqlite_conn.execute(f"PRAGMA synchronous = {synchronous}")
        return connection

    with pytest.MonkeyPatch.context() as patch:
        vfs = f"&vfs={NAME.decode()}"
        patch.setattr(sqlite_place, "uri", lambda path, how: uri(path, f"{how}{vfs}" if how == "mode=rw" else how))
        patch.setattr(_Pool, "_create_connection", connected)
        with Store.open(path) as store:
            for number in range(commands):
                wishes = [captured(1, company="x" * draw.randrange(1, 200)), contacted(2), contacted(3)]
                recorded = record(store, f"deal:d{number}", *wishes[: draw.randrange(1, 4)])
                disk.operations.append(Acknowledged(recorded[-1].entry))
                ends.add(recorded[-1].entry)
            operations = list(disk.operations)
            log = rows(path)
    return Session(beginning, operations, log, ends)


@dataclass
class Disk:
    """What is on the disk for certain, and what may be.

    Attributes:
        files: the bytes of each file that were synced.
        pending: what was done to each file since.
        acknowledged: the last entry of which the program was told that it is on record.
    """

    files: dict[str, bytearray]
    pending: dict[str, list[Write | Truncate]] = field(default_factory=dict)
    acknowledged: int = 0

    def go_on(self, operation: Operation) -> None:
        """Take the next operation of the session into account."""
        if isinstance(operation, Acknowledged):
            self.acknowledged = operation.entry
        elif isinstance(operation, Sync):
            content = self.files.setdefault(operation.file, bytearray())
            for done in self.pending.pop(operation.file, []):
                _apply(content, done)
        else:
            self.pending.setdefault(operation.file, []).append(operation)

    def after_failure(self, draw: random.Random) -> Iterator[tuple[str, bytearray]]:
        """A state in which the files may be found after a power failure now."""
        survives = draw.choice((0.0, 0.5, 0.9, 1.0))
        for name in {*self.files, *self.pending}:
            content = bytearray(self.files.get(name, b""))
            for done in self.pending.get(name, []):
                if draw.random() < survives:
                    _apply(content, done)
                elif isinstance(done, Write) and draw.random() < 0.5:
                    for start in range(0, len(done.data), SECTOR):
                        if draw.random() < 0.5:
                            _apply(content, Write(name, done.offset + start, done.data[start : start + SECTOR]))
            yield name, content


def _apply(content: bytearray, done: Write | Truncate) -> None:
    if isinstance(done, Truncate):
        del content[done.size :]
        content.extend(bytes(done.size - len(content)))
        return
    content.extend(bytes(max(0, done.offset - len(content))))
    content[done.offset : done.offset + len(done.data)] = done.data


def run(count: int, *, commands: int = 700, synchronous: str = "FULL", seed: int = 1) -> dict[str, int] | None:
    """Fail at so many moments of a session, evenly drawn.

    Args:
        count: how many moments.
        commands: how many commands the session has; some hundreds make a checkpoint, when the write-ahead log is folded in.
        synchronous: SQLite's setting; the recorder's own is FULL.
        seed: of what is drawn.

    Returns:
        How many moments there were, at how many an acknowledged entry was lost, a command was there in part, the ledger could not
        be read or not be recorded to; and checkpoints, the times that the write-ahead log was folded into the file.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        told = session(folder, commands, synchronous, seed)
        if told is None:
            return None
        draw = random.Random(seed)
        moments = sorted(draw.choices(range(len(told.operations) + 1), k=count))
        disk, done = Disk({"sales.ledger": bytearray(told.beginning)}), 0
        figures = dict.fromkeys(("moments", "lost", "torn", "unusable"), 0) | {"checkpoints": _checkpoints(told)}
        for moment in moments:
            for operation in told.operations[done:moment]:
                disk.go_on(operation)
            done = moment
            figures["moments"] += 1
            if found := _found(folder, disk, told, draw):
                figures[found] += 1
    return figures


def _checkpoints(told: Session) -> int:
    return sum(operation == Sync("sales.ledger") for operation in told.operations)


def _found(folder: Path, disk: Disk, told: Session, draw: random.Random) -> str | None:
    """What is wrong with a ledger after a power failure, if anything."""
    path = folder / "found" / "sales.ledger"
    path.parent.mkdir(exist_ok=True)
    for file in path.parent.iterdir():
        file.unlink()
    for name, content in disk.after_failure(draw):
        path.with_name(name).write_bytes(content)
    try:
        with Store.open(path) as store:
            found = rows(path)
            record(store, "deal:after", captured(1), contacted(2))
        sound = is_sound(path) and found == told.log[: len(found)] == rows(path)[:-2]
    except (SalesledgerError, sqlite3.Error):
        sound = False
    if not sound:
        return "unusable"
    if len(found) not in told.ends:
        return "torn"
    return "lost" if len(found) < disk.acknowledged else None
