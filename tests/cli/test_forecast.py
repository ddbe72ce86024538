"""Forecasts on the command line: figures that add up, and what was issued on record."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.console import Console

DAY = "--as-of 2025-03-31"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Console:
    """The made-up company's ledger, in the middle of its first year."""
    console = Console(tmp_path_factory.mktemp("demo"), {"SALESLEDGER_ACTOR": "kim", "SALESLEDGER_FILE": "demo.ledger"})
    console.ok("demo --keep demo.ledger --quiet")
    return console


def told(console: Console, line: str) -> list[dict[str, Any]]:
    """A command's rows."""
    rows = json.loads(console.ok(f"{line} -O json"))
    assert isinstance(rows, list)
    return rows


def total(rows: list[dict[str, Any]], *names: str) -> Decimal:
    """The sum of some columns, to the cent."""
    return sum((Decimal(row[name]) for row in rows for name in names), Decimal(0))


def test_what_a_forecast_is_made_of_adds_up_to_it(demo: Console) -> None:
    """Won, open and new; one-off and recurring; the parts of each owner: to the cent, around what is booked for sure."""
    (row,) = told(demo, f"forecast -p 2025Q2 {DAY}")
    assert Decimal(row["mean"]) == total([row], "won", "open", "new") == total([row], "one_off", "recurring")
    ends = [Decimal(row[name]) for name in ("lo-95", "lo-80", "median", "hi-80", "hi-95")]
    assert ends == sorted(ends)
    assert row["why"]
    assert (row["model"], row["origin"], row["horizon_days"]) == ("best", "2025-03-31", 91)
    owners = told(demo, f"forecast -p 2025Q2 --by owner {DAY}")
    assert len(owners) > 2
    for name in ("mean", "won", "open", "new"):
        assert total(owners, name) == Decimal(row[name])


def test_what_is_won_is_what_bookings_say(demo: Console) -> None:
    """Half way through a quarter, exactly, and by deal."""
    rows = told(demo, "forecast -p 2025Q1 --by deal --model run_rate --as-of 2025-02-15")
    booked = told(demo, "bookings -p 2025Q1 --as-of 2025-02-15 --known-at 2025-02-15")
    assert {row["group"]: Decimal(row["won"]) for row in rows if Decimal(row["won"])} == {
        row["deal"]: Decimal(row["bookings"]) for row in booked
    }


def test_a_deals_chances_only_grow_and_never_pass_one(demo: Console) -> None:
    """Week by week, to be won or lost."""
    deal = told(demo, f"deals --open {DAY} --known-at 2025-03-31")[0]["deal"]
    rows = told(demo, f"forecast {deal} {DAY}")
    assert len(rows) == 26
    assert rows[0]["week_ends_on"] == "2025-04-07"
    for before, after in zip([{"won_chance": 0, "lost_chance": 0}, *rows], rows, strict=False):
        assert before["won_chance"] <= after["won_chance"]
        assert before["lost_chance"] <= after["lost_chance"]
        assert after["won_chance"] + after["lost_chance"] <= 1


def test_a_backtests_row_is_the_forecast_of_the_day(demo: Console) -> None:
    """Key by key, as both commands print it."""
    (row,) = told(demo, "backtest -b 2025-02-15 -e 2025-02-17 --model weighted --horizons 0")
    (forecast,) = told(demo, "forecast -p 2025Q1 --as-of 2025-02-16 --model weighted")
    assert row["origin"] == "2025-02-16"
    assert {name: row[name] for name in row if name != "actual"} == {
        name: forecast[name] for name in row if name != "actual"
    }


def test_what_is_issued_is_on_record_as_it_was_said(demo: Console, tmp_path: Path) -> None:
    """With what the ledger held; all of them or none."""
    (row,) = told(demo, "forecast --issue -p 2026Q3 --model weighted --today 2026-06-30")
    (issued,) = told(demo, "show issued_forecasts --today 2026-06-30")
    assert issued["entry"] == row["entry"] == issued["upto"] + 1
    for name in ("model", "period", "origin", "currency"):
        assert issued[name] == row[name]
    for name in ("mean", "lo-95", "lo-80", "median", "hi-80", "hi-95"):
        assert Decimal(issued[name.replace("-", "_")]) == Decimal(row[name])
    done = demo("forecast --issue -p 2026Q3 --model magic --today 2026-06-30")
    assert done.code == 2
    assert "There is no model 'magic'." in done.err
    assert done.err.endswith("Nothing was recorded.\n")
    assert len(told(demo, "show issued_forecasts")) == 1


def test_a_backtest_is_drawn_in_each_format(demo: Console) -> None:
    """All pictures or one, with the models' names; what isn't there to draw is said."""
    line = "backtest -p 2025Q1 --step month --model weighted,run_rate"
    demo.ok(f"{line} -o all.svg")
    drawn = (demo.folder / "all.svg").read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    for words in ("run_rate", "Error by weeks to the end", "Chances of deals", "2025Q1"):
        assert words in drawn
    demo.ok(f"{line} --picture error -o error.png")
    assert (demo.folder / "error.png").read_bytes().startswith(b"\x89PNG")
    demo.ok(f"{line} --picture coverage -o coverage.html")
    assert "<script" in (demo.folder / "coverage.html").read_text(encoding="utf-8")
    done = demo(
        "backtest -b 2026-06-20 -e 2026-06-30 --today 2026-06-30 --model weighted_plain --picture fan -o fan.svg"
    )
    assert (done.code, "There is nothing to draw as 'fan'" in done.err) == (2, True)


def test_the_fan_of_a_period_is_drawn(demo: Console) -> None:
    """What a model said of it week by week; a model or a period that isn't one is refused as without a picture."""
    demo.ok("forecast --as-of 2026-05-31 -p 2026Q2 --model run_rate -o fan.svg")
    drawn = (demo.folder / "fan.svg").read_text(encoding="utf-8")
    assert "2026Q2 as run_rate forecast it, week by week, up to 2026-05-31" in drawn
    assert "bookings, EUR" in drawn
    assert "There is no model 'magic'" in demo.no("forecast --as-of 2026-05-31 --model magic -o no.svg", code=2)


def test_scores_are_told_by_model_by_weeks_and_by_deals(demo: Console) -> None:
    """The same forecasts each time, counted."""
    line = "backtest -p 2025Q1 --step month --model weighted,run_rate"
    models = told(demo, f"{line} --by model")
    assert [(row["model"], row["ahead"], row["forecasts"]) for row in models] == [
        ("weighted", 0, 3),
        ("run_rate", 0, 3),
        ("weighted", 1, 3),
        ("run_rate", 1, 3),
    ]
    assert models[0]["weighted_skill"] == 0
    assert sum(row["forecasts"] for row in told(demo, f"{line} --by weeks")) == 12
    (deals,) = told(demo, f"{line} --by deals")
    tenths = told(demo, f"{line} --by chances")
    assert sum(row["deals"] for row in tenths) == deals["deals"]
    assert 0 < deals["brier"] < 1
