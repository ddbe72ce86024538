"""The page at which a visitor gives a token, in a form and never in an address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from salesledger.web.guard import COOKIE
from salesledger.web.roles import admitted
from salesledger.web.templates import render

if TYPE_CHECKING:
    from salesledger.web.app import Server


def routes(server: Server) -> list[Route]:
    """Where one logs in and out."""

    async def show(_request: Request) -> Response:
        return HTMLResponse(render("login.html", problem=""))

    async def log_in(request: Request) -> Response:
        server.sessions.check_patience()
        given = parse_qs((await request.body()).decode("latin-1"), max_num_fields=10).get("token", [""])[0]
        token = admitted(server.settings.tokens, given.strip())
        if token is None:
            server.sessions.failed()
            return HTMLResponse(render("login.html", problem="That is not a token of this server."), 403)
        response = RedirectResponse("/", 303)
        response.set_cookie(
            COOKIE,
            server.sessions.begin(token.visitor),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            path="/",
        )
        return response

    async def log_out(request: Request) -> Response:
        server.sessions.end(request.cookies.get(COOKIE, ""))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, path="/")
        return response

    return [
        Route("/login", show),
        Route("/login", log_in, methods=["POST"]),
        Route("/logout", log_out, methods=["POST"]),
    ]
