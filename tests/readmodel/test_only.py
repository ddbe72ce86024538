"""A projection that looks at deals of one status only is answered faster, and no differently."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from salesledger.domain.decide import Command
from salesledger.domain.events import Event
from salesledger.errors import BadFile
from salesledger.readmodel.catalogue import load, parse
from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.periods import Period
from support.happenings import at, captured, lost, qualified, won
from support.ledgers import new_ledger, write

BOTH = "SELECT (SELECT sum(deals) FROM pipeline), (SELECT count(*) FROM bookings), (SELECT count(*) FROM deals)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of deals that are open (2), won (3) and lost (1) in the end, and of one that is blocked."""
    deals: dict[str, list[Command | Event]] = {
        "a": [captured(1), qualified(2)],
        "b": [captured(1), qualified(40)],
        "c": [captured(1, amount="10"), qualified(3), won(9, amount="10")],
        "d": [captured(2, amount="20"), qualified(5), won(9, amount="20")],
        "e": [captured(2), qualified(6), won(30, amount="30")],
        "f": [captured(2), lost(9)],
    }
    return write(new_ledger(tmp_path / "sales.ledger"), *((f"deal:{name}", events) for name, events in deals.items()))


@pytest.mark.parametrize("name", [p.name for p in load().values() if p.only])
@pytest.mark.parametrize("day", [4, 20, 60])
def test_the_answer_is_that_of_folding_every_deal(path: Path, name: str, day: float) -> None:
    """With the header's `only`, and as if it were not there."""
    question = Question(as_of=at(day))
    with Engine.open(path) as engine:
        fast = engine.answer(name, question)
        engine.projections[name] = replace(engine.projections[name], only=None)
        assert engine.answer(name, question) == fast


@pytest.mark.parametrize("name", [p.name for p in load().values() if p.since_periods])
@pytest.mark.parametrize(
    "begin", [date(2026, 1, 1), date(2026, 1, 4), date(2026, 1, 10), date(2026, 1, 11), date(2026, 2, 1)]
)
def test_deals_closed_before_the_periods_make_no_difference(path: Path, name: str, begin: date) -> None:
    """With the header's `since`, and as if it were not there."""
    periods = tuple(Period(str(day), day, day + timedelta(days=9)) for day in (begin, begin + timedelta(days=9)))
    question = Question(as_of=at(60), periods=periods, by="owner" if name == "metrics" else None)
    with Engine.open(path) as engine:
        fast = engine.answer(name, question)
        statement, _ = engine._prepared(f"SELECT * FROM {name}", question, {})
        engine.projections[name] = replace(engine.projections[name], since_periods=False)
        assert engine.answer(name, question) == fast
        assert engine._prepared(f"SELECT * FROM {name}", question, {})[0] != statement


def test_when_a_client_first_bought_is_known_of_open_deals_too(tmp_path: Path) -> None:
    """It is another deal that says so, which isn't left out then."""
    path = write(
        new_ledger(tmp_path / "clients.ledger"),
        ("deal:first", [captured(1, company="Alpha AG", amount="10"), qualified(2), won(3, amount="10")]),
        ("deal:second", [captured(8, company="Alpha AG"), qualified(9)]),
    )
    with Engine.open(path) as engine:
        asked = Question(as_of=at(60), filters=("client_since:>=2026-01-01",))
        assert [row[3] for row in engine.answer("pipeline", asked).rows] == [1]
        assert (
            len(
                engine.answer(
                    "metrics", replace(asked, periods=(Period("x", date(2026, 1, 6), date(2026, 1, 20)),))
                ).rows
            )
            == 1
        )


def test_filters_choose_among_them(path: Path) -> None:
    """A filter on deals works on what is left."""
    with Engine.open(path) as engine:
        asked = Question(as_of=at(60), filters=("deal:a",))
        assert [row[3] for row in engine.answer("pipeline", asked).rows] == [1]
        assert engine.answer("bookings", asked).rows == []


def test_projections_that_look_at_different_deals_see_all_of_them(path: Path) -> None:
    """One statement over several, or over the deals themselves, folds every deal."""
    with Engine.open(path) as engine:
        assert engine.ask(BOTH, Question(as_of=at(60))).rows == [(2, 3, 6)]


def test_deals_of_ones_own_are_not_second_guessed(path: Path) -> None:
    """Who overrides `deals` may mean something else by open."""
    folder = path.with_name("projections")
    folder.mkdir()
    shipped = load()["deals"].sql
    head = (
        "-- deals: all open\n-- grain: one row a deal\n-- needs: deal_states, rates, rate_days\n"
        "-- parameters: $as_of, $as_of_on, $known_at, $currency\n-- columns:\n"
    )
    folder.joinpath("deals.sql").write_text(f"{head}SELECT * REPLACE ('open' AS status) FROM ({shipped})")
    with Engine.open(path) as engine:
        assert engine.ask("SELECT sum(deals) FROM pipeline", Question(as_of=at(60))).rows == [(6,)]


def test_only_names_a_status() -> None:
    """Anything else is a mistake in the header, which is said."""
    text = "-- x: x\n-- grain: one row\n-- only: opened\n-- needs: deals\n-- parameters: none\n-- columns:\nSELECT 1"
    with pytest.raises(BadFile, match=r"'only: opened'; a deal's status is one of open, won, lost, disqualified"):
        parse("x", text)


def test_since_names_the_periods() -> None:
    """Nothing else can be said there."""
    text = "-- x: x\n-- grain: one row\n-- since: 2026\n-- needs: deals\n-- parameters: none\n-- columns:\nSELECT 1"
    with pytest.raises(BadFile, match="'since: 2026'; it can only be 'since: periods'"):
        parse("x", text)
