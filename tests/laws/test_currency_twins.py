"""The third law where amounts are in several currencies whose rates move, and the walk of the pipeline between any two dates."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings

from laws.journeys import Journey, journeys, played
from laws.test_twins import differences, questions
from salesledger.readmodel.engine import DIMENSIONS
from support import examples, twin_walk
from support.answers import Row, ordered, tables
from support.asking import asked_of
from support.twins import moments

RATES = {
    "rate_history": twin_walk.rate_history,
    "rates": twin_walk.rates,
    "rate_days": twin_walk.rate_days,
}


@settings(max_examples=examples(5))
@given(journey=journeys(foreign=True))
def test_sql_converts_as_a_plain_fold_does(journey: Journey) -> None:
    """Every projection, the rates among them, at the journey's end and at some pairs of moments."""
    with played(journey) as story:
        for asked in questions(story, journey.asks):
            with tables(story.path, asked.periods) as answers:
                assert differences(asked, answers) == []
                for name, twin in RATES.items():
                    rows = answers.ask(name, asked.as_of, asked.known_at)
                    for row in rows:
                        row.pop("place", None)
                    assert ordered(rows) == ordered(twin(asked))


@settings(max_examples=examples(6))
@given(journey=journeys(foreign=True))
def test_the_walk_adds_up_between_any_two_dates(journey: Journey) -> None:
    """To the last decimal, for every group and period; it begins and ends at what `pipeline` says; and it is its twin's."""
    with played(journey) as story:
        for n, asked in enumerate(questions(story, journey.asks)):
            times = [t for t in moments(asked_of(story.path)) if t <= asked.as_of]
            for k in (n * 13, journey.asks[0][0] + n, journey.asks[1][1]):
                since, by = times[k % len(times)], (None, *DIMENSIONS)[k % (len(DIMENSIONS) + 1)]
                question = replace(asked, by=by)
                with tables(story.path, question.periods) as answers:
                    rows = answers.ask("pipeline_walk", asked.as_of, asked.known_at, by, since)
                    assert ordered(rows) == ordered(twin_walk.walk(question, since))
                    moves = answers.ask("pipeline_moves", asked.as_of, asked.known_at, by, since)
                    assert ordered(moves) == ordered(twin_walk.moves(question, since))
                    if not question.periods:
                        ends = [answers.ask("pipeline", t, asked.known_at) for t in (since, asked.as_of)]
                        assert [total(rows, "opening"), total(rows, "closing")] == [total(end) for end in ends]
                for group in {row["group"] for row in rows}:
                    assert adds_up([row for row in rows if row["group"] == group])


def total(rows: list[Row], line: str | None = None) -> tuple[int, Decimal]:
    """How many deals, and what they are worth."""
    kept = [row for row in rows if line is None or row["line"] == line]
    return sum(row["deals"] for row in kept), sum((row["amount"] or Decimal(0) for row in kept), Decimal(0))


def adds_up(lines: list[Row]) -> bool:
    """Whether all that came, changed and went leads from the opening to the closing."""
    *before, last = lines
    return bool(last["line"] == "closing" and sum(row["amount"] for row in before) == last["amount"])
