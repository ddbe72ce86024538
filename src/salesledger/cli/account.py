"""Commands that record accounts and referrals."""

from typing import Any

import click

from salesledger.cli.lead import attributes_of, common_of, describing
from salesledger.cli.main import Prefixed
from salesledger.cli.money import money_fields, money_options
from salesledger.cli.options import on_date, opened, records
from salesledger.cli.outcomes import report


@click.group("account", cls=Prefixed)
def account_command() -> None:
    """Record accounts."""


@account_command.command("open")
@click.argument("company")
@click.option("--id", "account", help="The account's id.  [default: made from the company's name]")
@click.option("--attr", "attributes", multiple=True, metavar="NAME=VALUE", help="A fact about the company; repeatable.")
@on_date
@records
@click.pass_context
def open_account(
    ctx: click.Context, /, company: str, account: str | None, attributes: tuple[str, ...], **values: Any
) -> None:
    """A company becomes an account."""
    common = common_of(values)
    format_, actor = common.pop("format_"), common.pop("actor")
    with opened(ctx, actor) as ledger:
        outcome = ledger.record(
            "account-opened", account=account, company=company, attributes=attributes_of(attributes), **common
        )
        report(ledger, [outcome], dry_run=common["dry_run"], format_=format_)


@click.group("referral", cls=Prefixed)
def referral_command() -> None:
    """Record referrals asked and given."""


@referral_command.command("ask")
@click.argument("account")
@click.option("--names", type=click.IntRange(min=1), help="How many names were asked for.")
@click.option("--cards", type=click.IntRange(min=1), help="How many cards were handed out.")
@on_date
@records
@click.pass_context
def ask(ctx: click.Context, /, account: str, **values: Any) -> None:
    """An account was asked for referrals: for names, or by handing out cards."""
    common = common_of(values)
    format_, actor = common.pop("format_"), common.pop("actor")
    with opened(ctx, actor) as ledger:
        outcome = ledger.record("referral-asked", account=ledger.find("account", account), **common, **values)
        report(ledger, [outcome], dry_run=common["dry_run"], format_=format_)


@referral_command.command("give")
@click.argument("referrer")
@click.argument("company")
@click.option("--id", "deal", help="The lead's id.  [default: made from the company's name]")
@describing
@money_options
@click.option("--process", help="The process that the lead follows.  [default: the ledger's first]")
@on_date
@records
@click.pass_context
def give(ctx: click.Context, /, referrer: str, company: str, **values: Any) -> None:
    """An account referred a company, which becomes a lead that knows its referrer."""
    common = common_of(values)
    format_, actor = common.pop("format_"), common.pop("actor")
    fields = values | money_fields(values)
    with opened(ctx, actor) as ledger:
        outcomes = ledger.refer(ledger.find("account", referrer), company, **common, **fields)
        report(ledger, outcomes, dry_run=common["dry_run"], format_=format_)
