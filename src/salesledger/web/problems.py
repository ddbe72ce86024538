"""What becomes of errors: a status, and JSON for programs or a page for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response

from salesledger.errors import (
    Conflict,
    KeyReused,
    LockedLedger,
    NoSeal,
    NotFound,
    NotProved,
    ReadOnlyLedger,
    Refused,
    SalesledgerError,
    StoreError,
    UsageError,
)
from salesledger.readmodel.plain import json_text

if TYPE_CHECKING:
    from starlette.types import Scope

_STATUS: tuple[tuple[type[SalesledgerError], int], ...] = (
    (UsageError, 400),
    (NotFound, 404),
    (ReadOnlyLedger, 403),
    (LockedLedger, 503),
    (StoreError, 503),
    (Refused, 409),
    (KeyReused, 409),
    (Conflict, 409),
    (NoSeal, 409),
    (NotProved, 409),
    (SalesledgerError, 409),
)


def status_of(error: Exception) -> int:
    """The status that says it: 400 what can't be understood, 404 what isn't there, 409 what the ledger refuses, 503 no ledger."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def told(scope: Scope, error: Exception, status: int | None = None) -> Response:
    """An error as a response: JSON under /api, else a page."""
    status, message = status or status_of(error), str(error)
    if wants_json(scope):
        return json_response({"error": message}, status)
    from salesledger.web.templates import render

    return HTMLResponse(render("problem.html", status=status, message=message), status)


def wants_json(scope: Scope) -> bool:
    """Whether a program asks."""
    path = str(scope["path"])
    return path == "/api" or path.startswith(("/api/", "/live"))


def json_response(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A value as JSON."""
    text = json_text(json.dumps(value, ensure_ascii=False, allow_nan=False))
    return Response(text.encode("utf-8", "backslashreplace"), status, headers, "application/json")
