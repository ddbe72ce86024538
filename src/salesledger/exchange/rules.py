"""The rules of an import: a TOML file that says what a CSV file's columns and values mean."""

import codecs
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from salesledger.domain.deal import CLOSED
from salesledger.domain.deal_events import ATTRIBUTES, DealEvent, DealRevised, LeadCaptured, Moving
from salesledger.domain.events import Event, event_types
from salesledger.domain.process import Definition, Stage
from salesledger.domain.settings import to_timezone
from salesledger.domain.values import Currency, Id, Text
from salesledger.errors import NOTHING_RECORDED, BadFile

ISO = "iso"
"""The name of the date format 2026-03-31, with or without a time and an offset behind it."""

CAPTURED, CLOSING, REVISED, STAGED = "captured", "closed", "revised", "stage"
"""The slots of what begins a deal, of what closes it, and of the changes that have no date of their own."""

MONEY = ("amount", "recurring_amount")

BLANKS = " "
"""The delimiter of files whose cells stand apart by any number of blanks."""

_DealEvent = type[DealEvent]

_ENVELOPE = set(Event.model_fields)
_NOT_BY_RULE = {"process", "process_version", "currency", "attributes", "company", "pain_points"}
_SAMPLE = datetime(2003, 12, 25, tzinfo=UTC)
_MOST_BYTES = 1_000_000


def _to_texts(value: Any) -> Any:
    listed = value if isinstance(value, list | tuple) else [value]
    if not listed or any(isinstance(item, bool) or not isinstance(item, str | int) for item in listed):
        raise ValueError("give a text, or a list of texts, such as 'Won' or ['Won', 'Lost']")
    return tuple(str(item).strip() for item in listed)


def _to_column(value: str) -> str:
    if not tidy(value):
        raise ValueError("give the name of a column of the file")
    return value


def _to_encoding(name: str) -> str:
    try:
        "x".encode(name)
        return codecs.lookup(name).name
    except (LookupError, ValueError, UnicodeError):
        raise ValueError(f"{name!r} is no text encoding; write one like utf-8, utf-16 or cp1252") from None


def _to_delimiter(value: str) -> str:
    value = {"tab": "\t", "blanks": BLANKS}.get(value, value)
    if len(value) != 1 or value in '"\r\n\0' or value.isalnum():
        raise ValueError("give one character, such as ';' (or 'tab', or 'blanks')")
    return value


def _to_date_format(value: str) -> str:
    if value == ISO:
        return value
    try:
        read = datetime.strptime(_SAMPLE.strftime(value), value)  # noqa: DTZ007 - only the day is looked at
    except ValueError:
        read = None
    if read is None or read.date() != _SAMPLE.date():
        raise ValueError(
            f"{value!r} doesn't say day, month and year; write 'iso', or strptime's signs, such as %d.%m.%Y or %m/%d/%y"
        )
    return value


def _to_mark(value: str) -> str:
    if len(value) != 1 or value.isalnum() or value in "-+":
        raise ValueError("give one character that is no letter, digit or sign, such as ',' or '.'")
    return value


