"""From when on each currency has an exchange rate, and what stands in the way of taking its first rate back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from salesledger.domain.clocks import day
from salesledger.domain.decide import Context
from salesledger.domain.events import EventVoided
from salesledger.domain.rate import RateSet, first_rate
from salesledger.domain.timeline import Recorded, standing
from salesledger.errors import NOTHING_RECORDED, Refused

Records = Callable[[str], Sequence[Recorded]]
"""Everything that a stream holds."""


@dataclass
class FirstRates:
    """The instant of each currency's first rate, looked up when it is asked for and kept as rates are added.

    Args:
        records: gives a stream's records; they are only ever added to, or taken away again.
    """

    records: Records
    _seen: dict[str, tuple[int, Recorded | None, datetime | None]] = field(default_factory=dict)

    def __call__(self, currency: str) -> datetime | None:
        """The instant of the first rate that stands; None where there is none."""
        records = self.records(f"rate:{currency}")
        count, last, first = self._seen.get(currency, (0, None, None))
        new = records[count:]
        is_longer = count == 0 or (count <= len(records) and records[count - 1] is last)
        if not is_longer or any(isinstance(record.event, EventVoided) for record in new):
            first = first_rate(records)
        elif new and (added := first_rate(new)) is not None:
            first = added if first is None else min(first, added)
        self._seen[currency] = len(records), records[-1] if records else None, first
        return first


def refuse_to_unrate(
    currency: str, before: datetime | None, context: Context, records: Records, users: Callable[[str], Iterable[str]]
) -> None:
    """Make sure that no amount is left without a rate where the first rate of its currency was taken back, or moved.

    Args:
        currency: the currency.
        before: when its first rate was, before.
        context: what decisions look at, which knows when the first rate is now.
        records: gives a stream's records.
        users: gives the streams that may hold amounts in a currency.

    Raises:
        Refused: there is such an amount.
    """
    after = context.first_rate(currency)
    if before is None or (after is not None and after <= before):
        return
    rated_from = None if after is None else after.astimezone(context.zone).date()
    for stream in users(currency):
        for record in standing(records(stream)):
            on = record.event.effective_at.astimezone(context.zone).date()
            if isinstance(record.event, RateSet) or getattr(record.event, "currency", None) != currency:
                continue
            if rated_from is None or on < rated_from:
                raise Refused(
                    f"Entry {record.entry} ({record.id} on {on}) is in {currency}, which would have no exchange rate on that day. "
                    f"Set another one first: 'salesledger rate set {currency} RATE --on {day(before, context.zone)}'. "
                    f"{NOTHING_RECORDED}"
                )
