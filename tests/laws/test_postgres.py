"""Whatever happens, a ledger on a PostgreSQL server holds and says what one in a file does."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from hypothesis import given, settings

from laws.journeys import Journey, journeys, played
from salesledger.ledger.place import Where, connect_to_read
from salesledger.ledger.postgres_place import PostgresPlace
from salesledger.ledger.raw import RawEntry, raw_entries
from salesledger.ledger.verify import verify
from salesledger.readmodel.engine import Engine, Question
from support import examples
from support.asking import asked_of
from support.postgres import drop, new_schema
from support.twins import moments


@contextmanager
def on_the_server() -> Iterator[PostgresPlace]:
    """A schema, taken away in the end."""
    url = new_schema()
    try:
        yield PostgresPlace.of(url)
    finally:
        drop(url)


def moved(path: Path, place: PostgresPlace) -> PostgresPlace:
    """A copy of a file's ledger on the server."""
    with closing(connect_to_read(path)) as log, place.making() as draft:
        log.begin()
        draft.take(log)
    return place


def rows_of(where: Where) -> list[RawEntry]:
    """Every row of a log."""
    with closing(connect_to_read(where)) as log:
        log.begin()
        return list(raw_entries(log))


def answers(where: Where, times: list[datetime]) -> list[object]:
    """What every projection reads, and what some say at some moments."""
    with Engine.open(where) as engine:
        told: list[object] = [engine.head, engine.ask("SELECT * FROM events ORDER BY entry").rows]
        for name in ("deals", "pipeline", "metrics", "accounts"):
            told += [sorted(map(repr, engine.answer(name, Question(as_of=time, known_at=time)).rows)) for time in times]
    return told


@settings(max_examples=examples(4))
@given(journey=journeys())
def test_a_journey_is_the_same_on_both(journey: Journey) -> None:
    """Every byte of the log, the root of the tree over it, every column of every event as projections read it, and answers."""
    with on_the_server() as place, played(journey) as story:
        with played(journey, put=lambda path: moved(path, place)):
            pass
        assert rows_of(place) == rows_of(story.path)
        assert verify(place).root == verify(story.path).root
        times = moments(asked_of(story.path))
        chosen = [times[len(times) // 2], times[-1]]
        assert answers(place, chosen) == answers(story.path, chosen)
