"""Verifying: read the whole log once, recompute every block and every checkpoint, and tell whatever doesn't fit.

No event is decoded and no topic looked up: what is checked are the stored bytes. It works on read-only ledgers.
"""

import base64
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from salesledger.errors import BadValue, NoSeal
from salesledger.ledger.checkpoint import Checkpoint, PublicKey
from salesledger.ledger.format import SETTINGS_STREAM, UNREADABLE, schema_of
from salesledger.ledger.leaves import COLUMNS, FAN, HEIGHT, NotStored, Row, row_hash
from salesledger.ledger.merkle import Frontier, complete
from salesledger.ledger.seal import KEY_TOPICS, Keys, has_seals, read_keys, snapshot

T = TypeVar("T")

_ROWS_AT_ONCE = 16 * FAN
_WIDEST_GAP = 10_000_000
_ABSENT = bytes(32)
_RESTORE = "Restore the ledger from a backup made before, or compare the two to see what was changed."


@dataclass(frozen=True)
class Finding:
    """Something that doesn't fit.

    Attributes:
        rule: its kind: file, trigger, missing, order, type, changed, block, checkpoint, signature, key, against or unsealed.
        problem: what, and where.
        remedy: what to do about it.
        first_entry: the first entry that it may be about; None where it is about none.
        last_entry: the last one.
    """

    rule: str
    problem: str
    remedy: str = _RESTORE
    first_entry: int | None = None
    last_entry: int | None = None


