"""Commands that keep the ledger safe: backup and restore."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.main import place_of
from salesledger.cli.options import emit, printing
from salesledger.cli.render import format_for, write
from salesledger.errors import as_typed
from salesledger.shown.reports import counted
from salesledger.shown.values import Rows

if TYPE_CHECKING:
    from salesledger.ledger.backup import Copied
    from salesledger.ledger.place import Where


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--keys", is_flag=True, help="Copy the keys of persons as well, to FILE.keys and FILE.master.")
@printing
@click.pass_context
def backup_command(ctx: click.Context, /, file: Path, keys: bool, format_: str | None, output: str | None) -> None:
    """Copy the ledger to a file, while others use it.

    The copy is the ledger as it is at this moment. Before it gets its name it is read back and compared with the ledger,
    entry by entry, and its seals are verified; a file that is there already is never replaced. It is your own (mode 0600). The
    key that seals the ledger is never in it, and those of persons only with --keys.
    """
    from salesledger.api import to_path
    from salesledger.ledger.backup import back_up
    from salesledger.ledger.backup_keys import KeyFiles

    place = to_path(place_of(ctx))
    copied = back_up(place, file, keys=keys)
    note = _NO_KEYS if not keys and KeyFiles.of_ledger(place).keys.exists() else ""
    _tell(copied, f"Backed up {_name(place)} to {_name(file)}", format_, output, note)


_NO_KEYS = (
    "The keys of persons are not in it, and without them nobody can read who they are: 'backup --keys' keeps a copy."
)


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--keys", is_flag=True, help="Take over the keys of persons that lie beside FILE.")
@click.option("--roles", is_flag=True, help="On a server: make the roles of its users (reader, auditor, recorder).")
@printing
@click.pass_context
def restore_command(
    ctx: click.Context, /, file: Path, keys: bool, roles: bool, format_: str | None, output: str | None
) -> None:
    """Make a ledger of a backup.

    It is made where -f says, and never replaces one: move that away first. The backup is checked before anything is made,
    and stays as it is. Keys of persons are taken over with --keys, which must lie beside it; whoever was forgotten after
    the backup is to be forgotten again. The seal key is in no backup: where it isn't at hand, it is said where to put it.
    Nor are roles and who has them: on a server, --roles makes them, and each login is to be granted one.
    """
    from salesledger.api import to_path
    from salesledger.ledger.backup import restore
    from salesledger.ledger.sealing import missing_key

    place = to_path(place_of(ctx))
    copied = restore(file, place, keys=keys, roles=roles)
    missing = missing_key(place)
    notes = [_SEAL_KEY.format(place=_name(missing))] if missing else []
    _tell(
        copied,
        f"Restored {_name(file)} to {_name(place)}",
        format_,
        output,
        "\n".join([*notes, *_rights(place, roles)]),
    )


def _rights(place: "Where", roles: bool) -> list[str]:
    """What is left to do on a server until others may use what was restored."""
    from salesledger.ledger.place import place_of as place_at

    schema = place_at(place).schema
    if schema is None:
        return []
    first = (
        ""
        if roles
        else f"{as_typed(f'salesledger -f {shlex.quote(_name(place))} migrate --roles')} makes its roles; then "
    )
    return [f"Nobody but its owner may use it yet: {first}grant each login one (GRANT {schema}_recorder TO kim)."]


_SEAL_KEY = "The seal key is in no backup: put it at {place}, or what is recorded from now on is not sealed."


def _name(path: "Where") -> str:
    from salesledger.shown.escape import safe_text

    return safe_text(str(path))


def _tell(copied: "Copied[Any]", done: str, format_: str | None, output: str | None, note: str = "") -> None:
    if format_for(format_, output) == "table":
        keys = f"; with the keys of {counted(copied.keys, 'person', 'persons')}" if copied.keys else ""
        seals = f"its seals hold up to entry {copied.sealed}" if copied.sealed else "it has no seals"
        said = f"{done}: {copied.entries} entries, compared one by one; {seals}; {copied.size} bytes{keys}."
        write("".join(f"{line}\n" for line in (said, note) if line), output)
        return
    if note:
        click.echo(note, err=True)
    from salesledger.api import Ledger

    rows = Rows(
        ["file", "ledger_id", "entries", "sealed", "bytes", "keys"],
        ["VARCHAR", "VARCHAR", "BIGINT", "BIGINT", "BIGINT", "BIGINT"],
        [(str(copied.path), copied.ledger_id, copied.entries, copied.sealed, copied.size, copied.keys)],
    )
    with Ledger.open(copied.path) as ledger:
        emit(rows, ledger, format_=format_, output=output)
