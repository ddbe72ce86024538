"""Commands that record what happens to deals: meetings, trials, stages, offers, closing."""

from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.lead import deal_argument, describing, process_option, record_event, whole_fields
from salesledger.cli.main import Prefixed
from salesledger.cli.money import below_list, money_fields, money_options, price_fields, price_options
from salesledger.cli.options import Whole, complete_stage, completing, on_date, records
from salesledger.cli.outcomes import common_of, recording
from salesledger.errors import NOTHING_RECORDED, NotFound, UsageError

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.ledger.batch import Outcome


@click.group("meeting", cls=Prefixed)
def meeting_command() -> None:
    """Record meetings."""


@meeting_command.command("hold")
@deal_argument
@click.option("--kind", help="Such as discovery, demo or visit.  [default: meeting]")
@click.option("--attendees", type=Whole(min=0), help="How many people were present.  [default: the persons named]")
@click.option(
    "--person",
    "who",
    multiple=True,
    metavar="WHO",
    shell_complete=completing("person"),
    help="Somebody who was present ('person add'); repeatable.",
)
@click.option("--pain", "pain_points", multiple=True, help="What hurts the client; repeatable.")
@on_date
@records
@click.pass_context
def hold(ctx: click.Context, /, deal: str, who: tuple[str, ...], pain_points: tuple[str, ...], **values: Any) -> None:
    """A meeting, a demo or a visit took place."""
    common = common_of(values)
    values |= {"pain_points": pain_points or None}
    if who and values["attendees"] is None:
        values["attendees"] = len(set(who))

    def work(ledger: "Ledger") -> list["Outcome"]:
        persons = _present(ledger, who)
        return [
            ledger.record("meeting-held", deal=ledger.find("deal", deal), persons=persons, **common.given, **values)
        ]

    recording(ctx, common, work)


def _present(ledger: "Ledger", who: tuple[str, ...]) -> list[str] | None:
    """The ids of those who were present.

    Raises:
        NotFound: somebody isn't there, or could be several; with which of them, as the text may be a name.
    """
    found = []
    for place, text in enumerate(who, start=1):
        try:
            found.append(ledger.find_person(text))
        except NotFound as e:
            if len(who) > 1:
                e.args = (f"--person number {place} of {len(who)}: {e}",)
            raise
    return list(dict.fromkeys(found)) or None


@click.group("trial", cls=Prefixed)
def trial_command() -> None:
    """Record trials."""


@trial_command.command("start")
@deal_argument
@click.option("--product", help="What is tried.")
@on_date
@records
@click.pass_context
def trial_start(ctx: click.Context, /, deal: str, **values: Any) -> None:
    """The client tries the product."""
    record_event(ctx, "trial-started", deal, common_of(values), values)


@trial_command.command("end")
@deal_argument
@click.option("--outcome", help="What came of it.")
@on_date
@records
@click.pass_context
def trial_end(ctx: click.Context, /, deal: str, **values: Any) -> None:
    """The trial is over."""
    record_event(ctx, "trial-ended", deal, common_of(values), values)


@click.group("deal", cls=Prefixed)
def deal_command() -> None:
    """Record deals: advance, move, sell, offer, win, lose."""


@deal_command.command("advance")
@deal_argument
@click.argument("stage", shell_complete=complete_stage)
@on_date
@records
@click.pass_context
def advance(ctx: click.Context, /, deal: str, **values: Any) -> None:
    """Move the deal to a stage, forwards or back."""
    record_event(ctx, "deal-advanced", deal, common_of(values), values)


@deal_command.command("move")
@deal_argument
@click.argument("process", shell_complete=completing("process"))
@click.option(
    "--stage",
    metavar="STAGE",
    shell_complete=complete_stage,
    help="The stage that it enters.  [default: the one it is in, else the first]",
)
@on_date
@records
@click.pass_context
def move(ctx: click.Context, /, deal: str, process: str, **values: Any) -> None:
    """The deal follows another process from then on.

    Or the version of its own process that is in force then: a deal keeps the version that it was captured under until it is moved.
    """
    common = common_of(values)

    def work(ledger: "Ledger") -> list["Outcome"]:
        found, target = ledger.find("deal", deal), ledger.find("process", process)
        return [ledger.record("deal-moved", deal=found, process=target, **common.given, **values)]

    recording(ctx, common, work)


