"""What a sale does to the client's subscriptions: ids for new ones, and what a won deal starts, renews or adds to."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from salesledger.domain.account import (
    AccountState,
    SubscriptionChanged,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from salesledger.domain.clocks import day
from salesledger.domain.deal import DealState, complete
from salesledger.domain.deal_events import DealWon, LeadCaptured
from salesledger.domain.decide import Record, fold
from salesledger.domain.events import Event
from salesledger.domain.timeline import Recorded, standing
from salesledger.domain.values import slug
from salesledger.ledger.batch import Batch, Proposal
from salesledger.ledger.intake import build_event

_Priced = SubscriptionStarted | SubscriptionRenewed | SubscriptionChanged


@dataclass(frozen=True)
class Sale:
    """A win, and what it does to a subscription.

    Attributes:
        proposals: what is to be recorded together.
        note: why the win alone is recorded, where one would expect more.
    """

    proposals: tuple[Proposal, ...]
    note: str = ""


def price_of(records: Iterable[Recorded], subscription: str) -> _Priced | None:
    """The last of some events, in business order, that says what a subscription costs."""
    last = None
    for record in records:
        event = record.event
        if isinstance(event, _Priced) and event.subscription == subscription and event.recurring_amount is not None:
            last = event
    return last


def new_id(batch: Batch, account: str, name: str) -> str:
    """An id for a subscription, made from a name: with a number where the account has used it before."""
    used = {getattr(record.event, "subscription", None) for record in batch.records(f"account:{account}")}
    base = slug(name)
    candidate, number = base, 1
    while candidate in used:
        number += 1
        candidate = f"{base}-{number}"
    return candidate


def sale_of(batch: Batch, win: Proposal, key: str | None) -> Sale:
    """A win together with what it does to the subscriptions of the deal's account.

    A deal with a recurring part starts one. Where it grew from a subscription that runs, a renewal renews that and an upsell
    adds to its price.

    Args:
        batch: the ledger as it stands.
        win: the proposal to record the win.
        key: the idempotency key of what is recorded on the account.
    """
    assert isinstance(win.command, Record)
    assert isinstance(win.stream, str)
    known = batch.store.keyed(key) if key else None
    if known is not None:
        return Sale((win, Proposal(known.stream, Record(known.event), key, dated=win.dated)))
    event, deal = win.command.event, win.stream.partition(":")[2]
    before = standing(batch.records(win.stream), as_of=event.effective_at)
    state: DealState = fold(win.stream, before)
    won = complete(state, event, batch.context.processes)
    assert isinstance(won, DealWon)
    if won.recurring_amount is None:
        return Sale((win,))
    if state.account is None:
        return Sale((win,), _not_started("the deal has no account", "ACCOUNT", deal))
    stream = f"account:{state.account}"
    happened = standing(batch.records(stream), as_of=event.effective_at)
    account: AccountState = fold(stream, happened)
    if account.opened_at is None:
        why = f"the account {state.account!r} is not open yet on {day(event.effective_at, batch.context.zone)}"
        return Sale((win,), _not_started(why, state.account, deal))
    sold = [r.event.subscription for r in happened if isinstance(r.event, _Priced) and r.event.deal == deal]
    if sold and account.subscriptions.get(sold[-1]):
        return Sale((win,), f"{_unchanged(sold[-1], 'the deal sold it before')} {_change(state.account, sold[-1])}")
    captured = next((r.event for r in before if isinstance(r.event, LeadCaptured)), None)
    grown = captured.subscription if captured is not None else None
    held = None if grown is None else price_of(happened, grown)
    common = {"effective_at": won.effective_at, "recorded_by": won.recorded_by, "deal": deal, **_price(won)}
    if captured is None or grown is None or not account.subscriptions.get(grown) or captured.growth == "cross-sell":
        name = new_id(batch, state.account, state.product or deal)
        fields = {**common, "subscription": name, "product": state.product, "term_months": won.term_months}
        made = build_event("subscription-started", fields, currency=None)
    elif captured.growth == "renewal" and held is not None and held.currency == won.currency:
        fields = {**common, "subscription": grown, "term_months": won.term_months}
        made = build_event("subscription-renewed", fields, currency=None)
    else:
        more = None if captured.growth == "renewal" else _added(held, won)
        if more is None:
            why = "its interval or its currency is another than the deal's"
            return Sale((win,), f"{_unchanged(grown, why)} {_change(state.account, grown)}")
        made = build_event("subscription-changed", {**common, **more, "subscription": grown}, currency=None)
    return Sale((win, Proposal(stream, Record(made), key, dated=win.dated)))


def _price(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in ("recurring_amount", "interval_months", "currency")}


def _added(held: _Priced | None, won: DealWon) -> dict[str, Any] | None:
    """The price of a subscription with that of an upsell on top; None where they can't be added."""
    if held is None or (held.interval_months, held.currency) != (won.interval_months, won.currency):
        return None
    assert held.recurring_amount is not None
    assert won.recurring_amount is not None
    return {"recurring_amount": held.recurring_amount + won.recurring_amount}


def _not_started(why: str, account: str, deal: str) -> str:
    command = f"'salesledger subscription start {account} --deal {deal} --recurring AMOUNT'"
    return f"No subscription was started: {why}. Start it with {command}."


def _unchanged(subscription: str, why: str) -> str:
    return f"The subscription {subscription!r} stays as it is: {why}."


def _change(account: str, subscription: str) -> str:
    return f"Change it with 'salesledger subscription change {account} {subscription} --recurring AMOUNT'."
