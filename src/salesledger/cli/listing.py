"""Lists of what a projection holds: filters choose by its own columns, people see a choice of them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.options import emit, opened
from salesledger.cli.render import format_for
from salesledger.shown.reports import narrowed, to_rows, when
from salesledger.shown.tables import Table
from salesledger.shown.values import chosen

if TYPE_CHECKING:
    from salesledger.readmodel.engine import Answer


def listed(
    ctx: click.Context,
    name: str,
    title: str,
    values: dict[str, Any],
    table: Table,
    note: Callable[["Answer"], Sequence[str]] | None = None,
) -> None:
    """Print the rows of a projection that pass the filters.

    Args:
        ctx: the command's context.
        name: the projection.
        title: the line above the table, without the dates.
        values: the command's options: the filters, the dates and periods, the format and the file.
        table: what people see of it.
        note: the lines below the table.
    """
    format_, output, filters = values.pop("format_"), values.pop("output"), values.pop("filters")
    with opened(ctx) as ledger:
        question = ledger.question(**values)
        sql, parameters = narrowed(ledger, f'SELECT * FROM "{name}"', question, filters)
        answer = ledger.engine.ask(sql, question, parameters)
        rows = to_rows(answer)
        # The user's own projection of that name may have other columns: it is then shown as it is.
        as_shipped = set(ledger.engine.shipped_columns(name)) <= set(answer.columns)
        if as_shipped and format_for(format_, output) in ("table", "md"):
            shown = [column for column in table.columns if column != "period" or question.periods]
            rows = chosen(rows, shown, unless_zero=table.unless_zero)
        emit(
            rows,
            ledger,
            format_=format_,
            output=output,
            title=f"{title} {when(ledger, question)}",
            notes=tuple(note(answer)) if note and as_shipped else (),
            expendable=table.expendable,
        )
