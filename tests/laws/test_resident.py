"""What a running program keeps in memory changes no answer, whatever is recorded meanwhile: voids, corrections, late news."""

from contextlib import ExitStack

from hypothesis import event, given, settings

from laws.journeys import Journey, Played, journeys, played
from laws.test_rebuild import segments_of
from salesledger import Ledger
from salesledger.readmodel import resident as resident_module
from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.resident import Resident
from support import examples
from support.asking import asked_of
from support.twins import moments

SQL = "SELECT * FROM deal_history ORDER BY deal, valid_from"
AT = """
    SELECT status, stage, count(*), sum(amount)
    FROM deal_history
    WHERE valid_from <= $as_of AND $as_of < valid_to
    GROUP BY ALL
    ORDER BY ALL
"""


@settings(max_examples=examples(8))
@given(journey=journeys(14, foreign=True))
def test_a_resident_answers_as_one_that_is_just_opened(journey: Journey) -> None:
    """After every append; for any date, and for what was known earlier or up to an entry."""
    with ExitStack() as held:
        running: list[Resident] = []

        def ask(story: Played) -> None:
            if not running:
                running.append(held.enter_context(Ledger.open(story.path).resident()))
            with Engine.open(story.path) as fresh:
                assert running[0].ask(SQL) == fresh.ask(SQL)

        held.enter_context(segments_of(12, 3))
        story = held.enter_context(played(journey, after_each=ask))
        event(f"{len(story.recorded) // 10}x10 entries")
        times = moments(asked_of(story.path))
        with Engine.open(story.path) as fresh:
            for a, k in journey.asks:
                for question in (
                    Question(times[a % len(times)]),
                    Question(times[a % len(times)], times[k % len(times)]),
                    Question(times[a % len(times)], upto=fresh.head.last_entry - k % 5),
                ):
                    assert running[0].ask(AT, question) == fresh.ask(AT, question)


@settings(max_examples=examples(3))
@given(journey=journeys(10))
def test_where_many_deals_are_touched_all_are_redone(journey: Journey) -> None:
    """It gives the same."""
    few, resident_module._FEW = resident_module._FEW, 0
    try:
        test_a_resident_answers_as_one_that_is_just_opened.hypothesis.inner_test(journey)  # type: ignore[attr-defined]
    finally:
        resident_module._FEW = few
