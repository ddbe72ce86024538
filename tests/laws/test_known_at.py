"""The second law: asking with known_at = K is asking a ledger that holds only the entries known by K."""

import shutil
import sqlite3
from datetime import datetime
from pathlib import Path

from hypothesis import event, given, settings
from hypothesis import strategies as st

from laws.journeys import PERIODS, Journey, journeys, played
from salesledger.domain.clocks import LATEST
from salesledger.readmodel.engine import DIMENSIONS
from support import examples
from support.answers import REPORTS, ordered, tables
from support.asking import asked_of
from support.ledgers import log_of
from support.twins import moments

FRAME = ("settings", "process")
"""Streams that hold for the whole ledger, whenever they became known: its zone, its currency, its processes."""


def only_what_was_known(path: Path, known_at: datetime) -> Path:
    """A ledger that holds only the entries known by then, under the same numbers, and what holds for the whole ledger."""
    kept = [r.entry for r in log_of(path) if r.known_at <= known_at or r.stream.startswith(FRAME)]
    target = path.with_name("known.ledger")
    shutil.copyfile(path, target)
    connection = sqlite3.connect(target)
    connection.execute("DROP TRIGGER stored_events_no_delete")
    connection.execute(f"DELETE FROM stored_events WHERE entry NOT IN ({', '.join(map(str, kept))})")
    connection.commit()
    connection.close()
    return target


@settings(max_examples=examples(20))
@given(journey=st.booleans().flatmap(lambda foreign: journeys(foreign=foreign)))
def test_what_was_known_is_all_there_is_to_a_ledger_that_holds_no_more(journey: Journey) -> None:
    """Every projection, at some moments, split and by period."""
    with played(journey) as story:
        times = moments(asked_of(story.path, story.recorded))
        a, k = journey.asks[0]
        known_at = times[k % len(times)]
        less = only_what_was_known(story.path, known_at)
        event(f"{10 * len(log_of(less)) // len(log_of(story.path))} of 10 entries known")
        by = ("", *DIMENSIONS)[a % (len(DIMENSIONS) + 1)] or None
        with tables(story.path, PERIODS) as whole, tables(less, PERIODS) as part:
            for as_of in (times[a % len(times)], LATEST):
                for name in REPORTS:
                    wanted = part.ask(name, as_of, LATEST, by)
                    assert (name, ordered(whole.ask(name, as_of, known_at, by))) == (name, ordered(wanted))