@dataclass
class Verdict:
    """What was checked, and what was found.

    Attributes:
        ledger_id: the ledger's id, '' where that can't be read.
        entries: the last entry of the log.
        sealed: how many entries the last seal covers that holds.
        checkpoints: how many seals the ledger keeps.
        blocks: how many hashes of blocks it keeps.
        against: how many checkpoints from outside fit.
        root: the root over all entries, as base64.
        public_key: the key that seals now.
        key_from: 'outside' where the keys were given, 'ledger' where the ledger itself named them.
        findings: everything that doesn't fit.
    """

    key_from: str
    ledger_id: str = ""
    entries: int = 0
    sealed: int = 0
    checkpoints: int = 0
    blocks: int = 0
    against: int = 0
    root: str = ""
    public_key: str | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify(
    path: Path,
    *,
    against: Sequence[str] = (),
    public_keys: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Verdict:
    """Read the whole log and recompute every seal.

    Args:
        path: the ledger.
        against: texts of checkpoints that were kept outside.
        public_keys: the keys that must have signed; where absent, those that the ledger itself names.
        progress: told of (entries read, entries in all).

    Raises:
        BadValue: a key or a checkpoint that is none.
        NoLedger, NotALedger, NewerLedger, LockedLedger, DamagedLedger: the file can't be read as a ledger at all.
    """
    pinned = [_given(PublicKey.parse, text, "public key") for text in public_keys]
    outside = [_given(Checkpoint.parse, text, "checkpoint") for text in against]
    verdict = Verdict("outside" if pinned else "ledger")
    found = verdict.findings
    with snapshot(path) as connection:
        _check_file(connection, found)
        seals = _Seals.read(connection, found)
        scan = _Scan(found, {seal.size for seal in (*seals.checkpoints, *outside)})
        try:
            scan.run(connection, progress)
        except UNREADABLE as e:
            behind = scan.entries + 1
            found.append(
                Finding("file", f"The log can't be read behind entry {scan.entries}: {e}.", first_entry=behind)
            )
    _compare_blocks(scan, seals, found)
    keys = _keys(scan, found)
    judge = _Judge(scan, keys, pinned, found)
    verdict.sealed = judge.checkpoints(seals.checkpoints)
    verdict.against = sum(judge.outside(one) for one in outside)
    verdict.ledger_id, verdict.entries = keys.ledger_id, scan.entries
    verdict.checkpoints, verdict.blocks = len(seals.checkpoints), len(seals.blocks)
    verdict.root = base64.b64encode(scan.tree.root()).decode()
    verdict.public_key = str(keys.current) if keys.current else None
    return verdict


def _given(parse: Callable[[str], T], text: str, what: str) -> T:
    try:
        return parse(text)
    except ValueError as e:
        raise BadValue(f"What was given as {what} is none: {e}. Nothing was verified.") from e


def _check_file(connection: sqlite3.Connection, found: list[Finding]) -> None:
    """SQLite's own check of the file, and whether what makes the log append-only is there."""
    try:
        for (line,) in connection.execute("PRAGMA quick_check(20)"):
            text = bytes(line).decode("utf-8", "replace")
            if text != "ok":
                found.append(Finding("file", f"SQLite finds damage: {text}."))
        there = {_squeezed(sql) for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
        (last,) = connection.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = 'stored_events'").fetchone()
        (end,) = connection.execute("SELECT max(entry) FROM stored_events").fetchone()
        schema = schema_of(connection)
    except UNREADABLE as e:
        found.append(Finding("file", f"The file is damaged: {e}."))
        return
    for statement in schema:
        if _squeezed(statement.encode()) not in there:
            kind, name = statement.split()[1:3]
            found.append(Finding("trigger", f"The {kind.lower()} {name} isn't there as 'init' makes it.", _TRIGGER))
    if isinstance(last, int) and last > (end or 0):
        found.append(
            Finding(
                "missing",
                f"The log ends with entry {end or 0}, but its last one had the number {last}: the end was cut off.",
                first_entry=(end or 0) + 1,
                last_entry=last,
            )
        )


_TRIGGER = (
    "Somebody changed the file's structure, and could then change entries. Look at the other findings; "
    "restore the ledger from a backup made before."
)


def _squeezed(sql: bytes) -> str:
    return " ".join(bytes(sql).decode("utf-8", "replace").split())


@dataclass
class _Seals:
    """The seals that the ledger keeps."""

    checkpoints: list[Checkpoint]
    blocks: dict[tuple[int, int], bytes]

    @classmethod
    def read(cls, connection: sqlite3.Connection, found: list[Finding]) -> "_Seals":
        try:
            if not has_seals(connection):
                if connection.execute("SELECT 1 FROM sqlite_master WHERE name LIKE 'seal%' LIMIT 1").fetchone():
                    found.append(Finding("block", "A part of the tables of seals is missing."))
                return cls([], {})
            notes = connection.execute("SELECT size, note FROM seal_checkpoints ORDER BY size").fetchall()
            rows = connection.execute("SELECT level, number, hash FROM seal_blocks").fetchall()
        except UNREADABLE as e:
            found.append(Finding("file", f"The seals can't be read: {e}."))
            return cls([], {})
        checkpoints = []
        for size, note in notes:
            try:
                checkpoint = Checkpoint.parse(bytes(note).decode())
                if checkpoint.size != size:
                    raise ValueError(f"it is of size {checkpoint.size}")
                checkpoints.append(checkpoint)
            except (ValueError, TypeError) as e:
                found.append(Finding("checkpoint", f"The seal at size {size} is no checkpoint: {e}.", last_entry=size))
        return cls(checkpoints, {(level, number): stored for level, number, stored in rows})


class _Scan:
    """One pass over the log.

    Attributes:
        entries: the last entry read.
        tree: the tree over all.
        blocks: the hashes of its complete blocks of 256.
        roots: the roots at the sizes that were asked for.
        settings: the entries that name keys.
    """

    def __init__(self, found: list[Finding], sizes: set[int]) -> None:
        self.entries = 0
        self.tree = Frontier()
        self.blocks: list[bytes] = []
        self.roots: dict[int, bytes] = {}
        self.settings: list[tuple[int, bytes]] = []
        self._found = found
        self._sizes = sorted((size for size in sizes if size > 0), reverse=True)
        self._leaves: list[bytes] = []
        self._recorded_at = 0

    def run(self, connection: sqlite3.Connection, progress: Callable[[int, int], None] | None) -> None:
        """Read everything."""
        (total,) = connection.execute("SELECT max(entry) FROM stored_events").fetchone()
        cursor = connection.execute(f"SELECT {COLUMNS} FROM stored_events ORDER BY entry")
        try:
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                if not self._take(rows):
                    break
                if progress is not None:
                    progress(min(self.entries, total), total)
        finally:
            self._finish()

    def _take(self, rows: Iterable[Row]) -> bool:
        expected, settings, leaves = self.entries + 1, SETTINGS_STREAM.encode(), self._leaves
        for row in rows:
            entry = row[0]
            if entry != expected:
                if not self._gap(expected, entry):
                    return False
                leaves, expected = self._leaves, entry
            try:
                leaves.append(row_hash(row))
                recorded_at = row[5]
                if recorded_at < self._recorded_at:
                    self._found.append(
                        Finding(
                            "order",
                            f"Entry {entry} bears an earlier stamp than the entry before it.",
                            first_entry=entry,
                            last_entry=entry,
                        )
                    )
                self._recorded_at = recorded_at
                if row[1] == settings and row[3].decode("utf-8", "replace") in KEY_TOPICS:
                    self.settings.append((entry, row[4]))
            except NotStored as e:
                leaves.append(_ABSENT)
                self._found.append(Finding("type", f"{str(e).capitalize()}.", first_entry=entry, last_entry=entry))
            self.entries, expected = entry, expected + 1
            if len(leaves) == FAN:
                self._close_block()
                leaves = self._leaves
        return True

    def _gap(self, expected: int, entry: int) -> bool:
        """Entries are missing: their places stay empty, so that what follows is still compared with its own seals."""
        if entry < expected:
            self._found.append(
                Finding("order", f"Entry {entry} stands behind entry {self.entries}.", first_entry=entry)
            )
            return False
        several = f"Entries {expected} to {entry - 1} are" if entry - 1 > expected else f"Entry {expected} is"
        self._found.append(Finding("missing", f"{several} missing.", first_entry=expected, last_entry=entry - 1))
        if entry - expected > _WIDEST_GAP:
            return False
        for _ in range(entry - expected):
            self._leaves.append(_ABSENT)
            self.entries += 1
            if len(self._leaves) == FAN:
                self._close_block()
        return True

    def _close_block(self) -> None:
        leaves, self._leaves = self._leaves, []
        block = complete(leaves)
        self.blocks.append(block)
        self._note_roots(leaves)
        self.tree.add(block, HEIGHT)

    def _finish(self) -> None:
        self._note_roots(self._leaves)
        for leaf in self._leaves:
            self.tree.add(leaf)
        self._leaves = []

    def _note_roots(self, leaves: Sequence[bytes]) -> None:
        """The roots at sizes within a block, which is not in the tree yet."""
        if not self._sizes or self._sizes[-1] > self.tree.size + len(leaves):
            return
        growing = self.tree.copy()
        for leaf in leaves:
            growing.add(leaf)
            if self._sizes and self._sizes[-1] == growing.size:
                self.roots[self._sizes.pop()] = growing.root()


def _compare_blocks(scan: _Scan, seals: _Seals, found: list[Finding]) -> None:
    """Hold the stored hashes of blocks against what the entries come to."""
    sealed = max((one.size for one in seals.checkpoints), default=0)
    hashes, level, span = scan.blocks, 1, FAN
    explained = False
    while True:
        stored = {number: value for (at, number), value in seals.blocks.items() if at == level}
        wanted = range(sealed // span)
        absent = [number for number in wanted if number not in stored]
        if absent:
            found.append(
                Finding(
                    "block",
                    f"{len(absent)} of the hashes over {span:,} entries are missing, the first of them over the entries from "
                    f"{absent[0] * span + 1} on.",
                )
            )
        wrong = [n for n, value in sorted(stored.items()) if n >= len(hashes) or value != hashes[n]]
        if wrong and not explained:
            _tell_blocks(level, span, wrong, scan.entries, found)
        explained = explained or bool(wrong)
        if not stored and not wanted:
            return
        hashes = [complete(hashes[n * FAN : (n + 1) * FAN]) for n in range(len(hashes) // FAN)]
        level, span = level + 1, span * FAN


def _tell_blocks(level: int, span: int, wrong: list[int], entries: int, found: list[Finding]) -> None:
    for _, run in groupby(enumerate(wrong), lambda pair: pair[1] - pair[0]):
        numbers = [number for _, number in run]
        first, last = numbers[0] * span + 1, (numbers[-1] + 1) * span
        which = f"block {numbers[0]}" if len(numbers) == 1 else f"blocks {numbers[0]} to {numbers[-1]}"
        if first > entries or last > entries:
            said = f"The log ends with entry {entries}, but entries up to {last} were sealed ({which})."
        elif level == 1:
            said = f"Among entries {first} to {last} something is not what was sealed ({which})."
        else:
            said = f"The stored hash over entries {first} to {last} is not that of its blocks."
        found.append(Finding("changed" if level == 1 else "block", said, first_entry=first, last_entry=last))


def _keys(scan: _Scan, found: list[Finding]) -> Keys:
    try:
        return read_keys(scan.settings)
    except NoSeal as e:
        found.append(Finding("key", str(e)))
        return Keys("", ())


class _Judge:
    """Holds checkpoints against the roots of the log and the keys of their time."""

    def __init__(self, scan: _Scan, keys: Keys, pinned: list[PublicKey], found: list[Finding]) -> None:
        self._scan, self._keys, self._pinned, self._found = scan, keys, pinned, found
        self._strangers: set[bytes] = set()

    def checkpoints(self, stored: list[Checkpoint]) -> int:
        """Judge the seals that the ledger keeps; give how many entries the last one covers that holds."""
        held, broken = 0, []
        for checkpoint in stored:
            if self._root_of(checkpoint) != checkpoint.root:
                broken.append(checkpoint.size)
            elif self._is_signed(checkpoint, f"The seal at size {checkpoint.size}") and not broken:
                held = checkpoint.size
        if broken:
            self._tell_broken(held, broken)
        if self._keys.current is not None and not stored:
            self._found.append(
                Finding(
                    "unsealed",
                    "The ledger names a seal key but keeps no seal: it was never sealed, or its seals were removed.",
                    "If you hold a checkpoint, verify against it. If not, 'salesledger seal' seals what is there now.",
                )
            )
        if self._pinned and self._keys.current is not None:
            self._is_known(self._keys.current)
        return held

    def _tell_broken(self, held: int, broken: list[int]) -> None:
        if broken[0] > self._scan.entries:
            said = f"A seal covers {broken[-1]} entries, but the log ends with entry {self._scan.entries}: the end was cut off."
        else:
            seals = (
                f"The seal at size {broken[0]} doesn't"
                if len(broken) == 1
                else f"The seals from size {broken[0]} on don't"
            )
            said = f"{seals} fit the log: among entries {held + 1} to {broken[0]} something was changed, added or taken away."
        self._found.append(Finding("checkpoint", said, first_entry=held + 1, last_entry=broken[0]))

    def outside(self, checkpoint: Checkpoint) -> bool:
        """Judge a checkpoint that was kept outside."""
        size, entries = checkpoint.size, self._scan.entries
        if self._keys.ledger_id and checkpoint.origin != self._keys.origin:
            self._tell_outside(
                f"The checkpoint that was given is one of {checkpoint.origin!r}, not of this ledger ({self._keys.origin!r}).",
                "Give one of this ledger. If it should be one, the ledger was exchanged for another.",
                None,
            )
        elif size > entries:
            self._tell_outside(
                f"The checkpoint that was given covers {size} entries, but the log ends with entry {entries}: the ledger was put "
                "back to an older copy, or its end was cut off.",
                _RESTORE,
                size,
            )
        elif self._root_of(checkpoint) != checkpoint.root:
            self._tell_outside(
                f"The log doesn't begin with what the checkpoint that was given covers: among its first {size} entries something "
                "was changed, added or taken away since, even if the ledger's own seals fit.",
                _RESTORE,
                size,
            )
        else:
            return self._is_signed(checkpoint, f"The checkpoint that was given (size {size})")
        return False

    def _tell_outside(self, said: str, remedy: str, size: int | None) -> None:
        self._found.append(Finding("against", said, remedy, first_entry=None if size is None else 1, last_entry=size))

    def _root_of(self, checkpoint: Checkpoint) -> bytes | None:
        return self._scan.tree.root() if checkpoint.size == 0 else self._scan.roots.get(checkpoint.size)

    def _is_signed(self, checkpoint: Checkpoint, which: str) -> bool:
        key = self._keys.at(checkpoint.size)
        if key is None:
            self._found.append(Finding("key", f"{which} can't be checked: the ledger names no key for it."))
            return False
        if not self._is_known(key):
            return False
        if checkpoint.origin != self._keys.origin or checkpoint.signed_by([key]) is None:
            self._found.append(
                Finding(
                    "signature",
                    f"{which} isn't signed by the key of its time ({key.id.hex()}).",
                    last_entry=checkpoint.size,
                )
            )
            return False
        return True

    def _is_known(self, key: PublicKey) -> bool:
        """Whether a key is one of those that were given, if any were."""
        if not self._pinned or key in self._pinned:
            return True
        if key.raw not in self._strangers:
            self._strangers.add(key.raw)
            self._found.append(
                Finding(
                    "key",
                    f"The ledger names the key {key}, which is none of those that were given.",
                    "If the key was changed on purpose, give the new one too (--public-key, once for each); "
                    "if not, somebody has sealed a rewritten ledger.",
                )
            )
        return False
