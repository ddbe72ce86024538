"""What can happen to a lead and to the deal that it becomes."""

from decimal import Decimal
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, model_validator

from salesledger.domain.events import Event
from salesledger.domain.values import Amount, Count, Currency, Date, Id, Months, Text

Category = Literal["pipeline", "best-case", "commit", "omitted"]
Status = Literal["open", "won", "lost", "disqualified"]
Verdict = Literal["met", "unmet", "unknown"]
Growth = Literal["upsell", "cross-sell", "renewal"]


class Money(BaseModel):
    """What a deal is worth: a one-off amount, a recurring one, or both, in one currency.

    Attributes:
        amount: the one-off part.
        recurring_amount: what is paid every `interval_months` over a first term of `term_months`.
    """

    amount: Amount | None = None
    recurring_amount: Amount | None = None
    interval_months: Months | None = None
    term_months: Months | None = None
    currency: Currency | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        recurring = (self.recurring_amount, self.interval_months, self.term_months)
        if any(part is not None for part in recurring):
            if any(part is None for part in recurring):
                raise ValueError("a recurring amount needs its interval and its term, in months")
            assert self.term_months is not None
            assert self.interval_months is not None
            if self.term_months % self.interval_months:
                raise ValueError(
                    f"a term of {self.term_months} months is not a multiple of {self.interval_months} months"
                )
        if (self.amount is None and self.recurring_amount is None) != (self.currency is None):
            raise ValueError("an amount and its currency go together")
        return self


