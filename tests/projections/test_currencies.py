"""Amounts in several currencies, and the walk of the pipeline between two dates."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from salesledger.errors import MissingRate, Refused
from salesledger.readmodel.periods import Period
from support.books import Books, books
from support.happenings import at, captured, disqualified, lost, offered, opened, rate_set, reopened, revised, won
from support.story import correct, void

FEBRUARY = (Period("february", date(2026, 2, 1), date(2026, 3, 1)),)


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """An empty ledger in euros, in which a dollar is worth 0.90 from the 1st and 0.80 from the 20th of January."""
    return books(tmp_path).record("rate:USD", rate_set(1), rate_set(20, rate="0.8"))


def usd(amount: str) -> dict[str, str]:
    """An amount in dollars."""
    return {"amount": amount, "currency": "USD"}


class TestRates:
    def test_are_in_force_until_the_day_of_the_next_one(self, ledger: Books) -> None:
        """The last one has no end."""
        ledger.record("rate:USD", rate_set(20.5, rate="0.7"))
        columns = ("rate", "valid_from", "valid_to")
        assert ledger.ask("rate_history", *columns) == [
            (Decimal("0.9"), date(2026, 1, 1), date(2026, 1, 20)),
            (Decimal("0.8"), date(2026, 1, 20), date(2026, 1, 20)),
            (Decimal("0.7"), date(2026, 1, 20), None),
        ]
        assert ledger.one("rates", "rate", "valid_from", as_of=at(19.9)) == (Decimal("0.9"), date(2026, 1, 1))
        assert len(ledger.ask("rate_days", "day")) == 19

    def test_follow_voids_and_corrections_when_they_are_known(self, ledger: Books) -> None:
        """A wrong rate holds until its mistake is known."""
        ledger.record("rate:USD", correct(5, rate_set(20, rate="0.85")), now=at(310)).record(
            "rate:USD", void(4), now=at(311)
        )
        rates = [ledger.ask("rate_history", "rate", known_at=at(day)) for day in (300, 310, 311)]
        assert [[f"{rate:.2f}" for (rate,) in known] for known in rates] == [
            ["0.90", "0.80"],
            ["0.90", "0.85"],
            ["0.85"],
        ]

    def test_are_of_real_currencies_other_than_the_ledgers(self, ledger: Books) -> None:
        """And stand among those of their own currency."""
        for stream, code in (("EUR", "EUR"), ("XYZ", "XYZ"), ("USD", "GBP")):
            with pytest.raises(Refused, match="Nothing was recorded"):
                ledger.record(f"rate:{stream}", rate_set(2, currency=code))

    def test_allow_amounts_only_while_one_stands(self, ledger: Books) -> None:
        """Voided, it is as if it had never been set; restored, it counts again."""
        ledger.record("rate:GBP", rate_set(1, currency="GBP")).record("rate:GBP", void(6))
        with pytest.raises(Refused, match="no exchange rate for GBP"):
            ledger.record("a", captured(2, amount="1", currency="GBP"))
        ledger.record("rate:GBP", void(7)).record("a", captured(2, amount="1", currency="GBP"))
        assert ledger.one("pipeline", "amount") == (Decimal("0.9"),)


class TestOneDeal:
    """A deal's price is in one currency at a time."""

    def test_changes_its_currency_as_a_whole(self, ledger: Books) -> None:
        """A part that stays behind would be taken for the new currency."""
        monthly = {"recurring_amount": "10", "interval_months": 1, "term_months": 12, "currency": "USD"}
        ledger.record("a", captured(1, amount="100"))
        for price in (revised(2, **monthly), offered(2, amount=None, **monthly), won(2, **monthly)):
            with pytest.raises(Refused, match="its amount of 100 EUR would stand beside one in USD"):
                ledger.record("a", price)
        ledger.record("a", revised(2, amount="0", **monthly))
        assert ledger.one("deals", "value", "currency") == (120, "USD")

    def test_won_in_another_currency_takes_nothing_over(self, ledger: Books) -> None:
        """Neither amounts nor the list price."""
        ledger.record("a", captured(1), offered(2, amount="100", list_amount="150"), won(3, **usd("90")))
        columns = ("amount", "list_amount", "currency")
        assert ledger.ask("events", "type", *columns)[-1] == ("deal-won", 90, None, "USD")
        ledger.record("b", captured(1), offered(2, amount="100", list_amount="150"), revised(3, **usd("90")), won(4))
        assert ledger.ask("events", "type", *columns)[-1] == ("deal-won", 90, None, "USD")


