"""What `Ledger` answers: any projection, for any two dates, as rows and as frames."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars
import pyarrow  # type: ignore[import-untyped]
import pytest

from salesledger import Ledger
from salesledger.errors import AmbiguousId, BadDate, BadFilter, BadPeriod, BadQuery, NotFound
from support.ledgers import file_of, new_ledger
from support.quarter import first_quarter


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger in Berlin after a first quarter."""
    return first_quarter(new_ledger(tmp_path / "sales.ledger", timezone="Europe/Berlin"))


class TestAsking:
    """A projection is a DuckDB relation, for any two dates."""

    def test_gives_rows_and_frames(self, ledger: Ledger) -> None:
        """The same answer as tuples, for Polars and for Arrow."""
        with ledger:
            relation = ledger.project("bookings")
            assert isinstance(relation, duckdb.DuckDBPyRelation)
            names = list(relation.columns)
            (row,) = relation.fetchall()
            frame = ledger.project("bookings").pl()
            table = ledger.project("bookings").to_arrow_table()
        assert row[names.index("bookings")] == Decimal("900.50")
        assert isinstance(frame, polars.DataFrame)
        assert frame["bookings"].to_list() == [Decimal("900.50")]
        assert frame["won_on"].to_list() == [date(2026, 2, 1)]
        assert isinstance(table, pyarrow.Table)
        assert table.column("deal").to_pylist() == ["acme"]

    def test_gives_names_and_types(self, ledger: Ledger) -> None:
        """`answer` has the columns beside the rows."""
        with ledger:
            answer = ledger.answer("pipeline")
        assert answer.dicts()[0] | {"stage": "lead", "deals": 1, "amount": Decimal(500)} == answer.dicts()[0]
        assert dict(zip(answer.columns, answer.types, strict=True))["amount"] == "DECIMAL(38,4)"

    @pytest.mark.parametrize(
        ("question", "statuses"),
        [
            ({}, {"acme": "won", "beta": "lost", "gamma": "open"}),
            ({"as_of": "2026-01-31"}, {"acme": "open", "beta": "open"}),
            ({"as_of": date(2026, 1, 31)}, {"acme": "open", "beta": "open"}),
            ({"as_of": "2026-01-20"}, {"acme": "open", "beta": "open"}),
            ({"as_of": datetime(2026, 1, 19, 22, 59, tzinfo=UTC)}, {"acme": "open"}),
            ({"as_of": "2026-01-01"}, {}),
            ({"known_at": "2026-01-31"}, {}),
            ({"upto": 6}, {"acme": "won"}),
            ({"filters": ["owner:ann"]}, {"beta": "lost", "gamma": "open"}),
            ({"filters": ("source:event", "not:status:lost")}, {"acme": "won"}),
        ],
    )
    def test_answers_for_any_date_and_any_deals(
        self, ledger: Ledger, question: dict[str, Any], statuses: dict[str, str]
    ) -> None:
        """As of, as known at, up to an entry, filtered."""
        with ledger:
            relation = ledger.project("deals", **question).select("deal, status")
            assert dict(relation.fetchall()) == statuses

    @pytest.mark.parametrize(
        ("question", "leads"),
        [
            ({}, {"all": 3}),
            ({"period": "2026-01"}, {"2026-01": 2}),
            ({"interval": "month"}, {"2026-01": 2, "2026-02": 1, "2026-03": 0}),
            ({"period": "monthly in 2026Q1"}, {"2026-01": 2, "2026-02": 1, "2026-03": 0}),
            ({"begin": "2026-01-06", "end": "2026-02-15"}, {"2026-01-06..2026-02-15": 1}),
            ({"period": "2026", "begin": "2026-02", "interval": "quarter"}, {"2026Q1": 3, "2026Q2": 0, "2026Q3": 0, "2026Q4": 0}),
        ],
    )  # fmt: skip
    def test_counts_by_period(self, ledger: Ledger, question: dict[str, Any], leads: dict[str, int]) -> None:
        """Periods as people write them; an interval widens to whole ones."""
        with ledger:
            assert dict(ledger.project("metrics", **question).select("period, leads").fetchall()) == leads

    def test_splits_by_a_dimension(self, ledger: Ledger) -> None:
        """A row for each owner."""
        with ledger:
            relation = ledger.project("metrics", by="owner").select('"group", leads, won')
            assert relation.fetchall() == [("ann", 2, 0), ("kim", 1, 1)]

    @pytest.mark.parametrize(
        ("question", "error"),
        [
            ({"as_of": "someday"}, BadDate),
            ({"known_at": "2026-02-30"}, BadDate),
            ({"period": "2026..2025"}, BadPeriod),
            ({"begin": "2026-02", "end": "2026-01"}, BadPeriod),
            ({"interval": "decade", "period": "2026"}, BadPeriod),
            ({"interval": "day", "period": "1900..2100"}, BadPeriod),
            ({"filters": ["nothing:x"]}, BadFilter),
            ({"by": "weather"}, BadQuery),
        ],
    )
    def test_refuses_a_question_that_makes_no_sense(
        self, ledger: Ledger, question: dict[str, Any], error: type[Exception]
    ) -> None:
        """Before anything is computed."""
        with ledger, pytest.raises(error):
            ledger.project("metrics", **question).fetchall()

    def test_runs_any_select(self, ledger: Ledger) -> None:
        """With the parameters that projections have; nothing else than SELECT."""
        with ledger:
            assert ledger.query(
                "SELECT count(*) FROM events WHERE stream = 'deal' AND effective_at <= $as_of", as_of="2026-01-31"
            ).fetchall() == [(3,)]
            for sql in ("DELETE FROM events", "SELECT 1; SELECT 2", "CREATE TABLE x (y INT)", "", "SELECT $nothing"):
                with pytest.raises(BadQuery):
                    ledger.query(sql)
            with pytest.raises(NotFound, match="Did you mean 'pipeline'"):
                ledger.project("pipelin")

    def test_finds_ids_as_people_type_them(self, ledger: Ledger) -> None:
        """Exact, by its beginning, whatever the case."""
        with ledger:
            assert [ledger.find("deal", text) for text in ("acme", "ac", "ACME", "G")] == [
                "acme",
                "acme",
                "acme",
                "gamma",
            ]
            ledger.record("lead-captured", company="Acme Two")
            assert [ledger.find("deal", text) for text in ("acme", "ACME Two", " acme two ", "Àcme Two!")] == [
                "acme",
                *["acme-two"] * 3,
            ]
            with pytest.raises(AmbiguousId):
                ledger.find("deal", "ac")
            for nothing in ("x", "a%", "G.", "_cme", "!", "\udc80"):
                with pytest.raises(NotFound):
                    ledger.find("deal", nothing)

    def test_shows_the_projections_of_the_user_s_own_folder(self, ledger: Ledger) -> None:
        """Beside the ledger, with the same header as the shipped ones."""
        folder = file_of(ledger).parent / "projections"
        folder.mkdir()
        (folder / "big_deals.sql").write_text(
            "-- big_deals: deals that are worth more than 600\n-- grain: one row a deal\n-- needs: deals\n"
            "-- parameters: none\n-- columns:\n--   deal: deal id\nSELECT deal FROM deals WHERE value > 600\n"
        )
        with ledger:
            assert ledger.project("big_deals").fetchall() == [("acme",)]
