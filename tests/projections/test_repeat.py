"""Repeat business without a subscription: how regularly accounts buy, and the share of those that had bought before."""

from datetime import date
from pathlib import Path

import pytest

from support.books import Books, books, days
from support.happenings import at, cancelled, captured, lost, opened, reopened, subscribed, won


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
