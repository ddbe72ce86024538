"""From the log's rows to the tree's leaves: which bytes of an entry a seal covers, and the hashes of 256 of them at a time."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from struct import Struct
from typing import Any

from salesledger.ledger.log import Log
from salesledger.ledger.merkle import complete
from salesledger.ledger.raw import COLUMNS

FAN = 256
"""How many leaves make a block, and how many blocks of a level make one of the next."""

HEIGHT = 8
"""The height of a block's subtree."""


Row = Sequence[Any]
"""A row of `COLUMNS` on a connection whose text is bytearrays: so a text and a blob of the same bytes differ."""

_LENGTH = Struct(">Q").pack
_INTEGER = Struct(">q").pack


class NotStored(ValueError):
    """A row that no ledger writes: a column's type, or the row itself, is not what it must be."""


def reading(connection: Log) -> Log:
    """Have a connection give text as bytearrays, the bytes as they are stored."""
    connection.text_factory = bytearray
    return connection


def leaf_data(row: Row) -> bytes:
    """What a leaf is the hash of: the entry's stored bytes, without its place, which is the leaf's own.

    Texts and blobs stand behind their length, as 8 bytes; integers are 8 bytes; all big-endian. The key is 00, or 01 and the
    text. See docs/decisions/0005-seals.md.

    Raises:
        NotStored: a column holds what it can't hold.
    """
    entry, stream, version, topic, state, recorded_at, key = row
    if (
        type(stream) is not bytearray
        or type(topic) is not bytearray
        or type(state) is not bytes
        or type(version) is not int
        or type(recorded_at) is not int
        or not (key is None or type(key) is bytearray)
    ):
        raise NotStored(f"entry {entry} holds a value of the wrong type")
    return b"".join(
        (
            _LENGTH(len(stream)),
            stream,
            _INTEGER(version),
            _LENGTH(len(topic)),
            topic,
            _LENGTH(len(state)),
            state,
            _INTEGER(recorded_at),
            b"\x00" if key is None else b"\x01" + _LENGTH(len(key)) + key,
        )
    )


def row_hash(row: Row) -> bytes:
    """The leaf's hash of a row."""
    return sha256(b"\x00" + leaf_data(row)).digest()


class StoredTree:
    """The tree over a ledger's log: its nodes from the stored blocks where they are, else from the entries.

    Args:
        connection: open on the ledger and `reading`; in a transaction, or what it gives may be of two moments.
        has_blocks: whether the table of blocks is there.
    """

    def __init__(self, connection: Log, *, has_blocks: bool) -> None:
        self._connection = connection
        self._has_blocks = has_blocks
        self._leaves: dict[int, list[bytes]] = {}
        self._blocks: dict[tuple[int, int], bytes] = {}
        self._loaded: set[tuple[int, int]] = set()

    def node(self, height: int, index: int) -> bytes:
        """The hash of a complete subtree; see `merkle.Node`.

        Raises:
            NotStored: entries that it needs are missing.
        """
        level, above = divmod(height, HEIGHT)
        if above == 0 and level > 0:
            return self.block(level, index)
        first, count = index << above, 1 << above
        if level == 0:
            leaves = self._leaves_of(first // FAN)[first % FAN : first % FAN + count]
            return _whole(leaves, count, first)
        return complete([self.block(level, number) for number in range(first, first + count)])

    def block(self, level: int, number: int) -> bytes:
        """The hash over 256, 65,536, ... entries."""
        self._load(level, number // FAN)
        found = self._blocks.get((level, number))
        if found is None:
            found = self._blocks[level, number] = self._computed(level, number)
        return found

    def _computed(self, level: int, number: int) -> bytes:
        if level == 1:
            return _whole(self._read_leaves(number), FAN, number * FAN)
        first = number * FAN
        return complete([self.block(level - 1, part) for part in range(first, first + FAN)])

    def _leaves_of(self, block: int) -> list[bytes]:
        if block not in self._leaves:
            self._leaves = {block: self._read_leaves(block)}  # the last one only: a scan would keep them all
        return self._leaves[block]

    def _read_leaves(self, block: int) -> list[bytes]:
        first = block * FAN
        rows = self._connection.execute(
            f"SELECT {COLUMNS} FROM stored_events WHERE entry > ? AND entry <= ? ORDER BY entry", (first, first + FAN)
        ).fetchall()
        if rows and rows[-1][0] != first + len(rows):
            raise NotStored(f"an entry between {first + 1} and {rows[-1][0]} is missing")
        return [row_hash(row) for row in rows]

    def _load(self, level: int, group: int) -> None:
        if not self._has_blocks or (level, group) in self._loaded:
            return
        self._loaded.add((level, group))
        for number, stored in self._connection.execute(
            "SELECT number, hash FROM seal_blocks WHERE level = ? AND number >= ? AND number < ?",
            (level, group * FAN, (group + 1) * FAN),
        ):
            self._blocks[level, number] = stored

    def unstored(self, size: int) -> Iterator[tuple[int, int, bytes]]:
        """The blocks of a tree of that size that are not stored yet: (level, number, hash)."""
        level, count = 1, size // FAN
        while count:
            for number in range(self._stored(level), count):
                yield level, number, self.block(level, number)
            level, count = level + 1, count // FAN

    def _stored(self, level: int) -> int:
        if not self._has_blocks:
            return 0
        (last,) = self._connection.execute("SELECT max(number) FROM seal_blocks WHERE level = ?", (level,)).fetchone()
        return 0 if last is None else int(last) + 1


def _whole(leaves: list[bytes], count: int, first: int) -> bytes:
    if len(leaves) != count:
        raise NotStored(f"an entry between {first + 1} and {first + count} is missing")
    return complete(leaves)
