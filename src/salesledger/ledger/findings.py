"""What a check finds: which rule doesn't hold, where, and what to do about it."""

from dataclasses import dataclass
from typing import Literal

RESTORE = "An entry is never changed by salesledger: restore the last backup in which this was right."
"""The remedy where something else than salesledger has written to the log."""


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        rule: the rule's short name, such as 'version'.
        problem: what is wrong, with the value.
        remedy: what to do about it.
        entry: the entry that it is about, where it is about one.
        stream: the stream of that.
        severity: 'error' where what the ledger promises does not hold; 'notice' where a rule of today would refuse what was
            recorded.
    """

    rule: str
    problem: str
    remedy: str
    entry: int | None = None
    stream: str | None = None
    severity: Literal["error", "notice"] = "error"
