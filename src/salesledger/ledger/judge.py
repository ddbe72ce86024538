"""Judging checkpoints: against the roots of the log as it is, and the keys of their time."""

from salesledger.ledger.checkpoint import Checkpoint, PublicKey
from salesledger.ledger.scan import Scan
from salesledger.ledger.seal import Keys
from salesledger.ledger.verdict import RESTORE, Finding


class Judge:
    """Holds checkpoints against the roots of the log and the keys of their time."""

    def __init__(self, scan: Scan, keys: Keys, pinned: list[PublicKey], found: list[Finding]) -> None:
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
            where = (
                f"among entries {held + 1} to {broken[0]} something" if broken[0] > held + 1 else f"entry {broken[0]}"
            )
            said = f"{seals} fit the log: {where} was changed, added or taken away."
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
                RESTORE,
                size,
            )
        elif self._root_of(checkpoint) != checkpoint.root:
            self._tell_outside(
                f"The log doesn't begin with what the checkpoint that was given covers: among its first {size} entries something "
                "was changed, added or taken away since, even if the ledger's own seals fit.",
                RESTORE,
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
