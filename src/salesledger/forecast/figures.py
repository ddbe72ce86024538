"""The figures of a forecast as rows: what is expected, what it is made of, and what it means for the quota."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from salesledger.forecast.ask import Asked, Facts
from salesledger.forecast.carriers import Carriers
from salesledger.forecast.distribution import LEVELS, Forecast, TooLittle
from salesledger.forecast.rows import Told, cents
from salesledger.forecast.week import Deals, Real, Span, Week, day_number

COLUMNS = (
    *("period", "model", "origin", "horizon_days", "mean", "lo-95", "lo-80", "median", "hi-80", "hi-95", "currency"),
    *("won", "won_deals", "open", "open_deals", "new", "one_off", "recurring", "noise_floor"),
    *("quota", "gap", "quota_chance", "renewals_due", "renewals_expected", "why", "note"),
)
"""The keys of a period's row, in order."""

NARROW = 1.2816
"""The half-width, in standard deviations, of the interval that holds 80 % of a normal distribution."""

_PAST_YEAR = 365


@dataclass(frozen=True)
class Parts:
    """What a forecast's mean is made of, in cents that add up to it.

    Attributes:
        won: booked already.
        open: from deals that are open.
        new: from leads that nobody knows yet.
        recurring: the part of all three that is paid regularly, first terms only.
    """

    won: Decimal
    open: Decimal
    new: Decimal
    recurring: Decimal


def carriers_of(asked: Asked, span: Span) -> tuple[Carriers, bool]:
    """What carries the forecast of a period: as the hazard model sees it, else by what the process says of each stage.

    Returns:
        The carriers, and whether they are the hazard model's.
    """
    week = asked.said.week
    found = asked.hazard.carriers(week, span)
    return (found, True) if isinstance(found, Carriers) else (_plain(week, span), False)


def _plain(week: Week, span: Span) -> Carriers:
    """Default probability times amount of every open deal."""
    worth = np.nan_to_num(week.open.value)
    expected = week.open.chance * worth
    return Carriers(
        week.booked(span.begin, span.end), week.open, week.open.chance, worth, expected, 0.0, {}, float("nan")
    )


def row_of(told: Told, facts: Facts, asked: Asked, currency: str | None) -> dict[str, object]:
    """The row of a period; what can't be told is empty."""
    row = dict.fromkeys(COLUMNS) | told.row()
    row |= {"currency": currency, "won": facts.won, "won_deals": facts.won_deals, "quota": facts.quota}
    row["why"] = told.why
    row["open_deals"] = len(asked.said.week.open)
    row["renewals_due"] = facts.renewals_due
    if facts.renewal_share is not None:
        row["renewals_expected"] = cents(float(facts.renewals_due) * facts.renewal_share)
    if facts.quota is not None:
        row["gap"] = facts.quota - facts.won
    if isinstance(told.answer, TooLittle):
        return row
    carriers, is_hazard = carriers_of(asked, told.span)
    parts = parts_of(told.answer, facts, carriers, asked.said.week, told.span)
    row |= {"open": parts.open, "new": parts.new, "recurring": parts.recurring}
    row["one_off"] = parts.won + parts.open + parts.new - parts.recurring
    own_mean = carriers.won + float(np.sum(carriers.expected)) + carriers.new
    if is_hazard and own_mean > 0:
        row["noise_floor"] = NARROW * carriers.spread / own_mean
    if facts.quota is not None:
        row["quota_chance"] = chance_of(told.answer, float(facts.quota))
    return row


def chance_of(forecast: Forecast, amount: float) -> float | None:
    """The chance that at least an amount is booked; None of a point forecast."""
    if forecast.quantiles is None:
        return None
    return 1 - float(np.interp(amount, forecast.quantiles, LEVELS, left=0, right=1))


def parts_of(forecast: Forecast, facts: Facts, carriers: Carriers, week: Week, span: Span) -> Parts:
    """The mean taken apart: what is won is exact, the rest is divided as the carriers are."""
    rest = max(cents(forecast.mean) - facts.won, Decimal(0))
    of_deals = float(np.sum(carriers.expected))
    total = of_deals + carriers.new
    from_open = cents(float(rest) * of_deals / total) if total > 0 else Decimal(0)
    won = week.won_in(span.begin, span.end)
    past = week.wins[week.wins.closed > day_number(week.on) - _PAST_YEAR]
    usual = recurring_share(past, np.nan_to_num(past.value))
    recurring = float(np.nansum(won.recurring))
    recurring += float(from_open) * recurring_share(carriers.deals, carriers.expected, usual)
    recurring += float(rest - from_open) * usual
    return Parts(facts.won, from_open, rest - from_open, cents(recurring))


def recurring_share(deals: Deals, weight: Real, usual: float = 0.0) -> float:
    """How much of some deals' weight is paid regularly; of a deal without an amount as much as usual."""
    known = deals.value > 0
    share = np.full(len(deals), usual)
    share[known] = deals.recurring[known] / deals.value[known]
    total = float(np.sum(weight))
    return float(np.sum(weight * share)) / total if total > 0 else usual
