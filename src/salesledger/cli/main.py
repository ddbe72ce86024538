"""The root of the command line: where each command is, prefixes of commands, and what becomes of errors."""

import gc
import importlib
import os
import sys
from contextlib import suppress
from typing import Any

import click

from salesledger import __version__
from salesledger.errors import NOTHING_RECORDED, SalesledgerError

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("keep", "Make a ledger."),
    "lead": ("lead", "Record leads: capture, contact, qualify, hand over."),
    "meeting": ("deal", "Record meetings."),
    "trial": ("deal", "Record trials."),
    "deal": ("deal", "Record deals: advance, move, sell, offer, win, lose."),
    "account": ("account", "Record accounts and what they value; list and show them."),
    "person": ("person", "Record persons at clients, encrypted; show and forget them."),
    "subscription": ("subscription", "Record subscriptions: start, renew, change, cancel."),
    "referral": ("account", "Record referrals asked and given."),
    "service": ("service", "Record customer service: cases, satisfaction."),
    "target": ("target", "Set targets."),
    "process": ("process", "Define and show sales processes."),
    "rate": ("rate", "Set and list exchange rates."),
    "void": ("entries", "Strike out an entry."),
    "correct": ("entries", "Put an entry right."),
    "record": ("entries", "Record any events, as JSON lines."),
    "pipeline": ("reports", "Open deals by stage, at any date."),
    "deals": ("reports", "Every deal as it was at any date."),
    "leads": ("reports", "Every lead and what became of it."),
    "metrics": ("reports", "Leads, bookings, deal size, close ratio, lifetime."),
    "funnel": ("reports", "How far the leads of a period have come."),
    "falling": ("walk", "Steps that fewer deals get past than in the past year."),
    "map": ("walk", "The process as it is really walked."),
    "blocked": ("reports", "Deals that wait longer than usual."),
    "bookings": ("reports", "Won deals and what they are worth."),
    "referrals": ("referrals", "What referrals bring, and who brought whom."),
    "cases": ("service", "Service cases and what became of them."),
    "satisfaction": ("service", "How likely accounts are to recommend us."),
    "attainment": ("reports", "Targets and calls beside what was booked."),
    "forecast": ("forecast", "What will be booked, and how sure that is."),
    "backtest": ("backtest", "What each model would have forecast, scored."),
    "subscriptions": ("retention", "Subscriptions as they were at any date."),
    "recurring": ("retention", "Recurring revenue and what moved it."),
    "renewals": ("retention", "Terms that end, and what became of them."),
    "repeat": ("retention", "Clients that buy again, and those overdue."),
    "diff": ("reports", "What moved the pipeline between two dates."),
    "handovers": ("steps", "Leads offered, by whom to whom, and what became of them."),
    "meetings": ("steps", "Meetings held by kind, and what their deals came to."),
    "pains": ("steps", "What hurts clients, and which pains we win with."),
    "losses": ("steps", "Why, where and to whom deals were lost."),
    "discounts": ("steps", "What was taken off the list price of won deals."),
    "history": ("inspect", "One deal's entries."),
    "audit": ("audit", "A deal's story: what each entry changed, by whom, and how late."),
    "lag": ("audit", "How late things become known and are recorded."),
    "log": ("inspect", "Everything that was recorded, in order."),
    "show": ("inspect", "Any projection."),
    "query": ("inspect", "Any SQL over the projections."),
    "projections": ("inspect", "The projections there are."),
    "check": ("check", "Hold the ledger against what it promises."),
    "import": ("exchange", "Take events from other systems' files."),
    "export": ("exchange", "Write every event to a file."),
    "backup": ("backup", "Copy the ledger to a file, while others use it."),
    "restore": ("backup", "Make a ledger of a backup."),
    "migrate": ("keep", "Bring the ledger to this version's layout."),
    "seal": ("seal", "Sign what the ledger holds, and print the checkpoint."),
    "verify": ("seal", "Read the whole log and recompute every seal."),
    "prove": ("seal", "Make a proof for somebody who hasn't the ledger."),
    "verify-proof": ("seal", "Check a proof, and say what it proves."),
    "serve": ("serve", "Show the ledger on a page in your browser."),
    "demo": ("demo", "A made-up company, and a tour of it."),
    "completion": ("keep", "Set up completion in your shell."),
}
"""Every command: the module that holds it, and its help in a line (which the command's own docstring begins with)."""

ENGINES = ("duckdb", "spark")

SECTIONS = {"init": "Record", "pipeline": "Ask", "check": "Keep"}
"""The commands at which a section of --help begins, and what it is called."""


class Prefixed(click.Group):
    """A group that takes any unambiguous beginning of a command's name, and lists its commands as they come in life."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which they were defined."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word means."""
        names = self.list_commands(ctx)
        if args and args[0] not in names and not args[0].startswith("-"):
            found = [name for name in names if name.startswith(args[0].lower())]
            if len(found) == 1:
                args = [found[0], *args[1:]]
            elif found:
                ctx.fail(f"{args[0]!r} could be any of: {', '.join(found)}. Type more of it.")
            else:
                from difflib import get_close_matches

                close = get_close_matches(args[0].lower(), names, 1)
                hint = f" Did you mean {close[0]!r}?" if close else ""
                ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


class Answering(Prefixed):
    """A group that is a command as well: what is none of its commands' names is for the command itself.

    Attributes:
        own: that command.
    """

    def __init__(self, own: click.Command) -> None:
        super().__init__(own.name, help=own.help, short_help=own.short_help)
        self.own = own

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The group's context where one of its commands is named, else that of the command itself."""
        if args and args[0] in self.commands:
            return super().make_context(info_name, args, parent, **extra)
        return self.own.make_context(info_name, args, parent, **extra)


