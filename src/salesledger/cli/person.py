"""Commands about persons: added, revised, listed, shown, told what is held of them, and forgotten."""

import sys
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.listing import listed
from salesledger.cli.main import Prefixed
from salesledger.cli.options import completing, dated, filtered, on_date, opened, printing, records
from salesledger.cli.outcomes import common_of, recording
from salesledger.errors import NOTHING_RECORDED, Refused, UsageError
from salesledger.shown.escape import safe_text
from salesledger.shown.tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from salesledger.api import Ledger
    from salesledger.ledger.batch import Outcome

PERSONS = Table(
    ("person", "name", "position", "email", "phone", "contact_of", "meetings", "last_met_on", "forgotten_on", "remark"),
    expendable=("remark", "last_met_on", "meetings", "phone", "position", "email"),
    unless_zero=("meetings",),
)


def who_argument(command: "Callable[..., Any]") -> "Callable[..., Any]":
    """Add WHO: an id, the beginning of one, or a name."""
    return click.argument("who", shell_complete=completing("person"))(command)


def personal_options(command: "Callable[..., Any]") -> "Callable[..., Any]":
    """Add what is kept about a person, besides the name."""
    for name, told in (
        ("remark", "What else is worth knowing."),
        ("position", "What they do there, such as 'head of purchasing'."),
        ("phone", "Where to call."),
        ("email", "Where to write to."),
    ):
        command = click.option(f"--{name}", metavar="TEXT", help=told)(command)
    return command


@click.group("person", cls=Prefixed)
def person_command() -> None:
    """Record persons at clients, encrypted; show and forget them.

    Each has a key of their own, in LEDGER.keys beside the ledger, wrapped by the master key in LEDGER.master (in another file
    where $SALESLEDGER_MASTER_KEY names one; in the system's keyring where it says 'keyring').
    """


@person_command.command("add")
@click.argument("name")
@personal_options
@click.option(
    "--account", metavar="ACCOUNT", shell_complete=completing("account"), help="The account whose contact they are."
)
@click.option("--role", metavar="TEXT", help="The part that they play there, such as champion; never a name.")
@on_date
@records
@click.pass_context
def add(ctx: click.Context, /, name: str, account: str | None, **values: Any) -> None:
    """A person became known.

    What is said about them is encrypted; they get an id that says nothing about them.
    """
    common = common_of(values)

    def work(ledger: "Ledger") -> list["Outcome"]:
        found = ledger.find("account", account) if account else None
        return ledger.add_person(name, account=found, **common.given, **values)

    recording(ctx, common, work)


@person_command.command("revise")
@who_argument
@click.option("--name", metavar="TEXT", help="The name.")
@personal_options
@on_date
@records
@click.pass_context
def revise(ctx: click.Context, /, who: str, **values: Any) -> None:
    """Something about a person changed."""
    common = common_of(values)

    def work(ledger: "Ledger") -> list["Outcome"]:
        return [ledger.record("person-revised", person=ledger.find_person(who), **common.given, **values)]

    recording(ctx, common, work)


@person_command.command("list")
@filtered
@dated
@printing
@click.pass_context
def list_persons(ctx: click.Context, /, **values: Any) -> None:
    """Every person, at any date.

    Filters choose by the projection's own columns: name:kim, contact_of:acme, meetings:'>2'.
    """
    listed(ctx, "persons", "Persons", values, PERSONS)


@person_command.command("show")
@who_argument
@dated
@printing
@click.pass_context
def show(ctx: click.Context, /, who: str, **values: Any) -> None:
    """One person, at any date."""
    with opened(ctx) as ledger:
        found = ledger.find_person(who)
    listed(ctx, "persons", "Person", values | {"filters": (f"person:={found}",)}, PERSONS)


@person_command.command("export")
@who_argument
@click.option("-o", "--output", metavar="FILE", help="Write to FILE.")
@click.pass_context
def export(ctx: click.Context, /, who: str, output: str | None) -> None:
    """All that is held about a person, as JSON.

    It is for the person to have. Struck entries are included; what is only in words elsewhere, such as a company's name, is not. A
    FILE is your own (mode 0600).
    """
    import json

    from salesledger.cli.render import write
    from salesledger.readmodel.persons import held
    from salesledger.readmodel.plain import json_text

    with opened(ctx) as ledger:
        told = held(ledger.engine, ledger.find_person(who))
    lines = json.dumps(told, ensure_ascii=False, indent=2).split("\n")
    write("".join(f"{json_text(line)}\n" for line in lines), output, private=True)


@person_command.command("forget")
@who_argument
@click.option("--reason", required=True, metavar="TEXT", help="Why; without a word about the person.")
@click.option("--yes", is_flag=True, help="Don't ask; needed where there is no terminal.")
@records
@click.pass_context
def forget(ctx: click.Context, /, who: str, reason: str, yes: bool, **values: Any) -> None:
    """Destroy a person's key, for good.

    Nobody can read any more what the ledger holds about them; it can't be undone. The entries stay, and seals and proofs with them.
    Copies of LEDGER.keys elsewhere, such as backups, are not reached: delete the key there too, or keep such copies for a short
    time only. A ledger that meets restored keys of somebody who was forgotten destroys them when it is opened. On a terminal it
    asks first; elsewhere it needs --yes. WHO is the whole id or the whole name, no part of it.
    """
    common = common_of(values)

    def work(ledger: "Ledger") -> list["Outcome"]:
        person = ledger.find_person(who, exact=True)
        if not (yes or common.dry_run):
            _ask_to_forget(ledger, person)
        return [ledger.record("person-forgotten", person=person, reason=reason, **common.given)]

    recording(ctx, common, work)


def _ask_to_forget(ledger: "Ledger", person: str) -> None:
    """Ask whether a person is to be forgotten.

    Raises:
        UsageError: there is no terminal to ask on.
        Refused: the answer is no.
    """
    from salesledger.readmodel.persons import name_of

    if not _on_a_terminal():
        raise UsageError(
            f"Forgetting {person} can't be undone, and there is no terminal to ask on. Give --yes if you mean it. "
            f"Nobody was forgotten. {NOTHING_RECORDED}"
        )
    name = name_of(ledger.engine, person)
    whom = f"{person} ({name})" if name else person
    if not click.confirm(safe_text(f"Forget {whom}? This can't be undone."), err=True):
        raise Refused(f"Nobody was forgotten. {NOTHING_RECORDED}")


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
