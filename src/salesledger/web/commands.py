"""The commands that the page and the API offer: what the command line hands down of itself, and how values become its words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from salesledger.errors import NOTHING_RECORDED, BadValue, UsageError
from salesledger.exchange.json_lines import each_once
from salesledger.web.roles import Right

if TYPE_CHECKING:
    from salesledger.api import Ledger

AUDITS = frozenset({"check", "verify", "prove", "query", "person list", "person show", "person export"})
"""Commands that need the right to audit: they take long, run SQL or show who persons are."""

_OPTION = re.compile(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*(?![\w-])")


@dataclass(frozen=True)
class Field:
    """A value that a command takes.

    Attributes:
        name: its name in JSON: that of the option, with '_' for '-'.
        option: the option; empty for an argument, which stands by its place.
        kind: 'text', 'integer', 'flag' or 'choice'.
        help: what it is.
        required: whether the command needs it.
        many: whether it may be given several times.
        choices: what it can be.
        hint: what stands for it in the command line's help, such as DATE.
        records: whether a command that asks records something with it.
    """

    name: str
    option: str
    kind: str
    help: str = ""
    required: bool = False
    many: bool = False
    choices: tuple[str, ...] = ()
    hint: str = ""
    records: bool = False


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        words: its name.
        help: what it does, in a line.
        records: whether it records.
        fields: what it takes.
        prints_json: whether its answer is JSON.
    """

    words: tuple[str, ...]
    help: str
    records: bool
    fields: tuple[Field, ...]
    prints_json: bool = True

    @property
    def name(self) -> str:
        """Its name as people type it."""
        return " ".join(self.words)

    @property
    def right(self) -> Right:
        """What somebody needs to run it."""
        if self.records:
            return Right.RECORD
        return Right.AUDIT if self.name in AUDITS else Right.LOOK


@dataclass(frozen=True)
class Ran:
    """What became of a command.

    Attributes:
        output: what it printed.
        notes: what it said beside that.
        code: its exit code: 1 where it found something, as 'check' does.
    """

    output: str
    notes: tuple[str, ...]
    code: int


class Commands(Protocol):
    """The command line, as far as it is handed down."""

    def listed(self) -> Mapping[str, Command]:
        """Every command that is offered, by name."""
        ...

    def program(self) -> Sequence[str]:
        """What runs the command line as a program of its own."""
        ...

    def environment(self) -> Mapping[str, str]:
        """The variables under which the command line, run as a program, finds the same ledger."""
        ...

    def run(self, words: Sequence[str], ledger: Ledger | None) -> Ran:
        """Run a command as if it had been typed.

        Args:
            words: its name, options and arguments.
            ledger: the ledger that is open, for commands that only ask.

        Raises:
            SalesledgerError: what the command says.
        """
        ...


def read_object(body: bytes) -> dict[str, Any]:
    """The object that a request's body holds; numbers stay as they are written.

    Raises:
        BadValue: it holds none.
    """
    try:
        value = json.loads(body.decode("utf-8"), parse_float=str, parse_int=str, object_pairs_hook=each_once)
    except (ValueError, RecursionError) as e:
        raise BadValue(f"The body is no JSON object: {str(e)[:200]}. {NOTHING_RECORDED}") from e
    if not isinstance(value, dict):
        raise BadValue(f"The body is JSON, and no object. {NOTHING_RECORDED}")
    return value


def words_of(command: Command, values: Mapping[str, Any], *, actor: str | None, asking: bool) -> list[str]:
    """The words that one would type for some values.

    Args:
        command: the command.
        values: by the fields' names.
        actor: under whose id is recorded, whatever the values say.
        asking: whether nothing may be recorded.

    Raises:
        UsageError: a value that the command doesn't take, or doesn't get.
    """
    known = {field.name: field for field in command.fields}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise UsageError(
            f"{command.name!r} takes no {unknown[0]!r}; it takes {', '.join(known) or 'nothing'}. {NOTHING_RECORDED}"
        )
    if actor is not None and "actor" in known:
        if values.get("actor") not in (None, "", actor):
            raise UsageError(f"Your token records as {actor!r}, and as nobody else. {NOTHING_RECORDED}")
        values = {**values, "actor": actor}
    options: list[str] = []
    places: list[str] = []
    for field in command.fields:
        given = _given(field, values.get(field.name))
        if not given and field.required:
            raise UsageError(f"{command.name!r} needs {field.name!r}. {NOTHING_RECORDED}")
        if given and field.records and asking:
            raise UsageError(f"{field.name!r} records something: send it by POST. {NOTHING_RECORDED}")
        if field.kind == "flag":
            options += [field.option] if given else []
        elif field.option:
            options += [f"{field.option}={text}" for text in given]
        else:
            places += given
    if command.name == "query" and places == ["-"]:
        raise UsageError("Give the SQL itself.")
    return [*command.words, *options, *(["-O", "json"] if command.prints_json else []), "--", *places]


def label(name: str) -> str:
    """What a field is called on a form."""
    return name.replace("_", " ")


def in_fields(message: str, command: Command) -> str:
    """A message of the command line with its options called as the fields are."""
    labels = {field.option: repr(label(field.name)) for field in command.fields if field.option}
    return _OPTION.sub(lambda found: labels.get(found[0], found[0]), message)


def _given(field: Field, value: Any) -> list[str]:
    """The texts of a value.

    Raises:
        UsageError: it is of another kind.
    """
    if value is None or value == "" or value == []:
        return []
    if field.kind == "flag":
        if value not in (True, False, "true", "false"):
            raise UsageError(f"{field.name!r} is true or false. {NOTHING_RECORDED}")
        return ["yes"] if value in (True, "true") else []
    items = value if isinstance(value, list) else [value]
    if len(items) > 1 and not field.many:
        raise UsageError(f"{field.name!r} is given once. {NOTHING_RECORDED}")
    texts = []
    for item in items:
        if not isinstance(item, str):
            raise UsageError(f"{field.name!r} is a text or a number. {NOTHING_RECORDED}")
        if any("\ud800" <= c <= "\udfff" or c == "\x00" for c in item):
            raise UsageError(f"{field.name!r} holds a character that no text can. {NOTHING_RECORDED}")
        if field.choices and item not in field.choices:
            raise UsageError(f"{field.name!r} is one of {', '.join(field.choices)}. {NOTHING_RECORDED}")
        texts.append(item)
    return texts