class Root(Prefixed):
    """The commands, imported only when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of `COMMANDS`: record, ask, keep."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"salesledger.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        _add_everywhere(command, asks=cmd_name in asking())
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; that the reader of the pipe has gone is no error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # What Python would still flush at exit has nowhere to go either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, (_, text) in COMMANDS.items():
            if name in SECTIONS:
                listed = sections.setdefault(SECTIONS[name], [])
            listed.append((name, text))
        for title, listed in sections.items():
            with formatter.section(title):
                formatter.write_dl(listed)


def _remember(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    told = ctx.find_root().ensure_object(dict)
    if value is not None:
        told[param.name] = value


def _everywhere() -> list[click.Option]:
    return [
        click.Option(
            ["-f", "--file", "ledger"],
            metavar="LEDGER",
            help="The ledger: a file, or a postgresql:// URL.  [default: $SALESLEDGER_FILE, else ./sales.ledger]",
            expose_value=False,
            callback=_remember,
        ),
        click.Option(
            ["--today", "today"],
            metavar="DATE",
            help="The day that counts as today, for runs that can be repeated.  [default: $SALESLEDGER_TODAY]",
            expose_value=False,
            callback=_remember,
        ),
    ]


def asking() -> set[str]:
    """The commands that ask."""
    names = list(COMMANDS)
    begin, end = (next(name for name, title in SECTIONS.items() if title == wanted) for wanted in ("Ask", "Keep"))
    return set(names[names.index(begin) : names.index(end)])


def _engines() -> list[click.Option]:
    return [
        click.Option(
            ["--engine", "engine"],
            type=click.Choice(ENGINES),
            help="What works out the answer.  [default: $SALESLEDGER_ENGINE, else duckdb]",
            expose_value=False,
            callback=_remember,
        ),
        click.Option(
            ["--memory", "memory"],
            metavar="SIZE",
            help="What it may use of it, such as 4GB.  [default: $SALESLEDGER_MEMORY, else the engine decides]",
            expose_value=False,
            callback=_remember,
        ),
    ]


def _add_everywhere(command: click.Command, *, asks: bool) -> None:
    """Let -f and --today stand behind the command's name as well as before it; what asks also takes --engine and --memory."""
    if isinstance(command, click.Group):
        for part in command.commands.values():
            _add_everywhere(part, asks=asks)
        if isinstance(command, Answering):
            _add_everywhere(command.own, asks=asks)
    elif not any(param.name == "ledger" for param in command.params):
        command.params.extend([*(_engines() if asks else ()), *_everywhere()])
        for param in command.params:
            if param.name == "output":
                param.callback = _spare_ledgers


def _spare_ledgers(ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Refuse an -o that would destroy a ledger or its keys, before anything is done."""
    if value not in (None, "-"):
        from salesledger.ledger.guard import check_may_write

        try:
            check_may_write(value, ledger=place_of(ctx))
        except SalesledgerError as e:
            raise e.also(NOTHING_RECORDED) if records_something(ctx) else e from None
    return value


def records_something(ctx: click.Context) -> bool:
    """Whether the command is one that records."""
    return any(param.name == "dry_run" for param in ctx.command.params)


@click.group(
    cls=Root, params=_everywhere(), context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, "-V", "--version", message="salesledger %(version)s")
def root() -> None:
    """An event-sourced sales ledger: record what happens in sales, and ask about any past date.

    Commands may be shortened as long as they stay unambiguous ('pipe'), and so may the ids of deals.
    """


def place_of(ctx: click.Context) -> str:
    """The ledger that the command line names, else the environment, else the one in this folder."""
    return (ctx.find_root().obj or {}).get("ledger") or os.environ.get("SALESLEDGER_FILE") or "sales.ledger"


def main(args: list[str] | None = None) -> None:
    """Run the command line, and end the process with its exit code: 0, 1 (the ledger says no) or 2 (usage)."""
    gc.set_threshold(100_000)  # what starts makes many objects and hardly any garbage
    exit_code = run(args)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    # All files are closed by now, and to take DuckDB's module down in good order takes as long as many a report. (gc.freeze()
    # would be quick too, but then that module complains of leaks on standard error.)
    os._exit(exit_code)


def run(args: list[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit code.
    """
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    try:
        result: Any = root.main(args=args, prog_name="salesledger", standalone_mode=False)
    except SalesledgerError as e:
        return _complain(str(e), e.exit_code)
    except click.exceptions.NoArgsIsHelpError as e:
        click.echo(e.ctx.get_help() if e.ctx else e.format_message(), err=True)
        return e.exit_code
    except click.ClickException as e:
        return _complain(complaint(e), e.exit_code)
    except (click.Abort, KeyboardInterrupt) as e:
        return _complain(" ".join(("stopped.", *getattr(e.__cause__ or e, "__notes__", ()))), 130)
    except OSError as e:
        return _complain(f"The system refused: {e.strerror or e}{f' ({e.filename!r})' if e.filename else ''}.", 1)
    return result if isinstance(result, int) else 0


def _complain(message: str, exit_code: int) -> int:
    from salesledger.shown.escape import safe_text, without_password

    click.echo(f"salesledger: {safe_text(without_password(message))}", err=True)
    return exit_code


def complaint(error: click.ClickException) -> str:
    """What a wrong command line is answered with."""
    message = error.format_message().rstrip().replace("\n\t", " ")
    message += "" if message.endswith((".", "?")) else "."
    context = getattr(error, "ctx", None)
    if not isinstance(error, click.UsageError) or context is None:
        return message
    if isinstance(error, click.NoSuchOption) and context.command is root:
        message += " An option of a command comes behind its name."
    if records_something(context):
        message += f" {NOTHING_RECORDED}"
    return f"{message} See '{context.command_path} --help'."
