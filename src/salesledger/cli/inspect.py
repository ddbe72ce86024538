"""Commands that look closely: history, log, show, query, projections."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.options import complete_deal, dated, emit, filtered, opened, periodic, printing, split_by
from salesledger.cli.render import Rows, format_for
from salesledger.cli.reports import to_rows, when
from salesledger.errors import NotFound
from salesledger.readmodel.plain import plain

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.readmodel.engine import Answer, Question

ENVELOPE = ("entry", "stream", "id", "type", "effective_at", "known_at", "recorded_at", "recorded_by")
_NESTED = ("attributes", "pain_points", "stages")
_PLUMBING = ("version", "effective_on", "rank")

_ENTRIES = """
    SELECT e.*, s.struck_by
    FROM events e
    LEFT JOIN strikes s ON s.entry = e.entry
    WHERE e.known_at <= $known_at AND (e.effective_at <= $as_of OR e.type = 'event-voided')
"""


def _entries(answer: "Answer", *, table: bool, without: tuple[str, ...]) -> Rows:
    """Entries to print: the fields that none of them has left out; in a table, an entry's own fields in one column."""
    columns, rows = answer.columns, answer.rows
    used = {name for i, name in enumerate(columns) if any(row[i] is not None for row in rows)}
    head = [name for name in ENVELOPE if name not in without]
    own = [name for name in columns if name in used and name not in ENVELOPE and name not in _PLUMBING]
    place = {name: i for i, name in enumerate(columns)}
    types = {name: answer.types[place[name]] for name in columns}
    if not table:
        names = [*head, *own]
        kept = [tuple(_unfolded(n, row[place[n]]) for n in names) for row in rows]
        return Rows(names, [types[n] for n in names], kept, sparse=True)
    shown = [name for name in head if name != "known_at" or any(_late(row, place) for row in rows)]
    return Rows(
        [*shown, "details"],
        [*(types[n] for n in shown), "VARCHAR"],
        [(*(row[place[n]] for n in shown), _details(row, place, own)) for row in rows],
    )


def _is_table(format_: str | None, output: str | None) -> bool:
    return format_for(format_, output) in ("table", "md")


def _unfolded(name: str, value: Any) -> Any:
    """A field's value; what `events` holds as JSON text is taken apart."""
    return json.loads(value) if name in _NESTED and value is not None else value


def _late(row: tuple[Any, ...], place: dict[str, int]) -> bool:
    return bool(row[place["known_at"]] != row[place["recorded_at"]])


def _details(row: tuple[Any, ...], place: dict[str, int], own: list[str]) -> str:
    told = [] if row[place["struck_by"]] is None else [f"STRUCK OUT by {row[place['struck_by']]}"]
    return "  ".join(
        told
        + [
            f"{name}={_told(name, row[place[name]])}"
            for name in own
            if name not in ("struck_by", "stages", "void_root", "strikes") and row[place[name]] is not None
        ]
    )


def _told(name: str, value: Any) -> str:
    value = _unfolded(name, value)
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}:{item}" for key, item in value.items())
    return str(plain(value))


@click.command("history")
@click.argument("deal", shell_complete=complete_deal)
@dated
@printing
@click.pass_context
def history_command(ctx: click.Context, /, deal: str, **values: Any) -> None:
    """One deal's entries, in the order in which they happened.

    What is struck out is shown as such. 'account:ID' and 'process:ID' show the entries of an account or of a process.
    """
    format_, output = values.pop("format_"), values.pop("output")
    with opened(ctx) as ledger:
        kind, colon, rest = deal.partition(":")
        kind, text = (kind, rest) if colon and kind in ("deal", "account", "process") else ("deal", deal)
        found = ledger.find(kind, text)
        question = ledger.question(**values)
        answer = ledger.engine.ask(
            _ENTRIES + " AND e.stream = $stream_kind AND e.id = $stream_id ORDER BY e.effective_at, e.rank, e.entry",
            question,
            {"stream_kind": kind, "stream_id": found},
        )
        if not answer.rows:
            raise NotFound(f"Nothing had happened to the {kind} {found!r} {when(ledger, question)}.")
        rows = _entries(answer, table=_is_table(format_, output), without=("stream", "id"))
        emit(rows, ledger, format_=format_, output=output, title=f"History of {found} {when(ledger, question)}")


@click.command("log")
@filtered
@dated
@click.option("-n", "--last", type=click.IntRange(min=1), metavar="N", help="Only the last N entries.")
@printing
@click.pass_context
def log_command(ctx: click.Context, /, filters: tuple[str, ...], last: int | None, **values: Any) -> None:
    """Everything that was recorded, in order.

    Filters choose by any field of an entry: type:won, id:acme, recorded_by:kim, entry:10..20, effective_on:'>2026-03-01'.
    """
    format_, output = values.pop("format_"), values.pop("output")
    with opened(ctx) as ledger:
        question = ledger.question(**values)
        sql, parameters = _narrowed(ledger, _ENTRIES, question, filters)
        if last is not None:
            sql = f"SELECT * FROM ({sql}) ORDER BY entry DESC LIMIT {int(last)}"
        answer = ledger.engine.ask(f"SELECT * FROM ({sql}) ORDER BY entry", question, parameters)
        rows = _entries(answer, table=_is_table(format_, output), without=())
        emit(rows, ledger, format_=format_, output=output)


def _narrowed(
    ledger: "Ledger", sql: str, question: "Question", filters: tuple[str, ...]
) -> tuple[str, dict[str, object]]:
    """A statement whose rows pass the filters on its own columns."""
    if not filters:
        return sql, {}
    from salesledger.readmodel.filters import compile_filters

    relation = ledger.engine.query(sql, question)
    columns = {name: str(kind) for name, kind in zip(relation.columns, relation.types, strict=True)}
    condition, parameters = compile_filters(filters, columns, zone=ledger.zone)
    return f"SELECT * FROM ({sql}) WHERE {condition}", parameters


@click.command("show")
@click.argument("name")
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
        from salesledger.readmodel.catalogue import named

        projection = named(ledger.engine.projections, name)
        question = ledger.question(**values)
        sql, parameters = _narrowed(ledger, f'SELECT * FROM "{projection.name}"', question, filters)
        answer = ledger.engine.ask(sql, question, parameters)
        title = f"{projection.title[:1].upper()}{projection.title[1:]}"
        emit(to_rows(answer), ledger, format_=format_, output=output, title=title)


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
        text = sys.stdin.read() if sql == "-" else sql
        answer = ledger.engine.ask(text, ledger.question(**values))
        emit(to_rows(answer), ledger, format_=format_, output=output)


@click.command("projections")
@click.argument("name", required=False)
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
            emit(listed, ledger, format_=format_, output=output)
            return
        p = named(known, name)
        described = Rows(["column", "meaning"], ["VARCHAR"] * 2, [tuple(item) for item in p.columns.items()])
        notes = (
            f"Grain: {p.grain}.",
            f"Reads: {', '.join(p.needs) or 'nothing'}.",
            f"Parameters: {', '.join('$' + x for x in p.parameters) or 'none'}.",
        )
        emit(described, ledger, format_=format_, output=output, title=f"{p.name}: {p.title}", notes=notes)
