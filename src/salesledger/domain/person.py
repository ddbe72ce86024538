"""Persons: the people at clients whom a deal depends on, known by an id that says nothing about them.

What is personal is marked as such and is never stored in plain text; the key of a person who is forgotten is destroyed.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from salesledger.domain.clocks import day
from salesledger.domain.events import Event, Personal
from salesledger.domain.values import Text


class PersonAdded(Event):
    """A person became known.

    Attributes:
        name: the person's name.
        email: where to write to.
        phone: where to call.
        position: what the person does there, in words.
        remark: what else is worth knowing.
    """

    TOPIC = "person-added/1"
    STREAM = "person"

    name: Personal
    email: Personal | None = None
    phone: Personal | None = None
    position: Personal | None = None
    remark: Personal | None = None


class PersonRevised(Event):
    """Something about the person changed; what isn't given stays."""

    TOPIC = "person-revised/1"
    STREAM = "person"

    name: Personal | None = None
    email: Personal | None = None
    phone: Personal | None = None
    position: Personal | None = None
    remark: Personal | None = None


class PersonForgotten(Event):
    """The person's key was destroyed: whatever the ledger holds of them can't be read any more, by anybody.

    Attributes:
        reason: why, without a word about the person.
    """

    TOPIC = "person-forgotten/1"
    STREAM = "person"
    VOIDABLE = False

    reason: Text


@dataclass(frozen=True)
class PersonState:
    """What holds for a person at a moment."""

    added_at: datetime | None = None


def refuse(state: PersonState, event: Event, zone: tzinfo = UTC) -> str | None:
    """Why the event is impossible in this state, or None."""
    if isinstance(event, PersonAdded):
        return f"the person was added already on {day(state.added_at, zone)}" if state.added_at else None
    if state.added_at is None:
        return (
            f"the person is not known yet on {day(event.effective_at, zone)}; add them first, or with an earlier date"
        )
    if isinstance(event, PersonRevised) and not any(getattr(event, name) for name in event.PERSONAL):
        return "nothing was changed; give what is to change"
    return None


def evolve(state: PersonState, event: Event) -> PersonState:
    """The state after the event."""
    if isinstance(event, PersonAdded):
        return replace(state, added_at=event.effective_at)
    return state