class TestConversion:
    def test_is_at_the_date_for_open_deals_and_at_the_closing_day_for_closed_ones(self, ledger: Books) -> None:
        """What moves after a deal is closed doesn't move it."""
        ledger.record("a", captured(2, **usd("100"))).record("b", captured(2, **usd("10")), won(5))
        columns = ("deal", "value", "currency", "rate", "value_converted")
        early, late = Decimal("0.9"), Decimal("0.8")
        assert sorted(ledger.ask("deals", *columns, as_of=at(10))) == [
            ("a", 100, "USD", early, 90),
            ("b", 10, "USD", early, 9),
        ]
        assert sorted(ledger.ask("deals", *columns)) == [("a", 100, "USD", late, 80), ("b", 10, "USD", early, 9)]
        assert ledger.one("pipeline", "amount", "currency") == (80, "EUR")
        assert ledger.one("metrics", "bookings", "currency") == (9, "EUR")
        assert ledger.one("bookings", "bookings", "amount", "currency") == (9, 9, "EUR")

    def test_takes_the_last_rate_of_the_closing_day(self, ledger: Books) -> None:
        """As far as it had been set."""
        ledger.record("a", captured(2, **usd("100")), won(20)).record("rate:USD", rate_set(20.5, rate="0.7"))
        assert ledger.one("deals", "value_converted", as_of=at(20.4)) == (80,)
        assert ledger.one("deals", "value_converted") == (70,)

    def test_rounds_once_half_up(self, ledger: Books) -> None:
        """To four decimals, of the whole value."""
        monthly = {"recurring_amount": "0.0001", "interval_months": 1, "term_months": 5}
        ledger.record("rate:USD", rate_set(30, rate="0.5")).record("a", captured(2, currency="USD", **monthly))
        assert ledger.one("deals", "value_converted") == (Decimal("0.0003"),)

    def test_leaves_what_is_in_the_ledgers_currency_alone(self, ledger: Books) -> None:
        """No rate, no rounding; no amount, no need of one."""
        ledger.record("a", captured(2, amount="33.3333")).record("b", captured(2))
        columns = ("value_converted", "rate", "currency")
        assert sorted(ledger.ask("deals", "deal", *columns)) == [
            ("a", Decimal("33.3333"), None, "EUR"),
            ("b", None, None, None),
        ]

    def test_adds_up_the_bookings_of_an_account(self, ledger: Books) -> None:
        """In the ledger's currency."""
        ledger.record("account:x", opened(1))
        ledger.record("a", captured(2, account="x", **usd("100")), won(5)).record(
            "b", captured(2, account="x", amount="1"), won(6)
        )
        assert ledger.one("accounts", "bookings", "currency") == (91, "EUR")

    def test_without_a_rate_is_an_error_that_says_what_to_do(self, ledger: Books) -> None:
        """With the currency and the day, also where that is past; a rate that was known later is no help to what was known."""
        ledger.record("rate:USD", rate_set(-6, rate="1"))
        ledger.record("a", captured(-5, **usd("100"), known_at=1)).record(
            "b", captured(-5, **usd("100"), known_at=1), lost(-3, known_at=1)
        )
        with pytest.raises(
            MissingRate, match=r"USD has no exchange rate on 2025-12-29 that was known by then.*a later --known-at"
        ):
            ledger.ask("pipeline", "amount", as_of=at(-2), known_at=at(2))
        ledger.record("rate:USD", rate_set(-3, rate="2"))
        assert ledger.one("pipeline", "amount", as_of=at(-2)) == (200,)


