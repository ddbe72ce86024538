"""What carries a forecast: the deals that may be won, those that don't exist yet, and how much chance must stay in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from salesledger.forecast.week import Deals, Real


@dataclass(frozen=True)
class Carriers:
    """What the mean of a period's forecast is made of, by the hazard model.

    Attributes:
        won: what is won in the period already, as known at the origin.
        deals: the deals that are open.
        chance: the chance of each to be won within the period.
        worth: what each is expected to be worth if it is won.
        expected: chance times worth.
        new: the expected bookings from leads that are not known yet.
        new_by: the same by the codes of owner, team, source, product and segment.
        spread: the standard deviation of the bookings that a forecaster who knew every chance exactly would still be left with.
    """

    won: float
    deals: Deals
    chance: Real
    worth: Real
    expected: Real
    new: float
    new_by: Mapping[str, Real]
    spread: float


@dataclass(frozen=True)
class Reason:
    """Something that makes a deal more or less likely than others to be won.

    Attributes:
        what: such as 'source', 'owner' or 'weeks in stage'.
        value: such as 'referral'.
        times: how many times as likely as on average that makes a win within a week: 1 changes nothing.
    """

    what: str
    value: str
    times: float


@dataclass(frozen=True)
class Outlook:
    """What may become of one deal, week by week from the origin.

    Attributes:
        won: the chance that it is won by the end of each week.
        lost: the chance that it is lost by then.
        worth: what it is expected to be worth if it is won.
        reasons: what speaks for and against it, the strongest first.
    """

    won: Real
    lost: Real
    worth: float
    reasons: tuple[Reason, ...]
