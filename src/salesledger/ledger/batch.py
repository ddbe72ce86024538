"""What is about to be appended together: each proposal decided on the log and on the proposals before it."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from salesledger.domain.account import SubscriptionStarted
from salesledger.domain.deal_events import LeadCaptured, LeadTouched
from salesledger.domain.decide import Command, Context, Correct, Record, Void, decide, fold
from salesledger.domain.events import Event, EventVoided
from salesledger.domain.person import PersonForgotten
from salesledger.domain.process import ProcessDefined, Processes
from salesledger.domain.rate import RateSet
from salesledger.domain.settings import CurrencySet
from salesledger.domain.timeline import Recorded, numbered, standing
from salesledger.domain.values import slug
from salesledger.errors import NOTHING_RECORDED, KeyReused, NotFound, Refused
from salesledger.ledger.dependants import refuse_where_needed
from salesledger.ledger.evidence import refuse_of_another
from salesledger.ledger.format import SETTINGS_STREAM
from salesledger.ledger.mapper import Pending
from salesledger.ledger.rating import FirstRates, refuse_to_unrate
from salesledger.ledger.references import evidence_of, references_of

if TYPE_CHECKING:
    from salesledger.ledger.store import Store

_ENVELOPE = {"recorded_by", "rank", "replaces"}
_TRIED_IN_TURN = 10
"""Up to which number an id that is taken is tried with the next one."""

_REMEDIES = {
    "account": "Open it with 'account open'",
    "deal": "Check the id with 'salesledger deals'",
    "person": "Check the id with 'salesledger person list'",
}


@dataclass(frozen=True)
class NewId:
    """A stream whose id is made from a name when it is recorded, with a number appended where the id is taken.

    Attributes:
        numbered: whether there is always a number, from 1.
    """

    kind: str
    name: str
    numbered: bool = False


@dataclass(frozen=True)
class StreamOf:
    """The stream of an earlier proposal of the same group.

    Attributes:
        place: which, from 0.
    """

    place: int


@dataclass(frozen=True)
class Proposal:
    """A command on its way to the ledger.

    Attributes:
        stream: which stream it is about.
        command: what is wished; or a function that makes it from the streams of the proposals before it in its group.
        key: idempotency key: the same key with the same content is done only once.
        dated: whether the effective date was given, not defaulted; only a given one counts as content.
    """

    stream: str | NewId | StreamOf
    command: Command | Callable[[Sequence[str]], Command]
    key: str | None = None
    dated: bool = True


@dataclass(frozen=True)
class Outcome:
    """What became of a proposal.

    Attributes:
        stream: the stream that it went to.
        recorded: the entries; in a dry run they have stand-in numbers.
        already: True where the key showed that it had been recorded before.
    """

    stream: str
    recorded: tuple[Recorded, ...]
    already: bool = False


@dataclass
class Batch:
    """The events of one append, as they come to be.

    Args:
        store: the log.
        context: what decisions may look at besides.
    """

    store: "Store"
    context: Context
    pending: list[Pending] = field(default_factory=list)
    _streams: dict[str, list[Recorded]] = field(default_factory=dict)
    _keys: dict[str, Recorded] = field(default_factory=dict)
    _groups: list[list[tuple[str, tuple[Recorded, ...], bool]]] = field(default_factory=list)
    _named: dict[tuple[str, str], set[str]] | None = None

    def __post_init__(self) -> None:
        self.context = replace(self.context, first_rate=FirstRates(self.records))

    def load(self, streams: Iterable[str]) -> None:
        """Read many streams at once, where they are not read yet."""
        missing = [stream for stream in dict.fromkeys(streams) if stream not in self._streams]
        if missing:
            self._streams |= self.store.records_of(missing)

    def follow_up(self) -> "Batch":
        """A batch that is decided as if this one had been recorded, of which it keeps all but the deals: for rehearsals."""
        kept = {stream: records for stream, records in self._streams.items() if not stream.startswith("deal:")}
        return Batch(self.store, self.context, _streams=kept)

    def skip(self) -> None:
        """Keep the place of a group that was refused."""
        self._groups.append([])

    def add(self, group: Sequence[Proposal]) -> None:
        """Decide a group on top of what is in the batch.

        Raises:
            Refused, NotFound, KeyReused: nothing of the group is added.
        """
        before: dict[str, int] = {}
        mark, context = len(self.pending), self.context
        done: list[tuple[str, tuple[Recorded, ...], bool]] = []
        streams: list[str] = []
        try:
            for proposal in group:
                command = proposal.command(streams) if callable(proposal.command) else proposal.command
                if isinstance(proposal.stream, StreamOf):
                    proposal = replace(proposal, stream=streams[proposal.stream.place])
                assert not isinstance(proposal.stream, StreamOf)
                if known := self._known(proposal, command):
                    done.append((known[0].stream, known, True))
                    streams.append(known[0].stream)
                    continue
                stream = self._resolve(proposal.stream, command)
                streams.append(stream)
                self._check_references(stream, command)
                before.setdefault(SETTINGS_STREAM, len(self.records(SETTINGS_STREAM)))
                before.setdefault(stream, len(self.records(stream)))
                self._set_currency(command)
                self._check_strike(stream, command)
                made = self._decide(stream, command, proposal.key)
                self._check_restored(made)
                done.append((stream, made, False))
        except Exception:
            for undone in self.pending[mark:]:
                self._keys.pop(undone.key or "", None)
            del self.pending[mark:]
            self.context = context
            for stream, length in before.items():
                del self._streams[stream][length:]
            raise
        self._groups.append(done)

    def outcomes(self, recorded: Sequence[Recorded]) -> list[list[Outcome]]:
        """What became of each group, with the numbers that the log gave."""
        real = {(r.stream, r.version): r for r in recorded}
        return [
            [
                Outcome(stream, tuple(real.get((r.stream, r.version), r) for r in records), already)
                for stream, records, already in group
            ]
            for group in self._groups
        ]

    def _decide(self, stream: str, command: Command, key: str | None) -> tuple[Recorded, ...]:
        records = self.records(stream)
        currency = stream.removeprefix("rate:") if stream.startswith("rate:") else None
        first_rate = self.context.first_rate(currency) if currency and not isinstance(command, Record) else None
        events = decide(stream, records, command, self.context)
        made = tuple(numbered(stream, len(records), events, self.context.now))
        records.extend(made)
        for i, record in enumerate(made):
            self.pending.append(Pending(stream, record.version, record.event, key if i == 0 else None))
        if key:
            self._keys[key] = made[0]
        defined = Processes.of((r.id, r.event) for r in made if isinstance(r.event, ProcessDefined))
        if defined.versions:
            processes = Processes((*self.context.processes.versions, *defined.versions))
            self.context = replace(self.context, processes=processes)
        if currency and first_rate:
            refuse_to_unrate(currency, first_rate, self.context, self.records, self.store.users_of)
        return made

    def records(self, stream: str) -> list[Recorded]:
        """Everything that a stream holds, what the batch adds to it included; not to be changed."""
        if stream not in self._streams:
            self._streams[stream] = self.store.records(stream)
        return self._streams[stream]

    def _known(self, proposal: Proposal, command: Command) -> tuple[Recorded, ...]:
        """What was recorded under the proposal's key: an entry, or a void and the replacement that came with it."""
        if proposal.key is None:
            return ()
        first = self._keys.get(proposal.key) or self.store.keyed(proposal.key)
        if first is None:
            return ()
        known = (first, *self._replacement(first))
        difference = _difference(known, proposal, command)
        if difference and proposal.key in self._keys:
            raise KeyReused(
                f"The key {proposal.key!r} occurs twice in what is to be recorded, and the two differ in {difference}. "
                f"{NOTHING_RECORDED}"
            )
        if difference:
            raise KeyReused(
                f"The key {proposal.key!r} was used for entry {first.entry} ({first.event.type_name()}), which differs in "
                f"{difference}. Use another key for something new, or 'correct {first.entry}'. {NOTHING_RECORDED}"
            )
        return known

    def _replacement(self, void: Recorded) -> list[Recorded]:
        """What a correction appended together with a void."""
        if not isinstance(void.event, EventVoided):
            return []
        behind = [r for r in self.records(void.stream) if r.version == void.version + 1]
        return [r for r in behind if r.event.replaces == void.event.voids]

    def _resolve(self, stream: str | NewId, command: Command) -> str:
        if isinstance(stream, str):
            return stream
        base = f"{stream.kind}:{slug(stream.name)}"
        captures = isinstance(command, Record) and isinstance(command.event, LeadCaptured)
        for number in range(1, _TRIED_IN_TURN):
            candidate = f"{base}-{number}" if number > 1 or stream.numbered else base
            records = self.records(candidate)
            if not records or (captures and all(isinstance(r.event, LeadTouched | EventVoided) for r in records)):
                return candidate
        while self.records(candidate := f"{base}-{self._free_number(base)}"):
            pass  # somebody took it after it was found to be free
        return candidate

    def _free_number(self, base: str) -> int:
        """A number that makes an id of its own; found in few steps however many there are: a shop sells to 'cash' all day."""

        def is_taken(number: int) -> bool:
            stream = f"{base}-{number}"
            return bool(self._streams.get(stream)) or self.store.exists(stream)

        taken, free = _TRIED_IN_TURN - 1, _TRIED_IN_TURN
        while is_taken(free):
            taken, free = free, free * 2
        while free - taken > 1:
            middle = (taken + free) // 2
            taken, free = (middle, free) if is_taken(middle) else (taken, middle)
        return free

    def _check_references(self, stream: str, command: Command) -> None:
        event = _event_of(command)
        if event is None:
            return
        self._check_named(event)
        if (evidence := evidence_of(event)) is not None:
            refuse_of_another(self, stream, self.store.entry(evidence))
        for reference in references_of(event) if isinstance(command, Record) else ():
            if any(isinstance(record.event, PersonForgotten) for record in self.records(reference.stream)):
                name = reference.stream.partition(":")[2]
                raise Refused(f"{name}: the person was forgotten; add them anew with 'person add'. {NOTHING_RECORDED}")

    def _check_strike(self, stream: str, command: Command) -> None:
        """What is struck out for good leaves nothing behind in other streams that needs it."""
        if not isinstance(command, Void):
            return
        entries = {r.entry: r.event for r in self.records(stream)}
        if any(isinstance(event, PersonForgotten) for event in entries.values()):
            return  # refused, whatever depends on it
        named = entries.get(command.entry)
        root = named.void_root if isinstance(named, EventVoided) else command.entry
        for record in standing(self.records(stream)):
            if record.entry == root and record.event.VOIDABLE:
                refuse_where_needed(self, record)

    def _check_restored(self, made: Sequence[Recorded]) -> None:
        """What is restored still finds what it names."""
        void = made[0].event
        if len(made) == 1 and isinstance(void, EventVoided) and not void.strikes:
            self._check_named(next(r.event for r in self.records(made[0].stream) if r.entry == void.void_root))

    def streams_holding(self, names: Collection[str]) -> set[str]:
        """The streams of which an entry holds one of some texts in quotes, and those that the batch has looked at."""
        return {*self.store.streams_holding(names), *self._streams}

    def accounts_naming(self, field: str, value: str) -> set[str]:
        """The accounts of which an entry has a value in the field 'deal' or 'evidence', and those that the batch has looked at."""
        if self._named is None:
            self._named = self.store.named_by_accounts()
        looked_at = (stream for stream in self._streams if stream.startswith("account:"))
        return {*self._named.get((field, value), ()), *looked_at}

    def _check_named(self, event: Event) -> None:
        for reference in references_of(event):
            if reference.subscription is None and not standing(self.records(reference.stream)):
                kind, _, name = reference.stream.partition(":")
                raise NotFound(f"There is no {kind} {name!r}. {_REMEDIES[kind]}. {NOTHING_RECORDED}")
        if (evidence := evidence_of(event)) is not None:
            self.store.entry(evidence)
        if isinstance(event, LeadCaptured) and event.subscription is not None:
            self._check_subscription(event.account, event.subscription)

    def _check_subscription(self, account: str | None, subscription: str) -> None:
        """A lead grows from a subscription of its own account."""
        if account is None:
            raise NotFound(
                f"The lead grew from the subscription {subscription!r} and names no account; give the account that has it. "
                f"{NOTHING_RECORDED}"
            )
        started = [r.event for r in standing(self.records(f"account:{account}"))]
        names = [event.subscription for event in started if isinstance(event, SubscriptionStarted)]
        if subscription not in names:
            raise NotFound(
                f"The account {account!r} has no subscription {subscription!r}; it has: {', '.join(names) or 'none yet'}. "
                f"{NOTHING_RECORDED}"
            )

    def _set_currency(self, command: Command) -> None:
        event = _event_of(command)
        currency = getattr(event, "currency", None)
        if event is None or currency is None or isinstance(event, RateSet) or self.context.currency:
            return
        settings = self.records(SETTINGS_STREAM)
        # Somebody may have set it between the reading of the context and the reading of this stream.
        if set_already := fold(SETTINGS_STREAM, settings).currency:
            self.context = replace(self.context, currency=set_already)
            return
        chosen = CurrencySet(effective_at=self.context.now, recorded_by=event.recorded_by, currency=currency)
        (made,) = numbered(SETTINGS_STREAM, len(settings), [chosen], self.context.now)
        settings.append(made)
        self.pending.append(Pending(SETTINGS_STREAM, made.version, chosen))
        self.context = replace(self.context, currency=currency)


