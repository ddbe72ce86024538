"""Steps of selling that are more than one event, or need an id made: sales, wins, referrals, clients, persons, cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from salesledger.api.recording import Recording
from salesledger.errors import NOTHING_RECORDED, AmbiguousId, BadValue, NotFound, Refused

if TYPE_CHECKING:
    from salesledger.ledger.batch import Batch, Outcome, Proposal

COUNTER = "counter"
"""The process of sales over the counter, where a ledger has one."""


class Steps(Recording):
    """What happens in selling, as people say it."""

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

    def find_person(self, text: str, *, exact: bool = False) -> str:
        """The id of the person that somebody means: by the id or its beginning, else by the name or a part of it.

        Args:
            text: what was typed.
            exact: only the whole id or the whole name will do, for what can't be undone.

        Raises:
            NotFound: there is nobody like that. The message doesn't repeat the text, which may be a name.
            AmbiguousId: there are several; the message has their ids.
            Refused: only a part was given where it must be exact; the message has the ids of those that it fits.
        """
        from salesledger.readmodel.persons import bearing, named

        given = text.strip()
        found = self._ids("person", given) if given else []
        if exact and found != [given]:
            whole = bearing(self.engine, given)
            _refuse_a_part([] if whole else found or named(self.engine, given))
            found = whole
        found = found or named(self.engine, given)
        if len(found) == 1:
            return found[0]
        if found:
            raise AmbiguousId("person", None, found)
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
        return self._find_of_account(account, "subscription", "subscription-started", "subscription", text)

    def find_case(self, account: str, text: str) -> str:
        """The id of a service case of an account that a person means: the only one that starts so, else the text as it is.

        Raises:
            AmbiguousId: several do.
        """
        try:
            return self._find_of_account(account, "case", "case-opened", "case_id", text)
        except AmbiguousId:
            raise
        except NotFound:
            return text  # when it is recorded, the message says which there are on that day

    def _find_of_account(self, account: str, kind: str, type_name: str, field: str, text: str) -> str:
        from salesledger.domain.timeline import standing

        events = [record.event for record in standing(self.store.records(f"account:{account}"))]
        names = list(dict.fromkeys(str(getattr(e, field)) for e in events if e.type_name() == type_name))
        found = [name for name in names if name == text] or [n for n in names if text and n.startswith(text)]
        if len(found) == 1:
            return found[0]
        if found:
            raise AmbiguousId(kind, text, found)
        raise NotFound(f"The account {account!r} has no {kind} {text!r}; it has: {', '.join(names) or 'none yet'}.")

    def interval_of(self, account: str, subscription: str, on: str | date | datetime | None = None) -> int | None:
        """The months between two payments of a subscription on a date; None where it has no price then."""
        from salesledger.domain.timeline import standing
        from salesledger.ledger.selling import price_of

        moment = self.moment(on, end_of_day=True)
        price = price_of(standing(self.store.records(f"account:{account}"), as_of=moment), subscription)
        return None if price is None else price.interval_months


def _refuse_a_part(fitting: list[str]) -> None:
    if fitting:
        raise Refused(
            "This can't be undone, so it needs the whole id of the person, or the whole name. What was given is the beginning or a "
            f"part of: {', '.join(fitting[:5])}{', ...' if len(fitting) > 5 else ''}. "
            f"'salesledger person show ID' says who that is. Nobody was forgotten. {NOTHING_RECORDED}"
        )
