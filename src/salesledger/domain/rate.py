"""Exchange rates: one stream a currency, named by its ISO code."""

from collections.abc import Iterable
from datetime import datetime

from salesledger.domain.events import Event
from salesledger.domain.iso4217 import CODES
from salesledger.domain.timeline import Recorded, standing
from salesledger.domain.values import Currency, Rate


class RateSet(Event):
    """What one unit of a currency is worth in the ledger's own, from then on.

    Attributes:
        currency: the foreign currency.
        rate: units of the ledger's currency for one of it.
    """

    TOPIC = "rate-set/1"
    STREAM = "rate"

    currency: Currency
    rate: Rate


def first_rate(records: Iterable[Recorded]) -> datetime | None:
    """The instant of the first rate of a stream that stands; None where there is none."""
    return next((r.event.effective_at for r in standing(records) if isinstance(r.event, RateSet)), None)


def refuse(event: Event, own: str | None) -> str | None:
    """Why the rate is impossible, or None."""
    if not isinstance(event, RateSet):
        return None
    if own is None:
        return "the ledger has no currency of its own yet; record an amount in it first, or make the ledger with --currency"
    if event.currency == own:
        return f"{own} is the ledger's own currency, which is worth 1"
    if event.currency not in CODES:
        return f"{event.currency} is no currency of ISO 4217; write a code such as USD"
    return None
