"""What recording commands share: the ledger opened, the outcome printed, an error that says whether anything was recorded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.options import emit, opened
from salesledger.cli.render import format_for, write
from salesledger.errors import NOTHING_RECORDED, SalesledgerError
from salesledger.readmodel.plain import plain
from salesledger.shown.escape import safe_text
from salesledger.shown.values import Rows

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.domain.timeline import Recorded
    from salesledger.ledger.batch import Outcome

_ENVELOPE = {"effective_at", "known_at", "recorded_by", "rank", "replaces", "source_system", "void_root", "strikes"}

PERSONAL = "(personal)"
"""What stands for personal data where an entry is told: such lines end up in files and logs."""


@dataclass(frozen=True)
class Common:
    """The options that every recording command takes.

    Attributes:
        given: those that go on to the ledger: key, dry_run and, where the command has it, on.
    """

    actor: str | None
    format_: str | None
    output: str | None
    given: dict[str, Any]

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be recorded."""
        return bool(self.given["dry_run"])


def common_of(values: dict[str, Any]) -> Common:
    """Take out of a command's options what every recording command has."""
    given: dict[str, Any] = {name: values.pop(name) for name in ("key", "dry_run", "on") if name in values}
    return Common(values.pop("actor"), values.pop("format_"), values.pop("output"), given)


def recording(
    ctx: click.Context,
    common: Common,
    work: Callable[["Ledger"], Sequence["Outcome"]],
    summary: Callable[[Sequence["Outcome"]], str] | None = None,
    comment: Callable[[Sequence["Outcome"]], str | None] | None = None,
    notes: Sequence[str] = (),
    warn: Callable[[Sequence["Outcome"]], Sequence[str]] | None = None,
) -> None:
    """Record something and print what became of it.

    Args:
        ctx: the command's context.
        common: the options that every recording command takes.
        work: what records.
        summary: says it in a line, instead of a line an entry.
        comment: a sentence for people below the lines of the entries, where there is something to say.
        notes: what else is to be said, filled by then; on standard error where the output is for machines.
        warn: what looks wrong in what was recorded; always on standard error.

    Raises:
        SalesledgerError: its message ends with whether anything was recorded.
    """
    outcomes: Sequence[Outcome] | None = None
    try:
        chosen = format_for(common.format_, common.output)
        with opened(ctx, common.actor) as ledger:
            outcomes = work(ledger)
            for warning in warn(outcomes) if warn else ():
                click.echo(safe_text(warning), err=True)
            if chosen != "table":
                rows = _rows(outcomes, dry_run=common.dry_run)
                emit(rows, ledger, format_=chosen, output=common.output)
                for note in notes:
                    click.echo(safe_text(note), err=True)
                return
            lines = [summary(outcomes)] if summary else _lines(ledger, outcomes, dry_run=common.dry_run)
            if comment and (sentence := comment(outcomes)):
                lines.append(safe_text(sentence))
            lines += [safe_text(note) for note in notes]
            write("".join(f"{line}\n" for line in lines), common.output)
    except SalesledgerError as e:
        raise e.also(
            NOTHING_RECORDED if outcomes is None or common.dry_run else "What was to be recorded is recorded."
        ) from None


def _lines(ledger: "Ledger", outcomes: Sequence["Outcome"], *, dry_run: bool) -> list[str]:
    return [
        _line(ledger, record, already=outcome.already, dry_run=dry_run)
        for outcome in outcomes
        for record in outcome.recorded
    ]


def _line(ledger: "Ledger", record: "Recorded", *, already: bool, dry_run: bool) -> str:
    event = record.event
    day = event.effective_at.astimezone(ledger.zone).date().isoformat()
    said = f"entry {record.entry}:"
    if already:
        said = f"entry {record.entry}, recorded before:"
    elif dry_run:
        said = "would be recorded:"
    own = event.model_dump(exclude_none=True, exclude=_ENVELOPE)
    own |= {name: PERSONAL for name in event.PERSONAL if name in own}
    details = "  ".join(f"{name}={_shown(value)}" for name, value in own.items())
    return safe_text(f"{said} {event.type_name()} {record.id} on {day}" + (f"  {details}" if details else ""))


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_named(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{k}:{v}" for k, v in value.items())
    return str(plain(value))


def _named(item: Any) -> str:
    """An item of a list: a stage by its name, a criterion by the fact that it is about, a word as it is."""
    return str(
        next((item[key] for key in ("name", "attribute") if key in item), item) if isinstance(item, dict) else item
    )


def _rows(outcomes: Sequence["Outcome"], *, dry_run: bool) -> Rows:
    made = [row_of(record, already=o.already, dry_run=dry_run) for o in outcomes for record in o.recorded]
    columns = list(dict.fromkeys(name for row in made for name in row))
    return Rows(
        columns, ["VARCHAR"] * len(columns), [tuple(row.get(name) for name in columns) for row in made], sparse=True
    )


def row_of(record: "Recorded", *, already: bool, dry_run: bool) -> dict[str, Any]:
    """An entry as values, named as in the projection `events`; what only recording gives is missing from a dry run."""
    own = record.event.model_dump(exclude_none=True)
    own |= {name: PERSONAL for name in record.event.PERSONAL if name in own}
    is_there = already or not dry_run
    envelope = {
        "entry": record.entry if is_there else None,
        "stream": record.stream.partition(":")[0],
        "id": record.id,
        "type": record.event.type_name(),
        "effective_at": own.pop("effective_at"),
        "known_at": record.known_at if is_there else None,
        "recorded_at": record.recorded_at if is_there else None,
        "recorded_by": own.pop("recorded_by"),
        "key": record.key,
        "already_recorded": already,
    }
    own.pop("known_at", None)
    return envelope | own
