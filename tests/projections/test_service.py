"""What clients value, what that suggests, service cases, satisfaction."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from salesledger.domain.account import LEANS
from support.books import Books, books, days
from support.happenings import at, case_opened, case_resolved, noted, opened, satisfied
from support.story import correct, void


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """A ledger with the account x as entry 4."""
    return books(tmp_path).record("account:x", opened(1), now=at(2))


class TestProfile:
    def test_has_the_last_note_of_each_preference(self, ledger: Books) -> None:
        """All of it: a note without evidence takes away the evidence of the one before."""
        ledger.record("account:x", noted(2, weight=5, evidence=4, note="said so"), noted(9, preference="uptime"))
        columns = ("preference", "weight", "leans", "evidence", "noted_on", "note")
        assert ledger.ask("profile", *columns, as_of=at(8)) == [("repair", 5, "repair", 4, date(2026, 1, 2), "said so")]
        ledger.record("account:x", noted(10, weight=1))
        assert ledger.ask("profile", *columns) == [
            ("uptime", 3, "replace", None, date(2026, 1, 9), None),
            ("repair", 1, "repair", None, date(2026, 1, 10), None),
        ]

    def test_goes_by_the_date_of_a_note_not_by_its_recording(self, ledger: Books) -> None:
        """What is noted late counts where it happened, from when it was known."""
        ledger.record("account:x", noted(5, weight=5), now=at(10)).record("account:x", noted(3, weight=1), now=at(20))
        assert ledger.one("profile", "weight") == (5,)
        assert ledger.one("profile", "weight", as_of=at(4)) == (1,)
        assert ledger.ask("profile", "weight", as_of=at(4), known_at=at(15)) == []

    def test_follows_voids_and_corrections(self, ledger: Books) -> None:
        """From when they were known."""
        ledger.record("account:x", noted(5, weight=5), now=at(10))
        ledger.record("account:x", correct(5, noted(5, weight=2)), now=at(20))
        assert ledger.one("profile", "weight") == (2,)
        assert ledger.one("profile", "weight", known_at=at(15)) == (5,)
        ledger.record("account:x", void(7), now=at(30))
        assert ledger.ask("profile", "weight") == []

    @pytest.mark.parametrize(("preference", "lean"), [*LEANS.items(), ("colour", None)])
    def test_leans_as_the_domain_says(self, ledger: Books, preference: str, lean: str | None) -> None:
        """Its CASE repeats the table of the domain."""
        ledger.record("account:x", noted(2, preference=preference))
        assert ledger.one("profile", "leans") == (lean,)


class TestSuggestions:
    def test_are_the_heavier_side(self, ledger: Books) -> None:
        """With what says so; weights of nothing and other preferences say nothing."""
        for name, weight in (("repair", 2), ("price", 2), ("uptime", 3), ("speed", 0), ("colour", 5)):
            ledger.record("account:x", noted(3, preference=name, weight=weight))
        columns = ("account", "repair", "replace", "suggestion", "suggestion_why")
        why = "uptime 3 (replace), price 2 (repair), repair 2 (repair)"
        assert ledger.ask("suggestions", *columns) == [("x", 4, 3, "repair", why)]
        ledger.record("account:x", noted(4, preference="speed", weight=1))
        assert ledger.ask("suggestions", *columns) == [("x", 4, 4, None, None)]

    def test_are_what_a_case_opened_then_records(self, ledger: Books) -> None:
        """The SQL and the domain say the same."""
        ledger.record("account:x", noted(3, weight=2), noted(4, preference="uptime"), case_opened(5))
        told = ("suggestion", "suggestion_why")
        assert ledger.one("cases", *told) == ledger.one("suggestions", *told)
        assert ledger.one("cases", *told) == ("replace", "uptime 3 (replace), repair 2 (repair)")

    def test_are_none_where_the_profile_says_nothing(self, ledger: Books) -> None:
        """No row."""
        ledger.record("account:x", noted(3, preference="colour"), noted(3, weight=0))
        assert ledger.ask("suggestions", "account") == []


class TestCases:
    def test_are_open_until_they_are_resolved(self, ledger: Books) -> None:
        """Their days count on until then."""
        ledger.record("account:x", noted(2), case_opened(3, subject="the sorter", product="gtx"), now=at(5))
        columns = ("case_id", "kind", "status", "opened_on", "resolved_on", "days", "suggestion", "resolution")
        opening = ("one", "broken-equipment", "open", date(2026, 1, 3), None)
        assert ledger.one("cases", *columns, as_of=at(10)) == (*opening, 7, "repair", None)
        ledger.record("account:x", case_resolved(8, resolution="Repair"), now=at(9))
        assert ledger.one("cases", *columns, as_of=at(10))[2:] == (
            *("resolved", date(2026, 1, 3), date(2026, 1, 8), 5, "repair", "Repair"),
        )
        assert ledger.one("cases", *columns, as_of=at(7))[5:] == (4, "repair", None)
        assert ledger.one("cases", *columns, as_of=at(10), known_at=at(8))[2:] == (*opening[2:], 7, "repair", None)
        assert ledger.one("cases", "followed", "subject", "product") == (True, "the sorter", "gtx")
        assert ledger.ask("cases", "case_id", as_of=at(2)) == []

    def test_keep_what_was_suggested_then(self, ledger: Books) -> None:
        """Whatever the profile says later."""
        ledger.record("account:x", noted(2), case_opened(3), noted(4, preference="uptime", weight=5))
        ledger.record("account:x", case_resolved(5, resolution="replace"))
        assert ledger.one("cases", "suggestion", "suggestion_why", "followed") == ("repair", "repair 3 (repair)", False)

    @pytest.mark.parametrize(
        ("resolution", "followed"),
        [("repaired", True), ("Replaced", False), ("replacement", False), ("answered", False)],
    )
    def test_are_resolved_in_other_words_too(self, resolution: str, followed: bool, ledger: Books) -> None:
        """What was suggested was done, whether it is called 'repair' or 'repaired'."""
        ledger.record("account:x", noted(2), case_opened(3), case_resolved(5, resolution=resolution))
        assert ledger.one("cases", "resolution", "followed") == (resolution, followed)

    def test_without_a_suggestion_follow_none(self, ledger: Books) -> None:
        """Of another kind, or of a client of whom nothing is known."""
        ledger.record("account:x", case_opened(3), noted(4), case_opened(5, case_id="two", kind="question"))
        ledger.record("account:x", case_resolved(6), case_resolved(6, case_id="two", resolution="answered"))
        assert ledger.ask("cases", "case_id", "suggestion", "followed") == [("one", None, None), ("two", None, None)]

    def test_are_open_again_where_the_resolution_is_struck(self, ledger: Books) -> None:
        """And can be resolved once more."""
        ledger.record("account:x", case_opened(3), case_resolved(4), void(6))
        assert ledger.one("cases", "status", "resolution") == ("open", None)
        ledger.record("account:x", case_resolved(9, resolution="replace"))
        assert ledger.one("cases", "status", "days", "resolution") == ("resolved", 6, "replace")


class TestSatisfaction:
    def test_counts_who_promotes_and_who_warns(self, ledger: Books) -> None:
        """9 and 10 promote, 6 and less warn; the mean is exact, rounded half up."""
        for n, score in enumerate((10, 9, 8, 7, 6, 0, 9, 10)):
            ledger.record("account:x", satisfied(2 + n, score=score))
        columns = ("period", "answers", "points", "mean", "promoters", "passives", "detractors", "nps")
        assert ledger.ask("satisfaction", *columns) == [("all", 8, 59, Decimal("7.38"), 4, 2, 2, 25.0)]
        assert ledger.one("satisfaction", "last_on", "last_score") == (date(2026, 1, 9), 10)
        assert ledger.ask("satisfaction", *columns, periods=days(2, 4, 5, 20, 30), as_of=at(6)) == [
            ("2-4", 2, 19, Decimal("9.50"), 2, 0, 0, 100.0),
            ("4-5", 1, 8, Decimal("8.00"), 0, 1, 0, 0.0),
            ("5-20", 2, 13, Decimal("6.50"), 0, 1, 1, -50.0),
        ]

    def test_leaves_out_what_was_struck(self, ledger: Books) -> None:
        """From when that was known."""
        ledger.record("account:x", satisfied(2, score=1), satisfied(3), now=at(5)).record(
            "account:x", void(5), now=at(9)
        )
        assert ledger.one("satisfaction", "answers", "nps") == (1, 100.0)
        assert ledger.one("satisfaction", "answers", "nps", known_at=at(8)) == (2, 0.0)
