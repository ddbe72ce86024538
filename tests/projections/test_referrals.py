"""Who referred what, what came of asking, the share of referrals, and who brought whom."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.books import Books, books, days
from support.happenings import asked, at, captured, given_lead, lost, opened, revised, won
from support.story import void


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """A ledger in euros with three accounts."""
    made = books(tmp_path)
    for name in "xyz":
        made.record(f"account:{name}", opened(1, company=f"Company {name.upper()}"), now=at(2))
    return made


def shown(rows: list[tuple[Any, ...]]) -> list[tuple[str, ...]]:
    """Rows as texts."""
    return [tuple(map(str, row)) for row in rows]


class TestReferredLeads:
    def test_have_the_referrer_that_they_name(self, ledger: Books) -> None:
        """Whoever else says that he gave them."""
        ledger.record("a", captured(2, referred_by="x")).record("account:y", given_lead(2, lead="a"))
        assert ledger.ask("referred_leads", "referrer", "deal") == [("x", "a")]

    def test_else_have_the_account_that_gave_them_first(self, ledger: Books) -> None:
        """By its date, as far as that is known and not struck."""
        ledger.record("a", captured(2), now=at(3))
        ledger.record("account:y", given_lead(5, lead="a"), now=at(10))
        ledger.record("account:x", given_lead(4, lead="a"), now=at(20))
        assert ledger.ask("referred_leads", "referrer", "deal") == [("x", "a")]
        assert ledger.ask("referred_leads", "referrer", "deal", known_at=at(15)) == [("y", "a")]
        assert ledger.ask("referred_leads", "referrer", "deal", as_of=at(3)) == []
        ledger.record("account:x", void(9), now=at(30))
        assert ledger.ask("referred_leads", "referrer", "deal") == [("y", "a")]

    def test_are_no_others(self, ledger: Books) -> None:
        """A source is no referrer."""
        ledger.record("a", captured(2, source="referral"))
        assert ledger.ask("referred_leads", "deal") == []


class TestReferrals:
    @pytest.fixture
    def busy(self, ledger: Books) -> Books:
        """X was asked three times and referred three leads; Y referred one, and nobody asked."""
        ledger.record("account:x", asked(2, names=3), asked(3, names=2, cards=10), asked(12, names=None, cards=5))
        for n, name in enumerate("abc"):
            ledger.record(name, captured(4 + 4 * n, company=name, referred_by="x", amount="100.50"))
        ledger.record("d", captured(5, company="d", referred_by="y", amount="50"))
        ledger.record("e", captured(5, company="e", amount="1000"), won(6))
        ledger.record("a", won(20)).record("b", lost(9)).record("d", won(9, amount="99.50"))
        return ledger

    def test_set_leads_against_names(self, busy: Books) -> None:
        """And wins against leads, money against all money by referral."""
        columns = ("account", "company", "asks", "names_asked", "cards", "names_per_ask", "leads", "won", "bookings")
        assert shown(busy.ask("referrals", *columns)) == [
            ("x", "Company X", "3", "5", "15", "2.5", "3", "1", "100.5000"),
            ("y", "Company Y", "0", "0", "0", "None", "1", "1", "99.5000"),
        ]
        ratios = busy.ask("referrals", "yield_ratio", "win_ratio", "bookings_share")
        assert ratios == [(3 / 5, 1 / 3, 100.5 / 200), (None, 1.0, 99.5 / 200)]

    def test_follow_the_leads_of_a_period(self, busy: Books) -> None:
        """What was captured in it, won or not by the date asked about; what was asked in it."""
        columns = ("period", "account", "asks", "leads", "won")
        periods = days(1, 8, 16)
        assert busy.ask("referrals", *columns, periods=periods) == [
            ("1-8", "x", 2, 1, 1),
            ("1-8", "y", 0, 1, 1),
            ("8-16", "x", 1, 2, 0),
        ]
        assert busy.ask("referrals", *columns, periods=periods, as_of=at(8)) == [
            ("1-8", "x", 2, 1, 0),
            ("1-8", "y", 0, 1, 0),
            ("8-16", "x", 0, 1, 0),
        ]

    def test_count_wins_without_an_amount(self, ledger: Books) -> None:
        """Which are worth nothing that is known."""
        ledger.record("a", captured(2, referred_by="x"), won(3))
        row = ledger.one("referrals", "won", "won_without_amount", "bookings", "bookings_share", "currency")
        assert row == (1, 1, Decimal(0), None, "EUR")

    def test_share_is_of_leads_wins_and_bookings(self, busy: Books) -> None:
        """Leads by capture, wins by closing, as in the metrics."""
        counts = ("period", "leads", "referred_leads", "won", "referred_won")
        assert busy.ask("referral_share", *counts, periods=days(1, 8, 16)) == [
            ("1-8", 3, 2, 1, 0),
            ("8-16", 2, 2, 1, 1),
        ]
        shares = ("lead_share", "won_share", "bookings", "referred_bookings", "bookings_share")
        assert busy.one("referral_share", *shares) == (
            4 / 5,
            2 / 3,
            Decimal(1200),
            Decimal(200),
            200 / 1200,
        )
        whole = ("leads", "won", "bookings")
        assert busy.one("referral_share", *whole) == busy.one("metrics", *whole)

    def test_share_leaves_out_what_is_no_new_business(self, ledger: Books) -> None:
        """Later orders of a client, and deals that grew from another; two orders on its first day are both new."""
        ledger.record("a", captured(2, account="x", referred_by="y"), won(5, amount="100"))
        ledger.record("b", captured(5, account="x"), won(5, amount="50"))
        ledger.record("again", captured(6, account="x", referred_by="y"), won(7, amount="1000"))
        ledger.record("early", captured(3, account="x"), won(6, amount="1000"))
        ledger.record("more", captured(3, company="Other", grown_from="a", growth="upsell"), won(4, amount="1000"))
        ledger.record("c", captured(2, company="Bolt"), won(3, amount="7"))
        ledger.record("d", captured(4, company="Bolt"), won(4, amount="1000"))
        ledger.record("e", captured(9, company="Cut"))
        columns = ("leads", "referred_leads", "won", "referred_won", "bookings", "referred_bookings")
        assert ledger.one("referral_share", *columns) == (5, 1, 3, 1, 157, 100)
        first = ledger.ask("deals", "deal", "client_since", as_of=at(6))
        assert dict(first)["d"] == date(2026, 1, 3)
        assert dict(first)["early"] == date(2026, 1, 5)

    def test_share_has_no_share_of_nothing(self, ledger: Books) -> None:
        """A period without leads has a row, and no shares."""
        row = ledger.one("referral_share", "leads", "lead_share", "won_share", "bookings_share", "bookings")
        assert row == (0, None, None, None, Decimal(0))


class TestTree:
    def test_goes_as_deep_as_referrals_do(self, ledger: Books) -> None:
        """X brought Y, Y brought Z, Z referred somebody; the money below counts, not a row's own."""
        ledger.record("y1", captured(2, referred_by="x", account="y", amount="10"), won(20))
        ledger.record("z1", captured(3, referred_by="y", account="z", amount="20"), won(20))
        ledger.record("n1", captured(4, referred_by="z", amount="40"), won(20))
        ledger.record("n2", captured(5, referred_by="x", amount="80"))
        columns = ("depth", "path", "is_first", "bookings", "leads_below", "won_below", "bookings_below")
        assert shown(ledger.ask("referral_tree", *columns)) == [
            ("0", "x", "True", "None", "4", "3", "70.0000"),
            ("1", "x > y1", "True", "10.0000", "2", "2", "60.0000"),
            ("2", "x > y1 > z1", "True", "20.0000", "1", "1", "40.0000"),
            ("3", "x > y1 > z1 > n1", "False", "40.0000", "0", "0", "0.0000"),
            ("1", "x > n2", "False", "None", "0", "0", "0.0000"),
        ]
        assert ledger.ask("referral_tree", "root", "company", "captured_on")[:2] == [
            ("x", "Company X", None),
            ("x", "Acme", date(2026, 1, 2)),
        ]
        assert ledger.ask("referral_tree", "path", as_of=at(3)) == [("x",), ("x > y1",), ("x > y1 > z1",)]

    def test_survives_a_circle(self, ledger: Books) -> None:
        """The account that referred first is at the top; what came back to it is a leaf."""
        ledger.record("y1", captured(2, referred_by="x", account="y"))
        ledger.record("x1", captured(3, referred_by="y", account="x"))
        assert ledger.ask("referral_tree", "path", "is_first") == [
            ("x", True),
            ("x > y1", True),
            ("x > y1 > x1", False),
        ]

    def test_survives_an_account_that_refers_itself(self, ledger: Books) -> None:
        """That brings nobody."""
        ledger.record("x1", captured(2, referred_by="x", account="x"))
        assert ledger.ask("referral_tree", "path", "is_first") == [("x", True), ("x > x1", False)]

    def test_has_an_account_once(self, ledger: Books) -> None:
        """Below the lead that came first, however many others referred it later."""
        ledger.record("z2", captured(5, referred_by="y", account="z"))
        ledger.record("z1", captured(4, referred_by="x", account="z"))
        ledger.record("n", captured(6, referred_by="z"))
        assert [path for (path,) in ledger.ask("referral_tree", "path")] == [
            "x",
            "x > z1",
            "x > z1 > n",
            "y",
            "y > z2",
        ]

    def test_brings_nobody_who_was_there_before(self, ledger: Books) -> None:
        """An account whose first lead no referral brought is at the top of its own."""
        ledger.record("y1", captured(2, account="y")).record("y2", captured(3, referred_by="x", account="y"))
        ledger.record("n", captured(4, referred_by="y"))
        assert [path for (path,) in ledger.ask("referral_tree", "path")] == ["x", "x > y2", "y", "y > n"]

    def test_follows_what_is_learned_of_whose_a_deal_is(self, ledger: Books) -> None:
        """A deal may be linked to its account later."""
        ledger.record("y1", captured(2, referred_by="x")).record("n", captured(4, referred_by="y"))
        assert ledger.ask("referral_tree", "depth") == [(0,), (1,), (0,), (1,)]
        ledger.record("y1", revised(3, account="y"))
        assert ledger.ask("referral_tree", "depth") == [(0,), (1,), (2,)]
