"""From a ledger to the weeks that models are shown: each holds what was known at its end, and nothing that was learned later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from salesledger.domain.clocks import from_micros, to_micros
from salesledger.forecast.promises import Promises
from salesledger.forecast.spans import NOWHERE, Spans, read_told
from salesledger.forecast.week import (
    GONE,
    LATE_WEEKS,
    LOST,
    STAYED,
    UNKNOWN_DAY,
    WON,
    Deals,
    Lags,
    Mask,
    Names,
    Steps,
    Week,
    Whole,
    day_number,
)
from salesledger.readmodel.engine import Engine, Question

WORDS = ("owner", "team", "source", "product", "segment", "account", "category", "growth")
"""The attributes that have codes."""

LATE_DAYS = 7 * LATE_WEEKS - 1
"""How much later than it happened a step may be known, to be learned from: a day less than the weeks, as days differ in hours."""

_RENEWED = """
    SELECT e.deal, e.entry, greatest(e.known_at, e.effective_at) AS seen_at, v.known_at AS struck_at, v.strikes
    FROM events e
    LEFT JOIN events v ON v.type = 'event-voided' AND v.void_root = e.entry
    WHERE e.type = 'subscription-renewed' AND e.deal IS NOT NULL
    ORDER BY e.entry, v.entry
"""
_RATES_CHANGED = """
    SELECT DISTINCT greatest(known_at, effective_at) AS seen_at
    FROM events
    WHERE type = 'rate-set' OR type = 'event-voided' AND void_root IN (SELECT entry FROM events WHERE type = 'rate-set')
    ORDER BY seen_at
"""
_LAGS = """
    SELECT
        CASE
            WHEN captured_at IS NOT NULL THEN 0
            WHEN status = 'won' THEN 2
            WHEN status IN ('lost', 'disqualified') THEN 3
            ELSE 1
        END AS kind,
        greatest(known_at, effective_at) AS seen_at,
        greatest(date_diff('day', effective_at, known_at), 0) AS days
    FROM deal_entries
    WHERE status IS NOT NULL OR stage IS NOT NULL
    ORDER BY seen_at, entry
