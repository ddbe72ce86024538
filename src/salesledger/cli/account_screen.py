"""One account on a screen: what is known of it at a date, section by section."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.layout import fitted
from salesledger.cli.notes import conversion_note
from salesledger.cli.options import opened, terminal_width
from salesledger.cli.render import format_for, render, write
from salesledger.errors import NotFound
from salesledger.shown.about import about_account
from salesledger.shown.escape import markdown_text, safe_text
from salesledger.shown.reports import counted, to_rows, unconverted, when
from salesledger.shown.tables import CASES, DEALS, SATISFACTION, Table
from salesledger.shown.values import Rows, chosen, money

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from salesledger.api import Ledger
    from salesledger.readmodel.engine import Question

PROFILE = Table(("preference", "weight", "leans", "evidence", "noted_on", "note"), expendable=("evidence", "noted_on"))
CONTACTS = Table(
    ("person", "name", "role", "position", "email", "phone", "since_on", "meetings", "last_met_on"),
    expendable=("meetings", "since_on", "last_met_on", "phone", "position", "email"),
    unless_zero=("meetings",),
)
ACCOUNT_SUBSCRIPTIONS = Table(
    (
        "subscription",
        "product",
        "status",
        "started_on",
        "recurring_amount",
        "interval_months",
        "mrr",
        "currency",
        "rate",
        "mrr_converted",
    ),
    expendable=("interval_months", "started_on", "product"),
    headers=(("interval_months", "months"), ("mrr_converted", "converted")),
    if_converted=("rate", "mrr_converted"),
)
REFERRED_LEADS = Table(
    ("deal", "company", "account", "status", "captured_on", "closed_on", "value", "currency"),
    expendable=("account", "company", "closed_on", "captured_on"),
)


@dataclass(frozen=True)
class Section:
    """A part of the screen: the rows of a projection that are about the account.

    Attributes:
        name: its key in JSON.
        projection: what it reads.
        column: the column that names the account there.
        title: the line above it.
        table: what people see of it; None where the screen tells it in words.
        needless: columns that say nothing on the screen of one account.
    """

    name: str
    projection: str
    column: str = "account"
    title: str = ""
    table: Table | None = None
    needless: tuple[str, ...] = ("account", "company", "process")

    def shown(self, rows: Rows) -> Rows:
        """The columns that people read; all of them where the user's own projection has others."""
        assert self.table is not None
        needless = unconverted(rows, self.table) | set(self.needless)
        names = [name for name in self.table.columns if name not in needless]
        kept = chosen(rows, names, unless_zero=self.table.unless_zero)
        return replace(kept, columns=[self.table.header(name) for name in kept.columns]) if kept.columns else rows


SECTIONS = (
    Section("account", "accounts"),
    Section("suggestion", "suggestions"),
    Section("profile", "profile", title="What it values", table=PROFILE),
    Section("contacts", "contacts", title="Contacts", table=CONTACTS),
    Section("deals", "deals", title="Deals", table=DEALS),
    Section("subscriptions", "subscriptions", title="Subscriptions", table=ACCOUNT_SUBSCRIPTIONS),
    Section("cases", "cases", title="Service cases", table=CASES),
    Section("referrals", "referred_leads", "referrer", "Leads that it referred", REFERRED_LEADS, ()),
    Section("satisfaction", "satisfaction", title="Satisfaction", table=SATISFACTION),
)


def show_account(ctx: click.Context, text: str, values: dict[str, Any]) -> None:
    """Print all that is known of an account.

    Raises:
        NotFound: there is no such account, or it was not open by then.
    """
    format_ = format_for(values.pop("format_"), values["output"])
    output = values.pop("output")
    with opened(ctx) as ledger:
        account = ledger.find("account", text)
        question = ledger.question(**values, interval="quarter", reach=("satisfaction-noted",))
        question = about_account(ledger, question, account)
        found = {section.name: _rows(ledger, question, section, account) for section in SECTIONS}
        if not found["account"].rows:
            raise NotFound(f"The account {account!r} was not open {when(ledger, question)}.")
        if format_ == "json":
            told = _object(found, ledger.zone)
        elif format_ in ("jsonl", "csv"):
            told = render(_in_one(found), format_, zone=ledger.zone)
        else:
            told = _screen(ledger, question, found, format_, terminal_width(output))
        write(told, output)


def _rows(ledger: "Ledger", question: "Question", section: Section, account: str) -> Rows:
    if section.projection not in ledger.engine.projections:
        return Rows([], [], [])
    sql = f'SELECT * FROM "{section.projection}" WHERE "{section.column}" = $account'
    order = " ORDER BY captured_at, deal" if section.name == "deals" else ""
    return to_rows(ledger.engine.ask(sql + order, question, {"account": account}))


