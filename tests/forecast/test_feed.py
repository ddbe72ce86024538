"""The weeks that models are shown say what the reports say of the same moments, and nothing that was learned later."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

import numpy as np
from hypothesis import given, settings

from laws.journeys import Journey, journeys, played
from salesledger.forecast.feed import LATE_DAYS, Feed
from salesledger.forecast.week import LATE_WEEKS, UNKNOWN_DAY, Deals, Week, day_number
from salesledger.readmodel.engine import Engine, Question
from support import examples

AFTER = timedelta(weeks=9)
"""How long after its end a journey is looked back at: its steps are old enough to learn from by then."""


def said(deals: Deals, week: Week) -> list[tuple[Any, ...]]:
    """The deals of a week as text."""
    rows = []
    for i in range(len(deals)):
        process, stage, _ = week.names.stages[deals.stage[i]]
        words = [week.names.words[word][getattr(deals, word)[i]] or None for word in ("owner", "source", "category")]
        value = None if np.isnan(deals.value[i]) else round(float(deals.value[i]), 4)
        expected = None if deals.expected[i] == UNKNOWN_DAY else int(deals.expected[i])
        closed = None if deals.closed[i] == UNKNOWN_DAY else int(deals.closed[i])
        row = (week.names.deals[deals.deal[i]], process, stage, *words, value, expected, int(deals.captured[i]), closed)
        rows.append(row)
    return sorted(rows, key=str)


def reported(engine: Engine, status: str, question: Question) -> list[tuple[Any, ...]]:
    """The same from `deals`."""
    rows = engine.ask(
        """
        SELECT
            deal, process, stage, owner, source, category, CAST(value_converted AS DOUBLE), expected_close, captured_on,
            closed_on
        FROM deals
        WHERE
            status = $status
            AND growth IS DISTINCT FROM 'renewal'
            AND deal NOT IN (SELECT deal FROM renewal_deals)
        """,
        question,
        {"status": status},
    ).rows
    days = [tuple(None if day is None else day_number(day) for day in row[7:]) for row in rows]
    return sorted((row[:7] + day for row, day in zip(rows, days, strict=True)), key=str)


def same(a: object, b: object) -> bool:
    """Whether two weeks, or parts of them, are the same to the last bit."""
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.tobytes() == b.tobytes()
    if isinstance(a, Deals) or type(a).__name__ in ("Steps", "Lags", "Week"):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a) if f.name != "names")  # type: ignore[arg-type]
    return a == b


@settings(max_examples=examples(4))
@given(journey=journeys())
def test_a_week_is_what_the_reports_say_of_its_end(journey: Journey) -> None:
    """Open deals, wins and bookings, as of and as known at the end of each week."""
    with played(journey) as story, Engine.open(story.path) as engine:
        feed = Feed.open(engine, story.now + AFTER)
        if feed is None:
            return
        for week in list(feed.weeks())[::2]:
            question = Question(as_of=week.at, known_at=week.at)
            assert said(week.open, week) == reported(engine, "open", question)
            assert said(week.wins, week) == reported(engine, "won", question)


@settings(max_examples=examples(4))
@given(journey=journeys())
def test_steps_are_what_was_known_of_a_week_some_weeks_later(journey: Journey) -> None:
    """The deals before, and what became of each, are those of `deals` with a later known-at."""
    late = timedelta(days=LATE_DAYS)
    with played(journey) as story, Engine.open(story.path) as engine:
        feed = Feed.open(engine, story.now + AFTER)
        weeks = list(feed.weeks()) if feed else []
        for week in weeks:
            if week.steps is None or not (len(week.steps.before) and week.number % 2):
                continue
            begins, ends = (weeks[week.number - LATE_WEEKS - back].at for back in (1, 0))
            steps = week.steps
            for question, deals, status in (
                (Question(as_of=begins, known_at=begins + late), steps.before, "open"),
                (Question(as_of=ends, known_at=ends + late), steps.before[steps.outcome == 0], "open"),
            ):
                told = {row[0]: row for row in reported(engine, status, question)}
                for name in (week.names.deals[number] for number in deals.deal):
                    assert name in told
            after = {row[0]: row for row in reported(engine, "won", Question(as_of=ends, known_at=ends + late))}
            for place in np.flatnonzero(steps.outcome == 1):
                assert week.names.deals[steps.before.deal[place]] in after


@settings(max_examples=examples(4))
@given(journey=journeys())
def test_a_week_is_the_same_however_much_is_known_by_now(journey: Journey) -> None:
    """Asked at an origin, the weeks are the first ones of what is asked later, bit by bit."""
    with played(journey) as story, Engine.open(story.path) as engine:
        last = Feed.open(engine, story.now + AFTER)
        weeks = list(last.weeks()) if last else []
        for end in weeks[1::3]:
            earlier = Feed.open(engine, end.at)
            assert earlier is not None
            for a, b in zip(earlier.weeks(), weeks, strict=False):
                assert same(a, b)
