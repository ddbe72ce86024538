"""Proofs that stand alone: that an entry is in a signed checkpoint, and that one checkpoint grew out of another."""

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from salesledger.errors import BadFile, BadValue, DamagedLedger, NoSeal, NotProved
from salesledger.ledger.checkpoint import Checkpoint, PublicKey, parsed
from salesledger.ledger.leaves import NotStored, StoredTree, row_hash
from salesledger.ledger.merkle import consistency_proof, inclusion_proof, range_root, shows_consistency, shows_inclusion
from salesledger.ledger.place import Where
from salesledger.ledger.raw import COLUMNS
from salesledger.ledger.seal import Keys, Seal, has_seals, keys_of, last_seal, snapshot

FORMAT = "salesledger-proof/1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNSEALED = "Seal it first: 'salesledger seal'."


def prove(path: Where, entry: int | None, *, since: str | None = None) -> dict[str, Any]:
    """Make a proof from a ledger.

    Args:
        path: the ledger.
        entry: the entry that is to be shown to be in the last seal; None for none.
        since: the text of the checkpoint out of which that seal is to be shown to have grown; None for none.

    Returns:
        What a proof file holds.

    Raises:
        BadValue: neither is given, or the checkpoint is none.
        NoSeal: the ledger isn't sealed up to there.
        NotProved: the log isn't what the checkpoint, or the seal, covers.
    """
    if entry is None and since is None:
        raise BadValue("A proof needs an entry, or a checkpoint to begin with (--since). Nothing was proved.")
    old = None if since is None else parsed(Checkpoint.parse, since, "checkpoint")
    with snapshot(path) as connection:
        keys, last = keys_of(connection), last_seal(connection)
        if last is None:
            raise NoSeal(f"The ledger has no seal yet, so nothing can be proved. {_UNSEALED}")
        tree = StoredTree(connection, has_blocks=has_seals(connection))
        found = _beginning(keys, last, old)
        try:
            checkpoint = Checkpoint.parse(last.note)
            if range_root(tree.node, 0, last.size) != checkpoint.root:
                raise NotProved("The log is not what its last seal covers. 'salesledger verify' says what has changed.")
            if entry is not None:
                found["inclusion"] = _inclusion(connection, tree, entry, last.size)
            if old is not None:
                found["consistency"] = _consistency(tree, old, str(since), last.size)
        except (ValueError, NotStored) as e:
            raise DamagedLedger(str(path), f"{e}; 'salesledger verify' says more") from e
    return found


def _beginning(keys: Keys, last: Seal, old: Checkpoint | None) -> dict[str, Any]:
    sizes = [last.size] if old is None else [last.size, old.size]
    named = dict.fromkeys(str(key) for key in map(keys.at, sizes) if key is not None)
    return {"format": FORMAT, "checkpoint": last.note, "public_keys": list(named)}


def _inclusion(connection: Any, tree: StoredTree, entry: int, size: int) -> dict[str, Any]:
    row = connection.execute(f"SELECT {COLUMNS} FROM stored_events WHERE entry = ?", (entry,)).fetchone()
    if row is None:
        raise NotProved(f"The ledger has no entry {entry}, so nothing can be proved of it.")
    if entry > size:
        raise NoSeal(f"Entry {entry} is not sealed yet: the last seal covers {size} entries. {_UNSEALED}")
    _, stream, version, topic, state, recorded_at, key = row
    return {
        "entry": entry,
        "originator_id": stream.decode(),
        "originator_version": version,
        "topic": topic.decode(),
        "state": base64.b64encode(state).decode(),
        "recorded_at": recorded_at,
        "key": None if key is None else key.decode(),
        "hashes": _texts(inclusion_proof(tree.node, entry - 1, size)),
    }


def _consistency(tree: StoredTree, old: Checkpoint, note: str, size: int) -> dict[str, Any]:
    if old.size > size:
        raise NotProved(
            f"The checkpoint covers {old.size} entries, the ledger's last seal only {size}: the ledger is older than it, or was "
            "cut off. 'salesledger verify --against' says more."
        )
    if old.size < 1 or range_root(tree.node, 0, old.size) != old.root:
        raise NotProved(
            f"The log did not grow out of that checkpoint: its first {old.size} entries are others now. "
            "'salesledger verify --against' says more."
        )
    return {"since": note, "hashes": _texts(consistency_proof(tree.node, old.size, size))}


def _texts(hashes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in hashes]


@dataclass(frozen=True)
class Proved:
    """What a proof shows.

    Attributes:
        size: how many entries its checkpoint covers.
        origin: which ledger.
        public_key: the key that signed.
        key_from: 'outside' where the key was given, 'proof' where the proof itself named it.
        entry: the entry that it shows; None where it shows none.
        stored: that entry's fields as they are stored; the state is the event's JSON.
        since: the size of the checkpoint out of which that one grew; None where it shows none.
        against: whether a checkpoint from outside was held against it.
    """

    size: int
    origin: str
    public_key: str
    key_from: str
    entry: int | None
    stored: Mapping[str, Any]
    since: int | None
    against: bool


