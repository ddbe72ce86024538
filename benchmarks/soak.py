"""`python -m benchmarks soak`: writers and readers on one ledger for some minutes, and what became of all that they did.

Each writer records commands of one to three events and keeps what it was told. Each reader asks for the log again and again,
through the mirror and the tail as every report does, and holds each answer against what it saw before and against what was
acknowledged before it asked. Nothing may be missed, come twice, or be older than what somebody was told already.
"""

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

from salesledger.domain.deal_events import LeadCaptured, LeadContacted
from salesledger.domain.decide import Record
from salesledger.errors import LockedLedger, UnreachableLedger
from salesledger.ledger.batch import Proposal
from salesledger.ledger.place import Where
from salesledger.ledger.store import Store
from salesledger.readmodel.engine import Engine
from salesledger.readmodel.reader import to_path

_FORK = multiprocessing.get_context("fork")

_NEW = """
    SELECT entry, id, version FROM events WHERE entry > $seen ORDER BY entry
"""


def main(args: list[str]) -> None:
    """Run it, and print what was seen as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__)
    parser.add_argument(
        "--ledger", help="where to make a ledger: a file, or a postgresql:// URL; a temporary file where absent"
    )
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=1)
    asked = parser.parse_args(args)
    with tempfile.TemporaryDirectory() as folder:
        place = to_path(asked.ledger or str(Path(folder) / "soak.ledger"))
        seen = soak(place, asked.writers, asked.readers, asked.minutes * 60)
    sys.stdout.write(json.dumps(seen, indent=2) + "\n")


def soak(place: Where, writers: int, readers: int, seconds: float) -> dict[str, Any]:
    """Make a ledger, have it written and read for so long, and count.

    Returns:
        entries acknowledged and commands; how many of them the log lost or holds twice; answers read, entries missed in them or
        come twice, answers older than what was acknowledged before they were asked for; the median and the 99th percentile of the
        seconds that a command and an answer took.
    """
    Store.create(place, timezone="UTC", currency="EUR", recorded_by="soak").close()
    told: Any = _FORK.Queue()
    last: Synchronized[int] = _FORK.Value("q", 0)
    until = time.monotonic() + seconds
    work = [
        *(_FORK.Process(target=_write, args=(place, n, until, last, told)) for n in range(writers)),
        *(_FORK.Process(target=_read, args=(place, until, last, told)) for _ in range(readers)),
    ]
    for one in work:
        one.start()
    found = [told.get() for _ in work]
    for one in work:
        one.join()
    return _counted(place, found)


def _write(place: Where, number: int, until: float, last: "Synchronized[int]", told: Any) -> None:
    draw, acknowledged, spent, refused = random.Random(number), [], [], 0
    with Store.open(place) as store:
        turn = 0
        while time.monotonic() < until:
            turn += 1
            stream = f"deal:w{number}-{turn}"
            began = time.monotonic()
            now = store.present()
            wishes: list[Any] = [
                LeadCaptured(effective_at=now, recorded_by="soak", company=stream),
                *[LeadContacted(effective_at=now, recorded_by="soak", channel="call")] * draw.randrange(3),
            ]
            try:
                (outcomes,) = store.record([[Proposal(stream, Record(wish)) for wish in wishes]])
            except (LockedLedger, UnreachableLedger):
                refused += 1
                continue
            spent.append(time.monotonic() - began)
            entries = [r.entry for outcome in outcomes for r in outcome.recorded]
            acknowledged.append((stream, entries))
            with last.get_lock():
                last.value = max(last.value, entries[-1])
    told.put(("writer", acknowledged, spent, refused))


def _read(place: Where, until: float, last: "Synchronized[int]", told: Any) -> None:
    wrong, spent, seen = Counter[str](), list[float](), 0
    known: dict[int, tuple[str, int]] = {}
    with Engine.open(place) as engine:
        engine.duck.execute("SET threads = 1")
        while time.monotonic() < until:
            due = last.value
            began = time.monotonic()
            rows = engine.ask(_NEW, values={"seen": max(0, seen - 200)}).rows
            spent.append(time.monotonic() - began)
            entries = [row[0] for row in rows]
            expected = list(range(max(0, seen - 200) + 1, max(0, seen - 200) + 1 + len(rows)))
            wrong["missed"] += len(set(expected) - set(entries))
            wrong["doubled"] += len(entries) - len(set(entries))
            wrong["changed"] += sum(
                known.get(entry, (stream, version)) != (stream, version) for entry, stream, version in rows
            )
            known = {entry: (stream, version) for entry, stream, version in rows[-200:]}
            end = entries[-1] if entries else seen
            wrong["stale"] += end < max(due, seen)
            seen = max(seen, end)
    told.put(("reader", dict(wrong), spent, 0))


def _counted(place: Where, found: Iterable[tuple[str, Any, list[float], int]]) -> dict[str, Any]:
    written = [one for one in found if one[0] == "writer"]
    read = [one for one in found if one[0] == "reader"]
    with Engine.open(place) as engine:
        log = dict(engine.ask("SELECT entry, stream || ':' || id FROM events").rows)
    acknowledged = [
        (stream, entry) for _, commands, _, _ in written for stream, entries in commands for entry in entries
    ]
    held = Counter(stream for stream in log.values() if stream.startswith("deal:"))
    wanted = Counter(stream for stream, _ in acknowledged)
    wrong: Counter[str] = Counter()
    for _, counts, _, _ in read:
        wrong.update(counts)
    return {
        "commands": sum(len(commands) for _, commands, _, _ in written),
        "entries": len(acknowledged),
        "refused": sum(refused for *_, refused in written),
        "lost": sum(log.get(entry) != stream for stream, entry in acknowledged),
        "doubled": sum(held[stream] != count for stream, count in wanted.items()) + len(set(held) - set(wanted)),
        "answers": sum(len(spent) for _, _, spent, _ in read),
        "answers_wrong": {name: wrong[name] for name in ("missed", "doubled", "changed", "stale")},
        "command_seconds": _spread([second for _, _, spent, _ in written for second in spent]),
        "answer_seconds": _spread([second for _, _, spent, _ in read for second in spent]),
    }


def _spread(seconds: list[float]) -> dict[str, float]:
    """The median, the 99th percentile and the worst."""
    ordered = sorted(seconds) or [0.0]
    places = {f"p{share}": min(len(ordered) - 1, len(ordered) * share // 100) for share in (50, 99, 100)}
    return {name: round(ordered[place], 4) for name, place in places.items()}
