"""Leads, bookings, average deal size, close ratio and lifetime: what the metrics of SPEC §4 mean."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from salesledger.readmodel.periods import Period
from support.books import Books, books, days, utc
from support.happenings import at, captured, contacted, disqualified, lost, offered, reopened, revised, won
from support.story import correct, void

QUARTERS = [
    Period("2026Q1", date(2026, 1, 1), date(2026, 4, 1)),
    Period("2026Q2", date(2026, 4, 1), date(2026, 7, 1)),
]
MONTHLY = {"recurring_amount": "10", "interval_months": 1, "term_months": 12}


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """An empty ledger in euros."""
    return books(tmp_path)


class TestPeriods:
    def test_leads_count_where_they_were_captured_and_closings_where_they_closed(self, ledger: Books) -> None:
        """One deal may count in two periods."""
        ledger.record("a", captured(2, amount="5"), won(6)).record("b", captured(6), lost(7)).record("c", captured(3))
        rows = ledger.ask("metrics", "period", "leads", "won", "lost", "bookings", periods=days(1, 5, 9, 13))
        assert rows == [("1-5", 2, 0, 0, 0), ("5-9", 1, 1, 1, 5), ("9-13", 0, 0, 0, 0)]

    def test_a_periods_end_is_exclusive(self, ledger: Books) -> None:
        """Midnight belongs to the day that begins."""
        ledger.record("a", captured(5), won(9))
        rows = ledger.ask("metrics", "leads", "won", periods=days(1, 5, 9, 13))
        assert rows == [(0, 0), (1, 0), (0, 1)]

    def test_without_periods_everything_is_one(self, ledger: Books) -> None:
        """The row is called 'all'."""
        ledger.record("a", captured(-3000), won(5))
        assert ledger.one("metrics", "period", "leads", "won") == ("all", 1, 1)

    def test_an_empty_ledger_has_a_row_for_each_period(self, ledger: Books) -> None:
        """Counts are zero, ratios and means unknown."""
        columns = ("leads", "won", "lost", "disqualified", "bookings", "won_without_amount", "currency")
        assert ledger.one("metrics", *columns) == (0, 0, 0, 0, 0, 0, "EUR")
        unknown = ("average_deal_size", "close_ratio", "average_deal_lifetime_days", "average_days_to_loss")
        assert ledger.one("metrics", *unknown) == (None, None, None, None)

    def test_days_are_those_of_the_ledgers_zone(self, tmp_path: Path) -> None:
        """Half past eleven in the evening of 31 March in UTC is the second quarter in Berlin, where it is summer."""
        berlin = books(tmp_path, "Europe/Berlin")
        late, later = datetime(2026, 3, 31, 21, 59, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC)
        berlin.record("a", captured(1), won(late)).record("b", captured(1), won(later))
        assert berlin.ask("metrics", "period", "won", periods=QUARTERS) == [("2026Q1", 1), ("2026Q2", 1)]
        assert berlin.ask("bookings", "deal", "won_on") == [("a", date(2026, 3, 31)), ("b", date(2026, 4, 1))]


class TestBookings:
    def test_are_one_off_and_first_terms_recurring_amounts(self, ledger: Books) -> None:
        """100 at once and 10 a month for a year; 30 a quarter for two years."""
        ledger.record("a", captured(1), won(2, amount="100", **MONTHLY))
        ledger.record("b", captured(1), won(3, recurring_amount="30", interval_months=3, term_months=24))
        assert ledger.ask("bookings", "deal", "bookings", "amount", "recurring_amount") == [
            ("a", 220, 100, 10),
            ("b", 240, None, 30),
        ]
        assert ledger.one("metrics", "bookings", "average_deal_size") == (460, 230)

    def test_are_exact(self, ledger: Books) -> None:
        """A tenth and two tenths are three tenths; the largest amounts add up, too."""
        ledger.record("a", captured(1), won(2, amount="0.1")).record("b", captured(1), won(2, amount="0.2"))
        assert ledger.one("metrics", "bookings") == (Decimal("0.3"),)
        most = "99999999999999.9999"
        huge = {"amount": most, "recurring_amount": most, "interval_months": 1, "term_months": 1200}
        ledger.record("c", captured(1), won(3, **huge)).record("d", captured(1), won(3, **huge))
        exact = 2 * 1201 * Decimal(most) + Decimal("0.3")
        average = (exact / 4).quantize(Decimal("0.01"))
        assert ledger.one("metrics", "bookings", "average_deal_size") == (exact, average)

    def test_take_the_price_that_was_agreed_not_the_one_that_was_countered(self, ledger: Books) -> None:
        """The win says what it is worth."""
        ledger.record("a", captured(1, amount="50"), offered(2, amount="80"), won(3))
        assert ledger.one("bookings", "bookings", "currency") == (80, "EUR")

    def test_end_when_the_deal_is_reopened(self, ledger: Books) -> None:
        """A reopened deal stops being won from its reopening on; asked about the day before, it still is."""
        ledger.record("a", captured(1, amount="50"), won(5), reopened(10))
        asked = {day: ledger.one("metrics", "won", "bookings", as_of=at(day)) for day in (4.9, 5, 9.9, 10)}
        assert asked == {4.9: (0, 0), 5: (1, 50), 9.9: (1, 50), 10: (0, 0)}

    def test_count_at_the_last_win(self, ledger: Books) -> None:
        """Won, reopened and won again: once, at the second date and price."""
        ledger.record("a", captured(1, amount="50"), won(5), reopened(10), won(12, amount="70"))
        assert ledger.ask("metrics", "won", "bookings", periods=days(1, 9, 17)) == [(0, 0), (1, 70)]
        assert ledger.ask("metrics", "won", "bookings", as_of=at(9), periods=days(1, 9, 17)) == [(1, 50), (0, 0)]

    def test_change_sides_when_a_won_deal_is_reopened_and_lost(self, ledger: Books) -> None:
        """It is lost then, and no booking."""
        ledger.record("a", captured(1, amount="50"), won(5), reopened(10), lost(12))
        assert ledger.one("metrics", "won", "lost", "bookings", "close_ratio") == (0, 1, 0, 0)

    def test_are_listed_by_period_and_date(self, ledger: Books) -> None:
        """With lifetime and whose they are."""
        ledger.record("b", captured(1, owner="kim", source="event", amount="5"), won(6))
        ledger.record("a", captured(2, company="Beta"), won(3.5))
        columns = ("period", "deal", "company", "won_on", "won_at", "bookings", "lifetime_days", "owner", "source")
        assert ledger.ask("bookings", *columns, periods=days(1, 5, 9)) == [
            ("1-5", "a", "Beta", date(2026, 1, 3), utc(3.5), None, 1, None, None),
            ("5-9", "b", "Acme", date(2026, 1, 6), utc(6), 5, 5, "kim", "event"),
        ]


class TestAverageDealSize:
    @pytest.mark.parametrize(
        ("amounts", "average"),
        [
            (["100", "100", "101"], "100.33"),
            (["100", "101", "101"], "100.67"),
            (["0.01", "0"], "0.01"),
            (["0.005"], "0.01"),
            (["0.0049"], "0.00"),
            (["0.0149", "0.0001"], "0.01"),
            (["33.3333", "33.3333", "33.3333"], "33.33"),
            (["0"], "0"),
        ],
    )
    def test_is_rounded_once_half_up(self, ledger: Books, amounts: list[str], average: str) -> None:
        """From the exact sum, not from rounded parts."""
        for i, amount in enumerate(amounts):
            ledger.record(f"d{i}", captured(1), won(2, amount=amount))
        assert ledger.one("metrics", "average_deal_size") == (Decimal(average),)

    def test_leaves_out_deals_without_an_amount(self, ledger: Books) -> None:
        """They are counted apart, never as zero."""
        ledger.record("a", captured(1), won(2, amount="100")).record("b", captured(1), won(2))
        columns = ("won", "won_without_amount", "bookings", "average_deal_size")
        assert ledger.one("metrics", *columns) == (2, 1, 100, 100)

    def test_counts_a_deal_for_nothing(self, ledger: Books) -> None:
        """Zero is an amount."""
        ledger.record("a", captured(1), won(2, amount="100")).record("b", captured(1), won(2, amount="0"))
        assert ledger.one("metrics", "won_without_amount", "average_deal_size") == (0, 50)

    def test_is_unknown_where_no_amount_is_known(self, ledger: Books) -> None:
        """No amount is filled in."""
        ledger.record("a", captured(1), won(2))
        assert ledger.one("metrics", "won", "won_without_amount", "average_deal_size") == (1, 1, None)


class TestCloseRatio:
    def test_is_won_of_won_and_lost(self, ledger: Books) -> None:
        """By the date of the close; what is open or was disqualified is neither."""
        ledger.record("a", captured(1), won(5)).record("b", captured(1), lost(6)).record("c", captured(1), lost(6))
        ledger.record("d", captured(1), disqualified(5)).record("e", captured(1))
        columns = ("won", "lost", "disqualified", "close_ratio")
        assert ledger.one("metrics", *columns) == (1, 2, 1, 1 / 3)

    def test_is_unknown_where_nothing_closed(self, ledger: Books) -> None:
        """Not zero."""
        ledger.record("a", captured(1)).record("b", captured(1), disqualified(5))
        assert ledger.one("metrics", "close_ratio") == (None,)


class TestLifetime:
    def test_is_from_capture_to_won_in_calendar_days(self, ledger: Books) -> None:
        """Lost deals apart; a deal won on its first day lived none."""
        ledger.record("a", captured(1), won(5)).record("b", captured(4.9), won(5)).record("c", captured(5), won(5.9))
        ledger.record("d", captured(1), lost(11))
        columns = ("average_deal_lifetime_days", "average_days_to_loss")
        assert ledger.one("metrics", *columns) == ((4 + 1 + 0) / 3, 10)

    @pytest.mark.parametrize(
        ("begun", "closed", "lived"),
        [
            ("2026-01-01T22:30", "2026-01-01T23:30", 1),  # 23:30 and 00:30 in Berlin
            ("2026-01-01T23:30", "2026-01-02T22:30", 0),  # 00:30 and 23:30 of one day in Berlin
            ("2026-03-28T23:30", "2026-03-29T22:30", 1),  # 23 hours, over the night that summer begins
            ("2026-10-24T22:30", "2026-10-25T22:30", 0),  # 24 hours within the day of 25 hours
            ("2026-10-24T21:30", "2026-10-24T22:30", 1),
        ],
    )
    def test_counts_days_of_the_ledgers_zone(self, tmp_path: Path, begun: str, closed: str, lived: int) -> None:
        """Around midnight and on the days on which clocks are changed."""
        berlin = books(tmp_path, "Europe/Berlin")
        begin, end = (datetime.fromisoformat(f"{text}+00:00") for text in (begun, closed))
        berlin.record("a", captured(begin), won(end))
        assert berlin.one("bookings", "lifetime_days") == (lived,)
        assert berlin.one("metrics", "average_deal_lifetime_days") == (lived,)

    def test_of_a_reopened_deal_runs_to_its_last_close(self, ledger: Books) -> None:
        """From its capture."""
        ledger.record("a", captured(1), lost(5), reopened(10), won(21))
        assert ledger.one("metrics", "average_deal_lifetime_days", "average_days_to_loss") == (20, None)


class TestVelocity:
    def test_is_open_deals_times_size_times_ratio_by_lifetime(self, ledger: Books) -> None:
        """3 open x (400 / 2) x 2/3 / 8 days = 50 a day."""
        ledger.record("a", captured(1, amount="100"), won(11)).record("b", captured(5, amount="300"), won(11))
        ledger.record("c", captured(5), lost(8)).record("d", captured(1)).record("e", captured(12)).record(
            "f", captured(2)
        )
        assert ledger.one("metrics", "sales_velocity") == (50,)
        assert ledger.ask("metrics", "sales_velocity", periods=days(1, 12, 20)) == [(Decimal("33.33"),), (None,)]

    def test_counts_what_was_open_at_the_periods_end(self, ledger: Books) -> None:
        """What closed later was open then; as of that day nothing later is known."""
        ledger.record("a", captured(1, amount="10"), won(6)).record("b", captured(1), lost(9))
        assert ledger.ask("metrics", "sales_velocity", periods=days(1, 7)) == [(2,)]
        assert ledger.ask("metrics", "sales_velocity", periods=days(1, 10)) == [(0,)]
        assert ledger.ask("metrics", "sales_velocity", periods=days(1, 10), as_of=at(8)) == [(2,)]

    def test_is_unknown_without_wins_amounts_or_lifetime(self, ledger: Books) -> None:
        """Nothing can be divided by nothing."""
        ledger.record("a", captured(1)).record("b", captured(1), won(4)).record("c", captured(5, amount="5"), won(5))
        assert ledger.ask("metrics", "sales_velocity", periods=days(1, 5, 6)) == [(None,), (None,)]


class TestFirstContact:
    COLUMNS = ("contacted", "median_hours_to_first_contact")

    def test_is_the_median_of_hours_from_capture_to_the_first_attempt(self, ledger: Books) -> None:
        """Of the leads of the period; those that nobody tried to reach don't count."""
        ledger.record("a", captured(1), contacted(1.5), contacted(2)).record("b", captured(1), contacted(2))
        ledger.record("c", captured(2), contacted(9)).record("d", captured(2)).record("e", captured(7), contacted(7))
        assert ledger.ask("metrics", *self.COLUMNS, periods=days(1, 5, 9)) == [(3, 24), (1, 0)]
        assert ledger.one("metrics", *self.COLUMNS, as_of=at(1.6)) == (1, 12)

    def test_leaves_out_attempts_that_were_voided(self, ledger: Books) -> None:
        """The next one is the first then."""
        ledger.record("a", captured(1), contacted(2), contacted(4), void(5))
        assert ledger.one("metrics", *self.COLUMNS) == (1, 72)


