"""Visits to stages, the pipeline, the funnel, and what is blocked."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from support.books import Books, books, days, utc
from support.happenings import (
    advanced,
    at,
    captured,
    contacted,
    defined,
    disqualified,
    lost,
    meeting,
    moved,
    offered,
    qualified,
    rate_set,
    reopened,
    revised,
    won,
)
from support.story import void


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """An empty ledger in euros."""
    return books(tmp_path)


class TestVisits:
    COLUMNS = ("deal", "visit", "stage", "entered_at", "left_at", "days", "went_to")

    def ask(self, ledger: Books, day: float = 300) -> list[tuple[object, ...]]:
        """The visits up to a day, in order."""
        return sorted(ledger.ask("stage_visits", *self.COLUMNS, as_of=at(day)))

    def test_end_where_the_deal_moves_or_closes(self, ledger: Books) -> None:
        """What doesn't move it doesn't end a visit."""
        ledger.record("a", captured(1), contacted(2), revised(3, owner="lee"), meeting(5), meeting(7), won(11))
        assert self.ask(ledger) == [
            ("a", 1, "lead", utc(1), utc(5), 4, "meeting"),
            ("a", 2, "meeting", utc(5), utc(11), 6, "won"),
        ]

    def test_go_on_up_to_the_day_asked_about(self, ledger: Books) -> None:
        """Later events have not happened by then."""
        ledger.record("a", captured(1), meeting(5))
        assert self.ask(ledger, 4.5) == [("a", 1, "lead", utc(1), None, 3, None)]
        assert self.ask(ledger, 20) == [
            ("a", 1, "lead", utc(1), utc(5), 4, "meeting"),
            ("a", 2, "meeting", utc(5), None, 15, None),
        ]

    def test_begin_anew_when_a_deal_comes_back_or_is_reopened(self, ledger: Books) -> None:
        """A stage can be visited twice; while the deal is closed it visits none."""
        ledger.record("a", captured(1), meeting(3), advanced(5, stage="lead"), lost(6), reopened(9), lost(10))
        assert self.ask(ledger) == [
            ("a", 1, "lead", utc(1), utc(3), 2, "meeting"),
            ("a", 2, "meeting", utc(3), utc(5), 2, "lead"),
            ("a", 3, "lead", utc(5), utc(6), 1, "lost"),
            ("a", 4, "lead", utc(9), utc(10), 1, "lost"),
        ]

    def test_within_one_instant_are_visits_too(self, ledger: Books) -> None:
        """An import that knows only the day puts several steps at midnight."""
        ledger.record("a", captured(1), qualified(1), meeting(1), disqualified(1))
        assert [row[2:] for row in self.ask(ledger)] == [
            ("lead", utc(1), utc(1), 0, "qualified"),
            ("qualified", utc(1), utc(1), 0, "meeting"),
            ("meeting", utc(1), utc(1), 0, "disqualified"),
        ]

    def test_count_days_of_the_ledgers_zone(self, tmp_path: Path) -> None:
        """From half past eleven to half past twelve at night is a day; so is the as-of date's."""
        berlin = books(tmp_path, "Europe/Berlin")
        evening = at(1) + (at(1.9375) - at(1))  # 22:30 UTC, 23:30 in Berlin
        berlin.record("a", captured(evening), meeting(evening + (at(2) - at(1)) / 24))
        columns = ("stage", "entered_on", "left_on", "days")
        assert sorted(berlin.ask("stage_visits", *columns, as_of=at(3.9375))) == [
            ("lead", date(2026, 1, 1), date(2026, 1, 2), 1),
            ("meeting", date(2026, 1, 2), None, 1),
        ]
        assert ("meeting", date(2026, 1, 2), None, 2) in berlin.ask("stage_visits", *columns, as_of=at(3.96))

    def test_of_a_voided_move_are_none(self, ledger: Books) -> None:
        """The deal never left."""
        ledger.record("a", captured(1), meeting(5), void(5))
        assert self.ask(ledger, 9) == [("a", 1, "lead", utc(1), None, 8, None)]


