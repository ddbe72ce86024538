"""The walked process over random journeys: SQL says what a plain fold says, whatever came late, was struck or corrected."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from laws.journeys import DEALS, HALF_DAY, PERIODS, Journey, Played, journeys, played
from salesledger.domain.decide import Record
from salesledger.domain.events import Event
from salesledger.errors import SalesledgerError
from salesledger.ledger.batch import Proposal
from salesledger.ledger.store import Store
from salesledger.readmodel.engine import DIMENSIONS
from salesledger.readmodel.periods import Period
from support import examples
from support import happenings as h
from support.answers import ordered, tables
from support.asking import asked_of
from support.ledgers import clock, new_ledger, record
from support.twin_map import process_map, step_ratios
from support.twins import moments

BEGINS = (date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1), date(2025, 10, 1), date(2026, 1, 1), date(2026, 4, 1))
SHARED = ("period", "group", "process", "stage", "entered", "advanced", "step_ratio")
QUARTERS = [Period(f"q{i}", BEGINS[i], BEGINS[i + 1]) for i in range(5)]


def moved_on(story: Played, back: int) -> None:
    """Move the deals to another process, or to the newest version of theirs, some half days ago; what is refused is skipped."""
    stages = [{"name": name, "probability": "0.5"} for name in ("look", "meeting", "buy")]
    with clock(story.now) as time, Store.open(story.path) as store:
        record(store, "process:art", h.defined(h.at(-100), stages=stages, process_version=99))
        for n, deal in enumerate(DEALS):
            time.now += HALF_DAY
            to = {"process": "art", "stage": stages[(back + n) % 3]["name"]} if (back + n) % 4 else {"process": "b2b"}
            with suppress(SalesledgerError):
                record(store, deal, h.moved(time.now - (back * (n + 1)) % 29 * HALF_DAY, **to))
        story.now = time.now


@settings(max_examples=examples(6))
@given(journey=journeys(), back=st.integers(0, 99))
def test_the_map_and_the_ratios_are_what_a_plain_fold_says(journey: Journey, back: int) -> None:
    """At the journey's end and at some pairs of moments; the last cohort's ratios are those of the funnel."""
    with played(journey) as story:
        moved_on(story, back)
        last = asked_of(story.path, as_of=story.now + timedelta(weeks=3), known_at=story.now, periods=PERIODS)
        times = moments(last)
        for a, k in [(-1, -1), *journey.asks]:
            by = ("", *DIMENSIONS)[(a + k) % (len(DIMENSIONS) + 1)] or None
            as_of = last.as_of if a < 0 else times[a % len(times)]
            asked = replace(last, as_of=as_of, known_at=times[k % len(times)], periods=PERIODS[: (a + 1) % 4], by=by)
            with tables(story.path, asked.periods) as answers:
                for name, twin in (("process_map", process_map), ("step_ratios", step_ratios)):
                    assert ordered(answers.ask(name, as_of, asked.known_at, by)) == ordered(twin(asked)), name
            if as_of >= PERIODS[1].begins_at(last.zone):
                with tables(story.path, PERIODS[1:2]) as answers:
                    told = [answers.ask(name, as_of, asked.known_at, by) for name in ("step_ratios", "funnel")]
                ratios, funnel = ([{name: row[name] for name in SHARED} for row in rows] for rows in told)
                assert ratios == funnel


@settings(max_examples=examples(8))
@given(
    cohorts=st.lists(st.tuples(st.integers(17, 24), st.integers(0, 17)), min_size=5, max_size=5),
    late=st.integers(1, 120),
    as_of=st.integers(30, 120),
)
def test_a_step_falls_where_it_leaves_the_range_of_its_past_year(
    cohorts: list[tuple[int, int]], late: int, as_of: int
) -> None:
    """Quarters of about twenty leads, some of which go on at once and some later."""
    with TemporaryDirectory() as folder:
        path = new_ledger(Path(folder) / "sales.ledger")
        with clock(h.at(400)), Store.open(path) as store:
            store.record(
                [
                    [Proposal(f"deal:d{quarter}-{n}", Record(event)) for event in _walk(quarter, n, going_on, late)]
                    for quarter, (leads, going_on) in enumerate(cohorts)
                    for n in range(leads)
                ]
            )
        asked = asked_of(path, as_of=h.at(as_of), known_at=h.at(400), periods=QUARTERS)
        with tables(path, QUARTERS) as answers:
            assert ordered(answers.ask("step_ratios", asked.as_of, asked.known_at)) == ordered(step_ratios(asked))


def _walk(quarter: int, n: int, going_on: int, late: int) -> list[Event]:
    begins = (BEGINS[quarter] - date(2026, 1, 1)).days + 1
    walk: list[Event] = [h.captured(begins + n)]
    return [*walk, h.qualified(begins + n + (late if n % 3 == 0 else 0))] if n < going_on else walk
