"""Targets that managers set, and forecasts that people call: one stream for each person, team, or the whole business."""

from typing import Literal, Self

from pydantic import BaseModel, model_validator

from salesledger.domain.events import Event
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


def stream_of(owner: str | None, team: str | None, team_id: str | None) -> str:
    """The id of the stream for a person, a team (whose id is made of its name) or the whole business."""
    return owner or (f"team-{team_id}" if team else WHOLE)


def refuse(event: Event, own: str | None) -> str | None:
    """Why the promise is impossible, or None."""
    if isinstance(event, TargetSet | ForecastCalled) and event.currency != own:
        return f"targets and calls are in the ledger's currency, {own}; convert {event.currency} first"
    return None
