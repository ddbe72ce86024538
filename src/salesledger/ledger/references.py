"""What an event names outside its own stream: accounts, deals, persons, subscriptions and entries that must be there."""

from typing import NamedTuple

from salesledger.domain.account import (
    AccountNoted,
    ContactAdded,
    ReferralGiven,
    SubscriptionChanged,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from salesledger.domain.deal_events import Attributes, LeadCaptured, MeetingHeld
from salesledger.domain.events import Event


class Reference(NamedTuple):
    """A stream that an event names.

    Attributes:
        field: the event's field that names it.
        stream: kind and id, such as 'account:acme'.
        subscription: which subscription of that account is meant, where one is.
    """

    field: str
    stream: str
    subscription: str | None = None


def references_of(event: Event) -> list[Reference]:
    """The streams that an event names, the first to be looked for first."""
    wanted: list[tuple[str, str, str | None]] = []
    if isinstance(event, Attributes):
        wanted.append(("account", "account", event.account))
    if isinstance(event, LeadCaptured):
        wanted += [("referred_by", "account", event.referred_by), ("grown_from", "deal", event.grown_from)]
    if isinstance(event, ReferralGiven):
        wanted.append(("lead", "deal", event.lead))
    if isinstance(event, SubscriptionStarted | SubscriptionRenewed | SubscriptionChanged):
        wanted.append(("deal", "deal", event.deal))
    if isinstance(event, ContactAdded):
        wanted.append(("person", "person", event.person))
    if isinstance(event, MeetingHeld):
        wanted += [("persons", "person", person) for person in event.persons or ()]
    named = [Reference(field, f"{kind}:{name}") for field, kind, name in wanted if name is not None]
    if isinstance(event, LeadCaptured) and event.subscription is not None and event.account is not None:
        named.append(Reference("subscription", f"account:{event.account}", event.subscription))
    return named


def evidence_of(event: Event) -> int | None:
    """The entry that an event gives as its evidence."""
    return event.evidence if isinstance(event, AccountNoted) else None
