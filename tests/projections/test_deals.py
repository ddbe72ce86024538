"""What deals are at a date, as known at a date: deals, changes, strikes and histories."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from support.books import Books, books, utc
from support.happenings import accepted as accept
from support.happenings import (
    advanced,
    at,
    captured,
    contacted,
    countered,
    handed_over,
    lost,
    meeting,
    offered,
    opened,
    reopened,
    revised,
    touched,
    won,
)
from support.story import correct, void

FAR = date(9999, 12, 31)


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """An empty ledger in euros."""
    return books(tmp_path)


class TestDeals:
    def test_have_the_last_value_of_each_attribute(self, ledger: Books) -> None:
        """What an event doesn't say stays as it was."""
        ledger.record("account:x", opened(1))
        facts = {
            "account": "x",
            "owner": "kim",
            "source": "event",
            "campaign": "spring",
            "expected_close": "2026-05-01",
        }
        ledger.record("a", captured(2, team="north", product="gtx", segment="smb", category="commit", **facts))
        ledger.record("a", revised(3, owner="lee", expected_close="2026-06-01"), handed_over(4), accept(5, owner="zoe"))
        columns = ("company", "account", "owner", "team", "product", "segment", "source", "campaign", "category")
        assert ledger.one("deals", *columns) == (
            *("Acme", "x", "zoe", "north", "gtx", "smb", "event", "spring", "commit"),
        )
        more = ("process", "process_version", "stage", "status", "captured_at", "captured_on", "expected_close")
        assert ledger.one("deals", *more) == ("b2b", 1, "lead", "open", utc(2), date(2026, 1, 2), date(2026, 6, 1))

    def test_are_worth_what_was_last_offered_or_won_never_what_was_countered(self, ledger: Books) -> None:
        """Amount and currency beside each other; the value adds the first term."""
        monthly = {"recurring_amount": "10", "interval_months": 6, "term_months": 24}
        ledger.record("a", captured(1, amount="5"), offered(2, amount="8", **monthly), countered(3, amount="1"))
        columns = ("value", "amount", "recurring_amount", "interval_months", "term_months", "currency")
        assert ledger.one("deals", *columns) == (48, 8, 10, 6, 24, "EUR")
        assert ledger.one("deals", *columns, as_of=at(1)) == (5, 5, None, None, None, "EUR")
        ledger.record("b", captured(1))
        assert ledger.ask("deals", "value", "currency", filters=("deal:=b",)) == [(None, None)]

    def test_know_since_when_their_client_is_one_whatever_is_filtered(self, ledger: Books) -> None:
        """Filters choose among the deals: the client's first one counts even where it is left out."""
        ledger.record("account:x", opened(1))
        ledger.record("first", captured(1, account="x", owner="kim"), won(3, amount="5"))
        ledger.record("later", captured(5, account="x", owner="lee"), won(8, amount="5"))
        since = [("later", date(2026, 1, 3))]
        for terms in (("owner:lee",), ("closed_on:2026-01-08",), ("deal:=later",), ("not:owner:kim",)):
            assert ledger.ask("deals", "deal", "client_since", filters=terms) == since
        assert ledger.one("repeat_share", "won", "repeat_won", filters=("owner:lee",)) == (1, 1)

    def test_say_how_and_when_they_closed_until_they_are_reopened(self, ledger: Books) -> None:
        """The reason of the close, not one that came before or after it."""
        ledger.record("a", captured(1), lost(5, reason="price", competitor="Rival"), reopened(8, reason="hope"), won(9))
        columns = ("status", "closed_at", "closed_on", "reason", "competitor")
        assert ledger.one("deals", *columns, as_of=at(5)) == ("lost", utc(5), date(2026, 1, 5), "price", "Rival")
        assert ledger.one("deals", *columns, as_of=at(8)) == ("open", None, None, None, None)
        assert ledger.one("deals", *columns, as_of=at(9)) == ("won", utc(9), date(2026, 1, 9), None, None)

    def test_are_there_from_their_capture_on(self, ledger: Books) -> None:
        """A touch alone makes no deal."""
        ledger.record("a", touched(1), captured(5)).record("b", touched(1))
        assert ledger.ask("deals", "deal", as_of=at(4.9)) == []
        assert ledger.ask("deals", "deal", as_of=at(5)) == [("a",)]

    def test_know_when_something_last_happened(self, ledger: Books) -> None:
        """Also where it changed nothing, or was told late."""
        ledger.record("a", captured(1), contacted(7)).record("a", contacted(3))
        assert ledger.one("deals", "changed_at") == (utc(7),)

    def test_know_where_they_come_from(self, ledger: Books) -> None:
        """Who referred them, and which deal they grew from."""
        ledger.record("account:x", opened(1)).record("a", captured(1, referred_by="x"))
        ledger.record("b", captured(2, grown_from="a"))
        assert sorted(ledger.ask("deals", "deal", "referred_by", "grown_from")) == [("a", "x", None), ("b", None, "a")]

    def test_at_one_instant_follow_the_order_of_their_entries(self, ledger: Books) -> None:
        """And a correction keeps the place of what it corrects."""
        ledger.record("a", captured(1), revised(2, owner="max"), revised(2, owner="lee"))
        assert ledger.one("deals", "owner") == ("lee",)
        ledger.record("a", correct(5, revised(2, owner="mia")))
        assert ledger.one("deals", "owner") == ("lee",)
        ledger.record("a", correct(6, revised(2, owner="zoe")))
        assert ledger.one("deals", "owner") == ("zoe",)

    def test_stop_where_the_log_is_cut(self, ledger: Books) -> None:
        """Up to an entry: nothing behind it is looked at."""
        ledger.record("a", captured(1), meeting(2), lost(3))
        stages = [ledger.ask("deals", "stage", "status", upto=entry) for entry in (3, 4, 5, 6)]
        assert stages == [[], [("lead", "open")], [("meeting", "open")], [("meeting", "lost")]]


