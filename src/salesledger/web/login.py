"""The page at which a visitor gives a token, in a form and never in an address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from salesledger.web.guard import COOKIE, Denied
from salesledger.web.templates import render

if TYPE_CHECKING:
    from salesledger.web.app import Server


def routes(server: Server) -> list[Route]:
    """Where one logs in and out."""

    async def show(_request: Request) -> Response:
        return HTMLResponse(render("login.html", problem=""))

    async def log_in(request: Request) -> Response:
        given = parse_qs((await request.body()).decode("latin-1"), max_num_fields=10).get("token", [""])[0]
        try:
            token = server.sessions.admit(server.settings.tokens, given)
        except Denied as e:
            status = 403 if e.status == 401 else e.status
            return HTMLResponse(render("login.html", problem=str(e)), status)
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
