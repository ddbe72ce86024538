"""Sealing: the root of the tree over the log, signed, and kept in the ledger's own file.

A seal reads what is not sealed yet, and of the rest a few hundred hashes. It signs only what grew out of the last seal: where
what that one covered has changed, nothing is signed. See docs/decisions/0005-seals.md.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from salesledger.errors import DamagedLedger, NoSeal
from salesledger.ledger.checkpoint import Checkpoint, PrivateKey, PublicKey, origin_of, signed
from salesledger.ledger.format import SETTINGS_STREAM, translated
from salesledger.ledger.leaves import NotStored, StoredTree, reading
from salesledger.ledger.log import Log
from salesledger.ledger.merkle import range_root
from salesledger.ledger.place import Where, connect_to_read, place_of

KEY_TOPICS = ("ledger-opened/1", "seal-key-set/1")
"""The events that say which key seals from then on."""


@dataclass(frozen=True)
class Seal:
    """A signed checkpoint of the log.

    Attributes:
        size: how many entries it covers.
        note: its text.
    """

    size: int
    note: str


@dataclass(frozen=True)
class Keys:
    """Which key sealed when, as the log itself says.

    Attributes:
        ledger_id: the ledger's id.
        since: (entry, key): the key that seals from that entry on, in order.
    """

    ledger_id: str
    since: tuple[tuple[int, PublicKey], ...]

    @property
    def origin(self) -> str:
        """What the ledger's checkpoints begin with."""
        return origin_of(self.ledger_id)

    @property
    def current(self) -> PublicKey | None:
        """The key that seals now."""
        return self.since[-1][1] if self.since else None

    def at(self, size: int) -> PublicKey | None:
        """The key that sealed a ledger of so many entries."""
        found = [key for entry, key in self.since if entry <= size]
        return found[-1] if found else None


@contextmanager
def snapshot(path: Where) -> Iterator[Log]:
    """One moment of a ledger, open for reading.

    Raises:
        NoLedger, NotALedger, NewerLedger, LockedLedger, DamagedLedger: as their names say.
    """
    connection = connect_to_read(path)
    try:
        with translated(path):
            reading(connection).begin()
            yield connection
    finally:
        connection.close()


def has_seals(connection: Log) -> bool:
    """Whether the tables of seals are there."""
    return connection.seal_tables() == 2


def length(connection: Log) -> int:
    """The last entry of the log."""
    (last,) = connection.execute("SELECT max(entry) FROM stored_events").fetchone()
    return int(last or 0)


def keys_of(connection: Log) -> Keys:
    """The ledger's id and its seal keys, as its settings say.

    Raises:
        NoSeal: they can't be read.
    """
    rows = connection.execute(
        "SELECT entry, topic, state FROM stored_events WHERE originator_id = ? ORDER BY entry", (SETTINGS_STREAM,)
    )
    found = [(entry, state) for entry, topic, state in rows if bytes(topic).decode("utf-8", "replace") in KEY_TOPICS]
    return read_keys(found)


def read_keys(settings: list[tuple[int, bytes]]) -> Keys:
    """The ledger's id and its seal keys, from the entries of `KEY_TOPICS`.

    Raises:
        NoSeal: they can't be read.
    """
    ledger_id, since = "", []
    for entry, state in settings:
        try:
            told = json.loads(state)
            ledger_id = ledger_id or str(told.get("ledger_id", ""))
            if told.get("seal_key"):
                since.append((entry, PublicKey.parse(told["seal_key"])))
        except (ValueError, AttributeError, TypeError) as e:
            raise NoSeal(f"Entry {entry} should say which key seals, and can't be read: {e}.") from e
    return Keys(ledger_id, tuple(since))


def last_seal(connection: Log) -> Seal | None:
    """The last seal that the ledger keeps."""
    if not has_seals(connection):
        return None
    row = connection.execute("SELECT size, note FROM seal_checkpoints ORDER BY size DESC LIMIT 1").fetchone()
    return Seal(row[0], bytes(row[1]).decode("utf-8", "replace")) if row else None


def seal(path: Where, key: PrivateKey) -> Seal:
    """Seal the log as it is: sign the root over all its entries, and keep that in the ledger.

    Args:
        path: the ledger.
        key: the private key; the log must name it.

    Returns:
        The seal; the last one where nothing was recorded since.

    Raises:
        NoSeal: the key isn't the one that the log names, or what is sealed has changed.
        ReadOnlyLedger, LockedLedger, DamagedLedger: as their names say.
    """
    with snapshot(path) as connection:
        keys, last, size = keys_of(connection), last_seal(connection), length(connection)
        if keys.current is None or keys.current.raw != key.public.raw:
            raise NoSeal(
                f"The key at hand ({key.public.id.hex()}) is not the one that the ledger names "
                f"({keys.current.id.hex() if keys.current else 'none'}). Put the right one in its place, from whoever has it. "
                "Only where that is lost, take a new one with 'salesledger seal --new-key': everybody who seals needs that one "
                "then. Nothing was sealed."
            )
        if last is not None and last.size == size:
            return last
        tree = StoredTree(connection, has_blocks=has_seals(connection))
        try:
            _check_growth(tree, last, size)
            made = Seal(size, signed(keys.origin, size, range_root(tree.node, 0, size), key))
            blocks = list(tree.unstored(size))
        except NotStored as e:
            raise DamagedLedger(str(path), str(e)) from e
    place_of(path).keep_seal(made.size, made.note, blocks)
    return made


def _check_growth(tree: StoredTree, last: Seal | None, size: int) -> None:
    """Make sure that the log still begins with what was sealed last.

    Raises:
        NoSeal: it doesn't.
    """
    if last is None:
        return
    try:
        grew = last.size <= size and Checkpoint.parse(last.note).root == range_root(tree.node, 0, last.size)
    except ValueError:
        grew = False
    if not grew:
        raise NoSeal(
            f"What the last seal covers ({last.size} entries) is not what the log holds now, so nothing was sealed. "
            "'salesledger verify' says what has changed."
        )
