"""One client on one page: what is known of it, section by section, as `account show` has it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from salesledger.errors import NotFound
from salesledger.shown.about import about_account
from salesledger.shown.reports import when
from salesledger.shown.tables import CASES, DEALS, SATISFACTION, Table
from salesledger.web.page import Page
from salesledger.web.view import View

_MOST = 50
"""Rows of a section."""


@dataclass(frozen=True)
class Section:
    """Rows of a projection that are about the account."""

    title: str
    projection: str
    column: str = "account"
    table: Table | None = None


SECTIONS = (
    Section("Deals", "deals", table=DEALS),
    Section("Contacts", "contacts"),
    Section("What it values", "profile"),
    Section("Subscriptions", "subscriptions"),
    Section("Service cases", "cases", table=CASES),
    Section("Leads that it referred", "referred_leads", "referrer"),
    Section("Satisfaction", "satisfaction", table=SATISFACTION),
)


def build(view: View) -> dict[str, Any]:
    """The values of the page.

    Raises:
        NotFound: there is no such account, or it was not open by then.
    """
    account = view.ledger.find("account", view.extra["account"])
    question = view.ledger.question(**view.state.dates, interval="quarter", reach=("satisfaction-noted",))
    question = about_account(view.ledger, question, account)
    facts = view.ask("SELECT * FROM accounts WHERE account = $account", question, {"account": account})
    if not facts.rows:
        raise NotFound(f"The account {account!r} was not open {when(view.ledger, question)}.")
    told = view.grid(facts)
    sections = []
    for section in SECTIONS:
        sql = f'SELECT * FROM "{section.projection}" WHERE "{section.column}" = $account ORDER BY ALL'
        answer = view.ask(sql, question, {"account": account})
        if answer.rows:
            shown = replace(answer, rows=answer.rows[:_MOST])
            grid = view.grid(
                shown,
                section.table,
                question,
                caption=section.title,
                total=len(answer.rows),
                rest="'salesledger account show' gives all",
            )
            sections.append((section.title, grid))
    return {
        "account": account,
        "company": facts.dicts()[0]["company"],
        "facts": [(name, cell) for (name, _), cell in zip(told.heads, told.rows[0], strict=True) if cell.text],
        "sections": sections,
    }


PAGE = Page("/accounts/{account}", "Account", "account.html", build, about="one account", above="/accounts")
