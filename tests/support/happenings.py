"""Events in a few letters: `won(9, amount="100")` is a deal won on 2026-01-09 by kim's hand."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from salesledger.domain import account, deal_events, person, process, rate, settings, target
from salesledger.domain.events import Event

E = TypeVar("E", bound=Event)


def at(day: float) -> datetime:
    """The start of the given day of January 2026 in UTC: 1 is the first, 1.5 its noon, 32 the first of February."""
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day - 1)


def _maker(cls: type[E], **defaults: Any) -> Callable[..., E]:
    def make(day: float | datetime, /, **fields: Any) -> E:
        values: dict[str, Any] = {"recorded_by": "kim", **defaults, **fields}
        if (
            values.get("amount") is not None or values.get("recurring_amount") is not None
        ) and "currency" not in values:
            values["currency"] = "EUR"
        for name in ("known_at", "effective_at"):
            if isinstance(values.get(name), float | int):
                values[name] = at(values[name])
        return cls(**{"effective_at": day if isinstance(day, datetime) else at(day), **values})

    return make


touched = _maker(deal_events.LeadTouched, channel="podcast")
captured = _maker(deal_events.LeadCaptured, company="Acme")
contacted = _maker(deal_events.LeadContacted, channel="phone")
qualified = _maker(deal_events.LeadQualified)
disqualified = _maker(deal_events.LeadDisqualified, reason="no budget")
handed_over = _maker(deal_events.LeadHandedOver, handed_to="lee")
accepted = _maker(deal_events.LeadAccepted)
rejected = _maker(deal_events.LeadRejected, reason="too small")
meeting = _maker(deal_events.MeetingHeld)
trial_started = _maker(deal_events.TrialStarted)
trial_ended = _maker(deal_events.TrialEnded)
advanced = _maker(deal_events.DealAdvanced)
moved = _maker(deal_events.DealMoved)
revised = _maker(deal_events.DealRevised)
offered = _maker(deal_events.OfferMade, amount="100")
countered = _maker(deal_events.OfferCountered, amount="90")
paperwork = _maker(deal_events.PaperworkSent)
won = _maker(deal_events.DealWon)
lost = _maker(deal_events.DealLost)
reopened = _maker(deal_events.DealReopened)
opened = _maker(account.AccountOpened, company="Acme")
asked = _maker(account.ReferralAsked, names=1)
given_lead = _maker(account.ReferralGiven, lead="beta")
contact_added = _maker(account.ContactAdded, person="p-1")
contact_removed = _maker(account.ContactRemoved, person="p-1")
person_added = _maker(person.PersonAdded, name="Ann Example")
person_revised = _maker(person.PersonRevised, phone="+1 555")
person_forgotten = _maker(person.PersonForgotten, reason="asked to")
noted = _maker(account.AccountNoted, preference="repair", weight=3)
case_opened = _maker(account.CaseOpened, case_id="one", kind=account.BROKEN)
case_resolved = _maker(account.CaseResolved, case_id="one", resolution="repair")
satisfied = _maker(account.SatisfactionNoted, score=9)
target_set = _maker(target.TargetSet, begins_on=date(2026, 1, 1), ends_on=date(2026, 4, 1), amount="100")
called = _maker(target.ForecastCalled, begins_on=date(2026, 1, 1), ends_on=date(2026, 4, 1), amount="100")
issued = _maker(
    target.ForecastIssued,
    model="run_rate",
    begins_on=date(2026, 1, 1),
    ends_on=date(2026, 4, 1),
    origin=date(2026, 1, 1),
    upto=1,
    mean="100",
    currency="EUR",
)
subscribed = _maker(account.SubscriptionStarted, subscription="pro", recurring_amount="100", interval_months=1)
renewed = _maker(account.SubscriptionRenewed, subscription="pro")
repriced = _maker(account.SubscriptionChanged, subscription="pro", recurring_amount="150", interval_months=1)
cancelled = _maker(account.SubscriptionCancelled, subscription="pro")
defined = _maker(process.ProcessDefined, process_version=1, stages=({"name": "only", "probability": "0.5"},))
rate_set = _maker(rate.RateSet, currency="USD", rate="0.9")
ledger_opened = _maker(settings.LedgerOpened, ledger_id="0a", timezone="UTC")
currency_set = _maker(settings.CurrencySet, currency="EUR")
