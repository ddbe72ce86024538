"""What else in the ledger depends on an entry: it must be struck out first, or the entry must stand."""

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from typing import TYPE_CHECKING

from salesledger.domain.account import (
    AccountOpened,
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from salesledger.domain.clocks import day
from salesledger.domain.deal_events import DealWon, LeadCaptured
from salesledger.domain.person import PersonAdded
from salesledger.domain.timeline import Recorded, standing
from salesledger.errors import NOTHING_RECORDED, Refused
from salesledger.ledger.references import evidence_of, references_of

if TYPE_CHECKING:
    from salesledger.ledger.batch import Batch

_SHOWN = 8
"""How many entries a message lists."""

_SOLD = SubscriptionStarted | SubscriptionRenewed | SubscriptionChanged


def refuse_where_needed(batch: "Batch", root: Recorded) -> None:
    """Make sure that nothing that stands in other streams, or tells of this entry, depends on what is to be struck out.

    Args:
        batch: the ledger as it stands, the strike included.
        root: the event that is struck out.

    Raises:
        Refused: with the entries that depend on it and what to do.
    """
    needing = sorted({r.entry: r for r in _dependants(batch, root)}.values(), key=lambda r: r.place)
    if not needing:
        return
    one_by_one = ", ".join(str(record.entry) for record in reversed(needing[:_SHOWN]))
    remedy = (
        f"Void {'that' if len(needing) == 1 else 'those'} first ({one_by_one}), or correct entry {root.entry} instead"
    )
    if isinstance(root.event, DealWon) and any(isinstance(r.event, _SOLD) for r in needing):
        remedy = f"Void the win together with it ('void {root.entry} --with-subscription'), or void that first ({one_by_one})"
    raise Refused(
        f"{root.id}: entry {root.entry} ({root.event.type_name()}) can't be voided, as this depends on it: "
        f"{listed(needing, batch.context.zone)}. {remedy}. {NOTHING_RECORDED}"
    )


def listed(records: Iterable[Recorded], zone: tzinfo) -> str:
    """Entries for a message, the first few of them."""
    told = [f"{r.named} ({r.event.type_name()} of {r.stream} on {day(r.event.effective_at, zone)})" for r in records]
    more = [f"and {len(told) - _SHOWN} more"] if len(told) > _SHOWN else []
    return ", ".join(told[:_SHOWN] + more)


def sold_with(batch: "Batch", win: Recorded) -> list[Recorded]:
    """What stands on accounts because of a win, and what followed of the subscriptions that it started; the last one first."""
    sold = list(_sold_by(batch, win)) if isinstance(win.event, DealWon) else []
    started = {(r.stream, r.event.subscription) for r in sold if isinstance(r.event, SubscriptionStarted)}
    found = {r.entry: r for r in sold}
    for stream, name in started:
        for record in standing(batch.records(stream)):
            if isinstance(record.event, _SOLD | SubscriptionCancelled) and record.event.subscription == name:
                found[record.entry] = record
    return sorted(found.values(), key=lambda r: r.place, reverse=True)


def _dependants(batch: "Batch", root: Recorded) -> Iterator[Recorded]:
    event = root.event
    yield from _giving_as_evidence(batch, root.entry)
    if isinstance(event, LeadCaptured | AccountOpened | PersonAdded | SubscriptionStarted):
        name = event.subscription if isinstance(event, SubscriptionStarted) else root.id
        yield from _naming(batch, root, name)
    if isinstance(event, DealWon):
        yield from _sold_by(batch, root)


def _giving_as_evidence(batch: "Batch", entry: int) -> Iterator[Recorded]:
    for stream in batch.accounts_naming("evidence", str(entry)):
        yield from (r for r in standing(batch.records(stream)) if evidence_of(r.event) == entry)


def _naming(batch: "Batch", root: Recorded, name: str) -> Iterator[Recorded]:
    """What names a stream, or a subscription of it."""
    subscription = name if isinstance(root.event, SubscriptionStarted) else None
    for stream in batch.streams_holding(name):
        if stream == root.stream:
            continue
        for record in standing(batch.records(stream)):
            named = references_of(record.event)
            if any(r.stream == root.stream and subscription in (None, r.subscription) for r in named):
                yield record


def _sold_by(batch: "Batch", win: Recorded) -> Iterator[Recorded]:
    """What a win did to subscriptions, unless another win of the deal stands."""
    if any(isinstance(r.event, DealWon) and r.entry != win.entry for r in standing(batch.records(win.stream))):
        return
    for stream in batch.accounts_naming("deal", win.id):
        yield from (r for r in standing(batch.records(stream)) if isinstance(r.event, _SOLD) and r.event.deal == win.id)
