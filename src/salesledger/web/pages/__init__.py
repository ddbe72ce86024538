"""The pages: one module and one template each. A module has PAGE, which says where the page is and what makes it.

To add a page, write `pages/NAME.py` with a PAGE and `templates/NAME.html`, and put it into MODULES below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from salesledger.web.api import need, show_persons, visitor_of
from salesledger.web.frame import frame
from salesledger.web.page import Page
from salesledger.web.pages import (
    account,
    accounts,
    accuracy,
    checks,
    deal,
    deals,
    forecast,
    forecast_tile,
    funnel,
    log,
    metrics,
    overview,
    query,
    record,
    record_form,
    recurring,
    walk,
)
from salesledger.web.state import State
from salesledger.web.templates import render
from salesledger.web.view import View

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.web.app import Server

MODULES = (
    *(overview, deals, deal, accounts, account, funnel, metrics, walk, recurring, forecast, forecast_tile, accuracy),
    *(log, checks, query, record, record_form),
)
PAGES: tuple[Page, ...] = tuple(module.PAGE for module in MODULES)
"""Every page, in the order of the navigation."""


def routes(server: Server) -> list[Route]:
    """Where each page is."""
    return [Route(page.path, _shown(server, page)) for page in PAGES]


def _shown(server: Server, page: Page):  # type: ignore[no-untyped-def]
    async def show(request: Request) -> Response:
        visitor = visitor_of(request)
        need(server, visitor, page.right)
        state = State.of(request.query_params)
        extra = {**request.query_params, **request.path_params}
        is_part = "x-part" in request.headers

        def made(ledger: Ledger) -> str:
            show_persons(ledger, visitor)
            view = View(server.desk, ledger, state, visitor, extra)
            content = page.build(view)
            around = frame(view, page, PAGES, str(request.url.path))
            return render(page.template, **{**around, **content}, layout="part.html" if is_part else "layout.html")

        return HTMLResponse(await server.desk.do(made), headers={"Vary": "X-Part"})

    return show