"""


@dataclass
class Feed:
    """The weeks of a ledger up to an origin.

    Attributes:
        grid: the ends of the weeks: instants in microseconds since 1970; the last is the origin.
        days: the day of each.
        now: what was believed at each moment, with what was known at it.
        late: what was believed of each moment LATE_DAYS later.
    """

    engine: Engine
    grid: Whole
    days: Sequence[date]
    now: Spans
    late: Spans
    names: Names
    first_seen: Mapping[str, Whole]
    lag_kinds: Whole
    lag_days: Whole
    lag_seen: Whole
    promises: Promises
    renewed: Mapping[int, Sequence[tuple[int, int]]]
    rates_changed: Whole
    upto: int | None = None
    _rates: dict[int, dict[str, float]] = field(default_factory=dict)

    @classmethod
    def open(cls, engine: Engine, at: datetime, upto: int | None = None) -> Feed | None:
        """Read what was known by an origin.

        Args:
            engine: the ledger's reader.
            at: the origin, aware: the last week ends there.
            upto: nothing behind this entry of the log is looked at.

        Returns:
            None where no deal was known by then.
        """
        question = Question(as_of=at, known_at=at, upto=upto)
        read = read_told(engine, question, LATE_DAYS, WORDS)
        if read is None:
            return None
        grid, days = weeks_until(at, read.first, engine)
        seen = engine.query(_LAGS, question).fetchnumpy()
        codes = {deal: number for number, deal in enumerate(read.names.deals)}
        renewed: dict[int, list[tuple[int, int]]] = {}
        for deal, entry_spans in _standing(engine, question).items():
            if deal in codes:
                renewed[codes[deal]] = entry_spans
        return cls(
            engine,
            grid,
            days,
            read.spans(read.now, grid),
            read.spans(read.late, grid),
            read.names,
            read.first_seen,
            np.asarray(seen["kind"], dtype=np.int64),
            np.asarray(seen["days"], dtype=np.int64),
            _whole_micros(seen["seen_at"]),
            Promises.read(engine, question),
            renewed,
            _whole_micros(engine.query(_RATES_CHANGED, question).fetchnumpy()["seen_at"]),
            upto,
        )

    def weeks(self) -> Iterator[Week]:
        """Each week, in order."""
        heard = 0
        for number, at in enumerate(self.grid):
            until = int(np.searchsorted(self.lag_seen, at, side="right"))
            calls, targets = self.promises.at(int(at))
            yield Week(
                number=number,
                at=from_micros(int(at)),
                on=self.days[number],
                open=self._open(self.now, number, number),
                wins=self._wins(number),
                steps=self._steps(number),
                lags=Lags(self.lag_kinds[heard:until], self.lag_days[heard:until]),
                calls=calls,
                targets=targets,
                levels={name: int(np.searchsorted(first, at, side="right")) for name, first in self.first_seen.items()},
                names=self.names,
            )
            heard = until

    def _open(self, spans: Spans, number: int, told_at: int) -> Deals:
        """The deals that were open at the end of a week."""
        rows = spans.open_at(number)
        return self._deals(spans, rows[~self._renewal(spans, rows, told_at)], number, told_at)

    def _renewal(self, spans: Spans, rows: Whole, told_at: int) -> Mask:
        """Which rows are of deals that renew a subscription: these are no new bookings."""
        found: Mask = spans.whole("growth")[rows] == spans.renewal
        if self.renewed:
            at = int(self.grid[told_at])
            renewing = [deal for deal, times in self.renewed.items() if any(a <= at < b for a, b in times)]
            found |= np.isin(spans.whole("deal")[rows], np.array(renewing, dtype=np.int64))
        return found

    def _wins(self, number: int) -> Deals:
        rows = self.now.won_at(number)
        return self._deals(self.now, rows[~self._renewal(self.now, rows, number)], number, number)

    def _deals(self, spans: Spans, rows: Whole, number: int, told_at: int) -> Deals:
        of: dict[str, Any] = {name: values[rows] for name, values in spans.columns.items()}
        since, currency, _ = of.pop("since"), of.pop("currency"), of.pop("status")
        for place in np.flatnonzero(currency):
            rate = self._rate(spans.currencies[currency[place]], int(of["closed"][place]), told_at)
            of["value"][place] *= rate
            of["recurring"][place] *= rate
        return Deals(weeks=np.maximum(self.grid[number] - since, 0) // _WEEK, **of)

    def _rate(self, currency: str, closed: int, told_at: int) -> float:
        """The exchange rate of an open deal at an origin, or of the day on which a deal was closed; NaN where none was known."""
        told = int(np.searchsorted(self.rates_changed, self.grid[told_at], side="right"))
        if told not in self._rates:
            at = from_micros(int(self.grid[told_at]))
            question = Question(as_of=at, known_at=at, upto=self.upto)
            table = {
                f"{currency} {day_number(day)}": float(rate)
                for currency, day, rate in self.engine.ask("SELECT currency, day, rate FROM rate_days", question).rows
            }
            table |= {
                currency: float(rate)
                for currency, rate in self.engine.ask("SELECT currency, rate FROM rates", question).rows
            }
            self._rates = {told: table}
        table = self._rates[told]
        return table.get(f"{currency} {closed}", table.get(currency, np.nan))

    def _steps(self, number: int) -> Steps | None:
        """What happened in the week that is long enough ago."""
        after = number - LATE_WEEKS
        if after < 1:
            return None
        before = self._open(self.late, after - 1, number)
        rows = self.late.row_at(before.deal, after)
        there = rows != NOWHERE
        outcome = np.full(len(before), GONE)
        outcome[there] = _OUTCOMES[self.late.whole("status")[rows[there]]]
        outcome[there] = np.where(self._renewal(self.late, rows[there], number), GONE, outcome[there])
        stage, value = before.stage.copy(), before.value.copy()
        stage[there] = self.late.whole("stage")[rows[there]]
        closed = np.full(len(before), UNKNOWN_DAY)
        told = self._deals(self.late, rows[there], after, number)
        value[there], closed[there] = told.value, told.closed
        fresh = self.late.first_at(after)
        fresh = fresh[self.late.whole("captured")[fresh] > day_number(self.days[after - 1])]
        fresh = fresh[~self._renewal(self.late, fresh, number)]
        return Steps(
            begins_on=self.days[after - 1] + timedelta(days=1),
            ends_on=self.days[after] + timedelta(days=1),
            before=before,
            outcome=outcome,
            stage=stage,
            value=value,
            closed=closed,
            arrived=self._deals(self.late, fresh, after, number),
            arrived_outcome=_OUTCOMES[self.late.whole("status")[fresh]],
        )


_WEEK = 7 * 86_400_000_000
_OUTCOMES = np.array([STAYED, WON, LOST, LOST])
"""By the status of a row: open, won, lost, disqualified."""


def _whole_micros(moments: Any) -> Whole:
    """Instants of DuckDB's as microseconds since 1970."""
    whole: Whole = np.asarray(moments).astype("datetime64[us]").astype(np.int64)
    return whole


def weeks_until(at: datetime, first: int, engine: Engine) -> tuple[Whole, list[date]]:
    """The ends of the weeks up to an origin, at its time of day, back to the first that anything was known at.

    A day's end is the next midnight: an origin at the very end of a day stands for the whole of it.
    """
    zone = engine.head.zone
    local = at.astimezone(zone)
    grid, days = [], []
    weeks = 0
    while True:
        day = local.date() - timedelta(weeks=weeks)
        moment = datetime.combine(day, local.time(), tzinfo=zone).astimezone(UTC)
        grid.append(to_micros(moment))
        days.append(day)
        if grid[-1] < first:
            break
        weeks += 1
    if len(grid) > 1:
        grid, days = grid[:-1], days[:-1]
    return np.array(grid[::-1]), days[::-1]


def _standing(engine: Engine, question: Question) -> dict[str, list[tuple[int, int]]]:
    """The deals that subscriptions were renewed with: from when, and up to when, that was believed."""
    never = np.iinfo(np.int64).max
    told: dict[int, tuple[str, list[tuple[int, int]]]] = {}
    for deal, entry, seen_at, struck_at, strikes in engine.ask(_RENEWED, question).rows:
        found = told.setdefault(entry, (deal, [(to_micros(seen_at.replace(tzinfo=UTC)), never)]))[1]
        if struck_at is None:
            continue
        moment = to_micros(struck_at.replace(tzinfo=UTC))
        if strikes and found and found[-1][1] == never:
            found[-1] = (found[-1][0], max(moment, found[-1][0]))
        elif not strikes:
            found.append((moment, never))
    spans: dict[str, list[tuple[int, int]]] = {}
    for deal, found in told.values():
        spans.setdefault(deal, []).extend(found)
    return spans
