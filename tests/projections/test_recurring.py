"""Subscriptions, the walk of recurring revenue, and the renewals that are due."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from salesledger.domain.account import SubscriptionStarted
from salesledger.errors import MissingRate
from salesledger.readmodel.periods import Period
from support.books import Books, books
from support.happenings import at, cancelled, captured, opened, rate_set, renewed, repriced, subscribed
from support.story import correct, void

MONTHS = [
    Period("January", date(2026, 1, 1), date(2026, 2, 1)),
    Period("February", date(2026, 2, 1), date(2026, 3, 1)),
    Period("March", date(2026, 3, 1), date(2026, 4, 1)),
]
WALK = ("mrr_opening", "mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churn", "mrr_closing")
FEBRUARY, MARCH, APRIL = 32, 60, 91


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """A ledger in euros with two accounts."""
    return books(tmp_path).record("account:x", opened(1)).record("account:y", opened(1))


def price(amount: str, months: int = 1) -> dict[str, object]:
    """An amount every so many months."""
    return {"recurring_amount": amount, "interval_months": months}


class TestSubscriptions:
    def test_are_what_they_last_became(self, ledger: Books) -> None:
        """The last price holds; a term runs from the last renewal; what has ended pays nothing."""
        ledger.record("account:x", subscribed(2, product="Pro", term_months=1), repriced(10), renewed(FEBRUARY + 1))
        columns = ("status", "product", "started_on", "term_ends_on", "recurring_amount", "mrr", "arr", "ended_on")
        day = date(2026, 1, 2)
        assert ledger.one("subscriptions", *columns, as_of=at(5)) == (
            *("running", "Pro", day, date(2026, 2, 2), 100, 100, 1200, None),
        )
        assert ledger.one("subscriptions", *columns) == ("running", "Pro", day, date(2026, 3, 2), 150, 150, 1800, None)
        ledger.record("account:x", cancelled(MARCH, reason="price", competitor="Rival"))
        ended = ("ended", "Pro", day, None, 150, 0, 0, date(2026, 3, 1))
        assert ledger.one("subscriptions", *columns) == ended
        assert ledger.one("subscriptions", "reason", "competitor", "renewals") == ("price", "Rival", 1)
        assert ledger.ask("subscriptions", "subscription", as_of=at(1)) == []

    @pytest.mark.parametrize(
        ("amount", "months", "mrr", "arr"),
        [
            ("100", 12, "8.3333", "100"),
            ("0.0005", 12, "0", "0.0005"),
            ("0.0003", 6, "0.0001", "0.0006"),
            ("200", 3, "66.6667", "800"),
            ("99999999999999.9999", 1, "99999999999999.9999", "1199999999999999.9988"),
        ],
    )
    def test_revenue_is_rounded_once_half_up(self, ledger: Books, amount: str, months: int, mrr: str, arr: str) -> None:
        """To four decimals, the month and the year each from the price itself."""
        ledger.record("account:x", subscribed(2, **price(amount, months)))
        assert ledger.one("subscriptions", "mrr", "arr") == (Decimal(mrr), Decimal(arr))

    def test_a_term_ends_on_the_last_day_of_a_shorter_month(self, ledger: Books) -> None:
        """A month from 31 January is 28 February."""
        ledger.record("account:x", subscribed(31, term_months=1))
        assert ledger.one("subscriptions", "term_ends_on") == (date(2026, 2, 28),)

    def test_what_is_struck_out_or_not_known_yet_does_not_count(self, ledger: Books) -> None:
        """A correction changes what is known now, not what was known then."""
        ledger.record("account:x", subscribed(2, known_at=10))
        entry = 6
        right = SubscriptionStarted(
            effective_at=at(3),
            known_at=at(20),
            recorded_by="kim",
            subscription="pro",
            recurring_amount=Decimal(80),
            interval_months=1,
            currency="EUR",
        )
        ledger.record("account:x", correct(entry, right))
        assert ledger.one("subscriptions", "started_on", "mrr") == (date(2026, 1, 3), 80)
        assert ledger.one("subscriptions", "started_on", "mrr", known_at=at(15)) == (date(2026, 1, 2), 100)
        ledger.record("account:x", void(8, known_at=at(30)))
        assert ledger.ask("subscriptions", "mrr") == []


class TestTheWalk:
    def test_goes_from_each_opening_to_its_closing(self, ledger: Books) -> None:
        """New, then more, then less, then gone."""
        ledger.record("account:x", subscribed(2), repriced(FEBRUARY + 3))
        ledger.record("account:y", subscribed(FEBRUARY + 1, **price("1200", 12)))
        ledger.record("account:x", repriced(MARCH + 1, **price("40"))).record("account:y", cancelled(MARCH + 9))
        assert ledger.ask("recurring", *WALK, periods=MONTHS) == [
            (0, 100, 0, 0, 0, 100),
            (100, 100, 50, 0, 0, 250),
            (250, 0, 0, 110, 100, 40),
        ]
        clients = (
            "accounts_opening",
            "accounts_new",
            "accounts_churned",
            "accounts_closing",
            "nrr",
            "grr",
            "logo_churn",
        )
        assert ledger.ask("recurring", *clients, periods=MONTHS) == [
            (0, 1, 0, 1, None, None, None),
            (1, 1, 0, 2, 1.5, 1, 0),
            (2, 0, 1, 1, 0.16, 0.16, 0.5),
        ]
        assert ledger.ask("recurring", "arr_opening", "arr_churn", "arr_closing", periods=MONTHS[2:]) == [
            (3000, 1200, 480)
        ]

    def test_what_is_raised_and_cancelled_in_one_period_is_churn(self, ledger: Books) -> None:
        """Only the two ends are compared, so the walk adds up; what came and went within it is nothing."""
        ledger.record("account:x", subscribed(2), repriced(FEBRUARY + 3), cancelled(FEBRUARY + 5))
        ledger.record("account:y", subscribed(FEBRUARY + 1), cancelled(FEBRUARY + 2))
        assert ledger.ask("recurring", *WALK, periods=MONTHS[1:2]) == [(100, 0, 0, 0, 100, 0)]

    def test_money_moves_by_subscription_and_clients_by_account(self, ledger: Books) -> None:
        """A client that swaps one subscription for another stays a client; one that comes back is new."""
        ledger.record("account:x", subscribed(2), cancelled(FEBRUARY + 3), subscribed(FEBRUARY + 3, subscription="max"))
        names = ("mrr_new", "mrr_churn", "accounts_new", "accounts_churned", "accounts_closing")
        assert ledger.ask("recurring", *names, periods=MONTHS[1:2]) == [(100, 100, 0, 0, 1)]
        ledger.record("account:y", subscribed(2), cancelled(20), subscribed(MARCH + 1, subscription="again"))
        assert ledger.ask("recurring", *names, periods=MONTHS[2:]) == [(100, 0, 1, 0, 2)]

    def test_a_late_entry_changes_the_past_that_is_known_now(self, ledger: Books) -> None:
        """The same period, asked with what was known before."""
        ledger.record("account:x", subscribed(2, known_at=3), repriced(10, known_at=MARCH))
        assert ledger.ask("recurring", "mrr_closing", periods=MONTHS[:1]) == [(150,)]
        assert ledger.ask("recurring", "mrr_closing", periods=MONTHS[:1], known_at=at(FEBRUARY)) == [(100,)]

    def test_splits_by_product(self, ledger: Books) -> None:
        """A product has a row where it pays or moves; what has no product stands last."""
        ledger.record("account:x", subscribed(2, product="Pro"), subscribed(2, subscription="bare"))
        ledger.record("account:y", subscribed(2, product="Pro"), cancelled(FEBRUARY))
        names = ("period", "group", "mrr_closing", "accounts_closing")
        rows = ledger.ask("recurring", *names, by="product", periods=MONTHS[:2])
        assert rows[:2] == [("January", "Pro", 200, 2), ("January", None, 100, 1)]
        assert rows[2:] == [("February", "Pro", 100, 1), ("February", None, 100, 1)]

    def test_a_ledger_without_subscriptions_walks_from_nothing_to_nothing(self, ledger: Books) -> None:
        """A row for each period all the same, in the ledger's currency."""
        assert ledger.ask("recurring", *WALK, "currency", periods=MONTHS[:1]) == [(0, 0, 0, 0, 0, 0, "EUR")]


