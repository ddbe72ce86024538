"""Commands that record leads: touch, capture, contact, qualify, disqualify, hand over, accept, reject."""

from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.main import Prefixed
from salesledger.cli.money import money_fields, money_options
from salesledger.cli.options import complete_stage, completing, on_date, records
from salesledger.cli.outcomes import Common, common_of, recording
from salesledger.errors import NOTHING_RECORDED, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from salesledger.api import Ledger
    from salesledger.ledger.batch import Outcome


_ALIKE = 20
"""How many ids that are made from one name are looked at."""


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


def _check_growth(values: dict[str, Any]) -> None:
    """Whether what says what a lead grew from, and how, goes together.

    Raises:
        UsageError: it doesn't.
    """
    if values["growth"] and not (values["grown_from"] or values["subscription"]):
        raise UsageError(f"--growth says how it grew from a deal or a subscription; name it. {NOTHING_RECORDED}")
    if values["subscription"] and not values["account"]:
        raise UsageError(
            f"--subscription {values['subscription']} is one of the lead's account; give its --account. {NOTHING_RECORDED}"
        )


def deal_argument(command: Any) -> Any:
    """The deal that a command is about, completed by the shell."""
    return click.argument("deal", shell_complete=completing("deal"))(command)


def record_event(
    ctx: click.Context,
    type_name: str,
    deal: str,
    common: Common,
    fields: dict[str, Any],
    warn: "Callable[[Sequence[Outcome]], Sequence[str]] | None" = None,
) -> None:
    """Record one event of one deal that is there already, and print it."""

    def work(ledger: "Ledger") -> list["Outcome"]:
        return [ledger.record(type_name, deal=ledger.find("deal", deal), **common.given, **fields)]

    recording(ctx, common, work, warn=warn)


def whole_fields(ledger: "Ledger", fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a lead or a deal as an event holds them: ids in full, a smart date as the day that it means."""
    found = dict(fields)
    for name, kind in (("account", "account"), ("referred_by", "account"), ("grown_from", "deal")):
        if found.get(name):
            found[name] = ledger.find(kind, found[name])
    if found.get("subscription") and found.get("account"):
        found["subscription"] = ledger.find_subscription(found["account"], found["subscription"])
    if found.get("expected_close"):
        found["expected_close"] = ledger.day(found["expected_close"]).isoformat()
    return found


def describing(command: Any) -> Any:
    """The options that say what a deal is besides its stage."""
    command = click.option(
        "--category", type=click.Choice(["pipeline", "best-case", "commit", "omitted"]), help="Forecast category."
    )(command)
    for name, metavar, text in (
        ("--expected-close", "DATE", "The day on which it should close."),
        ("--campaign", "TEXT", "The marketing campaign."),
        ("--source", "TEXT", "Where the lead came from: outbound, advertising, event, referral, ..."),
        ("--segment", "TEXT", "The market segment."),
        ("--product", "TEXT", "The product."),
        ("--team", "TEXT", "The team."),
        ("--owner", "WHO", "Who sells (a short id)."),
    ):
        command = click.option(name, metavar=metavar, help=text)(command)
    return click.option(
        "--account", metavar="ID", shell_complete=completing("account"), help="The account that it belongs to."
    )(command)


process_option = click.option(
    "--process",
    metavar="ID",
    shell_complete=completing("process"),
    help="The process that it follows.  [default: the ledger's first]",
)


@lead_command.command("touch")
@click.argument("company")
@click.option("--id", "deal", metavar="ID", help="The prospect's id.  [default: made from the company's name]")
@click.option("--channel", required=True, help="How: article, talk, advertising, ...")
@click.option("--content", help="What the prospect heard or read.")
@click.option("--campaign", help="The marketing campaign.")
@on_date
@records
@click.pass_context
def touch(ctx: click.Context, /, company: str, deal: str | None, **values: Any) -> None:
    """What a prospect first heard or read, before there is a lead."""
    common = common_of(values)

    def work(ledger: "Ledger") -> list["Outcome"]:
        from salesledger.domain.values import slug

        # A second touch belongs to the prospect that the first one made, even once it has become a lead.
        known = deal or (slug(company) if ledger.store.exists(f"deal:{slug(company)}") else None)
        return [ledger.record("lead-touched", deal=known, company=company, **common.given, **values)]

    recording(ctx, common, work)


@lead_command.command("capture")
@click.argument("company")
@click.option("--id", "deal", metavar="ID", help="The lead's id.  [default: made from the company's name]")
@describing
@money_options
@process_option
@click.option(
    "--stage",
    metavar="STAGE",
    shell_complete=complete_stage,
    help="The stage that it enters.  [default: what the process says]",
)
@click.option("--attr", "attributes", multiple=True, metavar="NAME=VALUE", help="A fact about the company; repeatable.")
@click.option(
    "--referred-by", metavar="ACCOUNT", shell_complete=completing("account"), help="The account that referred it."
)
@click.option("--grown-from", metavar="DEAL", shell_complete=completing("deal"), help="The deal that it grew from.")
@click.option("--subscription", metavar="SUB", help="The subscription, of its --account, that it grew from.")
@click.option("--growth", type=click.Choice(["upsell", "cross-sell", "renewal"]), help="How it grew from that.")
@on_date
@records
@click.pass_context
def capture(ctx: click.Context, /, company: str, attributes: tuple[str, ...], **values: Any) -> None:
    """A lead enters the ledger, and the process."""
    common = common_of(values)
    _check_growth(values)
    fields = values | money_fields(values) | {"attributes": attributes_of(attributes)}

    alike: list[str] = []

    def work(ledger: "Ledger") -> list["Outcome"]:
        alike.extend(_open_deals_of(ledger, company))
        return [ledger.record("lead-captured", company=company, **common.given, **whole_fields(ledger, fields))]

    def warn(outcomes: "Sequence[Outcome]") -> list[str]:
        if not alike or outcomes[0].already:
            return []
        return [
            f"{company.strip()} has an open deal already: {', '.join(alike)}. If this is the same one, void the new entry."
        ]

    recording(ctx, common, work, warn=warn)


def _open_deals_of(ledger: "Ledger", company: str) -> list[str]:
    """The open deals of a company whose ids were made from its name."""
    from salesledger.domain.decide import fold
    from salesledger.domain.timeline import standing
    from salesledger.domain.values import slug

    made = f"deal:{slug(company)}"
    streams = [made, *(f"{made}-{number}" for number in range(2, _ALIKE))]
    states = {stream: fold(stream, standing(held)) for stream, held in ledger.store.records_of(streams).items()}
    return [
        stream.partition(":")[2]
        for stream, state in states.items()
        if state.status == "open" and state.company.casefold() == company.strip().casefold()
    ]


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
@click.option("--to", "handed_to", metavar="WHO", required=True, help="The account executive (a short id).")
@click.option("--from", "handed_by", metavar="WHO", help="Who hands it over.  [default: its owner, else who records]")
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
