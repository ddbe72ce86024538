"""Commands that record targets and called forecasts."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from salesledger.cli.main import Prefixed
from salesledger.cli.money import money_fields
from salesledger.cli.options import on_date, records
from salesledger.cli.outcomes import common_of, recording
from salesledger.errors import NOTHING_RECORDED, BadPeriod

if TYPE_CHECKING:
    from datetime import date

    from salesledger.api import Ledger
    from salesledger.ledger.batch import Outcome

F = TypeVar("F", bound=Callable[..., Any])


def _promising(command: F) -> F:
    """Add whom a promise is for, its period, and its amount."""
    for part in (
        click.argument("currency", required=False),
        click.argument("amount"),
        click.option(
            "-p",
            "--period",
            required=True,
            metavar="PERIOD",
            help="The period, such as 2026Q1, 2026-03 or 'next month'.",
        ),
        click.option("--team", metavar="TEAM", help="For this team.  [default: for the whole business]"),
        click.option("--owner", metavar="WHO", help="For this person.  [default: for the whole business]"),
    ):
        command = part(command)
    return command


@click.group("target", cls=Prefixed)
def target_command() -> None:
    """Set targets."""


@target_command.command("set")
@_promising
@on_date
@records
@click.pass_context
def set_target(ctx: click.Context, /, **values: Any) -> None:
    """What is to be booked in a period.

    It replaces the target set before for the same period.
    """
    _promise(ctx, "target-set", values)


@click.command("call")
@_promising
@click.option(
    "--category",
    "call",
    type=click.Choice(["commit", "best-case", "pipeline"]),
    default="commit",
    show_default=True,
    help="How sure it is.",
)
@on_date
@records
@click.pass_context
def call_command(ctx: click.Context, /, **values: Any) -> None:
    """What somebody says will be booked.

    In a period, deals that are won already included.
    """
    _promise(ctx, "forecast-called", values)


def _promise(ctx: click.Context, type_: str, values: dict[str, Any]) -> None:
    common, period = common_of(values), values.pop("period")
    fields = values | money_fields(values)

    def work(ledger: "Ledger") -> list["Outcome"]:
        begins_on, ends_on = _days_of(ledger, period)
        return [ledger.record(type_, begins_on=begins_on, ends_on=ends_on, **fields, **common.given)]

    recording(ctx, common, work)


def _days_of(ledger: "Ledger", period: str) -> tuple["date", "date"]:
    """The first day of one period, and the first behind it.

    Raises:
        BadPeriod: it is open at an end, or several periods.
    """
    from salesledger.readmodel.periods import parse_period

    span, interval = parse_period(period, ledger.today)
    if interval is not None or span.begin is None or span.end is None:
        raise BadPeriod(period, "one period is needed here, with both its ends").also(NOTHING_RECORDED)
    return span.begin, span.end
