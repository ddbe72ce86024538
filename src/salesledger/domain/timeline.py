"""One stream of events as it was recorded, and the timelines that can be read from it: by date and by what was known."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from salesledger.domain.events import Event, EventVoided

UNRECORDED = 2**62
"""Entries from here on are stand-ins for events that the log has not numbered yet."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with what the log knows of it.

    Attributes:
        stream: kind and id, such as 'deal:acme-gmbh'.
        version: the event's place in its stream, from 1.
        entry: its place in the ledger's one total order.
        recorded_at: when the ledger appended it.
        key: the idempotency key that it was recorded under.
    """

    stream: str
    version: int
    event: Event
    entry: int
    recorded_at: datetime
    key: str | None = None

    @property
    def known_at(self) -> datetime:
        """When the organisation knew it."""
        return self.event.known_at or self.recorded_at

    @property
    def place(self) -> tuple[datetime, int]:
        """Where it stands in business time: its effective instant, then its rank."""
        return self.event.effective_at, self.event.rank or self.entry

    @property
    def named(self) -> str:
        """What messages call it: an entry that is about to be recorded has no number yet."""
        return "the new entry" if self.entry >= UNRECORDED else f"entry {self.entry}"

    @property
    def id(self) -> str:
        """The stream's id without its kind."""
        return self.stream.partition(":")[2]


def strikes(records: Iterable[Recorded], known_at: datetime | None = None) -> dict[int, Recorded]:
    """The last void of each chain known by an instant, by the entry that it strikes or restores.

    A void names the event at the bottom of its chain and says whether that is struck from then on; the voids of one chain are
    recorded in the order in which they became known, so the last one known decides.
    """
    last: dict[int, Recorded] = {}
    for record in records:
        if isinstance(record.event, EventVoided) and (known_at is None or record.known_at <= known_at):
            last[record.event.void_root] = record
    return last


def standing(
    records: Iterable[Recorded], as_of: datetime | None = None, known_at: datetime | None = None
) -> list[Recorded]:
    """The events that count at `as_of` as known at `known_at`, in business order; voids and what they strike left out."""
    records = list(records)
    last = strikes(records, known_at)
    struck = {root for root, void in last.items() if isinstance(void.event, EventVoided) and void.event.strikes}
    kept = [
        r
        for r in records
        if not isinstance(r.event, EventVoided)
        and r.entry not in struck
        and (as_of is None or r.event.effective_at <= as_of)
        and (known_at is None or r.known_at <= known_at)
    ]
    return sorted(kept, key=lambda r: r.place)


def numbered(stream: str, version: int, events: Iterable[Event], now: datetime) -> Iterator[Recorded]:
    """Events that are about to be recorded, as if they had been, with stand-in entries that sort behind every real one."""
    for i, event in enumerate(events, start=version + 1):
        yield Recorded(stream=stream, version=i, event=event, entry=UNRECORDED + i, recorded_at=now)
