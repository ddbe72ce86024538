"""The ledgers that the benchmarks work on, made once and kept as long as their folder is."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generator import generate
from salesledger.readmodel.engine import Engine


@dataclass(frozen=True)
class Workspace:
    """A folder for what is measured.

    Attributes:
        folder: where ledgers are made; what is there from an earlier run is used again.
        events: the events of the ledger that most benchmarks ask.
    """

    folder: Path
    events: int

    def ledger(self, events: int | None = None) -> Path:
        """A ledger of so many events (of `self.events` where absent), with its mirror."""
        wanted = events or self.events
        path = self.folder / f"{wanted}.ledger"
        if not path.exists():
            print(f"... making a ledger of {wanted:,} events", flush=True)
            draft = self.folder / f"{wanted}.draft"
            generate(draft, wanted)
            draft.rename(path)
        with Engine.open(path) as engine:
            engine.ask("SELECT max(entry) FROM events")
        return path

    def scratch(self, name: str) -> Path:
        """An empty folder for one benchmark."""
        folder = self.folder / f"scratch-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder
