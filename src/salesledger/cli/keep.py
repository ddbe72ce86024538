"""Commands that keep: init, migrate and completion."""

import click

from salesledger.cli.main import place_of
from salesledger.cli.options import emit, printing, today_of
from salesledger.cli.render import format_for, write
from salesledger.shown.values import Rows


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
@click.option("--no-seal-key", is_flag=True, help="Make no key: nothing is sealed until 'seal' makes one.")
@click.option("--roles", is_flag=True, help="On a server: make the roles of its users (reader, auditor, recorder).")
@click.option("--actor", metavar="WHO", help="Who records.  [default: $SALESLEDGER_ACTOR, else your login name]")
@printing
@click.pass_context
def init_command(
    ctx: click.Context,
    /,
    timezone: str,
    currency: str | None,
    no_seal_key: bool,
    roles: bool,
    actor: str | None,
    format_: str | None,
    output: str | None,
) -> None:
    """Make a ledger.

    It starts with the process 'b2b': lead, qualified, meeting, proposal, negotiation. Beside it a key is made that only you
    may read: with it whatever is recorded is sealed, so that 'verify' finds what was changed behind the ledger's back.
    """
    from salesledger.api import Ledger, to_path
    from salesledger.ledger.place import place_of as place_at
    from salesledger.ledger.seal_key import place_of as key_place
    from salesledger.shown.escape import safe_text

    place, chosen = to_path(place_of(ctx)), format_for(format_, output)
    code = currency.upper() if currency else None
    key = None if no_seal_key else key_place(place)
    with Ledger.create(
        place,
        timezone=timezone,
        currency=code,
        sealed=key is not None,
        roles=roles,
        actor=actor,
        today=today_of(ctx),
    ) as ledger:
        if chosen == "table":
            told = f"amounts in {code}" if code else "amounts in the currency of the first one"
            sealed = f"Its entries are sealed with the key {safe_text(str(key))}.\n" if key else ""
            made = f"Made the ledger {safe_text(str(place))}: days of {timezone}, {told}, process b2b.\n"
            schema = place_at(place).schema
            again = f" (DROP SCHEMA {schema} CASCADE), run init again" if schema else ""
            forever = (
                f"Its time zone never changes: if {timezone} is wrong, remove it now{again} and give --timezone ZONE.\n"
            )
            write(made + forever + sealed, output)
            return
        row = Rows(
            ["file", "ledger_id", "timezone", "currency", "process", "seal_key"],
            ["VARCHAR"] * 6,
            [(str(place), ledger.head.ledger_id, timezone, code, "b2b", str(key) if key else None)],
        )
        emit(row, ledger, format_=chosen, output=output)


@click.command("migrate")
@click.option("--roles", is_flag=True, help="On a server: make the roles of its users (reader, auditor, recorder).")
@printing
@click.pass_context
def migrate_command(ctx: click.Context, /, roles: bool, format_: str | None, output: str | None) -> None:
    """Bring the ledger to this version's layout.

    Its entries stay as they are. Run it once after an upgrade; on a server, as the owner of the ledger's schema.
    """
    from salesledger.api import Ledger, to_path
    from salesledger.ledger.place import place_of as place_at
    from salesledger.shown.escape import safe_text

    place = place_at(to_path(place_of(ctx)))
    made = place.migrate(roles=roles)
    if format_for(format_, output) == "table":
        told = [f"{'Gave' if kind == 'right' else 'Made'} the {kind} {safe_text(name)}." for kind, name in made]
        write(
            "".join(f"{line}\n" for line in told or ["It is laid out as this version does it; nothing was changed."]),
            output,
        )
        return
    with Ledger.open(place, today=today_of(ctx)) as ledger:
        emit(Rows(["kind", "name"], ["VARCHAR", "VARCHAR"], list(made)), ledger, format_=format_, output=output)


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