class TestWalk:
    def lines(self, ledger: Books, since: float, as_of: float, **question: object) -> dict[str, tuple[Any, ...]]:
        """The lines that some deal is in."""
        rows = ledger.ask(
            "pipeline_walk",
            "line",
            "deals",
            "amount",
            since=at(since),
            as_of=at(as_of),
            **question,  # type: ignore[arg-type]
        )
        return {line: (deals, amount) for line, deals, amount in rows if deals}

    def test_adds_up(self, ledger: Books) -> None:
        """One that was raised and won is in both lines."""
        ledger.record("a", captured(1, amount="100"), offered(12, amount="150"), won(15))
        ledger.record("b", captured(2, amount="50"), revised(13, amount="40")).record("c", captured(11, amount="7"))
        ledger.record("d", captured(1, amount="3"), lost(5), reopened(14)).record(
            "e", captured(3, amount="2"), disqualified(12)
        )
        ledger.record("f", captured(12, amount="9"), lost(13)).record("g", captured(1, amount="1000"), won(2))
        assert self.lines(ledger, 10, 20) == {
            "opening": (3, 152),
            "created": (2, 16),
            "reopened": (1, 3),
            "raised": (1, 50),
            "lowered": (1, -10),
            "won": (1, -150),
            "lost": (1, -9),
            "disqualified": (1, -2),
            "closing": (3, 50),
        }

    def test_tells_what_moving_rates_did_from_what_was_raised(self, ledger: Books) -> None:
        """100 at 0.90 become 120 at 0.80: ten less for the dollar, sixteen more for the twenty."""
        ledger.record("a", captured(2, **usd("100")), revised(12, **usd("120")))
        walk = self.lines(ledger, 10, 25)
        assert walk == {"opening": (1, 90), "raised": (1, 16), "exchange": (1, -10), "closing": (1, 96)}

    def test_of_a_period_counts_what_moves_into_it_and_out_of_it(self, ledger: Books) -> None:
        """Without one they are told, and carry no amount."""
        ledger.record(
            "a", captured(1, amount="5", expected_close="2026-02-10"), revised(12, expected_close="2026-04-01")
        )
        ledger.record(
            "b", captured(1, amount="7", expected_close="2026-05-01"), revised(12, expected_close="2026-02-20")
        )
        ledger.record("c", captured(1, amount="11", expected_close="2026-02-01"))
        assert self.lines(ledger, 10, 20, periods=FEBRUARY) == {
            "opening": (2, 16),
            "pulled_in": (1, 7),
            "pushed_out": (1, -5),
            "closing": (2, 18),
        }
        assert self.lines(ledger, 10, 20) == {
            "opening": (3, 23),
            "pulled_in": (1, 0),
            "pushed_out": (1, 0),
            "closing": (3, 23),
        }

    def test_is_split_and_filtered_by_what_deals_are_at_the_later_date(self, ledger: Books) -> None:
        """A deal that changed hands is its new owner's at both."""
        ledger.record("a", captured(1, amount="5", owner="kim"), revised(12, owner="lee")).record(
            "b", captured(1, amount="1", owner="kim")
        )
        assert self.lines(ledger, 10, 20, filters=("owner:lee",)) == {"opening": (1, 5), "closing": (1, 5)}
        rows = ledger.ask("pipeline_walk", "group", "line", "ids", since=at(10), as_of=at(20), by="owner")
        assert [row for row in rows if row[1] == "opening"] == [("kim", "opening", ["b"]), ("lee", "opening", ["a"])]

    def test_of_nothing_still_begins_and_ends(self, ledger: Books) -> None:
        """Twelve lines of zeros."""
        rows = ledger.ask("pipeline_walk", "line", "deals", "amount", since=at(10))
        assert len(rows) == 12
        assert {row[1:] for row in rows} == {(0, 0)}