class TestRenewals:
    def test_are_due_where_nothing_was_decided_before_the_end(self, ledger: Books) -> None:
        """Renewed on the day is renewed, and so is renewed early; cancelled before was never due."""
        ledger.record("account:x", subscribed(2, term_months=1), renewed(FEBRUARY + 1), renewed(MARCH - 8))
        ledger.record("account:y", subscribed(10, term_months=1), cancelled(20))
        columns = ("due_on", "account", "term", "mrr", "outcome", "decided_on")
        assert ledger.ask("renewals", *columns) == [
            (date(2026, 2, 2), "x", 1, 100, "renewed", date(2026, 2, 2)),
            (date(2026, 3, 2), "x", 2, 100, "renewed", at(MARCH - 8).date()),
            (date(2026, 4, 2), "x", 3, 100, "open", None),
        ]
        assert ledger.ask("recurring", "renewals_due", "renewals_due_mrr", periods=MONTHS) == [
            (0, 0),
            (1, 100),
            (1, 100),
        ]

    def test_an_early_one_begins_where_the_term_before_ends(self, ledger: Books) -> None:
        """However early, and however often; a late one begins on its day."""
        ledger.record("account:x", subscribed(31, term_months=1), renewed(32), renewed(33))
        columns = ("term", "due_on", "outcome")
        assert ledger.ask("renewals", *columns) == [
            (1, date(2026, 2, 28), "renewed"),
            (2, date(2026, 3, 31), "renewed"),
            (3, date(2026, 4, 30), "open"),
        ]
        ledger.record("account:x", renewed(125))
        began = ledger.ask("subscription_history", "term", "term_began_on", "term_ends_on")[-1]
        assert began == (4, date(2026, 5, 5), date(2026, 6, 5))

    def test_one_of_a_subscription_without_a_term_begins_on_its_day(self, ledger: Books) -> None:
        """There is no term for it to carry on."""
        ledger.record("account:x", subscribed(2), renewed(5, term_months=1))
        assert ledger.one("subscriptions", "term_ends_on") == (date(2026, 2, 5),)

    def test_a_late_cancellation_is_how_it_ended(self, ledger: Books) -> None:
        """And until that is known the renewal is open, at the price of its last day."""
        ledger.record("account:x", subscribed(2, term_months=1), repriced(20), repriced(FEBRUARY + 4, **price("7")))
        ledger.record("account:x", cancelled(FEBRUARY + 9))
        columns = ("mrr", "outcome", "decided_on")
        assert ledger.ask("renewals", *columns) == [(150, "ended", date(2026, 2, 10))]
        assert ledger.ask("renewals", *columns, as_of=at(FEBRUARY + 5)) == [(150, "open", None)]
        assert ledger.ask("renewals", *columns, as_of=at(3)) == [(100, "open", None)]

    def test_a_subscription_without_a_term_is_never_due(self, ledger: Books) -> None:
        """It runs until it is cancelled."""
        ledger.record("account:x", subscribed(2))
        assert ledger.ask("renewals", "account") == []
        assert ledger.one("subscriptions", "term_ends_on") == (None,)


