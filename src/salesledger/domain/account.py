"""Accounts: the companies that deals are made with, and the referrals that they give."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from salesledger.domain.clocks import day
from salesledger.domain.events import Event
from salesledger.domain.values import Count, Id, Text


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


@dataclass(frozen=True)
class AccountState:
    """What is known of an account at a moment."""

    company: str | None = None
    opened_at: datetime | None = None
    leads_referred: tuple[str, ...] = ()


def refuse(state: AccountState, event: Event, zone: tzinfo = UTC) -> str | None:
    """Why the event is impossible in this state, or None."""
    if isinstance(event, AccountOpened):
        return f"the account was opened already on {day(state.opened_at, zone)}" if state.opened_at else None
    if state.opened_at is None:
        return f"the account is not open yet on {day(event.effective_at, zone)}; open it first, or with an earlier date"
    if isinstance(event, ReferralAsked) and not (event.names or event.cards):
        return "a referral was asked for neither names nor cards; give how many"
    if isinstance(event, ReferralGiven) and event.lead in state.leads_referred:
        return f"the referral of {event.lead!r} is on record already"
    return None


def evolve(state: AccountState, event: Event) -> AccountState:
    """The state after the event."""
    if isinstance(event, AccountOpened):
        return replace(state, company=event.company, opened_at=event.effective_at)
    if isinstance(event, ReferralGiven):
        return replace(state, leads_referred=(*state.leads_referred, event.lead))
    return state
