"""Makes a big, realistic and valid ledger: `python -m benchmarks.generator PATH --events N --seed S`.

The same seed gives the same events (the ledger's id and its `recorded_at` stamps differ). Only deals that are under way are
held in memory. At the end a sample of streams is mapped back, judged by the domain's own rules, and compared byte by byte.
"""

import argparse
import heapq
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random

from benchmarks.journeys import ENTRY, EVENTS_A_DEAL, Step, journey
from salesledger.domain.deal_events import DealAdvanced, DealReopened, Moving
from salesledger.domain.decide import KINDS, Context, fold, kind_of, violations
from salesledger.domain.timeline import standing
from salesledger.ledger.application import LedgerApplication
from salesledger.ledger.mapper import KeyedEvent, Pending
from salesledger.ledger.store import Store

BEGIN = int(datetime(2021, 1, 4, tzinfo=UTC).timestamp())
END = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp())
"""The deals of every ledger begin between these instants, however many they are."""

BATCH = 5_000
"""Events in an append."""


def generate(path: Path, events: int, seed: int = 1) -> None:
    """Make a ledger that holds that many events in all (a correction's pair is never cut, so it may be one more).

    Raises:
        LedgerExists: there is a file at that place already.
        AssertionError: what was made is not what the domain would have recorded.
    """
    with Store.create(path, timezone="Europe/Berlin", currency="EUR", recorded_by="bench") as store:
        entry = store.app.recorder.max_notification_id() or 0
        batch: list[KeyedEvent] = []
        for group in _groups(seed, events, entry + 1):
            batch += group
            if entry + len(batch) >= events or len(batch) >= BATCH:
                store.app.recorder.append(batch)
                entry += len(batch)
                batch = []
            if entry >= events:
                break
        check(store, Random(seed), sample=300)


def _groups(seed: int, events: int, entry: int) -> Iterator[list[KeyedEvent]]:
    """Events in the log's order without end; those of a deal that became known at one instant in one group.

    Args:
        seed: where chance begins.
        events: how many there will be between BEGIN and END, roughly.
        entry: what the log will number the first one.
    """
    rng = Random(seed)
    spacing = (END - BEGIN) / (events / EVENTS_A_DEAL)
    referrers: deque[str] = deque(maxlen=1000)
    under_way: list[tuple[int, int, _Walk]] = []
    for number in count(1):
        start = BEGIN + int(number * spacing)
        while under_way and under_way[0][0] < start:
            _, of, walk = under_way[0]
            group = walk.next_group(entry)
            entry += len(group)
            referrers.extend(str(e.originator_id).partition(":")[2] for e in group if e.topic == "account-opened/1")
            yield group
            if walk.left:
                heapq.heapreplace(under_way, (walk.left[-1][0], of, walk))
            else:
                heapq.heappop(under_way)
        heapq.heappush(under_way, (start, number, _Walk(number, journey(rng, number, start, referrers))))


class _Walk:
    """What is left of a journey, the next step last, as (known, stream, topic, text, its step, the step it is about)."""

    def __init__(self, number: int, steps: list[Step]) -> None:
        self.number = number
        places = {id(step): place for place, step in enumerate(steps)}
        self.left = [(s.known, s.stream, *s.encode(), places[id(s.about)] if s.about else -1) for s in reversed(steps)]
        self.entries: list[int] = []
        self.versions: dict[str, int] = {}

    def next_group(self, entry: int) -> list[KeyedEvent]:
        group: list[KeyedEvent] = []
        known = self.left[-1][0]
        while self.left and self.left[-1][0] == known:
            _, stream, topic, text, about = self.left.pop()
            if about >= 0:
                text = text.replace(ENTRY, str(self.entries[about]))
            self.versions[stream] = version = self.versions.get(stream, 0) + 1
            self.entries.append(entry + len(group))
            group.append(KeyedEvent(stream, version, topic, text.encode(), f"crm:{self.number}:{len(self.entries)}"))
        return group


def check(store: Store, rng: Random, sample: int) -> None:
    """Hold some streams against the domain: the same bytes, a possible timeline after each entry, the stages it would give."""
    context = Context(store.processes(), "EUR", datetime.now(UTC))
    last = store.app.recorder.max_notification_id() or 0
    streams = {store.entry(rng.randint(1, last)).stream for _ in range(sample)}
    for stream in sorted(s for s in streams if kind_of(s) in ("deal", "account")):
        _check_stream(store.app, stream, context)


def _check_stream(app: LedgerApplication, stream: str, context: Context) -> None:
    records = app.records(stream)
    stored = app.recorder.select_events(stream)
    for place, (record, logged) in enumerate(zip(records, stored, strict=True), start=1):
        again = app.mapper.to_stored_event(Pending(stream, record.version, record.event))
        assert (again.topic, again.state) == (logged.topic, logged.state), f"{again.state!r} is not {logged.state!r}"
        if place < len(records) and records[place].event.replaces is not None:
            continue  # a correction's pair is appended at once
        found = violations(stream, standing(records[:place]), context)
        assert not found, f"{stream} is impossible after entry {record.entry}: {found}"
        event = record.event
        if isinstance(event, Moving) and not isinstance(event, DealAdvanced | DealReopened):
            bare = event.model_copy(update={"process": None, "stage": None})
            before = [r for r in standing(records[: place - 1]) if r.place < record.place]
            completed = KINDS[kind_of(stream)].complete(fold(stream, before), bare, context)
            assert completed == event, f"{stream}: entry {record.entry} is {event!r}, not {completed!r}"


def main() -> None:
    """Make a ledger as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generator", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--events", type=int, default=100_000, help="how many events (100000)")
    parser.add_argument("--seed", type=int, default=1, help="where chance begins (1)")
    asked = parser.parse_args()
    began = time.perf_counter()
    generate(asked.path, asked.events, asked.seed)
    seconds = time.perf_counter() - began
    print(f"{asked.events:,} events in {seconds:.1f} s ({asked.events / seconds:,.0f} a second)")


if __name__ == "__main__":
    main()