def test_instants_lie_in_the_days_of_the_ledgers_zone(tmp_path: Path) -> None:
    """A start at 23:30 UTC on the last of January is in February in Berlin."""
    ledger = books(tmp_path, "Europe/Berlin").record("account:x", opened(1))
    ledger.record("account:x", subscribed(datetime(2026, 1, 31, 23, 30, tzinfo=UTC), term_months=1))
    assert ledger.one("subscriptions", "started_on", "term_ends_on") == (date(2026, 2, 1), date(2026, 3, 1))


class TestForeignMoney:
    """What is paid in dollars, at 0.90 from 1 January, 0.80 from 10 February, 1.00 from 5 March."""

    @pytest.fixture
    def dollars(self, ledger: Books) -> Books:
        """Two clients, one of which pays in dollars."""
        ledger.record("rate:USD", rate_set(1), rate_set(FEBRUARY + 9, rate="0.8"), rate_set(MARCH + 4, rate="1"))
        ledger.record("account:x", subscribed(2, currency="USD", term_months=1))
        ledger.record("account:y", subscribed(3, **price("10")))
        return ledger

    def test_is_converted_beside_what_it_is(self, dollars: Books) -> None:
        """A subscription at the rate of the date asked about, a renewal at that of the day on which it is due."""
        columns = ("account", "mrr", "currency", "mrr_converted", "arr_converted", "rate")
        assert dollars.ask("subscriptions", *columns, as_of=at(FEBRUARY + 9)) == [
            ("x", 100, "USD", 80, 960, Decimal("0.8")),
            ("y", 10, "EUR", 10, 120, None),
        ]
        due = ("due_on", "mrr_converted", "rate")
        assert dollars.one("renewals", *due) == (date(2026, 2, 2), 90, Decimal("0.9"))
        assert dollars.one("renewals", *due, as_of=at(5)) == (date(2026, 2, 2), 90, Decimal("0.9"))

    def test_moves_at_the_rate_of_its_day_and_rates_in_a_line_of_their_own(self, dollars: Books) -> None:
        """A row a period in the ledger's currency, that adds up."""
        dollars.record("account:x", repriced(FEBRUARY + 14, currency="USD"), cancelled(MARCH + 9))
        lines = (*WALK[:-1], "mrr_exchange", "mrr_closing", "currency", "nrr")
        assert dollars.ask("recurring", *lines, periods=MONTHS) == [
            (0, 100, 0, 0, 0, 0, 100, "EUR", None),
            (100, 0, 40, 0, 0, -10, 130, "EUR", 1.4),
            (130, 0, 0, 0, 150, 30, 10, "EUR", -20 / 130),
        ]
        assert dollars.one("recurring", "renewals_due", "renewals_due_mrr", periods=MONTHS[1:2]) == (1, 90)

    def test_without_a_rate_is_refused_and_nothing_else_is(self, ledger: Books) -> None:
        """With the currency and the day; before it began there is nothing to convert."""
        ledger.record("rate:USD", rate_set(5, known_at=20))
        ledger.record("account:x", subscribed(10, currency="USD", known_at=10, term_months=1))
        assert ledger.ask("recurring", "mrr_closing", periods=MONTHS[:1]) == [(90,)]
        with pytest.raises(MissingRate, match=r"USD.*2026-01-(10|31)"):
            ledger.ask("recurring", "mrr_new", periods=MONTHS[:1], known_at=at(15))
        with pytest.raises(MissingRate, match=r"USD.*2026-(01-31|02-10)"):
            ledger.ask("recurring", "mrr_closing", periods=MONTHS[1:2], known_at=at(15))
        with pytest.raises(MissingRate, match=r"USD.*2026-01-12"):
            ledger.ask("subscriptions", "mrr_converted", as_of=at(12), known_at=at(15))
        with pytest.raises(MissingRate, match=r"USD.*2026-02-10"):
            ledger.ask("renewals", "mrr_converted", known_at=at(15))
        assert ledger.one("recurring", "mrr_closing", known_at=at(15), as_of=at(9)) == (0,)


class TestGrowth:
    def test_to_who_was_a_client_is_expansion(self, ledger: Books) -> None:
        """What an upsell or a cross-sell began; for who paid nothing when the period began it is new."""
        ledger.record("one", captured(2, account="x")).record("two", captured(FEBRUARY, account="x", growth="upsell"))
        ledger.record("three", captured(FEBRUARY, account="y", growth="cross-sell"))
        ledger.record("account:x", subscribed(2, deal="one"), subscribed(FEBRUARY + 3, subscription="b", deal="two"))
        ledger.record("account:y", subscribed(FEBRUARY + 1, deal="three"))
        columns = (*WALK, "accounts_new", "nrr", "arr_new", "arr_expansion")
        assert ledger.ask("recurring", *columns, periods=MONTHS[:2]) == [
            (0, 100, 0, 0, 0, 100, 1, None, 1200, 0),
            (100, 100, 100, 0, 0, 300, 1, 2.0, 1200, 1200),
        ]
