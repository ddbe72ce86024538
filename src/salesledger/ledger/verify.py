"""Verifying: read the whole log once, recompute every block and every checkpoint, and tell whatever doesn't fit.

No event is decoded and no topic looked up: what is checked are the stored bytes. It works on read-only ledgers.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from salesledger.errors import NoSeal
from salesledger.ledger.checkpoint import Checkpoint, PublicKey, parsed
from salesledger.ledger.format import UNREADABLE
from salesledger.ledger.judge import Judge
from salesledger.ledger.leaves import FAN
from salesledger.ledger.log import Log
from salesledger.ledger.merkle import complete
from salesledger.ledger.place import Where
from salesledger.ledger.scan import Scan
from salesledger.ledger.seal import Keys, has_seals, keys_of, read_keys, snapshot
from salesledger.ledger.verdict import Finding, Verdict


def verify(
    path: Where,
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
    pinned = [parsed(PublicKey.parse, text, "public key") for text in public_keys]
    outside = [parsed(Checkpoint.parse, text, "checkpoint") for text in against]
    verdict = Verdict("outside" if pinned else "ledger")
    found = verdict.findings
    with snapshot(path) as connection:
        _check_file(connection, found)
        seals = _Seals.read(connection, found)
        scan = _scanned(connection, {seal.size for seal in (*seals.checkpoints, *outside)}, found, progress)
    _compare_blocks(scan, seals, found)
    keys = _keys(scan, found)
    judge = Judge(scan, keys, pinned, found)
    verdict.sealed = judge.checkpoints(seals.checkpoints)
    verdict.against = sum(judge.outside(one) for one in outside)
    verdict.ledger_id, verdict.entries = keys.ledger_id, scan.entries
    verdict.checkpoints, verdict.blocks = len(seals.checkpoints), len(seals.blocks)
    verdict.root = base64.b64encode(scan.tree.root()).decode()
    verdict.public_key = str(keys.current) if keys.current else None
    return verdict


def held_against_seals(connection: Log, progress: Callable[[int, int], None] | None = None) -> list[Finding]:
    """What of the log doesn't fit the seals that the ledger keeps; nothing is read where it keeps none and names no key.

    Args:
        connection: open on the ledger and `reading`, in a transaction; of its file nothing else is checked.
        progress: told of (entries read, entries in all).

    Raises:
        sqlite3.Error: the file can't be read.
    """
    found: list[Finding] = []
    seals = _Seals.read(connection, found)
    if not (found or seals.checkpoints or seals.blocks or _names_key(connection)):
        return []
    scan = _scanned(connection, {seal.size for seal in seals.checkpoints}, found, progress)
    _compare_blocks(scan, seals, found)
    Judge(scan, _keys(scan, found), [], found).checkpoints(seals.checkpoints)
    return found


def _names_key(connection: Log) -> bool:
    try:
        return keys_of(connection).current is not None
    except NoSeal:
        return True


def _scanned(
    connection: Log,
    sizes: set[int],
    found: list[Finding],
    progress: Callable[[int, int], None] | None,
) -> Scan:
    scan = Scan(found, sizes)
    try:
        scan.run(connection, progress)
    except UNREADABLE as e:
        behind = scan.entries + 1
        found.append(Finding("file", f"The log can't be read behind entry {scan.entries}: {e}.", first_entry=behind))
    return scan


def _check_file(connection: Log, found: list[Finding]) -> None:
    """The database's own check of the file, whether what makes the log append-only is there, and nothing that isn't ours."""
    try:
        found += [Finding("file", f"{connection.server} finds damage: {line}.") for line in connection.damage(20)]
        last = connection.last_given()
        (end,) = connection.execute("SELECT max(entry) FROM stored_events").fetchone()
        altered, foreign, loosened = connection.altered(), connection.foreign(), connection.loosened()
    except UNREADABLE as e:
        found.append(Finding("file", f"The file is damaged: {e}."))
        return
    found += [
        Finding(
            "trigger",
            f"The {kind} {name} isn't there as 'init' makes it.",
            (kind != "table" and connection.mend) or _TRIGGER,
        )
        for kind, name, _ in altered
    ]
    found += [
        Finding(
            "schema",
            f"The {kind} {name!r} isn't salesledger's: it may keep entries out of the log.",
            _FOREIGN.format(tool=connection.tool),
        )
        for kind, name in foreign
    ]
    found += [Finding("schema", f"{problem[:1].upper()}{problem[1:]}.", remedy) for _, problem, remedy in loosened]
    if last is not None and last > (end or 0):
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
_FOREIGN = "Look at what it does, then take it away with {tool}, and run 'salesledger check'."


@dataclass
class _Seals:
    """The seals that the ledger keeps."""

    checkpoints: list[Checkpoint]
    blocks: dict[tuple[int, int], bytes]

    @classmethod
    def read(cls, connection: Log, found: list[Finding]) -> "_Seals":
        try:
            if not has_seals(connection):
                if connection.seal_tables():
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


def _compare_blocks(scan: Scan, seals: _Seals, found: list[Finding]) -> None:
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


def _keys(scan: Scan, found: list[Finding]) -> Keys:
    try:
        return read_keys(scan.settings)
    except NoSeal as e:
        found.append(Finding("key", str(e)))
        return Keys("", ())
