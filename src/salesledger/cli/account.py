"""Commands about accounts: opened, noted, listed, shown; and referrals asked and given."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.lead import attributes_of, describing, process_option, whole_fields
from salesledger.cli.listing import listed
from salesledger.cli.main import Prefixed
from salesledger.cli.money import money_fields, money_options
from salesledger.cli.options import Whole, completing, dated, filtered, on_date, printing, records
from salesledger.cli.outcomes import common_of, recording
from salesledger.errors import NOTHING_RECORDED, Refused
from salesledger.shown.tables import Table

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.ledger.batch import Outcome

ACCOUNTS = Table(
    (
        "account",
        "company",
        "opened_on",
        "deals",
        "open_deals",
        "won_deals",
        "bookings",
        "currency",
        "names_asked",
        "cards_handed_out",
        "referrals_given",
    ),
    expendable=("cards_handed_out", "names_asked", "deals", "company", "opened_on", "referrals_given"),
    unless_zero=("cards_handed_out",),
)


@click.group("account", cls=Prefixed)
def account_command() -> None:
    """Record accounts and what they value; list and show them.

    Write about companies, never about persons: those are for 'person add' and 'account contact'.
    """


@account_command.command("open")
@click.argument("company")
@click.option("--id", "account", metavar="ID", help="The account's id.  [default: made from the company's name]")
@click.option(
    "--deal",
    "deals",
    multiple=True,
    metavar="DEAL",
    shell_complete=completing("deal"),
    help="A deal that belongs to it; repeatable.",
)
@click.option("--attr", "attributes", multiple=True, metavar="NAME=VALUE", help="A fact about the company; repeatable.")
@on_date
@records
@click.pass_context
def open_account(
    ctx: click.Context,
    /,
    company: str,
    account: str | None,
    deals: tuple[str, ...],
    attributes: tuple[str, ...],
    **values: Any,
) -> None:
    """A company becomes an account."""
    common = common_of(values)
    facts = attributes_of(attributes)

    def work(ledger: "Ledger") -> list["Outcome"]:
        if account is None:
            _check_new(ledger, company, common.given["key"])
        found = [ledger.find("deal", deal) for deal in deals]
        return ledger.open_account(company, account=account, deals=found, attributes=facts, **common.given)

    recording(ctx, common, work)


def _check_new(ledger: "Ledger", company: str, key: str | None) -> None:
    """Refuse to open an account of a company that is one already; what was recorded under the same key is no second one.

    Raises:
        Refused: it is an account.
    """
    if key is not None and ledger.store.keyed(key) is not None:
        return
    called = ledger.store.accounts_called(company, datetime.max.replace(tzinfo=UTC))
    if called:
        raise Refused(
            f"{company!r} is the account {called[0]!r} already. If this is another one of the same name, give it an id of its own "
            f"with --id. {NOTHING_RECORDED}"
        )


@account_command.command("note")
@click.argument("account", shell_complete=completing("account"))
@click.argument("preference")
@click.option(
    "--weight", type=Whole(min=0, max=5), required=True, metavar="0..5", help="How much, from 0 (not at all) to 5."
)
@click.option("--evidence", type=Whole(min=1), metavar="ENTRY", help="The entry of the ledger that shows it.")
@click.option("--note", metavar="TEXT", help="In words; about the company, never about a person.")
@on_date
@records
@click.pass_context
def note(ctx: click.Context, /, account: str, **values: Any) -> None:
    """Something was learned about what a client values.

    It takes the place of what was noted of the same PREFERENCE before. Of these, repair, price, sustainability and familiarity
    speak for repairing broken equipment; replace, uptime, speed and newest-technology for replacing it.
    """
    common = common_of(values)

    def work(ledger: "Ledger") -> list["Outcome"]:
        found = ledger.find("account", account)
        return [ledger.record("account-noted", account=found, **common.given, **values)]

    recording(ctx, common, work)


@account_command.command("contact")
@click.argument("account", shell_complete=completing("account"))
@click.argument("who", shell_complete=completing("person"))
@click.option("--role", metavar="TEXT", help="The part that they play there, such as champion; never a name.")
@click.option("--remove", is_flag=True, help="They are a contact no more.")
@on_date
@records
@click.pass_context
def contact(ctx: click.Context, /, account: str, who: str, role: str | None, remove: bool, **values: Any) -> None:
    """A person became a contact of an account.

    Or plays another role there, or is a contact no more. 'person add' comes first.
    """
    common = common_of(values)
    if remove and role is not None:
        raise click.UsageError("--role says what a contact does; --remove says that they are none any more.")

    def work(ledger: "Ledger") -> list["Outcome"]:
        found, person = ledger.find("account", account), ledger.find_person(who)
        if remove:
            return [ledger.record("contact-removed", account=found, person=person, **common.given)]
        return [ledger.record("contact-added", account=found, person=person, role=role, **common.given)]

    recording(ctx, common, work)


@account_command.command("list")
@filtered
@dated
@printing
@click.pass_context
def list_accounts(ctx: click.Context, /, **values: Any) -> None:
    """Every account with its deals and referrals, at any date.

    Filters choose by the projection's own columns: account:acme, won_deals:'>0', opened_on:2026Q1.
    """
    listed(ctx, "accounts", "Accounts", values, ACCOUNTS)


@account_command.command("show")
@click.argument("account", shell_complete=completing("account"))
@dated
@printing
@click.pass_context
def show(ctx: click.Context, /, account: str, **values: Any) -> None:
    """All that is known of an account, at any date.

    What it values, its deals, subscriptions, service cases, the leads that it referred, and its satisfaction by quarter.
    """
    from salesledger.cli.account_screen import show_account

    show_account(ctx, account, values)


@click.group("referral", cls=Prefixed)
def referral_command() -> None:
    """Record referrals asked and given."""


@referral_command.command("ask")
@click.argument("account", shell_complete=completing("account"))
@click.option("--names", type=Whole(min=1), metavar="N", help="How many names were asked for.")
@click.option("--cards", type=Whole(min=1), metavar="N", help="How many cards were handed out.")
@on_date
@records
@click.pass_context
def ask(ctx: click.Context, /, account: str, **values: Any) -> None:
    """An account was asked for names, or given cards to hand on."""
    common = common_of(values)

    def work(ledger: "Ledger") -> list["Outcome"]:
        found = ledger.find("account", account)
        return [ledger.record("referral-asked", account=found, **common.given, **values)]

    recording(ctx, common, work)


@referral_command.command("give")
@click.argument("referrer", shell_complete=completing("account"))
@click.argument("company")
@click.option("--id", "deal", metavar="ID", help="The lead's id.  [default: made from the company's name]")
@describing
@money_options
@process_option
@on_date
@records
@click.pass_context
def give(ctx: click.Context, /, referrer: str, company: str, **values: Any) -> None:
    """An account named a company, which becomes a lead."""
    common = common_of(values)
    fields = values | money_fields(values)

    def work(ledger: "Ledger") -> list["Outcome"]:
        found = ledger.find("account", referrer)
        return ledger.refer(found, company, **common.given, **whole_fields(ledger, fields))

    recording(ctx, common, work)