def check(proof: Any, *, public_keys: Sequence[str] = (), against: str | None = None) -> Proved:
    """Check a proof; no ledger is needed.

    Args:
        proof: what a proof file holds.
        public_keys: the keys that may have signed; where absent, those that the proof itself names.
        against: the text of a checkpoint that was kept outside: the proof must be about it.

    Raises:
        BadFile: it is no proof.
        BadValue: a key or a checkpoint that is none.
        NotProved: it doesn't prove what it says.
    """
    pinned = [parsed(PublicKey.parse, text, "public key") for text in public_keys]
    outside = None if against is None else parsed(Checkpoint.parse, against, "checkpoint")
    try:
        if proof["format"] != FORMAT:
            raise BadFile(
                f"A proof of the format {proof['format']!r} can't be read; this salesledger knows {FORMAT!r}."
            )
        named = [PublicKey.parse(text) for text in proof["public_keys"]]
        checkpoint = Checkpoint.parse(proof["checkpoint"])
        inclusion, consistency = proof.get("inclusion"), proof.get("consistency")
        key = _signer(checkpoint, pinned or named)
        stored = None if inclusion is None else _checked_inclusion(inclusion, checkpoint)
        since = None if consistency is None else _checked_consistency(consistency, checkpoint, pinned or named)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, struct.error) as e:
        raise BadFile(f"This is no proof that can be read: {_why(e)}. Nothing is proved.") from e
    if stored is None and since is None:
        raise BadFile("The file shows neither an entry nor a growth. Nothing is proved.")
    if outside is not None:
        _check_against(outside, checkpoint, since)
    return Proved(
        checkpoint.size,
        checkpoint.origin,
        str(key),
        "outside" if pinned else "proof",
        None if inclusion is None else inclusion["entry"],
        stored or {},
        None if since is None else since.size,
        outside is not None,
    )


def _why(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _signer(checkpoint: Checkpoint, keys: list[PublicKey]) -> PublicKey:
    key = checkpoint.signed_by(keys)
    if key is None:
        names = ", ".join(key.id.hex() for key in keys) or "none"
        raise NotProved(
            f"The checkpoint over {checkpoint.size} entries isn't signed by the key that it should be ({names}). Nothing is proved."
        )
    return key


def _checked_inclusion(told: Mapping[str, Any], checkpoint: Checkpoint) -> dict[str, Any]:
    entry, key = told["entry"], told["key"]
    state = base64.b64decode(told["state"], validate=True)
    row = (
        entry,
        bytearray(told["originator_id"].encode()),
        told["originator_version"],
        bytearray(told["topic"].encode()),
        state,
        told["recorded_at"],
        None if key is None else bytearray(key.encode()),
    )
    if type(entry) is not int or not shows_inclusion(
        row_hash(row), entry - 1, checkpoint.size, _hashes(told["hashes"]), checkpoint.root
    ):
        raise NotProved(
            f"The proof fails: this is not what entry {entry} of the checkpoint over {checkpoint.size} entries holds, or the "
            "hashes are not those that lead there. Nothing is proved."
        )
    names = ("originator_id", "originator_version", "topic", "recorded_at", "key")
    return {name: told[name] for name in names} | {"state": state.decode("utf-8", "replace")}


def _checked_consistency(told: Mapping[str, Any], checkpoint: Checkpoint, keys: list[PublicKey]) -> Checkpoint:
    old = Checkpoint.parse(told["since"])
    _signer(old, keys)
    if old.origin != checkpoint.origin:
        raise NotProved(
            f"The checkpoints are of two ledgers, {old.origin!r} and {checkpoint.origin!r}. Nothing is proved."
        )
    if not shows_consistency(old.size, checkpoint.size, old.root, checkpoint.root, _hashes(told["hashes"])):
        raise NotProved(
            f"The proof fails: nothing shows that the {checkpoint.size} entries begin with the {old.size} of the earlier "
            "checkpoint. Nothing is proved."
        )
    return old


def _check_against(outside: Checkpoint, checkpoint: Checkpoint, since: Checkpoint | None) -> None:
    """Make sure that the proof is about the checkpoint that was kept outside."""
    for one in (checkpoint, since):
        if one is not None and (one.origin, one.size) == (outside.origin, outside.size):
            if one.root == outside.root:
                return
            raise NotProved(
                f"The proof's checkpoint over {one.size} entries has another root than the one that was given: there are two "
                "histories of this ledger. Keep both files."
            )
    raise NotProved(
        f"The proof says nothing about the checkpoint that was given ({outside.origin}, {outside.size} entries). Ask for one "
        "that does: 'salesledger prove ENTRY --since CHECKPOINT'."
    )


def _hashes(texts: Sequence[str]) -> list[bytes]:
    return [base64.b64decode(text, validate=True) for text in texts]


def read_file(text: str) -> Any:
    """What a proof file holds.

    Raises:
        BadFile: it is no JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as e:
        raise BadFile(
            "This is no proof: the file holds no JSON. 'salesledger prove -o FILE' writes one. Nothing is proved."
        ) from e


def _instant(micros: int) -> str:
    try:
        return (_EPOCH + timedelta(microseconds=micros)).isoformat(timespec="seconds").replace("+00:00", "Z")
    except OverflowError:
        return f"{micros} microseconds after 1970"


def sentences(proved: Proved) -> list[str]:
    """What is proved, in plain words."""
    said = []
    if proved.entry is not None:
        said += [
            f"Proved: entry {proved.entry} of {proved.origin} is, byte by byte, what was sealed with {proved.size} entries.",
            f"It is event {proved.stored['originator_version']} of {proved.stored['originator_id']}, {proved.stored['topic']}, "
            f"recorded {_instant(proved.stored['recorded_at'])}:",
            proved.stored["state"],
            "This shows that it was recorded, not that it still stands. Whether it was struck out since, the ledger says "
            f"('salesledger prove {proved.entry}', 'audit', 'history').",
        ]
    if proved.since is not None:
        said.append(
            f"Proved: the {proved.size} entries of {proved.origin} begin with the {proved.since} entries of the earlier "
            "checkpoint, unchanged and in the same order."
        )
    if proved.against:
        said.append("The checkpoint that you gave is the one that this is about.")
    said.append(f"Signed by {proved.public_key}.")
    if proved.key_from == "proof":
        said.append(
            "The key was taken from the proof itself, which shows nothing about who signed. Give the key that you know with "
            "--public-key."
        )
    return said
