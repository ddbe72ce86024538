"""Leads with what came of them, and accounts with their deals and referrals."""

import json
from datetime import date
from pathlib import Path

import pytest

from support.books import Books, books, utc
from support.happenings import (
    accepted,
    asked,
    at,
    captured,
    contacted,
    disqualified,
    given_lead,
    handed_over,
    lost,
    meeting,
    opened,
    qualified,
    rejected,
    reopened,
    touched,
    won,
)
from support.story import correct, void


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """An empty ledger in euros."""
    return books(tmp_path)


class TestLeads:
    def test_count_what_was_done_for_them(self, ledger: Books) -> None:
        """Touches before the capture, contacts and meetings after it; the first of each."""
        ledger.record("a", touched(1), touched(2), captured(5, source="event"), contacted(7), contacted(6), meeting(8))
        columns = (
            "touches",
            "first_touch_on",
            "contacts",
            "first_contact_on",
            "meetings",
            "captured_on",
            "captured_at",
        )
        day = [date(2026, 1, n) for n in range(1, 10)]
        assert ledger.one("leads", *columns) == (2, day[0], 2, day[5], 1, day[4], utc(5))
        assert ledger.one("leads", *columns, as_of=at(6)) == (2, day[0], 1, day[5], 0, day[4], utc(5))
        assert ledger.ask("leads", "deal", as_of=at(4)) == []

    def test_say_how_far_they_came(self, ledger: Books) -> None:
        """Qualified, handed over once that was accepted, disqualified and why."""
        ledger.record("a", captured(1), qualified(2), handed_over(3, handed_to="lee"))
        columns = ("qualified_on", "handed_to", "owner", "disqualified_on", "reason")
        assert ledger.one("leads", *columns) == (date(2026, 1, 2), None, None, None, None)
        ledger.record("a", rejected(4), handed_over(5, handed_to="max"), accepted(6))
        assert ledger.one("leads", *columns) == (date(2026, 1, 2), "max", "max", None, None)
        ledger.record("a", handed_over(7, handed_to="ann"), accepted(8))
        assert ledger.one("leads", *columns) == (date(2026, 1, 2), "ann", "ann", None, None)
        ledger.record("b", captured(1), disqualified(4, reason="no budget")).record(
            "c", captured(1), lost(4, reason="price")
        )
        assert ledger.ask("leads", "deal", "disqualified_on", "reason")[1:] == [
            ("b", date(2026, 1, 4), "no budget"),
            ("c", None, "price"),
        ]

    def test_that_come_back_are_not_disqualified_any_more(self, ledger: Books) -> None:
        """From their reopening on."""
        ledger.record("a", captured(1), disqualified(4), reopened(6))
        assert ledger.one("leads", "status", "disqualified_on", "reason") == ("open", None, None)

    def test_are_in_the_order_of_their_capture(self, ledger: Books) -> None:
        """Then of their ids."""
        ledger.record("b", captured(2)).record("c", captured(1)).record("a", captured(2))
        assert ledger.ask("leads", "deal") == [("c",), ("a",), ("b",)]

    def test_do_not_count_what_was_struck(self, ledger: Books) -> None:
        """A contact by mistake."""
        ledger.record("a", captured(1), contacted(2), void(5))
        assert ledger.one("leads", "contacts", "first_contact_on") == (0, None)


class TestAccounts:
    def test_add_up_their_deals_and_referrals(self, ledger: Books) -> None:
        """Open and won; what the won ones are worth; asked for and given."""
        ledger.record(
            "account:x",
            opened(1, company="Xenon", attributes={"size": "50"}),
            asked(3, names=2),
            asked(4, names=None, cards=10),
        )
        for deal in ("a", "b", "c"):
            ledger.record(deal, captured(2, account="x", amount="5"))
        ledger.record("a", won(5, amount="7.50")).record("b", lost(5)).record("beta", captured(6, referred_by="x"))
        ledger.record("account:x", given_lead(6)).record("account:y", opened(2, company="Yeti"))
        ledger.record("named", captured(7, referred_by="x"))
        columns = ("account", "company", "opened_on", "deals", "open_deals", "won_deals", "bookings", "currency")
        assert [tuple(map(str, row)) for row in ledger.ask("accounts", *columns)] == [
            ("x", "Xenon", "2026-01-01", "3", "1", "1", "7.5000", "EUR"),
            ("y", "Yeti", "2026-01-02", "0", "0", "0", "None", "None"),
        ]
        counts = ("referrals_asked", "names_asked", "cards_handed_out", "referrals_given")
        assert ledger.ask("accounts", *counts) == [(2, 2, 10, 2), (0, 0, 0, 0)]
        assert ledger.ask("accounts", *counts, as_of=at(3)) == [(1, 2, 0, 0), (0, 0, 0, 0)]
        assert json.loads(ledger.ask("accounts", "attributes")[0][0]) == {"size": "50"}

    def test_are_there_from_their_opening_on(self, ledger: Books) -> None:
        """As far as it is known and not struck."""
        ledger.record("account:x", opened(5), now=at(10)).record("account:x", void(4), now=at(20))
        assert ledger.ask("accounts", "account", as_of=at(4), known_at=at(15)) == []
        assert ledger.ask("accounts", "account", as_of=at(5), known_at=at(15)) == [("x",)]
        assert ledger.ask("accounts", "account", as_of=at(5), known_at=at(20)) == []

    def test_have_the_name_of_their_last_opening(self, ledger: Books) -> None:
        """Not the one that comes last in the alphabet, where two openings stood at a moment of knowledge."""
        ledger.record("account:x", opened(1, company="Zeta", attributes={"a": "1"}, known_at=1), now=at(20))
        ledger.record("account:x", void(4, known_at=at(15)), opened(2, company="Acme", known_at=5), now=at(20))
        columns = ("company", "opened_on")
        assert ledger.one("accounts", *columns, known_at=at(4)) == ("Zeta", date(2026, 1, 1))
        assert ledger.one("accounts", *columns, known_at=at(10)) == ("Acme", date(2026, 1, 2))

    def test_follow_corrections(self, ledger: Books) -> None:
        """Of the name, say."""
        ledger.record("account:x", opened(1, company="Amce"), correct(4, opened(1, company="Acme")))
        assert ledger.one("accounts", "company") == ("Acme",)
