"""What was believed of a deal from moment to moment: the state as it was known then, and the entries that changed the belief."""

from typing import TYPE_CHECKING

from salesledger.cli.options import emit
from salesledger.cli.render import format_for
from salesledger.errors import NotFound
from salesledger.shown.about import stream_of
from salesledger.shown.values import Rows, chosen

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.readmodel.engine import Question

_BELIEFS = """
    SELECT h.valid_from, h.valid_to, c.entries, h.* EXCLUDE (deal, valid_from, valid_to)
    FROM deal_history_as_known h
    LEFT JOIN (
        SELECT
            CASE WHEN type = 'event-voided' THEN known_at ELSE greatest(known_at, effective_at) END AS seen_at,
            string_agg(CAST(entry AS VARCHAR), ' ' ORDER BY entry) AS entries
        FROM events
        WHERE stream = 'deal' AND id = $deal_id AND known_at <= $known_at
        GROUP BY 1
    ) c ON c.seen_at = h.valid_from
    WHERE h.deal = $deal_id
    ORDER BY h.valid_from
"""
_ENVELOPE = 3
"""The columns ahead of the state: from when, until when, and the entries."""

_SHOWN = (
    *("valid_from", "entries", "status", "process", "stage", "owner", "amount", "recurring_amount", "currency"),
    *("expected_close", "category"),
)
_FAR_YEAR = 9999


def print_beliefs(ledger: "Ledger", deal: str, question: "Question", format_: str | None, output: str | None) -> None:
    """Print the history of belief of a deal, a row a moment at which it changed.

    Raises:
        NotFound: there is no such deal, or nothing was believed of it yet.
    """
    found = ledger.find("deal", deal)
    answer = ledger.engine.ask(_BELIEFS, stream_of(question, "deal", found), {"deal_id": found})
    rows = _changes(answer.rows)
    if not rows:
        raise NotFound(f"Nothing was known of the deal {found!r} by then.")
    told = Rows(answer.columns, answer.types, rows)
    if format_for(format_, output) in ("table", "md"):
        told = chosen(told, _SHOWN)
    left_out = ("category", "process", "expected_close")
    emit(told, ledger, format_=format_, output=output, title=f"What was believed of {found}", expendable=left_out)


def _changes(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """The rows at which the belief changed, each until the next; what holds still has no end."""
    kept: list[tuple[object, ...]] = []
    for row in rows:
        begins, ends, *rest = row
        still = getattr(ends, "year", 0) == _FAR_YEAR
        ends = None if still else ends
        if kept and kept[-1][_ENVELOPE:] == row[_ENVELOPE:] and kept[-1][1] == begins:
            kept[-1] = (kept[-1][0], ends, *kept[-1][2:])
        else:
            kept.append((begins, ends, *rest))
    return kept
