"""What a verification gives: everything that was checked, and everything that doesn't fit."""

from dataclasses import dataclass, field

RESTORE = "Restore the ledger from a backup made before, or compare the two to see what was changed."
"""The remedy where the log isn't what was sealed."""


@dataclass(frozen=True)
class Finding:
    """Something that doesn't fit.

    Attributes:
        rule: its kind: file, trigger, schema, missing, order, type, changed, block, checkpoint, signature, key, against or
            unsealed.
        problem: what, and where.
        remedy: what to do about it.
        first_entry: the first entry that it may be about; None where it is about none.
        last_entry: the last one.
    """

    rule: str
    problem: str
    remedy: str = RESTORE
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
