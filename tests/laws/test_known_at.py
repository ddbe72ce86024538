"""The second law: asking with known_at = K is asking a ledger that holds only the entries known by K."""

import shutil
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import event, given, settings
from hypothesis import strategies as st

from laws.journeys import PERIODS, Journey, journeys, played
from salesledger.domain.clocks import LATEST
from salesledger.domain.decide import Void
from salesledger.domain.events import EventVoided
from salesledger.errors import SalesledgerError
from salesledger.ledger.store import Store
from salesledger.readmodel.catalogue import load
from salesledger.readmodel.engine import DIMENSIONS
from support import examples
from support.answers import Row, ordered, tables
from support.asking import asked_of
from support.ledgers import clock, log_of, record
from support.twins import moments

NAMES = tuple(name for name, projection in load().items() if "known_at" in projection.parameters)
"""Every projection that ships, but for the log itself: that holds what was recorded, whenever it became known."""

FRAME = ("settings", "process")
"""Streams that hold for the whole ledger, whenever they became known: its zone, its currency, its processes' stages."""


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


@settings(max_examples=examples(4))
@given(journey=st.booleans().flatmap(lambda foreign: journeys(foreign=foreign, whole=True)))
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
                for name in NAMES:
                    wanted = part.ask(name, as_of, known_at if name == "judgements" else LATEST, by)
                    assert (name, ordered(whole.ask(name, as_of, known_at, by))) == (name, ordered(wanted))


BELIEFS = ("deal_history_as_known", "deal_audit")
"""What tells how belief changed, or what was recorded, shows the strike and its end too."""


@settings(max_examples=examples(3))
@given(journey=journeys(whole=True))
def test_a_strike_that_is_taken_back_leaves_every_answer_as_it_was(journey: Journey) -> None:
    """Void and void of the void: every projection says what it said before either, and asked with a known-at before, always."""
    with played(journey) as story, clock(story.now) as time:
        before = answers_of(story.path, LATEST)
        known_at = story.now
        time.now += timedelta(days=1)
        with Store.open(story.path) as store:
            for entry in reversed([r for r in story.recorded if not isinstance(r.event, EventVoided)]):
                try:
                    (void,) = record(store, entry.stream, Void(entry.entry, "slip", "max"))
                except SalesledgerError:
                    continue
                time.now += timedelta(days=1)
                record(store, entry.stream, Void(void.entry, "it was right", "max"))
                break
        assert answers_of(story.path, LATEST) == before
        assert answers_of(story.path, known_at) == before


def answers_of(path: Path, known_at: datetime) -> dict[str, list[Row]]:
    """What every projection says, but for what tells of strikes themselves."""
    with tables(path, PERIODS) as asked:
        return {name: ordered(asked.ask(name, LATEST, known_at)) for name in NAMES if name not in BELIEFS}
