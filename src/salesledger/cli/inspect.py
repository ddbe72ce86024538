"""Commands that look closely: history, log, show, query, projections."""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.drawing import draw
from salesledger.cli.options import (
    Whole,
    clocked,
    complete_projection,
    completing,
    dated,
    emit,
    filtered,
    opened,
    periodic,
    printing,
    split_by,
    within,
)
from salesledger.cli.render import format_for, is_picture
from salesledger.errors import BadQuery, NotFound, UsageError
from salesledger.shown.about import stream_of
from salesledger.shown.journal import DETAILS, ENTRIES, HAPPENED, entry_rows, entry_table
from salesledger.shown.reports import narrowed, to_rows, when
from salesledger.shown.values import Rows, chosen

if TYPE_CHECKING:
    from salesledger.readmodel.engine import Answer


def _for_people(format_: str | None, output: str | None) -> bool:
    return format_for(format_, output) in ("table", "md")


@click.command("history")
@click.argument("deal", shell_complete=completing("deal"))
@click.option("--as-known", is_flag=True, help="What was believed of the deal, from moment to moment.")
@dated
@printing
@click.pass_context
def history_command(ctx: click.Context, /, deal: str, as_known: bool, **values: Any) -> None:
    """One deal's entries, in the order in which they happened.

    What is struck out is shown as such, with when and why. 'account:ID', 'process:ID', 'rate:USD' and 'target:WHO' show the
    entries of those.
    """
    format_, output = values.pop("format_"), values.pop("output")
    with opened(ctx) as ledger:
        if as_known:
            from salesledger.cli.beliefs import print_beliefs

            if values["as_of"] is not None:
                raise UsageError("--as-known goes from moment to moment, so it has no --as-of; --known-at ends it.")
            print_beliefs(ledger, deal, ledger.question(**values), format_, output)
            return
        kind, colon, rest = deal.partition(":")
        kinds = ("deal", "account", "process", "rate", "target")
        kind, text = (kind, rest) if colon and kind in kinds else ("deal", deal)
        found = ledger.find(kind, text)
        question = stream_of(ledger.question(**values), kind, found)
        answer = ledger.engine.ask(
            ENTRIES
            + HAPPENED
            + " AND e.stream = $stream_kind AND e.id = $stream_id ORDER BY e.effective_at, e.rank, e.entry",
            question,
            {"stream_kind": kind, "stream_id": found},
        )
        if not answer.rows:
            raise NotFound(f"Nothing had happened to the {kind} {found!r} {when(ledger, question)}.")
        title = f"History of {found} {when(ledger, question)}"
        if is_picture(format_, output):
            draw("clocks", answer.dicts(), title, str(output))
            return
        without = ("stream", "id")
        people = _for_people(format_, output)
        emit(
            entry_table(answer, ledger.zone, without=without) if people else entry_rows(answer, without=without),
            ledger,
            format_=format_,
            output=output,
            title=title,
            expendable=("recorded_by", "recorded_at", "known_at"),
            wrap=DETAILS,
        )


@click.command("log")
@filtered
@clocked("recorded")
@dated
@click.option("-n", "--last", type=Whole(min=1), metavar="N", help="Only the last N entries.")
@printing
@click.pass_context
def log_command(ctx: click.Context, /, filters: tuple[str, ...], last: int | None, **values: Any) -> None:
    """Everything that was recorded, in order.

    Filters choose by any field of an entry: type:won, stream:deal, id:acme, who:kim, source_system:crm, entry:10..20. -b, -e
    and -p choose by when it was recorded; with --clock by when it was known or happened.
    """
    format_, output = values.pop("format_"), values.pop("output")
    span = [values.pop(name) for name in ("clock", "period", "begin", "end")]
    with opened(ctx) as ledger:
        condition, bounds = within(ledger, *span)
        question = ledger.question(**values)
        happened = "" if values["as_of"] is None else HAPPENED
        sql, parameters = narrowed(ledger, ENTRIES + happened, question, filters)
        sql = f"SELECT * FROM ({sql}) WHERE {condition}"
        if last is not None:
            sql = f"SELECT * FROM ({sql}) ORDER BY entry DESC LIMIT {int(last)}"
        answer = ledger.engine.ask(f"SELECT * FROM ({sql}) ORDER BY entry", question, parameters | bounds)
        emit(
            entry_table(answer, ledger.zone) if _for_people(format_, output) else entry_rows(answer),
            ledger,
            format_=format_,
            output=output,
            expendable=("recorded_by", "recorded_at", "stream", "known_at"),
            wrap=DETAILS,
        )


