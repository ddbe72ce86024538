"""The options that commands share: what is asked, how it is printed, who records and when."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from salesledger.cli.main import place_of
from salesledger.cli.render import FORMATS, format_for, is_picture, render, write
from salesledger.errors import SalesledgerError, UsageError
from salesledger.shown.escape import safe_text
from salesledger.shown.values import Rows

if TYPE_CHECKING:
    from datetime import date

    from salesledger.api import Ledger

F = TypeVar("F", bound=Callable[..., Any])

INTERVALS = {"-D": "day", "-W": "week", "-M": "month", "-Q": "quarter", "-Y": "year"}
_MOST = 2**63 - 1
_NAMES = {"day": "daily", "week": "weekly", "month": "monthly", "quarter": "quarterly", "year": "yearly"}
DIMENSIONS = ("owner", "team", "source", "campaign", "product", "segment", "account", "process")


CLOCKS = ("effective", "known", "recorded")
"""When it happened, when it was known, when it was recorded."""


class Whole(click.IntRange):
    """A whole number, called so in messages, that a database can hold."""

    name = "whole number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number.

        Raises:
            click.BadParameter: it is none, or out of range.
        """
        number: int = super().convert(value, param, ctx)
        if number > _MOST:
            self.fail(f"{number} is too large; the most is {_MOST}.", param, ctx)
        return number


@contextmanager
def opened(ctx: click.Context, actor: str | None = None) -> Iterator["Ledger"]:
    """The ledger that the command line names, closed when the command is done; or the one that a server keeps open."""
    from salesledger.api import Ledger, to_path

    resident: Ledger | None = (ctx.find_root().obj or {}).get("resident")
    if resident is not None:
        yield resident
        return
    with Ledger.open(
        to_path(place_of(ctx)),
        actor=actor,
        today=today_of(ctx),
        progress=progress("Building the mirror"),
        **_engine_of(ctx),
    ) as ledger:
        yield ledger
        _note_what_is_beyond(ctx, ledger)
        _note_a_wrong_clock(ledger)
        seal_quietly(ledger)


def _engine_of(ctx: click.Context) -> dict[str, str]:
    """The engine and its memory that the command line names, else the environment; only what asks looks at them."""
    if not any(param.name == "engine" for param in ctx.command.params):
        return {}
    told = ctx.find_root().obj or {}
    named = {name: told.get(name) or os.environ.get(f"SALESLEDGER_{name.upper()}") for name in ("engine", "memory")}
    return {name: value for name, value in named.items() if value}


def seal_quietly(ledger: "Ledger") -> None:
    """Seal what was recorded, where the key is at hand; that it can't be is a warning, for what is recorded is recorded."""
    try:
        ledger.seal_recorded()
    except (SalesledgerError, OSError) as e:
        click.echo(f"salesledger: warning: recorded, but not sealed: {safe_text(str(e))}", err=True)


def _note_what_is_beyond(ctx: click.Context, ledger: "Ledger") -> None:
    """Tell people, on standard error, where they ask about a day that is still to come, or beyond the ledger's end."""
    asked = {name: ctx.params.get(name) for name in ("as_of", "known_at", "upto")}
    form = ctx.params.get("format_"), ctx.params.get("output")
    if not any(asked.values()) or not (is_picture(*form) or format_for(*form) in ("table", "md")):
        return
    last = ledger.head.last_entry
    later = [
        f"--{name.replace('_', '-')} {text}"
        for name, text in asked.items()
        if name != "upto"
        and (moment := ledger.moment(text, end_of_day=True))
        and moment.astimezone(ledger.zone).date() > ledger.today
    ]
    if later:
        told = f"{' and '.join(later)} {'is' if len(later) == 1 else 'are'} in the future"
        click.echo(
            f"salesledger: note: {safe_text(told)}: this is by what is on record now, up to entry {last}.", err=True
        )
    if asked["upto"] and asked["upto"] > last:
        click.echo(f"salesledger: note: --upto {asked['upto']}: the ledger ends with entry {last}.", err=True)


def _note_a_wrong_clock(ledger: "Ledger") -> None:
    """Warn who records where the log's stamps are ahead of the machine's clock: what is recorded counts as known only then."""
    if (stamped := ledger.runs_ahead()) is not None:
        told = stamped.astimezone(ledger.zone)
        click.echo(
            f"salesledger: warning: recorded as of {told:%Y-%m-%d %H:%M}, far ahead of this machine's clock: stamps never go back, "
            "and an entry before was stamped so. Reports as known before that day don't count what has no --known-at; "
            "'salesledger check' names the entry.",
            err=True,
        )


def today_of(ctx: click.Context) -> "date | None":
    """The day that --today names, if any.

    Raises:
        BadDate: it is none.
    """
    text = (ctx.find_root().obj or {}).get("today") or os.environ.get("SALESLEDGER_TODAY")
    if not text:
        return None
    from datetime import date

    from salesledger.readmodel.periods import parse_date

    return parse_date(text, date.today())  # noqa: DTZ011 - only 'yesterday' and the like look at it


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
    command = click.option("--upto", type=Whole(min=1), metavar="ENTRY", help="Look at nothing behind this entry.")(
        command
    )
    command = click.option(
        "--known-at", metavar="DATE", help="With what was known by the end of this day.  [default: now]"
    )(command)
    return click.option("--as-of", metavar="DATE", help="As it was at the end of this day.  [default: now]")(command)


def periodic(command: F) -> F:
    """Add the periods of a report."""
    for flag, interval in reversed(INTERVALS.items()):
        command = interval_flag(flag, _NAMES[interval], interval, f"A row a {interval}.")(command)
    return _span_options(command)


