"""Every event out: as JSON lines, CSV and Parquet, in a file that appears whole or not at all."""

import csv
import io
import json
import os
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars
import pytest

from salesledger import Ledger
from salesledger.errors import UsageError
from salesledger.exchange.export import FORMATS, export
from salesledger.readmodel.engine import Question
from support.ledgers import new_ledger

NAME = '=Acme; "Öl"\n\u202eGmbH'


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Two deals, one of them with a name that programs stumble over, and a void."""
    with Ledger.open(new_ledger(tmp_path / "sales.ledger"), actor="kim") as told:
        told.record("lead-captured", company=NAME, on="2026-01-05", amount="100.50", attributes={"size": "5"}, key="k1")
        told.record("meeting-held", deal="acme-ol-gmbh", on="2026-01-06", pain_points=["slow", "dear"], attendees=3)
        told.record("lead-captured", company="Beta", on="2026-01-07", expected_close="2026-03-31")
        told.void(6, "made up")
    return Ledger.open(tmp_path / "sales.ledger")


def exported(ledger: Ledger, format_: str, **question: object) -> str:
    """What is written to a stream."""
    stream = io.StringIO(newline="")
    with ledger:
        export(ledger.engine, format_, stream, Question(**question))  # type: ignore[arg-type]
    return stream.getvalue()


class TestContents:
    """Each entry once, in the ledger's order, nothing lost."""

    def test_of_json_lines_are_an_entry_s_own_fields(self, ledger: Ledger) -> None:
        """Amounts are exact text, lists and objects are themselves, nothing is null."""
        rows = [json.loads(line) for line in exported(ledger, "jsonl").splitlines()]
        assert [row["entry"] for row in rows] == list(range(1, 8))
        assert rows[3] | {"company": NAME, "amount": "100.50", "attributes": {"size": "5"}, "key": "k1"} == rows[3]
        assert rows[4] | {"type": "meeting-held", "pain_points": ["slow", "dear"], "attendees": 3} == rows[4]
        assert rows[5] | {"expected_close": "2026-03-31", "effective_at": "2026-01-07T00:00:00Z"} == rows[5]
        assert rows[6] | {"type": "event-voided", "voids": 6, "void_reason": "made up"} == rows[6]
        assert not any(value is None for row in rows for value in row.values())

    def test_of_json_lines_hold_nothing_that_steers_a_terminal(self, ledger: Ledger) -> None:
        """A line is a line, and a mark that turns text round is written as its number."""
        text = exported(ledger, "jsonl")
        assert text.count("\n") == 7
        assert "\u202e" not in text
        assert "\\u202e" in text
        assert "Öl" in text

    def test_of_csv_are_every_column_of_events(self, ledger: Ledger) -> None:
        """A spreadsheet reads it back, and runs nothing."""
        header, *rows = csv.reader(io.StringIO(exported(ledger, "csv"), newline=""))
        assert header == list(ledger.engine.project("events").columns)
        assert len(rows) == 7
        row = dict(zip(header, rows[3], strict=True))
        assert (row["company"], row["amount"], row["owner"]) == (f"'{NAME}", "100.50", "")

    def test_of_parquet_are_typed(self, ledger: Ledger, tmp_path: Path) -> None:
        """Amounts are decimals, instants are instants, days are days."""
        with ledger:
            assert export(ledger.engine, "parquet", tmp_path / "out.parquet", Question()) == 7
        frame = polars.read_parquet(tmp_path / "out.parquet")
        row = frame.row(3, named=True)
        assert (row["amount"], row["company"]) == (Decimal("100.50"), NAME)
        assert isinstance(row["effective_at"], datetime)
        assert row["effective_on"] == date(2026, 1, 5)
        assert frame["entry"].to_list() == list(range(1, 8))

    @pytest.mark.parametrize("format_", FORMATS)
    def test_end_at_an_entry(self, ledger: Ledger, format_: str, tmp_path: Path) -> None:
        """--upto is exact, and the count says how many."""
        with ledger:
            assert export(ledger.engine, format_, tmp_path / "out", Question(upto=5)) == 5

    def test_are_those_known_at_a_date(self, ledger: Ledger) -> None:
        """What was recorded later isn't there."""
        with ledger:
            moment = ledger.store.entry(5).recorded_at
        assert len(exported(Ledger.open(ledger.path), "jsonl", known_at=moment).splitlines()) == 5


class TestFiles:
    """A file appears whole or not at all."""

    @pytest.mark.parametrize("format_", FORMATS)
    def test_are_replaced_in_one_step(self, ledger: Ledger, format_: str, tmp_path: Path) -> None:
        """A link is followed, the mode is kept, nothing else is left in the folder."""
        folder = tmp_path / "out"
        folder.mkdir()
        (folder / "target").write_text("before")
        (folder / "target").chmod(0o640)
        (folder / "link").symlink_to("target")
        with ledger:
            export(ledger.engine, format_, folder / "link", Question())
        assert (folder / "link").is_symlink()
        assert (folder / "target").stat().st_mode & 0o777 == 0o640
        assert (folder / "target").read_bytes()[:6] != b"before"
        assert sorted(file.name for file in folder.iterdir()) == ["link", "target"]

    @pytest.mark.parametrize("format_", FORMATS)
    @pytest.mark.parametrize("place", ["nowhere/out", "."])
    def test_that_cannot_be_written_are_named(self, ledger: Ledger, format_: str, place: str, tmp_path: Path) -> None:
        """A missing folder, or a folder in its place."""
        before = sorted(tmp_path.iterdir())
        with ledger, pytest.raises(UsageError, match=r"Name another"):
            export(ledger.engine, format_, tmp_path / place, Question())
        assert [file for file in sorted(tmp_path.iterdir()) if "sales.ledger" not in file.name] == [
            file for file in before if "sales.ledger" not in file.name
        ]

    @pytest.mark.parametrize("format_", ["jsonl", "csv"])
    def test_that_are_devices_stay_devices(self, ledger: Ledger, format_: str, tmp_path: Path) -> None:
        """A pipe gets the lines."""
        os.mkfifo(tmp_path / "pipe")
        reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        with ledger:
            export(ledger.engine, format_, tmp_path / "pipe", Question(upto=3))
        assert os.read(reader, 1_000_000).count(b"\n") == 3 + (format_ == "csv")
        os.close(reader)
        assert (tmp_path / "pipe").is_fifo()
