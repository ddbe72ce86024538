"""Accounts: the companies that deals are made with, their subscriptions, service cases and profile, the referrals they give."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from salesledger.domain.clocks import day
from salesledger.domain.events import Entry, Event
from salesledger.domain.values import Amount, Count, Currency, Id, Months, Score, Text, Weight, slug

Suggestion = Literal["repair", "replace"]


class AccountOpened(Event):
    """A company became an account."""

    TOPIC = "account-opened/1"
    STREAM = "account"

    company: Text
    attributes: dict[Text, Text] | None = None


class ReferralAsked(Event):
    """Somebody asked the account for referrals: for names, or by handing out cards."""

    TOPIC = "referral-asked/1"
    STREAM = "account"

    names: Count | None = None
    cards: Count | None = None


class ReferralGiven(Event):
    """The account named somebody, and a lead came of it.

    Attributes:
        lead: the id of the deal that the referral started.
    """

    TOPIC = "referral-given/1"
    STREAM = "account"

    lead: Id


class ContactAdded(Event):
    """A person became a contact of the account; where they were one already, the role changed.

    Attributes:
        person: the person's id.
        role: the part that they play in buying, such as 'champion' or 'economic buyer'; never a name.
    """

    TOPIC = "contact-added/1"
    STREAM = "account"

    person: Id
    role: Text | None = None


class ContactRemoved(Event):
    """The person is no contact of the account any more."""

    TOPIC = "contact-removed/1"
    STREAM = "account"

    person: Id


class Price(BaseModel):
    """What a subscription costs: an amount every so many months."""

    recurring_amount: Amount | None = None
    interval_months: Months | None = None
    currency: Currency | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        parts = (self.recurring_amount, self.interval_months, self.currency)
        if any(part is not None for part in parts) and any(part is None for part in parts):
            raise ValueError("a recurring amount, its interval in months and its currency go together")
        return self


class SubscriptionStarted(Event, Price):
    """The account began to pay regularly.

    Attributes:
        subscription: its id, unique within the account.
        deal: the deal that it was sold with.
        term_months: months until it is to be renewed; it runs on until it is cancelled all the same.
    """

    TOPIC = "subscription-started/1"
    STREAM = "account"

    subscription: Id
    deal: Id | None = None
    product: Text | None = None
    term_months: Months | None = None


class SubscriptionRenewed(Event, Price):
    """The subscription goes on for another term, from the day of this event; a price that is given holds from then on."""

    TOPIC = "subscription-renewed/1"
    STREAM = "account"

    subscription: Id
    deal: Id | None = None
    term_months: Months | None = None


class SubscriptionChanged(Event, Price):
    """The subscription costs more or less from then on: an upsell or a downsell."""

    TOPIC = "subscription-changed/1"
    STREAM = "account"

    subscription: Id
    deal: Id | None = None
    reason: Text | None = None


class SubscriptionCancelled(Event):
    """The subscription ended; from then on nothing is paid."""

    TOPIC = "subscription-cancelled/1"
    STREAM = "account"

    subscription: Id
    reason: Text | None = None
    competitor: Text | None = None


class AccountNoted(Event):
    """Something was learned about what the client values; it takes the place of what was noted of the same preference before.

    Attributes:
        preference: what is valued, such as 'repair', 'uptime' or 'price'.
        weight: how much, from 0 (not at all) to 5.
        evidence: the entry of the ledger that shows it.
        note: in words, about the company, never about a person.
    """

    TOPIC = "account-noted/1"
    STREAM = "account"

    preference: Id
    weight: Weight
    evidence: Entry | None = Field(default=None, ge=1)
    note: Text | None = None


class CaseOpened(Event):
    """The client needs service.

    Attributes:
        case_id: the case's id, unique within the account.
        kind: such as 'question', 'complaint' or 'broken-equipment'.
        suggestion: what the profile suggests for broken equipment, as it stood then.
        suggestion_why: the preferences that say so.
    """

    TOPIC = "case-opened/1"
    STREAM = "account"
    COMPLETED = ("suggestion", "suggestion_why")

    case_id: Id
    kind: Text
    subject: Text | None = None
    product: Text | None = None
    suggestion: Suggestion | None = None
    suggestion_why: Text | None = None


class CaseResolved(Event):
    """The case is done.

    Attributes:
        resolution: what was done, such as 'repair' or 'replace'.
        followed: whether that is what the profile had suggested, where it had.
    """

    TOPIC = "case-resolved/1"
    STREAM = "account"
    COMPLETED = ("followed",)

    case_id: Id
    resolution: Text
    followed: bool | None = None


class SatisfactionNoted(Event):
    """The client said how likely it is to recommend us, from 0 to 10."""

    TOPIC = "satisfaction-noted/1"
    STREAM = "account"

    score: Score
    case_id: Id | None = None
    channel: Text | None = None


BROKEN = "broken-equipment"
"""The kind of case for which the profile has something to suggest."""

LEANS: dict[str, Suggestion] = {
    "repair": "repair",
    "price": "repair",
    "sustainability": "repair",
    "familiarity": "repair",
    "replace": "replace",
    "uptime": "replace",
    "speed": "replace",
    "newest-technology": "replace",
}
"""What a client that values something would rather have when equipment breaks."""


_DONE: dict[str, Suggestion] = {"repaired": "repair", "replaced": "replace", "replacement": "replace"}
"""Other words that a resolution may use for what was suggested."""


@dataclass(frozen=True)
class AccountState:
    """What is known of an account at a moment.

    Attributes:
        subscriptions: each subscription, and whether it runs.
        currencies: what each of them is paid in.
        contacts: the persons who are contacts.
        preferences: what the client values, and how much.
        cases: each case, and what was suggested for it; None where nothing was.
        resolved: the cases that are done.
    """

    company: str | None = None
    opened_at: datetime | None = None
    leads_referred: tuple[str, ...] = ()
    subscriptions: Mapping[str, bool] = field(default_factory=dict)
    currencies: Mapping[str, str | None] = field(default_factory=dict)
    contacts: frozenset[str] = frozenset()
    preferences: Mapping[str, int] = field(default_factory=dict)
    cases: Mapping[str, Suggestion | None] = field(default_factory=dict)
    resolved: frozenset[str] = frozenset()


def suggest(preferences: Mapping[str, int]) -> tuple[Suggestion, str] | None:
    """Whether the client would rather have broken equipment repaired or replaced, and why; None where nothing tells."""
    totals = {"repair": 0, "replace": 0}
    for name, weight in preferences.items():
        if name in LEANS:
            totals[LEANS[name]] += weight
    if totals["repair"] == totals["replace"]:
        return None
    choice: Suggestion = "repair" if totals["repair"] > totals["replace"] else "replace"
    named = sorted((n for n in preferences if n in LEANS and preferences[n]), key=lambda n: (-preferences[n], n))
    return choice, ", ".join(f"{name} {preferences[name]} ({LEANS[name]})" for name in named)


def complete(state: AccountState, event: Event) -> Event:
    """Fill in what the event leaves to the ledger: what the profile suggests, and whether it was followed."""
    if isinstance(event, CaseOpened) and slug(event.kind) == BROKEN and event.suggestion is None:
        told = suggest(state.preferences)
        return event.model_copy(update={"suggestion": told[0], "suggestion_why": told[1]}) if told else event
    if isinstance(event, CaseResolved) and event.followed is None and state.cases.get(event.case_id):
        done = slug(event.resolution)
        return event.model_copy(update={"followed": _DONE.get(done, done) == state.cases[event.case_id]})
    return event


def refuse(state: AccountState, event: Event, zone: tzinfo = UTC) -> str | None:
    """Why the event is impossible in this state, or None."""
    if isinstance(event, AccountOpened):
        return f"the account was opened already on {day(state.opened_at, zone)}" if state.opened_at else None
    if state.opened_at is None:
        return f"the account is not open yet on {day(event.effective_at, zone)}; open it first, or with an earlier date"
    match event:
        case ReferralAsked() if not (event.names or event.cards):
            return "a referral was asked for neither names nor cards; give how many"
        case ReferralGiven() if event.lead in state.leads_referred:
            return f"the referral of {event.lead!r} is on record already"
        case ContactRemoved() if event.person not in state.contacts:
            on = day(event.effective_at, zone)
            return f"{event.person!r} is no contact on {on}; {_listed('contacts', sorted(state.contacts))}"
        case SubscriptionStarted():
            if event.subscription in state.subscriptions:
                return f"the subscription {event.subscription!r} exists already; give the new one another id"
            return "a subscription needs a recurring amount" if event.recurring_amount is None else None
        case SubscriptionRenewed() | SubscriptionChanged() | SubscriptionCancelled():
            return _refuse_subscription(state, event, zone)
        case CaseOpened() if event.case_id in state.cases:
            return f"the case {event.case_id!r} exists already; give the new one another id"
        case CaseResolved() if event.case_id not in state.cases:
            return f"there is no case {event.case_id!r} on {day(event.effective_at, zone)}; {_listed('cases', state.cases)}"
        case CaseResolved() if event.case_id in state.resolved:
            return f"the case {event.case_id!r} is resolved already"
        case SatisfactionNoted() if event.case_id is not None and event.case_id not in state.cases:
            return f"there is no case {event.case_id!r} on {day(event.effective_at, zone)}; {_listed('cases', state.cases)}"
    return None


def _refuse_subscription(
    state: AccountState, event: SubscriptionRenewed | SubscriptionChanged | SubscriptionCancelled, zone: tzinfo
) -> str | None:
    if event.subscription not in state.subscriptions:
        on = day(event.effective_at, zone)
        return (
            f"there is no subscription {event.subscription!r} on {on}; {_listed('subscriptions', state.subscriptions)}"
        )
    if not state.subscriptions[event.subscription]:
        return f"the subscription {event.subscription!r} was cancelled already; start a new one"
    if isinstance(event, SubscriptionChanged) and event.recurring_amount is None:
        return "nothing was changed; give the new recurring amount"
    paid_in = state.currencies.get(event.subscription)
    if not isinstance(event, SubscriptionCancelled) and event.currency not in (None, paid_in):
        return (
            f"the subscription {event.subscription!r} is paid in {paid_in}; cancel it and start one in {event.currency}"
        )
    return None


def _listed(what: str, names: Iterable[str]) -> str:
    return f"the account's {what} are: {', '.join(names) or 'none yet'}"


def evolve(state: AccountState, event: Event) -> AccountState:
    """The state after the event."""
    match event:
        case AccountOpened():
            return replace(state, company=event.company, opened_at=event.effective_at)
        case ReferralGiven():
            return replace(state, leads_referred=(*state.leads_referred, event.lead))
        case ContactAdded():
            return replace(state, contacts=state.contacts | {event.person})
        case ContactRemoved():
            return replace(state, contacts=state.contacts - {event.person})
        case SubscriptionStarted():
            return replace(
                state,
                subscriptions={**state.subscriptions, event.subscription: True},
                currencies={**state.currencies, event.subscription: event.currency},
            )
        case SubscriptionCancelled():
            return replace(state, subscriptions={**state.subscriptions, event.subscription: False})
        case AccountNoted():
            return replace(state, preferences={**state.preferences, event.preference: event.weight})
        case CaseOpened():
            return replace(state, cases={**state.cases, event.case_id: event.suggestion})
        case CaseResolved():
            return replace(state, resolved=state.resolved | {event.case_id})
    return state
