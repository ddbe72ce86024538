"""What a recording command answers: the entries, in a line each or as rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.escape import safe_text
from salesledger.cli.options import emit
from salesledger.cli.render import Rows

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.domain.timeline import Recorded
    from salesledger.ledger.batch import Outcome

_ENVELOPE = ("effective_at", "known_at", "recorded_by", "rank", "replaces", "source_system")


def report(ledger: "Ledger", outcomes: Sequence["Outcome"], *, dry_run: bool, format_: str | None) -> None:
    """Print what was recorded, what had been recorded before, or what would be."""
    if format_ and format_ != "table":
        emit(_rows(outcomes, dry_run=dry_run), ledger, format_=format_)
        return
    for outcome in outcomes:
        for record in outcome.recorded:
            click.echo(_line(ledger, record, already=outcome.already, dry_run=dry_run))


def _line(ledger: "Ledger", record: "Recorded", *, already: bool, dry_run: bool) -> str:
    event = record.event
    day = event.effective_at.astimezone(ledger.zone).date().isoformat()
    said = "would be recorded:" if dry_run else f"entry {record.entry}" + (", recorded before:" if already else ":")
    own = event.model_dump(exclude_none=True, exclude=set(_ENVELOPE))
    details = "  ".join(f"{name}={_shown(value)}" for name, value in own.items())
    return safe_text(f"{said} {event.type_name()} {record.id} on {day}" + (f"  {details}" if details else ""))


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"{len(value)} stages" if value and isinstance(value[0], dict) else ", ".join(str(v) for v in value)
    if isinstance(value, dict):
        return ", ".join(f"{k}:{v}" for k, v in value.items())
    return str(value)


def _rows(outcomes: Sequence["Outcome"], *, dry_run: bool) -> Rows:
    made = [row_of(record, already=o.already, dry_run=dry_run) for o in outcomes for record in o.recorded]
    columns = list(dict.fromkeys(name for row in made for name in row))
    return Rows(
        columns, ["VARCHAR"] * len(columns), [tuple(row.get(name) for name in columns) for row in made], sparse=True
    )


def row_of(record: "Recorded", *, already: bool, dry_run: bool) -> dict[str, Any]:
    """An entry as plain values, as the projections name them."""
    own = record.event.model_dump(mode="json", exclude_none=True)
    envelope = {
        "entry": None if dry_run else record.entry,
        "stream": record.stream.partition(":")[0],
        "id": record.id,
        "type": record.event.type_name(),
        "effective_at": own.pop("effective_at"),
        "known_at": None if dry_run else _iso(record.known_at),
        "recorded_at": None if dry_run else _iso(record.recorded_at),
        "recorded_by": own.pop("recorded_by"),
        "key": record.key,
        "already_recorded": already,
    }
    own.pop("known_at", None)
    return envelope | own


def _iso(instant: Any) -> str:
    return str(instant.isoformat()).replace("+00:00", "Z")