class TestPipeline:
    COLUMNS = ("stage", "deals", "deals_without_amount", "amount", "currency", "weighted_amount")

    def test_is_what_is_open_by_stage_in_the_process_order(self, ledger: Books) -> None:
        """Amounts are added where they are known; those that aren't are counted apart."""
        ledger.record("a", captured(1, amount="100"), offered(3, amount="100.01"))
        ledger.record("b", captured(1, amount="50")).record("c", captured(1)).record("d", captured(1), lost(2))
        ledger.record("e", captured(1, amount="7"), won(2)).record("f", captured(1), meeting(2))
        assert ledger.ask("pipeline", *self.COLUMNS) == [
            ("lead", 2, 1, 50, "EUR", Decimal("1.00")),
            ("meeting", 1, 1, None, "EUR", None),
            ("proposal", 1, 0, Decimal("100.01"), "EUR", Decimal("50.01")),
        ]

    def test_is_weighted_exactly_and_rounded_once(self, ledger: Books) -> None:
        """Three times 0.25 at 2 % is a cent and a half, not three times half a cent."""
        for name in ("a", "b", "c"):
            ledger.record(name, captured(1, amount="0.25"))
        assert ledger.one("pipeline", "amount", "weighted_amount") == (Decimal("0.75"), Decimal("0.02"))

    def test_at_a_date_is_what_was_open_then(self, ledger: Books) -> None:
        """From capture up to, but without, the close; again from a reopening."""
        ledger.record("a", captured(2), won(5), reopened(8), lost(9))
        open_on = [day for day in range(1, 11) if ledger.ask("pipeline", "stage", as_of=at(day))]
        assert open_on == [2, 3, 4, 8]

    def test_as_known_at_a_date_knows_nothing_more(self, ledger: Books) -> None:
        """A late loss was still open business then."""
        ledger.record("a", captured(1, amount="5"), now=at(1)).record("a", lost(3), now=at(20))
        assert ledger.ask("pipeline", "amount", as_of=at(10), known_at=at(10)) == [(5,)]
        assert ledger.ask("pipeline", "amount", as_of=at(10), known_at=at(20)) == []

    def test_keeps_processes_apart_and_follows_each_deals_own_version(self, ledger: Books) -> None:
        """A stage that a later version dropped still has its chance."""
        old = [{"name": "look", "probability": "0.1"}, {"name": "buy", "probability": "0.9"}]
        new = [{"name": "buy", "probability": "0.5"}]
        ledger.record("process:art", defined(1, stages=old), defined(10, process_version=2, stages=new))
        ledger.record("a", captured(2, process="art", amount="10")).record(
            "b", captured(11, process="art", amount="10")
        )
        ledger.record("c", captured(2, process="art", stage="buy", amount="10")).record("d", captured(2, amount="10"))
        assert ledger.ask("pipeline", "process", "stage", "deals", "weighted_amount") == [
            ("art", "buy", 2, Decimal("14.00")),
            ("art", "look", 1, Decimal("1.00")),
            ("b2b", "lead", 1, Decimal("0.20")),
        ]

    def test_splits_by_owner_and_filters(self, ledger: Books) -> None:
        """Deals without an owner last."""
        ledger.record("a", captured(1)).record("b", captured(1, owner="lee")).record("c", captured(1, owner="kim"))
        assert ledger.ask("pipeline", "group", "deals", by="owner") == [("kim", 1), ("lee", 1), (None, 1)]
        assert ledger.ask("pipeline", "deals", filters=("not:owner:kim",)) == [(2,)]


class TestPipelineByPeriod:
    COLUMNS = ("period", "stage", "deals", "deals_without_amount", "amount", "weighted_amount")

    def test_is_the_pipeline_at_the_end_of_each_period(self, ledger: Books) -> None:
        """A deal that came and went within one is in none; one that stays is in each, as it is then."""
        ledger.record("a", captured(1, amount="100"), meeting(5), won(9)).record("b", captured(5), lost(8))
        ledger.record("c", captured(5.5), lost(6))
        assert ledger.ask("pipeline_by_period", *self.COLUMNS, periods=days(1, 2, 4, 7, 9, 10)) == [
            ("1-2", "lead", 1, 0, 100, 2),
            ("2-4", "lead", 1, 0, 100, 2),
            ("4-7", "lead", 1, 1, None, None),
            ("4-7", "meeting", 1, 0, 100, 25),
            ("7-9", "meeting", 1, 0, 100, 25),
        ]

    def test_ends_with_what_is_so_at_the_date_asked_for(self, ledger: Books) -> None:
        """A period under way is as it was then, and one that begins later isn't there."""
        ledger.record("a", captured(1), lost(6))
        rows = ledger.ask("pipeline_by_period", "period", "deals", periods=days(1, 4, 9, 12), as_of=at(5))
        assert rows == [("1-4", 1), ("4-9", 1)]
        assert ledger.ask("pipeline_by_period", "period", "deals", as_of=at(5)) == [("all", 1)]

    def test_converts_at_the_rates_of_each_periods_end(self, ledger: Books) -> None:
        """What stands unchanged is worth more where its currency is."""
        ledger.record("rate:USD", rate_set(1, rate="0.5"), rate_set(5, rate="0.75"))
        ledger.record("a", captured(2, amount="100", currency="USD")).record("b", captured(1, amount="1"))
        rows = ledger.ask("pipeline_by_period", "period", "deals", "amount", "currency", periods=days(1, 2, 4, 7, 9))
        assert rows == [("1-2", 1, 1, "EUR"), ("2-4", 2, 51, "EUR"), ("4-7", 2, 76, "EUR"), ("7-9", 2, 76, "EUR")]

    def test_counts_by_days_of_the_ledgers_zone_where_clocks_are_put_forward(self, tmp_path: Path) -> None:
        """In London the days on both sides of that end on the same day in UTC."""
        london = books(tmp_path, "Europe/London")
        for name, hours in (("a", -1), ("b", 1), ("c", 22.5), ("d", 23.5)):
            london.record(name, captured(88 + hours / 24))
        periods = days(86, 87, 88, 89, 90)
        rows = london.ask("pipeline_by_period", "period", "deals", periods=periods, as_of=at(100))
        one_by_one = [
            (p.label, deals)
            for p in periods
            for (deals,) in london.ask(
                "pipeline", "deals", as_of=p.ends_at(ZoneInfo("Europe/London")) - timedelta(microseconds=1)
            )
        ]
        assert rows == one_by_one == [("87-88", 1), ("88-89", 3), ("89-90", 4)]


