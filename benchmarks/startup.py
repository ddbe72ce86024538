"""How soon the command line answers, on the clock, against importing what it stands on."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import Line, walls
from benchmarks.workspace import Workspace

COMMAND = Path(sys.executable).with_name("salesledger")
ROUNDS = 25


def run(work: Workspace) -> Iterator[Line]:
    """`--help`, and a report in a new process."""
    path = work.ledger()
    report = _run(COMMAND, "-f", str(path), "pipeline", "--as-of", "2024-06-30")
    try:
        report()
    except (OSError, subprocess.CalledProcessError) as e:
        yield Line(f"skipped: the command line does not work now ({e})", "")
        return
    ways = {
        "help": _run(COMMAND, "--help"),
        "click": _run(sys.executable, "-c", "import click"),
        "report": report,
        "duckdb": _run(sys.executable, "-c", "import duckdb"),
    }
    taken = walls(ways, ROUNDS)
    yield _line("salesledger --help", taken["help"], "import click", taken["click"], 1.6)
    yield _line(f"pipeline --as-of, {work.events:,} events", taken["report"], "import duckdb", taken["duckdb"], 2.5)


def _run(*command: str | Path) -> Callable[[], object]:
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _line(what: str, ours: list[float], yardstick: str, theirs: list[float], most: float) -> Line:
    mine, other = (f"{t[0] * 1000:.0f} ms (median {t[len(t) // 2] * 1000:.0f})" for t in (ours, theirs))
    return Line(what, mine, f"{yardstick} {other}", ours[0] / theirs[0], (most, False))
