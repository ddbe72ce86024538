"""From what a row says, and what its system said before, to the least that has to be recorded.

A row is compared with what its own system last imported for the deal, never with the deal's state: what people changed by
hand in the ledger stays, and an unchanged row doesn't undo it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from salesledger.domain.account import AccountOpened
from salesledger.domain.deal_events import ATTRIBUTES, DealAdvanced, DealEvent, DealRevised, LeadCaptured, Money
from salesledger.domain.decide import Command, Correct, Record, Void, fold
from salesledger.domain.events import Event, EventVoided
from salesledger.domain.timeline import Recorded, standing
from salesledger.exchange.facts import Facts
from salesledger.exchange.rules import CAPTURED, REVISED, STAGED
from salesledger.ledger.batch import Batch, Proposal

_MONEY = tuple(Money.model_fields)
_FIXED = (*_MONEY, "expected_close", "category")
"""What the ledger holds fast while a deal is closed."""

_OF_A_CAPTURE = ("process", "referred_by", "grown_from")


@dataclass
class Held:
    """What one system has imported for one deal, whatever others did to it since.

    Attributes:
        slots: the dated events that it last left standing, by slot.
        undated: the changes without a date of their own, in business order.
    """

    prefix: str
    slots: dict[str, Recorded] = field(default_factory=dict)
    undated: list[Recorded] = field(default_factory=list)
    slot_of: dict[int, str] = field(default_factory=dict)
    _generations: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, records: Sequence[Recorded], prefix: str) -> "Held":
        """Read it from a deal's stream: what carries a key with the prefix, and what replaces something with such a key."""
        held = cls(prefix)
        own: list[Recorded] = []
        last: Recorded | None = None
        for record in records:
            slot = held._keyed(record.key)
            if slot is None and last is not None and _replaces(record, last):
                slot = held.slot_of[last.entry]
            if slot is not None:
                held.slot_of[record.entry] = slot
                own.append(record)
            last = record if slot is not None else None
        for record in standing(own):
            slot = held.slot_of[record.entry]
            if slot in (REVISED, STAGED):
                held.undated.append(record)
            else:
                held.slots[slot] = record
        return held

    def _keyed(self, key: str | None) -> str | None:
        if key is None or not key.startswith(self.prefix):
            return None
        slot, _, generation = key.removeprefix(self.prefix).rpartition(":")
        if not slot or not (generation.isascii() and generation.isdecimal()):
            return None
        self._generations[slot] = max(self._generations[slot], int(generation))
        return slot

    def next_key(self, slot: str) -> str:
        """A key that nothing of the deal has: the slot's next generation."""
        self._generations[slot] += 1
        return f"{self.prefix}{slot}:{self._generations[slot]}"


def _replaces(record: Recorded, before: Recorded) -> bool:
    void = before.event
    return (
        isinstance(void, EventVoided)
        and record.version == before.version + 1
        and record.event.replaces is not None
        and record.event.replaces == void.voids
    )


def propose(facts: Facts, batch: Batch, *, source: str, actor: str) -> tuple[bool, list[Proposal]]:
    """What a row adds to the ledger.

    Args:
        facts: what the row says.
        batch: the ledger as it stands.
        source: the id of the row's system.
        actor: who imports.

    Returns:
        Whether the deal is new to this system, and the proposals; none where nothing changed.
    """
    stream = f"deal:{facts.deal}"
    records = batch.records(stream)
    held = Held.of(records, f"{source}:{facts.deal}:")
    if held.slot_of:
        change = _Change(facts, held, batch.context.now, source, actor)
        stage = None if facts.stage is None else fold(stream, standing(records)).stage
        commands = list(change.commands(stage))
        account, first_at, known_at = change.account, change.captured.effective_at, None
    else:
        events = [_known_then(facts, event) for event in facts.events.values()]
        commands = [(slot, Record(event)) for slot, event in zip(facts.events, events, strict=True)]
        account, first_at, known_at = facts.attributes.get("account"), events[0].effective_at, events[0].known_at
    proposals = [Proposal(stream, command, held.next_key(slot)) for slot, command in commands]
    if account is not None and not batch.records(f"account:{account}"):
        opened = AccountOpened(
            effective_at=first_at,
            known_at=known_at,
            recorded_by=actor,
            source_system=source,
            company=facts.account_name or account,
        )
        proposals.insert(0, Proposal(f"account:{account}", Record(opened), f"{source}:account/{account}"))
    return not held.slot_of, proposals


def _known_then(facts: Facts, event: DealEvent) -> DealEvent:
    return event.model_copy(update={"known_at": facts.known_at or event.effective_at})


