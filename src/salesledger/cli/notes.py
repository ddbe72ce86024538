"""The lines below a report's table: totals, what was left out or converted, and filters that nothing answers to."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from salesledger.shown.reports import columns_of, counted
from salesledger.shown.tables import RATES_AS_OF_THEN
from salesledger.shown.values import money

if TYPE_CHECKING:
    from decimal import Decimal

    from salesledger.api import Ledger
    from salesledger.readmodel.engine import Answer, Question


def conversion_note(
    ledger: "Ledger",
    deals: str,
    question: "Question",
    values: dict[str, object] | None = None,
    rates: str = RATES_AS_OF_THEN,
) -> list[str]:
    """Says so where the amounts of some deals were converted; ledgers of one currency are not even asked.

    Args:
        ledger: the ledger.
        deals: which deals of `deals`, as a condition; none where empty.
        question: the dates.
        values: parameters of the condition.
        rates: at which rates they were converted.
    """
    if not (deals and ledger.engine.head.rated) or ledger.engine.projections["deals"].own:
        return []
    found = ledger.engine.ask(
        f"SELECT DISTINCT currency FROM deals WHERE rate IS NOT NULL AND ({deals})", question, values
    )
    if not found.rows:
        return []
    codes = ", ".join(sorted(row[0] for row in found.rows))
    return [f"{codes} converted to {ledger.engine.head.currency}: {rates}."]


def unheard_of(
    ledger: "Ledger",
    relation: str,
    filters: Sequence[str],
    question: "Question",
    values: dict[str, object] | None = None,
) -> list[str]:
    """Says which filters look for what no row has, and what may have been meant; for an answer without rows.

    Args:
        ledger: the ledger.
        relation: what the filters choose from.
        filters: the filters.
        question: the dates.
        values: parameters of the relation.
    """
    if not filters:
        return []
    from difflib import get_close_matches

    from salesledger.readmodel.filters import texts_of

    question, notes = replace(question, filters=()), []
    columns = columns_of(ledger, f"SELECT * FROM {relation}", question, values)
    for column, text in texts_of(filters, columns):
        sql = f'SELECT DISTINCT lower("{column}") FROM {relation} WHERE "{column}" IS NOT NULL'
        known = [row[0] for row in ledger.engine.ask(sql, question, values).rows]
        if not any(text.lower() in each for each in known):
            close = get_close_matches(text.lower(), known, n=1)
            notes.append(f"Nothing here has the {column} {text!r}." + (f" Did you mean {close[0]!r}?" if close else ""))
    return notes


def total_of(answer: "Answer", column: str) -> str:
    """What a column of amounts comes to, with its currency."""
    amounts: list[Decimal] = [row[column] for row in answer.dicts() if row[column] is not None]
    currency = next((row["currency"] for row in answer.dicts() if row["currency"]), "")
    return f"{money(sum(amounts[1:], start=amounts[0]), currency)} {currency}".strip() if amounts else "no amount known"


def pipeline_note(answer: "Answer") -> list[str]:
    """What all open deals come to."""
    rows = answer.dicts()
    if not rows:
        return []
    deals, without = sum(row["deals"] for row in rows), sum(row["deals_without_amount"] for row in rows)
    told = f"Total: {counted(deals, 'open deal')}, {total_of(answer, 'amount')}"
    return [told + (f"; {without} of them without an amount, which count as nothing." if 0 < without < deals else ".")]


def blocked_note(answer: "Answer") -> list[str]:
    """How many wait in which stage."""
    stages: dict[str, int] = {}
    for row in answer.dicts():
        stages[row["stage"]] = stages.get(row["stage"], 0) + 1
    if not stages:
        return []
    told = ", ".join(f"{count} in {stage}" for stage, count in stages.items())
    return [f"Waiting: {counted(len(answer.rows), 'deal')}, {total_of(answer, 'amount')} ({told})."]


def bookings_note(answer: "Answer") -> list[str]:
    """What all of them come to."""
    without = sum(row["bookings"] is None for row in answer.dicts())
    counts = f"{counted(without, 'deal')} without an amount {'counts' if without == 1 else 'count'} as nothing"
    told = f"Total: {total_of(answer, 'bookings')}"
    return [told + (f"; {counts}." if 0 < without < len(answer.rows) else ".")] if answer.rows else []


def metrics_note(answer: "Answer") -> list[str]:
    """What was left out of bookings for want of an amount."""
    without = sum(row["won_without_amount"] for row in answer.dicts())
    if not without:
        return []
    deals = "1 won deal has" if without == 1 else f"{without} won deals have"
    return [f"{deals} no amount: left out of bookings and of the average size."]


def walk_note(answer: "Answer") -> list[str]:
    """What two of its lines are, where they have no amounts."""
    moved = [row for row in answer.dicts() if row["line"] in ("pulled_in", "pushed_out") and row["deals"]]
    if not moved or any(row["amount"] for row in moved):
        return []
    return ["pulled_in and pushed_out: expected to close sooner or later than before; with -p they are amounts."]


def attainment_note(answer: "Answer") -> list[str]:
    """That a target doesn't cover a whole period."""
    if any(row["quota"] is not None and row["uncovered_days"] for row in answer.dicts()):
        return ["Where targets leave days of a period uncovered, what is attained isn't said."]
    return []
