"""The server: pages, API, static files and live updates behind one guard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from salesledger.errors import NotFound, Refused, SalesledgerError
from salesledger.web import api, assets, live, login, pages
from salesledger.web.blur import NOT_SAID
from salesledger.web.commands import Commands
from salesledger.web.desk import Desk
from salesledger.web.guard import HEADERS, Denied, Guard, Sessions
from salesledger.web.problems import status_of, told
from salesledger.web.settings import Settings


@dataclass
class Server:
    """What the parts of a server share.

    Attributes:
        settings: what it was started with.
        commands: the command line, as far as it is handed down.
        desk: where questions are answered.
        sessions: who has given a token.
        watch: who waits for new entries.
    """

    settings: Settings
    commands: Commands
    desk: Desk = field(init=False)
    sessions: Sessions = field(default_factory=Sessions)
    watch: live.Watch = field(init=False)

    def __post_init__(self) -> None:
        self.desk = Desk(self.settings, self.commands)
        self.watch = live.Watch(self.settings.ledger)


def make_app(settings: Settings, commands: Commands) -> Starlette:
    """The application.

    Args:
        settings: what it is started with.
        commands: the command line, as far as it is handed down.

    Raises:
        UsageError: others could reach it without a token.
    """
    settings.check()
    server = Server(settings, commands)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        server.desk.open()
        async with server.watch.watching():
            yield
        await server.desk.close()

    async def missing(request: Request) -> Response:
        raise NotFound(f"There is no page {request.url.path!r}.")

    routes: list[BaseRoute] = [
        *assets.routes(),
        *login.routes(server),
        *live.routes(server),
        *api.routes(server),
        *pages.routes(server),
        Route("/{rest:path}", missing, methods=["GET", "POST"]),
    ]
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(Guard, settings=settings, sessions=server.sessions)],
        exception_handlers={SalesledgerError: _problem, HTTPException: _http_problem, Exception: _fault},
    )
    app.state.incognito = settings.incognito
    app.state.stop = server.watch.stop
    return app


async def _problem(request: Request, error: Exception) -> Response:
    if request.app.state.incognito and isinstance(error, NotFound | Refused):
        return told(request.scope, Exception(NOT_SAID), status_of(error))
    return told(request.scope, error, error.status if isinstance(error, Denied) else None)


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return told(request.scope, Exception(f"{error.detail}."), error.status_code)


async def _fault(request: Request, _error: Exception) -> Response:
    """What isn't foreseen: the server's standard error has all of it, the visitor is told nothing of it."""
    response = told(
        request.scope, Exception("That is a fault of salesledger; the server's own messages say more."), 500
    )
    response.headers.update(HEADERS | {"Cache-Control": "no-store"})
    return response
