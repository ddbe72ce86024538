"""A business's sales process: its stages in order, what enters each, and how likely each is to be won."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from salesledger.domain.deal_events import Moving, Verdict
from salesledger.domain.events import TOPICS, Event
from salesledger.domain.values import Id, Text

_NUMBER = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,4})?")

Bound = Annotated[Decimal, Field(max_digits=18, decimal_places=4, allow_inf_nan=False)]
Probability = Annotated[Decimal, Field(ge=0, le=1, max_digits=7, decimal_places=6)]

MOVERS: frozenset[str] = frozenset(cls.type_name() for cls in TOPICS.values() if issubclass(cls, Moving))
"""The types of events that a stage can name as what enters it."""


def _in_small_letters(text: str) -> str:
    """Letter by letter, as reports do it in SQL: str.lower() looks at a letter's neighbours, and makes two of some."""
    return "".join("i" if letter == "\u0130" else letter.lower() for letter in text)


class Stage(BaseModel):
    """A stage of a process.

    Attributes:
        name: its id, unique within the process.
        entered_by: types of events that move a deal here, if it stands earlier; an explicit advance always can.
        probability: the default chance that a deal which stands here will be won, 0 to 1.
        exit_criteria: what must be so before a deal should go on from here, in words.
        rot_days: a deal that has stood here for more days than this is blocked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Id
    entered_by: tuple[Text, ...] = ()
    probability: Probability
    exit_criteria: tuple[Text, ...] = ()
    rot_days: int | None = Field(default=None, ge=1, le=3650)

    @model_validator(mode="after")
    def _known_events(self) -> Self:
        for name in self.entered_by:
            if name not in MOVERS:
                raise ValueError(
                    f"stage {self.name!r} is entered by {name!r}, which moves no deal; choose from {', '.join(sorted(MOVERS))}"
                )
        return self


class Criterion(BaseModel):
    """A condition that marketing sets on a fact about a company.

    Attributes:
        attribute: the fact's name, such as 'size'.
        at_least: the least number that meets it.
        at_most: the greatest number that meets it.
        one_of: the values that meet it, whatever the case.
        none_of: the values that don't.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    attribute: Text
    at_least: Bound | None = None
    at_most: Bound | None = None
    one_of: tuple[Text, ...] = ()
    none_of: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.at_least is None and self.at_most is None and not self.one_of and not self.none_of:
            raise ValueError(
                f"the criterion on {self.attribute!r} asks for nothing; give at_least, at_most, one_of or none_of"
            )
        return self

    def judge(self, attributes: Mapping[str, str]) -> Verdict:
        """Whether the facts meet this condition: unknown where the fact is missing, or is no number where one is asked for."""
        value = attributes.get(self.attribute)
        if value is None:
            return "unknown"
        if self.at_least is not None or self.at_most is not None:
            if not _NUMBER.fullmatch(value):
                return "unknown"
            number = Decimal(value)
            if (self.at_least is not None and number < self.at_least) or (
                self.at_most is not None and number > self.at_most
            ):
                return "unmet"
        same = _in_small_letters(value)
        if self.one_of and same not in map(_in_small_letters, self.one_of):
            return "unmet"
        return "unmet" if same in map(_in_small_letters, self.none_of) else "met"


