"""Between events and the bytes that the log keeps: pydantic's JSON, topics from our own table, upcasters for old ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from eventsourcing.persistence import JSONTranscoder, Mapper, Notification, StoredEvent
from pydantic import ValidationError
from pydantic_core import from_json, to_json

import salesledger.domain.decide  # noqa: F401 - every event is in the table of topics once it is imported
from salesledger.domain.clocks import from_micros
from salesledger.domain.events import TOPICS, Event
from salesledger.domain.timeline import Recorded
from salesledger.errors import DamagedLedger, NewerLedger

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTERS: dict[str, tuple[str, Upcaster]] = {}
"""For every topic that is no longer current: the topic that follows it, and what turns its state into that one's."""


@dataclass(frozen=True)
class Pending:
    """An event on its way into the log."""

    originator_id: str
    originator_version: int
    event: Event
    key: str | None = None


@dataclass(frozen=True)
class KeyedEvent(StoredEvent):
    """A stored event with the idempotency key that it is appended under."""

    key: str | None = None


@dataclass(frozen=True)
class LoggedEvent(Notification):
    """A stored event as the log holds it: with its entry (`id`), its stamp in microseconds since 1970, and its key."""

    recorded_at: int = 0
    key: str | None = None


class LedgerMapper(Mapper[str]):
    """Maps pending events to stored ones, and logged ones to `Recorded`.

    Args:
        place: the ledger's place, for messages.
        topics: the current classes by topic.
        upcasters: see `UPCASTERS`.
    """

    def __init__(
        self,
        place: str = "",
        topics: Mapping[str, type[Event]] = TOPICS,
        upcasters: Mapping[str, tuple[str, Upcaster]] = UPCASTERS,
    ) -> None:
        super().__init__(JSONTranscoder())
        self.place = place
        self.topics = topics
        self.upcasters = upcasters

    def to_stored_event(self, pending: Any) -> KeyedEvent:
        """The bytes of an event."""
        event = pending.event
        return KeyedEvent(
            pending.originator_id,
            pending.originator_version,
            event.TOPIC,
            event.__pydantic_serializer__.to_json(event, exclude_none=True),
            pending.key,
        )

    def to_domain_event(self, logged: Any) -> Any:
        """The event of some bytes, as a `Recorded`.

        Raises:
            NewerLedger: the topic is not one that this version knows. It is never looked up anywhere else.
            DamagedLedger: the bytes are not what the topic promises.
        """
        topic, state = logged.topic, logged.state
        cls = self.topics.get(topic)
        if cls is None:
            topic, state = upcast(self.place, logged.id, topic, state, self.upcasters)
            cls = self.topics.get(topic)
        if cls is None:
            raise NewerLedger(self.place, f"entry {logged.id} is of the unknown type {topic!r}")
        try:
            event = cls.__pydantic_validator__.validate_json(state)
        except ValidationError as e:
            problem = e.errors(include_url=False, include_input=False)[0]["msg"]
            raise DamagedLedger(self.place, f"entry {logged.id} is no {topic}: {problem}") from e
        return Recorded(
            logged.originator_id,
            logged.originator_version,
            event,
            logged.id,
            from_micros(logged.recorded_at),
            logged.key,
        )


def upcast(
    place: str, entry: int, topic: str, state: bytes, upcasters: Mapping[str, tuple[str, Upcaster]]
) -> tuple[str, bytes]:
    """Bring the state of an old topic to the current one's form; a topic without an upcaster is given back as it is.

    Raises:
        DamagedLedger: the state is no JSON object.
    """
    if topic not in upcasters:
        return topic, state
    try:
        fields = from_json(state)
    except ValueError as e:
        raise DamagedLedger(place, f"entry {entry} is no JSON") from e
    while topic in upcasters:
        topic, step = upcasters[topic]
        fields = step(fields)
    return topic, to_json(fields)
