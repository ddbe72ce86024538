"""Steps whose ratio has left the range of their past year."""

from datetime import date
from pathlib import Path

import pytest

from salesledger.readmodel.periods import Period
from support.books import Books, books
from support.happenings import at, captured, qualified, won

BEGINS = (date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1), date(2025, 10, 1), date(2026, 1, 1), date(2026, 4, 1))
QUARTERS = [Period(f"q{i}", BEGINS[i], BEGINS[i + 1]) for i in range(5)]
YEAR = (10, 8, 9, 12)
"""How many of twenty leads go on in each of the four quarters before."""


def fill(ledger: Books, leads: tuple[int, ...], going_on: tuple[int, ...], days_later: int = 1) -> Books:
    """A ledger of some quarters: so many leads, and so many that are qualified some days later."""
    for quarter, (many, on) in enumerate(zip(leads, going_on, strict=True)):
        first = (BEGINS[quarter + 5 - len(leads)] - date(2026, 1, 1)).days + 1
        for n in range(many):
            walk = [captured(first), *([qualified(first + days_later)] if n < on else [])]
            ledger.record(f"d{quarter}-{n}", *walk, now=at(120))
    return ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """An empty ledger in euros."""
    return books(tmp_path)


COLUMNS = ("entered", "step_ratio", "past_periods", "lowest_ratio", "highest_ratio", "falling")


def last_lead(ledger: Books, day: int = 100) -> tuple[object, ...]:
    """The first step of the last quarter."""
    rows = ledger.ask("step_ratios", "period", "stage", *COLUMNS, periods=QUARTERS, as_of=at(day))
    (found,) = [row[2:] for row in rows if row[:2] == ("q4", "lead")]
    return found


class TestFalling:
    def test_is_below_the_lowest_of_the_past_year(self, ledger: Books) -> None:
        """7 of 20, where it was 8 at least."""
        assert last_lead(fill(ledger, (20,) * 5, (*YEAR, 7))) == (20, 0.35, 4, 0.4, 0.6, True)

    def test_is_not_as_low_as_the_lowest(self, ledger: Books) -> None:
        """8 of 20 was there before."""
        assert last_lead(fill(ledger, (20,) * 5, (*YEAR, 8)))[-1] is False

    def test_needs_twenty_leads(self, ledger: Books) -> None:
        """Of 19 nothing is said, nor are 19 a past that counts."""
        assert last_lead(fill(ledger, (20, 20, 19, 20, 19), (*YEAR, 0))) == (19, 0.0, 3, 0.4, 0.6, False)

    def test_needs_three_past_periods(self, ledger: Books) -> None:
        """Two are no range."""
        assert last_lead(fill(ledger, (20, 20, 20), (10, 10, 0))) == (20, 0.0, 2, 0.5, 0.5, False)


def test_all_cohorts_are_followed_equally_long(ledger: Books) -> None:
    """Who went on after forty days had not gone on after thirty, then as now."""
    fill(ledger, (20,) * 5, (20,) * 5, days_later=40)
    assert last_lead(ledger, 31) == (20, 0.0, 4, 0.0, 0.0, False)
    assert last_lead(ledger, 41) == (20, 1.0, 4, 1.0, 1.0, False)
    assert ledger.ask("step_ratios", "followed_days", periods=QUARTERS[4:], as_of=at(31)) == [(30,)]


def test_a_win_counts_as_an_advance_once_it_has_happened(ledger: Books) -> None:
    """Wherever the deal was."""
    ledger.record("a", captured(1), won(5)).record("b", captured(1))
    assert ledger.ask("step_ratios", "advanced", periods=QUARTERS[4:], as_of=at(5)) == [(1,)]
    assert ledger.ask("step_ratios", "advanced", periods=QUARTERS[4:], as_of=at(4)) == [(0,)]
