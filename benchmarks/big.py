"""Big ledgers: what a past date, weekly snapshots and a rebuild of the mirror cost at a million entries and at eleven.

Each is held against what can't be done without: taking the columns that the answer reads out of their files, or putting the
events in order. All in one run, processor time.
"""

import resource
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from math import log
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.measure import Line, cpu, race
from benchmarks.rebuild import rebuild
from benchmarks.snapshots import floor, in_memory
from benchmarks.workspace import Workspace
from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.mirror import Mirror, filled
from salesledger.readmodel.periods import Span, split
from salesledger.readmodel.resident import Resident

TIMES, ROUNDS = 11, 3
MOST, MOST_GROWTH, MOST_MEMORY = 3.0, 1.1, 4.0
WEEKS = 150
BEGIN = date(2022, 6, 6)
PAST = Question(as_of=datetime(2024, 6, 30, 22, tzinfo=UTC), known_at=datetime(2025, 12, 31, 23, tzinfo=UTC))
"""What is kept of open deals can't answer this, as it knows more: it is read from the segments."""
PRESENT = replace(PAST, known_at=None)
WEEKLY = Question(periods=split(Span(BEGIN, BEGIN + timedelta(weeks=WEEKS)), "week"))
BY_STAGE = "SELECT period, process, stage, deals, amount FROM pipeline_by_period ORDER BY ALL"
READ = (
    *("entry", "stream", "id", "type", "effective_at", "known_at", "moved_rank", "process", "process_version", "stage"),
    *("amount", "recurring_amount", "interval_months", "term_months", "currency", "void_root", "strikes"),
)
"""The mirror's columns without which nobody can say what the pipeline was: order, voids, status, stage and what deals are worth."""


def run(work: Workspace) -> Iterator[Line]:
    """A ledger, and one with eleven times as many full segments."""
    full = filled(work.events)
    sizes = (work.events, full * TIMES + work.events - full)
    paths = [work.ledger(events) for events in sizes]
    alone = [_alone(work, path, events) for path, events in zip(paths, sizes, strict=True)]
    spent = [_measured(path, told) for path, told in zip(paths, alone, strict=True)]
    for events, took in zip(sizes, spent, strict=True):
        yield from _lines(events, took)
    for name in spent[0]:
        small, big = (took[name] for took in spent)
        if name not in ("peak", "built_peak"):
            told = f"{small:.3f} s for {sizes[0]:,}"
            exponent = log(big / small) / log(sizes[1] / sizes[0])
            target = None if name in ("decode", "floor", "entry") else (MOST_GROWTH, False)
            yield Line(f"growth exponent, {name}", f"{big:.2f} s CPU", told, exponent, target)


def _lines(events: int, took: dict[str, float]) -> Iterator[Line]:
    size = f"{events:,} entries"

    def against(what: str, name: str, yardstick: str, told: str, target: tuple[float, bool] | None) -> Line:
        figure, held = took[name], took[yardstick]
        return Line(f"{what}, {size}", f"{figure:.2f} s CPU", f"{told} {held:.2f} s", figure / held, target)

    at_most = (MOST, False)
    yield against("pipeline at a past date, from the segments", "as-of", "decode", "decoding them", at_most)
    yield against("  known now, from what is kept of open deals", "as-of-now", "decode", "decoding them", at_most)
    yield against(f"{WEEKS} weekly snapshots, resident", "weekly", "floor", "numpy", at_most)
    yield against("  from the segments", "weekly-cold", "floor", "numpy", at_most)
    yield Line(
        f"a resident engine, {size}: taking in all", f"{took['resident']:.1f} s CPU, {took['built_peak']:.1f} GiB"
    )
    yield Line("  pipeline at a past date", f"{took['as-of-resident'] * 1000:.0f} ms CPU")
    yield Line("  a new entry", f"{took['entry'] * 1000:.0f} ms CPU")
    yield Line(f"rebuild of the mirror, {size}", f"{took['rebuild']:.1f} s CPU")
    yield Line("  with what is kept of open deals, and a first question", f"{took['first']:.1f} s CPU")
    yield Line("  memory at most", f"{took['peak']:.2f} GiB", "", took["peak"], (MOST_MEMORY, False))


def _measured(path: Path, alone: dict[str, float]) -> dict[str, float]:
    """Processor seconds of everything, by name, and GiB."""
    with Engine.open(path) as engine:
        ways: dict[str, Callable[[], Any]] = {
            "decode": partial(decode, engine),
            "as-of": partial(engine.answer, "pipeline", PAST),
            "as-of-now": partial(engine.answer, "pipeline", PRESENT),
        }
        spent, answers = race(ways, ROUNDS)
        assert answers["as-of"].rows, "nothing was open"
        columns = in_memory(engine)
        weekly: dict[str, Callable[[], Any]] = {
            "floor": partial(floor, columns, WEEKLY.periods, engine.head.zone),
            "weekly-cold": lambda: engine.ask(BY_STAGE, WEEKLY).rows,
        }
        more, answers = race(weekly, ROUNDS)
        assert answers["floor"] == answers["weekly-cold"], "numpy says something else"
    return alone | spent | more


def decode(engine: Engine) -> None:
    """Every value of the columns that are read, out of the segments; nothing is done with them."""
    mirror = Mirror(engine.path, engine.head, lambda: engine.log, engine.duck)
    files = [str(file) for file in mirror.segments()[0]]
    columns = ", ".join(f"last({name})" for name in READ)
    with duckdb.connect() as duck:
        duck.execute(f"SELECT {columns} FROM read_parquet(?)", [files]).fetchall()


def _alone(work: Workspace, path: Path, events: int) -> dict[str, float]:
    """What is measured in processes of their own, whose memory is then that of nothing else."""
    told: dict[str, float] = {}
    ways: tuple[Callable[..., dict[str, float]], ...] = (_rebuilding, _residing)
    for way in ways:
        with get_context("spawn").Pool(1) as pool:
            told |= pool.apply(way, (path, work.scratch("big"), events))
    shutil.rmtree(work.scratch("big"))
    return told


def _rebuilding(path: Path, folder: Path, events: int) -> dict[str, float]:
    began = cpu()
    rebuild(path, folder, events)
    told = {"rebuild": cpu() - began}
    unseen = folder / "unseen.ledger"
    unseen.symlink_to(path.resolve())
    began = cpu()
    with Engine.open(unseen) as engine:
        engine.answer("pipeline", PRESENT)
    return told | {"first": cpu() - began, "peak": peak()}


def _residing(path: Path, folder: Path, events: int) -> dict[str, float]:
    del folder, events
    with _Behind.open(path) as engine:
        began = cpu()
        engine.refresh_history()
        told = {"resident": cpu() - began, "built_peak": peak()}
        engine.held_back -= 1
        began = cpu()
        engine.refresh_history()
        told["entry"] = cpu() - began
        ways = {
            "as-of-resident": partial(engine.answer, "pipeline", PRESENT),
            "weekly": partial(engine.ask, BY_STAGE, WEEKLY),
        }
        return told | race(ways, ROUNDS)[0]


@dataclass(eq=False)
class _Behind(Resident):
    """An engine that sees the last entry of the log only when it is let; as if it were recorded then."""

    held_back: int = 1

    def refresh(self) -> None:
        """Look at the log, up to there."""
        super().refresh()
        self.head = replace(self.head, last_entry=self.head.last_entry - self.held_back)


def peak() -> float:
    """The most memory that this process has had, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