def _event_of(command: Command) -> Event | None:
    if isinstance(command, Record):
        return command.event
    return command.replacement if isinstance(command, Correct) else None


def _difference(known: Sequence[Recorded], proposal: Proposal, command: Command) -> str | None:
    """What tells a keyed entry from what is proposed under the same key: a field's name, or None where they are the same."""
    first = known[0]
    if isinstance(proposal.stream, str) and proposal.stream != first.stream:
        return "whom it is about"
    if isinstance(command, Record):
        return _other_field(first.event, command.event, dated=proposal.dated)
    if not isinstance(first.event, EventVoided):
        return "its type"
    if (first.event.voids, first.event.void_reason) != (command.entry, command.reason):
        return "what it voids"
    if isinstance(command, Correct) and len(known) == 2:
        return _other_field(known[1].event, command.replacement, dated=True)
    return "its replacement" if isinstance(command, Correct) or len(known) == 2 else None


def _other_field(held: Event, wished: Event, *, dated: bool) -> str | None:
    """The first field in which an event differs from a wish; what the wish leaves to the ledger is no difference."""
    if type(wished) is not type(held):
        return "its type"
    for name in type(wished).model_fields:
        if name in _ENVELOPE or (name == "effective_at" and not dated):
            continue
        wish = getattr(wished, name)
        if wish != getattr(held, name) and not (wish is None and name in wished.COMPLETED):
            return name
    return None
