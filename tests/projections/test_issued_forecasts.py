"""Forecasts that were issued, beside what came to be."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from salesledger.errors import Refused
from support.books import Books, books
from support.happenings import at, captured, issued, lost, rate_set, reopened, won
from support.story import void

JANUARY: dict[str, Any] = {"begins_on": date(2026, 1, 1), "ends_on": date(2026, 2, 1)}
SPREAD = {"lo_95": "20", "lo_80": "40", "median": "100", "hi_80": "150", "hi_95": "200"}
ALL = "target:all"


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """100 expected in January, and 140 won then."""
    made = books(tmp_path)
    deals = {"a": (90, 5), "b": (50, 30), "c": (7, 33)}
    for deal, (amount, day) in deals.items():
        made.record(deal, captured(1, amount=amount), won(day), now=at(35))
    return made.record(ALL, issued(2, mean="110", **SPREAD, **JANUARY), now=at(35))


def test_are_scored_from_the_day_after_their_period_on(ledger: Books) -> None:
    """Mean less actual, the mean loss at five levels, and whether the intervals held it."""
    columns = ("period", "mean", "actual", "error", "pinball", "within_80", "within_95")
    assert ledger.one("issued_forecasts", *columns, as_of=at(31.5)) == ("2026-01", 110, None, None, None, None, None)
    # 0.025 * 120 + 0.1 * 100 + 0.5 * 40 + 0.1 * 10 + 0.025 * 60 = 35.5, of five levels
    assert ledger.one("issued_forecasts", *columns, as_of=at(33)) == (
        "2026-01",
        110,
        140,
        -30,
        Decimal("7.1"),
        True,
        True,
    )


def test_a_points_losses_are_those_of_its_mean(ledger: Books) -> None:
    """Half its error; it has no interval that could hold anything."""
    ledger.record(ALL, issued(3, mean="110", model="weighted", **JANUARY))
    rows = ledger.ask("issued_forecasts", "model", "pinball", "within_80", as_of=at(40))
    assert rows == [("run_rate", Decimal("7.1"), True), ("weighted", 15, None)]


def test_the_actual_is_what_is_known_when_it_is_asked(ledger: Books) -> None:
    """A win that is undone afterwards is taken out; the forecast stays."""
    ledger.record("b", reopened(36), lost(37))
    told = [ledger.one("issued_forecasts", "mean", "actual", as_of=at(day)) for day in (35, 38)]
    assert told == [(110, 140), (110, 90)]


def test_one_that_was_struck_out_is_gone(ledger: Books) -> None:
    """For whoever knows of it."""
    entry = ledger.one("issued_forecasts", "entry")[0]
    ledger.record(ALL, void(entry), now=at(50))
    assert ledger.ask("issued_forecasts", "entry", known_at=at(49)) == [(entry,)]
    assert ledger.ask("issued_forecasts", "entry", known_at=at(50)) == []


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"hi_95": None}, "lo_95, lo_80, median, hi_80 and hi_95 go together"),
        ({"hi_95": "149"}, "lo_95, lo_80, median, hi_80 and hi_95 rise"),
        ({"ends_on": date(2026, 1, 1)}, "a period that begins on 2026-01-01 can't end on 2026-01-01"),
    ],
)
def test_what_is_no_forecast_is_refused(fields: dict[str, Any], why: str) -> None:
    """With what is wrong."""
    with pytest.raises(ValidationError, match=why):
        issued(1, **{**SPREAD, **JANUARY, **fields})


def test_it_is_in_the_ledgers_currency(ledger: Books) -> None:
    """As targets and calls are."""
    ledger.record("rate:USD", rate_set(1))
    with pytest.raises(
        Refused, match="targets, calls and forecasts are in the ledger's currency, EUR; convert USD first"
    ):
        ledger.record(ALL, issued(2, currency="USD", **JANUARY))
