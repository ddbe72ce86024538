"""Repeat business without a subscription: how regularly accounts buy, and the share of those that had bought before."""

from datetime import date
from pathlib import Path

import pytest

from support.books import Books, books, days
from support.happenings import (
    at,
    cancelled,
    captured,
    handed_over,
    lost,
    meeting,
    opened,
    renewed,
    reopened,
    subscribed,
    target_set,
    won,
)
from support.story import void


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """A ledger in euros with three accounts."""
    made = books(tmp_path)
    for account in ("x", "y", "z"):
        made.record(f"account:{account}", opened(1))
    return made


def orders(ledger: Books, account: str | None, *on: float, amount: str | None = "10", company: str = "Acme") -> None:
    """Deals that are won on some days."""
    for n, day in enumerate(on):
        name = f"{account or company.lower()}-{n}-{int(day)}"
        ledger.record(name, captured(day, account=account, company=company), won(day, amount=amount))


class TestRepeat:
    def test_says_how_regularly_an_account_buys(self, ledger: Books) -> None:
        """Two orders of one day are one occasion; the median is of the days between occasions."""
        orders(ledger, "x", 2, 12, 12, 42)
        columns = ("orders", "order_days", "first_on", "last_on", "median_days_between", "bookings")
        assert ledger.one("repeat", *columns) == (4, 3, date(2026, 1, 2), date(2026, 2, 11), 20.0, 40)

    def test_an_account_with_a_rhythm_is_overdue_beyond_twice_its_median(self, ledger: Books) -> None:
        """On the day after that, not on the day itself."""
        orders(ledger, "x", 2, 12, 22)
        columns = ("days_since_last", "usual_within_days", "overdue")
        assert ledger.one("repeat", *columns, as_of=at(42)) == (20, 20.0, False)
        assert ledger.one("repeat", *columns, as_of=at(43)) == (21, 20.0, True)

    def test_an_account_without_one_is_held_against_all_accounts(self, ledger: Books) -> None:
        """Beyond the 90th percentile of the days between all orders."""
        orders(ledger, "x", *range(2, 12))
        orders(ledger, "y", 2, 32)
        orders(ledger, "z", 11)
        columns = ("account", "usual_within_days", "overdue")
        assert ledger.ask("repeat", *columns, as_of=at(14)) == [
            ("x", 2.0, True),
            ("y", 1.0, True),
            ("z", 1.0, True),
        ]
        assert ledger.ask("repeat", *columns, as_of=at(32.5))[1] == ("y", 1.0, False)

    def test_nobody_is_overdue_where_nobody_has_bought_twice(self, ledger: Books) -> None:
        """There is nothing to hold them against."""
        orders(ledger, "x", 2)
        assert ledger.one("repeat", "usual_within_days", "overdue") == (None, False)

    def test_only_won_deals_of_accounts_count(self, ledger: Books) -> None:
        """Not lost or reopened ones, nor those without an account; one without an amount counts as an order."""
        orders(ledger, "x", 2, amount=None)
        ledger.record("lost", captured(3, account="x"), lost(4)).record(
            "open", captured(3, account="x"), won(4), reopened(5)
        )
        orders(ledger, None, 6)
        assert ledger.ask("repeat", "account", "orders", "bookings", "won_without_amount") == [("x", 1, None, 1)]

    def test_a_client_whose_subscription_runs_is_not_overdue(self, ledger: Books) -> None:
        """From its end on it is; and its name is the account's."""
        orders(ledger, "x", 2, 4, 6, company="Bought as")
        ledger.record("account:x", subscribed(7), cancelled(30))
        columns = ("company", "subscribed", "overdue")
        assert ledger.one("repeat", *columns, as_of=at(29)) == ("Acme", True, False)
        assert ledger.one("repeat", *columns, as_of=at(31)) == ("Acme", False, True)


class TestShare:
    def test_is_what_clients_of_an_earlier_day_book(self, ledger: Books) -> None:
        """Two orders on the first day are both new; a company without an account is known by its name."""
        orders(ledger, "x", 2, 2, 6)
        orders(ledger, None, 3, 7, company="Bolt", amount="30")
        columns = (
            "won",
            "repeat_won",
            "bookings",
            "repeat_bookings",
            "new_bookings",
            "repeat_share",
            "repeat_won_share",
        )
        assert ledger.ask("repeat_share", *columns, periods=days(1, 5, 9, 13)) == [
            (3, 0, 50, 0, 50, 0.0, 0.0),
            (2, 2, 40, 40, 0, 1.0, 1.0),
            (0, 0, 0, 0, 0, None, None),
        ]

    def test_splits_by_what_the_deals_are(self, ledger: Books) -> None:
        """A client's first order makes its second one repeat business, whatever it was."""
        ledger.record("a", captured(2, account="x", product="tea"), won(2, amount="5"))
        ledger.record("b", captured(3, account="x", product="cup"), won(3, amount="7"))
        rows = ledger.ask("repeat_share", "group", "repeat_bookings", "new_bookings", by="product")
        assert rows == [("cup", 7, 0), ("tea", 0, 5)]