class TestSplitting:
    def test_by_what_deals_carry(self, ledger: Books) -> None:
        """A row for each value, and one, without a name, for the deals that have none; last."""
        ledger.record("a", captured(1, owner="lee", amount="5"), won(2)).record("b", captured(1, owner="kim"))
        ledger.record("c", captured(1, owner="kim"), revised(2, owner="lee")).record("d", captured(1))
        rows = ledger.ask("metrics", "group", "leads", "won", "bookings", by="owner")
        assert rows == [("kim", 1, 0, 0), ("lee", 2, 1, 5), (None, 1, 0, 0)]

    @pytest.mark.parametrize("by", ["team", "source", "campaign", "product", "segment"])
    def test_by_every_dimension(self, ledger: Books, by: str) -> None:
        """Each is a column of the deal."""
        ledger.record("a", captured(1, **{by: "this"})).record("b", captured(1))
        assert ledger.ask("metrics", "group", "leads", by=by) == [("this", 1), (None, 1)]

    def test_by_account_and_process(self, ledger: Books) -> None:
        """These name other streams."""
        from support.happenings import opened

        ledger.record("account:x", opened(1)).record("a", captured(1, account="x"))
        assert ledger.ask("metrics", "group", "leads", by="account") == [("x", 1)]
        assert ledger.ask("metrics", "group", "leads", by="process") == [("b2b", 1)]

    def test_after_filtering(self, ledger: Books) -> None:
        """Only the deals that pass count."""
        ledger.record("a", captured(1, owner="lee")).record("b", captured(1, owner="kim"), won(2, amount="7"))
        rows = ledger.ask("metrics", "group", "leads", "bookings", by="owner", filters=("owner:kim",))
        assert rows == [("kim", 1, 7)]