@deal_command.command("sell")
@click.argument("company")
@click.option("--id", "deal", metavar="ID", help="The deal's id.  [default: made from the company's name]")
@price_options
@describing
@process_option
@click.option("--no-account", is_flag=True, help="It belongs to no account, even if one bears the company's name.")
@click.option("--no-subscription", is_flag=True, help="Leave the account's subscriptions as they are.")
@on_date
@records
@click.pass_context
def sell(ctx: click.Context, /, company: str, no_account: bool, no_subscription: bool, **values: Any) -> None:
    """A sale over the counter: captured and won at once.

    It follows the process 'counter', where the ledger has one, else the ledger's first. It is one of the account that bears
    exactly the company's name, where one alone does. A recurring part starts a subscription of the account in the same step.
    """
    common = common_of(values)
    fields = values | price_fields(values)
    if no_account and values["account"]:
        raise UsageError(f"--no-account and --account {values['account']} contradict each other. {NOTHING_RECORDED}")
    notes: list[str] = []

    def work(ledger: "Ledger") -> list["Outcome"]:
        return ledger.sell(
            company,
            find_account=not no_account,
            subscribe=not no_subscription,
            notes=notes,
            **common.given,
            **whole_fields(ledger, fields),
        )

    recording(ctx, common, work, notes=notes, warn=below_list)


@deal_command.command("revise")
@deal_argument
@describing
@money_options
@on_date
@records
@click.pass_context
def revise(ctx: click.Context, /, deal: str, **values: Any) -> None:
    """What is known of the deal changed."""
    common = common_of(values)
    fields = values | money_fields(values)

    def work(ledger: "Ledger") -> list["Outcome"]:
        found = ledger.find("deal", deal)
        return [ledger.record("deal-revised", deal=found, **common.given, **whole_fields(ledger, fields))]

    recording(ctx, common, work)


@deal_command.command("offer")
@deal_argument
@click.option("--counter", is_flag=True, help="The client's counter-offer.")
@price_options
@on_date
@records
@click.pass_context
def offer(ctx: click.Context, /, deal: str, counter: bool, **values: Any) -> None:
    """An offer was made, or countered."""
    common = common_of(values)
    type_name = "offer-countered" if counter else "offer-made"
    record_event(ctx, type_name, deal, common, price_fields(values), warn=below_list)


@deal_command.command("paperwork")
@deal_argument
@click.option("--kind", help="Such as contract or order-form.  [default: contract]")
@on_date
@records
@click.pass_context
def paperwork(ctx: click.Context, /, deal: str, **values: Any) -> None:
    """Contract, order form or terms went out."""
    record_event(ctx, "paperwork-sent", deal, common_of(values), values)


@deal_command.command("win")
@deal_argument
@price_options
@click.option("--no-subscription", is_flag=True, help="Leave the account's subscriptions as they are.")
@on_date
@records
@click.pass_context
def win(ctx: click.Context, /, deal: str, no_subscription: bool, **values: Any) -> None:
    """The client bought.

    The amounts that are not given are those that the deal has: of the last offer, or as it was captured or revised. A
    recurring part starts a subscription of the deal's account in the same step.
    """
    common = common_of(values)
    fields = price_fields(values)
    notes: list[str] = []

    def work(ledger: "Ledger") -> list["Outcome"]:
        found = ledger.find("deal", deal)
        if no_subscription:
            return [ledger.record("deal-won", deal=found, **common.given, **fields)]
        outcomes, note = ledger.win(found, **common.given, **fields)
        notes.extend([note] if note else [])
        return outcomes

    recording(ctx, common, work, notes=notes, warn=below_list)


@deal_command.command("lose")
@deal_argument
@click.option("--reason", required=True, help="Why.")
@click.option("--competitor", help="Who won instead.")
@on_date
@records
@click.pass_context
def lose(ctx: click.Context, /, deal: str, **values: Any) -> None:
    """The client did not buy."""
    record_event(ctx, "deal-lost", deal, common_of(values), values)


@deal_command.command("reopen")
@deal_argument
@click.option(
    "--stage",
    metavar="STAGE",
    shell_complete=complete_stage,
    help="The stage that it comes back to.  [default: the one it closed in]",
)
@click.option("--reason", help="Why.")
@on_date
@records
@click.pass_context
def reopen(ctx: click.Context, /, deal: str, **values: Any) -> None:
    """A closed deal is open again.

    A subscription that it started runs on; the command that would cancel it is shown.
    """
    common = common_of(values)
    notes: list[str] = []

    def work(ledger: "Ledger") -> list["Outcome"]:
        found = ledger.find("deal", deal)
        outcome = ledger.record("deal-reopened", deal=found, **common.given, **values)
        notes.extend(
            f"The subscription {name!r} of the account {account!r}, which the deal started, still runs. If it doesn't: "
            f"'salesledger subscription cancel {account} {name}'."
            for account, name in ledger.running_because_of(found)
        )
        return [outcome]

    recording(ctx, common, work, notes=notes)
