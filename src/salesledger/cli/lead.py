"""Commands that record leads: touch, capture, contact, qualify, disqualify, hand over, accept, reject."""

from typing import Any

import click

from salesledger.cli.main import Prefixed
from salesledger.cli.money import money_fields, money_options
from salesledger.cli.options import complete_deal, on_date, opened, records
from salesledger.cli.outcomes import report
from salesledger.errors import UsageError


@click.group("lead", cls=Prefixed)
def lead_command() -> None:
    """Record leads: capture, contact, qualify, hand over."""


def attributes_of(pairs: tuple[str, ...]) -> dict[str, str] | None:
    """Facts given as NAME=VALUE.

    Raises:
        UsageError: one has no '='.
    """
    facts = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"{pair!r} is not of the form NAME=VALUE, such as sector=energy. Nothing was recorded.")
        facts[name] = value
    return facts or None


def deal_argument(command: Any) -> Any:
    """The deal that a command is about, completed by the shell."""
    return click.argument("deal", shell_complete=complete_deal)(command)


def record_event(ctx: click.Context, type_name: str, deal: str, common: dict[str, Any], fields: dict[str, Any]) -> None:
    """Record one event of one deal that is there already, and print it."""
    format_, actor = common.pop("format_"), common.pop("actor")
    with opened(ctx, actor) as ledger:
        outcome = ledger.record(type_name, deal=ledger.find("deal", deal), **common, **fields)
        report(ledger, [outcome], dry_run=common["dry_run"], format_=format_)


def common_of(values: dict[str, Any]) -> dict[str, Any]:
    """Take out of a command's options what every recording command has."""
    return {name: values.pop(name) for name in ("format_", "actor", "key", "dry_run", "on") if name in values}


def describing(command: Any) -> Any:
    """The options that say what a deal is besides its stage."""
    for name, text in reversed(
        (
            ("--account", "The account's id."),
            ("--owner", "Who sells (a short id)."),
            ("--team", "The team."),
            ("--product", "The product."),
            ("--segment", "The market segment."),
            ("--source", "Where the lead came from: outbound, advertising, event, referral, ..."),
            ("--campaign", "The marketing campaign."),
            ("--expected-close", "The day on which it should close."),
        )
    ):
        command = click.option(name, help=text)(command)
    return click.option(
        "--category", type=click.Choice(["pipeline", "best-case", "commit", "omitted"]), help="Forecast category."
    )(command)


@lead_command.command("touch")
@click.argument("company")
@click.option("--id", "deal", help="The prospect's id.  [default: made from the company's name]")
@click.option("--channel", required=True, help="How: article, talk, advertising, ...")
@click.option("--content", help="What the prospect heard or read.")
@click.option("--campaign", help="The marketing campaign.")
@on_date
@records
@click.pass_context
def touch(ctx: click.Context, /, company: str, deal: str | None, **values: Any) -> None:
    """What a prospect first heard or read, before there is a lead."""
    common = common_of(values)
    format_, actor = common.pop("format_"), common.pop("actor")
    with opened(ctx, actor) as ledger:
        from salesledger.domain.values import slug

        # A second touch belongs to the prospect that the first one made, even once it has become a lead.
        known = deal or (slug(company) if ledger.store.exists(f"deal:{slug(company)}") else None)
        outcome = ledger.record("lead-touched", deal=known, company=company, **common, **values)
        report(ledger, [outcome], dry_run=common["dry_run"], format_=format_)


@lead_command.command("capture")
@click.argument("company")
@click.option("--id", "deal", help="The lead's id.  [default: made from the company's name]")
@describing
@money_options
@click.option("--process", help="The process that it follows.  [default: the ledger's first]")
@click.option("--stage", help="The stage that it enters.  [default: what the process says]")
@click.option("--attr", "attributes", multiple=True, metavar="NAME=VALUE", help="A fact about the company; repeatable.")
@click.option("--referred-by", help="The account that referred it.")
@click.option("--grown-from", help="The deal that it grew from.")
@on_date
@records
@click.pass_context
def capture(ctx: click.Context, /, company: str, attributes: tuple[str, ...], **values: Any) -> None:
    """A lead enters the ledger, and the process."""
    common = common_of(values)
    format_, actor = common.pop("format_"), common.pop("actor")
    fields = values | money_fields(values) | {"attributes": attributes_of(attributes)}
    with opened(ctx, actor) as ledger:
        for name, kind in (("account", "account"), ("referred_by", "account"), ("grown_from", "deal")):
            if fields.get(name):
                fields[name] = ledger.find(kind, fields[name])
        outcome = ledger.record("lead-captured", company=company, **common, **fields)
        report(ledger, [outcome], dry_run=common["dry_run"], format_=format_)


@lead_command.command("contact")
@deal_argument
@click.option("--channel", required=True, help="How: call, mail, visit, ...")
@click.option("--outcome", help="What came of it: reached, no-answer, ...")
@on_date
@records
@click.pass_context
def contact(ctx: click.Context, /, deal: str, **values: Any) -> None:
    """Somebody tried to reach the lead."""
    record_event(ctx, "lead-contacted", deal, common_of(values), values)


@lead_command.command("qualify")
@deal_argument
@click.option("--use-case", help="What the client wants it for.")
@click.option("--budget", help="What is known of the budget.")
@click.option("--authority", help="Who decides.")
@click.option("--timing", help="When it is needed.")
@on_date
@records
@click.pass_context
def qualify(ctx: click.Context, /, deal: str, **values: Any) -> None:
    """The lead is worth pursuing."""
    record_event(ctx, "lead-qualified", deal, common_of(values), values)


@lead_command.command("disqualify")
@deal_argument
@click.option("--reason", required=True, help="Why.")
@on_date
@records
@click.pass_context
def disqualify(ctx: click.Context, /, deal: str, **values: Any) -> None:
    """The lead is not worth pursuing."""
    record_event(ctx, "lead-disqualified", deal, common_of(values), values)


@lead_command.command("hand-over")
@deal_argument
@click.option("--to", "handed_to", required=True, help="The account executive (a short id).")
@on_date
@records
@click.pass_context
def hand_over(ctx: click.Context, /, deal: str, **values: Any) -> None:
    """The lead is offered to an account executive."""
    record_event(ctx, "lead-handed-over", deal, common_of(values), values)


@lead_command.command("accept")
@deal_argument
@on_date
@records
@click.pass_context
def accept(ctx: click.Context, /, deal: str, **values: Any) -> None:
    """The account executive takes the lead over."""
    record_event(ctx, "lead-accepted", deal, common_of(values), values)


@lead_command.command("reject")
@deal_argument
@click.option("--reason", required=True, help="Why.")
@on_date
@records
@click.pass_context
def reject(ctx: click.Context, /, deal: str, **values: Any) -> None:
    """The account executive does not take the lead over."""
    record_event(ctx, "lead-rejected", deal, common_of(values), values)
