"""The yardstick's ledger: the stock application, recorder and mapper of the eventsourcing library on SQLite, the same content."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.persistence import JSONTranscoder, Transcoding

from salesledger.domain.events import Event
from salesledger.domain.timeline import Recorded


class Happened:
    """An event as the stock mapper takes it: an object with a dictionary."""

    originator_id: UUID
    originator_version: int


@dataclass
class Collected:
    """What `save` takes fastest: one object that hands its events over."""

    id: UUID
    events: list[Happened]

    def collect_events(self) -> Sequence[Any]:
        """The events, which are then no longer here."""
        collected, self.events = self.events, []
        return collected


class _DateAsISO(Transcoding):
    type = date
    name = "date_iso"

    def encode(self, obj: date) -> str:
        return obj.isoformat()

    def decode(self, data: str) -> date:
        return date.fromisoformat(data)


class StockApplication(Application[UUID]):
    """The library's own application; SQLite's default of synchronous=FULL is what it runs with."""

    def register_transcodings(self, transcoder: JSONTranscoder) -> None:
        """The library's, and one for dates."""
        super().register_transcodings(transcoder)
        transcoder.register(_DateAsISO())


def open_stock(path: Path) -> StockApplication:
    """Open a stock ledger, making it where it is missing."""
    return StockApplication(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)})


def happened(stream: str, version: int, event: Event) -> Happened:
    """The same event for the stock library."""
    made = Happened()
    made.__dict__ = {
        "originator_id": uuid5(NAMESPACE_URL, stream),
        "originator_version": version,
        "type": event.type_name(),
        **event.model_dump(exclude_none=True),
    }
    return made


def fill(app: StockApplication, records: Iterable[Recorded], batch: int = 5_000) -> None:
    """Put the same events into a stock ledger."""
    waiting: list[Any] = []
    for record in records:
        waiting.append(app.mapper.to_stored_event(happened(record.stream, record.version, record.event)))
        if len(waiting) == batch:
            app.recorder.insert_events(waiting)
            waiting = []
    app.recorder.insert_events(waiting)
