"""A small ledger to ask questions of."""

from datetime import date
from pathlib import Path

from salesledger import Ledger


def first_quarter(place: Path) -> Ledger:
    """Record a first quarter: one deal won, one lost, one open; the ledger is then asked on its last day."""
    with Ledger.open(place, actor="kim") as told:
        told.record("lead-captured", company="Acme", owner="kim", source="event", amount="1000", on="2026-01-05")
        told.record("lead-qualified", deal="acme", on="2026-01-10")
        told.record("deal-won", deal="acme", amount="900.50", on="2026-02-01")
        told.record("lead-captured", company="Beta", owner="ann", source="event", on="2026-01-20")
        told.record("deal-lost", deal="beta", reason="price", on="2026-03-01")
        told.record("lead-captured", company="Gamma", owner="ann", source="pr", amount="500", on="2026-02-15")
    return Ledger.open(place, actor="kim", today=date(2026, 3, 31))
