"""Periods counted from an origin."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesledger.forecast.calendar import Calendar, weeks_in, weeks_left
from salesledger.forecast.week import Span
from salesledger.readmodel.periods import INTERVALS
from support import examples


def test_the_period_of_the_next_day_has_offset_0() -> None:
    """On the last day of a quarter the next one is asked about, as what happens from the day after on is forecast."""
    spans = Calendar().spans_at(date(2026, 3, 31), [0, 1])

    assert spans == [
        Span("2026Q2", date(2026, 4, 1), date(2026, 7, 1), 0),
        Span("2026Q3", date(2026, 7, 1), date(2026, 10, 1), 1),
    ]
    assert Calendar().spans_at(date(2026, 3, 30), [0])[0].label == "2026Q1"


@pytest.mark.parametrize(
    ("interval", "label", "a_year_before"),
    [("week", "2026-W05", "2025-W05"), ("month", "2026-01", "2025-01"), ("quarter", "2026Q1", "2025Q1")],
)
def test_a_season_comes_again_after_a_year(interval: str, label: str, a_year_before: str) -> None:
    """Shifted back by a year of periods, one lands on the same season."""
    calendar = Calendar(interval)  # type: ignore[arg-type]
    span = calendar.spans_at(date(2026, 1, 28), [0])[0]

    assert span.label == label
    assert calendar.shift(span, -calendar.year).label == a_year_before


def test_periods_that_are_over_come_oldest_first() -> None:
    """The latest three before the running one, as they ended."""
    assert [(s.label, s.offset) for s in Calendar("month").over(date(2026, 2, 28), 3)] == [
        ("2025-12", -3),
        ("2026-01", -2),
        ("2026-02", -1),
    ]


def test_weeks_left_count_a_week_that_has_begun() -> None:
    """A day before the end one week is left; after it none."""
    (span,) = Calendar().spans_at(date(2026, 3, 30), [0])

    assert weeks_left(date(2026, 3, 30), span) == 1
    assert weeks_left(date(2026, 3, 24), span) == 1
    assert weeks_left(date(2026, 3, 23), span) == 2
    assert weeks_left(date(2026, 3, 31), span) == 0
    assert weeks_left(date(2026, 4, 20), span) < 0
    assert weeks_in(span) == 13


@settings(max_examples=examples(60), deadline=None)
@given(st.dates(date(1999, 1, 1), date(2100, 1, 1)), st.sampled_from(INTERVALS), st.integers(0, 9))
def test_periods_follow_one_another(on: date, interval: str, offset: int) -> None:
    """Every period begins where the one before ends, the first holds the next day, and shifting back undoes shifting."""
    calendar = Calendar(interval)  # type: ignore[arg-type]
    here, near, far = calendar.spans_at(on, [0, offset, offset + 1])

    assert here.begin <= on + timedelta(days=1) < here.end
    assert near.end == far.begin
    assert calendar.shift(near, -offset) == here
    assert weeks_left(on, near) >= 1
