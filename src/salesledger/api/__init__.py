"""`Ledger`: the face for Python programs, and the one way in for the command line.

    >>> from salesledger import Ledger
    >>> with Ledger.create("sales.ledger", currency="EUR") as ledger:
    ...     outcome = ledger.record("lead-captured", company="ACME GmbH", source="referral", amount="5000")
    ...     rows = ledger.project("pipeline").select("stage, deals, amount, currency").fetchall()
    >>> outcome.stream
    'deal:acme-gmbh'
    >>> rows
    [('lead', 1, Decimal('5000.0000'), 'EUR')]

What records imports pydantic and eventsourcing, what asks imports DuckDB; each only when it is first needed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from salesledger.api.forecasting import Forecasting
from salesledger.errors import BadValue
from salesledger.ledger.place import Place
from salesledger.readmodel.reader import to_path

if TYPE_CHECKING:
    from salesledger.ledger.backup import Copied
    from salesledger.ledger.findings import Finding
    from salesledger.ledger.seal import Seal
    from salesledger.ledger.verdict import Verdict

__all__ = ["Ledger", "to_path"]


class Ledger(Forecasting):
    """A ledger: record events, ask about any past date, seal it and prove what it holds.

    Use `Ledger.open` or `Ledger.create`; use it as a context manager, or close it: closing seals what was recorded.

    Args:
        path: the ledger's file.
        actor: short id of who records; `$SALESLEDGER_ACTOR` or the login name where absent.
        seals: whether closing seals what was recorded, as each command does, where the key is at hand.
        options: `today` and `progress`, see `Reader`.
    """

    @classmethod
    def create(
        cls,
        url: str | os.PathLike[str] | Place,
        *,
        timezone: str = "UTC",
        currency: str | None = None,
        sealed: bool = False,
        roles: bool = False,
        **options: Any,
    ) -> Self:
        """Make a ledger.

        Args:
            url: the file, or the schema on a server, that is to be made.
            timezone: the IANA zone in which its days begin and end; it never changes.
            currency: ISO code of its amounts; absent, the first amount decides.
            sealed: whether to make a key that seals it from its first entry on; `seal` can do so later.
            roles: make the roles of its users, on a server.
            options: see the class.

        Raises:
            LedgerExists: there is something already.
            BadValue: no such zone, or no currency code.
            NoSeal: the key can't be made.
        """
        from salesledger.domain.settings import to_timezone
        from salesledger.domain.values import to_currency
        from salesledger.ledger.sealing import first_key, seal_again
        from salesledger.ledger.store import Store
        from salesledger.readmodel.duck import check_zone

        ledger = cls(to_path(url), **options)
        try:
            to_timezone(timezone)
            check_zone(timezone)
            if currency is not None:
                to_currency(currency)
        except ValueError as e:
            raise BadValue(f"{e}. No ledger was made.") from e
        with first_key(ledger.path) if sealed else nullcontext() as seal_key:
            ledger._store = Store.create(
                ledger.path,
                timezone=timezone,
                currency=currency,
                recorded_by=ledger.actor,
                seal_key=seal_key,
                roles=roles,
            )
        if sealed:
            seal_again(ledger.path)
        return ledger

    def seal(self, *, new_key: bool = False) -> Seal:
        """Sign the root of the tree over all entries, and keep that in the ledger; `note` of what it gives is the text.

        Where the ledger names no key yet, one is made beside it and put on record.

        Args:
            new_key: take a new key, and put that on record.

        Raises:
            NoSeal: the key isn't at hand, or what was sealed before has changed.
        """
        from salesledger.ledger.sealing import seal_now

        return seal_now(self.path, recorded_by=self.actor, new_key=new_key)[0]

    def verify(self, *, against: Sequence[str] = (), public_keys: Sequence[str] = ()) -> Verdict:
        """Read the whole log and recompute every seal.

        Args:
            against: texts of checkpoints that were kept outside.
            public_keys: the keys that must have signed; where absent, those that the ledger itself names.

        Returns:
            What was checked, and every finding; it is `ok` where there is none.

        Raises:
            BadValue: a key or a checkpoint that is none.
        """
        from salesledger.ledger.verify import verify

        return verify(self.path, against=against, public_keys=public_keys, progress=self._progress)

    def prove(self, entry: int | None = None, *, since: str | None = None) -> dict[str, Any]:
        """A proof that an entry is in the last seal, and that this grew out of an earlier checkpoint.

        Args:
            entry: the entry.
            since: the text of the checkpoint.

        Returns:
            What a proof file holds; `salesledger.ledger.proof.check` checks it.

        Raises:
            NoSeal: the entry isn't sealed yet.
            NotProved: the log didn't grow out of that checkpoint.
        """
        from salesledger.ledger.proof import prove

        return prove(self.path, entry, since=since)

    def check(self) -> list[Finding]:
        """Hold the log against what a ledger promises and against its seals, and the mirror against the log.

        Returns:
            Everything that is not as it should be, each with its rule, its entry and its remedy; nothing where all is well.
        """
        from salesledger.readmodel.check import check

        return list(check(self.path, self._progress))

    def backup(self, to: str | os.PathLike[str], *, keys: bool = False) -> Copied[Path]:
        """Copy the ledger to a file that isn't there yet, while others use it, and compare the copy with it entry by entry.

        Args:
            to: the backup's file.
            keys: copy the keys of persons as well, to files beside it.

        Returns:
            What the copy holds.

        Raises:
            LedgerExists: there is a file already.
            LostKeys: the keys can't be copied.
            DamagedLedger: the ledger isn't sound, or a seal doesn't fit.
            StoreError: the backup can't be written there.
        """
        from salesledger.ledger.backup import back_up

        return back_up(self.path, Path(to), keys=keys)
