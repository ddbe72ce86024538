"""From a command to the events that record it: judged on the whole timeline, refused only where it makes that impossible."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from salesledger.domain import account, deal, person, process, rate, settings, target
from salesledger.domain.clocks import day
from salesledger.domain.events import Event, EventVoided
from salesledger.domain.process import Processes
from salesledger.domain.timeline import UNRECORDED, Recorded, numbered, standing, strikes
from salesledger.errors import NOTHING_RECORDED, NotFound, Refused

CLOCK_SKEW = timedelta(days=1)
"""How far ahead of the ledger's clock an event may lie: two machines' clocks and time zones differ."""


_SHOWN = 5
"""How many entries a message lists."""


@dataclass(frozen=True)
class Record:
    """The wish to record an event."""

    event: Event


@dataclass(frozen=True)
class Void:
    """The wish to strike out an entry, or, where the entry is a void, to take that strike back."""

    entry: int
    reason: str
    recorded_by: str
    known_at: datetime | None = None


@dataclass(frozen=True)
class Correct:
    """The wish to strike out an entry and put another event in its place."""

    entry: int
    reason: str
    replacement: Event


Command = Record | Void | Correct


@dataclass(frozen=True)
class Context:
    """What a decision may look at besides the stream: the processes, the ledger's currency, its clock and its zone.

    Attributes:
        first_rate: gives the instant of a currency's first exchange rate, or None.
    """

    processes: Processes
    currency: str | None
    now: datetime
    zone: tzinfo = UTC
    first_rate: Callable[[str], datetime | None] = lambda _: None


@dataclass(frozen=True)
class Kind:
    """How the streams of one kind behave.

    Attributes:
        has_state: whether an event can depend on those before it; where none does, only the event itself is judged, so that
            thousands of rates take no longer each than one.
    """

    initial: Any
    complete: Callable[[Any, Event, Context], Event]
    refuse: Callable[[Any, Event, Context], str | None]
    evolve: Callable[[Any, Event], Any]
    has_state: bool = True


def _refuse_process(versions: frozenset[int], event: Event) -> str | None:
    if isinstance(event, process.ProcessDefined) and event.process_version in versions:
        return f"the process has a version {event.process_version} already"
    return None


def _evolve_process(versions: frozenset[int], event: Event) -> frozenset[int]:
    return versions | {event.process_version} if isinstance(event, process.ProcessDefined) else versions


KINDS: dict[str, Kind] = {
    "deal": Kind(
        deal.DealState(),
        lambda state, event, context: deal.complete(state, event, context.processes),
        lambda state, event, context: deal.refuse(state, event, context.processes, context.zone),
        deal.evolve,
    ),
    "account": Kind(
        account.AccountState(),
        lambda state, event, _: account.complete(state, event),
        lambda s, e, context: account.refuse(s, e, context.zone),
        account.evolve,
    ),
    "person": Kind(
        person.PersonState(),
        lambda _, event, __: event,
        lambda s, e, context: person.refuse(s, e, context.zone),
        person.evolve,
    ),
    "process": Kind(frozenset(), lambda _, event, __: event, lambda s, e, _: _refuse_process(s, e), _evolve_process),
    "settings": Kind(
        settings.SettingsState(), lambda _, event, __: event, lambda s, e, _: settings.refuse(s, e), settings.evolve
    ),
    "target": Kind(
        None,
        lambda _, event, __: event,
        lambda _, e, context: target.refuse(e, context.currency),
        lambda state, _: state,
        has_state=False,
    ),
    "rate": Kind(
        None,
        lambda _, event, __: event,
        lambda _, e, context: rate.refuse(e, context.currency),
        lambda state, _: state,
        has_state=False,
    ),
}


def kind_of(stream: str) -> str:
    """The kind of a stream: 'deal' of 'deal:acme-gmbh'."""
    return stream.partition(":")[0]


def fold(stream: str, timeline: Iterable[Recorded]) -> Any:
    """The state of a stream after the events of a timeline."""
    kind = KINDS[kind_of(stream)]
    state = kind.initial
    for record in timeline:
        state = kind.evolve(state, record.event)
    return state


def violations(stream: str, timeline: Iterable[Recorded], context: Context) -> dict[int, tuple[Recorded, str]]:
    """Every event of a timeline that is impossible where it stands, by entry, with why."""
    kind = KINDS[kind_of(stream)]
    state = kind.initial
    found: dict[int, tuple[Recorded, str]] = {}
    for record in timeline:
        problem = kind.refuse(state, record.event, context)
        if problem:
            found[record.entry] = (record, problem)
        state = kind.evolve(state, record.event)
    return found


def decide(stream: str, records: Sequence[Recorded], command: Command, context: Context) -> tuple[Event, ...]:
    """Turn a command into the events that record it.

    Args:
        stream: the stream that the command is about, such as 'deal:acme-gmbh'.
        records: everything that the stream holds, in the log's order.
        command: what is wished.
        context: what the decision may look at besides.

    Raises:
        Refused: the timeline would become impossible, or the event lies in the future.
        NotFound: the entry that is to be struck out is not in this stream.
    """
    _refuse_forgotten(records, context)
    if isinstance(command, Record):
        if command.event.rank is not None or command.event.replaces is not None:
            raise Refused(
                f"Only a correction gives an event another one's rank; correct that entry. {NOTHING_RECORDED}"
            )
        events: tuple[Event, ...] = (_placed(stream, records, command.event, context),)
    elif isinstance(command, Void):
        events = (_void(stream, records, command, context),)
    else:
        found = _target(stream, records, command.entry)
        if isinstance(found.event, EventVoided):
            raise Refused(f"Entry {command.entry} is itself a void; void it to take it back. {NOTHING_RECORDED}")
        following = _stands_for(records, found.entry)
        if following is not None:
            raise Refused(
                f"Entry {command.entry} was corrected already: entry {following} stands in its place. "
                f"Correct that: 'correct {following}'. {NOTHING_RECORDED}"
            )
        # Known together: at no moment of knowledge do both stand, or neither.
        wish = Void(command.entry, command.reason, command.replacement.recorded_by, command.replacement.known_at)
        void = _void(stream, records, wish, context)
        links = {"rank": found.event.rank or found.entry, "replaces": found.entry}
        without = [*records, *numbered(stream, len(records), [void], context.now)]
        events = (void, _placed(stream, without, command.replacement.model_copy(update=links), context))
    _refuse_impossible(stream, records, events, context)
    return events


def _stands_for(records: Sequence[Recorded], entry: int) -> int | None:
    """The entry that stands in the place of one that was corrected, perhaps several times."""
    struck = {
        root for root, void in strikes(records).items() if isinstance(void.event, EventVoided) and void.event.strikes
    }
    replacement = {r.event.replaces: r.entry for r in records if r.event.replaces is not None}
    following: int | None = entry if entry in struck else None
    while following is not None and following in struck:
        following = replacement.get(following)
    return following


def _refuse_forgotten(records: Sequence[Recorded], context: Context) -> None:
    """Nothing more is recorded of a person who was forgotten, with whatever date: there is no key for it."""
    for record in records:
        if isinstance(record.event, person.PersonForgotten):
            raise Refused(
                f"{record.id}: the person was forgotten on {day(record.recorded_at, context.zone)}, which can't be undone. "
                f"Add them anew with 'person add'. {NOTHING_RECORDED}"
            )


def _placed(stream: str, records: Sequence[Recorded], event: Event, context: Context) -> Event:
    """The event completed with what holds at its place in the timeline."""
    if event.STREAM is None:
        raise Refused(f"An entry is struck out by the command to void it, never by an event. {NOTHING_RECORDED}")
    if kind_of(stream) != event.STREAM:
        article = "an" if event.STREAM[0] in "aeiou" else "a"
        raise Refused(
            f"{event.type_name()} is an event of {article} {event.STREAM}, not of {stream}. {NOTHING_RECORDED}"
        )
    if event.effective_at - context.now > CLOCK_SKEW:
        raise Refused(
            f"{day(event.effective_at, context.zone)} lies in the future; an event records what has happened. {NOTHING_RECORDED}"
        )
    if event.known_at is not None and event.known_at > context.now:
        raise Refused(
            f"known_at {event.known_at.isoformat()} is later than now; what is recorded is known. {NOTHING_RECORDED}"
        )
    if isinstance(event, rate.RateSet) and stream != f"rate:{event.currency}":
        raise Refused(
            f"A rate of {event.currency} can't stand among those of {stream.partition(':')[2]}. {NOTHING_RECORDED}"
        )
    _check_rated(event, context)
    kind = KINDS[kind_of(stream)]
    if not kind.has_state:
        return kind.complete(kind.initial, event, context)
    new = next(numbered(stream, len(records), [event], context.now))
    before = [r for r in standing(records) if r.place < new.place]
    return kind.complete(fold(stream, before), event, context)


def _check_rated(event: Event, context: Context) -> None:
    """Make sure that an amount in a foreign currency has a rate on its day.

    Raises:
        Refused: it has none.
    """
    currency = getattr(event, "currency", None)
    if isinstance(event, rate.RateSet) or currency in (None, context.currency) or not context.currency:
        return
    first, on = context.first_rate(currency), day(event.effective_at, context.zone)
    if first is None:
        raise Refused(
            f"The ledger keeps its amounts in {context.currency} and has no exchange rate for {currency}. "
            f"Set it first: 'salesledger rate set {currency} RATE --on {on}'. {NOTHING_RECORDED}"
        )
    if on < day(first, context.zone):
        raise Refused(
            f"{currency} has no exchange rate on {on}; its first one is of {day(first, context.zone)}. "
            f"Set one for that day first: 'salesledger rate set {currency} RATE --on {on}'. {NOTHING_RECORDED}"
        )


def _target(stream: str, records: Sequence[Recorded], entry: int) -> Recorded:
    for record in records:
        if record.entry == entry < UNRECORDED:
            return record
    raise NotFound(f"Entry {entry} is not an entry of {stream}. {NOTHING_RECORDED}")


def _void(stream: str, records: Sequence[Recorded], command: Void, context: Context) -> EventVoided:
    found = _target(stream, records, command.entry)
    if not found.event.VOIDABLE:
        remedy = "It stays as it is."
        if isinstance(found.event, process.ProcessDefined):
            name = found.id
            remedy = (
                f"Define the process anew: 'process define' makes another version of {name!r}, which new deals follow, and "
                f"'deal move DEAL {name}' takes an old deal over."
            )
        raise Refused(
            f"Entry {command.entry} ({found.event.type_name()}) holds for the whole ledger and can't be voided. {remedy} "
            f"{NOTHING_RECORDED}"
        )
    chain = found.event.void_root if isinstance(found.event, EventVoided) else found.entry
    last = strikes(records).get(chain)
    is_struck = last is not None and isinstance(last.event, EventVoided) and last.event.strikes
    if isinstance(found.event, EventVoided):
        if last is not found:
            overtaken = f"entry {last.entry}" if last else "another entry"
            raise Refused(f"Void {command.entry} was overtaken by {overtaken}; void that instead. {NOTHING_RECORDED}")
    elif is_struck and last is not None:
        raise Refused(
            f"Entry {command.entry} is struck out already by entry {last.entry}; void {last.entry} to restore it. "
            f"{NOTHING_RECORDED}"
        )
    earliest = max(found.known_at, last.known_at if last else found.known_at)
    if is_struck:
        earliest = max([earliest, *_known_to_be_gone(records, chain)])
    if command.known_at is not None and not earliest <= command.known_at <= context.now:
        raise Refused(
            f"A void can't be known before what it strikes ({earliest.isoformat()}), nor later than now. {NOTHING_RECORDED}"
        )
    return EventVoided(
        effective_at=command.known_at or context.now,
        known_at=command.known_at,
        recorded_by=command.recorded_by,
        voids=command.entry,
        void_root=chain,
        strikes=not is_struck,
        void_reason=command.reason,
    )


def _known_to_be_gone(records: Sequence[Recorded], entry: int) -> list[datetime]:
    """When it became known that what shares an entry's rank is struck out: one event stands at a place, never two.

    Raises:
        Refused: one of them stands.
    """
    last = strikes(records)
    rank = next(r.place[1] for r in records if r.entry == entry)
    known: list[datetime] = []
    for other in records:
        if isinstance(other.event, EventVoided) or other.place[1] != rank or other.entry == entry:
            continue
        void = last.get(other.entry)
        if void is None or not isinstance(void.event, EventVoided) or not void.event.strikes:
            raise Refused(
                f"Entry {other.entry} stands in the place of entry {entry}; void {other.entry} first. {NOTHING_RECORDED}"
            )
        known.append(void.known_at)
    return known


def _refuse_impossible(stream: str, records: Sequence[Recorded], events: Sequence[Event], context: Context) -> None:
    kind = KINDS[kind_of(stream)]
    if not kind.has_state:
        for event in events:
            if problem := kind.refuse(kind.initial, event, context):
                raise Refused(f"{stream.partition(':')[2]}: {problem}. {NOTHING_RECORDED}")
        return
    after = [*records, *numbered(stream, len(records), events, context.now)]
    now_impossible = violations(stream, standing(after), context)
    if not now_impossible:
        return
    new = [v for entry, v in now_impossible.items() if entry not in violations(stream, standing(records), context)]
    if not new:
        return
    record, problem = new[0]
    if any(record.event is event for event in events):
        raise Refused(f"{record.id}: {problem}. {NOTHING_RECORDED}")
    last = events[-1]
    if len(events) == 1 and isinstance(last, EventVoided) and last.strikes:
        raise Refused(_needed_by(last.void_root, [r for r, _ in new], context))
    others = "; ".join(f"{_named(r, context)}: {why}" for r, why in new[:_SHOWN])
    raise Refused(f"{record.id}: that would make what follows impossible: {others}. {NOTHING_RECORDED}")


def _needed_by(root: int, needing: Sequence[Recorded], context: Context) -> str:
    """Why an entry can't be struck out, and in which order what depends on it can."""
    others = "; ".join(_named(record, context) for record in needing[:_SHOWN])
    more = f" and {len(needing) - _SHOWN} more" if len(needing) > _SHOWN else ""
    order = ", ".join(str(record.entry) for record in reversed(needing))
    first = f"{order[:80].rpartition(',')[0]}, ..." if len(order) > 80 else order
    which = "that first" if len(needing) == 1 else "those first, the last one first"
    return (
        f"{needing[0].id}: to strike out entry {root} would make what follows impossible: {others}{more}. "
        f"Void {which} ({first}), or correct entry {root} instead. {NOTHING_RECORDED}"
    )


def _named(record: Recorded, context: Context) -> str:
    return f"{record.named} ({record.event.type_name()} on {day(record.event.effective_at, context.zone)})"