def interval_flag(flag: str, name: str, interval: str, help_: str) -> Callable[[F], F]:
    """Add a flag that chooses an interval, which the command gets as `interval`; beside another one it is refused."""

    def told(ctx: click.Context, _: click.Parameter, given: bool) -> None:
        before = ctx.params.setdefault("interval", None)
        if given and before not in (None, interval):
            raise click.UsageError(f"The interval is either {before} or {interval}, not both at once.", ctx)
        if given:
            ctx.params["interval"] = interval

    return click.option(
        flag, f"--{name}", f"{interval}_flag", is_flag=True, expose_value=False, callback=told, help=help_
    )


def _span_options(command: F) -> F:
    command = click.option(
        "-p", "--period", metavar="PERIOD", help="Such as 2026Q1, 'last month', 2026-03..2026-06 (end exclusive)."
    )(command)
    command = click.option("-e", "--end", metavar="DATE", help="Up to, but without, this day.")(command)
    return click.option("-b", "--begin", metavar="DATE", help="From this day on.")(command)


def clocked(default: str) -> Callable[[F], F]:
    """Add a span of days, and by which of the three clocks entries lie in it."""

    def added(command: F) -> F:
        command = click.option(
            "--clock",
            type=click.Choice(CLOCKS),
            default=default,
            show_default=True,
            help="What -b, -e and -p look at: when it happened, was known, or was recorded.",
        )(command)
        return _span_options(command)

    return added


def within(
    ledger: "Ledger", clock: str, period: str | None, begin: str | None, end: str | None
) -> tuple[str, dict[str, object]]:
    """The condition that an entry lies in a span of days by one of the clocks, and its parameters."""
    from datetime import UTC

    conditions: list[str] = []
    parameters: dict[str, object] = {}
    bounds = zip((">=", "<"), ("span_begin", "span_end"), ledger.instants(period, begin, end), strict=True)
    for operator, name, instant in bounds:
        if instant is not None:
            conditions.append(f"{clock}_at {operator} ${name}")
            parameters[name] = instant.astimezone(UTC).replace(tzinfo=None)
    return " AND ".join(conditions) or "true", parameters


def by_one_of(choices: Sequence[str], help_: str = "Split by this.") -> Callable[[F], F]:
    """Add --by, which is given once."""
    return click.option("--by", type=click.Choice(choices), multiple=True, callback=_only, help=help_)


def _only(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> str | None:
    if len(values) > 1:
        raise UsageError(f"--by splits by one thing at a time, not by {' and '.join(values)}. Give it once.")
    return values[0] if values else None


def split_by(command: F) -> F:
    """Add --by with all dimensions."""
    return by_one_of(DIMENSIONS)(command)


def filtered(command: F) -> F:
    """Add filters as arguments."""
    return click.argument("filters", nargs=-1, metavar="[FILTER]...")(command)


def records(command: F) -> F:
    """Add what every recording command takes: who, a key, a dry run, and how its answer is printed."""
    for option in (
        click.option("-o", "--output", metavar="FILE", help="Write the entries to FILE; its ending tells the format."),
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
    expendable: Sequence[str] = (),
    wrap: str | None = None,
) -> None:
    """Print an answer, or write it to a file.

    Args:
        rows: the answer.
        ledger: where it comes from.
        format_: the format asked for; where absent, the file's ending tells it.
        output: the file; standard output where absent.
        title: a line above a table.
        notes: lines below a table.
        expendable: columns that a table can do without on a terminal that is too narrow for all; the first goes first.
        wrap: a column whose texts go on in lines of their own there.
    """
    chosen = format_for(format_, output)
    width = terminal_width(output)
    if width is not None and chosen == "table" and (expendable or wrap):
        from salesledger.cli.layout import fitted, wrapped

        if wrap:
            rows, left_out = wrapped(rows, wrap, width, expendable, zone=ledger.zone)
        else:
            rows, left_out = fitted(rows, width, expendable, zone=ledger.zone)
        if left_out:
            notes = (*notes, f"Left out for want of room: {', '.join(left_out)} (-O json has everything).")
    if width is not None and chosen == "table":
        from textwrap import wrap as in_lines

        notes = tuple(line for note in notes for line in in_lines(note, width))
    text = render(rows, chosen, zone=ledger.zone, title=title, notes=notes, width=width)
    if width is not None and chosen == "csv":
        from salesledger.shown.escape import terminal_lines

        text = terminal_lines(text)
    write(text, output)


def terminal_width(output: str | None) -> int | None:
    """The columns of the terminal that is written to; None where it is none."""
    if output not in (None, "-") or not sys.stdout.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


def completing(kind: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """What completes the ids of one kind of stream in the shell; silent where there is no ledger."""

    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
        from salesledger.api import to_path
        from salesledger.ledger.ids import find_ids
        from salesledger.ledger.place import connect_to_read

        try:
            connection = connect_to_read(to_path(place_of(ctx)))
        except SalesledgerError:
            return []
        try:
            return find_ids(connection, kind, incomplete, limit=50)
        finally:
            connection.close()

    return complete


def complete_stage(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Stages of any process of the ledger, for the shell."""
    from salesledger.api import Ledger, to_path

    try:
        with Ledger.open(to_path(place_of(ctx))) as ledger:
            names = [stage for _, _, stage, *_ in ledger.head.stages]
    except SalesledgerError:
        return []
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def complete_projection(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Names of projections, for the shell."""
    from salesledger.api import to_path
    from salesledger.ledger.place import place_of as place_at
    from salesledger.readmodel import catalogue

    try:
        names = catalogue.load(place_at(to_path(place_of(ctx))).projections)
    except SalesledgerError:
        names = catalogue.load()
    return [name for name in names if name.startswith(incomplete)]
