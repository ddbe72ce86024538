"""Commands about exchange rates: set one, list those that were set."""

from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.main import Prefixed
from salesledger.cli.options import dated, emit, on_date, opened, printing, records
from salesledger.cli.outcomes import common_of, recording
from salesledger.cli.render import format_for
from salesledger.shown.reports import to_rows, when
from salesledger.shown.values import chosen

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.ledger.batch import Outcome

_SHOWN = ("currency", "rate", "valid_from", "valid_to", "recorded_by", "entry")


@click.group("rate", cls=Prefixed)
def rate_command() -> None:
    """Set and list exchange rates."""


@rate_command.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("currency")
@click.argument("rate")
@on_date
@records
@click.pass_context
def set_rate(ctx: click.Context, /, currency: str, rate: str, **values: Any) -> None:
    """What a foreign currency is worth from a day on.

    One unit of CURRENCY is worth RATE of the ledger's own.
    """
    common = common_of(values)

    def work(ledger: "Ledger") -> list["Outcome"]:
        return [ledger.record("rate-set", currency=currency.upper(), rate=rate, **common.given)]

    recording(ctx, common, work)


@rate_command.command("list")
@dated
@printing
@click.pass_context
def list_rates(ctx: click.Context, /, format_: str | None, output: str | None, **values: Any) -> None:
    """Every rate that was set, and from when to when it is in force."""
    with opened(ctx) as ledger:
        question = ledger.question(**values)
        rows = to_rows(ledger.engine.answer("rate_history", question))
        currency = ledger.head.currency
        if format_for(format_, output) in ("table", "md") and not ledger.engine.projections["rate_history"].own:
            rows = chosen(rows, _SHOWN)
        notes = (f"One unit is worth so many {currency}.",) if rows.rows and currency else ()
        title = f"Exchange rates {when(ledger, question)}"
        emit(rows, ledger, format_=format_, output=output, title=title, notes=notes, expendable=("recorded_by",))
