"""What each entry of a deal changed, and how late entries are known and recorded: rows in, rows out."""

from decimal import Decimal
from pathlib import Path

import pytest

from support.books import Books, books
from support.happenings import at, captured, contacted, defined, noted, opened, revised, won
from support.story import correct, void

ROW = ("entry", "field", "before", "after", "corrected")


@pytest.fixture
def made(tmp_path: Path) -> Books:
    """A ledger."""
    return books(tmp_path)


def told(made: Books, *fields: str, **question: object) -> list[tuple[object, ...]]:
    """The rows of some fields, and of none."""
    rows = made.ask("deal_audit", *ROW, **question)  # type: ignore[arg-type]
    return [row for row in rows if row[1] in (None, *fields)]


class TestDealAudit:
    def test_tells_from_what_to_what_in_business_order(self, made: Books) -> None:
        """An entry that is recorded late stands where it happened."""
        made.record("a", captured(1, owner="kim"), revised(9, owner="zoe"), revised(5, owner="lee"))
        assert told(made, "owner") == [
            (4, "owner", None, "kim", None),
            (6, "owner", "kim", "lee", None),
            (5, "owner", "lee", "zoe", None),
        ]

    def test_tells_a_struck_entry_with_when_and_why_and_passes_over_it(self, made: Books) -> None:
        """What follows changed what stood before it, and what is struck out changed nothing: it tells what it had said."""
        made.record("a", captured(1, owner="kim"), revised(2, owner="lee"), void(5, "slip"), now=at(20))
        made.record("a", revised(3, owner="zoe"), now=at(21))
        assert told(made, "owner") == [
            (4, "owner", None, "kim", None),
            (5, "owner", None, "lee", None),
            (7, "owner", "kim", "zoe", None),
            (6, None, None, None, None),
        ]
        rows = made.ask("deal_audit", "entry", "struck_by", "struck_at", "voids", "restores", "reason")
        assert (5, 6, at(20).replace(tzinfo=None), None, None, "slip") in rows
        assert (6, None, None, 5, False, "slip") in rows

    def test_tells_what_a_correction_said_before(self, made: Books) -> None:
        """And what it takes away."""
        made.record("a", captured(1, owner="kim", amount="5"), correct(4, captured(1, amount="7")))
        assert told(made, "owner", "amount") == [
            (4, "amount", None, "5.0000", None),
            (4, "owner", None, "kim", None),
            (6, "amount", None, "7.0000", "5.0000"),
            (6, "owner", None, None, "kim"),
            (5, None, None, None, None),
        ]

    def test_tells_a_date_that_a_correction_moves(self, made: Books) -> None:
        """A correction of a correction is compared with that; what both replace, dated later, changed nothing of theirs."""
        made.record("a", captured(3, owner="kim"), correct(4, captured(3, owner="lee")))
        made.record("a", correct(6, captured(2, owner="lee")))
        assert told(made, "owner", "effective_at") == [
            (8, "effective_at", None, "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"),
            (8, "owner", None, "lee", "lee"),
            (4, "owner", None, "kim", None),
            (6, "owner", None, "lee", "kim"),
            (5, None, None, None, None),
            (7, None, None, None, None),
        ]

    def test_keeps_what_passes_apart_from_what_lasts(self, made: Books) -> None:
        """A second call is no change of the first."""
        made.record("a", captured(1), contacted(2, channel="phone"), contacted(3, channel="mail"))
        assert told(made, "channel") == [(5, "channel", None, "phone", None), (6, "channel", None, "mail", None)]

    def test_looks_at_what_had_happened_and_was_known(self, made: Books) -> None:
        """Neither later dates, nor a strike that came later."""
        made.record("a", captured(1, owner="kim"), now=at(5)).record("a", revised(3, owner="lee"), now=at(6))
        made.record("a", void(5), now=at(9))
        assert told(made, "owner", as_of=at(2)) == [(4, "owner", None, "kim", None), (6, None, None, None, None)]
        assert told(made, "owner", known_at=at(5)) == [(4, "owner", None, "kim", None)]
        assert made.ask("deal_audit", "struck_by", known_at=at(8)).count((None,)) == len(
            made.ask("deal_audit", "entry", known_at=at(8))
        )


class TestLag:
    def test_is_the_days_until_it_was_known_and_then_until_it_was_recorded(self, made: Books) -> None:
        """To two decimals; what was known ahead of its date was not late."""
        made.record("a", captured(1, known_at=at(3.5)), revised(4, known_at=at(3), owner="kim"), now=at(10))
        assert made.ask("lag", "entry", "known_days", "recorded_days") == [
            (4, Decimal("2.50"), Decimal("6.50")),
            (5, Decimal("0.00"), Decimal("7.00")),
        ]

    def test_leaves_out_what_was_struck_voids_and_what_holds_for_the_ledger(self, made: Books) -> None:
        """Processes and settings are no news of a client."""
        made.record("process:art", defined(1)).record("account:x", opened(1), noted(2), void(6))
        assert made.ask("lag", "entry", "stream", "id") == [(5, "account", "x")]

    def test_looks_at_what_had_happened_and_was_known(self, made: Books) -> None:
        """By both dates."""
        made.record("a", captured(1), now=at(2)).record("a", won(3), now=at(9))
        assert made.ask("lag", "entry", as_of=at(2)) == [(4,)]
        assert made.ask("lag", "entry", known_at=at(8)) == [(4,)]
