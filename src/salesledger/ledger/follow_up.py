"""What a void or a correction leaves as it was, though it depends on what was struck out: a note each, with the command."""

from collections.abc import Iterable, Iterator
from datetime import tzinfo

from salesledger.domain.account import ReferralGiven, SubscriptionChanged, SubscriptionRenewed, SubscriptionStarted
from salesledger.domain.clocks import day
from salesledger.domain.deal import DealState, evolve, stage_ahead
from salesledger.domain.deal_events import DealWon, LeadCaptured, Moving
from salesledger.domain.events import EventVoided
from salesledger.domain.process import Processes
from salesledger.domain.timeline import Recorded, standing
from salesledger.ledger.store import Store

_PRICE = ("recurring_amount", "interval_months", "term_months", "currency")
"""What a win hands on to a subscription, besides its date."""

_Sold = SubscriptionStarted | SubscriptionRenewed | SubscriptionChanged


def left_as_it_was(store: Store, recorded: Iterable[Recorded], zone: tzinfo) -> list[str]:
    """A note for each entry that may need a correction too, in this stream or in another one.

    Args:
        store: the log.
        recorded: the voids and corrections.
        zone: the ledger's time zone.
    """
    recorded = list(recorded)
    notes: list[str] = []
    for stream in sorted({r.stream for r in recorded if r.stream.startswith("deal:")}):
        notes += _of_a_stage(store, stream, [r for r in recorded if r.stream == stream], zone)
    for record in recorded:
        event = record.event
        if isinstance(event, DealWon) and event.replaces is not None:
            before = store.entry(event.replaces).event
            if isinstance(before, DealWon):
                notes += _of_a_win(store, before, record, event, zone)
        if isinstance(event, EventVoided):
            root = store.entry(event.void_root)
            if isinstance(root.event, ReferralGiven) and not _is_replaced(recorded, root.entry):
                notes += _of_a_referral(store, root, root.event, struck=event.strikes)
    return notes


def _is_replaced(recorded: Iterable[Recorded], entry: int) -> bool:
    return any(record.event.replaces == entry for record in recorded)


def _of_a_stage(store: Store, stream: str, recorded: list[Recorded], zone: tzinfo) -> Iterator[str]:
    """An entry says that it moves the deal only where the deal stood earlier: what had brought it there is gone."""
    new = {r.entry for r in recorded}
    before = [r for r in store.records(stream) if r.entry not in new]
    known = set(_left_behind(before, store.processes()))
    for entry, (found, stands, belongs) in _left_behind([*before, *recorded], store.processes()).items():
        if entry not in known:
            what = f"entry {entry} ({found.event.type_name()} on {day(found.event.effective_at, zone)})"
            yield (
                f"With that, {what} finds {found.id!r} in the stage {stands!r} and leaves it there. If it moved the deal to "
                f"{belongs!r}: 'salesledger correct {entry} --set stage={belongs} --reason WHY'."
            )
            return


def _left_behind(records: Iterable[Recorded], processes: Processes) -> dict[int, tuple[Recorded, str, str]]:
    """Entries that would move the deal on if they were recorded now, but don't: by entry, where it stands and belongs."""
    state = DealState()
    found: dict[int, tuple[Recorded, str, str]] = {}
    for record in standing(records):
        event = record.event
        if isinstance(event, Moving) and event.stage is None:
            ahead = stage_ahead(state, event, processes.get(state.process, state.process_version))
            if ahead is not None:
                found[record.entry] = (record, state.stage or "", ahead)
        state = evolve(state, event)
    return found


def _of_a_win(store: Store, before: DealWon, record: Recorded, won: DealWon, zone: tzinfo) -> Iterator[str]:
    changed = [name for name in _PRICE if getattr(before, name) != getattr(won, name)]
    dated = before.effective_at != won.effective_at
    if not (changed or dated) or (before.recurring_amount is None and won.recurring_amount is None):
        return
    sold = list(_sold_by(store, record.id))
    if not sold and before.recurring_amount is None:
        yield (
            "No subscription is started by this. Start it with "
            f"'salesledger subscription start ACCOUNT --deal {record.id} --recurring AMOUNT'."
        )
    for each in sold:
        command = _put_right(
            each, won, changed, dated=dated and each.event.effective_at == before.effective_at, zone=zone
        )
        if command:
            yield (
                f"Entry {each.entry} ({each.event.type_name()} of {each.stream} on {day(each.event.effective_at, zone)}), "
                f"which the deal brought, stays as it is. If it is wrong too: 'salesledger {command} --reason WHY'."
            )


def _sold_by(store: Store, deal: str) -> Iterator[Recorded]:
    """What stands on accounts because of a deal."""
    for stream in sorted(store.named_by_accounts().get(("deal", deal), ())):
        yield from (r for r in standing(store.records(stream)) if isinstance(r.event, _Sold) and r.event.deal == deal)


def _put_right(sold: Recorded, won: DealWon, changed: list[str], *, dated: bool, zone: tzinfo) -> str:
    """The command that would put a subscription's entry right; '' where it says what the win says."""
    if won.recurring_amount is None:
        return f"void {sold.entry}"
    wanted = [
        (name, getattr(won, name))
        for name in changed
        if hasattr(sold.event, name) and getattr(sold.event, name) != getattr(won, name)
    ]
    options = [
        f"--unset {name}" if value is None else f"--set {name}={_told(sold, name, value)}" for name, value in wanted
    ]
    options += [f"--on {day(won.effective_at, zone)}"] if dated else []
    return f"correct {sold.entry} {' '.join(options)}" if options else ""


def _told(sold: Recorded, name: str, value: object) -> str:
    """The right value; an upsell adds the win's price to another, so that one isn't known."""
    return "AMOUNT" if name == "recurring_amount" and isinstance(sold.event, SubscriptionChanged) else str(value)


def _of_a_referral(store: Store, given: Recorded, event: ReferralGiven, *, struck: bool) -> Iterator[str]:
    """The lead that came of a referral names the account that gave it, in an entry of its own."""
    captured = next(
        (r for r in standing(store.records(f"deal:{event.lead}")) if isinstance(r.event, LeadCaptured)), None
    )
    if captured is None or not isinstance(captured.event, LeadCaptured):
        return
    names = captured.event.referred_by
    again = any(
        isinstance(r.event, ReferralGiven) and r.event.lead == event.lead and r.entry != given.entry
        for r in standing(store.records(given.stream))
    )
    if struck and names == given.id and not again:
        yield (
            f"The lead {event.lead!r} still says that {given.id!r} referred it (entry {captured.entry}). If it didn't: "
            f"'salesledger correct {captured.entry} --unset referred_by --reason WHY'."
        )
    elif not struck and names != given.id:
        told = "that nobody referred it" if names is None else f"that {names!r} referred it"
        yield (
            f"The lead {event.lead!r} says {told} (entry {captured.entry}). To name {given.id!r} again: "
            f"'salesledger correct {captured.entry} --set referred_by={given.id} --reason WHY'."
        )
