"""A question to a ledger, as the twins take it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from salesledger.domain.clocks import LATEST
from salesledger.domain.timeline import Recorded
from salesledger.ledger.format import Head, connect_to_read, read_head
from salesledger.readmodel.periods import Period
from support.ledgers import log_of
from support.twins import Asked


def head_of(path: Path) -> Head:
    """What a reader knows of a ledger."""
    connection = connect_to_read(path)
    try:
        return read_head(connection, path)
    finally:
        connection.close()


def asked_of(
    path: Path,
    log: Sequence[Recorded] | None = None,
    *,
    as_of: datetime = LATEST,
    known_at: datetime = LATEST,
    periods: Sequence[Period] = (),
    by: str | None = None,
) -> Asked:
    """A question to what a ledger holds."""
    head = head_of(path)
    return Asked(
        log=log_of(path) if log is None else log,
        as_of=as_of,
        known_at=known_at,
        zone=head.zone,
        stages={(p, v, stage): (position, Decimal(chance)) for p, v, stage, position, chance, *_ in head.stages},
        currency=head.currency,
        periods=periods,
        by=by,
    )
