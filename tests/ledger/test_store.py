"""Recording into SQLite keeps the contract."""

from pathlib import Path

import pytest

from ledger.contract import Backend
from ledger.key_contract import KeyContract
from ledger.sqlite_backend import SQLiteBackend
from ledger.store_contract import StoreContract


class OnSQLite:
    """Files in a folder of the test's own."""

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        """A fresh file."""
        return SQLiteBackend(tmp_path)

    @pytest.fixture
    def backend_without_currency(self, tmp_path: Path) -> Backend:
        """A fresh file, no currency in it."""
        return SQLiteBackend(tmp_path, currency=None)


class TestSQLiteStore(OnSQLite, StoreContract):
    """Commands into a file."""


class TestSQLiteKeys(OnSQLite, KeyContract):
    """Commands with keys into a file."""
