"""Sealing after each entry of a big ledger, against a durable INSERT; verifying all of it, against hashing its bytes."""

import shutil
import sqlite3
from collections.abc import Iterator
from hashlib import sha256

from benchmarks.measure import Line, race, walls
from benchmarks.workspace import Workspace
from salesledger.ledger import seal_key
from salesledger.ledger.raw import raw_entries
from salesledger.ledger.seal import seal
from salesledger.ledger.sealing import seal_now
from salesledger.ledger.sqlite_log import SQLiteLog
from salesledger.ledger.verdict import Verdict
from salesledger.ledger.verify import verify

TIMES = 40
MOST_SECONDS = 0.010
LEAST_A_SECOND = 80_000
ROUNDS = 2


def run(work: Workspace) -> Iterator[Line]:
    """Seals of one entry each, and a full verification."""
    path = work.scratch("seal") / "sealed.ledger"
    shutil.copyfile(work.ledger(), path)
    seal_now(path, recorded_by="bench")
    key = seal_key.read(seal_key.place_of(path))
    assert key is not None
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")

    def append() -> None:
        connection.execute(
            "INSERT INTO stored_events (originator_id, originator_version, topic, state, recorded_at) "
            "SELECT 'deal:bench-' || (entry + 1), 1, topic, state, recorded_at FROM stored_events ORDER BY entry DESC LIMIT 1"
        )

    taken = walls({"append": append, "seal": lambda: seal(path, key)}, TIMES)
    connection.close()
    ours, bare = (taken[name][TIMES // 2] for name in ("seal", "append"))
    yield Line(
        "seal after one entry, seconds",
        f"{ours * 1000:.1f} ms",
        f"a durable INSERT {bare * 1000:.1f} ms",
        ours,
        (MOST_SECONDS, False),
    )

    def hashed() -> bytes:
        with sqlite3.connect(path, factory=SQLiteLog) as reader:
            total = sha256()
            for row in raw_entries(reader):
                total.update(row.state)
            return total.digest()

    spent, given = race({"verify": lambda: verify(path), "hash": hashed}, ROUNDS)
    verdict: Verdict = given["verify"]
    assert verdict.ok, verdict.findings
    rate = verdict.entries / spent["verify"]
    yield Line(
        "full verification, entries a second",
        f"{rate:,.0f}/s CPU",
        f"hashing alone {verdict.entries / spent['hash']:,.0f}/s",
        rate,
        (LEAST_A_SECOND, True),
    )