class Definition(BaseModel):
    """A process as it is written down: stages in order, what marketing asks of a lead, the reasons that count.

    Attributes:
        criteria: the conditions that a lead should meet.
        disqualify_reasons: the reasons for which a lead may be disqualified; any where empty.
        loss_reasons: the reasons for which a deal may be lost; any where empty.

    Raises:
        ValueError: no stage, a stage twice, or an event that enters two stages.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stages: tuple[Stage, ...] = Field(min_length=1, max_length=50)
    criteria: tuple[Criterion, ...] = Field(default=(), max_length=50)
    disqualify_reasons: tuple[Text, ...] = ()
    loss_reasons: tuple[Text, ...] = ()

    def judge(self, attributes: Mapping[str, str] | None) -> Verdict | None:
        """Whether the facts meet all conditions; None where there are none.

        One that is unmet decides; where none is, one that is unknown does.
        """
        verdicts = {criterion.judge(attributes or {}) for criterion in self.criteria}
        return next((v for v in ("unmet", "unknown", "met") if v in verdicts), None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [stage.name for stage in self.stages]
        movers = [name for stage in self.stages for name in stage.entered_by]
        for what, values in (("stage", names), ("event", movers)):
            twice = {value for value in values if values.count(value) > 1}
            if twice:
                raise ValueError(f"the {what} {min(twice)!r} occurs twice in the process")
        reserved = {"won", "lost", "disqualified", "open"} & set(names)
        if reserved:
            raise ValueError(f"{min(reserved)!r} is how a deal ends, not a stage; leave it out")
        return self

    def position(self, stage: str | None) -> int:
        """The stage's place, from 0; -1 where the process has no such stage."""
        return next((i for i, s in enumerate(self.stages) if s.name == stage), -1)

    def entered_by(self, event_type: str) -> str | None:
        """The stage that an event of this type moves a deal to."""
        return next((s.name for s in self.stages if event_type in s.entered_by), None)

    @property
    def names(self) -> list[str]:
        """The names of the stages, in order."""
        return [stage.name for stage in self.stages]


class ProcessDefined(Event):
    """A version of a process came into force.

    Attributes:
        process_version: 1 for the first; a deal follows the version in force when it entered.
    """

    TOPIC = "process-defined/1"
    STREAM = "process"
    VOIDABLE = False

    process_version: int = Field(ge=1)
    title: Text | None = None
    stages: tuple[Stage, ...]
    criteria: tuple[Criterion, ...] | None = None
    disqualify_reasons: tuple[Text, ...] | None = None
    loss_reasons: tuple[Text, ...] | None = None

    @model_validator(mode="after")
    def _valid(self) -> Self:
        self.definition()
        return self

    def definition(self) -> Definition:
        """The process as it is written down."""
        return Definition(
            stages=self.stages,
            criteria=self.criteria or (),
            disqualify_reasons=self.disqualify_reasons or (),
            loss_reasons=self.loss_reasons or (),
        )


@dataclass(frozen=True)
class Version:
    """One version of one process, and since when it is in force."""

    process: str
    version: int
    effective_at: datetime
    definition: Definition


@dataclass(frozen=True)
class Processes:
    """Every version of every process that a ledger knows."""

    versions: tuple[Version, ...] = field(default=())

    @classmethod
    def of(cls, defined: Iterable[tuple[str, ProcessDefined]]) -> Self:
        """Collect the versions from (process, event) pairs in the ledger's order."""
        return cls(tuple(Version(name, e.process_version, e.effective_at, e.definition()) for name, e in defined))

    def names(self) -> list[str]:
        """The names of the processes, in the order in which they were first defined."""
        return list(dict.fromkeys(v.process for v in self.versions))

    def get(self, process: str | None, version: int | None) -> Version | None:
        """One version; without a version, the latest."""
        of_process = [v for v in self.versions if v.process == process and version in (None, v.version)]
        return of_process[-1] if of_process else None

    def in_force(self, process: str, at: datetime) -> Version | None:
        """The version in force at an instant: the last to come into force by then; before all, the first that ever does.

        Of versions that come into force at the same instant the one with the greater number holds. One that is defined
        later, but dated back, holds only up to the day on which another came into force.
        """
        of_process = sorted(
            (v for v in self.versions if v.process == process), key=lambda v: (v.effective_at, v.version)
        )
        begun = [v for v in of_process if v.effective_at <= at]
        return begun[-1] if begun else next(iter(of_process), None)


B2B = Definition(
    stages=(
        Stage(name="lead", entered_by=("lead-captured",), probability=Decimal("0.02")),
        Stage(name="qualified", entered_by=("lead-qualified",), probability=Decimal("0.10")),
        Stage(name="meeting", entered_by=("meeting-held",), probability=Decimal("0.25")),
        Stage(name="proposal", entered_by=("offer-made",), probability=Decimal("0.50")),
        Stage(name="negotiation", entered_by=("offer-countered", "paperwork-sent"), probability=Decimal("0.75")),
    )
)
"""The process that a new ledger starts with: business-to-business selling."""
