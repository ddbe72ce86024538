"""The PostgreSQL log keeps the contracts."""

from collections.abc import Iterator

import pytest

from ledger.contract import Backend, RecorderContract
from ledger.key_contract import KeyContract
from ledger.postgres_backend import PostgresBackend
from ledger.store_contract import StoreContract


class OnPostgres:
    """Schemas of the test's own."""

    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        """A fresh schema."""
        made = PostgresBackend()
        yield made
        made.close()

    @pytest.fixture
    def backend_without_currency(self) -> Iterator[Backend]:
        """A fresh schema, no currency in it."""
        made = PostgresBackend(currency=None)
        yield made
        made.close()


class TestPostgresRecorder(OnPostgres, RecorderContract):
    """The log in a schema."""


class TestPostgresStore(OnPostgres, StoreContract):
    """Commands into a schema."""


class TestPostgresKeys(OnPostgres, KeyContract):
    """Commands with keys into a schema."""
