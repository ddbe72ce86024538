"""The HTTP API: every projection and every command as JSON, under the names that the command line has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from salesledger.errors import NOTHING_RECORDED, BadValue, NotFound, SalesledgerError, UsageError
from salesledger.readmodel.catalogue import named
from salesledger.readmodel.plain import plain
from salesledger.shown.reports import narrowed
from salesledger.web.blur import NO_SQL
from salesledger.web.commands import Command, in_fields, read_object, words_of
from salesledger.web.guard import Denied
from salesledger.web.openapi import document
from salesledger.web.problems import json_response
from salesledger.web.roles import Right, Visitor
from salesledger.web.state import INTERVALS

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.readmodel.engine import Answer
    from salesledger.web.app import Server

QUESTION = (
    "as_of",
    "known_at",
    "since",
    "upto",
    "period",
    "begin",
    "end",
    "interval",
    "by",
    "filter",
    "limit",
    "offset",
)
MOST_ROWS = 10_000
ROWS_HEADER = "Salesledger-Rows"


def routes(server: Server) -> list[Route]:
    """Where the API is."""

    async def index(request: Request) -> Response:
        """Where to go on."""
        refuse_more(request, ())
        return json_response({name: f"/api/{name}" for name in ("openapi.json", "projections", "commands")})

    async def projections(request: Request) -> Response:
        """Which projections there are."""
        refuse_more(request, ())
        return json_response(await server.desk.do(_listed))

    async def projection(request: Request) -> Response:
        """The rows of one."""
        refuse_more(request, QUESTION)
        name, visitor = request.path_params["name"], visitor_of(request)
        answer, total = await server.desk.do(lambda ledger: _rows(ledger, name, request, visitor, server))
        rows = [{column: plain(value) for column, value in row.items()} for row in answer.dicts()]
        return json_response(rows, headers={ROWS_HEADER: str(total)})

    async def commands(request: Request) -> Response:
        """Which commands there are."""
        refuse_more(request, ())
        return json_response([_command(command) for command in server.commands.listed().values()])

    async def command(request: Request) -> Response:
        """Run one: GET asks, POST records (or asks)."""
        found = server.commands.listed().get(request.path_params["name"].replace("/", " "))
        if found is None:
            raise NotFound("There is no such command; /api/commands lists them.")
        if request.method == "POST":
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                raise Denied(415, f"Send JSON, as application/json. {NOTHING_RECORDED}")
            values: Mapping[str, Any] = read_object(await request.body())
        elif found.records:
            raise Denied(405, f"{found.name!r} records: send it by POST. {NOTHING_RECORDED}")
        else:
            values = _query(request, found)
        return await run(server, found, values, visitor_of(request), asking=request.method != "POST")

    async def openapi(request: Request) -> Response:
        """What all of this is."""
        refuse_more(request, ())
        known = await server.desk.do(lambda ledger: dict(ledger.engine.projections))
        return json_response(document(known.values(), server.commands.listed().values(), server.settings))

    async def missing(request: Request) -> Response:
        """Whatever else."""
        raise NotFound(f"There is nothing at {request.url.path!r}; /api/openapi.json says what there is.")

    return [
        Route("/api", index),
        Route("/api/", index),
        Route("/api/openapi.json", openapi),
        Route("/api/projections", projections),
        Route("/api/projections/{name}", projection),
        Route("/api/commands", commands),
        Route("/api/commands/{name:path}", command, methods=["GET", "POST"]),
        Route("/api/{rest:path}", missing, methods=["GET", "POST"]),
    ]


def visitor_of(request: Request) -> Visitor:
    """Who asks."""
    visitor: Visitor = request.state.visitor
    return visitor


def need(server: Server, visitor: Visitor, right: Right) -> None:
    """Refuse whoever hasn't a right.

    Raises:
        Denied: they haven't.
    """
    if right is Right.RECORD and server.settings.read_only:
        raise Denied(403, f"This server only reads. {NOTHING_RECORDED}")
    if right not in visitor.rights:
        raise Denied(403, f"A {visitor.role} may not do that; it needs the right to {right.value}. {NOTHING_RECORDED}")


async def run(
    server: Server, command: Command, values: Mapping[str, Any], visitor: Visitor, *, asking: bool
) -> Response:
    """Run a command for a visitor."""
    records = command.records or any(values.get(field.name) for field in command.fields if field.records)
    need(server, visitor, Right.RECORD if records else command.right)
    if server.settings.incognito and command.name == "query":
        raise Denied(403, NO_SQL)
    words = words_of(command, values, actor=visitor.actor, asking=asking)

    def work(ledger: Ledger) -> Any:
        show_persons(ledger, visitor)
        return server.commands.run(words, None if records else ledger)

    try:
        ran = await server.desk.do(work)
    except SalesledgerError as e:
        e.args = (in_fields(str(e), command),)
        raise e.also(NOTHING_RECORDED) if records else e from None
    found: Any = json.loads(ran.output) if command.prints_json and ran.output else {"text": ran.output}
    if server.settings.incognito:
        found = hidden(found)
    if records and isinstance(found, list):
        return json_response({"entries": found, "notes": list(ran.notes)})
    return json_response(found)


def hidden(value: Any) -> Any:
    """What a command printed, with every text but words of its own hidden."""
    from salesledger.web.blur import hidden_json

    return hidden_json(value)


def show_persons(ledger: Ledger, visitor: Visitor) -> None:
    """Let the engine show who persons are, or not."""
    ledger.engine.shows_persons = bool(visitor.rights & {Right.AUDIT, Right.RECORD})


def refuse_more(request: Request, known: tuple[str, ...]) -> None:
    """Refuse what nobody would look at.

    Raises:
        UsageError: the address says something else.
    """
    for name in request.query_params:
        if name not in known:
            raise UsageError(f"{name!r} means nothing here; there are: {', '.join(known) or 'none'}.")


def _query(request: Request, command: Command) -> dict[str, Any]:
    many = {field.name for field in command.fields if field.many}
    told = request.query_params
    return {
        name: told.getlist(name) if name in many or len(told.getlist(name)) > 1 else told[name]
        for name in told.keys()  # noqa: SIM118
    }


def _listed(ledger: Ledger) -> list[dict[str, Any]]:
    return [
        {"name": p.name, "answers": p.title, "grain": p.grain, "columns": dict(p.columns), "own": p.own}
        for p in ledger.engine.projections.values()
    ]


def _rows(ledger: Ledger, name: str, request: Request, visitor: Visitor, server: Server) -> tuple[Answer, int]:
    show_persons(ledger, visitor)
    projection = named(ledger.engine.projections, name)
    told = request.query_params
    for each in told:
        if each != "filter" and len(told.getlist(each)) > 1:
            raise UsageError(f"{each!r} is given once.")
        if any("\ud800" <= c <= "\udfff" for value in told.getlist(each) for c in value):
            raise BadValue(f"{each!r} is not valid Unicode.")
    interval = told.get("interval")
    if interval and interval not in INTERVALS:
        raise UsageError(f"{interval!r} is no interval; write one of {', '.join(INTERVALS)}.")
    dates: dict[str, Any] = {
        each: told.get(each) or None for each in ("as_of", "known_at", "since", "period", "begin", "end", "by")
    }
    question = ledger.question(
        **dates,
        upto=_number(told, "upto", 1, None),
        interval=interval or None,
    )
    sql, parameters = narrowed(ledger, f'SELECT * FROM "{projection.name}"', question, told.getlist("filter"))
    limit, offset = _number(told, "limit", 0, MOST_ROWS) or 0, _number(told, "offset", 0, 0) or 0
    answer = server.desk.ask(ledger, sql, question, parameters)
    part = type(answer)(answer.columns, answer.types, answer.rows[offset : offset + limit])
    return part, len(answer.rows)


def _number(told: Mapping[str, str], name: str, least: int, default: int | None) -> int | None:
    text = told.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 15 and int(text) >= least):
        raise UsageError(f"{name}: {text[:40]!r} is no whole number from {least} on.")
    return int(text)


def _command(command: Command) -> dict[str, Any]:
    return {
        "name": command.name,
        "help": command.help,
        "records": command.records,
        "fields": [
            {"name": f.name, "kind": f.kind, "required": f.required, "many": f.many, "help": f.help}
            for f in command.fields
        ],
    }
