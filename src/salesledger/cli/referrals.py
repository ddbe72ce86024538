"""The command that reports what referrals bring: by account, as a share of all business, as a tree."""

from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.listing import listed
from salesledger.cli.notes import total_of
from salesledger.cli.options import dated, emit, filtered, opened, periodic, printing, split_by
from salesledger.cli.render import format_for
from salesledger.cli.reports import report
from salesledger.errors import UsageError
from salesledger.shown.reports import counted, to_rows, when
from salesledger.shown.tables import Table
from salesledger.shown.values import Rows, chosen

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.readmodel.engine import Answer, Question

REFERRALS = Table(
    (
        "period",
        "account",
        "company",
        "asks",
        "names_asked",
        "cards",
        "names_per_ask",
        "leads",
        "won",
        "bookings",
        "currency",
        "yield_ratio",
        "win_ratio",
        "bookings_share",
    ),
    expendable=("company", "names_per_ask", "cards", "asks", "win_ratio", "yield_ratio"),
    unless_zero=("cards",),
)
REFERRAL_SHARE = Table(
    (
        "period",
        "group",
        "leads",
        "referred_leads",
        "lead_share",
        "won",
        "referred_won",
        "won_share",
        "bookings",
        "referred_bookings",
        "currency",
        "bookings_share",
    ),
    expendable=("referred_won", "referred_leads", "bookings", "won"),
)
REFERRAL_TREE = Table(
    (
        "lead",
        "path",
        "company",
        "account",
        "status",
        "captured_on",
        "bookings",
        "leads_below",
        "won_below",
        "bookings_below",
        "currency",
    ),
    expendable=("account", "company", "won_below", "captured_on", "leads_below"),
)

_REACH = ("lead-captured", "deal-%", "referral-%")
_PERIODS = ("period", "begin", "end", "interval")


@click.command("referrals")
@filtered
@click.option("--share", is_flag=True, help="The share of new business that referrals carry.")
@click.option(
    "--tree",
    metavar="[ACCOUNT]",
    is_flag=False,
    flag_value="",
    help="Who brought whom, as deep as it goes; below one ACCOUNT, or of all.",
)
@periodic
@dated
@split_by
@printing
@click.pass_context
def referrals_command(ctx: click.Context, /, share: bool, tree: str | None, **values: Any) -> None:
    """What referrals bring, and who brought whom.

    A row an account that was asked, or that referred a lead: leads count in the period in which they were captured, and are
    won as of the date asked about. --share sets referrals against all new business; --tree follows them from account to account.
    Filters choose by the projection's own columns (account:acme, won:'>0'); with --share and --tree they choose deals.
    """
    if tree is not None and ":" in tree:  # a filter behind --tree; no id has a colon
        values["filters"], tree = (tree, *values["filters"]), ""
    _check(values, share=share, tree=tree is not None)
    if tree is not None:
        _print_tree(ctx, tree, {name: value for name, value in values.items() if name not in (*_PERIODS, "by")})
    elif share:
        report(ctx, "referral_share", "Share of referrals in new business", values, REFERRAL_SHARE)
    else:
        listed(ctx, "referrals", "Referrals", values | {"reach": _REACH}, REFERRALS, _note)


def _check(values: dict[str, Any], *, share: bool, tree: bool) -> None:
    if share and tree:
        raise UsageError("--share and --tree are two reports; ask for one of them.")
    if tree and any(values[name] for name in _PERIODS):
        raise UsageError("--tree has no periods; ask for another date with --as-of.")
    if values["by"] and not share:
        raise UsageError("--by splits --share only; the other reports have a row an account already.")


def _note(answer: "Answer") -> list[str]:
    rows = answer.dicts()
    if not rows:
        return []
    names, leads, won = (sum(row[name] for row in rows) for name in ("names_asked", "leads", "won"))
    told = f"Total: {counted(names, 'name')} asked for, {counted(leads, 'lead')}, {won} won, {total_of(answer, 'bookings')}"
    without = sum(row["won_without_amount"] for row in rows)
    return [told + (f"; {without} of the won have no amount." if without else ".")]


def _print_tree(ctx: click.Context, text: str, values: dict[str, Any]) -> None:
    format_, output = values.pop("format_"), values.pop("output")
    with opened(ctx) as ledger:
        account = ledger.find("account", text) if text else None
        question = ledger.question(**values)
        answer = ledger.engine.answer("referral_tree", question)
        as_shipped = set(ledger.engine.shipped_columns("referral_tree")) <= set(answer.columns)
        if account and as_shipped:
            answer = _below(answer, account)
        rows = to_rows(answer)
        if as_shipped and format_for(format_, output) in ("table", "md"):
            rows = _for_people(answer, format_for(format_, output))
        emit(
            rows,
            ledger,
            format_=format_,
            output=output,
            title=_title(ledger, question, account),
            notes=_tree_note(answer) if as_shipped else (),
            expendable=REFERRAL_TREE.expendable,
        )


def _title(ledger: "Ledger", question: "Question", account: str | None) -> str:
    return f"Who brought whom{f' from {account} on' if account else ''}, {when(ledger, question)}"


def _below(answer: "Answer", account: str) -> "Answer":
    """The rows from one account on: the row that it came by, or its own at the top, and all below."""
    from dataclasses import replace

    rows = answer.dicts()
    top = next((row["path"] for row in rows if row["account"] == account and row["is_first"]), None)
    if top is None:
        return replace(answer, rows=[])
    kept = [row["path"] == top or row["path"].startswith(f"{top} > ") for row in rows]
    return replace(answer, rows=[cells for cells, keep in zip(answer.rows, kept, strict=True) if keep])


def _for_people(answer: "Answer", format_: str) -> Rows:
    """The tree with its leads indented; in Markdown, where blanks are lost, with their paths."""
    rows, told = to_rows(answer), answer.dicts()
    top = min((row["depth"] for row in told), default=0)
    leads = ["  " * (row["depth"] - top) + (row["deal"] or row["root"]) for row in told]
    indented = Rows(
        ["lead", *rows.columns],
        ["VARCHAR", *rows.types],
        [(lead, *cells) for lead, cells in zip(leads, rows.rows, strict=True)],
    )
    without = "path" if format_ == "table" else "lead"
    return chosen(indented, [name for name in REFERRAL_TREE.columns if name != without])


def _tree_note(answer: "Answer") -> tuple[str, ...]:
    rows = answer.dicts()
    if not rows:
        return ()
    top = min(row["depth"] for row in rows)
    deepest = max(row["depth"] for row in rows) - top
    leads = sum(1 + row["leads_below"] if row["depth"] else row["leads_below"] for row in rows if row["depth"] == top)
    return (f"{counted(leads, 'referred lead')}, at most {counted(deepest, 'referral')} deep.",)
