"""The mirror made anew from the log, against reading the same events as objects."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.measure import Line, race
from benchmarks.stock import fill, open_stock
from benchmarks.workspace import Workspace
from salesledger.ledger.application import LedgerApplication
from salesledger.readmodel.duck import connected
from salesledger.readmodel.engine import Engine
from salesledger.readmodel.mirror import SMALL, Mirror

MAPPED = 200_000
ROUNDS = 3


def run(work: Workspace) -> Iterator[Line]:
    """A rebuild of all segments; the objects are made of the first events only, which takes long enough."""
    path, folder = work.ledger(), work.scratch("rebuild")
    events = work.events // SMALL * SMALL
    mapped = min(MAPPED, events)
    ours, stock = LedgerApplication(path), open_stock(folder / "stock.db")
    fill(stock, (ours.to_recorded(one) for one in _notifications(ours, mapped)))
    ways = {
        "rebuild": lambda: rebuild(path, folder, events),
        "ours": lambda: _map(ours, mapped),
        "stock": lambda: _map(stock, mapped),
    }
    spent, read = race(ways, ROUNDS)
    assert read == {"rebuild": events, "ours": mapped, "stock": mapped}, read
    ours.close()
    stock.close()
    mirror, mine, theirs = (spent[name] / read[name] * 1e6 for name in ways)
    yield Line(
        "rebuild of the mirror", f"{mirror:.1f} us CPU an event", f"our mapper {mine:.1f} us", mine / mirror, (5, True)
    )
    yield Line("  the same", f"{mirror:.1f} us CPU an event", f"stock mapper {theirs:.1f} us", theirs / mirror)


def rebuild(path: Path, folder: Path, events: int) -> int:
    """Write the segments of a ledger's first events into an empty place, and say how many events they hold."""
    with Engine.open(path) as engine:
        head = replace(engine.head, last_entry=events)
        mirror = Mirror(folder / "rebuilt", head, lambda: engine.log, connected(folder / "rebuilt"))
        shutil.rmtree(mirror.folder, ignore_errors=True)
        _, upto = mirror.segments()
    return upto


def _map(app: Any, events: int) -> int:
    number = 0
    for one in _notifications(app, events):
        app.mapper.to_domain_event(one)
        number += 1
    return number


def _notifications(app: Any, events: int) -> Iterator[Any]:
    start = 1
    while start <= events and (found := app.recorder.select_notifications(start, 1_000, events)):
        yield from found
        start = found[-1].id + 1
