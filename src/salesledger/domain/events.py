"""What all events have in common, and the table of every event there is."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from salesledger.domain.clocks import Instant
from salesledger.domain.values import Id, Text

TOPICS: dict[str, type["Event"]] = {}
"""Every event class by its stored topic. Nothing that is not in this table is ever turned into an object."""

Entry = int
"""An event's place in the ledger's one total order, from 1."""


class Event(BaseModel):
    """Something that happened: frozen, past tense, named by a topic of its own that never follows the class around.

    Attributes:
        TOPIC: what its type is called in the log, with a version: 'deal-won/1'.
        STREAM: the kind of the streams that it belongs to; None for any.
        VOIDABLE: whether it can be struck out.
        COMPLETED: the fields that a decision fills in where they are left open.
        effective_at: when it happened in business.
        known_at: when the organisation knew it; absent where that is when the ledger recorded it.
        recorded_by: short id of the person or program that recorded it.
        source_system: the system that an import took it from.
        rank: its place among events of the same instant, where that is not its own entry: that of the entry it replaces.
        replaces: the entry that it corrects.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    TOPIC: ClassVar[str]
    STREAM: ClassVar[str | None]
    VOIDABLE: ClassVar[bool] = True
    COMPLETED: ClassVar[tuple[str, ...]] = ()

    effective_at: Instant
    known_at: Instant | None = None
    recorded_by: Id
    source_system: Id | None = None
    rank: Entry | None = Field(default=None, ge=1)
    replaces: Entry | None = Field(default=None, ge=1)

    def __init_subclass__(cls, *, abstract: bool = False, **kwargs: Any) -> None:
        """Accept `abstract`, which says that the class is no event by itself."""
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(cls, *, abstract: bool = False, **kwargs: Any) -> None:
        """Enter the class in the table; a class without its own topic and stream is a mistake that can't be imported."""
        super().__pydantic_init_subclass__(**kwargs)
        if abstract:
            return
        for name in ("TOPIC", "STREAM"):
            if name not in cls.__dict__:
                raise TypeError(f"{cls.__name__} needs a {name} of its own")
        if cls.TOPIC in TOPICS:
            raise TypeError(f"{cls.__name__} and {TOPICS[cls.TOPIC].__name__} share the topic {cls.TOPIC}")
        TOPICS[cls.TOPIC] = cls

    @classmethod
    def type_name(cls) -> str:
        """The topic without its version: 'deal-won'."""
        return cls.TOPIC.partition("/")[0]


class EventVoided(Event):
    """An entry of the same stream was struck out, or a strike was taken back.

    Attributes:
        voids: the entry that this names: an event, or an earlier void.
        void_root: the event at the bottom of the chain: what is struck or stands again.
        strikes: True where `void_root` is struck from now on, False where it stands again.
        void_reason: why.
    """

    TOPIC = "event-voided/1"
    STREAM = None

    voids: Entry = Field(ge=1)
    void_root: Entry = Field(ge=1)
    strikes: bool
    void_reason: Text


def event_types() -> dict[str, type[Event]]:
    """The current class of each event by its type's name."""
    return {cls.type_name(): cls for cls in TOPICS.values()}
