"""Restarts: a PostgreSQL server that is stopped at once, again and again, while programs record."""

import random
import time
from collections.abc import Callable
from typing import Any

from faults.common import Process
from faults.kills import SIZES
from faults.own_server import own_server
from faults.recounting import recounted
from salesledger.errors import UnknownOutcome, UnreachableLedger
from salesledger.ledger.postgres_place import PostgresPlace
from salesledger.ledger.store import Store
from support.happenings import captured, contacted
from support.ledgers import record

WRITERS = 2
LONGEST_SECONDS = 0.6
"""How long the server runs at most before it is stopped."""

_AWAY_SECONDS = 0.05


def writer(url: str, name: str, seed: int) -> Callable[[Callable[[Any], None]], None]:
    """What a writer does until it is killed: commands of several events, each told with what became of it."""

    def work(tell: Callable[[Any], None]) -> None:
        draw, number = random.Random(seed), 0
        while True:
            try:
                with Store.open(PostgresPlace.of(url)) as store:
                    while True:
                        number += 1
                        size = draw.choice(SIZES)
                        stream = f"deal:{name}-{number}-{size}"
                        tell(_recorded(store, stream, size))
            except UnreachableLedger:
                time.sleep(_AWAY_SECONDS)

    return work


def _recorded(store: Store, stream: str, size: int) -> list[Any]:
    """What became of a command: its stream, and its entries, or 'refused' or 'unknown'."""
    try:
        return [stream, [r.entry for r in record(store, stream, captured(1), *[contacted(2)] * (size - 1))]]
    except UnreachableLedger:
        return [stream, "refused"]
    except UnknownOutcome:
        return [stream, "unknown"]


def run(count: int, seed: int = 1) -> dict[str, int]:
    """Have two writers record, and stop and start the server so many times.

    Returns:
        runs; what `recounted` gives.
    """
    draw = random.Random(seed)
    with own_server("restarts") as server:
        url = f"{server.url}&schema=faults"
        Store.create(PostgresPlace.of(url), timezone="UTC", currency="EUR", recorded_by="kim").close()
        writers = [Process.start(writer(url, str(i), draw.getrandbits(32))) for i in range(WRITERS)]
        for one in writers:
            one.first_word()
        for _ in range(count):
            time.sleep(draw.uniform(0, LONGEST_SECONDS))
            server.stop_at_once()
            server.start()
        time.sleep(LONGEST_SECONDS)
        for one in writers:
            one.kill()
        told = [line for one in writers for line in one.told()]
        return {"runs": count, **recounted(url, told)}
