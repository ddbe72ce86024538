"""Commands that take events from other systems' files, and write them to files."""

from datetime import date
from pathlib import Path
from typing import Any

import click

from salesledger.cli.main import Prefixed
from salesledger.cli.options import opened, progress
from salesledger.errors import BadDate, UsageError


@click.group("import", cls=Prefixed)
def import_command() -> None:
    """Take events from other systems' files."""


@import_command.command("csv")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--rules", required=True, type=click.Path(dir_okay=False, path_type=Path), help="What the columns mean (TOML)."
)
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where rejected rows go.  [default: FILE.rejects.csv beside FILE, if there are any]",
)
@click.option("--undated-on", metavar="DATE", help="The date of rows that have none; without it they are rejected.")
@click.option("--dry-run", is_flag=True, help="Check everything, record nothing.")
@click.option("--actor", metavar="WHO", help="Who records.  [default: $SALESLEDGER_ACTOR, else your login name]")
@click.pass_context
def import_csv_command(ctx: click.Context, /, file: Path, rules: Path, undated_on: str | None, **values: Any) -> None:
    """Import rows of a CSV file; rows that did not change since the last import are left alone."""
    with opened(ctx, values["actor"]) as ledger:
        from salesledger.exchange.csv_import import import_csv
        from salesledger.exchange.rules import read_rules

        report = import_csv(
            ledger.store,
            file,
            read_rules(rules),
            actor=ledger.actor,
            rejects=values["rejects"],
            dry_run=values["dry_run"],
            undated_on=_day(undated_on, ledger.today),
            progress=progress("Importing"),
        )
        click.echo(report.text())


def _day(text: str | None, today: date) -> date | None:
    from salesledger.readmodel.periods import parse_date

    return None if text is None else parse_date(text, today)


@click.command("export")
@click.argument("format_", metavar="FORMAT", type=click.Choice(["jsonl", "csv", "parquet"]))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file.  [default: standard output; parquet needs a file]",
)
@click.option("--known-at", metavar="DATE", help="Only what was known by the end of this day.")
@click.option("--upto", type=click.IntRange(min=1), metavar="ENTRY", help="Nothing behind this entry.")
@click.pass_context
def export_command(
    ctx: click.Context, /, format_: str, output: Path | None, known_at: str | None, upto: int | None
) -> None:
    """Write every event to a file: jsonl, csv or parquet."""
    if format_ == "parquet" and output is None:
        raise UsageError("Parquet is no text: give a file with -o FILE.")
    with opened(ctx) as ledger:
        from salesledger.exchange.export import export

        try:
            count = export(ledger.engine, format_, output, ledger.question(known_at=known_at, upto=upto))
        except BadDate:
            raise
    if output is not None:
        click.echo(f"{count} entries written to {output}.", err=True)