def _object(found: dict[str, Rows], zone: "ZoneInfo") -> str:
    """One JSON object with a list of rows a section."""
    parts = [
        f'  "{name}": ' + render(rows, "json", zone=zone).strip().replace("\n", "\n  ") for name, rows in found.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _in_one(found: dict[str, Rows]) -> Rows:
    """The rows of all sections, each with the section's name first; a column that a section lacks is empty there."""
    types: dict[str, str] = {"section": "VARCHAR"}
    for rows in found.values():
        types |= {name: kind for name, kind in zip(rows.columns, rows.types, strict=True) if name not in types}
    made = []
    for section, rows in found.items():
        for cells in rows.rows:
            row: dict[str, object] = {"section": section, **dict(zip(rows.columns, cells, strict=True))}
            made.append(tuple(row.get(name) for name in types))
    return Rows(list(types), list(types.values()), made, sparse=True)


def _screen(ledger: "Ledger", question: "Question", found: dict[str, Rows], format_: str, width: int | None) -> str:
    safe = markdown_text if format_ == "md" else safe_text
    if set(ledger.engine.shipped_columns("accounts")) <= set(found["account"].columns):
        parts = ["".join(f"{safe(line)}\n" for line in _in_words(ledger, question, found))]
    else:  # the user's own projection, whose columns can't be foretold
        parts = [render(found["account"], format_, zone=ledger.zone, width=width)]
    missing = []
    for section in SECTIONS:
        if section.table is None:
            continue
        rows = found[section.name]
        if not rows.rows:
            missing.append(section.title.lower())
            continue
        rows = section.shown(rows)
        if width is not None and format_ == "table":
            expendable = [section.table.header(name) for name in section.table.expendable]
            rows, _ = fitted(rows, width, expendable, zone=ledger.zone)
        parts.append(render(rows, format_, zone=ledger.zone, title=section.title, width=width))
    notes = _converted(ledger, question, found)
    if notes:
        parts.append("".join(f"{safe(line)}\n" for line in notes))
    if missing:
        parts.append(f"Nothing on record of: {', '.join(missing)}.\n")
    return "\n".join(parts)


def _converted(ledger: "Ledger", question: "Question", found: dict[str, Rows]) -> list[str]:
    """A line for what was converted: the amounts of deals, those of subscriptions."""
    account = chosen(found["account"], ["account"]).rows
    if not account:
        return []
    related = "account = $account OR deal IN (SELECT l.deal FROM referred_leads l WHERE l.referrer = $account)"
    notes = conversion_note(ledger, related, question, {"account": account[0][0]})
    paid = chosen(found["subscriptions"], ["currency", "rate"])
    if codes := sorted({str(row[0]) for row in paid.rows if len(row) == 2 and row[1] is not None}):
        own = ledger.engine.head.currency
        notes.append(f"{', '.join(codes)} of subscriptions converted to {own}: at the rate as of then.")
    return notes


def _in_words(ledger: "Ledger", question: "Question", found: dict[str, Rows]) -> list[str]:
    row: dict[str, Any] = dict(zip(found["account"].columns, found["account"].rows[0], strict=True))
    lines = [f"{row['company']} ({row['account']}), an account since {row['opened_on']}, {when(ledger, question)}"]
    if row["attributes"]:
        import json

        lines.append(", ".join(f"{name}: {value}" for name, value in json.loads(str(row["attributes"])).items()))
    booked = "" if row["bookings"] is None else f", {money(row['bookings'], row['currency'])} {row['currency']} booked"
    lines.append(f"{counted(row['deals'], 'deal')}, {row['open_deals']} open, {row['won_deals']} won{booked}.")
    if row["referrals_asked"] or row["referrals_given"]:
        asked = f"{counted(row['names_asked'], 'name')} and {counted(row['cards_handed_out'], 'card')}"
        lines.append(f"Asked for {asked}; {counted(row['referrals_given'], 'referral')} given.")
    if found["suggestion"].rows:
        told = dict(zip(found["suggestion"].columns, found["suggestion"].rows[0], strict=True))
        lines.append(_suggested(told))
    return lines


def _suggested(told: dict[str, Any]) -> str:
    if told["suggestion"] is None:
        return "When equipment breaks, its profile speaks for repair and for replacement alike."
    return f"When equipment breaks, its profile suggests to {told['suggestion']}: it values {told['suggestion_why']}."
