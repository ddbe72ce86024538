"""Ledgers for tests: made from a copy in a moment, written to under a clock that the test sets."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path

import pytest

from salesledger.api import Ledger
from salesledger.domain.decide import Command, Record
from salesledger.domain.events import Event
from salesledger.domain.timeline import Recorded
from salesledger.ledger import recorder as recorder_module
from salesledger.ledger import store as store_module
from salesledger.ledger.batch import Outcome, Proposal
from salesledger.ledger.files import make_private
from salesledger.ledger.mapper import LoggedEvent
from salesledger.ledger.store import Store
from support.happenings import at

BEGINNING = at(-200)
"""When the ledgers of the tests were made: before anything that happens in them."""


@dataclass
class Clock:
    """The clock that the ledger looks at."""

    now: datetime


@contextmanager
def clock(now: datetime) -> Iterator[Clock]:
    """Give the ledger a clock that shows what the test says."""
    told = Clock(now)

    class Told(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return told.now.astimezone(tz)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder_module, "datetime", Told)
        patch.setattr(store_module, "datetime", Told)
        yield told


@cache
def _made(timezone: str, currency: str | None) -> bytes:
    with tempfile.TemporaryDirectory() as folder, clock(BEGINNING):
        path = Path(folder) / "made.ledger"
        Store.create(path, timezone=timezone, currency=currency, recorded_by="kim").close()
        return path.read_bytes()


def new_ledger(path: Path, timezone: str = "UTC", currency: str | None = "EUR") -> Path:
    """A ledger with its beginning, the B2B process and its currency: a copy of one that `Store.create` made."""
    make_private(path)
    path.write_bytes(_made(timezone, currency))
    return path


def record(store: Store, stream: str, *wishes: Command | Event) -> list[Recorded]:
    """Record some commands in one append, or none of them."""
    group = [Proposal(stream, Record(wish) if isinstance(wish, Event) else wish) for wish in wishes]
    (outcomes,) = store.record([group])
    return [entry for outcome in outcomes for entry in outcome.recorded]


def propose(store: Store, stream: str, wish: Command | Event, key: str | None = None, **more: bool) -> Outcome:
    """Record one command, with a key."""
    proposal = Proposal(stream, Record(wish) if isinstance(wish, Event) else wish, key, **more)
    return store.record([[proposal]])[0][0]


def log_of(path: Path, kind: str = "") -> list[Recorded]:
    """Every entry of a ledger, in order, or those of one kind of stream."""
    with Store.open(path) as store:
        logged = store.app.recorder.select_notifications(None, 1_000_000)
        recorded = [store.app.to_recorded(one) for one in logged if isinstance(one, LoggedEvent)]
        return [r for r in recorded if r.stream.startswith(kind)]


def rows(path: Path) -> list[tuple[object, ...]]:
    """The log as it lies in the file."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT * FROM stored_events ORDER BY entry").fetchall()
    finally:
        connection.close()


def write(path: Path, *happenings: tuple[str, Sequence[Command | Event]], now: datetime | None = None) -> Path:
    """Record what happened in each stream, at one moment of the ledger's clock."""
    with clock(now or at(365)), Store.open(path) as store:
        for stream, wishes in happenings:
            for wish in wishes:
                record(store, stream, wish)
    return path


@contextmanager
def without_privileges(folder: Path) -> Iterator[None]:
    """Let the test run as somebody whom file permissions stop: root is not stopped by any.

    Args:
        folder: what that somebody must be able to reach.
    """
    if os.geteuid() != 0:
        yield
        return
    opened = [parent for parent in [folder, *folder.parents] if not parent.stat().st_mode & 0o001]
    modes = {parent: parent.stat().st_mode for parent in opened}
    for parent in opened:
        parent.chmod(modes[parent] | 0o011)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        for parent, mode in modes.items():
            parent.chmod(mode)


def file_of(ledger: Ledger) -> Path:
    """The file of a ledger that is kept in one."""
    assert isinstance(ledger.path, Path)
    return ledger.path