class TestBoard:
    def test_the_deals_of_a_stage_are_told_by_what_they_are_worth(self, ledger: Books) -> None:
        """In the process's order of stages; one without an amount comes last; each knows how many there are, and their sum."""
        ledger.record("a", captured(1, amount="100"), offered(3, amount="100.01"))
        ledger.record("b", captured(1, amount="50")).record("c", captured(1)).record("d", captured(1, amount="60"))
        ledger.record("e", captured(1, amount="7"), won(2)).record("f", captured(1, amount="60"))
        assert ledger.ask("board", "stage", "stage_place", "deal", "value", "stage_deals", "stage_amount") == [
            ("lead", 1, "d", 60, 4, 170),
            ("lead", 2, "f", 60, 4, 170),
            ("lead", 3, "b", 50, 4, 170),
            ("lead", 4, "c", None, 4, 170),
            ("proposal", 1, "a", Decimal("100.01"), 1, Decimal("100.01")),
        ]

    def test_at_a_date_and_as_known_then(self, ledger: Books) -> None:
        """A late loss was still open business; filters choose among the deals that are counted."""
        ledger.record("a", captured(1, amount="5"), now=at(1)).record("a", lost(3), now=at(20))
        assert ledger.ask("board", "deal", as_of=at(10), known_at=at(10)) == [("a",)]
        assert ledger.ask("board", "deal", as_of=at(10), known_at=at(20)) == []
        ledger.record("b", captured(21, owner="kim")).record("c", captured(21))
        assert ledger.ask("board", "deal", "stage_deals", filters=("owner:kim",)) == [("b", 1)]


