"""The process as it is walked: steps between stages, what they take and lose, and how they differ from the defined order."""

from pathlib import Path

import pytest

from support.books import Books, books, days
from support.happenings import (
    advanced,
    at,
    captured,
    defined,
    disqualified,
    lost,
    meeting,
    moved,
    offered,
    qualified,
    reopened,
    won,
)
from support.story import void

STEP = ("from_stage", "to_stage", "kind")
ART = [{"name": "look", "probability": "0.1", "entered_by": ["lead-captured"]}, {"name": "buy", "probability": "0.9"}]


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """An empty ledger in euros."""
    return books(tmp_path)


class TestKinds:
    def test_follow_from_the_defined_order(self, ledger: Books) -> None:
        """The next stage, one further on, one further back; in and out."""
        ledger.record("a", captured(1), qualified(2), offered(3), advanced(4, stage="meeting"), won(5))
        ledger.record("b", captured(1, stage="meeting"), lost(3))
        assert ledger.ask("process_map", *STEP, "deals", "times", "share") == [
            ("start", "lead", "forward", 1, 1, 0.5),
            ("start", "meeting", "skip", 1, 1, 0.5),
            ("lead", "qualified", "forward", 1, 1, 1.0),
            ("qualified", "proposal", "skip", 1, 1, 1.0),
            ("meeting", "lost", "close", 1, 1, 0.5),
            ("meeting", "won", "close", 1, 1, 0.5),
            ("proposal", "meeting", "back", 1, 1, 1.0),
        ]

    def test_count_a_step_as_often_as_it_is_taken(self, ledger: Books) -> None:
        """By one deal or by several."""
        back = [advanced(day, stage="lead") for day in (3, 5)]
        ledger.record("a", captured(1), qualified(2), back[0], advanced(4, stage="qualified"), back[1])
        ledger.record("b", captured(1), qualified(9))
        asked = ledger.ask("process_map", *STEP, "deals", "times", "median_days")
        assert ("lead", "qualified", "forward", 2, 3, 1.0) in asked
        assert ("qualified", "lead", "back", 1, 2, 1.0) in asked

    def test_tell_a_reopened_deal_from_one_that_goes_on(self, ledger: Books) -> None:
        """From the outcome back into the stage, with the days that it was closed."""
        ledger.record("a", captured(1, amount="5"), lost(4), reopened(10), won(11))
        assert ledger.ask("process_map", *STEP, "median_days", "amount_lost") == [
            ("start", "lead", "forward", None, None),
            ("lead", "lost", "close", 3.0, None),
            ("lead", "won", "close", 1.0, None),
            ("lost", "lead", "reopen", 6.0, None),
        ]

    def test_tell_a_deal_that_moves_to_another_process(self, ledger: Books) -> None:
        """The step leads there; what follows is a step of that process."""
        ledger.record("process:art", defined(1, stages=ART))
        ledger.record("a", captured(2), moved(4, process="art"), advanced(5, stage="buy"))
        assert ledger.ask("process_map", "process", *STEP, "to_process") == [
            ("art", "look", "buy", "forward", "art"),
            ("b2b", "start", "lead", "forward", "b2b"),
            ("b2b", "lead", "look", "move", "art"),
        ]

    def test_name_stages_that_the_deals_version_does_not_have(self, ledger: Books) -> None:
        """A deal that was moved to a version without the stage that it had been in."""
        ledger.record("process:art", defined(1, stages=ART))
        ledger.record(
            "process:art", defined(3, process_version=2, stages=[ART[1], {"name": "pay", "probability": "0.95"}])
        )
        ledger.record("a", captured(2, process="art"), moved(4, process="art", stage="pay"))
        assert ledger.ask("process_map", *STEP) == [
            ("start", "look", "forward"),
            ("look", "pay", "undefined"),
        ]

    def test_are_judged_by_the_version_that_was_followed_then(self, ledger: Books) -> None:
        """A deal that is moved to a newer version has still gone the old one's steps: in the map, the funnel and its ratios."""
        ledger.record("process:art", defined(1, stages=ART), defined(5, process_version=2, stages=ART[::-1]))
        ledger.record("a", captured(2, process="art"), advanced(3, stage="buy")).record("b", captured(2, process="art"))
        before = ledger.ask("process_map", *STEP), ledger.ask("funnel", "stage", "entered", "advanced")
        assert before == ([("start", "look", "forward"), ("look", "buy", "forward")], [("look", 2, 1), ("buy", 1, 0)])
        ledger.record("a", moved(6, process="art"))
        assert (ledger.ask("process_map", *STEP), ledger.ask("funnel", "stage", "entered", "advanced")) == before
        assert ledger.ask("step_ratios", "stage", "entered", "advanced") == before[1]


class TestLosses:
    def test_are_what_the_deals_are_worth_that_ended_there(self, ledger: Books) -> None:
        """Those without an amount apart; a deal that was reopened and won is no loss."""
        ledger.record("a", captured(1, amount="50"), meeting(2), lost(5)).record("b", captured(1), meeting(2), lost(3))
        ledger.record("c", captured(1, amount="7"), disqualified(2))
        ledger.record("d", captured(1, amount="900"), meeting(2), lost(3), reopened(4), won(6))
        asked = ledger.ask("process_map", *STEP, "deals", "amount_lost", "lost_without_amount", "currency")
        assert ("meeting", "lost", "close", 3, 50, 1, "EUR") in asked
        assert ("lead", "disqualified", "close", 1, 7, 0, "EUR") in asked

    def test_take_the_median_of_the_days_before(self, ledger: Books) -> None:
        """Calendar days in the stage that is left."""
        for name, day in (("a", 2), ("b", 4), ("c", 12)):
            ledger.record(name, captured(1), lost(day))
        assert ledger.ask("process_map", "median_days")[1:] == [(3.0,)]


def test_dates_and_voids_count_as_everywhere(ledger: Books) -> None:
    """What has not happened, is not known, or is struck, is no step."""
    ledger.record("a", captured(1), now=at(1)).record("a", qualified(3), now=at(9)).record("a", void(5), now=at(20))
    ledger.record("b", captured(30))
    assert [row[1] for row in ledger.ask("process_map", *STEP, as_of=at(5), known_at=at(9))] == ["lead", "qualified"]
    assert [row[1] for row in ledger.ask("process_map", *STEP, as_of=at(5), known_at=at(8))] == ["lead"]
    assert ledger.ask("process_map", *STEP, "times") == [("start", "lead", "forward", 2)]
    assert ledger.ask("process_map", "period", "times", periods=days(1, 9, 20)) == [("1-9", 1)]
