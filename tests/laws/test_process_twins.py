"""The reports on the steps of the process say what a plain fold of the same events says."""

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from laws.journeys import Journey, journeys, played
from laws.test_twins import Twin, questions
from salesledger.domain.process import Criterion
from support import examples, twin_process
from support.answers import ordered, tables
from support.asking import asked_of
from support.books import books
from support.happenings import captured, defined

TWINS: dict[str, Twin] = {
    "judgements": twin_process.judgements,
    "hand_over_offers": twin_process.hand_over_offers,
    "hand_overs": twin_process.hand_overs,
    "meetings": twin_process.meetings,
    "pain_points": twin_process.pain_points,
    "losses": twin_process.losses,
    "discounts": twin_process.discounts,
}
WORDS = (
    "wood",
    "WOOD",
    "Σίσυφος",
    "ΣΊΣΥΦΟΣ",
    "İzmir",
    "izmir",
    "ß",
    "ẞ",
    "5",
    "-5",
    "5.0",
    "5.00001",
    "1e3",
    "٥",
    "05",
    "a'b",
)
NAMES = ("size", "sector", "a b", '"q"', "it's", "$.x", "~1/", "é")


def criteria() -> st.SearchStrategy[Criterion]:
    """A condition on one of a few facts, with bounds, words or both."""
    bounds = st.none() | st.integers(-60000, 60000).map(lambda n: Decimal(n) / 10000)
    words = st.lists(st.sampled_from(WORDS), max_size=3).map(tuple)
    return st.builds(
        lambda name, low, high, some, none: Criterion(
            attribute=name, at_least=low, at_most=high, one_of=some, none_of=none or ("x",)
        ),
        st.sampled_from(NAMES),
        bounds,
        bounds,
        words,
        words,
    )


@settings(max_examples=examples(8))
@given(journey=journeys())
def test_sql_says_what_a_plain_fold_says(journey: Journey) -> None:
    """At the journey's end and at some pairs of moments."""
    with played(journey) as story:
        for asked in questions(story, journey.asks):
            with tables(story.path, asked.periods) as answers:
                for name, twin in TWINS.items():
                    rows = answers.ask(name, asked.as_of, asked.known_at, asked.by)
                    assert ordered(rows) == ordered(twin(asked)), name


@settings(max_examples=examples(8))
@given(
    asked_for=st.lists(st.lists(criteria(), min_size=1, max_size=4), min_size=1, max_size=3),
    facts=st.lists(
        st.dictionaries(st.sampled_from(NAMES), st.sampled_from(WORDS) | st.text("aZΣ.5-İ", min_size=1), max_size=5),
        min_size=1,
        max_size=8,
    ),
)
def test_sql_judges_as_the_domain_does(asked_for: list[list[Criterion]], facts: list[dict[str, Any]]) -> None:
    """Whatever the facts are called and say: numbers in odd notations, words in any alphabet."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = books(Path(folder))
        for number, listed in enumerate(asked_for):
            ledger.record("process:art", defined(number + 1, process_version=number + 1, criteria=listed))
        for number, told in enumerate(facts):
            ledger.record(f"d{number}", captured(1, attributes=told or None))
        with tables(ledger.path) as answers:
            assert ordered(answers.ask("judgements")) == ordered(twin_process.judgements(asked_of(ledger.path)))
