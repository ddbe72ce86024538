"""Cuts: connections to a PostgreSQL server that end at the worst moments, through a proxy that drops what it should pass on."""

import random
import select
import socket
import threading
from contextlib import closing, suppress
from typing import Any

import pytest

from faults.kills import SIZES
from faults.recounting import recounted
from salesledger.domain.decide import Record
from salesledger.errors import Conflict, UnknownOutcome, UnreachableLedger
from salesledger.ledger import store as store_module
from salesledger.ledger.batch import Proposal
from salesledger.ledger.postgres_place import PostgresPlace
from salesledger.ledger.store import Store
from support.happenings import captured, contacted
from support.postgres import by_way_of, dialled, drop, new_schema

WRITERS = 4
WAYS = ("reply", "request", "both", "half")
"""The reply is dropped; the request is; nobody waits for the reply; half of the reply comes through."""

_WRITES = (b"lead-captured/1", b"COMMIT")
"""What requests hold that are cut: appends, and the ends of transactions."""

CHANCE = 0.3


class Proxy:
    """Passes bytes between clients and the server, and cuts connections in mid-append.

    Args:
        most: how many it cuts.
        seed: of the chances.
    """

    def __init__(self, most: int, seed: int) -> None:
        self.most, self.cuts, self._draw = most, 0, random.Random(seed)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), closing(client), closing(dialled()) as server:
            way = None
            while True:
                for one in select.select([client, server], [], [])[0]:
                    told = one.recv(1 << 20)
                    if not told:
                        return
                    if one is client:
                        way = self._way(told)
                        if way == "request":
                            return
                        server.sendall(told)
                        if way == "both":
                            return
                    elif way == "half":
                        client.sendall(told[: len(told) // 2])
                        return
                    elif way == "reply":
                        return
                    else:
                        client.sendall(told)

    def _way(self, request: bytes) -> str | None:
        """How to cut a request, if it writes and chance will have it."""
        if self.cuts >= self.most or not any(word in request for word in _WRITES) or self._draw.random() >= CHANCE:
            return None
        self.cuts += 1
        return self._draw.choice(WAYS)


def _write(url: str, name: str, proxy: Proxy, told: list[tuple[str, Any]]) -> None:
    """Record commands, some of them under a key, until enough were cut."""
    draw, number = random.Random(name), 0
    with Store.open(PostgresPlace.of(url)) as store:
        while proxy.cuts < proxy.most:
            number += 1
            size = draw.choice(SIZES)
            stream = f"deal:{name}-{number}-{size}"
            wishes = [captured(1), *[contacted(2)] * (size - 1)]
            key = f"{name}-{number}" if draw.random() < 0.3 else None
            group = [Proposal(stream, Record(wish), key if i == 0 else None) for i, wish in enumerate(wishes)]
            try:
                (outcomes,) = store.record([group])
                told.append((stream, [r.entry for outcome in outcomes for r in outcome.recorded]))
            except (UnreachableLedger, Conflict):
                told.append((stream, "refused"))
            except UnknownOutcome:
                told.append((stream, "unknown"))


def run(count: int, seed: int = 1) -> dict[str, int]:
    """Have two writers record through the proxy until so many appends were cut: half of them with the lock held beforehand.

    Returns:
        cuts; what `recounted` gives.
    """
    url = new_schema()
    Store.create(PostgresPlace.of(url), timezone="UTC", currency="EUR", recorded_by="kim").close()
    told: list[tuple[str, Any]] = []
    cuts = 0
    try:
        for part, tries in enumerate((1, store_module.TRIES)):  # with one try only, each takes the lock before it looks
            proxy = Proxy(count // 2, seed + part)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(store_module, "TRIES", tries)
                through = by_way_of(url, proxy.port)
                writers = [
                    threading.Thread(target=_write, args=(through, f"{part}-{i}", proxy, told)) for i in range(WRITERS)
                ]
                for one in writers:
                    one.start()
                for one in writers:
                    one.join()
            proxy.close()
            cuts += proxy.cuts
        return {"cuts": cuts, **recounted(url, told)}
    finally:
        drop(url)
