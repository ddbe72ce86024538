"""Where a ledger begins: periods that it holds only in part must not count as poor ones."""

from __future__ import annotations

from datetime import timedelta

from salesledger.forecast.week import Span, Week, day_number

_SLACK_DAYS = 7


class Beginning:
    """The first day of which anything is known."""

    def __init__(self) -> None:
        self._day: int | None = None

    def note(self, week: Week) -> None:
        """Looks at a week; the ledger's first one tells."""
        if self._day is None:
            seen = [int(deals.captured.min()) for deals in (week.open, week.wins) if len(deals)]
            self._day = min([*seen, day_number(week.on - timedelta(days=6))])

    def holds(self, span: Span) -> bool:
        """Whether the ledger holds the period from its first days on."""
        return self._day is not None and day_number(span.begin) + _SLACK_DAYS >= self._day
