"""The options that commands share: what is asked, how it is printed, who records and when."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from salesledger.cli.render import FORMATS, Rows, format_for, render, write
from salesledger.errors import BadDate, NoLedger, SalesledgerError

if TYPE_CHECKING:
    from salesledger.api import Ledger

F = TypeVar("F", bound=Callable[..., Any])

INTERVALS = {"-D": "day", "-W": "week", "-M": "month", "-Q": "quarter", "-Y": "year"}
_NAMES = {"day": "daily", "week": "weekly", "month": "monthly", "quarter": "quarterly", "year": "yearly"}
_BY = ("owner", "team", "source", "campaign", "product", "segment", "account", "process")


@contextmanager
def opened(ctx: click.Context, actor: str | None = None) -> Iterator["Ledger"]:
    """The ledger that the command line names, closed when the command is done."""
    from salesledger.api import Ledger, to_path

    with Ledger.open(
        to_path(ctx.obj["file"]), actor=actor, today=today_of(ctx), progress=progress("Building the mirror")
    ) as ledger:
        yield ledger


def today_of(ctx: click.Context) -> Any:
    """The day that --today names, if any."""
    from datetime import date

    text = ctx.obj.get("today")
    if not text:
        return None
    from salesledger.readmodel.periods import parse_date

    try:
        return parse_date(text, date.today())  # noqa: DTZ011 - only 'yesterday' and the like look at it
    except BadDate:
        raise
    except ValueError as e:
        raise BadDate(text) from e


def progress(label: str) -> Callable[[int, int], None] | None:
    """What draws a progress bar on standard error; None where that is no terminal."""
    if not sys.stderr.isatty():
        return None
    bar: Any = None

    def told(done: int, total: int) -> None:
        nonlocal bar
        if bar is None:
            bar = click.progressbar(length=total, label=label, file=sys.stderr, show_pos=True)
            bar.__enter__()
        bar.update(done - bar.pos)
        if done >= total:
            bar.__exit__(None, None, None)
            bar = None

    return told


def printing(command: F) -> F:
    """Add -O and -o: the format, and the file to write to."""
    command = click.option("-o", "--output", metavar="FILE", help="Write to FILE; its ending tells the format.")(
        command
    )
    return click.option(
        "-O", "--output-format", "format_", type=click.Choice(FORMATS), help="The format.  [default: table]"
    )(command)


def dated(command: F) -> F:
    """Add the two dates of a question, and the ledger's position."""
    command = click.option(
        "--upto", type=click.IntRange(min=1), metavar="ENTRY", help="Look at nothing behind this entry."
    )(command)
    command = click.option(
        "--known-at", metavar="DATE", help="With what was known by the end of this day.  [default: now]"
    )(command)
    return click.option("--as-of", metavar="DATE", help="As it was at the end of this day.  [default: now]")(command)


def periodic(command: F) -> F:
    """Add the periods of a report."""
    for flag, interval in reversed(INTERVALS.items()):
        command = click.option(
            flag, f"--{_NAMES[interval]}", "interval", flag_value=interval, default=None, help=f"A row a {interval}."
        )(command)
    command = click.option(
        "-p", "--period", metavar="PERIOD", help="Such as 2026Q1, 'last month', 2026-03..2026-06 (end exclusive)."
    )(command)
    command = click.option("-e", "--end", metavar="DATE", help="Up to, but without, this day.")(command)
    return click.option("-b", "--begin", metavar="DATE", help="From this day on.")(command)


def split_by(command: F) -> F:
    """Add --by."""
    return click.option("--by", type=click.Choice(_BY), help="Split by this.")(command)


def filtered(command: F) -> F:
    """Add filters as arguments."""
    return click.argument("filters", nargs=-1, metavar="[FILTER]...")(command)


def records(command: F) -> F:
    """Add what every recording command takes: who, a key, a dry run and the format of its answer."""
    for option in (
        click.option(
            "-O", "--output-format", "format_", type=click.Choice(FORMATS), help="Print the entries in this format."
        ),
        click.option("--dry-run", is_flag=True, help="Check everything, record nothing."),
        click.option("--key", metavar="KEY", help="The same key with the same content is recorded only once."),
        click.option(
            "--actor", metavar="WHO", help="Who records.  [default: $SALESLEDGER_ACTOR, else your login name]"
        ),
    ):
        command = option(command)
    return command


def on_date(command: F) -> F:
    """Add --on."""
    return click.option("--on", metavar="DATE", help="When it happened.  [default: now]")(command)


def emit(
    rows: Rows,
    ledger: "Ledger",
    *,
    format_: str | None,
    output: str | None = None,
    title: str = "",
    notes: tuple[str, ...] = (),
) -> None:
    """Print an answer, or write it to a file."""
    chosen = format_for(format_, output)
    width = None
    if output is None and sys.stdout.isatty():
        import shutil

        width = shutil.get_terminal_size().columns
    write(render(rows, chosen, zone=ledger.zone, title=title, notes=notes, width=width), output)


def complete_deal(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Ids of deals for the shell's completion; silent where there is no ledger."""
    from salesledger.api import to_path
    from salesledger.ledger.format import connect_to_read, find_ids

    root = ctx.find_root()
    place = (root.obj or {}).get("file") or root.params.get("file") or "sales.ledger"
    try:
        connection, _ = connect_to_read(to_path(place))
    except (NoLedger, SalesledgerError):
        return []
    try:
        return find_ids(connection, "deal", incomplete, limit=50)
    finally:
        connection.close()
