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

import getpass
import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from salesledger.errors import AmbiguousId, BadValue, NotFound, Refused
from salesledger.readmodel.reader import Reader, to_path

if TYPE_CHECKING:
    from salesledger.ledger.batch import Batch, Outcome, Proposal
    from salesledger.ledger.seal import Seal
    from salesledger.ledger.store import Store
    from salesledger.ledger.verdict import Verdict

__all__ = ["Ledger", "to_path"]

COUNTER = "counter"
"""The process of sales over the counter, where a ledger has one."""


class Ledger(Reader):
    """A ledger: record events, ask about any past date.

    Use `Ledger.open` or `Ledger.create`; use it as a context manager, or close it.

    Args:
        path: the ledger's file.
        actor: short id of who records; `$SALESLEDGER_ACTOR` or the login name where absent.
        options: `today` and `progress`, see `Reader`.
    """

    def __init__(self, path: Path, *, actor: str | None = None, **options: Any) -> None:
        super().__init__(path, **options)
        self._actor = actor
        self._store: Store | None = None
        self._known_currency: str | None = None

    @classmethod
    def create(
        cls,
        url: str | os.PathLike[str],
        *,
        timezone: str = "UTC",
        currency: str | None = None,
        sealed: bool = False,
        **options: Any,
    ) -> Self:
        """Make a ledger.

        Args:
            url: the file that is to be made.
            timezone: the IANA zone in which its days begin and end; it never changes.
            currency: ISO code of its amounts; absent, the first amount decides.
            sealed: whether to make a key that seals it from its first entry on; `seal` can do so later.
            options: see the class.

        Raises:
            LedgerExists: there is a file already.
            BadValue: no such zone, or no currency code.
            NoSeal: the key can't be made.
        """
        from salesledger.domain.settings import to_timezone
        from salesledger.domain.values import to_currency
        from salesledger.ledger.sealing import first_key, seal_again
        from salesledger.ledger.store import Store
        from salesledger.readmodel.engine import check_zone

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
                ledger.path, timezone=timezone, currency=currency, recorded_by=ledger.actor, seal_key=seal_key
            )
        if sealed:
            seal_again(ledger.path)
        return ledger

    def close(self) -> None:
        """Let go of the file."""
        if self._store is not None:
            self._store.close()
        self._store = None
        super().close()

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
            currency=self._currency(),
            key=key,
            dated=on is not None,
        )

    def record_all(self, groups: Sequence[Sequence[Proposal]], *, dry_run: bool = False) -> list[list[Outcome]]:
        """Record several proposals in one append: all of them or none."""
        return self.store.record(groups, dry_run=dry_run)

    def refer(
        self,
        referrer: str,
        company: str,
        /,
        *,
        deal: str | None = None,
        on: str | date | datetime | None = None,
        actor: str | None = None,
        key: str | None = None,
        dry_run: bool = False,
        **fields: Any,
    ) -> list[Outcome]:
        """Record that an account referred a company: a new lead that knows its referrer, and the referral on the account.

        The fields are those of a 'lead-captured'; see `record` for the rest.
        """
        from salesledger.ledger.proposals import propose_referral

        when, who = self._when(on, key), self.actor if actor is None else actor
        given = {"source": "referral"} | {name: value for name, value in fields.items() if value is not None}
        lead = self.proposal(
            "lead-captured", deal=deal, on=when, actor=who, key=key, company=company, referred_by=referrer, **given
        )
        lead = replace(lead, dated=on is not None)
        return self.record_all([propose_referral(lead, referrer, effective_at=when, recorded_by=who)], dry_run=dry_run)[
            0
        ]

    def sell(
        self,
        company: str,
        /,
        *,
        deal: str | None = None,
        on: str | date | datetime | None = None,
        actor: str | None = None,
        key: str | None = None,
        dry_run: bool = False,
        list_amount: str | Decimal | None = None,
        terms: str | None = None,
        find_account: bool = False,
        subscribe: bool = True,
        notes: list[str] | None = None,
        **fields: Any,
    ) -> list[Outcome]:
        """Record a sale over the counter: a lead that is captured and won at once, in one append.

        A recurring part starts a subscription of the account, in the same append.

        Args:
            company: who bought.
            list_amount: what the list asks.
            terms: the terms of the sale.
            find_account: whether it is one of the account of exactly that name, where one alone is open by then and none is given.
            subscribe: whether a recurring part starts a subscription.
            notes: filled with why it started none, where it didn't.
            fields: those of a 'lead-captured'; see `record` for the rest. Without a process it follows `counter`, where the
                ledger has one, else the ledger's first.

        Raises:
            BadValue: no amount, or a value that an event can't hold.
        """
        from salesledger.domain.deal_events import Money
        from salesledger.ledger.proposals import propose_sale
        from salesledger.ledger.selling import UNNAMED, with_subscription

        given = {name: value for name, value in fields.items() if value is not None}
        price = {name: given[name] for name in Money.model_fields if name in given} | {
            "list_amount": list_amount,
            "terms": terms,
        }
        if not {"amount", "recurring_amount"} & set(price):
            raise BadValue("A sale needs its amount. Nothing was recorded.")
        if "process" not in given and COUNTER in self.store.processes().names():
            given["process"] = COUNTER
        when, who = self._when(on, key), self.actor if actor is None else actor
        if find_account and "account" not in given:
            known = self.store.keyed(key) if key else None
            named = (
                self.store.accounts_called(company, when) if known is None else [getattr(known.event, "account", None)]
            )
            given |= {"account": named[0]} if len(named) == 1 and named[0] else {}
        lead = self.proposal("lead-captured", deal=deal, on=when, actor=who, key=key, company=company, **given)
        sale = propose_sale(
            replace(lead, dated=on is not None),
            price | {"effective_at": when, "recorded_by": who},
            currency=self._currency(),
        )
        if not subscribe or "recurring_amount" not in price:
            return self.record_all([sale], dry_run=dry_run)[0]
        note = ""

        def group(batch: Batch) -> Sequence[Proposal]:
            nonlocal note
            whole, note = with_subscription(batch, sale)
            return whole

        outcomes = self.store.record([group], dry_run=dry_run)[0]
        if note and notes is not None:
            notes.append(note.replace(UNNAMED, outcomes[0].stream.partition(":")[2]))
        return outcomes

    def open_account(
        self,
        company: str,
        /,
        *,
        account: str | None = None,
        deals: Sequence[str] = (),
        on: str | date | datetime | None = None,
        actor: str | None = None,
        key: str | None = None,
        dry_run: bool = False,
        **fields: Any,
    ) -> list[Outcome]:
        """Record that a company became an account, and which deals belong to it.

        Args:
            company: its name.
            account: its id; made from the name where absent.
            deals: ids of deals, which name the account from then on.
            on: when; see `record`, also for the rest.
            actor: who records.
            key: idempotency key.
            dry_run: decide only, record nothing.
            fields: the event's own fields.
        """
        from salesledger.ledger.proposals import propose_opening

        when, who = self._when(on, key), self.actor if actor is None else actor
        opening = self.proposal(
            "account-opened", account=account, on=when, actor=who, key=key, company=company, **fields
        )
        opening = replace(opening, dated=on is not None)
        group = propose_opening(opening, deals, effective_at=when, recorded_by=who)
        return self.record_all([group], dry_run=dry_run)[0]

    def add_person(
        self,
        name: str,
        /,
        *,
        account: str | None = None,
        role: str | None = None,
        on: str | date | datetime | None = None,
        actor: str | None = None,
        key: str | None = None,
        dry_run: bool = False,
        **fields: Any,
    ) -> list[Outcome]:
        """Record a person, under an id that says nothing about them, and whose contact they are.

        Args:
            name: the person's name.
            account: the id of the account whose contact the person is, where there is one.
            role: the part that they play there, such as 'champion'.
            on: see `record`, as the others.
            actor: who records.
            key: idempotency key.
            dry_run: decide only, record nothing.
            fields: email, phone, position, remark.
        """
        from salesledger.ledger.proposals import propose_person

        if role is not None and account is None:
            raise BadValue("A role is played at an account; give the account too. Nothing was recorded.")
        adding = self.proposal("person-added", on=self._when(on, key), actor=actor, key=key, name=name, **fields)
        adding = replace(adding, dated=on is not None)
        group = [adding] if account is None else propose_person(adding, account, role)
        return self.record_all([group], dry_run=dry_run)[0]

    def find_person(self, text: str) -> str:
        """The id of the person that somebody means: by the id or its beginning, else by the name or a part of it.

        Raises:
            NotFound: there is nobody like that. The message doesn't repeat the text, which may be a name.
            AmbiguousId: there are several; the message has their ids.
        """
        found = self._ids("person", text.strip()) if text.strip() else []
        if not found:
            from salesledger.readmodel.persons import named

            found = named(self.engine, text.strip())
        if len(found) == 1:
            return found[0]
        if found:
            raise AmbiguousId("person", "That", found)
        raise NotFound("There is no person of that id or name. 'salesledger person list' lists them.")

    def open_case(
        self, account: str, kind: str, /, *, case: str | None = None, key: str | None = None, **fields: Any
    ) -> Outcome:
        """Record that a client needs service.

        Args:
            account: the account's id.
            kind: such as 'broken-equipment', for which the client's profile may have a suggestion.
            case: the case's id; made from the kind where absent, with a number where the account has had that one.
            key: idempotency key.
            fields: see `record`.
        """
        case_id = case or self._case_id(account, kind, key)
        return self.record("case-opened", account=account, kind=kind, case_id=case_id, key=key, **fields)

    def _case_id(self, account: str, kind: str, key: str | None) -> str:
        from salesledger.domain.account import CaseOpened
        from salesledger.domain.values import free_id

        before = self.store.keyed(key) if key else None
        if before and isinstance(before.event, CaseOpened):
            return before.event.case_id  # the same key means the same case
        records = self.store.records(f"account:{account}")
        return free_id(kind, {r.event.case_id for r in records if isinstance(r.event, CaseOpened)})

    def win(
        self,
        deal: str,
        /,
        *,
        on: str | date | datetime | None = None,
        actor: str | None = None,
        key: str | None = None,
        dry_run: bool = False,
        **fields: Any,
    ) -> tuple[list[Outcome], str]:
        """Record that a deal is won, together with what that does to the subscriptions of its account.

        A deal with a recurring part starts a subscription; one that grew from a subscription as its renewal renews that, as
        an upsell adds to its price.

        Args:
            deal: the deal's id.
            on: see `record`, as the others.
            actor: who records.
            key: idempotency key.
            dry_run: decide only, record nothing.
            fields: those of a 'deal-won'.

        Returns:
            The outcomes, and why the win alone was recorded where one would expect more ('' where there is no reason to).
        """
        from salesledger.ledger.selling import sale_of

        when = self._when(on, key)
        won = replace(
            self.proposal("deal-won", deal=deal, on=when, actor=actor, key=key, **fields), dated=on is not None
        )
        note = ""

        def group(batch: Batch) -> Sequence[Proposal]:
            nonlocal note
            sale = sale_of(batch, won, f"{key}/subscription" if key else None)
            note = sale.note
            return sale.proposals

        return self.store.record([group], dry_run=dry_run)[0], note

    def subscribe(
        self,
        account: str,
        /,
        *,
        subscription: str | None = None,
        on: str | date | datetime | None = None,
        actor: str | None = None,
        key: str | None = None,
        dry_run: bool = False,
        **fields: Any,
    ) -> Outcome:
        """Record that an account began to pay regularly.

        Args:
            account: the account's id.
            subscription: its id; where absent, one is made from the product, else from the deal.
            on: see `record`, as the others.
            actor: who records.
            key: idempotency key.
            dry_run: decide only, record nothing.
            fields: those of a 'subscription-started'.
        """
        from salesledger.domain.account import SubscriptionStarted
        from salesledger.ledger.selling import new_id

        when = self._when(on, key)

        def group(batch: Batch) -> Sequence[Proposal]:
            known = batch.store.keyed(key) if key else None
            name = subscription
            if name is None and known is not None and isinstance(known.event, SubscriptionStarted):
                name = known.event.subscription
            name = name or new_id(batch, account, fields.get("product") or fields.get("deal") or "subscription")
            made = self.proposal(
                "subscription-started", account=account, on=when, actor=actor, key=key, subscription=name, **fields
            )
            return [replace(made, dated=on is not None)]

        return self.store.record([group], dry_run=dry_run)[0][0]

    def find_subscription(self, account: str, text: str) -> str:
        """The id of a subscription of an account that a person means: exact, or the only one that starts so.

        Raises:
            NotFound: none does.
            AmbiguousId: several do.
        """
        from salesledger.domain.account import SubscriptionStarted
        from salesledger.domain.timeline import standing

        events = [record.event for record in standing(self.store.records(f"account:{account}"))]
        names = list(dict.fromkeys(e.subscription for e in events if isinstance(e, SubscriptionStarted)))
        found = [name for name in names if name == text] or [n for n in names if text and n.startswith(text)]
        if len(found) == 1:
            return found[0]
        if found:
            raise AmbiguousId("subscription", text, found)
        raise NotFound(
            f"The account {account!r} has no subscription {text!r}; it has: {', '.join(names) or 'none yet'}."
        )

    def interval_of(self, account: str, subscription: str, on: str | date | datetime | None = None) -> int | None:
        """The months between two payments of a subscription on a date; None where it has no price then."""
        from salesledger.domain.timeline import standing
        from salesledger.ledger.selling import price_of

        moment = self.moment(on, end_of_day=True)
        price = price_of(standing(self.store.records(f"account:{account}"), as_of=moment), subscription)
        return None if price is None else price.interval_months

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

    @property
    def has_recorded(self) -> bool:
        """Whether anything was recorded since this was opened."""
        return self._store is not None and self._store.appended > 0

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

    def _currency(self) -> str | None:
        self._known_currency = self._known_currency or self.store.settings().currency
        return self._known_currency