class TestRenewals:
    """A subscription of a year that a deal renews, beside an order of the same client."""

    @pytest.fixture
    def ledger(self, ledger: Books) -> Books:
        """The deals `renewal`, which says that it is one, `early`, which a renewal names, and `order`."""
        ledger.record("account:x", subscribed(1, term_months=12))
        ledger.record("renewal", captured(5, account="x", growth="renewal", amount="700"), won(9))
        ledger.record("early", captured(5, account="x", amount="50"), won(9))
        ledger.record("order", captured(6, account="x", amount="3"), won(9))
        ledger.record("target:all", target_set(1, amount="10", begins_on=date(2026, 1, 1), ends_on=date(2026, 1, 20)))
        return ledger.record("account:x", renewed(9, deal="early"))

    def test_are_no_bookings(self, ledger: Books) -> None:
        """No lead, no win, no attainment, no order; deals they stay."""
        assert ledger.ask("bookings", "deal", "bookings") == [("order", 3)]
        assert ledger.one("metrics", "leads", "won", "bookings", "close_ratio") == (1, 1, 3, 1)
        assert ledger.one("attainment", "won", "bookings") == (1, 3)
        assert ledger.one("repeat", "orders", "bookings") == (1, 3)
        assert ledger.one("repeat_share", "won", "bookings") == (1, 3)
        assert sorted(ledger.ask("deals", "deal")) == [("early",), ("order",), ("renewal",)]

    def test_nor_are_open_or_lost_ones_part_of_what_is_measured(self, ledger: Books) -> None:
        """The close ratio and the velocity are those of sales."""
        before = ledger.one("metrics", "close_ratio", "lost", "sales_velocity")
        ledger.record("again", captured(7, account="x", growth="renewal"), lost(10))
        ledger.record("open", captured(7, account="x", growth="renewal"))
        assert ledger.one("metrics", "close_ratio", "lost", "sales_velocity") == before

    def test_are_no_leads(self, ledger: Books) -> None:
        """Neither listed, nor in a funnel, nor referred, nor in the acceptance of leads; the offer of one is listed."""
        ledger.record("again", captured(7, account="x", growth="renewal", referred_by="y"), handed_over(8))
        assert ledger.ask("leads", "deal") == [("order",)]
        assert ledger.ask("funnel", "stage", "entered") == [("lead", 1)]
        assert {row[0] for row in ledger.ask("step_ratios", "entered")} == {1}
        assert ledger.ask("referred_leads", "deal") == ledger.ask("referrals", "account") == []
        assert ledger.ask("hand_overs", "offered") == []
        assert ledger.ask("hand_over_offers", "deal") == [("again",)]

    def test_are_told_apart_where_they_count(self, ledger: Books) -> None:
        """Their meetings, losses and discounts are; their outcome is not that of selling."""
        ledger.record("again", captured(7, account="x", growth="renewal"), meeting(8, pain_points=["slow"]))
        ledger.record("again", won(9, amount="8", list_amount="10"))
        ledger.record("gone", captured(7, account="x", growth="renewal"), meeting(8), lost(9, reason="price"))
        assert ledger.one("meetings", "held", "deals", "renewals", "won_deals", "win_ratio") == (2, 2, 2, 0, None)
        assert ledger.one("pain_points", "deals", "renewals", "won", "bookings") == (1, 1, 0, 0)
        assert ledger.one("losses", "reason", "deals", "renewals") == ("price", 1, 1)
        assert ledger.one("discounts", "deal", "is_renewal", "discount_amount") == ("again", True, 2)

    def test_what_renews_is_one_from_the_renewal_on_and_while_that_stands(self, ledger: Books) -> None:
        """As of a date before it, and after it is struck out, the deal is a sale."""
        ledger.record("late", captured(5, account="x", amount="20"), won(8)).record(
            "account:x", renewed(12, deal="late")
        )
        assert ledger.ask("bookings", "deal", as_of=at(11)) == [("late",), ("order",)]
        assert ledger.ask("bookings", "deal") == [("order",)]
        ((entry,),) = ledger.ask("events", "entry", as_of=at(300))[-1:]
        ledger.record("account:x", void(entry))
        assert ledger.ask("bookings", "deal") == [("late",), ("order",)]

    def test_a_client_that_pays_already_is_not_new(self, ledger: Books) -> None:
        """Its order is repeat business, and none that a referral could have brought."""
        assert ledger.one("repeat_share", "repeat_won", "repeat_bookings", "new_bookings") == (1, 3, 0)
        assert ledger.one("referral_share", "leads", "won", "bookings") == (0, 0, 0)

    def test_a_subscription_that_the_deal_itself_began_makes_nobody_a_client_before(self, ledger: Books) -> None:
        """Nor does one that begins on the day of the order."""
        ledger.record("first", captured(3, account="y", amount="4"), won(9))
        ledger.record("account:y", subscribed(5, deal="first"), subscribed(9, subscription="more"))
        assert ledger.one("repeat_share", "repeat_bookings", "new_bookings") == (3, 4)
        assert ledger.one("referral_share", "leads", "won", "bookings") == (1, 1, 4)