Texts = Annotated[tuple[str, ...], BeforeValidator(_to_texts)]
Column = Annotated[str, AfterValidator(_to_column)]
Encoding = Annotated[str, AfterValidator(_to_encoding)]
Delimiter = Annotated[str, AfterValidator(_to_delimiter)]
DateFormat = Annotated[str, AfterValidator(_to_date_format)]
Mark = Annotated[str, AfterValidator(_to_mark)]
Zone = Annotated[str, AfterValidator(to_timezone)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Columns(_Section):
    """Which column holds what. All are optional; without the deal's id, `deal_from` makes one."""

    deal: Column | None = None
    company: Column | None = None
    account: Column | None = None
    owner: Column | None = None
    team: Column | None = None
    product: Column | None = None
    segment: Column | None = None
    source: Column | None = None
    campaign: Column | None = None
    category: Column | None = None
    expected_close: Column | None = None
    stage: Column | None = None
    amount: Column | None = None
    currency: Column | None = None
    known_at: Column | None = None


class Constants(_Section):
    """What holds for every row; `company` only where the row names none."""

    company: Text | None = None
    owner: Text | None = None
    team: Text | None = None
    product: Text | None = None
    segment: Text | None = None
    source: Text | None = None
    campaign: Text | None = None


class ProcessRule(_Section):
    """The process that the deals follow.

    Attributes:
        id: its id.
        stages: what it looks like; absent where the ledger knows it already.
        since: the first day on which this version is in force; where absent, it holds for every row, however old.
    """

    id: Id
    title: Text | None = None
    since: date | None = None
    stages: tuple[Stage, ...] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.stages is not None:
            Definition(stages=self.stages)
        return self


class EventRule(_Section):
    """Which rows become which event.

    Attributes:
        type: the event's type, such as 'deal-won'.
        date: the column of its date.
        when: values that columns must hold, all of them; every row where empty.
        stage: the stage that the deal is in from then on.
        fields: the columns of the event's own fields.
        constants: fields that are the same for every row.
        optional: a blank date means that it didn't happen; else it is a mistake of the row.
        slot: what tells the event from the row's other ones, from one import to the next.
    """

    type: str
    date: Column
    when: dict[str, Texts] = Field(default_factory=dict)
    stage: Id | None = None
    fields: dict[str, Column] = Field(default_factory=dict)
    constants: dict[str, Text] = Field(default_factory=dict)
    optional: bool = False
    slot: Id | None = None

    @cached_property
    def event(self) -> _DealEvent:
        """The class of the event."""
        found = event_types()[self.type]
        assert issubclass(found, DealEvent)
        return found

    @cached_property
    def place(self) -> str:
        """The slot, given or made from the type: whatever closes a deal shares one."""
        if self.slot is not None:
            return self.slot
        if self.event is LeadCaptured:
            return CAPTURED
        if self.event.STATUS in CLOSED:
            return CLOSING
        return f"{self.type}-{self.stage}" if self.stage else self.type

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        kinds = {
            name: cls for name, cls in event_types().items() if issubclass(cls, DealEvent) and cls is not DealRevised
        }
        if self.type not in kinds:
            raise ValueError(f"{self.type!r} is no event of a deal; {_hint(self.type, kinds)}")
        event = kinds[self.type]
        if self.stage is not None and not issubclass(event, Moving):
            raise ValueError(f"{self.type} moves no deal; leave its stage out")
        usable = set(event.model_fields) - _ENVELOPE - _NOT_BY_RULE
        if event is LeadCaptured:
            usable -= set(ATTRIBUTES)
        for name in (*self.fields, *self.constants):
            if event is LeadCaptured and name in Columns.model_fields and name not in usable:
                raise ValueError(f"{name!r} is known of the whole row; name its column under [columns]")
            if name not in usable:
                raise ValueError(f"{self.type} has no field {name!r} that a rule can fill; {_hint(name, usable)}")
        twice = [*self.fields, *self.constants, *(["stage"] if self.stage else [])]
        for name in twice:
            if twice.count(name) > 1:
                raise ValueError(f"{name!r} is given twice; keep one")
        if self.slot in (REVISED, STAGED) or (self.slot == CAPTURED) != (
            self.slot is not None and event is LeadCaptured
        ):
            raise ValueError(f"the slot {self.slot!r} is kept for something else; give another name")
        return self


class Rules(_Section):
    """What a CSV file means.

    Attributes:
        source_system: the id of the system that the file comes from; imports of one system are compared with each other.
        encoding: of the file; UTF-8 may begin with a byte order mark.
        delimiter: between cells; found from the header where absent.
        timezone: the zone of the file's dates; the ledger's where absent.
        date_formats: tried in order; the first that fits all dates of the file is used.
        decimal: the decimal mark of amounts.
        thousands: what groups the digits of amounts; nothing where absent.
        currency_symbols: what may stand before or behind an amount.
        currency: of all amounts, where no column says so.
        values: for a field, what a cell's text stands for.
        deal_from: the columns that tell the rows apart, where none holds the deal's id; rows that are alike are numbered.
    """

    source_system: Id
    encoding: Encoding = "utf-8"
    delimiter: Delimiter | None = None
    deal_from: tuple[Column, ...] = ()
    timezone: Zone | None = None
    date_formats: tuple[DateFormat, ...] = Field(default=(ISO,), min_length=1)
    decimal: Mark = "."
    thousands: Mark | None = None
    currency_symbols: tuple[Text, ...] = ()
    currency: Currency | None = None
    process: ProcessRule | None = None
    columns: Columns
    constants: Constants = Constants()
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    events: tuple[EventRule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.columns.deal is None and not self.deal_from:
            raise ValueError("the key 'columns.deal' is missing; docs/import.md says what it means")
        if self.columns.deal is not None and self.deal_from:
            raise ValueError("deal_from: [columns] names a column for the deal's id; keep one of the two")
        self._check_amounts()
        self._check_events()
        for name in Constants.model_fields:
            if name != "company" and getattr(self.constants, name) and getattr(self.columns, name):
                raise ValueError(f"constants.{name}: [columns] names a column for it; keep one of the two")
        targets = {*Columns.model_fields, *(name for rule in self.events for name in rule.fields)}
        for name in self.values:
            if name not in targets:
                raise ValueError(f"values.{name}: no field is called so; {_hint(name, targets)}")
        return self

    def _check_amounts(self) -> None:
        if self.decimal == self.thousands:
            raise ValueError("thousands: it is the decimal mark already; give another")
        amounts = [f"columns.{name}" for name in MONEY if getattr(self.columns, name, None)]
        amounts += [
            f"events.{i}.fields.{n}" for i, rule in enumerate(self.events, 1) for n in rule.fields if n in MONEY
        ]
        amounts += [
            f"events.{i}.constants.{n}" for i, rule in enumerate(self.events, 1) for n in rule.constants if n in MONEY
        ]
        if amounts and self.currency is None and self.columns.currency is None:
            raise ValueError(f'currency: {amounts[0]} needs one; write currency = "EUR", or columns.currency')

    def _check_events(self) -> None:
        if not any(rule.event is LeadCaptured for rule in self.events):
            raise ValueError("events: none is a 'lead-captured', and no deal begins without one")
        stages = None if self.process is None or self.process.stages is None else [s.name for s in self.process.stages]
        owners: dict[str, EventRule] = {}
        for i, rule in enumerate(self.events, 1):
            if rule.event is LeadCaptured and self.columns.stage and (rule.stage or "stage" in rule.fields):
                raise ValueError(f"events.{i}.stage: [columns] names a column for the stage; keep one of the two")
            if rule.stage is not None and stages is not None and rule.stage not in stages:
                raise ValueError(
                    f"events.{i}.stage: [process] has no stage {rule.stage!r}; {_hint(rule.stage, stages)}"
                )
            first = owners.setdefault(rule.place, rule)
            if first is not rule and rule.place not in (CAPTURED, CLOSING) and not rule.slot:
                raise ValueError(
                    f'events.{i}.slot: another {rule.type} has no slot either; name them apart, slot = "..."'
                )

    def needed(self) -> Iterator[tuple[str, str]]:
        """Every column that the file must have, as (key of the rules, name of the column)."""
        for name in Columns.model_fields:
            column = getattr(self.columns, name)
            if column is not None:
                yield f"columns.{name}", column
        yield from (("deal_from", column) for column in self.deal_from)
        for i, rule in enumerate(self.events, 1):
            yield f"events.{i}.date", rule.date
            yield from ((f"events.{i}.when", column) for column in rule.when)
            yield from ((f"events.{i}.fields.{name}", column) for name, column in rule.fields.items())


_MODELS: dict[tuple[str, ...], type[BaseModel]] = {
    (): Rules,
    ("columns",): Columns,
    ("constants",): Constants,
    ("process",): ProcessRule,
    ("process", "stages"): Stage,
    ("events",): EventRule,
}


def tidy(name: str) -> str:
    """A column's name as names are compared: without case, and without blanks around it."""
    return " ".join(name.replace("\ufeff", "").split()).casefold()


def read_rules(file: Path) -> Rules:
    """Read the rules of an import.

    Raises:
        BadFile: it can't be read, is no TOML, or says something that no import can do. The message names the file, the key
            and the remedy.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(_MOST_BYTES + 1)
    except OSError as e:
        raise BadFile(f"The rules {str(file)!r} can't be read: {e.strerror}. {NOTHING_RECORDED}") from e
    if len(data) > _MOST_BYTES:
        raise BadFile(f"The rules {str(file)!r} are longer than {_MOST_BYTES} bytes. {NOTHING_RECORDED}")
    try:
        told = tomllib.loads(data.decode("utf-8-sig"), parse_float=str)
    except (ValueError, RecursionError) as e:
        raise BadFile(f"The rules {str(file)!r} are no TOML: {e}. {NOTHING_RECORDED}") from e
    return check_rules(told, str(file))


def check_rules(told: dict[str, Any], name: str) -> Rules:
    """The rules from what a TOML file says.

    Args:
        told: as tomllib gives it, with fractions as text.
        name: the file's name, for messages.

    Raises:
        BadFile: see `read_rules`.
    """
    try:
        return Rules.model_validate(told)
    except ValidationError as e:
        # A key that is misspelt is missing as well: say the former.
        errors = sorted(
            e.errors(include_url=False, include_context=False), key=lambda x: x["type"] != "extra_forbidden"
        )
        raise BadFile(f"The rules {name!r}: {_explain(errors[0])}. {NOTHING_RECORDED}") from e


def _explain(error: Any) -> str:
    parts = [str(part + 1) if isinstance(part, int) else str(part) for part in error["loc"] if part != "[key]"]
    key, message = ".".join(parts), str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    names = tuple(part for part in error["loc"] if not isinstance(part, int))
    if error["type"] == "extra_forbidden":
        model = _MODELS.get(names[:-1])
        return f"there is no key {key!r}; {_hint(names[-1], model.model_fields if model else ())}"
    if error["type"] == "missing":
        return f"the key {key!r} is missing; docs/import.md says what it means"
    if error["type"] == "value_error":
        return f"{key}: {message}" if key else message
    return f"{key}: {message} (it is {_shown(error['input'])})"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _hint(wrong: str, names: Any) -> str:
    close = get_close_matches(wrong, list(names), 1)
    return f"perhaps {close[0]!r} is meant" if close else f"there are: {', '.join(sorted(names))}"
