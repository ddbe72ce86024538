"""Simulated ledgers and what the oracle said of them: made once and kept, `PRESET/SEED.ledger` and `PRESET/SEED.oracle.csv`."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks import firm as f
from benchmarks.oracle import foresee, weekly_origins
from benchmarks.scoring import LEVELS, Row, load, save
from benchmarks.simulated_ledger import write
from benchmarks.simulator import Journeys, simulate


def folder() -> Path:
    """Where they are kept: `$SALESLEDGER_SIMULATIONS`, else a temporary folder."""
    return Path(os.environ.get("SALESLEDGER_SIMULATIONS") or Path(tempfile.gettempdir()) / "salesledger-simulations")


@dataclass(frozen=True)
class Simulation:
    """A firm that was played.

    Attributes:
        preset: its size.
        seed: which of that size.
        where: the folder that keeps what is made.
    """

    preset: str
    seed: int
    where: Path

    @property
    def name(self) -> str:
        """Such as 'large/1'."""
        return f"{self.preset}/{self.seed}"

    @cached_property
    def journeys(self) -> Journeys:
        """What happened in it."""
        return simulate(f.make_firm(self.preset, self.seed), self.seed)

    def ledger(self) -> Path:
        """Its ledger."""
        path = self.place(".ledger")
        if not path.exists():
            draft = path.with_suffix(f".{os.getpid()}.draft")
            write(self.journeys, draft)
            draft.rename(path)
        return path

    def oracle(self) -> list[Row]:
        """What the oracle said at each weekly origin."""
        path = self.place(".oracle.csv")
        if not path.exists():
            save(path, self._foreseen())
        return load(path)

    def place(self, ending: str) -> Path:
        """Where something of it is kept, such as '.models.csv'."""
        path = self.where / self.preset / f"{self.seed}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _foreseen(self) -> Iterator[Row]:
        for seen in foresee(self.journeys, weekly_origins()):
            yield Row(
                firm=self.name,
                model="oracle",
                origin=f.day_of(seen.origin - 1),
                period=label(seen.quarter),
                ahead=seen.quarter - int(self.journeys.firm.calendar.quarter[seen.origin]),
                horizon_days=int(f.EDGES[seen.quarter + 1]) - seen.origin,
                actual=round(float(self.journeys.booked[seen.quarter]), 2),
                mean=float(seen.samples.mean()),
                quantiles=np.quantile(seen.samples, LEVELS),
            )


def label(quarter: int) -> str:
    """What a quarter is called: 2024Q1."""
    begins = f.quarter_start(quarter)
    return f"{begins.year}Q{(begins.month + 2) // 3}"
