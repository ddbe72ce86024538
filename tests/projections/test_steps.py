"""Hand-overs, meetings, pain points, losses and discounts, on a few deals each."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from support.books import Books, books, days
from support.happenings import (
    accepted,
    at,
    captured,
    disqualified,
    handed_over,
    lost,
    meeting,
    offered,
    rejected,
    reopened,
    won,
)
from support.story import correct, void


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """An empty ledger in euros."""
    return books(tmp_path)


class TestHandOvers:
    OFFERS = ("deal", "handed_by", "handed_to", "answer", "days", "reason", "status")
    PAIRS = ("handed_by", "handed_to", "offered", "accepted", "rejected", "open", "acceptance_rate", "win_ratio")

    def test_an_offer_is_answered_by_what_follows_it(self, ledger: Books) -> None:
        """By the owner at the time, or whoever recorded it; nobody's answer is none."""
        ledger.record("a", captured(1, owner="sue"), handed_over(2), rejected(5, reason="too small"))
        ledger.record("a", handed_over(6, handed_to="mia"), accepted(8), won(20))
        ledger.record("b", captured(1), handed_over(3))
        assert ledger.ask("hand_over_offers", *self.OFFERS) == [
            ("a", "sue", "lee", "rejected", 3, "too small", "won"),
            ("b", "kim", "lee", None, None, None, "open"),
            ("a", "sue", "mia", "accepted", 2, None, "won"),
        ]
        assert ledger.ask("hand_over_offers", "deal", "answer", as_of=at(4)) == [("a", None), ("b", None)]

    def test_a_pair_has_its_rates_and_what_was_won_of_what_was_accepted(self, ledger: Books) -> None:
        """A rejected lead that somebody else wins is not the pair's."""
        for name, last in (("a", won(20)), ("b", lost(20)), ("c", won(21)), ("d", meeting(9))):
            ledger.record(name, captured(1, owner="sue"), handed_over(2), accepted(4), last)
        ledger.record("e", captured(1, owner="sue"), handed_over(2), rejected(3), handed_over(4, handed_to="mia"))
        ledger.record("e", accepted(5), won(9))
        assert ledger.ask("hand_overs", *self.PAIRS) == [
            ("sue", "lee", 5, 4, 1, 0, 4 / 5, 2 / 3),
            ("sue", "mia", 1, 1, 0, 0, 1.0, 1.0),
        ]
        assert ledger.ask("hand_overs", "won", "lost", "median_days_to_accept") == [(2, 1, 2.0), (1, 0, 1.0)]

    def test_reasons_are_counted_the_most_frequent_first(self, ledger: Books) -> None:
        """In words, beside the counts."""
        for name, reason in (("a", "not mine"), ("b", "too small"), ("c", "too small")):
            ledger.record(name, captured(1), handed_over(2), rejected(3, reason=reason))
        assert ledger.one("hand_overs", "reject_reasons") == ("too small (2); not mine (1)",)

    def test_count_in_the_period_of_the_offer(self, ledger: Books) -> None:
        """Wherever the answer lies; split by something else, pairs are added up."""
        ledger.record("a", captured(1, source="event"), handed_over(2), accepted(9))
        ledger.record("b", captured(1, source="event"), handed_over(6, handed_to="mia"))
        columns = ("period", "handed_to", "offered", "accepted")
        assert ledger.ask("hand_overs", *columns, periods=days(1, 5, 9)) == [("1-5", "lee", 1, 1), ("5-9", "mia", 1, 0)]
        assert ledger.ask("hand_overs", "group", "handed_to", "offered", by="source") == [("event", None, 2)]

    def test_a_voided_answer_is_none(self, ledger: Books) -> None:
        """The offer is open again."""
        ledger.record("a", captured(1), handed_over(2), accepted(3), void(6))
        assert ledger.one("hand_overs", "accepted", "open") == (0, 1)


class TestMeetings:
    def test_are_counted_by_kind_with_what_their_deals_came_to(self, ledger: Books) -> None:
        """A deal with two meetings of a kind counts once."""
        ledger.record("a", captured(1), meeting(2), meeting(3), meeting(4, kind="demo"), won(9))
        ledger.record("b", captured(1), meeting(2), won(9)).record("c", captured(1), meeting(2), lost(9))
        ledger.record("d", captured(1), meeting(2, kind="visit"), disqualified(3))
        columns = (
            "kind",
            "held",
            "deals",
            "won_deals",
            "lost_deals",
            "open_deals",
            "win_ratio",
            "meetings_per_won_deal",
        )
        assert ledger.ask("meetings", *columns) == [
            ("meeting", 4, 3, 2, 1, 0, 2 / 3, 1.5),
            ("demo", 1, 1, 1, 0, 0, 1.0, 1.0),
            ("visit", 1, 1, 0, 0, 0, None, None),
        ]
        assert ledger.ask("meetings", "kind", "held", "open_deals", as_of=at(2)) == [("meeting", 3, 3), ("visit", 1, 1)]

    def test_count_in_the_period_in_which_they_were_held(self, ledger: Books) -> None:
        """Whatever came later."""
        ledger.record("a", captured(1), meeting(2), meeting(6), won(20))
        columns = ("period", "held", "won_deals")
        assert ledger.ask("meetings", *columns, periods=days(1, 5, 9)) == [("1-5", 1, 1), ("5-9", 1, 1)]