class TestKnowledge:
    """The state at a date, as known at a date."""

    def test_a_late_event_counts_at_its_date_once_it_is_known(self, ledger: Books) -> None:
        """Told on the 20th, of the 5th."""
        ledger.record("a", captured(1), now=at(1)).record("a", meeting(5), now=at(20))
        asked = [(a, k) for a in (4, 5, 20) for k in (19, 20)]
        stages = {(a, k): ledger.one("deals", "stage", as_of=at(a), known_at=at(k))[0] for a, k in asked}
        lead, met = "lead", "meeting"
        assert stages == {(4, 19): lead, (4, 20): lead, (5, 19): lead, (5, 20): met, (20, 19): lead, (20, 20): met}

    def test_an_imported_event_was_known_when_its_source_says(self, ledger: Books) -> None:
        """Whenever it was recorded."""
        ledger.record("a", captured(1, known_at=3), meeting(5, known_at=7), now=at(100))
        assert ledger.ask("deals", "stage", as_of=at(90), known_at=at(2)) == []
        assert ledger.ask("deals", "stage", as_of=at(90), known_at=at(6)) == [("lead",)]
        assert ledger.ask("deals", "stage", as_of=at(90), known_at=at(7)) == [("meeting",)]

    def test_a_void_is_known_from_its_own_moment_on(self, ledger: Books) -> None:
        """So is the void of a void."""
        ledger.record("a", captured(1), lost(2), now=at(5)).record("a", void(5), now=at(10)).record(
            "a", void(6), now=at(15)
        )
        statuses = [ledger.one("deals", "status", known_at=at(day))[0] for day in (5, 9.9, 10, 14.9, 15)]
        assert statuses == ["lost", "lost", "open", "open", "lost"]

    def test_a_correction_changes_what_is_known_not_what_was(self, ledger: Books) -> None:
        """Asked with the knowledge of the day before, the mistake is still there."""
        ledger.record("a", captured(1), won(5, amount="1000"), now=at(6)).record(
            "a", correct(5, won(4, amount="100")), now=at(9)
        )
        columns = ("value", "closed_on")
        assert ledger.one("deals", *columns, known_at=at(8)) == (1000, date(2026, 1, 5))
        assert ledger.one("deals", *columns, known_at=at(9)) == (100, date(2026, 1, 4))


class TestStrikes:
    COLUMNS = ("entry", "struck_by", "struck_at", "void_reason")

    def test_are_what_the_last_void_of_each_chain_leaves_struck(self, ledger: Books) -> None:
        """With that void's reason and moment; deals and accounts alike."""
        ledger.record("a", captured(1), contacted(2), contacted(3), now=at(5)).record("account:x", opened(1), now=at(5))
        ledger.record("a", void(5, "one"), void(6, "two"), now=at(10)).record("account:x", void(7, "three"), now=at(11))
        ledger.record("a", void(8, "back"), now=at(12))
        assert sorted(ledger.ask("strikes", *self.COLUMNS)) == [(6, 9, utc(10), "two"), (7, 10, utc(11), "three")]
        assert [row[0] for row in sorted(ledger.ask("strikes", "entry", known_at=at(10)))] == [5, 6]
        ledger.record("a", void(11, "after all"), now=at(14))
        assert sorted(ledger.ask("strikes", *self.COLUMNS))[0] == (5, 12, utc(14), "after all")


