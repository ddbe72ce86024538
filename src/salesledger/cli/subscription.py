"""Commands that record subscriptions: start, renew, change, cancel."""

from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.main import Prefixed
from salesledger.cli.money import subscription_price_fields, subscription_price_options
from salesledger.cli.options import Whole, completing, on_date, records
from salesledger.cli.outcomes import Common, common_of, recording
from salesledger.errors import NOTHING_RECORDED, UsageError

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.ledger.batch import Outcome

_account = click.argument("account", shell_complete=completing("account"))
_deal = click.option("--deal", metavar="DEAL", shell_complete=completing("deal"), help="The deal that it goes back to.")
_term = click.option("--term", "term_months", type=Whole(1, 1200), metavar="MONTHS", help="Months until its renewal.")


@click.group("subscription", cls=Prefixed)
def subscription_command() -> None:
    """Record subscriptions: start, renew, change, cancel."""


@subscription_command.command("start")
@_account
@click.option("--id", "subscription", metavar="ID", help="Its id.  [default: made from the product, else the deal]")
@subscription_price_options
@_term
@click.option("--product", metavar="TEXT", help="The product.")
@_deal
@on_date
@records
@click.pass_context
def start(ctx: click.Context, /, account: str, **values: Any) -> None:
    """The account begins to pay regularly.

    It is paid every month, if you don't say --every.
    """
    common = common_of(values)
    price = _needed(subscription_price_fields(values), "start")
    price.setdefault("interval_months", 1)

    def work(ledger: "Ledger") -> list["Outcome"]:
        found = ledger.find("account", account)
        return [ledger.subscribe(found, **common.given, **_in_full(ledger, values), **price)]

    recording(ctx, common, work)


@subscription_command.command("renew")
@_account
@click.argument("subscription")
@subscription_price_options
@_term
@_deal
@on_date
@records
@click.pass_context
def renew(ctx: click.Context, /, account: str, subscription: str, **values: Any) -> None:
    """It goes on for another term.

    The term begins on that day; without --term it is as long as the last one.
    """
    common = common_of(values)
    _record(ctx, "subscription-renewed", account, subscription, common, values, subscription_price_fields(values))


@subscription_command.command("change")
@_account
@click.argument("subscription")
@subscription_price_options
@click.option("--reason", help="Why.")
@_deal
@on_date
@records
@click.pass_context
def change(ctx: click.Context, /, account: str, subscription: str, **values: Any) -> None:
    """It costs more or less from then on.

    --recurring is the whole new price, paid as often as before unless --every says otherwise.
    """
    common = common_of(values)
    price = _needed(subscription_price_fields(values), "change")
    _record(ctx, "subscription-changed", account, subscription, common, values, price)


@subscription_command.command("cancel")
@_account
@click.argument("subscription")
@click.option("--reason", help="Why.")
@click.option("--competitor", help="Who has the client instead.")
@on_date
@records
@click.pass_context
def cancel(ctx: click.Context, /, account: str, subscription: str, **values: Any) -> None:
    """It ends."""
    _record(ctx, "subscription-cancelled", account, subscription, common_of(values), values, {})


def _record(
    ctx: click.Context,
    type_name: str,
    account: str,
    subscription: str,
    common: Common,
    values: dict[str, Any],
    price: dict[str, Any],
) -> None:
    """Record one event of a subscription that is there already; a price keeps its interval where none is given."""

    def work(ledger: "Ledger") -> list["Outcome"]:
        found = ledger.find("account", account)
        name = ledger.find_subscription(found, subscription)
        told = dict(price)
        if "recurring_amount" in told and "interval_months" not in told:
            told["interval_months"] = ledger.interval_of(found, name, common.given["on"]) or 1
        fields = _in_full(ledger, values)
        return [ledger.record(type_name, account=found, subscription=name, **common.given, **fields, **told)]

    recording(ctx, common, work)


def _in_full(ledger: "Ledger", values: dict[str, Any]) -> dict[str, Any]:
    return values | ({"deal": ledger.find("deal", values["deal"])} if values.get("deal") else {})


def _needed(price: dict[str, Any], what: str) -> dict[str, Any]:
    if "recurring_amount" not in price:
        raise UsageError(f"Say what it costs: subscription {what} needs --recurring AMOUNT. {NOTHING_RECORDED}")
    return price
