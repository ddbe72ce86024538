"""Targets that managers set, forecasts that people call and that models gave: a stream a person, team, or the whole business."""

from itertools import pairwise
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from salesledger.domain.events import Entry, Event
from salesledger.domain.values import Amount, Currency, Date, Id, Text

WHOLE = "all"
"""The stream of what holds for the whole business."""

Call = Literal["pipeline", "best-case", "commit"]


class Promise(BaseModel):
    """An amount for a period, of a person, of a team, or of the whole business where neither is named.

    Attributes:
        begins_on: the period's first day.
        ends_on: the day after its last.
    """

    owner: Id | None = None
    team: Text | None = None
    begins_on: Date
    ends_on: Date
    amount: Amount
    currency: Currency

    @model_validator(mode="after")
    def _sane(self) -> Self:
        if self.owner is not None and self.team is not None:
            raise ValueError("it is a person's or a team's, not both")
        if self.begins_on >= self.ends_on:
            raise ValueError(f"a period that begins on {self.begins_on} can't end on {self.ends_on}")
        return self


class TargetSet(Event, Promise):
    """A quota: what is to be booked in a period. One that was set before for the same period is replaced."""

    TOPIC = "target-set/1"
    STREAM = "target"


class ForecastCalled(Event, Promise):
    """What somebody says will be booked in a period, won deals included.

    Attributes:
        call: how sure: commit, best-case or pipeline.
    """

    TOPIC = "forecast-called/1"
    STREAM = "target"

    call: Call = "commit"


class ForecastIssued(Event):
    """A forecast that a model gave of the whole business, as it was given: it is scored once its period is over.

    Attributes:
        model: its name.
        begins_on: the period's first day.
        ends_on: the day after its last.
        origin: the day at whose end it was asked, and behind which nothing was known to it.
        upto: the last entry of the ledger then.
        mean: the expected bookings.
        lo_95: the ends of the interval that holds 95 %, and of that which holds 80 %, with the median; absent of a point forecast.
    """

    TOPIC = "forecast-issued/1"
    STREAM = "target"

    model: Id
    begins_on: Date
    ends_on: Date
    origin: Date
    upto: Entry = Field(ge=1)
    mean: Amount
    lo_95: Amount | None = None
    lo_80: Amount | None = None
    median: Amount | None = None
    hi_80: Amount | None = None
    hi_95: Amount | None = None
    currency: Currency

    @model_validator(mode="after")
    def _sane(self) -> Self:
        if self.begins_on >= self.ends_on:
            raise ValueError(f"a period that begins on {self.begins_on} can't end on {self.ends_on}")
        told = [a for a in (self.lo_95, self.lo_80, self.median, self.hi_80, self.hi_95) if a is not None]
        if len(told) not in (0, 5):
            raise ValueError("lo_95, lo_80, median, hi_80 and hi_95 go together")
        if any(low > high for low, high in pairwise(told)):
            raise ValueError("lo_95, lo_80, median, hi_80 and hi_95 rise")
        return self


def stream_of(owner: str | None, team: str | None, team_id: str | None) -> str:
    """The id of the stream for a person, a team (whose id is made of its name) or the whole business."""
    return owner or (f"team-{team_id}" if team else WHOLE)


def refuse(event: Event, own: str | None) -> str | None:
    """Why the promise is impossible, or None."""
    if isinstance(event, TargetSet | ForecastCalled | ForecastIssued) and event.currency != own:
        return f"targets, calls and forecasts are in the ledger's currency, {own}; convert {event.currency} first"
    return None
