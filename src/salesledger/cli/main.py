"""The root of the command line: where each command is, prefixes of commands, and what becomes of errors."""

import importlib
import os
import sys
from typing import Any

import click

from salesledger import __version__
from salesledger.errors import SalesledgerError

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("keep", "Make a ledger."),
    "lead": ("lead", "Record leads: capture, contact, qualify, hand over."),
    "meeting": ("deal", "Record meetings."),
    "trial": ("deal", "Record trials."),
    "deal": ("deal", "Record deals: advance, revise, offer, win, lose, reopen."),
    "account": ("account", "Record accounts."),
    "referral": ("account", "Record referrals asked and given."),
    "process": ("process", "Define and show sales processes."),
    "void": ("entries", "Strike out an entry."),
    "correct": ("entries", "Put an entry right."),
    "record": ("entries", "Record any events, as JSON lines."),
    "pipeline": ("reports", "Open deals by stage, at any date."),
    "deals": ("reports", "Every deal as it was at any date."),
    "leads": ("reports", "Every lead and what became of it."),
    "metrics": ("reports", "Leads, bookings, deal size, close ratio, lifetime."),
    "funnel": ("reports", "How far the leads of a period have come."),
    "blocked": ("reports", "Deals that wait longer than usual."),
    "bookings": ("reports", "Won deals and what they are worth."),
    "history": ("inspect", "One deal's entries."),
    "log": ("inspect", "Everything that was recorded, in order."),
    "show": ("inspect", "Any projection."),
    "query": ("inspect", "Any SQL over the projections."),
    "projections": ("inspect", "The projections there are."),
    "import": ("exchange", "Take events from other systems' files."),
    "export": ("exchange", "Write the events to a file."),
    "demo": ("demo", "A made-up company, and a tour of it."),
    "completion": ("keep", "Set up completion in your shell."),
}
"""Every command: the module that holds it, and its help in a line (which the command's own docstring begins with)."""


class Prefixed(click.Group):
    """A group that takes any unambiguous beginning of a command's name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word means."""
        names = self.list_commands(ctx)
        if args and args[0] not in names:
            found = [name for name in names if name.startswith(args[0].lower())]
            if len(found) == 1:
                args = [found[0], *args[1:]]
            elif found and not args[0].startswith("-"):
                ctx.fail(f"{args[0]!r} could be any of: {', '.join(found)}. Type more of it.")
        return super().resolve_command(ctx, args)


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
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, "-V", "--version", message="salesledger %(version)s")
@click.option(
    "-f",
    "--file",
    metavar="LEDGER",
    help="The ledger's file.  [default: $SALESLEDGER_FILE, else ./sales.ledger]",
)
@click.option(
    "--today",
    metavar="DATE",
    help="The day that counts as today, for runs that can be repeated (also $SALESLEDGER_TODAY).",
)
@click.pass_context
def root(ctx: click.Context, /, file: str | None, today: str | None) -> None:
    """An event-sourced sales ledger: record what happens in sales, and ask about any past date.

    Commands may be shortened as long as they stay unambiguous ('pipe'), and so may the ids of deals.
    """
    ctx.obj = {
        "file": file or os.environ.get("SALESLEDGER_FILE") or "sales.ledger",
        "today": today or os.environ.get("SALESLEDGER_TODAY"),
    }


def main(args: list[str] | None = None) -> None:
    """Run the command line, and end the process with its exit code: 0, 1 (the ledger says no) or 2 (usage)."""
    sys.exit(run(args))


def run(args: list[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit code.
    """
    from salesledger.cli.escape import safe_text

    try:
        result: Any = root.main(args=args, prog_name="salesledger", standalone_mode=False)
    except SalesledgerError as e:
        click.echo(f"salesledger: {safe_text(str(e))}", err=True)
        return e.exit_code
    except click.ClickException as e:
        click.echo(f"salesledger: {safe_text(_told(e))}", err=True)
        return e.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("salesledger: stopped.", err=True)
        return 130
    except BrokenPipeError:
        # The reader of the pipe has gone; what Python would still flush at exit has nowhere to go either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0


def _told(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    hint = f" See '{context.command_path} --help'." if isinstance(error, click.UsageError) and context else ""
    return error.format_message() + hint
