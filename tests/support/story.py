"""A tiny language for the domain: given what happened, when somebody commands, then events or a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from salesledger.domain.decide import Command, Context, Correct, Record, Void, decide, fold
from salesledger.domain.events import Event
from salesledger.domain.process import B2B, ProcessDefined, Processes
from salesledger.domain.timeline import Recorded, standing
from salesledger.errors import NOTHING_RECORDED, SalesledgerError
from support.happenings import at

NOW = at(60)
B2B_ONLY = Processes.of(
    [("b2b", ProcessDefined(effective_at=at(1), recorded_by="kim", process_version=1, stages=B2B.stages))]
)
CONTEXT = Context(B2B_ONLY, "EUR", NOW)


@dataclass(frozen=True)
class Story:
    """One stream as it was recorded so far, entries numbered from 1, and what the ledger's clock says."""

    stream: str = "deal:acme"
    records: tuple[Recorded, ...] = ()
    context: Context = CONTEXT

    def when(self, wish: Command | Event) -> list[Event]:
        """The events that a command would record."""
        return list(decide(self.stream, self.records, _command(wish), self.context))

    def refuses(self, wish: Command | Event, kind: type[SalesledgerError] | None = None) -> str:
        """Why a command is refused; it fails the test where it isn't, or where the message forgets that nothing was recorded."""
        with pytest.raises(SalesledgerError) as refusal:
            self.when(wish)
        if kind:
            assert refusal.type is kind
        message = str(refusal.value)
        assert message.endswith(NOTHING_RECORDED)
        return message

    def then(self, *wishes: Command | Event) -> Story:
        """The story with more commands decided and recorded, one after the other."""
        story = self
        for wish in wishes:
            records = list(story.records)
            for event in story.when(wish):
                number = len(records) + 1
                records.append(Recorded(story.stream, number, event, number, story.context.now))
            story = replace(story, records=tuple(records))
        return story

    def at(self, now: datetime) -> Story:
        """The story when the ledger's clock has moved on."""
        return replace(self, context=replace(self.context, now=now))

    @property
    def state(self) -> Any:
        """What the stream has come to."""
        return fold(self.stream, standing(self.records))

    @property
    def standing(self) -> list[int]:
        """The entries that stand, in business order."""
        return [r.entry for r in standing(self.records)]

    def event(self, entry: int) -> Any:
        """The event of an entry."""
        return self.records[entry - 1].event


def given(*wishes: Command | Event, stream: str = "deal:acme", **context: Any) -> Story:
    """What happened so far, each step decided as the ledger decides it."""
    story = Story(stream)
    return replace(story, context=replace(story.context, **context)).then(*wishes)


def void(entry: int, reason: str = "a mistake", known_at: datetime | None = None) -> Void:
    """The wish to strike out an entry."""
    return Void(entry, reason, "kim", known_at)


def correct(entry: int, replacement: Event, reason: str = "a mistake") -> Correct:
    """The wish to put another event in the place of an entry."""
    return Correct(entry, reason, replacement)


def types(events: Sequence[Event]) -> list[str]:
    """The types of some events."""
    return [event.type_name() for event in events]


def _command(wish: Command | Event) -> Command:
    return Record(wish) if isinstance(wish, Event) else wish
