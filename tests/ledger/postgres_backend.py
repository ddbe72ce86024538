"""The PostgreSQL back end, as the contracts reach it."""

from typing import Any

import psycopg

from ledger.contract import Backend
from salesledger.ledger.place import Place
from salesledger.ledger.postgres_place import PostgresPlace
from salesledger.ledger.raw import COLUMNS
from salesledger.ledger.store import Store
from support.ledgers import BEGINNING, clock
from support.postgres import drop, new_schema


class PostgresBackend(Backend):
    """A ledger in a schema of its own."""

    def __init__(self, currency: str | None = "EUR") -> None:
        self.url = new_schema()
        self.place: Place = PostgresPlace.of(self.url)
        with clock(BEGINNING):
            Store.create(self.place, timezone="UTC", currency=currency, recorded_by="kim").close()

    def store(self) -> Store:
        """One more program that has it open."""
        return Store.open(self.place)

    def connected(self) -> psycopg.Connection[Any]:
        """A connection of the database's administrator."""
        assert isinstance(self.place, PostgresPlace)
        url = self.place.url
        return psycopg.connect(url.conninfo, autocommit=True, options=f"-c search_path={url.schema}")

    def execute(self, statement: str) -> None:
        """Run SQL as the administrator."""
        with self.connected() as connection:
            connection.execute(statement)

    def log(self) -> list[Any]:
        """The table's rows."""
        with self.connected() as connection:
            return connection.execute(f"SELECT {COLUMNS} FROM stored_events ORDER BY entry").fetchall()

    def close(self) -> None:
        """Take it away."""
        drop(self.url)
