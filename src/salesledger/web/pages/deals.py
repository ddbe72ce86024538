"""Deals: a board of the open ones by stage, and a table of all."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

from salesledger.readmodel.engine import Answer
from salesledger.shown.reports import counted
from salesledger.shown.tables import DEALS
from salesledger.shown.values import money
from salesledger.web.page import Page
from salesledger.web.view import View

_MOST_CARDS = 12
_BOARD = f"SELECT * FROM board WHERE stage_place <= {_MOST_CARDS}"
_ROWS = 100


def build(view: View) -> dict[str, Any]:
    """The values of the page."""
    is_table = view.extra.get("view") == "table"
    return {
        "shown": "table" if is_table else "board",
        "board": [] if is_table else _board(view),
        **(_table(view) if is_table else {"grid": None, "total": 0, "pages": []}),
    }


def _table(view: View) -> dict[str, Any]:
    """A part of the table: sorted, counted and cut by the database, so that no other deal is fetched."""
    known = view.ledger.engine.projections["deals"]
    names = [name for name in DEALS.columns if name in known.columns]
    start, sort = _start(view.extra.get("from", "")), view.extra.get("sort", "")
    name = sort.removeprefix("-")
    if name not in names:
        sort = ""
    order = f'"{name}" {"DESC" if sort[0] == "-" else "ASC"} NULLS LAST, deal' if sort else "captured_at DESC, deal"
    told = ", ".join(f'"{column}"' for column in names)
    answer = view.ask(
        f"SELECT {told}, count(*) OVER () AS all_deals FROM deals ORDER BY {order} LIMIT {_ROWS} OFFSET {start}"
    )
    total = answer.rows[0][-1] if answer.rows else start and view.ask("SELECT count(*) FROM deals").rows[0][0]
    shown = Answer(answer.columns[:-1], answer.types[:-1], [row[:-1] for row in answer.rows])
    grid = view.grid(shown, DEALS, caption=f"Deals, by {name.replace('_', ' ')}" if sort else "Deals, the newest first")
    turned = {column: f"-{column}" if sort == column else column for column in names}
    pages = [
        (words, "/deals" + view.state.query(view="table", sort=sort, **{"from": str(at) if at else ""}))
        for words, at in (("previous", max(0, start - _ROWS)), ("next", start + max(1, len(grid.rows))))
        if at != start and at < total and (start or words == "next")
    ]
    return {
        "grid": replace(
            grid,
            sorts={
                _head(column): "/deals" + view.state.query(view="table", sort=other) for column, other in turned.items()
            },
            sorted_by=(_head(name), "descending" if sort[0] == "-" else "ascending") if sort else ("", ""),
        ),
        "total": total,
        "pages": pages,
    }


def _head(column: str) -> str:
    return DEALS.header(column).replace("_", " ")


def _start(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _board(view: View) -> list[dict[str, Any]]:
    columns: dict[tuple[str, str], dict[str, Any]] = {}
    for row in view.ask(_BOARD).dicts():
        key = (row["process"], row["stage"])
        if key not in columns:
            columns[key] = {
                "process": row["process"],
                "stage": row["stage"],
                "deals": counted(row["stage_deals"], "deal"),
                "total": _amount(view, row["stage_amount"], view.currency),
                "more": max(0, row["stage_deals"] - _MOST_CARDS),
                "href": "/deals"
                + view.state.but(filter=_of_stage(view, row["process"], row["stage"])).query(view="table"),
                "cards": [],
            }
        columns[key]["cards"].append(
            {
                "deal": row["deal"],
                "company": row["company"],
                "href": view.link("deals", row["deal"]),
                "amount": _amount(view, row["value"], row["currency"]),
                "owner": row["owner"] or "",
                "close": row["expected_close"] or "",
            }
        )
    return list(columns.values())


def _of_stage(view: View, process: str, stage: str) -> str:
    terms = [f"process:={process}", f"stage:={stage}", "status:=open"]
    return " ".join([view.state.filter, *(shlex.quote(term) for term in terms)]).strip()


def _amount(view: View, value: Any, currency: str | None) -> str:
    if value is None:
        return ""
    return str(value) if view.settings.incognito else f"{money(value, currency)} {currency or ''}".strip()


PAGE = Page("/deals", "Deals", "deals.html", build, key="d")
