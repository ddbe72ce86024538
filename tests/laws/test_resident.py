"""What a running program keeps in memory changes no answer, whatever is recorded meanwhile: voids, corrections, late news."""

from contextlib import ExitStack

from hypothesis import event, given, settings

from laws.journeys import PERIODS, Journey, Played, journeys, played
from laws.test_rebuild import segments_of
from salesledger import Ledger
from salesledger.readmodel import resident as resident_module
from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.resident import Resident
from support import examples
from support.asking import asked_of
from support.twins import moments

SQL = (
    "SELECT * FROM deal_history ORDER BY deal, valid_from",
    "SELECT * FROM deals ORDER BY deal",
    "SELECT * FROM pipeline",
)
OF_DEALS = (
    "SELECT * FROM deals ORDER BY deal",
    "SELECT * FROM pipeline",
    "SELECT * FROM bookings ORDER BY ALL",
    "SELECT * FROM blocked ORDER BY ALL",
    "SELECT * FROM metrics",
    "SELECT d.deal, e.entry FROM deals d JOIN deal_changes e ON e.deal = d.deal ORDER BY ALL",
)
AT = (
    *OF_DEALS,
    "SELECT status, stage, count(*), sum(amount) FROM deal_history WHERE valid_from <= $as_of AND $as_of < valid_to "
    "GROUP BY ALL ORDER BY ALL",
    "SELECT * FROM pipeline_by_period",
    "SELECT * FROM deal_states ORDER BY deal",
)


@settings(max_examples=examples(4))
@given(journey=journeys(14, foreign=True))
def test_a_resident_answers_as_one_that_is_just_opened(journey: Journey) -> None:
    """After every append; for any date, and for what was known earlier or up to an entry."""
    with ExitStack() as held:
        running: list[Resident] = []

        def ask(story: Played) -> None:
            if not running:
                running.append(held.enter_context(Ledger.open(story.path).resident()))
            with Engine.open(story.path) as fresh:
                sql = SQL[len(story.recorded) % len(SQL)]
                assert running[0].ask(sql) == fresh.ask(sql)

        held.enter_context(segments_of(12, 3))
        story = held.enter_context(played(journey, after_each=ask))
        event(f"{len(story.recorded) // 10}x10 entries")
        times = moments(asked_of(story.path))
        with Engine.open(story.path) as fresh:
            for a, k in journey.asks:
                at = times[a % len(times)]
                filtered = Question(at, periods=PERIODS, by="owner", filters=("not:owner:kim",))
                asked = [(filtered, OF_DEALS[k % len(OF_DEALS)])]
                asked += [(Question(at, periods=PERIODS[: k % 4]), AT[(a + k + n) % len(AT)]) for n in (0, 5)]
                asked += [(Question(at, times[k % len(times)]), AT[k % len(AT)])]
                asked += [(Question(at, upto=fresh.head.last_entry - k % 5), AT[a % len(AT)])]
                for question, sql in asked:
                    assert running[0].ask(sql, question) == fresh.ask(sql, question), sql


@settings(max_examples=examples(2))
@given(journey=journeys(10))
def test_where_many_deals_are_touched_all_are_redone(journey: Journey) -> None:
    """It gives the same."""
    few, resident_module._FEW = resident_module._FEW, 0
    try:
        test_a_resident_answers_as_one_that_is_just_opened.hypothesis.inner_test(journey)  # type: ignore[attr-defined]
    finally:
        resident_module._FEW = few
