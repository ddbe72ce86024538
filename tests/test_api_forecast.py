"""Forecasts and backtests for programs: statsforecast's columns, a row an origin and period."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from salesledger import Ledger
from salesledger.errors import BadValue, Refused, UsageError
from support.books import books
from support.happenings import captured, won

LEVELS = ("lo-95", "lo-80", "hi-80", "hi-95")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A win of 100 in each month of 2026."""
    made = books(tmp_path)
    for n in range(9):
        day = 3 + 30.5 * n
        made.record(f"deal-{n}", captured(day, amount="100", known_at=day), won(day + 7, known_at=day + 7))
    return made.path


def test_a_forecast_has_a_row_a_period_and_a_column_a_model(path: Path) -> None:
    """With the ends of the intervals behind each model's name; empty where a model gives none."""
    with Ledger.open(path) as ledger:
        frame = ledger.forecast(["run_rate", "weighted_plain"], as_of="2026-07-31", interval="month", h=3)
        rows, columns = frame.fetchall(), frame.columns
    models = [name for model in ("run_rate", "weighted_plain") for name in (model, *(f"{model}-{e}" for e in LEVELS))]
    assert columns == ["unique_id", "cutoff", "ds", *models]
    assert [row[:3] for row in rows] == [("bookings", date(2026, 7, 31), date(2026, month, 1)) for month in (8, 9, 10)]
    assert all(row[4] < row[5] < row[3] < row[6] < row[7] for row in rows)
    assert all(row[8] == 0 and row[9] is None for row in rows)


def test_a_backtest_has_the_actual_beside_and_says_what_the_forecast_said(path: Path) -> None:
    """`y`, empty where the period is not over yet."""
    with Ledger.open(path, today=date(2026, 8, 31)) as ledger:
        frame = ledger.backtest("run_rate", begin="2026-07-01", end="2026-09-01", step="month", interval="month")
        rows, columns = frame.fetchall(), frame.columns
        said = ledger.forecast(["run_rate"], as_of="2026-07-31", interval="month").fetchall()
    assert columns[:5] == ["unique_id", "cutoff", "ds", "y", "run_rate"]
    assert [(str(row[1]), str(row[2]), row[3]) for row in rows] == [
        ("2026-07-31", "2026-08-01", Decimal(100)),
        ("2026-07-31", "2026-09-01", None),
        ("2026-08-31", "2026-09-01", None),
        ("2026-08-31", "2026-10-01", None),
    ]
    assert [row[:3] + row[4:] for row in rows[:2]] == said


def test_what_cannot_be_asked_is_refused(path: Path, tmp_path: Path) -> None:
    """With what is wrong."""
    with Ledger.open(path) as ledger:
        with pytest.raises(BadValue, match="There is no model 'magic'"):
            ledger.forecast(["magic"])
        with pytest.raises(UsageError, match="h is 0; ask for at least one period"):
            ledger.forecast(h=0)
        with pytest.raises(UsageError, match="There is no origin"):
            ledger.backtest(["run_rate"], begin="2026-07-01", end="2026-07-02")
        with pytest.raises(Refused, match="There is nothing to forecast from"):
            ledger.forecast(as_of="1999-01-01")
    with Ledger.create(tmp_path / "empty.ledger") as empty, pytest.raises(Refused, match="no lead was ever captured"):
        empty.backtest()
