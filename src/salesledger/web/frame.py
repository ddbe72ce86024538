"""What stands around every page: navigation, filters, the time bar, and what changed between two positions in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesledger.errors import SalesledgerError
from salesledger.readmodel.periods import parse_period
from salesledger.shown.reports import counted, when
from salesledger.shown.tables import MOVES, WALK
from salesledger.web.roles import Right
from salesledger.web.state import INTERVALS

if TYPE_CHECKING:
    from salesledger.readmodel.engine import Question
    from salesledger.web.page import Page
    from salesledger.web.state import State
    from salesledger.web.view import View

_MOST_MOVES = 8
_MOVED = """
    SELECT line, deal, amount, currency FROM pipeline_moves WHERE line NOT IN ('opening', 'closing')
    ORDER BY abs(amount) DESC NULLS LAST, deal, line
"""
_LEARNED = """
    SELECT entry, stream, id, type, effective_on, known_at, recorded_by FROM events
    WHERE known_at > $from_at AND known_at <= $to_at ORDER BY entry DESC
"""


def frame(view: View, page: Page, pages: Sequence[Page], path: str) -> dict[str, Any]:
    """The values of the layout."""
    first, last = bounds(view)
    return {
        "page": page,
        "path": path,
        "state": view.state,
        "nav": [
            {"title": p.title, "href": view.to(p.path), "key": p.key, "here": p.path in (page.path, page.above)}
            for p in pages
            if p.key and p.right in view.visitor.rights
        ],
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        "as_of_day": _day(view, view.question.as_of, last),
        "known_at_day": _day(view, view.question.known_at, last),
        "intervals": INTERVALS,
        "when": when(view.ledger, view.plain_question),
        "position": view.last_entry,
        "permalink": permalink(view, path),
        "may_record": view.may(Right.RECORD),
        "role": view.visitor.role,
        "has_login": bool(view.settings.tokens),
        "read_only": view.settings.read_only,
        "incognito": view.settings.incognito,
        "ledger_name": "ledger" if view.settings.incognito else Path(str(view.settings.ledger)).name,
        "zone": view.ledger.zone.key,
        "changes": changes(view, page, path),
        "unfiltered": f"this page is about {page.about}." if page.about and view.state.filter else "",
        "view": view,
    }


def bounds(view: View) -> tuple[date, date]:
    """The first day on which something happened, and today."""
    ((first,),) = view.ask("SELECT min(effective_on) FROM events WHERE stream = 'deal'", _everything(view)).rows
    last = view.ledger.today
    return min(first or last, last), last


def _everything(view: View) -> Question:
    return replace(
        view.plain_question, as_of=datetime(9000, 1, 1, tzinfo=UTC), known_at=datetime(9000, 1, 1, tzinfo=UTC)
    )


def _day(view: View, instant: datetime | None, last: date) -> str:
    return (last if instant is None else min(instant.astimezone(view.ledger.zone).date(), last)).isoformat()


def permalink(view: View, path: str) -> str:
    """The address that shows the same for ever: both dates as instants, and the ledger's position."""
    now = view.ledger.engine.head.now()
    question = view.plain_question
    state = view.state.but(
        as_of=_instant(question.as_of or now),
        known_at=_instant(question.known_at or now),
        upto=str(min(question.upto or view.last_entry, view.last_entry)),
        since=_lasting_date(view, view.state.since),
        known_since=_lasting_date(view, view.state.known_since),
        period=_lasting_period(view),
    )
    return address(view, path, state)


def _lasting_date(view: View, text: str) -> str:
    """A date as it is meant today, such as 'yesterday'."""
    moment = view.ledger.moment(text or None, end_of_day=True)
    return _instant(moment) if moment else ""


def _lasting_period(view: View) -> str:
    """The address's period; where it means another on another day, such as 'last month', the days that it means today."""
    text, today = view.state.period, view.ledger.today
    if not text or parse_period(text, today) == parse_period(text, today - timedelta(days=800)):
        return text
    span, interval = parse_period(text, today)
    days = f"{span.begin or ''}..{span.end or ''}"
    return f"every {interval} {days}" if interval else days


def address(view: View, path: str, state: State) -> str:
    """The address of the page in another state; what else it says stays."""
    return path + state.query(
        **{
            name: value
            for name, value in view.extra.items()
            if name not in vars(view.state) and f"/{value}" not in path
        }
    )


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def changes(view: View, page: Page, path: str) -> list[dict[str, Any]]:
    """What lies between the position in time and the others that the address names, on each clock that it names one for."""
    state = view.state
    made = []
    if state.since:
        closed = address(view, path, state.but(since=""))
        terms = () if page.about else state.terms
        made.append({"id": "changes", "closed": closed} | _told("What changed", lambda: _walked(view, terms)))
    if state.known_since:
        closed = address(view, path, state.but(known_since=""))
        made.append({"id": "learned", "closed": closed} | _told("What became known", lambda: _learned(view)))
    return made


def _told(title: str, made: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return made()
    except SalesledgerError as e:
        return {"title": title, "problem": str(e), "grids": [], "note": ""}


def _walked(view: View, terms: Sequence[str]) -> dict[str, Any]:
    earlier, later = state_ends(view)
    question = view.ledger.question(**view.state.dates | {"as_of": later, "since": earlier}, filters=terms)
    walk = view.project("pipeline_walk", question)
    moves = view.ask(f"{_MOVED} LIMIT {_MOST_MOVES + 1}", question)
    shown = replace(moves, rows=moves.rows[:_MOST_MOVES])
    more = len(moves.rows) > _MOST_MOVES
    return {
        "title": f"What changed {when(view.ledger, question)}" + (f", {view.state.filter}" if terms else ""),
        "problem": "",
        "grids": [
            view.grid(walk, WALK, question, caption="The pipeline's walk"),
            view.grid(shown, MOVES, question, caption="Deal by deal"),
        ],
        "note": f"The {_MOST_MOVES} that moved it most; the pipeline walk has all of them." if more else "",
    }


def state_ends(view: View) -> tuple[datetime, datetime]:
    """The two as-of dates, the earlier first, whichever the slider came from."""
    since = view.ledger.moment(view.state.since, end_of_day=True)
    as_of = view.question.as_of or view.ledger.engine.head.now()
    assert since is not None
    return min(since, as_of), max(since, as_of)


def _learned(view: View) -> dict[str, Any]:
    since = view.ledger.moment(view.state.known_since, end_of_day=True)
    known_at = view.question.known_at or view.ledger.engine.head.now()
    assert since is not None
    earlier, later = min(since, known_at), max(since, known_at)
    naive = {"from_at": earlier.replace(tzinfo=None), "to_at": later.replace(tzinfo=None)}
    question = replace(view.plain_question, known_at=later)
    ((total,),) = view.ask(f"SELECT count(*) FROM ({_LEARNED})", question, naive).rows
    latest = view.ask(f"{_LEARNED} LIMIT {_MOST_MOVES}", question, naive)
    days = [at.astimezone(view.ledger.zone).date() for at in (earlier, later)]
    whose = " of all deals and accounts" if view.state.filter else ""
    return {
        "title": f"What became known from the end of {days[0]} to the end of {days[1]}",
        "problem": "",
        "grids": [view.grid(latest, caption="The latest of them")] if total else [],
        "note": f"{counted(total, 'entry', 'entries')}{whose}{', of which these are the latest' if total > _MOST_MOVES else ''}.",
    }