class TestPainPoints:
    COLUMNS = ("pain_point", "deals", "won", "lost", "disqualified", "open", "win_ratio", "bookings", "currency")

    def test_count_the_deals_where_they_were_named(self, ledger: Books) -> None:
        """Once a deal, under each of its pain points."""
        ledger.record("a", captured(1), meeting(2, pain_points=["slow", "dear"]), meeting(3, pain_points=["slow"]))
        ledger.record("a", won(9, amount="100.50")).record("b", captured(1), meeting(2, pain_points=["slow"]), lost(5))
        ledger.record("c", captured(1), meeting(2, pain_points=["slow"]), won(5)).record("d", captured(1), meeting(2))
        assert ledger.ask("pain_points", *self.COLUMNS) == [
            ("slow", 3, 2, 1, 0, 0, 2 / 3, Decimal("100.50"), "EUR"),
            ("dear", 1, 1, 0, 0, 0, 1.0, Decimal("100.50"), "EUR"),
        ]
        assert ledger.ask("pain_points", "won_without_amount") == [(1,), (0,)]

    def test_are_one_whatever_the_case(self, ledger: Books) -> None:
        """Shown as first written: by when it was said, not by when it was recorded; in every period alike."""
        ledger.record("a", captured(1), meeting(6, pain_points=["SLOW", "slow"])).record("b", captured(1))
        ledger.record("b", meeting(3, pain_points=["Slow"]))
        assert ledger.ask("pain_points", "pain_point", "deals") == [("Slow", 2)]
        assert ledger.ask("pain_points", "period", "pain_point", periods=days(1, 5, 9)) == [
            ("1-5", "Slow"),
            ("5-9", "Slow"),
        ]

    def test_of_a_corrected_meeting_are_those_that_are_right(self, ledger: Books) -> None:
        """The entry that was struck out named nothing."""
        ledger.record("a", captured(1), meeting(2, pain_points=["slow"]))
        ledger.record("a", correct(5, meeting(2, pain_points=['it\'s "dear"'])))
        assert ledger.ask("pain_points", "pain_point", "open") == [('it\'s "dear"', 1)]


class TestLosses:
    COLUMNS = ("reason", "stage", "source", "competitor", "deals", "deals_without_amount", "amount")

    def test_say_why_where_and_to_whom(self, ledger: Books) -> None:
        """Deals that are alike in all of it are added up; disqualified leads are no losses."""
        for name in ("a", "b"):
            ledger.record(name, captured(1, amount="10", source="pr"), lost(5, reason="price", competitor="Rival"))
        ledger.record("c", captured(1), meeting(2), lost(6)).record("d", captured(1), disqualified(2))
        assert ledger.ask("losses", *self.COLUMNS) == [
            ("price", "lead", "pr", "Rival", 2, 0, 20),
            (None, "meeting", None, None, 1, 1, None),
        ]
        assert ledger.ask("losses", "period", "deals", periods=days(1, 6, 9)) == [("1-6", 2), ("6-9", 1)]

    def test_are_those_that_are_still_lost(self, ledger: Books) -> None:
        """A reopened deal is none, from its reopening on."""
        ledger.record("a", captured(1), lost(5), reopened(8))
        assert ledger.ask("losses", "deals", as_of=at(7)) == [(1,)]
        assert ledger.ask("losses", "deals", as_of=at(8)) == []


class TestDiscounts:
    COLUMNS = ("deal", "list_amount", "value", "discount_amount", "discount_share")

    def test_are_what_was_taken_off_the_list(self, ledger: Books) -> None:
        """Recurring parts count with their first term; above the list it is below zero; without a list there is no row."""
        ledger.record("a", captured(1), won(5, amount="90", list_amount="100", terms="net 30"))
        monthly = {"recurring_amount": "10", "interval_months": 1, "term_months": 12}
        ledger.record("b", captured(1), won(6, list_amount="100", **monthly)).record(
            "c", captured(1), won(7, amount="5")
        )
        ledger.record("d", captured(1), won(8, amount="5", list_amount="0"))
        assert ledger.ask("discounts", *self.COLUMNS) == [
            ("a", 100, 90, 10, 0.1),
            ("b", 100, 120, -20, -0.2),
            ("d", 0, 5, -5, None),
        ]
        assert ledger.ask("discounts", "deal", "won_on", "terms", periods=days(1, 6)) == [
            ("a", date(2026, 1, 5), "net 30")
        ]

    def test_follow_the_list_price_of_the_offer(self, ledger: Books) -> None:
        """A win that names none takes it over; one that was struck out said nothing."""
        ledger.record("a", captured(1), offered(2, amount="95", list_amount="110"), won(5, amount="99"))
        assert ledger.one("discounts", *self.COLUMNS) == ("a", 110, 99, 11, 0.1)
        ledger.record("a", correct(6, won(5, amount="99", list_amount="99")))
        assert ledger.one("discounts", "discount_amount") == (0,)
