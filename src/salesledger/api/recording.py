"""A ledger that can be recorded in: any event, one or many; mistakes struck out and put right."""

from __future__ import annotations

import getpass
import os
import warnings
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from salesledger.errors import Refused, SalesledgerError
from salesledger.readmodel.reader import Reader

if TYPE_CHECKING:
    from salesledger.ledger.batch import Batch, Outcome, Proposal
    from salesledger.ledger.place import Where
    from salesledger.ledger.seal import Seal
    from salesledger.ledger.store import Store


class Recording(Reader):
    """A ledger, open for recording and for questions.

    Args:
        path: the ledger's file.
        actor: short id of who records; `$SALESLEDGER_ACTOR` or the login name where absent.
        seals: whether closing seals what was recorded, as each command does, where the key is at hand.
        options: `today` and `progress`, see `Reader`.
    """

    def __init__(self, path: Where, *, actor: str | None = None, seals: bool = True, **options: Any) -> None:
        super().__init__(path, **options)
        self._actor = actor
        self._seals = seals
        self._sealed = 0
        self._store: Store | None = None
        self._known_currency: str | None = None

    def close(self) -> None:
        """Seal what was recorded, and let go of the file; that it can't be sealed is a warning, as it is recorded."""
        try:
            if self._seals:
                self.seal_recorded()
        except (SalesledgerError, OSError) as e:
            warnings.warn(f"recorded, but not sealed: {e}", stacklevel=2)
        finally:
            if self._store is not None:
                self._store.close()
            self._store, self._sealed = None, 0
            super().close()

    def seal_recorded(self) -> Seal | None:
        """Seal what was recorded since this was opened, or since it was called before.

        Returns:
            The seal; None where nothing was recorded, where the ledger names no key, or where that is not at hand.

        Raises:
            NoSeal: the key can't be read, is another one, or what is sealed has changed.
        """
        appended = self._store.appended if self._store is not None else 0
        if appended == self._sealed:
            return None
        from salesledger.ledger.sealing import seal_again

        self._sealed = appended
        return seal_again(self.path)

    def runs_ahead(self) -> datetime | None:
        """How what was recorded is stamped, where that is more than a day ahead of this machine's clock; None where it isn't.

        The log's stamps never go back: an entry before was stamped by a clock that was wrong, or this machine's is behind.
        """
        return self._store.runs_ahead() if self._store is not None else None

    @property
    def actor(self) -> str:
        """Who records, where nobody else is named."""
        name = self._actor or os.environ.get("SALESLEDGER_ACTOR")
        if name:
            return name
        try:
            login = getpass.getuser()
        except (OSError, KeyError):
            login = "unknown"
        from salesledger.domain.values import slug

        return slug(login)

    @property
    def store(self) -> Store:
        """The part that records."""
        if self._store is None:
            from salesledger.ledger.store import Store

            self._store = Store.open(self.path)
        return self._store

    def record(
        self,
        type: str,
        /,
        *,
        deal: str | None = None,
        account: str | None = None,
        process: str | None = None,
        person: str | None = None,
        on: str | date | datetime | None = None,
        known_at: datetime | None = None,
        actor: str | None = None,
        key: str | None = None,
        dry_run: bool = False,
        **fields: Any,
    ) -> Outcome:
        """Record one event.

        Args:
            type: what happened, such as 'deal-won'.
            deal: whose stream it belongs to; for a 'lead-captured' or a 'lead-touched' without one, an id is made from the
                company's name.
            account: for an event of an account, its id; for an event of a deal, the deal's account.
            process: for 'process-defined', the process; for an event of a deal, its process.
            person: for an event of a person, their id (made where a 'person-added' has none); for a contact, who it is.
            on: when it happened; now where absent. A date means its start in the ledger's zone; today, without a key, means now.
            known_at: when the organisation knew it; when it is recorded where absent.
            actor: who records.
            key: idempotency key.
            dry_run: decide only, record nothing.
            fields: the event's own fields.

        Raises:
            BadValue, BadDate: a value that the event can't hold.
            Refused, NotFound, KeyReused, Conflict: the ledger says no.
        """
        proposal = self.proposal(
            type,
            deal=deal,
            account=account,
            process=process,
            person=person,
            on=on,
            known_at=known_at,
            actor=actor,
            key=key,
            **fields,
        )
        return self.record_all([[proposal]], dry_run=dry_run)[0][0]

    def proposal(
        self,
        type: str,
        /,
        *,
        deal: str | None = None,
        account: str | None = None,
        process: str | None = None,
        person: str | None = None,
        on: str | date | datetime | None = None,
        known_at: datetime | None = None,
        actor: str | None = None,
        key: str | None = None,
        **fields: Any,
    ) -> Proposal:
        """What `record` would record, for recording it together with others through `record_all`."""
        from salesledger.ledger.proposals import propose_event

        envelope = {
            "effective_at": self._when(on, key),
            "known_at": known_at,
            "recorded_by": self.actor if actor is None else actor,
        }
        return propose_event(
            type,
            {"deal": deal, "account": account, "process": process, "person": person},
            fields | envelope,
            currency=self._currency_of(deal, fields),
            key=key,
            dated=on is not None,
        )

    def record_all(self, groups: Sequence[Sequence[Proposal]], *, dry_run: bool = False) -> list[list[Outcome]]:
        """Record several proposals in one append: all of them or none."""
        return self.store.record(groups, dry_run=dry_run)

    def void(
        self, entry: int, reason: str, *, actor: str | None = None, key: str | None = None, dry_run: bool = False
    ) -> Outcome:
        """Strike out an entry; where the entry is itself a void, take that strike back.

        Raises:
            NotFound: there is no such entry.
            Refused: what follows depends on it, or it is struck out already.
        """
        from salesledger.ledger.proposals import propose_void

        who = self.actor if actor is None else actor
        proposal = propose_void(self.store.entry(entry), reason, recorded_by=who, key=key)
        return self.record_all([[proposal]], dry_run=dry_run)[0][0]

    def void_win(
        self, entry: int, reason: str, *, actor: str | None = None, key: str | None = None, dry_run: bool = False
    ) -> list[Outcome]:
        """Strike out a win together with what it did to subscriptions, in one append; any other entry by itself.

        Raises:
            NotFound, Refused: see `void`.
        """
        from salesledger.ledger.dependants import sold_with
        from salesledger.ledger.proposals import propose_void

        who = self.actor if actor is None else actor
        win = self.store.entry(entry)

        def group(batch: Batch) -> Sequence[Proposal]:
            return [
                propose_void(each, reason, recorded_by=who, key=f"{key}/{each.entry}" if key and each != win else key)
                for each in [*sold_with(batch, win), win]
            ]

        return self.store.record([group], dry_run=dry_run)[0]

    def running_because_of(self, deal: str) -> list[tuple[str, str]]:
        """The subscriptions that a deal started and that run on: account and id of each."""
        from salesledger.domain.account import SubscriptionStarted
        from salesledger.domain.decide import fold
        from salesledger.domain.timeline import standing

        found = []
        for stream in sorted(self.store.named_by_accounts().get(("deal", deal), ())):
            timeline = standing(self.store.records(stream))
            running = fold(stream, timeline).subscriptions
            events = [r.event for r in timeline if isinstance(r.event, SubscriptionStarted)]
            mine = [e.subscription for e in events if e.deal == deal and running.get(e.subscription)]
            found += [(stream.partition(":")[2], name) for name in mine]
        return found

    def correct(
        self,
        entry: int,
        reason: str,
        changes: Mapping[str, Any],
        *,
        on: str | date | datetime | None = None,
        actor: str | None = None,
        key: str | None = None,
        dry_run: bool = False,
    ) -> Outcome:
        """Strike out an entry and put it right in the same append; what isn't changed stays, its place in time too.

        Args:
            entry: the entry that is wrong.
            reason: why.
            changes: the fields that were wrong, with what is right; None takes a field away.
            on: the right date, where that was wrong.

        Raises:
            BadValue, NotFound, Refused: nothing was recorded.
        """
        from salesledger.ledger.proposals import propose_correction

        right = dict(changes) if on is None else {**changes, "effective_at": self._when(on, key)}
        who = self.actor if actor is None else actor
        proposal = propose_correction(
            self.store.entry(entry), reason, right, recorded_by=who, currency=self._currency(), key=key
        )
        return self.record_all([[proposal]], dry_run=dry_run)[0][0]

    def _when(self, on: str | date | datetime | None, key: str | None) -> datetime:
        """When an event happened. Today means now: its start would lie before what was recorded this morning.

        Not so with a key: the same words must give the same event tomorrow.
        """
        moment = self.moment(on if on is not None else self._today, end_of_day=False)
        if moment is None:
            return self.store.present()
        is_day = not isinstance(on, datetime) and ":" not in str(on)
        if on is not None and self._today is None and is_day and moment > self.store.present():
            told = moment.astimezone(self.zone).date()
            raise Refused(f"{told} lies in the future; an event records what has happened. Nothing was recorded.")
        if self._today is None and key is None and is_day and moment == self.moment(self.today, end_of_day=False):
            return self.store.present()
        return moment

    def _currency_of(self, deal: str | None, fields: Mapping[str, Any]) -> str | None:
        """What an amount is in that names no currency: that of its deal, where it has one, else the ledger's."""
        from salesledger.domain.decide import fold
        from salesledger.domain.timeline import standing
        from salesledger.ledger.intake import MONEY

        if deal is not None and "currency" not in fields and any(fields.get(name) is not None for name in MONEY):
            stream = f"deal:{deal}"
            held: str | None = fold(stream, standing(self.store.records(stream))).currency
            return held or self._currency()
        return self._currency()

    def _currency(self) -> str | None:
        self._known_currency = self._known_currency or self.store.settings().currency
        return self._known_currency
