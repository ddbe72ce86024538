"""Auditing on the command line: stories, beliefs, lags, and the log by each of its clocks."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.console import Console
from support.happenings import at, captured, revised, won
from support.ledgers import new_ledger, write
from support.story import correct, void


@pytest.fixture
def told(tmp_path: Path) -> Console:
    """A deal that was captured, revised late, corrected, and whose win was struck out."""
    path = new_ledger(tmp_path / "sales.ledger")
    write(path, ("deal:a", [captured(1, known_at=at(1), owner="kim", amount="5")]), now=at(1))  # 4
    write(path, ("deal:a", [revised(2, known_at=at(12), owner="lee")]), now=at(14))  # 5
    write(path, ("deal:a", [correct(4, captured(1, owner="kim", amount="7"), "typo")]), now=at(20))  # 6, 7
    write(path, ("deal:a", [won(21, recorded_by="lee"), void(8, "no signature")]), now=at(22))  # 8, 9
    return Console(tmp_path)


def rows(console: Console, line: str) -> list[dict[str, Any]]:
    """What a command answers as JSON."""
    found: list[dict[str, Any]] = json.loads(console.ok(f"{line} -O json"))
    return found


class TestAudit:
    def test_tells_who_changed_what_and_how_late(self, told: Console) -> None:
        """Struck entries, corrections and late news are told as such."""
        story = told.ok("audit a")
        assert "Audit of a as of now: 6 entries, 2 of them struck out." in story
        assert (
            "2026-01-01 00:00  lead-captured  (entry 4, by kim)\n    STRUCK OUT by entry 6 on 2026-01-20: typo\n"
            in story
        )
        assert "    corrects entry 4\n" in story
        assert "    amount: 7.00, instead of 5.00\n" in story
        assert "    learned 2026-01-12, 10.0 days later\n    owner: kim -> lee\n" in story
        assert "    strikes out entry 8: no signature\n" in story

    def test_tells_a_date_put_right(self, told: Console) -> None:
        """In the ledger's zone; what was struck out changed nothing of what stands."""
        told.ok("correct 7 --reason date --on 2025-12-30")
        story = told.ok("audit a")
        assert "    corrects entry 7\n" in story
        assert "    happened on 2025-12-30 00:00, instead of 2026-01-01 00:00\n" in story
        assert "    owner: kim\n" in story
        assert "amount: 7.00 -> 5.00" not in story

    def test_has_the_same_keys_in_every_row(self, told: Console) -> None:
        """For programs."""
        found = rows(told, "audit a")
        assert {tuple(row) for row in found} == {tuple(found[0])}
        assert {"entry", "type", "field", "before", "after", "late_days", "struck_by", "reason"} <= set(found[0])

    def test_of_nobody_is_refused(self, told: Console) -> None:
        """Also before anything had happened."""
        assert "There is no deal 'b'" in told.no("audit b", code=1)
        assert "Nothing had happened to the deal 'a'" in told.no(
            "audit a --as-of 2025-12-01 --known-at 2025-12-01", code=1
        )


class TestBeliefs:
    def test_change_with_the_entries_that_changed_them(self, told: Console) -> None:
        """When they became known, not when they happened."""
        found = rows(told, "history a --as-known")
        assert [
            (row["valid_from"][:10], row["entries"], row["owner"], row["amount"], row["status"]) for row in found
        ] == [
            ("2026-01-01", "4", "kim", "5.00", "open"),
            ("2026-01-12", "5", "lee", "5.00", "open"),
            ("2026-01-20", "6 7", "lee", "7.00", "open"),
        ]
        assert found[-1]["valid_to"] is None

    def test_are_those_of_their_time(self, told: Console) -> None:
        """With a known-at, nothing that was learned later."""
        assert len(rows(told, "history a --as-known --known-at 2026-01-13")) == 2
        assert "Nothing was known of the deal 'a'" in told.no("history a --as-known --known-at 2025-12-01", code=1)
        assert "it has no --as-of" in told.no("history a --as-known --as-of 2026-01-13", code=2)


class TestHistory:
    def test_says_since_when_and_why_an_entry_is_struck_out(self, told: Console) -> None:
        """In the table and for programs."""
        assert "STRUCK OUT by 9 on 2026-01-22: no signature" in told.ok("history a")
        (struck,) = [row for row in rows(told, "history a") if row["entry"] == 8]
        assert (struck["struck_by"], struck["struck_at"], struck["struck_reason"]) == (
            9,
            "2026-01-22T00:00:00Z",
            "no signature",
        )

    def test_before_the_strike_was_known_shows_none(self, told: Console) -> None:
        """The old answer comes back."""
        assert "STRUCK" not in told.ok("history a --known-at 2026-01-19")


class TestLag:
    def test_counts_and_measures_what_stands(self, told: Console) -> None:
        """Entry 5 came after ten days; the correction is known when it was made."""
        (found,) = rows(told, "lag")
        assert (found["entries"], found["known_max_days"], found["recorded_max_days"]) == (2, "19.00", "2.00")
        assert (found["known_median_days"], found["known_p90_days"], found["known_late_share"]) == (
            "10.00",
            "19.00",
            1.0,
        )
        assert (found["recorded_median_days"], found["recorded_late_share"]) == ("0.00", 0.5)

    @pytest.mark.parametrize(
        ("line", "group"),
        [
            ("--by person", [("kim", 2)]),
            ("--by type", [("deal-revised", 1), ("lead-captured", 1)]),
            ("--by month --clock effective", [("2026-01", 2)]),
            ("--by source_system", [(None, 2)]),
            ("--by type type:revised", [("deal-revised", 1)]),
            ("--by type -b 2026-01-13", [("lead-captured", 1)]),
            ("--by type -e 2026-01-02 --clock effective", [("lead-captured", 1)]),
            ("--by type -p 2025", []),
        ],
    )
    def test_splits_and_chooses(self, line: str, group: list[tuple[str | None, int]], told: Console) -> None:
        """By the dimension, the filters and the days."""
        by = line.split()[1]
        assert [(row[by], row["entries"]) for row in rows(told, f"lag {line}")] == group


class TestLog:
    @pytest.mark.parametrize(
        ("line", "entries"),
        [
            ("-b 2026-01-20 -e 2026-01-21", [6, 7]),
            ("-p 2026-01-02 --clock effective", [5]),
            ("-b 2026-01-12 -e 2026-01-13 --clock known", [5]),
            ("who:lee", [8]),
            ("who:kim type:voided -p 2026-01", [6, 9]),
            ("stream:deal type:won", [8]),
        ],
    )
    def test_chooses_by_clock_and_field(self, line: str, entries: list[int], told: Console) -> None:
        """The default clock is that of the recording."""
        assert [row["entry"] for row in rows(told, f"log {line}")] == entries

    def test_refuses_a_clock_that_it_has_not(self, told: Console) -> None:
        """And says which there are."""
        assert "'effective', 'known', 'recorded'" in told.no("log -p 2026 --clock wall", code=2)