class TestMistakes:
    def test_a_voided_win_is_none(self, ledger: Books) -> None:
        """From when the void is known; before that, as known then, it was one."""
        ledger.record("a", captured(1, amount="5"), won(2), now=at(10)).record("a", void(5), now=at(20))
        assert ledger.one("metrics", "won", "bookings") == (0, 0)
        assert ledger.one("metrics", "won", "bookings", known_at=at(19)) == (1, 5)

    def test_a_corrected_amount_counts_from_when_the_correction_is_known(self, ledger: Books) -> None:
        """On the original's date."""
        ledger.record("a", captured(1), won(2, amount="5"), now=at(10)).record(
            "a", correct(5, won(2, amount="6")), now=at(20)
        )
        assert ledger.ask("metrics", "bookings", periods=days(1, 3)) == [(6,)]
        assert ledger.ask("metrics", "bookings", periods=days(1, 3), known_at=at(19)) == [(5,)]

    def test_what_was_told_late_counts_when_it_happened_but_only_once_it_is_known(self, ledger: Books) -> None:
        """A win of the second day that came out on the twentieth."""
        ledger.record("a", captured(1, amount="5"), now=at(1)).record("a", won(2), now=at(20))
        assert ledger.one("metrics", "won", as_of=at(2)) == (1,)
        assert ledger.one("metrics", "won", as_of=at(2), known_at=at(19)) == (0,)


def test_the_currency_is_the_amounts_or_the_ledgers(tmp_path: Path) -> None:
    """A ledger without any has none yet."""
    ledger = books(tmp_path, currency=None)
    ledger.record("a", captured(1), won(2))
    assert ledger.one("metrics", "currency") == (None,)
    ledger.record("b", captured(1, amount="5", currency="CHF"))
    assert ledger.one("metrics", "currency") == ("CHF",)
