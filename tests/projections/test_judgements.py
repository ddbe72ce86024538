"""Leads judged by the criteria of their process, and by those of any version."""

from pathlib import Path

import pytest

from salesledger.domain.events import Event
from support.books import Books, books
from support.happenings import at, captured, defined
from support.story import correct

BIG = {"attribute": "size", "at_least": 10}
WOOD = {"attribute": "sector", "one_of": ["wood", "steel"]}
NO_PAPER = {"attribute": "sector", "none_of": ["paper"]}


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """A ledger with the process art: without criteria, from the fifth day on with two, from the tenth with another."""
    second = defined(5, known_at=at(5), process_version=2, criteria=[BIG, WOOD])
    made = books(tmp_path).record("process:art", defined(1), second)
    return made.record("process:art", defined(10, known_at=at(10), process_version=3, criteria=[NO_PAPER]))


def lead(day: float, known_at: float | None = None, **facts: str) -> Event:
    """A lead of the process art that was captured with these facts."""
    return captured(day, known_at=known_at, process="art", attributes=facts or None)


def test_a_lead_is_judged_by_the_version_in_force_when_it_was_captured(ledger: Books) -> None:
    """Unmet where one criterion is, else unknown where a fact is missing or no number; nothing where nothing is asked."""
    ledger.record("early", lead(1, size="5")).record("met", lead(6, size="10", sector="WOOD"))
    ledger.record("small", lead(6, size="9.9999")).record("word", lead(6, size="many", sector="wood"))
    ledger.record("bare", lead(7)).record("later", lead(11, sector="wood"))
    assert sorted(ledger.ask("leads", "deal", "judged", "judged_by")) == [
        ("bare", "unknown", "art/2"),
        ("early", None, None),
        ("later", "met", "art/3"),
        ("met", "met", "art/2"),
        ("small", "unmet", "art/2"),
        ("word", "unknown", "art/2"),
    ]
    assert ledger.ask("deals", "deal", filters=("judged:met",)) != []


def test_every_version_judges_every_lead(ledger: Books) -> None:
    """Also of a process that the lead does not follow."""
    ledger.record("a", lead(1, size="5", sector="paper")).record("b", captured(2, attributes={"size": "50"}))
    columns = ("deal", "process_version", "verdict", "criteria", "unmet", "unknown")
    assert ledger.ask("judgements", *columns) == [
        ("a", 2, "unmet", 2, 2, 0),
        ("a", 3, "unmet", 1, 1, 0),
        ("b", 2, "unknown", 2, 0, 1),
        ("b", 3, "unknown", 1, 0, 1),
    ]


def test_facts_are_those_that_were_known(ledger: Books) -> None:
    """A correction changes the verdict from when it was recorded on."""
    ledger.record("a", lead(6, 7, size="5", sector="wood"), correct(7, lead(6, 20, size="50", sector="wood")))
    assert ledger.ask("judgements", "verdict", known_at=at(12)) == [("unmet",), ("met",)]
    assert ledger.ask("judgements", "verdict") == [("met",), ("met",)]
    assert ledger.ask("judgements", "process_version", known_at=at(8)) == [(2,)]
    assert ledger.one("leads", "judged", known_at=at(8)) == ("unmet",)
    assert ledger.one("leads", "judged") == ("met",)