class TestChanges:
    def test_say_what_each_event_sets(self, ledger: Books) -> None:
        """Nothing else, and nothing that was struck or not known."""
        ledger.record(
            "a", captured(1, owner="kim", amount="5"), meeting(2), countered(3, amount="1"), lost(4, reason="x")
        )
        ledger.record("a", void(7))
        columns = ("entry", "type", "status", "stage", "owner", "amount", "captured_at")
        assert sorted(ledger.ask("deal_changes", *columns)) == [
            (4, "lead-captured", "open", "lead", "kim", 5, utc(1)),
            (5, "meeting-held", None, "meeting", None, None, None),
            (6, "offer-countered", None, "negotiation", None, None, None),
        ]
        assert len(ledger.ask("deal_entries", "entry")) == 4

    def test_sort_by_date_and_rank(self, ledger: Books) -> None:
        """Also before 1970, and a correction at the place of what it corrects."""
        ledger.record("a", captured(-40000), revised(2, owner="lee"), revised(2, owner="zoe"), contacted(1))
        ledger.record("a", correct(5, revised(2, owner="mia")))
        order = sorted(ledger.ask("deal_changes", "place", "entry", "rank"))
        assert [row[1:] for row in order] == [(4, 4), (7, 7), (9, 5), (6, 6)]


class TestHistory:
    COLUMNS = ("valid_from", "valid_to", "status", "stage", "owner")

    def test_has_a_row_for_each_span(self, ledger: Books) -> None:
        """From one event to the next, without gaps; events of one instant make one row."""
        ledger.record("a", touched(0), captured(1), meeting(3), revised(3, owner="lee"), won(7))
        rows = sorted(ledger.ask("deal_history", *self.COLUMNS))
        assert [(*row[:1], *row[2:]) for row in rows] == [
            (utc(1), "open", "lead", None),
            (utc(3), "open", "meeting", "lee"),
            (utc(7), "won", "meeting", "lee"),
        ]
        assert [row[1] for row in rows[:-1]] == [row[0] for row in rows[1:]]
        assert rows[-1][1].date() == FAR

    def test_is_as_known_at_a_date(self, ledger: Books) -> None:
        """What came out later is not in it."""
        ledger.record("a", captured(1), now=at(1)).record("a", meeting(5), now=at(20))
        assert len(ledger.ask("deal_history", "stage", known_at=at(19))) == 1
        assert len(ledger.ask("deal_history", "stage", known_at=at(20))) == 2


class TestHistoryOfBeliefs:
    def ask(self, ledger: Books, *columns: str, known_at: float = 300) -> list[tuple[object, ...]]:
        """The spans in order, neighbours that say the same as one."""
        told: list[tuple[object, ...]] = []
        for row in sorted(ledger.ask("deal_history_as_known", "valid_from", *columns, known_at=at(known_at))):
            if not told or told[-1][1:] != row[1:]:
                told.append(row)
        return told

    def test_changes_when_something_is_both_known_and_past(self, ledger: Books) -> None:
        """The meeting of the 5th came out on the 20th; the one of the 9th was known at once, and stayed the later one."""
        ledger.record("a", captured(1), now=at(1)).record("a", advanced(9, stage="proposal"), now=at(9))
        ledger.record("a", meeting(5), revised(5, owner="lee"), now=at(20))
        assert self.ask(ledger, "stage", "owner") == [
            (utc(1), "lead", None),
            (utc(9), "proposal", None),
            (utc(20), "proposal", "lee"),
        ]

    def test_never_looks_ahead(self, ledger: Books) -> None:
        """What was dated a day ahead is believed from its own day on."""
        ledger.record("a", captured(1), meeting(5.5), now=at(5))
        assert self.ask(ledger, "stage") == [(utc(5), "lead"), (utc(5.5), "meeting")]

    def test_takes_back_what_was_voided_and_only_from_then_on(self, ledger: Books) -> None:
        """Lost by mistake from the 5th to the 10th, and again from the 15th."""
        ledger.record("a", captured(1), now=at(1)).record("a", lost(4), now=at(5))
        ledger.record("a", void(5), now=at(10)).record("a", void(6), now=at(15))
        assert self.ask(ledger, "status") == [(utc(1), "open"), (utc(5), "lost"), (utc(10), "open"), (utc(15), "lost")]
        assert self.ask(ledger, "status", known_at=12) == [(utc(1), "open"), (utc(5), "lost"), (utc(10), "open")]

    def test_ends_where_nothing_stands_any_more(self, ledger: Books) -> None:
        """A lead that was captured by mistake."""
        ledger.record("a", captured(1), now=at(1)).record("a", void(4), now=at(10))
        assert ledger.ask("deal_history_as_known", "valid_from", "valid_to") == [(utc(1), utc(10))]

    def test_follows_a_correction(self, ledger: Books) -> None:
        """The wrong amount was believed until it was put right."""
        ledger.record("a", captured(1, amount="10"), now=at(1)).record(
            "a", correct(4, captured(1, amount="100")), now=at(9)
        )
        assert self.ask(ledger, "amount") == [(utc(1), Decimal(10)), (utc(9), Decimal(100))]
