"""Commands about sales processes."""

from pathlib import Path
from typing import Any

import click

from salesledger.cli.lead import common_of
from salesledger.cli.main import Prefixed
from salesledger.cli.options import emit, on_date, opened, printing, records
from salesledger.cli.outcomes import report
from salesledger.cli.render import Rows
from salesledger.errors import NotFound


@click.group("process", cls=Prefixed)
def process_command() -> None:
    """Define and show sales processes."""


@process_command.command("define")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@on_date
@records
@click.pass_context
def define(ctx: click.Context, /, file: Path, **values: Any) -> None:
    """Define a process, or its next version, from a TOML file.

    The file gives a "name", and [[stages]] in order, each with a "name", the "probability" that a deal there is won, and
    "entered_by", the types of events that move a deal there.
    """
    common = common_of(values)
    format_, actor = common.pop("format_"), common.pop("actor")
    with opened(ctx, actor) as ledger:
        from salesledger.exchange.process_file import read_process

        name, title, stages = read_process(file)
        latest = ledger.store.processes().get(name, None)
        outcome = ledger.record(
            "process-defined",
            process=name,
            process_version=latest.version + 1 if latest else 1,
            title=title,
            stages=stages,
            **common,
        )
        report(ledger, [outcome], dry_run=common["dry_run"], format_=format_)


@process_command.command("show")
@click.argument("name", required=False)
@printing
@click.pass_context
def show(ctx: click.Context, /, name: str | None, format_: str | None, output: str | None) -> None:
    """The stages of a process; without a NAME, of every process."""
    with opened(ctx) as ledger:
        found = ledger.find("process", name) if name else None
        answer = ledger.engine.ask(
            "SELECT process, process_version, position + 1 AS place, stage, probability FROM process_stages "
            "ORDER BY process, process_version, position"
        )
        rows = [row for row in answer.rows if found in (None, row[0])]
        if not rows:
            raise NotFound("The ledger has no process.")
        emit(Rows(answer.columns, answer.types, rows), ledger, format_=format_, output=output)