class _Change:
    """How the events of one system change where its row says something else than before."""

    def __init__(self, facts: Facts, held: Held, now: datetime, source: str, actor: str) -> None:
        self.facts, self.held, self.source, self.actor, self.now = facts, held, source, actor, now
        self.new: dict[int, DealEvent | None] = {}
        self._change_slots()
        self._clear_undated()
        self._revised = self._differing()
        self.account = self._revised.get("account") or (None if CAPTURED in held.slots else self.captured.account)
        self._fix_closed()

    @property
    def captured(self) -> LeadCaptured:
        """What begins the deal from now on."""
        record = self.held.slots.get(CAPTURED)
        event = self.facts.events[CAPTURED] if record is None else self._now(record)
        assert isinstance(event, LeadCaptured)
        return event

    def _now(self, record: Recorded) -> Event | None:
        return self.new.get(record.entry, record.event)

    def _update(self, record: Recorded, **values: Any) -> None:
        """Put another event in the place of a recorded one: the same but for some values, known as of now."""
        event = self._now(record)
        assert isinstance(event, DealEvent)
        fresh = {
            "known_at": None,
            "rank": None,
            "replaces": None,
            "recorded_by": self.actor,
            "source_system": self.source,
        }
        self.new[record.entry] = event.model_copy(update=fresh | values)

    def _change_slots(self) -> None:
        for slot, record in self.held.slots.items():
            wished = self.facts.events.get(slot)
            if wished is None:
                self.new[record.entry] = None
            elif type(wished) is not type(record.event):
                self.new[record.entry] = wished
            elif values := self._changed(record.event, wished):
                self._update(record, **values)

    def _changed(self, held: Event, wished: DealEvent) -> dict[str, Any]:
        """What the wished event says differently; a field that it leaves out says nothing."""
        names: list[str]
        if isinstance(wished, LeadCaptured):
            names = [*_OF_A_CAPTURE]
            names += ["company"] if self.facts.company_given else []
            names += ["stage"] if self.facts.stage is None else []
        else:
            names = [name for name in type(wished).model_fields if name not in Event.model_fields]
        if self.facts.dated or not isinstance(wished, LeadCaptured):
            names.append("effective_at")
        said = {name: value for name in names if (value := getattr(wished, name)) is not None}
        return {name: value for name, value in said.items() if value != getattr(held, name)}

    def _clear_undated(self) -> None:
        """Make room for the deal's new dates: undated changes before its capture move up to it, those behind its close go."""
        begin, end = self.captured.effective_at, self.facts.closed_at
        for record in self.held.undated:
            event = record.event
            if event.effective_at < begin:
                self._update(record, effective_at=begin)
            elif end is not None and event.effective_at > end:
                if isinstance(event, DealAdvanced):
                    self.new[record.entry] = None
                elif any(name in _FIXED for name in _sets(event)):
                    self._update(record, **dict.fromkeys(_FIXED))
                    if not _sets(self._now(record)):
                        self.new[record.entry] = None

    def _standing(self) -> Iterable[Event]:
        """What begins the deal and its undated changes, in business order."""
        yield self.captured
        yield from (event for record in self.held.undated if (event := self._now(record)) is not None)

    def _differing(self) -> dict[str, Any]:
        """The attributes that the row says differently."""
        before: dict[str, Any] = {}
        for event in self._standing():
            before |= _sets(event)
        said = {n: v for n, v in self.facts.attributes.items() if not (self.facts.won and n in _MONEY)}
        changed = {name: value for name, value in said.items() if value != before.get(name)}
        if any(name in _MONEY for name in changed):
            changed |= {name: said[name] for name in _MONEY if name in said}
        return changed

    def _fix_closed(self) -> None:
        """Of a closed deal, some attributes can't be revised any more: correct what set them."""
        if self.facts.closed_at is None or CAPTURED not in self.held.slots:
            return
        fixed = {name: self._revised.pop(name) for name in _FIXED if name in self._revised}
        for name, value in fixed.items():
            decisive = "amount" if name in _MONEY else name
            setters = [r for r in self.held.undated if decisive in _sets(self._now(r))]
            self._update(setters[-1] if setters else self.held.slots[CAPTURED], **{name: value})

    def commands(self, stage: str | None) -> Iterable[tuple[str, Command]]:
        """The slot and the command of each step, in an order in which every step is possible.

        First what goes; then what moves later, the last first, and what moves earlier, the first first; then what is new.

        Args:
            stage: the stage that the deal is in by now.
        """
        records = sorted([*self.held.slots.values(), *self.held.undated], key=lambda r: r.place)
        gone = [r for r in reversed(records) if r.entry in self.new and self.new[r.entry] is None]
        for record in gone:
            reason = f"the row of {self.source} doesn't say so any more"
            yield self.held.slot_of[record.entry], Void(record.entry, reason, self.actor)
        moved = [(r, event) for r in records if (event := self.new.get(r.entry)) is not None]
        later = [(r, event) for r, event in moved if event.effective_at > r.event.effective_at]
        for record, event in [*reversed(later), *(m for m in moved if m not in later)]:
            reason = f"the row of {self.source} changed"
            yield self.held.slot_of[record.entry], Correct(record.entry, reason, event)
        for slot, event in self.facts.events.items():
            if slot not in self.held.slots:
                yield slot, Record(event)
        common: dict[str, Any] = {"effective_at": self.now, "recorded_by": self.actor, "source_system": self.source}
        if self._revised:
            yield REVISED, Record(DealRevised(**common, **self._revised))
        wished = self.facts.stage
        if wished is not None and wished not in (stage, self._stage()):
            yield STAGED, Record(DealAdvanced(**common, stage=wished))

    def _stage(self) -> str | None:
        stages = [event.stage for event in self._standing() if isinstance(event, LeadCaptured | DealAdvanced)]
        return next((stage for stage in reversed(stages) if stage is not None), None)


def _sets(event: Event | None) -> dict[str, Any]:
    """The attributes, or the stage, that an event sets."""
    names = ("stage",) if isinstance(event, DealAdvanced) else ATTRIBUTES
    return {name: value for name in names if (value := getattr(event, name, None)) is not None}
