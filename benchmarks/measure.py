"""How things are measured: processor time or the clock, in turns with the yardstick, the best of several rounds."""

import gc
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PROGRAM = [sys.executable, "-c", "from salesledger.cli import main; main()"]
"""The command line, without its script."""


@dataclass(frozen=True)
class Line:
    """A line of the report.

    Attributes:
        what: what was measured.
        figure: its figure, with a unit.
        yardstick: the yardstick's figure.
        ratio: what is held against the target.
        target: the bound, and whether the ratio must be at least (True) or at most (False) that; None where nothing was promised.
    """

    what: str
    figure: str
    yardstick: str = ""
    ratio: float | None = None
    target: tuple[float, bool] | None = None

    @property
    def verdict(self) -> str:
        """Whether the target holds: 'ok' or 'missed'; empty where there is none."""
        if self.ratio is None or self.target is None:
            return ""
        bound, at_least = self.target
        return "ok" if (self.ratio >= bound if at_least else self.ratio <= bound) else "missed"

    def cells(self) -> list[str]:
        """The line as text, a cell a column."""
        bound = f"{'>=' if self.target[1] else '<='} {self.target[0]:g}" if self.target else ""
        return [
            self.what,
            self.figure,
            self.yardstick,
            "" if self.ratio is None else f"{self.ratio:.2f}",
            bound,
            self.verdict,
        ]


def cpu() -> float:
    """Processor seconds of this process and of its children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def race(
    ways: Mapping[str, Callable[[], Any]], rounds: int, clock: Callable[[], float] = cpu
) -> tuple[dict[str, float], dict[str, Any]]:
    """Run each way in turn, several times.

    Returns:
        The least seconds that each took, and what each gave back the last time.
    """
    best = dict.fromkeys(ways, float("inf"))
    given: dict[str, Any] = {}
    for _ in range(rounds):
        for name, way in ways.items():
            given.pop(name, None)
            gc.collect()
            began = clock()
            given[name] = way()
            best[name] = min(best[name], clock() - began)
    return best, given


def walls(ways: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """The seconds on the clock that each way took, in order, run in turns."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            taken[name].append(time.perf_counter() - began)
    return {name: sorted(seconds) for name, seconds in taken.items()}


def report(lines: Sequence[Line]) -> str:
    """The lines as a table."""
    return table([["what", "figure", "yardstick", "ratio", "target", ""], *(line.cells() for line in lines)])


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as an aligned table, the first one its head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
