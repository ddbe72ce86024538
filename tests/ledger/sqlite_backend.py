"""The SQLite back end, as the contracts reach it."""

import sqlite3
from pathlib import Path
from typing import Any

from ledger.contract import Backend
from salesledger.ledger.store import Store
from support.ledgers import new_ledger, rows


class SQLiteBackend(Backend):
    """A ledger in a file."""

    def __init__(self, folder: Path, currency: str | None = "EUR") -> None:
        self.path = new_ledger(folder / "sales.ledger", currency=currency)

    def store(self) -> Store:
        """One more program that has the file open."""
        return Store.open(self.path)

    def execute(self, statement: str) -> None:
        """Run SQL through a connection of its own."""
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=0)
        try:
            connection.execute(statement)
        finally:
            connection.close()

    def log(self) -> list[Any]:
        """The table's rows."""
        return rows(self.path)
