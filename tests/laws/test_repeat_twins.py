"""Repeat business is what a plain fold of the won deals says, for every date and every state of knowledge."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from laws.journeys import PERIODS, Journey, journeys, played
from salesledger.domain.decide import Command, Record
from support import examples, twin_repeat
from support import happenings as h
from support.answers import Row, Tables, ordered, tables
from support.asking import asked_of
from support.books import books
from support.twins import Asked, moments

TWINS: dict[str, Callable[[Asked], list[Row]]] = {
    "repeat": twin_repeat.repeat,
    "repeat_share": twin_repeat.repeat_share,
}


def assert_same(asked: Asked, answers: Tables) -> None:
    """Each projection has the rows of its twin."""
    for name, twin in TWINS.items():
        assert ordered(answers.ask(name, asked.as_of, asked.known_at, asked.by)) == ordered(twin(asked)), name


@settings(max_examples=examples(8))
@given(journey=st.one_of(journeys(), journeys(whole=True)))
def test_sql_says_what_a_plain_fold_says(journey: Journey) -> None:
    """Over journeys with late entries, voids and corrections."""
    with played(journey) as story:
        last = asked_of(story.path, as_of=story.now, known_at=story.now, periods=PERIODS)
        times = moments(last)
        for a, k in [(len(times) - 1, len(times) - 1), *journey.asks]:
            by = (None, "owner", "account", "product")[(a + k) % 4]
            asked = replace(last, as_of=times[a % len(times)], known_at=times[k % len(times)], by=by)
            with tables(story.path, asked.periods) as answers:
                assert_same(asked, answers)


@settings(max_examples=examples(8))
@given(
    orders=st.lists(
        st.tuples(
            st.sampled_from(["x", "y", "z", None]),
            st.integers(1, 120),
            st.sampled_from([None, "0", "10.25", "99999999999999.9999"]),
        ),
        max_size=25,
    ),
    as_of=st.integers(1, 150),
)
def test_sql_says_so_of_many_orders(orders: list[tuple[str | None, int, str | None]], as_of: int) -> None:
    """Over many orders of few clients."""

    with tempfile.TemporaryDirectory() as folder:
        ledger = books(Path(folder))
        for name in "xyz":
            ledger.record(f"account:{name}", h.opened(1))
        for i, (account, day, amount) in enumerate(orders):
            wishes: list[Command] = [
                Record(h.captured(day, account=account, company=f"C{i % 3}")),
                Record(h.won(day, amount=amount)),
            ]
            ledger.record(f"deal:d{i}", *wishes)
        asked = asked_of(ledger.path, as_of=h.at(as_of), known_at=h.at(300), periods=PERIODS)
        with tables(ledger.path, asked.periods) as answers:
            assert_same(asked, answers)
