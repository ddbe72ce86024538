"""What a backtest keeps beside the mirror: one that was stopped goes on where it was, one that was done is read again.

A cache: it may be deleted at any time. It holds models as they are, so it is read back class by class from a list: nothing in it
can make the program import or call anything else.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from salesledger.forecast.backtest import Plan, feed_until, replays
from salesledger.forecast.chances import Chances, chances_in
from salesledger.forecast.model import Model
from salesledger.forecast.registry import build
from salesledger.forecast.replay import Said, replay
from salesledger.forecast.rows import Told, told_in
from salesledger.ledger.format import Head
from salesledger.ledger.place import Where, connect_to_read, mirror_of
from salesledger.ledger.raw import marks
from salesledger.readmodel.engine import Engine
from salesledger.readmodel.mirror import BACKTESTS, Progress

_MOST = 4
"""So many backtests are kept, the latest ones."""

_KEPT_EVERY_SECONDS = 20

_OURS = "salesledger.forecast."
_THEIRS = (
    "sklearn._loss.",
    "sklearn.compose._column_transformer",
    "sklearn.ensemble._hist_gradient_boosting.",
    "sklearn.preprocessing.",
)
"""Modules whose classes may be read back, and no functions: what a fitted learner is made of."""

_PLAIN = {
    ("builtins", "set"),
    ("builtins", "frozenset"),
    ("builtins", "slice"),
    ("builtins", "range"),
    ("builtins", "complex"),
    ("builtins", "bytearray"),
    ("collections", "Counter"),
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    ("collections", "deque"),
    ("datetime", "date"),
    ("datetime", "datetime"),
    ("datetime", "timedelta"),
    ("datetime", "timezone"),
    ("decimal", "Decimal"),
    ("functools", "partial"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy", "float64"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.random._pcg64", "PCG64"),
    ("numpy.random._pickle", "__bit_generator_ctor"),
    ("numpy.random._pickle", "__generator_ctor"),
    ("numpy.random.bit_generator", "SeedSequence"),
    ("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"),
    ("sklearn.utils.validation", "check_array"),
}


@dataclass
class Done:
    """What of a backtest is done.

    Attributes:
        group: how many replays are over; there is one for each weekday that has origins.
        week: the last week of the next one that was shown to `models`; -1 for none.
        models: as they had learned by then.
        told: what was said so far.
        chances: what was given to single deals so far.
    """

    group: int = 0
    week: int = -1
    models: Sequence[Model] = ()
    told: list[Told] = field(default_factory=list)
    chances: list[Chances] = field(default_factory=list)


@dataclass(frozen=True)
class Shelf:
    """Where one backtest of a ledger is kept.

    Attributes:
        file: its file; the name follows from the ledger, its position, what was asked, and the code that answers.
    """

    file: Path

    @classmethod
    def of(cls, path: Where, head: Head, asked: object) -> Shelf:
        """The place of a backtest.

        Args:
            path: the ledger's file.
            head: what is known of the ledger.
            asked: all that its rows hang on; it is told apart by its repr.
        """
        with closing(connect_to_read(path)) as log:
            last = marks(log, [head.last_entry])
        told = json.dumps([head.ledger_id, last, repr(asked), _code()])
        return cls(mirror_of(path) / BACKTESTS / f"{hashlib.sha256(told.encode()).hexdigest()[:24]}.done")

    def take(self) -> Done:
        """What is done already; nothing where there is no file, or it can't be used."""
        try:
            found = _Reader(io.BytesIO(self.file.read_bytes())).load()
        except (
            OSError,
            pickle.UnpicklingError,
            EOFError,
            AttributeError,
            ImportError,
            IndexError,
            TypeError,
            ValueError,
        ):
            return Done()
        return found if isinstance(found, Done) else Done()

    def put(self, done: Done) -> None:
        """Keep what is done; that it can't be written is no matter."""
        draft = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as stream:
                pickle.dump(done, stream, protocol=5)
            draft.replace(self.file)
            kept = sorted(self.file.parent.glob("*.done"), key=lambda file: file.stat().st_mtime)
            for old in kept[:-_MOST]:
                old.unlink(missing_ok=True)
        except (OSError, pickle.PicklingError, TypeError, AttributeError):
            with suppress(OSError):
                draft.unlink()


def resumed(
    engine: Engine,
    plan: Plan,
    shelf: Shelf,
    *,
    deals: bool,
    progress: Progress | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> tuple[Done, bool]:
    """A backtest, gone on with where it was stopped.

    Args:
        engine: the ledger's reader.
        plan: what to do.
        shelf: where it is kept.
        deals: whether the chances of single deals are wanted too.
        progress: told of weeks, of how many.
        is_stopped: asked after each week whether to end early.

    Returns:
        What is done, and whether that is all.
    """
    done = shelf.take()
    groups = replays(plan.origins())
    kept_at = time.monotonic()
    while done.group < len(groups):
        origins = groups[done.group]
        wanted, models = set(origins), done.models or build(plan.models, plan.interval, plan.asked)
        for said, total in _from(done.week + 1, engine, origins[-1], models, plan):
            if said.week.on in wanted:
                done.told += [told for told in told_in(said, plan.models) if told.span.offset in plan.offsets]
                if deals:
                    done.chances += chances_in(said, plan.offsets)
            done.week, done.models = said.week.number, models
            if progress:
                progress(done.group * total + done.week + 1, len(groups) * total)
            stopped = is_stopped()
            if stopped or time.monotonic() - kept_at > _KEPT_EVERY_SECONDS:
                shelf.put(done)
                kept_at = time.monotonic()
            if stopped:
                return done, False
        done.group, done.week, done.models = done.group + 1, -1, ()
    shelf.put(done)
    return done, True


def _from(number: int, engine: Engine, last: date, models: Sequence[Model], plan: Plan) -> Iterator[tuple[Said, int]]:
    """What is said from a week on up to the one that ends with a day, and how many weeks there are."""
    feed = feed_until(engine, last)
    if feed is not None:
        weeks = itertools.islice(feed.weeks(), number, None)
        for said in replay(weeks, models, plan.spans_at):
            yield said, len(feed.days)


class _Reader(pickle.Unpickler):
    """Reads nothing but what backtests are made of."""

    def find_class(self, module: str, name: str) -> Any:
        """A class of ours or a plain one; whatever else is asked for is refused."""
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        if "." not in name and module.startswith((_OURS, *_THEIRS)):
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__.startswith((_OURS, *_THEIRS)):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a backtest")


def _code() -> str:
    """A hash of the code that forecasts."""
    told = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        told.update(file.read_bytes())
    return told.hexdigest()