class TestFunnel:
    COLUMNS = ("stage", "entered", "advanced", "won", "lost", "disqualified", "open", "step_ratio", "win_ratio")

    def test_follows_the_cohort_that_was_captured_in_the_period(self, ledger: Books) -> None:
        """Wherever it has got by the date asked about; open ones apart; in the order of the process."""
        ledger.record("a", captured(1), qualified(2), meeting(3), won(20))
        ledger.record("b", captured(1), qualified(2), lost(9)).record("c", captured(2), disqualified(3))
        ledger.record("d", captured(3), meeting(4)).record("late", captured(6), won(7))
        assert ledger.ask("funnel", *self.COLUMNS, periods=days(1, 5)) == [
            ("lead", 4, 3, 1, 2, 1, 1, 3 / 4, 1 / 4),
            ("qualified", 2, 1, 1, 1, 0, 0, 1 / 2, 1 / 2),
            ("meeting", 2, 1, 1, 0, 0, 1, 1 / 2, 1 / 2),
        ]
        assert ledger.ask("funnel", "stage", "entered", "won", "open", periods=days(1, 5), as_of=at(5)) == [
            ("lead", 4, 0, 3),
            ("qualified", 2, 0, 2),
            ("meeting", 2, 0, 2),
        ]

    def test_counts_a_deal_once_a_stage(self, ledger: Books) -> None:
        """However often it came back; going back is no advance."""
        ledger.record("a", captured(1), meeting(2), advanced(3, stage="lead"), meeting(4), advanced(5, stage="lead"))
        assert ledger.ask("funnel", "stage", "entered", "advanced") == [("lead", 1, 1), ("meeting", 1, 0)]

    def test_takes_back_what_a_reopening_takes_back(self, ledger: Books) -> None:
        """A reopened deal is open again."""
        ledger.record("a", captured(1), won(5), reopened(8))
        assert ledger.one("funnel", "won", "open", as_of=at(7)) == (1, 0)
        assert ledger.one("funnel", "won", "open", as_of=at(8)) == (0, 1)

    def test_splits(self, ledger: Books) -> None:
        """By what deals carry."""
        ledger.record("a", captured(1, source="event"), won(2)).record("b", captured(1, source="pr"))
        assert ledger.ask("funnel", "group", "entered", "won", by="source") == [("event", 1, 1), ("pr", 1, 0)]

    def test_keeps_the_stages_of_a_process_that_a_deal_left(self, ledger: Books) -> None:
        """They are in the order of the version that it followed there; to leave for another process is no advance."""
        first = [{"name": "look", "probability": "0.1"}, {"name": "buy", "probability": "0.9"}]
        ledger.record("process:art", defined(1, stages=first))
        ledger.record("process:art", defined(2, process_version=2, stages=[first[1], first[0]]))
        ledger.record("a", captured(1, process="art"), advanced(2, stage="buy"), moved(3, process="b2b"), meeting(4))
        assert ledger.ask("funnel", "process", "stage", "entered", "advanced", "open") == [
            ("art", "look", 1, 1, 1),
            ("art", "buy", 1, 0, 1),
            ("b2b", "lead", 1, 1, 1),
            ("b2b", "meeting", 1, 0, 1),
        ]

    def test_counts_a_deal_once_a_stage_in_whichever_version(self, ledger: Books) -> None:
        """Each stage stands where it stood in the version that was followed when the deal first came there."""
        first = [{"name": "look", "probability": "0.1"}, {"name": "buy", "probability": "0.9"}]
        ledger.record("process:art", defined(1, stages=first))
        ledger.record(
            "process:art", defined(5, process_version=2, stages=[{"name": "new", "probability": "0"}, *first])
        )
        ledger.record("a", captured(1, process="art"), advanced(2, stage="buy"), moved(6, process="art"))
        ledger.record("a", advanced(7, stage="look"), advanced(8, stage="new"))
        assert ledger.ask("stage_visits", "visit", "stage", "process_version") == [
            (1, "look", 1),
            (2, "buy", 1),
            (3, "look", 2),
            (4, "new", 2),
        ]
        assert ledger.ask("funnel", "stage", "entered", "advanced") == [("look", 1, 1), ("new", 1, 1), ("buy", 1, 0)]


class TestBlocked:
    COLUMNS = ("deal", "stage", "amount", "entered_on", "days_in_stage", "usual_days", "times_usual")

    def test_are_deals_that_wait_longer_than_their_stage_usually_takes(self, ledger: Books) -> None:
        """Usually: the median of the finished visits, here 2 days; the largest amount first."""
        for name, day in (("x", 2), ("y", 3), ("z", 9)):
            ledger.record(name, captured(1), meeting(day))
        ledger.record("a", captured(10, amount="5")).record("b", captured(9, amount="50")).record("c", captured(11))
        ledger.record("d", captured(13)).record("e", captured(12.9))
        assert ledger.ask("blocked", *self.COLUMNS, as_of=at(15)) == [
            ("b", "lead", 50, date(2026, 1, 9), 6, 2.0, 3.0),
            ("a", "lead", 5, date(2026, 1, 10), 5, 2.0, 2.5),
            ("c", "lead", None, date(2026, 1, 11), 4, 2.0, 2.0),
            ("e", "lead", None, date(2026, 1, 12), 3, 2.0, 1.5),
        ]

    def test_are_judged_by_earlier_visits_only_where_there_are_any(self, ledger: Books) -> None:
        """Without a history nothing is unusual."""
        ledger.record("a", captured(1))
        assert ledger.ask("blocked", "deal") == []

    def test_where_visits_usually_take_no_time_any_day_is_long(self, ledger: Books) -> None:
        """How many times longer can't be said."""
        ledger.record("x", captured(1), meeting(1)).record("a", captured(5))
        assert ledger.one("blocked", *self.COLUMNS, as_of=at(6)) == ("a", "lead", None, date(2026, 1, 5), 1, 0.0, None)

    def test_are_open(self, ledger: Books) -> None:
        """A closed deal waits for nothing; its visit is part of the history."""
        ledger.record("x", captured(1), lost(2)).record("a", captured(1), lost(50)).record("b", captured(1))
        assert ledger.ask("blocked", "deal", "usual_days", as_of=at(60)) == [("b", 25.0)]
        assert ledger.ask("blocked", "deal", "usual_days", as_of=at(40)) == [("a", 1.0), ("b", 1.0)]
