"""How the questions of a page are shared out."""

import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from salesledger.readmodel.engine import Answer
from salesledger.web.desk import Desk
from salesledger.web.jobs import Job, Jobs
from web.conftest import Serving

PLACE = f"/?as_of=2026-03-20&known_at={datetime.now(UTC).date()}"

OWN = """-- leads: none at all
-- grain: one row a lead
-- needs: none
-- parameters: none
-- columns:
--   lead: its id
SELECT 'a' AS lead
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each question was put to an engine."""
    counted: Counter[str] = Counter()
    answered = Desk._answered

    def count(desk: Desk, engine: Any, sql: str, question: Any, values: Any) -> Answer:
        counted[f"{sql} {question} {values}"] += 1
        return answered(desk, engine, sql, question, values)

    monkeypatch.setattr(Desk, "_answered", count)
    return counted


@pytest.mark.parametrize("clerks", [1, 3])
def test_what_several_visitors_look_at_is_asked_once(serve: Serving, asked: Counter[str], clerks: int) -> None:
    """However many clerks share the questions, each visitor sees the same page."""
    with serve(clerks=clerks) as client, ThreadPoolExecutor(4) as visitors:
        pages = list(visitors.map(lambda _: client.get(PLACE).text, range(4)))
    assert len(set(pages)) == 1
    assert "Open pipeline" in pages[0]
    assert sum("attainment" in question for question in asked) == 1
    assert set(asked.values()) == {1}


def test_a_page_alone_looks_no_different_with_many_clerks(serve: Serving) -> None:
    """Clerks who are free go ahead with what it will ask."""
    with serve(clerks=1) as one, serve(clerks=4) as many:
        assert one.get(PLACE).text == many.get(PLACE).text


def test_a_mistake_is_told_by_the_page_that_asked(serve: Serving) -> None:
    """Whoever went ahead with its question says nothing."""
    with serve(clerks=3) as client:
        told = client.get("/?as_of=2026-03-20&filter=stage:%3E")
        assert told.status_code < 500
        assert client.get("/?as_of=2026-03-20").status_code == 200


def test_a_forecast_is_asked_anew_where_a_projection_has_changed(
    serve: Serving, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was worked out from is part of what it is kept by."""
    positions = []

    def ask(_jobs: Jobs, position: object, _words: Sequence[str]) -> Job:
        positions.append(position)
        return Job([])

    monkeypatch.setattr(Jobs, "ask", ask)
    with serve() as client:
        for _ in range(2):
            assert client.get("/forecast/tile").status_code == 200
        own = path.with_name("projections")
        own.mkdir()
        own.joinpath("leads.sql").write_text(OWN)
        assert client.get("/forecast/tile").status_code == 200
    assert positions[0] == positions[1] != positions[2]


def test_overview_shows_what_a_projection_of_ones_own_has(serve: Serving, path: Path) -> None:
    """A `blocked` without amounts is a list without a sum."""
    own = path.with_name("projections")
    own.mkdir()
    own.joinpath("blocked.sql").write_text(OWN.replace("leads: none", "blocked: none").replace("lead", "deal"))
    with serve() as client:
        page = client.get("/?as_of=2026-03-20")
    assert page.status_code == 200
    assert re.search(r"Waiting too long</h2>\s*<p class=\"figure\">–</p>\s*<p[^>]*>1 deal<", page.text)
