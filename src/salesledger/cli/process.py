"""Commands about sales processes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.main import Prefixed
from salesledger.cli.options import completing, emit, on_date, opened, printing, records
from salesledger.cli.outcomes import common_of, recording
from salesledger.cli.render import Rows

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.ledger.batch import Outcome


_STAGES = """
    WITH told AS (
        SELECT
            id,
            process_version,
            from_json(stages, '[{"name": "VARCHAR", "probability": "DECIMAL(7, 6)", "entered_by": ["VARCHAR"]}]') AS stages
        FROM events
        WHERE type = 'process-defined'
    ),
    numbered AS (SELECT id, process_version, unnest(range(1, len(stages) + 1)) AS place, unnest(stages) AS stage FROM told)
    SELECT
        id AS process,
        process_version,
        place,
        stage.name AS stage,
        stage.probability AS probability,
        array_to_string(stage.entered_by, ', ') AS entered_by
    FROM numbered
    ORDER BY id, process_version, place
"""


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

    def work(ledger: "Ledger") -> list["Outcome"]:
        from salesledger.exchange.process_file import read_process

        name, title, stages = read_process(file)
        latest = ledger.store.processes().get(name, None)
        version = latest.version + 1 if latest else 1
        return [
            ledger.record(
                "process-defined", process=name, process_version=version, title=title, stages=stages, **common.given
            )
        ]

    recording(ctx, common, work)


@process_command.command("show")
@click.argument("name", required=False, shell_complete=completing("process"))
@printing
@click.pass_context
def show(ctx: click.Context, /, name: str | None, format_: str | None, output: str | None) -> None:
    """The stages of a process; without a NAME, of every process."""
    with opened(ctx) as ledger:
        found = ledger.find("process", name) if name else None
        answer = ledger.engine.ask(_STAGES)
        rows = [row for row in answer.rows if found in (None, row[0])]
        emit(Rows(answer.columns, answer.types, rows), ledger, format_=format_, output=output, wrap="entered_by")
