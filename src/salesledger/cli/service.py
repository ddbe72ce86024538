"""Customer service: commands that record cases and satisfaction, and those that report them."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.listing import listed
from salesledger.cli.main import Prefixed
from salesledger.cli.options import Whole, completing, dated, filtered, on_date, periodic, printing, records
from salesledger.cli.outcomes import common_of, recording
from salesledger.shown.reports import counted
from salesledger.shown.tables import CASES, SATISFACTION

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.ledger.batch import Outcome
    from salesledger.readmodel.engine import Answer

_REACH = ("satisfaction-noted",)


@click.group("service", cls=Prefixed)
def service_command() -> None:
    """Record customer service: cases, satisfaction.

    Write about companies and their equipment, never about persons.
    """


@service_command.command("open")
@click.argument("account", shell_complete=completing("account"))
@click.option(
    "--kind", required=True, metavar="KIND", help="Such as broken-equipment, question, complaint, delivery or invoice."
)
@click.option("--subject", metavar="TEXT", help="What it is about; no names of persons.")
@click.option("--product", metavar="TEXT", help="The product.")
@click.option("--id", "case", metavar="CASE", help="The case's id.  [default: made from the kind]")
@on_date
@records
@click.pass_context
def open_case(ctx: click.Context, /, account: str, kind: str, case: str | None, **values: Any) -> None:
    """A client needs service.

    For broken equipment it says whether this client would rather have it repaired or replaced, as far as its profile tells
    ('account note').
    """
    common = common_of(values)

    def work(ledger: "Ledger") -> list["Outcome"]:
        return [ledger.open_case(ledger.find("account", account), kind, case=case, **common.given, **values)]

    recording(ctx, common, work, comment=_suggested)


def _suggested(outcomes: Sequence["Outcome"]) -> str | None:
    from salesledger.domain.account import BROKEN
    from salesledger.domain.values import slug

    event: Any = outcomes[0].recorded[-1].event
    if slug(event.kind) != BROKEN:
        return None
    if event.suggestion is None:
        return (
            "The profile doesn't tell whether this client would rather have it repaired or replaced; "
            "'salesledger account note' adds to it."
        )
    done = "repaired" if event.suggestion == "repair" else "replaced"
    why = f": it values {event.suggestion_why}" if event.suggestion_why else ""
    return f"The profile suggests that this client would rather have it {done}{why}."


@service_command.command("resolve")
@click.argument("account", shell_complete=completing("account"))
@click.argument("case")
@click.option("--resolution", required=True, metavar="WHAT", help="What was done: repair, replace, answered, ...")
@on_date
@records
@click.pass_context
def resolve(ctx: click.Context, /, account: str, case: str, **values: Any) -> None:
    """A case is done."""
    common = common_of(values)

    def work(ledger: "Ledger") -> list["Outcome"]:
        found = ledger.find("account", account)
        case_id = ledger.find_case(found, case)
        return [ledger.record("case-resolved", account=found, case_id=case_id, **common.given, **values)]

    recording(ctx, common, work, comment=_followed)


def _followed(outcomes: Sequence["Outcome"]) -> str | None:
    event: Any = outcomes[0].recorded[-1].event
    if event.followed is None:
        return None
    return "That is what the profile had suggested." if event.followed else "The profile had suggested otherwise."


@service_command.command("rate")
@click.argument("account", shell_complete=completing("account"))
@click.option(
    "--score",
    type=Whole(min=0, max=10),
    required=True,
    metavar="0..10",
    help="How likely the client is to recommend us, from 0 to 10.",
)
@click.option("--case", "case_id", metavar="CASE", help="The case that it is about.")
@click.option("--channel", metavar="TEXT", help="How it was asked: survey, call, ...")
@on_date
@records
@click.pass_context
def rate(ctx: click.Context, /, account: str, **values: Any) -> None:
    """A client said how likely it is to recommend us."""
    common = common_of(values)

    def work(ledger: "Ledger") -> list["Outcome"]:
        found = ledger.find("account", account)
        if values["case_id"]:
            values["case_id"] = ledger.find_case(found, values["case_id"])
        return [ledger.record("satisfaction-noted", account=found, **common.given, **values)]

    recording(ctx, common, work)


@click.command("cases")
@filtered
@dated
@printing
@click.option("--open/--all", "only_open", default=False, help="Only open ones, or all.  [default: all]")
@click.pass_context
def cases_command(ctx: click.Context, /, only_open: bool, **values: Any) -> None:
    """Service cases and what became of them.

    Filters choose by the projection's own columns: account:acme, kind:broken, opened_on:2026Q1, followed:no, days:'>7'.
    """
    if not only_open:
        listed(ctx, "cases", "Cases", values, CASES, _cases_note)
        return
    values["filters"] = (*values["filters"], "status:=open")
    table = replace(CASES, columns=tuple(name for name in CASES.columns if name != "status"))
    listed(ctx, "cases", "Open cases", values, table, _cases_note)


def _cases_note(answer: "Answer") -> list[str]:
    rows = answer.dicts()
    waiting = [row["days"] for row in rows if row["status"] == "open"]
    followed = [row["followed"] for row in rows if row["followed"] is not None]
    told = []
    if waiting:
        told.append(f"Open: {counted(len(waiting), 'case')}, the oldest for {counted(max(waiting), 'day')}.")
    if followed:
        told.append(f"What the profile suggested was done in {sum(followed)} of {counted(len(followed), 'case')}.")
    return told


@click.command("satisfaction")
@filtered
@periodic
@dated
@printing
@click.pass_context
def satisfaction_command(ctx: click.Context, /, **values: Any) -> None:
    """How likely accounts are to recommend us, by period.

    nps is the net promoter score: 100 x (answers of 9 or 10 - answers of 6 or less) / answers. Filters choose by the
    projection's own columns: account:acme, nps:'<0', answers:'>2'.
    """
    listed(ctx, "satisfaction", "Satisfaction", values | {"reach": _REACH}, SATISFACTION, _satisfaction_note)


def _satisfaction_note(answer: "Answer") -> list[str]:
    """A line a period over all accounts."""
    periods: dict[str, list[dict[str, Any]]] = {}
    for row in answer.dicts():
        periods.setdefault(row["period"], []).append(row)
    return [_over_all(period, rows) for period, rows in periods.items()]


def _over_all(period: str, rows: list[dict[str, Any]]) -> str:
    from decimal import ROUND_HALF_UP

    answers, points, promoters, detractors = (
        sum(row[name] for row in rows) for name in ("answers", "points", "promoters", "detractors")
    )
    mean = (Decimal(points) / answers).quantize(Decimal("0.01"), ROUND_HALF_UP)
    label = "All" if period == "all" else period
    return f"{label}: {counted(answers, 'answer')}, mean {mean}, nps {100 * (promoters - detractors) / answers:.1f}."
