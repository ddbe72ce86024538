"""Commands that keep: init, and completion."""

import os

import click

from salesledger.cli.main import place_of
from salesledger.cli.options import emit, printing, today_of
from salesledger.cli.render import Rows, format_for, write


@click.command("init")
@click.option(
    "--timezone",
    default="UTC",
    metavar="ZONE",
    help="Where the ledger's days begin and end, such as Europe/Berlin; it never changes.  [default: UTC]",
)
@click.option(
    "--currency", metavar="CODE", help="Currency of its amounts, such as EUR.  [default: that of the first amount]"
)
@click.option("--actor", metavar="WHO", help="Who records.  [default: $SALESLEDGER_ACTOR, else your login name]")
@printing
@click.pass_context
def init_command(
    ctx: click.Context,
    /,
    timezone: str,
    currency: str | None,
    actor: str | None,
    format_: str | None,
    output: str | None,
) -> None:
    """Make a ledger.

    It starts with the process 'b2b': lead, qualified, meeting, proposal, negotiation.
    """
    from salesledger.api import Ledger, to_path
    from salesledger.cli.escape import safe_text

    place, chosen = to_path(place_of(ctx)), format_for(format_, output)
    code = currency.upper() if currency else None
    with Ledger.create(place, timezone=timezone, currency=code, actor=actor, today=today_of(ctx)) as ledger:
        if chosen == "table":
            told = f"amounts in {code}" if code else "amounts in the currency of the first one"
            write(f"Made the ledger {safe_text(os.fspath(place))}: days of {timezone}, {told}, process b2b.\n", output)
            return
        made = Rows(
            ["file", "ledger_id", "timezone", "currency", "process"],
            ["VARCHAR"] * 5,
            [(os.fspath(place), ledger.head.ledger_id, timezone, code, "b2b")],
        )
        emit(made, ledger, format_=chosen, output=output)


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Set up completion in your shell.

    It prints a script that completes commands, options and the ids of deals. In bash, have ~/.bashrc run it:
    eval "$(salesledger completion bash)"
    """
    from click.shell_completion import get_completion_class

    from salesledger.cli.main import root

    cls = get_completion_class(shell)
    assert cls is not None
    write(cls(root, {}, "salesledger", "_SALESLEDGER_COMPLETE").source().strip() + "\n", None)
