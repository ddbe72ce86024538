"""One pass over the log for a verification: the tree over it, its blocks and roots, and entries that stand where none can."""

from collections.abc import Callable, Iterable, Sequence

from salesledger.ledger.format import SETTINGS_STREAM
from salesledger.ledger.leaves import FAN, HEIGHT, NotStored, Row, row_hash
from salesledger.ledger.log import Log
from salesledger.ledger.merkle import Frontier, complete
from salesledger.ledger.raw import COLUMNS
from salesledger.ledger.seal import KEY_TOPICS
from salesledger.ledger.verdict import Finding

_ROWS_AT_ONCE = 16 * FAN
_WIDEST_GAP = 10_000_000
_ABSENT = bytes(32)


class Scan:
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

    def run(self, connection: Log, progress: Callable[[int, int], None] | None) -> None:
        """Read everything."""
        (total,) = connection.execute("SELECT max(entry) FROM stored_events").fetchone()
        cursor = connection.stream(f"SELECT {COLUMNS} FROM stored_events ORDER BY entry")
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
