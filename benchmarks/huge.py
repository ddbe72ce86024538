"""`python -m benchmarks huge`: a hundred million entries beside eleven million, the memory and the time that answers take.

Takes an hour and 60 GB of the disk the first time. The hundred million are nine copies of the eleven, see `copies`; their mirror
is made anew each time. Processor time, in one run; of what a person waits for, the clock's as well.
"""

import argparse
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from math import log
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.big import BY_STAGE, MOST, MOST_GROWTH, PAST, PRESENT, WEEKLY, WEEKS, decode, peak
from benchmarks.copies import copy
from benchmarks.measure import PROGRAM, Line, cpu, race, report
from benchmarks.workspace import Workspace
from salesledger.readmodel.engine import Engine
from salesledger.readmodel.mirror import Mirror

EVENTS, TIMES = 11_002_500, 9
ROUNDS = 2
LIMIT = "4GB"
_QUESTION = ["pipeline", "--as-of", "2024-06-30"]


def main(args: list[str]) -> None:
    """Make the ledgers where they are not there yet, measure, and print each figure as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks huge", description=__doc__)
    parser.add_argument("--workdir", type=Path, required=True, help="where the ledgers are made, and used again")
    work = Workspace(parser.parse_args(args).workdir, EVENTS)
    small = work.ledger()
    lines = []
    for line in _lines(small, _huge(work, small)):
        print("...", *line.cells(), flush=True)
        lines.append(line)
    print(report(lines))


def _huge(work: Workspace, small: Path) -> Path:
    path = work.folder / f"{EVENTS}x{TIMES}.ledger"
    if not path.exists():
        print(f"... making a ledger of {TIMES} times as many", flush=True)
        draft = path.with_suffix(".draft")
        copy(small, draft, TIMES)
        draft.rename(path)
    return path


def _lines(small: Path, huge: Path) -> Iterator[Line]:
    with get_context("spawn").Pool(1) as pool:
        told = pool.apply(_rebuilding, (huge,))
    events = f"{told['entries']:,.0f} entries"
    yield Line(f"the mirror made anew, {events}", f"{told['rebuild']:.0f} s CPU, {told['clock']:.0f} s")
    yield Line("  with what is kept of open deals, and a first question", f"{told['first']:.0f} s CPU")
    yield Line("  memory at most", f"{told['peak']:.1f} GiB")
    spent = [_asked(path, None) for path in (small, huge)]
    before, after = spent
    for name, target in (("as-of", (MOST, False)), ("as-of-now", (MOST, False)), ("weekly", None)):
        yield Line(
            f"{_WHAT[name]}, {events}",
            f"{after[name]:.1f} s CPU",
            f"decoding the columns {after['decode']:.1f} s",
            after[name] / after["decode"],
            target,
        )
    for name in before:
        exponent = log(after[name] / before[name]) / log(TIMES)
        figures = (f"{after[name]:.2f} s CPU", f"{before[name]:.2f} s for {EVENTS:,}")
        yield Line(f"growth exponent, {_WHAT[name]}", *figures, exponent, (MOST_GROWTH, False))
    within = _asked(huge, LIMIT)
    for name in ("as-of", "weekly"):
        yield Line(
            f"{_WHAT[name]}, --memory {LIMIT}", f"{within[name]:.1f} s CPU", "without", within[name] / after[name]
        )
    for path in (small, huge):
        seconds = min(_waited(path) for _ in range(ROUNDS + 1))
        yield Line(f"salesledger {' '.join(_QUESTION)}, {path.stem}", f"{seconds:.2f} s on the clock")


_WHAT = {
    "decode": "decoding the columns that the pipeline reads",
    "as-of": "the pipeline at a past date, from the segments",
    "as-of-now": "the same, known now, from what is kept of open deals",
    "weekly": f"{WEEKS} weekly snapshots, from the segments",
}


def _rebuilding(path: Path) -> dict[str, float]:
    with Engine.open(path) as engine:
        mirror = Mirror(path, engine.head, lambda: engine.log, engine.duck)
        shutil.rmtree(mirror.folder, ignore_errors=True)
        began, spent = time.perf_counter(), cpu()
        mirror.segments()
        told = {"clock": time.perf_counter() - began, "rebuild": cpu() - spent, "entries": engine.head.last_entry}
        spent = cpu()
        engine.answer("pipeline", PRESENT)
        return told | {"first": cpu() - spent, "peak": peak()}


def _asked(path: Path, memory: str | None) -> dict[str, float]:
    with Engine.open(path, memory=memory) as engine:
        ways: dict[str, Callable[[], Any]] = {
            "decode": partial(decode, engine),
            "as-of": partial(engine.answer, "pipeline", PAST),
            "as-of-now": partial(engine.answer, "pipeline", PRESENT),
            "weekly": partial(engine.ask, BY_STAGE, WEEKLY),
        }
        spent, answers = race(ways, ROUNDS)
        assert all(answers[name].rows for name in ("as-of", "as-of-now", "weekly")), "nothing was open"
    return spent


def _waited(path: Path) -> float:
    began = time.perf_counter()
    subprocess.run([*PROGRAM, "-f", str(path), *_QUESTION], check=True, capture_output=True)
    return time.perf_counter() - began
