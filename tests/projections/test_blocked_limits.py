"""What a process says of waiting goes before what is usual."""

from pathlib import Path

import pytest

from support.books import Books, books
from support.happenings import at, captured, defined, meeting

STAGES = [{"name": "look", "probability": "0.1", "rot_days": 5}, {"name": "buy", "probability": "0.9"}]


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """An empty ledger with the process art, whose first stage allows five days."""
    return books(tmp_path).record("process:art", defined(1, stages=STAGES))


def test_a_deal_is_blocked_after_the_days_that_its_stage_allows(ledger: Books) -> None:
    """Without any history, and not on the last day allowed."""
    ledger.record("a", captured(1, process="art")).record("b", captured(1, process="art", stage="buy"))
    columns = ("deal", "days_in_stage", "usual_days", "times_usual", "rot_days")
    assert ledger.ask("blocked", *columns, as_of=at(6)) == []
    assert ledger.ask("blocked", *columns, as_of=at(7)) == [("a", 6, None, None, 5)]


def test_what_is_usual_counts_only_where_the_stage_says_nothing(ledger: Books) -> None:
    """A stage of a later version may say nothing: its deals wait as long as is usual."""
    ledger.record("process:art", defined(10, process_version=2, stages=[{"name": "look", "probability": "0.1"}]))
    ledger.record("x", captured(1, process="art"), meeting(2, stage="buy"))
    ledger.record("old", captured(9, process="art")).record("new", captured(11, process="art"))
    assert ledger.ask("blocked", "deal", "usual_days", "rot_days", as_of=at(14)) == [("new", 1.0, None)]
    assert ledger.ask("blocked", "deal", "rot_days", as_of=at(15)) == [("old", 5), ("new", None)]
