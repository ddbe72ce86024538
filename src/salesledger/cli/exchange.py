"""Commands that take events from other systems' files, and write them to files."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

import click

from salesledger.cli.main import Prefixed
from salesledger.cli.options import Whole, emit, opened, printing, progress
from salesledger.cli.render import format_for, write, writing_to
from salesledger.errors import UsageError
from salesledger.shown.escape import safe_text, terminal_lines
from salesledger.shown.reports import counted
from salesledger.shown.values import Rows

EXPORTS = ("jsonl", "csv", "parquet")


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
    help="Where rejected rows go.  [default: FILE.rejects.csv in the current folder, if there are any]",
)
@click.option("--undated-on", metavar="DATE", help="The date of rows that have none; without it they are rejected.")
@click.option("--dry-run", is_flag=True, help="Check everything, record nothing.")
@click.option("--actor", metavar="WHO", help="Who records.  [default: $SALESLEDGER_ACTOR, else your login name]")
@printing
@click.pass_context
def import_csv_command(
    ctx: click.Context,
    /,
    file: Path,
    rules: Path,
    rejects: Path | None,
    undated_on: str | None,
    dry_run: bool,
    actor: str | None,
    format_: str | None,
    output: str | None,
) -> int:
    """Import the rows of a CSV file.

    What a row says becomes events by the rules of a TOML file (examples/maven_crm.toml is one). Rows that can't be read end
    in the rejects file with the reason; where all of them do, the exit code is 1. Importing again leaves rows alone that did
    not change, and records what did.
    """
    chosen = format_for(format_, output)
    with opened(ctx, actor) as ledger:
        from salesledger.exchange.csv_import import import_csv
        from salesledger.exchange.rules import read_rules

        report = import_csv(
            ledger.store,
            file,
            read_rules(rules),
            actor=ledger.actor,
            rejects=rejects or (None if dry_run else Path(f"{file.stem}.rejects.csv")),
            dry_run=dry_run,
            undated_on=None if undated_on is None else ledger.day(undated_on),
            progress=progress("Importing"),
        )
        code = 1 if report.rows and report.rejected == report.rows else 0
        if chosen == "table":
            write(report.text() + "\n", output)
            return code
        told = {name: value for name, value in vars(report).items() if name != "first_rejects"}
        told["reasons"], told["events"] = dict(report.reasons), dict(report.events)
        rows = Rows(list(told), ["VARCHAR"] * len(told), [tuple(told.values())])
        emit(rows, ledger, format_=chosen, output=output)
        return code


@click.command("export")
@click.argument("format_", metavar="[FORMAT]", type=click.Choice(EXPORTS), required=False)
@click.option(
    "-o", "--output", metavar="FILE", help="The file; its ending tells the format.  [default: standard output]"
)
@click.option("--known-at", metavar="DATE", help="Only what was known by the end of this day.")
@click.option("--upto", type=Whole(min=1), metavar="ENTRY", help="Nothing behind this entry.")
@click.pass_context
def export_command(
    ctx: click.Context, /, format_: str | None, output: str | None, known_at: str | None, upto: int | None
) -> None:
    """Write every event to a file: jsonl, csv or parquet."""
    to_file = output not in (None, "-")
    chosen = format_ or (Path(output or "").suffix.lower().removeprefix(".") if to_file else "")
    if chosen not in EXPORTS:
        raise UsageError(
            f"Say in which format: {', '.join(EXPORTS)}, such as 'export jsonl', or '-o FILE' with that ending."
        )
    if chosen == "parquet" and not to_file:
        raise UsageError("Parquet is no text: give a file with -o FILE.")
    with opened(ctx) as ledger:
        from salesledger.exchange.export import export

        question = ledger.question(known_at=known_at, upto=upto)
        if to_file:
            count = export(ledger.engine, chosen, Path(output or ""), question)
            click.echo(f"{counted(count, 'entry', 'entries')} written to {safe_text(str(output))}.", err=True)
        else:
            with writing_to(None), _standard_output() as stream:
                export(ledger.engine, chosen, stream, question)


@contextmanager
def _standard_output() -> Iterator[IO[str]]:
    """Standard output as UTF-8; a terminal gets nothing that steers it."""
    if sys.stdout.isatty():
        yield cast("IO[str]", _Inert())
        return
    sys.stdout.flush()
    stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=True)
    try:
        yield stream
        stream.flush()
    finally:
        with suppress(OSError):
            stream.detach()


class _Inert:
    def write(self, text: str) -> int:
        """Write what is printable as it is, and of the rest its escapes."""
        return sys.stdout.write(terminal_lines(text))
