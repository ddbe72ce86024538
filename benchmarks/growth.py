"""How cost grows with the ledger: the exponent of processor time from a tenth of the events to all of them."""

from collections.abc import Iterator
from math import log10

from benchmarks.as_of import pipeline
from benchmarks.measure import Line, race
from benchmarks.rebuild import rebuild
from benchmarks.workspace import Workspace
from salesledger.readmodel.engine import Engine

TIMES = 10
ROUNDS = 3
MOST = 1.15


def run(work: Workspace) -> Iterator[Line]:
    """As-of and rebuild on a ledger, and on one ten times as big."""
    small, big = work.ledger(), work.ledger(work.events * TIMES)
    folder = work.scratch("growth")
    with Engine.open(small) as few, Engine.open(big) as many:
        spent, _ = race({"small": lambda: pipeline(few), "big": lambda: pipeline(many)}, ROUNDS)
    yield _line("pipeline as of a date", spent["small"], spent["big"])
    ways = {
        "small": lambda: rebuild(small, folder, work.events),
        "big": lambda: rebuild(big, folder, work.events * TIMES),
    }
    spent, _ = race(ways, 1)
    yield _line("rebuild of the mirror", spent["small"], spent["big"])


def _line(what: str, small: float, big: float) -> Line:
    return Line(
        f"growth exponent, {what}", f"{big:.2f} s CPU", f"{small:.3f} s for a tenth", log10(big / small), (MOST, False)
    )
