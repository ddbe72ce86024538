"""What each projection costs on a ledger and on a tenth of it, against building the history of every deal."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from math import log10

from benchmarks.measure import Line, cpu
from benchmarks.workspace import Workspace
from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.periods import Span, split

YARDSTICK = "deal_history"
MOST, MOST_GROWTH = 2.0, 1.15
BASES = ("events", "deal_entries", "deal_changes")
"""What others read; nobody asks for them as a whole."""

QUESTION = Question(
    as_of=datetime(2025, 12, 31, 23, tzinfo=UTC),
    since=datetime(2025, 9, 30, 22, tzinfo=UTC),
    periods=split(Span(date(2024, 1, 1), date(2026, 1, 1)), "quarter"),
)


def run(work: Workspace) -> Iterator[Line]:
    """Every projection that ships, by quarters of two years where it has periods."""
    few, many = work.ledger(work.events // 10), work.ledger()
    with Engine.open(few) as small, Engine.open(many) as big:
        names = [name for name in sorted(big.projections) if name not in BASES]
        yardstick = _seconds(big, YARDSTICK)
        for name in names:
            tenth, whole = _seconds(small, name), _seconds(big, name)
            yield Line(name, f"{whole:.2f} s CPU", f"{YARDSTICK} {yardstick:.2f} s", whole / yardstick, (MOST, False))
            yield Line(
                "  growth exponent", "", f"{tenth:.3f} s for a tenth", log10(whole / tenth), (MOST_GROWTH, False)
            )


def _seconds(engine: Engine, name: str) -> float:
    """The least processor time of two runs; the rows stay inside DuckDB."""
    best = float("inf")
    for _ in range(2):
        began = cpu()
        engine.ask(f'SELECT count(*), count(COLUMNS(*)) FROM "{name}"', replace(QUESTION))
        best = min(best, cpu() - began)
    return best