def value_of(
    amount: Decimal | None, recurring_amount: Decimal | None, interval_months: int | None, term_months: int | None
) -> Decimal | None:
    """The one-off amount plus the first term's recurring amount; None where neither is known."""
    if recurring_amount is None:
        return amount
    assert interval_months is not None
    assert term_months is not None
    return (amount or Decimal(0)) + recurring_amount * (term_months // interval_months)


class Attributes(Money):
    """What is known of a deal besides its stage. An absent one says nothing: the earlier value stands."""

    account: Id | None = None
    owner: Id | None = None
    team: Text | None = None
    product: Text | None = None
    segment: Text | None = None
    source: Text | None = None
    campaign: Text | None = None
    expected_close: Date | None = None
    category: Category | None = None


ATTRIBUTES: tuple[str, ...] = tuple(Attributes.model_fields)


class DealEvent(Event, abstract=True):
    """An event of a deal's stream.

    Attributes:
        STATUS: what the deal is from then on, where the event changes that.
        SETS: the attributes that the event sets on the deal.
    """

    STREAM: ClassVar[str | None] = "deal"
    STATUS: ClassVar[Status | None] = None
    SETS: ClassVar[tuple[str, ...]] = ()


class Moving(DealEvent, abstract=True):
    """An event that can move the deal to a stage; it then says which, of which process.

    Attributes:
        process: the process, on an event that moves the deal.
        stage: the stage that the deal is in from then on.
    """

    COMPLETED: ClassVar[tuple[str, ...]] = ("process", "stage")

    process: Id | None = None
    stage: Id | None = None


class LeadTouched(DealEvent):
    """A prospect heard or read of us, before there was a lead."""

    TOPIC = "lead-touched/1"
    STREAM = "deal"

    company: Text | None = None
    channel: Text
    content: Text | None = None
    campaign: Text | None = None


class LeadCaptured(Moving, Attributes):
    """A lead entered the ledger, and with it the process.

    Attributes:
        company: the company's name (not a person's).
        process_version: the version of the process in force, which the deal follows.
        attributes: facts about the company that criteria may judge, such as size or sector.
        referred_by: the account that gave the referral.
        judged: whether the facts meet the criteria of that version of the process; absent where it has none.
        grown_from: the deal that this one grew from.
        subscription: the subscription, of the lead's account, that this deal grew from.
        growth: how it grew from that.
    """

    TOPIC = "lead-captured/1"
    STREAM = "deal"
    STATUS = "open"
    SETS = ATTRIBUTES
    COMPLETED = ("process", "stage", "process_version", "judged")
    DERIVED = ("process_version", "judged")

    company: Text
    process_version: int | None = None
    attributes: dict[Text, Text] | None = None
    judged: Verdict | None = None
    referred_by: Id | None = None
    grown_from: Id | None = None
    subscription: Id | None = None
    growth: Growth | None = None


class LeadContacted(Moving):
    """Somebody tried to reach the lead."""

    TOPIC = "lead-contacted/1"
    STREAM = "deal"

    channel: Text
    outcome: Text | None = None


class LeadQualified(Moving):
    """The lead is worth pursuing."""

    TOPIC = "lead-qualified/1"
    STREAM = "deal"

    use_case: Text | None = None
    budget: Text | None = None
    authority: Text | None = None
    timing: Text | None = None


class LeadDisqualified(DealEvent):
    """The lead is not worth pursuing."""

    TOPIC = "lead-disqualified/1"
    STREAM = "deal"
    STATUS = "disqualified"

    reason: Text


class LeadHandedOver(Moving):
    """The lead was offered to an account executive.

    Attributes:
        handed_to: who is to take it.
        handed_by: who hands it over: the owner until then, else who records it.
    """

    TOPIC = "lead-handed-over/1"
    STREAM = "deal"
    COMPLETED = ("process", "stage", "handed_by")

    handed_to: Id
    handed_by: Id | None = None


class LeadAccepted(Moving):
    """The account executive took the lead over and owns it from then on."""

    TOPIC = "lead-accepted/1"
    STREAM = "deal"
    SETS = ("owner",)
    COMPLETED = ("process", "stage", "owner")

    owner: Id | None = None


class LeadRejected(DealEvent):
    """The account executive did not take the lead over."""

    TOPIC = "lead-rejected/1"
    STREAM = "deal"

    reason: Text


class MeetingHeld(Moving):
    """A meeting, a demo or a visit took place.

    Attributes:
        attendees: how many people of the client were present.
        persons: the ids of those who are known.
    """

    TOPIC = "meeting-held/1"
    STREAM = "deal"

    kind: Text = "meeting"
    attendees: Count | None = None
    persons: tuple[Id, ...] | None = None
    pain_points: tuple[Text, ...] | None = None


class TrialStarted(Moving):
    """The client tries the product."""

    TOPIC = "trial-started/1"
    STREAM = "deal"

    product: Text | None = None


class TrialEnded(Moving):
    """The trial is over."""

    TOPIC = "trial-ended/1"
    STREAM = "deal"

    outcome: Text | None = None


class DealAdvanced(Moving):
    """The deal was moved to a stage, forwards or back."""

    TOPIC = "deal-advanced/1"
    STREAM = "deal"


class DealMoved(Moving):
    """The deal follows another process, or another version of its own, from then on.

    Attributes:
        process_version: the version that is in force then.
    """

    TOPIC = "deal-moved/1"
    STREAM = "deal"
    COMPLETED = ("process", "stage", "process_version")
    DERIVED = ("process_version",)

    process_version: int | None = None


class DealRevised(DealEvent, Attributes):
    """What is known of the deal changed."""

    TOPIC = "deal-revised/1"
    STREAM = "deal"
    SETS = ATTRIBUTES


class Priced(Money):
    """A price with its terms.

    Attributes:
        list_amount: what the list asks for the same: one-off part and first term together.
        terms: such as 'net 30'.
    """

    list_amount: Amount | None = None
    terms: Text | None = None


class OfferMade(Moving, Priced):
    """We made an offer; it is what the deal is worth from then on."""

    TOPIC = "offer-made/1"
    STREAM = "deal"
    SETS = tuple(Money.model_fields)


class OfferCountered(Moving, Priced):
    """The client made a counter-offer; the deal is worth it once we offer it ourselves, or win."""

    TOPIC = "offer-countered/1"
    STREAM = "deal"


class PaperworkSent(Moving):
    """Contract, order form or terms went out."""

    TOPIC = "paperwork-sent/1"
    STREAM = "deal"

    kind: Text = "contract"


class DealWon(DealEvent, Priced):
    """The client bought."""

    TOPIC = "deal-won/1"
    STREAM = "deal"
    STATUS = "won"
    SETS = tuple(Money.model_fields)
    COMPLETED = (*Money.model_fields, "list_amount")


class DealLost(DealEvent):
    """The client did not buy."""

    TOPIC = "deal-lost/1"
    STREAM = "deal"
    STATUS = "lost"

    reason: Text | None = None
    competitor: Text | None = None


class DealReopened(Moving):
    """A closed deal is open again."""

    TOPIC = "deal-reopened/1"
    STREAM = "deal"
    STATUS = "open"

    reason: Text | None = None