@click.command("show")
@click.argument("name", shell_complete=complete_projection)
@filtered
@periodic
@dated
@split_by
@printing
@click.pass_context
def show_command(ctx: click.Context, /, name: str, filters: tuple[str, ...], **values: Any) -> None:
    """Any projection.

    Filters choose by the projection's own columns.
    """
    format_, output = values.pop("format_"), values.pop("output")
    with opened(ctx) as ledger:
        from salesledger.readmodel.catalogue import in_order, named

        known = ledger.engine.projections
        projection = named(known, name)
        question = ledger.question(**values)
        sql, parameters = narrowed(ledger, f'SELECT * FROM "{projection.name}"', question, filters)
        answer = ledger.engine.ask(sql, question, parameters)
        read = {parameter for each in in_order(known, [name]) for parameter in each.parameters}
        title = f"{name} {when(ledger, question)}" if read & {"as_of", "known_at"} else name
        emit(to_rows(answer), ledger, format_=format_, output=output, title=title, expendable=_last_first(answer))


@click.command("query")
@click.argument("sql")
@periodic
@dated
@split_by
@printing
@click.pass_context
def query_command(ctx: click.Context, /, sql: str, **values: Any) -> None:
    """Any SQL over the projections ('-' reads it from standard input).

    One SELECT, in DuckDB's SQL; it may read the parameters $as_of, $as_of_on, $known_at, $by and $currency.
    """
    format_, output = values.pop("format_"), values.pop("output")
    with opened(ctx) as ledger:
        text = _standard_input() if sql == "-" else sql
        answer = ledger.engine.ask(text, ledger.question(**values))
        if is_picture(format_, output):
            draw("query", answer.dicts(), "", str(output))
            return
        rows = replace(to_rows(answer), whole=True)
        emit(rows, ledger, format_=format_, output=output, expendable=_last_first(answer))


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise BadQuery(f"The SQL on standard input is not UTF-8: {e.reason} at byte {e.start}.") from e


def _last_first(answer: "Answer") -> list[str]:
    """All columns but the first as expendable, where their names tell them apart: instants beside their day go first."""
    if len(set(answer.columns)) < len(answer.columns):
        return []
    doubled = [name for name in answer.columns if name.endswith("_at") and f"{name[:-3]}_on" in answer.columns]
    return [*doubled, *(name for name in answer.columns[:0:-1] if name not in doubled)]


@click.command("projections")
@click.argument("name", required=False, shell_complete=complete_projection)
@printing
@click.pass_context
def projections_command(ctx: click.Context, /, name: str | None, format_: str | None, output: str | None) -> None:
    """The projections there are; with a NAME, its columns."""
    with opened(ctx) as ledger:
        from salesledger.readmodel.catalogue import named

        known = ledger.engine.projections
        if name is None:
            rows = [(p.name, p.title, p.grain, "yours" if p.own else "shipped") for p in known.values()]
            listed = Rows(["name", "answers", "grain", "origin"], ["VARCHAR"] * 4, [tuple(row) for row in rows])
            if _for_people(format_, output):
                listed = chosen(listed, ["name", "origin", "answers"])
            emit(listed, ledger, format_=format_, output=output, wrap="answers")
            return
        p = named(known, name)
        described = Rows(["column", "meaning"], ["VARCHAR"] * 2, [tuple(item) for item in p.columns.items()])
        notes = (
            f"Grain: {p.grain}.",
            f"Reads: {', '.join(p.needs) or 'nothing'}.",
            f"Parameters: {', '.join('$' + x for x in p.parameters) or 'none'}.",
        )
        title = f"{p.name}: {p.title}"
        emit(described, ledger, format_=format_, output=output, title=title, notes=notes, wrap="meaning")
