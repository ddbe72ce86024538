"""Questions about one deal or one account: what they read is that deal's, or that account's, whatever the log has grown to."""

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.readmodel.engine import Question

# When a client first bought is told by other deals: those of the same account, or company.
_LIKE_DEAL = """
    WITH its AS (SELECT account, company FROM events WHERE stream = 'deal' AND id = $id)
    SELECT DISTINCT id
    FROM events
    WHERE stream = 'deal' AND (
        id = $id OR account IN (SELECT account FROM its WHERE account IS NOT NULL)
        OR company IN (SELECT company FROM its WHERE company IS NOT NULL)
    )
"""
_OF_ACCOUNT = """
    SELECT id FROM events WHERE stream = 'deal' AND (account = $id OR referred_by = $id)
    UNION
    SELECT lead FROM events WHERE stream = 'account' AND id = $id AND lead IS NOT NULL
"""


def stream_of(question: "Question", kind: str, identifier: str) -> "Question":
    """The question, for statements that read nothing but the entries of one deal, account, process, rate or target."""
    return replace(question, stream=f"{kind}:{identifier}")


def about_deal(ledger: "Ledger", question: "Question", deal: str) -> "Question":
    """The question, for statements that keep no row of `deals` but that deal's."""
    return _of_deals(ledger, question, _LIKE_DEAL, deal)


def about_account(ledger: "Ledger", question: "Question", account: str) -> "Question":
    """The question, for statements that keep nothing but rows of that account, and of the deals that it has or referred."""
    return _of_deals(ledger, question, _OF_ACCOUNT, account)


def _of_deals(ledger: "Ledger", question: "Question", sql: str, identifier: str) -> "Question":
    # The ledger itself is asked, also by pages: what visitors are shown may bear other names.
    found = ledger.engine.ask(sql, replace(question, filters=()), {"id": identifier}).rows
    return replace(question, deals=tuple(sorted(deal for (deal,) in found)))
