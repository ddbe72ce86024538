"""What else in the ledger depends on an entry: it must be struck out first, or the entry must stand."""

from collections.abc import Collection, Iterable, Iterator, Sequence
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
from salesledger.domain.decide import violations
from salesledger.domain.person import PersonAdded
from salesledger.domain.timeline import Recorded, standing
from salesledger.errors import NOTHING_RECORDED, Refused
from salesledger.ledger.references import evidence_of, references_of

if TYPE_CHECKING:
    from salesledger.ledger.batch import Batch

_SHOWN = 8
"""How many entries a message lists."""

_NUMBERED = 20
"""How many it tells to void, in which order."""

_LOOKED_AT = 100
"""Behind this many, no deeper level is looked for."""

_SOLD = SubscriptionStarted | SubscriptionRenewed | SubscriptionChanged
_NAMED = LeadCaptured | AccountOpened | PersonAdded | SubscriptionStarted


def refuse_where_needed(batch: "Batch", root: Recorded) -> None:
    """Make sure that nothing that stands in other streams, or tells of this entry, depends on what is to be struck out.

    Args:
        batch: the ledger as it stands, the strike not included.
        root: the event that is to be struck out.

    Raises:
        Refused: with the entries that depend on it, those that depend on these and so on, and what to do.
    """
    needing = sorted(_all_dependants(batch, root), key=lambda r: r.place)
    if all(r.stream == root.stream and evidence_of(r.event) != root.entry for r in needing):
        return  # what its own stream says to that, it says better
    in_turn = [str(r.entry) for r in sorted(needing, key=_first_recorded, reverse=True)]
    one_by_one = ", ".join(in_turn[:_NUMBERED]) + (", ..." if len(in_turn) > _NUMBERED else "")
    which = "that first" if len(needing) == 1 else "those first"
    remedy = f"Void {which} ({one_by_one}), or correct entry {root.entry} instead"
    if isinstance(root.event, DealWon) and any(isinstance(r.event, _SOLD) for r in needing):
        remedy = (
            f"Void the win together with it ('void {root.entry} --with-subscription'), or void {which} ({one_by_one})"
        )
    raise Refused(
        f"{root.id}: entry {root.entry} ({root.event.type_name()}) can't be voided, as this depends on it: "
        f"{listed(needing, batch.context.zone)}. {remedy}. {NOTHING_RECORDED}"
    )


def _all_dependants(batch: "Batch", root: Recorded) -> list[Recorded]:
    """What depends on an event, on that in turn and so on."""
    found: dict[int, Recorded] = {}
    level = [root]
    while level and len(found) < _LOOKED_AT:
        gone = {root.entry, *found}
        next_to = {r.entry: r for r in (*_elsewhere(batch, level), *_behind(batch, level, gone)) if r.entry not in gone}
        found |= next_to
        level = list(next_to.values())
    return list(found.values())


def _first_recorded(record: Recorded) -> int:
    """Where it, or what it corrects, was recorded first: by then all that it depends on was there."""
    return record.event.rank or record.entry


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


def _elsewhere(batch: "Batch", level: Sequence[Recorded]) -> Iterator[Recorded]:
    """What names some events, or gives them as evidence, or came of them on accounts."""
    for record in level:
        yield from _giving_as_evidence(batch, record.entry)
        if isinstance(record.event, DealWon):
            yield from _sold_by(batch, record)
    yield from _naming(batch, [record for record in level if isinstance(record.event, _NAMED)])


def _behind(batch: "Batch", level: Sequence[Recorded], gone: Collection[int]) -> Iterator[Recorded]:
    """What would be impossible in the streams of some events without these."""
    for stream in {record.stream for record in level}:
        there = standing(batch.records(stream))
        before = violations(stream, there, batch.context)
        after = violations(stream, [r for r in there if r.entry not in gone], batch.context)
        yield from (record for entry, (record, _) in after.items() if entry not in before)


def _giving_as_evidence(batch: "Batch", entry: int) -> Iterator[Recorded]:
    for stream in batch.accounts_naming("evidence", str(entry)):
        yield from (r for r in standing(batch.records(stream)) if evidence_of(r.event) == entry)


def _naming(batch: "Batch", named: Sequence[Recorded]) -> Iterator[Recorded]:
    """What names some streams, or subscriptions of them, from another stream."""
    wanted = {(r.stream, r.event.subscription if isinstance(r.event, SubscriptionStarted) else None) for r in named}
    streams = batch.streams_holding({subscription or stream.partition(":")[2] for stream, subscription in wanted})
    batch.load(streams)
    for stream in streams if wanted else ():
        for record in standing(batch.records(stream)):
            meant = [reference for reference in references_of(record.event) if reference.stream != stream]
            if any(wanted & {(m.stream, None), (m.stream, m.subscription)} for m in meant):
                yield record


def _sold_by(batch: "Batch", win: Recorded) -> Iterator[Recorded]:
    """What a win did to subscriptions, unless another win of the deal stands."""
    if any(isinstance(r.event, DealWon) and r.entry != win.entry for r in standing(batch.records(win.stream))):
        return
    for stream in batch.accounts_naming("deal", win.id):
        yield from (r for r in standing(batch.records(stream)) if isinstance(r.event, _SOLD) and r.event.deal == win.id)
