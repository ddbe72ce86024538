"""Commands that record accounts and referrals."""

from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.lead import attributes_of, describing, process_option, whole_fields
from salesledger.cli.main import Prefixed
from salesledger.cli.money import money_fields, money_options
from salesledger.cli.options import Whole, completing, on_date, records
from salesledger.cli.outcomes import common_of, recording

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.ledger.batch import Outcome


@click.group("account", cls=Prefixed)
def account_command() -> None:
    """Record accounts."""


@account_command.command("open")
@click.argument("company")
@click.option("--id", "account", metavar="ID", help="The account's id.  [default: made from the company's name]")
@click.option("--attr", "attributes", multiple=True, metavar="NAME=VALUE", help="A fact about the company; repeatable.")
@on_date
@records
@click.pass_context
def open_account(
    ctx: click.Context, /, company: str, account: str | None, attributes: tuple[str, ...], **values: Any
) -> None:
    """A company becomes an account."""
    common = common_of(values)
    facts = attributes_of(attributes)

    def work(ledger: "Ledger") -> list["Outcome"]:
        return [ledger.record("account-opened", account=account, company=company, attributes=facts, **common.given)]

    recording(ctx, common, work)


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
