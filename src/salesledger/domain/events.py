"""What all events have in common, and the table of every event there is."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, get_args, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from salesledger.domain.clocks import Instant
from salesledger.domain.values import Id, Text, to_text

TOPICS: dict[str, type["Event"]] = {}
"""Every event class by its stored topic. Nothing that is not in this table is ever turned into an object."""

Entry = int
"""An event's place in the ledger's one total order, from 1."""


class _PersonalMark:
    """What marks a type as holding personal data."""


_MARK = _PersonalMark()

Personal = Annotated[str, AfterValidator(to_text), _MARK]
"""Text about a person: encrypted under that person's key before it is stored, and never shown in a message."""


class Event(BaseModel):
    """Something that happened: frozen, past tense, named by a topic of its own that never follows the class around.

    Attributes:
        TOPIC: what its type is called in the log, with a version: 'deal-won/1'.
        STREAM: the kind of the streams that it belongs to; None for any.
        VOIDABLE: whether it can be struck out.
        COMPLETED: the fields that a decision fills in where they are left open.
        DERIVED: those that it fills in whatever is given.
        PERSONAL: the fields that hold personal data; it follows from their types.
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
    DERIVED: ClassVar[tuple[str, ...]] = ()
    PERSONAL: ClassVar[tuple[str, ...]] = ()

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
        hints = get_type_hints(cls, include_extras=True)
        cls.PERSONAL = tuple(name for name in cls.model_fields if _is_personal(hints[name]))
        if cls.PERSONAL and cls.STREAM != "person":
            raise TypeError(f"{cls.__name__} holds personal data, which only events of a person may: theirs is the key")
        if cls.TOPIC in TOPICS:
            raise TypeError(f"{cls.__name__} and {TOPICS[cls.TOPIC].__name__} share the topic {cls.TOPIC}")
        TOPICS[cls.TOPIC] = cls

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What is shown of it, in a debugger or a log; nothing personal."""
        for name, value in super().__repr_args__():
            yield name, "(personal)" if name in self.PERSONAL and value is not None else value

    @classmethod
    def type_name(cls) -> str:
        """The topic without its version: 'deal-won'."""
        return cls.TOPIC.partition("/")[0]


def _is_personal(annotation: Any) -> bool:
    return annotation is _MARK or any(_is_personal(part) for part in get_args(annotation))


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
