"""What is attained of targets, and what was called."""

from datetime import date
from pathlib import Path

import pytest

from salesledger.readmodel.periods import Period
from support.books import Books, books
from support.happenings import at, called, captured, lost, reopened, revised, target_set, won
from support.story import correct, void

Q1 = {"begins_on": date(2026, 1, 1), "ends_on": date(2026, 4, 1)}
JANUARY = {"begins_on": date(2026, 1, 1), "ends_on": date(2026, 2, 1)}
FEBRUARY = {"begins_on": date(2026, 2, 1), "ends_on": date(2026, 3, 1)}
MARCH = {"begins_on": date(2026, 3, 1), "ends_on": date(2026, 4, 1)}
QUARTER = [Period("2026Q1", date(2026, 1, 1), date(2026, 4, 1))]
KIM = "target:kim"


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """An empty ledger in euros."""
    return books(tmp_path)


class TestQuota:
    def test_is_compared_with_what_was_won(self, ledger: Books) -> None:
        """Attained is what was booked by the quota, the gap what is missing."""
        ledger.record(KIM, target_set(1, owner="kim", amount="200", **Q1))
        ledger.record("a", captured(1, owner="kim", amount="50"), won(5)).record("b", captured(1, owner="kim"), won(6))
        ledger.record("c", captured(1, owner="lee", amount="9"), won(5)).record("d", captured(1, owner="kim"), lost(9))
        columns = ("period", "scope", "who", "quota", "won", "bookings", "won_without_amount", "attainment", "gap")
        assert ledger.one("attainment", *columns) == ("2026Q1", "owner", "kim", 200, 2, 50, 1, 0.25, 150)

    def test_of_a_quarter_is_the_sum_of_its_months(self, ledger: Books) -> None:
        """What is attained is said only where they leave no day out."""
        ledger.record(KIM, target_set(1, owner="kim", amount="10", **JANUARY))
        ledger.record(KIM, target_set(1, owner="kim", amount="20", **MARCH))
        columns = ("quota", "uncovered_days", "attainment", "gap")
        assert ledger.one("attainment", *columns, periods=QUARTER) == (30, 28, None, None)
        ledger.record(KIM, target_set(2, owner="kim", amount="30", **FEBRUARY))
        assert ledger.one("attainment", *columns, periods=QUARTER) == (60, 0, 0.0, 60)

    def test_set_for_the_period_itself_counts_and_not_its_parts(self, ledger: Books) -> None:
        """Whichever was set last."""
        ledger.record(KIM, target_set(1, owner="kim", amount="100", **Q1), target_set(2, owner="kim", **JANUARY))
        assert ledger.ask("attainment", "quota", periods=QUARTER) == [(100,)]

    def test_of_a_year_is_not_divided(self, ledger: Books) -> None:
        """A quarter has no quota by it."""
        ledger.record(KIM, target_set(1, owner="kim", begins_on=date(2026, 1, 1), ends_on=date(2027, 1, 1)))
        assert ledger.ask("attainment", "period") == [("2026",)]
        assert ledger.ask("attainment", "period", periods=QUARTER) == []

    def test_is_the_last_one_set_by_the_date_and_known_by_then(self, ledger: Books) -> None:
        """Replaced, corrected, voided: each date sees what held."""
        ledger.record(KIM, target_set(1, owner="kim", amount="100", **Q1), now=at(1))
        ledger.record(KIM, target_set(5, owner="kim", amount="150", **Q1), now=at(10))
        ledger.record(KIM, correct(5, target_set(5, owner="kim", amount="160", **Q1)), now=at(20))
        ledger.record(KIM, void(7), now=at(30))
        known = {day: ledger.one("attainment", "quota", known_at=at(day)) for day in (4, 9, 10, 20, 30)}
        assert known == {4: (100,), 9: (100,), 10: (150,), 20: (160,), 30: (100,)}
        assert ledger.one("attainment", "quota", as_of=at(4), known_at=at(20)) == (100,)

    def test_of_nothing_is_never_attained(self, ledger: Books) -> None:
        """Nothing is divided by nothing."""
        ledger.record("target:all", target_set(1, amount="0", **Q1))
        assert ledger.one("attainment", "scope", "who", "attainment", "gap") == ("all", None, None, 0)


class TestCredit:
    def test_goes_to_the_owner_and_the_team_at_the_win(self, ledger: Books) -> None:
        """Who takes the deal over afterwards has won nothing; a late win counts for who had it then."""
        ledger.record(KIM, target_set(1, owner="kim", **Q1)).record("target:lee", target_set(1, owner="lee", **Q1))
        ledger.record("target:team-north", target_set(1, team="North", **Q1))
        ledger.record("a", captured(1, owner="kim", team="North", amount="7"), won(9), revised(12, owner="lee"))
        assert ledger.ask("attainment", "who", "bookings") == [("kim", 7), ("lee", 0), ("North", 7)]
        ledger.record("a", reopened(20), won(21))
        assert ledger.ask("attainment", "who", "bookings") == [("kim", 0), ("lee", 7), ("North", 7)]


class TestCalls:
    def test_are_the_last_ones_for_exactly_the_period(self, ledger: Books) -> None:
        """Each kind beside the others, with or without a quota."""
        ledger.record(KIM, called(2, owner="kim", amount="80", **Q1), called(3, owner="kim", amount="70", **Q1))
        ledger.record(KIM, called(4, owner="kim", amount="90", call="best-case", **Q1))
        ledger.record(KIM, called(4, owner="kim", amount="5", call="pipeline", **JANUARY))
        columns = ("quota", "commit", "best_case", "pipeline", "attainment")
        assert ledger.one("attainment", *columns, periods=QUARTER) == (None, 70, 90, None, None)
        assert ledger.one("attainment", "commit", periods=QUARTER, as_of=at(2.5)) == (80,)


@pytest.mark.parametrize(
    ("first", "end", "label"),
    [
        (date(2026, 1, 1), date(2027, 1, 1), "2026"),
        (date(2026, 4, 1), date(2026, 7, 1), "2026Q2"),
        (date(2026, 2, 1), date(2026, 3, 1), "2026-02"),
        (date(2025, 12, 29), date(2026, 1, 5), "2026-W01"),
        (date(2026, 2, 3), date(2026, 2, 4), "2026-02-03"),
        (date(2026, 2, 1), date(2026, 5, 1), "2026-02-01..2026-05-01"),
    ],
)
def test_a_targets_own_period_is_called_as_people_call_it(ledger: Books, first: date, end: date, label: str) -> None:
    """Where nobody asked for any."""
    ledger.record("target:all", target_set(1, begins_on=first, ends_on=end))
    assert ledger.one("attainment", "period", "begins_on", "ends_on") == (label, first, end)
