"""Recording into SQLite keeps the contract."""

from pathlib import Path

import pytest

from ledger.contract import Backend
from ledger.sqlite_backend import SQLiteBackend
from ledger.store_contract import StoreContract


class TestSQLiteStore(StoreContract):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        """A fresh file."""
        return SQLiteBackend(tmp_path)

    @pytest.fixture
    def backend_without_currency(self, tmp_path: Path) -> Backend:
        """A fresh file, no currency in it."""
        return SQLiteBackend(tmp_path, currency=None)
