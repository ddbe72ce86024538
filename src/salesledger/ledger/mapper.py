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
from salesledger.ledger.keys import ERASED, PersonKeys, sealed_fields

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
        keys: what encrypts and decrypts what is personal; events that hold any can't be mapped without.
    """

    def __init__(
        self,
        place: str = "",
        topics: Mapping[str, type[Event]] = TOPICS,
        upcasters: Mapping[str, tuple[str, Upcaster]] = UPCASTERS,
        keys: PersonKeys | None = None,
    ) -> None:
        super().__init__(JSONTranscoder())
        self.place = place
        self.keys = keys
        self.topics = topics
        self.upcasters = upcasters

    def to_stored_event(self, pending: Any) -> KeyedEvent:
        """The bytes of an event."""
        event = pending.event
        state = event.__pydantic_serializer__.to_json(event, exclude_none=True)
        if event.PERSONAL:
            state = self._sealed(pending, state)
        return KeyedEvent(
            pending.originator_id,
            pending.originator_version,
            event.TOPIC,
            state,
            pending.key,
        )

    def _sealed(self, pending: Pending, state: bytes) -> bytes:
        """The bytes of an event with what is personal in it encrypted."""
        assert self.keys is not None
        fields = from_json(state)
        for name in set(pending.event.PERSONAL) & set(fields):
            fields[name] = self.keys.seal(pending.originator_id, pending.originator_version, name, fields[name])
        return to_json(fields)

    def _opened(self, logged: LoggedEvent, state: bytes) -> bytes:
        """The bytes of an event with what is personal in it decrypted, as far as there is a key."""
        assert self.keys is not None
        try:
            fields = from_json(state)
        except ValueError as e:
            raise DamagedLedger(self.place, f"entry {logged.id} is no JSON") from e
        names = sealed_fields(fields)
        person, version = str(logged.originator_id), logged.originator_version
        texts = self.keys.opened((person, version, name, fields[name]) for name in names)
        fields |= {name: ERASED if text is None else text for name, text in zip(names, texts, strict=True)}
        return to_json(fields)

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
            if cls.PERSONAL:
                state = self._opened(logged, state)
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
