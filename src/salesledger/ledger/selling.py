"""What a sale does to the client's subscriptions: ids for new ones, and what a won deal starts, renews or adds to."""

from collections.abc import Iterable, Sequence
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
from salesledger.domain.values import free_id
from salesledger.ledger.batch import Batch, Proposal
from salesledger.ledger.intake import build_event

NO_ACCOUNT = "ACCOUNT"
"""What stands for the account where there is none."""

UNNAMED = "DEAL"
"""What stands for the id of a deal that has none yet."""

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
    return free_id(name, {getattr(record.event, "subscription", "") for record in batch.records(f"account:{account}")})


def sale_of(batch: Batch, win: Proposal, key: str | None) -> Sale:
    """A win together with what it does to the subscriptions of the deal's account.

    A deal with a recurring part starts one. Where it grew from a subscription that runs, a renewal renews that and an upsell
    adds to its price. A deal that names no account is one of the account of the deal that it grew from, and a renewal or an
    upsell that names no subscription grew from the one that was sold with that deal.

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
    deal = win.stream.partition(":")[2]
    before = standing(batch.records(win.stream), as_of=win.command.event.effective_at)
    state: DealState = fold(win.stream, before)
    won = complete(state, win.command.event, batch.context.processes)
    assert isinstance(won, DealWon)
    if won.recurring_amount is None:
        return Sale((win,))
    captured = _captured(before)
    account = state.account or _account_above(batch, captured, {deal})
    if account is None:
        return Sale((win,), _not_started("the deal has no account", NO_ACCOUNT, deal))
    told = _on_account(batch, won, deal, account, state.product, captured)
    if isinstance(told, str):
        return Sale((win,), told)
    return Sale((win, Proposal(f"account:{account}", Record(told), key, dated=win.dated)))


def with_subscription(batch: Batch, sale: Sequence[Proposal]) -> tuple[Sequence[Proposal], str]:
    """A sale over the counter together with the subscription that its recurring part starts.

    Args:
        batch: the ledger as it stands.
        sale: the proposals to capture and to win the deal.

    Returns:
        What is to be recorded, and why no subscription is started, where none is: with `UNNAMED` in the place of the deal's id.
    """
    lead, win = sale
    assert isinstance(lead.command, Record)
    assert isinstance(win.command, Record)
    captured, won = lead.command.event, win.command.event
    assert isinstance(captured, LeadCaptured)
    assert isinstance(won, DealWon)
    key = f"{lead.key}/subscription" if lead.key else None
    known = batch.store.keyed(key) if key else None
    if known is not None:
        return (lead, win, Proposal(known.stream, Record(known.event), key, dated=lead.dated)), ""
    if lead.key and batch.store.keyed(lead.key):
        return sale, ""  # recorded before, without one
    account = captured.account
    if account is None:
        return sale, _not_started("the deal has no account", NO_ACCOUNT, UNNAMED)
    happened = standing(batch.records(f"account:{account}"), as_of=won.effective_at)
    state: AccountState = fold(f"account:{account}", happened)
    if state.opened_at is None:
        why = f"the account {account!r} is not open yet on {day(won.effective_at, batch.context.zone)}"
        return sale, _not_started(why, account, UNNAMED)

    def started(streams: Sequence[str]) -> Record:
        deal = streams[0].partition(":")[2]
        return Record(_started(batch, won, deal, account, captured.product))

    return (lead, win, Proposal(f"account:{account}", started, key, dated=lead.dated)), ""


def _started(batch: Batch, won: DealWon, deal: str, account: str, product: str | None) -> Event:
    fields = {
        "subscription": new_id(batch, account, product or deal),
        "product": product,
        "term_months": won.term_months,
    }
    return build_event("subscription-started", _common(won, deal) | fields, currency=None)


def _captured(records: Iterable[Recorded]) -> LeadCaptured | None:
    return next((r.event for r in records if isinstance(r.event, LeadCaptured)), None)


def _account_above(batch: Batch, captured: LeadCaptured | None, seen: set[str]) -> str | None:
    """The account of the deal that one grew from, or of the one that that grew from in its turn."""
    while captured is not None and captured.grown_from is not None and captured.grown_from not in seen:
        seen.add(captured.grown_from)
        stream = f"deal:{captured.grown_from}"
        records = standing(batch.records(stream))
        above: DealState = fold(stream, records)
        if above.account is not None:
            return above.account
        captured = _captured(records)
    return None


def _on_account(
    batch: Batch, won: DealWon, deal: str, account: str, product: str | None, captured: LeadCaptured | None
) -> Event | str:
    """What is to be recorded on the account, or why nothing is."""
    stream = f"account:{account}"
    happened = standing(batch.records(stream), as_of=won.effective_at)
    state: AccountState = fold(stream, happened)
    if state.opened_at is None:
        why = f"the account {account!r} is not open yet on {day(won.effective_at, batch.context.zone)}"
        return _not_started(why, account, deal)
    sold = [r.event.subscription for r in happened if isinstance(r.event, _Priced) and r.event.deal == deal]
    if sold and state.subscriptions.get(sold[-1]):
        return _unchanged(account, sold[-1], "the deal sold it before")
    if captured is not None and captured.growth != "cross-sell":
        grown = captured.subscription or _sold_with(happened, captured)
        if grown is not None and state.subscriptions.get(grown):
            made = _grown(price_of(happened, grown), grown, captured.growth, won, deal)
            if made is not None or captured.subscription is not None:
                return made or _unchanged(account, grown, "its interval or its currency is another than the deal's")
    return _started(batch, won, deal, account, product)


def _sold_with(happened: Iterable[Recorded], captured: LeadCaptured) -> str | None:
    """The last subscription that was started with the deal that an upsell or a renewal grew from."""
    if captured.growth is None or captured.grown_from is None:
        return None
    started = [r.event for r in happened if isinstance(r.event, SubscriptionStarted)]
    return next((event.subscription for event in reversed(started) if event.deal == captured.grown_from), None)


def _grown(held: _Priced | None, subscription: str, growth: str | None, won: DealWon, deal: str) -> Event | None:
    """A renewal at the deal's price, or that price on top; None where the two can't be held together."""
    if held is None or held.currency != won.currency:
        return None
    fields = _common(won, deal) | {"subscription": subscription}
    if growth == "renewal":
        return build_event("subscription-renewed", fields | {"term_months": won.term_months}, currency=None)
    if held.interval_months != won.interval_months:
        return None
    assert held.recurring_amount is not None
    assert won.recurring_amount is not None
    more = {"recurring_amount": held.recurring_amount + won.recurring_amount}
    return build_event("subscription-changed", fields | more, currency=None)


def _common(won: DealWon, deal: str) -> dict[str, Any]:
    price = {name: getattr(won, name) for name in ("recurring_amount", "interval_months", "currency")}
    return {"effective_at": won.effective_at, "recorded_by": won.recorded_by, "deal": deal, **price}


def _not_started(why: str, account: str, deal: str) -> str:
    command = f"'salesledger subscription start {account} --deal {deal} --recurring AMOUNT'"
    if account == NO_ACCOUNT:
        opening = f"'salesledger account open COMPANY --deal {deal}'"
        return f"No subscription was started: {why}. Open one with {opening}, then start it with {command}."
    return f"No subscription was started: {why}. Start it with {command}."


def _unchanged(account: str, subscription: str, why: str) -> str:
    command = f"'salesledger subscription change {account} {subscription} --recurring AMOUNT'"
    return f"The subscription {subscription!r} stays as it is: {why}. Change it with {command}."
