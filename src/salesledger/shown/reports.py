"""A report's rows as people see them: which columns, of which rows, and the dates that a title tells."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from salesledger.shown.tables import Table
from salesledger.shown.values import Rows, chosen

if TYPE_CHECKING:
    from datetime import datetime

    from salesledger.api import Ledger
    from salesledger.readmodel.engine import Answer, Question


def to_rows(answer: "Answer") -> Rows:
    """An answer as rows to print."""
    return Rows(answer.columns, answer.types, answer.rows)


def when(ledger: "Ledger", question: "Question") -> str:
    """The dates of a question, for a title."""

    def told(instant: "datetime") -> str:
        local = instant.astimezone(ledger.zone)
        if local.strftime("%H:%M:%S") == "23:59:59":
            return f"the end of {local:%Y-%m-%d}"
        return f"{local:%Y-%m-%d %H:%M}"

    as_of = "now" if question.as_of is None else told(question.as_of)
    dates = f"as of {as_of}" if question.since is None else f"from {told(question.since)} to {as_of}"
    known_at = "" if question.known_at is None else f", as known at {told(question.known_at)}"
    return f"{dates}{known_at}" + (f", up to entry {question.upto}" if question.upto else "")


def columns_of(
    ledger: "Ledger", sql: str, question: "Question", values: Mapping[str, object] | None = None
) -> dict[str, str]:
    """The columns of a statement, each with its SQL type."""
    relation = ledger.engine.query(sql, question, values)
    return {name: str(kind) for name, kind in zip(relation.columns, relation.types, strict=True)}


def narrowed(ledger: "Ledger", sql: str, question: "Question", filters: Sequence[str]) -> tuple[str, dict[str, object]]:
    """A statement whose rows pass the filters on its own columns."""
    if not filters:
        return sql, {}
    from salesledger.readmodel.filters import compile_filters

    condition, parameters = compile_filters(filters, columns_of(ledger, sql, question), zone=ledger.zone)
    return f"SELECT * FROM ({sql}) WHERE {condition}", parameters


def counted(number: int, one: str, many: str | None = None) -> str:
    """'1 open deal', '2 open deals'."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def unconverted(rows: Rows, table: Table) -> set[str]:
    """The columns that say nothing where no value was converted."""
    if table.if_converted and not any(any(row) for row in chosen(rows, ["rate"]).rows):
        return set(table.if_converted)
    return set()


def for_people(rows: Rows, table: Table, question: "Question") -> Rows:
    """What a report's table shows."""
    needless: set[str] = set()
    if not question.periods and not table.own_periods:
        needless.add("period")
    needless |= unconverted(rows, table)
    if table.unless_empty:
        told = [dict(zip(rows.columns, row, strict=True)) for row in rows.rows]
        kept = [i for i, row in enumerate(told) if row["deals"] or row["line"] in table.unless_empty]
        rows = replace(rows, rows=[rows.rows[i] for i in kept])
    needless |= {name for name in table.if_mixed if len(set(chosen(rows, [name]).rows)) < 2}
    return chosen(rows, [name for name in table.columns if name not in needless], unless_zero=table.unless_zero)
