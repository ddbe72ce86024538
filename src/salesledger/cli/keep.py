"""Commands that keep: init, and completion."""

import os

import click

from salesledger.cli.options import today_of


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
@click.pass_context
def init_command(ctx: click.Context, /, timezone: str, currency: str | None, actor: str | None) -> None:
    """Make a ledger.

    It starts with the process 'b2b': lead, qualified, meeting, proposal, negotiation.
    """
    from salesledger.api import Ledger, to_path
    from salesledger.cli.escape import safe_text

    place = to_path(ctx.obj["file"])
    with Ledger.create(place, timezone=timezone, currency=currency, actor=actor, today=today_of(ctx)):
        told = f"amounts in {currency}" if currency else "amounts in the currency of the first one"
        click.echo(f"Made the ledger {safe_text(os.fspath(place))}: days of {timezone}, {told}, process b2b.")


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Set up completion in your shell.

    bash: salesledger completion bash > ~/.salesledger-complete.bash, and source that file in ~/.bashrc.
    """
    from click.shell_completion import get_completion_class

    from salesledger.cli.main import root

    cls = get_completion_class(shell)
    assert cls is not None
    click.echo(cls(root, {}, "salesledger", "_SALESLEDGER_COMPLETE").source())
